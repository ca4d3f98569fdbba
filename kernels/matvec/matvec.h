// Few rows times matrices that read them: the linear layers of decoding, where every weight is read once and used a few times.
//
//   x       [rows, inputs]
//   weight  [outputs, inputs]     of each matrix
//   bias    [outputs]             or nullptr
//   out     [rows, outputs]       x weight^T + bias; with `add` that is added to what is there
//
// Matrices that share their input are given together: they are one piece of work for the threads. Products are summed in
// fp32. A row's bits do not depend on the rows beside it.
#pragma once

#include "kernels/cost/cost.h"
#include "kernels/parallel.h"

#include <span>

namespace fluxscope {

struct MatvecShape {
    std::int64_t rows = 0;
    std::int64_t inputs = 0;
    cost::DType type = cost::DType::F32;  // of everything
};

struct Matvec {
    const void* weight = nullptr;
    const void* bias = nullptr;
    void* out = nullptr;
    std::int64_t outputs = 0;
    bool add = false;
};

// Up to here it is faster than a matrix product of a library: 2.0 against 2.7 ms for a token of 9 M weights.
inline constexpr std::int64_t kMatvecRows = 4;

// The definition. Everything is fp32.
void matvecReference(const MatvecShape& shape, const float* x, std::span<const Matvec> matrices);

// Up to AVX-512, picked at run time; the same bits whatever `parallel` does.
void matvecCpu(const MatvecShape& shape, const void* x, std::span<const Matvec> matrices,
               const ParallelFor& parallel);

}  // namespace fluxscope
