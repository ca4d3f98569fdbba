# Where tools/setup put things, without knowing the Python version in the path:
#   FLUXSCOPE_PYTHON          the interpreter of .venv
#   FLUXSCOPE_SITE_PACKAGES   its site-packages: torch/, nvidia/cu13/
#   FLUXSCOPE_VENV_HAS_CUDA   ON when .venv is of the cuda flavour
set(FLUXSCOPE_PYTHON "${CMAKE_CURRENT_SOURCE_DIR}/.venv/bin/python")
file(GLOB FLUXSCOPE_SITE_PACKAGES LIST_DIRECTORIES true "${CMAKE_CURRENT_SOURCE_DIR}/.venv/lib/python3.*/site-packages")
list(LENGTH FLUXSCOPE_SITE_PACKAGES count)
if(NOT count EQUAL 1)
    message(FATAL_ERROR "There is no usable .venv: run tools/setup first.")
endif()
if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/.venv/stamp-cuda")
    set(FLUXSCOPE_VENV_HAS_CUDA ON)
    # One CUDA everywhere: the wheels' compiler, never one that a machine happens to have in PATH.
    set(CMAKE_CUDA_COMPILER "${FLUXSCOPE_SITE_PACKAGES}/nvidia/cu13/bin/nvcc" CACHE FILEPATH "nvcc from the wheels")
    set(CUDAToolkit_ROOT "${FLUXSCOPE_SITE_PACKAGES}/nvidia/cu13" CACHE PATH "CUDA from the wheels")
else()
    set(FLUXSCOPE_VENV_HAS_CUDA OFF)
endif()
