# How every translation unit of ours is compiled.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)  # g++ 14 would scan each file for modules that nobody has
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT DEFINED CMAKE_COMPILE_WARNING_AS_ERROR)
    set(CMAKE_COMPILE_WARNING_AS_ERROR ON)
endif()

# assert() stays on in release: it guards invariants, and what is hot must not assert per element anyway.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-Og -g -D_GLIBCXX_ASSERTIONS")
set(CMAKE_CUDA_FLAGS_RELEASE "-O2 -lineinfo")

# A designated initializer that leaves members at their default is how this house writes values: no warning for it.
add_compile_options(
    "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wnon-virtual-dtor;-Woverloaded-virtual;-Wcast-qual;-Wformat=2;-Wimplicit-fallthrough;-Wno-missing-field-initializers>"
    # kernels/cost is constexpr and serves host and device alike.
    "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra;--expt-relaxed-constexpr>")
add_link_options(LINKER:--as-needed)

# The presets asan and tsan. Under a sanitizer g++ warns of things that are not there, so they take warnings for warnings.
set(FLUXSCOPE_SANITIZE "" CACHE STRING "address (and with it UndefinedBehaviorSanitizer), thread, or nothing")
set_property(CACHE FLUXSCOPE_SANITIZE PROPERTY STRINGS "" address thread)
if(FLUXSCOPE_SANITIZE)
    if(FLUXSCOPE_SANITIZE STREQUAL "address")
        set(sanitizers address,undefined)
    elseif(FLUXSCOPE_SANITIZE STREQUAL "thread")
        set(sanitizers thread)
    else()
        message(FATAL_ERROR "FLUXSCOPE_SANITIZE is '${FLUXSCOPE_SANITIZE}': it takes address or thread.")
    endif()
    set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1 -D_GLIBCXX_ASSERTIONS")  # -Og for a debugger is slow enough without a sanitizer
    add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${sanitizers};$<$<STREQUAL:${FLUXSCOPE_SANITIZE},address>:-fno-sanitize-recover=undefined>;-fno-omit-frame-pointer>")
    add_link_options(-fsanitize=${sanitizers})
endif()

option(FLUXSCOPE_FUZZ "Fuzz targets instead of replayed corpora (the preset fuzz)" OFF)
if(FLUXSCOPE_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# bin/ and lib/ side by side, as in the bundle: a program finds libfluxscope_serve.so in ../lib.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

# Paths relative to the source tree let build folders and clones share one cache.
find_program(FLUXSCOPE_CCACHE ccache)
if(FLUXSCOPE_CCACHE)
    set(launcher env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1
        CCACHE_SLOPPINESS=pch_defines,time_macros "${FLUXSCOPE_CCACHE}")
    set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
    set(CMAKE_CUDA_COMPILER_LAUNCHER ${launcher})
endif()
