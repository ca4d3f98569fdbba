# A room is a folder of the house with one target. Its headers are seen through links only.
#
#   fluxscope_room(<target> PATH <folder>)
#
# Call it after add_library / add_executable, in the room's own CMakeLists.txt:
#
#   add_library(fluxscope_profiler STATIC store/writer.cpp capture/feed.cpp)
#   fluxscope_room(fluxscope_profiler PATH profiler)
#   target_link_libraries(fluxscope_profiler PUBLIC fluxscope_contract PRIVATE SQLiteCpp spdlog::spdlog)
#
# and include from the root of the house: #include "profiler/capture/feed.h". The repository's root is no include folder;
# instead a room owns build/<preset>/rooms/<target>/<folder>, a link to its folder, and whoever links the target may look in.
# So including a room that one does not link, directly or along the arrows, does not compile.
#
# Targets and folders: fluxscope_cost kernels/cost (INTERFACE), fluxscope_contract engine/contract, fluxscope_tasks engine/tasks, fluxscope_kernels kernels,
# fluxscope_engine engine, fluxscope_profiler profiler, fluxscope_views views, fluxscope_protocol app/protocol,
# fluxscope_start app/start, fluxscope_serve app/serve (SHARED), and the programs fluxscope app/desktop, fluxscope-cli app/cli.
# Beside them: fluxscope_version ("version/version.h"), fluxscope_torch and fluxscope_torch_cuda (cmake/Torch.cmake).
# Names of system libraries: cmake/Libraries.cmake. Tests: cmake/FluxscopeTest.cmake.
function(fluxscope_room target)
    cmake_parse_arguments(PARSE_ARGV 1 room "" "PATH" "")
    if(NOT room_PATH OR room_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "fluxscope_room(<target> PATH <folder>)")
    endif()
    set(window "${CMAKE_BINARY_DIR}/rooms/${target}")
    cmake_path(GET room_PATH PARENT_PATH parent)
    file(MAKE_DIRECTORY "${window}/${parent}")
    file(CREATE_LINK "${CMAKE_SOURCE_DIR}/${room_PATH}" "${window}/${room_PATH}" SYMBOLIC)

    get_target_property(type ${target} TYPE)
    if(type STREQUAL "INTERFACE_LIBRARY")
        target_include_directories(${target} INTERFACE "${window}")
    else()
        target_include_directories(${target} PUBLIC "${window}")
    endif()
endfunction()

# Goes into each folder that has a CMakeLists.txt. While rooms are being built side by side, each in a build folder of its own:
#   cmake --preset release -B build/mine -DFLUXSCOPE_ROOMS="kernels/cost;kernels;tests/kernels"     takes only those
function(fluxscope_add_rooms)
    foreach(folder IN LISTS ARGN)
        if(FLUXSCOPE_ROOMS AND NOT folder IN_LIST FLUXSCOPE_ROOMS)
            continue()
        elseif(EXISTS "${CMAKE_SOURCE_DIR}/${folder}/CMakeLists.txt")
            add_subdirectory("${CMAKE_SOURCE_DIR}/${folder}" "${CMAKE_BINARY_DIR}/${folder}")
        else()
            message(STATUS "${folder} has no CMakeLists.txt yet")
        endif()
    endforeach()
endfunction()
