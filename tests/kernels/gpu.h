// What the GPU tests of kernels share: memory over there, and numbers that an element type holds exactly.
#pragma once

#include "kernels/cost/cost.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <stdexcept>
#include <vector>

namespace fluxscope {

inline void require(cudaError_t error) {
    if (error != cudaSuccess) throw std::runtime_error(cudaGetErrorString(error));
}

class DeviceBuffer {
public:
    explicit DeviceBuffer(std::size_t bytes) : bytes_(bytes) { require(cudaMalloc(&data_, bytes)); }
    DeviceBuffer(const void* host, std::size_t bytes) : DeviceBuffer(bytes) {
        require(cudaMemcpy(data_, host, bytes, cudaMemcpyHostToDevice));
    }
    ~DeviceBuffer() { cudaFree(data_); }
    DeviceBuffer(const DeviceBuffer&) = delete;
    DeviceBuffer& operator=(const DeviceBuffer&) = delete;
    char* data() const { return static_cast<char*>(data_); }
    template <class T>
    T* as() const {
        return static_cast<T*>(data_);
    }
    void read(void* host) const { require(cudaMemcpy(host, data_, bytes_, cudaMemcpyDeviceToHost)); }
    template <class T>
    std::vector<T> values() const {
        std::vector<T> host(bytes_ / sizeof(T));
        read(host.data());
        return host;
    }

private:
    void* data_ = nullptr;
    std::size_t bytes_;
};

template <class T>
struct Element;
template <>
struct Element<float> {
    static constexpr cost::DType kType = cost::DType::F32;
    static constexpr float kTolerance = 2e-5F;
};
template <>
struct Element<__half> {
    static constexpr cost::DType kType = cost::DType::F16;
    static constexpr float kTolerance = 3e-3F;
};
template <>
struct Element<__nv_bfloat16> {
    static constexpr cost::DType kType = cost::DType::BF16;
    static constexpr float kTolerance = 2e-2F;  // outputs up to about 4, rounded to 8 bits
};
using Elements = testing::Types<float, __half, __nv_bfloat16>;

template <class T>
std::vector<T> narrowed(const std::vector<float>& values) {
    return {values.begin(), values.end()};
}
template <class T>
std::vector<float> widened(const std::vector<T>& values) {
    std::vector<float> wide;
    wide.reserve(values.size());
    for (const T value : values) wide.push_back(static_cast<float>(value));
    return wide;
}
template <class T>
DeviceBuffer uploaded(const std::vector<T>& values) {
    return {values.data(), values.size() * sizeof(T)};
}

class GpuTest : public testing::Test {
protected:
    void SetUp() override {
        int devices = 0;
        const cudaError_t error = cudaGetDeviceCount(&devices);
        if (error != cudaSuccess || devices == 0)
            GTEST_SKIP() << "no usable NVIDIA GPU here: "
                         << (error == cudaSuccess ? "none found" : cudaGetErrorString(error));
    }
};

}  // namespace fluxscope
