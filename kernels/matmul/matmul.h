// Many rows times matrices that read them, in fp32: the linear layers of prefill.
//
//   x       [rows, inputs]
//   weight  [outputs, inputs]     of each matrix, read where it lies
//   bias    [outputs]             or nullptr
//   out     [rows, outputs]       x weight^T + bias; with `add` that is added to what is there
//
// gated:     out = g / (1 + exp(-g)) * u, where g and u are the products of two matrices with as many outputs
//
// Matrices that share their input are given together: they are one piece of work for the threads. A row's bits do not depend
// on the rows beside it, so a prompt may be cut into chunks anywhere.
#pragma once

#include "kernels/parallel.h"

#include <cstdint>
#include <span>

namespace fluxscope {

struct MatmulShape {
    std::int64_t rows = 0;
    std::int64_t inputs = 0;
};

struct Matmul {
    const float* weight = nullptr;
    const float* bias = nullptr;
    float* out = nullptr;
    std::int64_t outputs = 0;
    bool add = false;
};

// The gate's and up's `out` and `add` have no meaning.
struct GatedMatmul {
    Matmul gate;
    Matmul up;
    float* out = nullptr;
};

// The definitions.
void matmulReference(const MatmulShape& shape, const float* x, std::span<const Matmul> matrices);
void gatedMatmulReference(const MatmulShape& shape, const float* x, const GatedMatmul& gated);

// Up to AVX-512, picked at run time; the same bits whatever `parallel` does.
void matmulCpu(const MatmulShape& shape, const float* x, std::span<const Matmul> matrices,
               const ParallelFor& parallel);
void gatedMatmulCpu(const MatmulShape& shape, const float* x, const GatedMatmul& gated,
                    const ParallelFor& parallel);

}  // namespace fluxscope
