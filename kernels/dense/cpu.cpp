#include "kernels/dense/dense.h"
#include "kernels/detail/prefill_tiles.h"

namespace fluxscope {

void denseCpu(const cost::AttentionShape& shape, const void* q, const KeysValues& kv, void* out,
              const ParallelFor& parallel) {
    attendByTiles(cost::denseShape(shape.rows, shape.keys, shape.heads, shape.kvHeads, shape.dim, shape.type),
                  q, kv, out, parallel);
}

}  // namespace fluxscope
