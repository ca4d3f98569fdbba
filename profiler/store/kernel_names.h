// A kernel's name as people read it.
#pragma once

#include <string>
#include <string_view>

namespace fluxscope {

// As c++filt says it; what is no mangled name stays as it is.
std::string demangledName(std::string_view mangled);

// Without return type, namespaces, template arguments and parameters, as Nsight Systems has it: 'void ns::gemm<float>(int*)' is 'gemm'.
std::string shortKernelName(std::string_view demangled);

}  // namespace fluxscope
