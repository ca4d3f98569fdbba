# fluxscope_version: "version/version.h" with buildInfo(). Configured in two steps: what CMake knows is written now, the git
# description at each build, and the source changes (and is compiled again) only when its text does.
if(DEFINED FLUXSCOPE_DESCRIBE)  # the second step: cmake -D... -P Version.cmake
    execute_process(COMMAND git -C "${SOURCE}" describe --tags --always --dirty
        OUTPUT_VARIABLE FLUXSCOPE_DESCRIPTION OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(NOT FLUXSCOPE_DESCRIPTION)
        set(FLUXSCOPE_DESCRIPTION unknown)
    endif()
    configure_file("${FLUXSCOPE_DESCRIBE}" "${OUTPUT}" @ONLY)
    return()
endif()

function(fluxscope_version)
    if(NOT FLUXSCOPE_ENGINE)
        set(FLUXSCOPE_FLAVOUR viewer)
    elseif(FLUXSCOPE_CUDA)
        set(FLUXSCOPE_FLAVOUR cuda)
    else()
        set(FLUXSCOPE_FLAVOUR cpu)
    endif()
    set(FLUXSCOPE_DESCRIPTION "@FLUXSCOPE_DESCRIPTION@")
    set(folder "${CMAKE_BINARY_DIR}/version")
    configure_file(cmake/version/version.cpp.in "${folder}/version.cpp.in" @ONLY)
    add_custom_target(fluxscope_describe
        COMMAND "${CMAKE_COMMAND}" "-DFLUXSCOPE_DESCRIBE=${folder}/version.cpp.in" "-DOUTPUT=${folder}/version.cpp"
            "-DSOURCE=${CMAKE_SOURCE_DIR}" -P "${CMAKE_SOURCE_DIR}/cmake/Version.cmake"
        BYPRODUCTS "${folder}/version.cpp"
        COMMENT "git describe")
    add_library(fluxscope_version STATIC "${folder}/version.cpp")
    add_dependencies(fluxscope_version fluxscope_describe)
    # The room is called version, wherever its folder lies.
    file(MAKE_DIRECTORY "${CMAKE_BINARY_DIR}/rooms/fluxscope_version")
    file(CREATE_LINK "${CMAKE_SOURCE_DIR}/cmake/version" "${CMAKE_BINARY_DIR}/rooms/fluxscope_version/version" SYMBOLIC)
    target_include_directories(fluxscope_version PUBLIC "${CMAKE_BINARY_DIR}/rooms/fluxscope_version")
endfunction()
