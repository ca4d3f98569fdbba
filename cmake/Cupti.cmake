# NVIDIA's headers of CUPTI and NVML out of .venv. Only headers: the libraries are opened at run time, and a machine without
# them records with what is left.
#
#   fluxscope_cupti_headers   their include folder; FLUXSCOPE_HAVE_CUPTI is set when the headers are all there
#
# tools/requirements has the wheels for both flavours: nvidia-cuda-cupti, nvidia-cuda-runtime (cuda.h), nvidia-cuda-crt (what
# cuda's headers include) and nvidia-nvml-dev.
set(FLUXSCOPE_CUDA_HEADERS "${FLUXSCOPE_SITE_PACKAGES}/nvidia/cu13/include")
set(FLUXSCOPE_HAVE_CUPTI ON)
foreach(header cupti.h cupti_pmsampling.h cupti_range_profiler.h cuda.h crt/host_defines.h nvml.h)
    if(NOT EXISTS "${FLUXSCOPE_CUDA_HEADERS}/${header}")
        set(FLUXSCOPE_HAVE_CUPTI OFF)
        message(STATUS "${header} is not in .venv: GPU tracing and counters are left out (tools/setup brings it)")
    endif()
endforeach()
add_library(fluxscope_cupti_headers INTERFACE)
if(FLUXSCOPE_HAVE_CUPTI)
    target_include_directories(fluxscope_cupti_headers SYSTEM INTERFACE "${FLUXSCOPE_CUDA_HEADERS}")
endif()
