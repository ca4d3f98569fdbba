#include "profiler/store/kernel_names.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

TEST(KernelNames, areDemangledOrStayAsTheyAre) {
    EXPECT_EQ(demangledName("_ZN2ns4gemmIfEEvPT_i"), "void ns::gemm<float>(float*, int)");
    EXPECT_EQ(demangledName("nvjet_tst_128x256"), "nvjet_tst_128x256");
    EXPECT_EQ(demangledName("_Zbroken"), "_Zbroken");
    EXPECT_EQ(demangledName(""), "");
}

TEST(KernelNames, areShortWithoutNamespacesArgumentsAndParameters) {
    EXPECT_EQ(shortKernelName("void ns::gemm<float>(float*, int)"), "gemm");
    EXPECT_EQ(shortKernelName("nvjet_tst_128x256"), "nvjet_tst_128x256");
    EXPECT_EQ(shortKernelName("(anonymous namespace)::softmax<(int)3, a::B<c::D> >(float const*)"), "softmax");
    EXPECT_EQ(shortKernelName("void at::native::vectorized_elementwise_kernel<4, at::native::FillFunctor<float>, at::detail::Array<char*, 1> >(int, "
                              "at::native::FillFunctor<float>, at::detail::Array<char*, 1>)"),
              "vectorized_elementwise_kernel");
    EXPECT_EQ(shortKernelName("std::enable_if<!(false), void>::type internal::gemvx::kernel<int, (bool)1>(cublasGemvParams<double>)"), "kernel");
    EXPECT_EQ(shortKernelName("a::F::operator()(int) const"), "operator()");
    EXPECT_EQ(shortKernelName("void run<f(int)::{lambda(int)#1}>(f(int)::{lambda(int)#1})"), "run");
    EXPECT_EQ(shortKernelName("f(int)::{lambda(int)#1}::operator()(int) const"), "operator()");
    EXPECT_EQ(shortKernelName("<broken"), "<broken");
    EXPECT_EQ(shortKernelName(""), "");
}

}  // namespace
}  // namespace fluxscope
