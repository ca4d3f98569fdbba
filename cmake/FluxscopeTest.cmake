# A GoogleTest executable, registered with ctest.
#
#   fluxscope_test(<name> SOURCES ... [LINKS ...] [GUI] [WHOLE] [LABELS ...] [TIMEOUT seconds])
#
#   fluxscope_test(profiler_store SOURCES store_test.cpp LINKS fluxscope_profiler)
#   fluxscope_test(gui_routing SOURCES routing_test.cpp main.cpp LINKS fluxscope_views Qt6::Test GUI TIMEOUT 120)
#
# Each TEST is a ctest test of its own, "<name>.Suite.test", found when ctest starts (not at build time, where a test that needs
# a display or a driver would abort). WHOLE registers the executable as one test, "<name>": for tests whose start-up is dear, such
# as those that load LibTorch. GUI does that too, runs under xvfb-run with the xcb platform, and brings no main(): give one
# that makes a QApplication. The others get GoogleTest's main unless LINKS has GTest::gtest alone.
# TIMEOUT is 60 s unless told. Tests run in the folder build/<preset>/tests/run, may write there only, and find
#   FLUXSCOPE_SOURCE_DIR, FLUXSCOPE_BINARY_DIR, FLUXSCOPE_PYTHON
# as macros (string literals). A test may include what it links, and its own folder's headers by root-relative path: "tests/...".
include(GoogleTest)
find_package(GTest REQUIRED)
find_program(FLUXSCOPE_XVFB_RUN xvfb-run)

# One folder link for all tests, as a room's: "tests/fixture/tiny_model.h".
add_library(fluxscope_testing INTERFACE)
fluxscope_room(fluxscope_testing PATH tests)
target_compile_definitions(fluxscope_testing INTERFACE
    FLUXSCOPE_SOURCE_DIR="${CMAKE_SOURCE_DIR}" FLUXSCOPE_BINARY_DIR="${CMAKE_BINARY_DIR}" FLUXSCOPE_PYTHON="${FLUXSCOPE_PYTHON}")
set(FLUXSCOPE_TEST_RUN "${CMAKE_BINARY_DIR}/tests/run")
file(MAKE_DIRECTORY "${FLUXSCOPE_TEST_RUN}")

# ctest reads it before any test: what the tests, and the programs they start, run with under a sanitizer.
if(FLUXSCOPE_SANITIZE)
    set(settings "${CMAKE_BINARY_DIR}/tests/sanitize/environment.cmake")
    configure_file("${CMAKE_SOURCE_DIR}/tests/sanitize/environment.cmake.in" "${settings}" @ONLY)
    set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${settings}")
endif()

function(fluxscope_test name)
    cmake_parse_arguments(PARSE_ARGV 1 test "GUI;WHOLE" "TIMEOUT" "SOURCES;LINKS;LABELS")
    if(NOT test_SOURCES OR test_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "fluxscope_test(<name> SOURCES ... [LINKS ...] [GUI] [WHOLE] [LABELS ...] [TIMEOUT n]); got ${test_UNPARSED_ARGUMENTS}")
    endif()
    if(NOT test_TIMEOUT)
        set(test_TIMEOUT 60)
    endif()
    if(FLUXSCOPE_SANITIZE STREQUAL "address")
        math(EXPR test_TIMEOUT "${test_TIMEOUT} * 4")
    elseif(FLUXSCOPE_SANITIZE STREQUAL "thread")
        math(EXPR test_TIMEOUT "${test_TIMEOUT} * 10")
    endif()

    add_executable(${name} ${test_SOURCES})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests/bin")
    target_link_libraries(${name} PRIVATE fluxscope_testing ${test_LINKS})
    if(test_GUI)
        target_link_libraries(${name} PRIVATE GTest::gtest GTest::gmock)
        set_target_properties(${name} PROPERTIES AUTOMOC ON)
        # xvfb-run -a looks for a free display and takes it a moment later: tests that start together need different first guesses.
        get_property(display GLOBAL PROPERTY FLUXSCOPE_NEXT_DISPLAY)
        if(NOT display)
            set(display 100)
        endif()
        math(EXPR next "${display} + 10")
        set_property(GLOBAL PROPERTY FLUXSCOPE_NEXT_DISPLAY ${next})
        add_test(NAME ${name}
            COMMAND "${FLUXSCOPE_XVFB_RUN}" -n ${display} -a -s "-screen 0 1920x1200x24" "$<TARGET_FILE:${name}>"
            WORKING_DIRECTORY "${FLUXSCOPE_TEST_RUN}")
        # Leaks inside Mesa and fontconfig are not ours to mend.
        set_tests_properties(${name} PROPERTIES LABELS "gui;${test_LABELS}" TIMEOUT ${test_TIMEOUT}
            ENVIRONMENT "QT_QPA_PLATFORM=xcb;ASAN_OPTIONS=detect_leaks=0")
    elseif(test_WHOLE)
        target_link_libraries(${name} PRIVATE GTest::gmock GTest::gtest_main)
        add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY "${FLUXSCOPE_TEST_RUN}")
        set_tests_properties(${name} PROPERTIES LABELS "${test_LABELS}" TIMEOUT ${test_TIMEOUT})
    else()
        target_link_libraries(${name} PRIVATE GTest::gmock GTest::gtest_main)
        gtest_discover_tests(${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
            WORKING_DIRECTORY "${FLUXSCOPE_TEST_RUN}" PROPERTIES LABELS "${test_LABELS}" TIMEOUT ${test_TIMEOUT})
    endif()
endfunction()
