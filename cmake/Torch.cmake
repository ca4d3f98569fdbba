# LibTorch and CUDA out of .venv. No find_package(Torch): it puts -gencode flags and include folders on every target and takes
# whatever libcudart it meets first.
#
#   fluxscope_torch        what the engine links: torch_cpu and c10; with CUDA also c10_cuda (streams, guards) and the CUDA runtime
#   fluxscope_torch_cuda   additionally loads torch_cuda, which registers the CUDA operators: app/serve and tests that use a GPU.
#                          It costs 0.1 s and 350 MB at start-up, so nobody else links it. With FLUXSCOPE_CUDA=OFF it is empty.
set(FLUXSCOPE_TORCH_VERSION 2.11.0)
set(torch_root "${FLUXSCOPE_SITE_PACKAGES}/torch")
set(cuda_root "${FLUXSCOPE_SITE_PACKAGES}/nvidia/cu13")
if(NOT EXISTS "${torch_root}/lib/libtorch_cpu.so")
    message(FATAL_ERROR "LibTorch is not in .venv: run tools/setup, or configure with -DFLUXSCOPE_ENGINE=OFF.")
endif()

function(fluxscope_imported_torch)
    foreach(name IN LISTS ARGN)
        add_library(${name} SHARED IMPORTED GLOBAL)
        set_target_properties(${name} PROPERTIES
            IMPORTED_LOCATION "${torch_root}/lib/lib${name}.so"
            INTERFACE_INCLUDE_DIRECTORIES "${torch_root}/include;${torch_root}/include/torch/csrc/api/include"
            SYSTEM ON)
    endforeach()
endfunction()

fluxscope_imported_torch(c10 torch_cpu)
target_link_libraries(torch_cpu INTERFACE c10)
# libtorch_cpu.so finds its own libraries by a path relative to itself when it is loaded; the linker wants to be told.
target_link_options(torch_cpu INTERFACE "LINKER:-rpath-link,${cuda_root}/lib")

# The OpenMP runtime that LibTorch brings, for our own threads to be its threads.
add_library(torch_openmp SHARED IMPORTED GLOBAL)
set_target_properties(torch_openmp PROPERTIES IMPORTED_LOCATION "${torch_root}/lib/libgomp.so.1")

add_library(fluxscope_torch INTERFACE)
add_library(fluxscope_torch_cuda INTERFACE)
target_link_libraries(fluxscope_torch INTERFACE torch_cpu c10 torch_openmp)
target_link_libraries(fluxscope_torch_cuda INTERFACE fluxscope_torch)
if(NOT FLUXSCOPE_CUDA)
    return()
endif()

set(CMAKE_CUDA_ARCHITECTURES "80;90a-real" CACHE STRING "sm_80 with PTX for all that follow, Hopper's own")
set(CMAKE_CUDA_RUNTIME_LIBRARY None)  # LibTorch's shared cudart is the one runtime
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)

fluxscope_imported_torch(c10_cuda torch_cuda)
target_link_libraries(c10_cuda INTERFACE c10 CUDA::cudart)
target_link_options(torch_cuda INTERFACE
    "LINKER:-rpath-link,${cuda_root}/lib:${FLUXSCOPE_SITE_PACKAGES}/nvidia/cudnn/lib:${FLUXSCOPE_SITE_PACKAGES}/nvidia/nccl/lib"
    "LINKER:-rpath-link,${FLUXSCOPE_SITE_PACKAGES}/nvidia/cusparselt/lib:${FLUXSCOPE_SITE_PACKAGES}/nvidia/nvshmem/lib")
target_link_libraries(fluxscope_torch INTERFACE c10_cuda CUDA::cudart)
# Nothing refers to a symbol of torch_cuda: loading it is the point.
target_link_libraries(fluxscope_torch_cuda INTERFACE
    "$<LINK_LIBRARY:FLUXSCOPE_ALWAYS,torch_cuda>")
set(CMAKE_LINK_LIBRARY_USING_FLUXSCOPE_ALWAYS_SUPPORTED TRUE)
set(CMAKE_LINK_LIBRARY_USING_FLUXSCOPE_ALWAYS "LINKER:--push-state,--no-as-needed" "<LINK_ITEM>" "LINKER:--pop-state")
