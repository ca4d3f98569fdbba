#include "kernels/detail/prefill_tiles.h"
#include "kernels/streaming/streaming.h"

namespace fluxscope {

void streamingCpu(const cost::AttentionShape& shape, const void* q, const KeysValues& kv, void* out,
                  const ParallelFor& parallel) {
    attendByTiles(shape, q, kv, out, parallel);
}

}  // namespace fluxscope
