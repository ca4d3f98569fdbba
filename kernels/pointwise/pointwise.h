// What stands between the matrix products of a layer, on the CPU: one pass over memory each. Everything is computed in fp32
// and rounded once, to shape.type, in which all numbers but cosines and sines lie; rows are contiguous.
//
// rmsNorm:    out[r] = x[r] / sqrt(mean(x[r]^2) + eps) * weight                x, out [rows, columns]; out may alias x
// turnHeads:  x[r, h] is normed in place, where there is a weight, over dim; then out[r, h] is it, turned:
//             the pair (x[i], x[i + dim/2]) by the angle whose cosine and sine are cos[r, i], sin[r, i]
//             x, out [rows, heads, dim], apart; weight [dim] or nullptr; cos, sin [rows, dim / 2], fp32; dim is even
// gate:       gate[i] = gate[i] / (1 + exp(-gate[i])) * up[i]                  i < elements
#pragma once

#include "kernels/cost/cost.h"
#include "kernels/parallel.h"

namespace fluxscope {

struct RmsNormShape {
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    float eps = 0;
    cost::DType type = cost::DType::F32;
};

struct TurnHeadsShape {
    std::int64_t rows = 0;
    std::int64_t heads = 0;
    std::int64_t dim = 0;
    float eps = 0;
    cost::DType type = cost::DType::F32;
};

struct GateShape {
    std::int64_t elements = 0;
    cost::DType type = cost::DType::F32;
};

// The definitions. Everything is fp32.
void rmsNormReference(const RmsNormShape& shape, const float* x, const float* weight, float* out);
void turnHeadsReference(const TurnHeadsShape& shape, float* x, const float* weight, const float* cos,
                        const float* sin, float* out);
void gateReference(const GateShape& shape, float* gate, const float* up);

// Up to AVX-512, picked at run time; the same bits whatever `parallel` does.
void rmsNormCpu(const RmsNormShape& shape, const void* x, const void* weight, void* out,
                const ParallelFor& parallel);
void turnHeadsCpu(const TurnHeadsShape& shape, void* x, const void* weight, const float* cos,
                  const float* sin, void* out, const ParallelFor& parallel);
void gateCpu(const GateShape& shape, void* gate, const void* up, const ParallelFor& parallel);

}  // namespace fluxscope
