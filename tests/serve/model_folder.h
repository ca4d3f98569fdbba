// A folder for a test, with the tiny model in it.
#pragma once

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>

namespace fluxscope::testing {

inline int exitCodeOf(std::string program, std::string argument) {
    std::array<char*, 3> arguments{program.data(), argument.data(), nullptr};
    pid_t child = 0;
    if (::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments.data(), environ) != 0) return -1;
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class ModelFolder {
public:
    explicit ModelFolder(const std::string& name)
        : path(std::filesystem::temp_directory_path() / (name + "-" + std::to_string(::getpid()))) {
        std::filesystem::create_directories(path);
        EXPECT_EQ(exitCodeOf(FLUXSCOPE_TINY_MODEL, model().string()), 0);
    }
    ~ModelFolder() { std::filesystem::remove_all(path); }
    ModelFolder(const ModelFolder&) = delete;
    ModelFolder& operator=(const ModelFolder&) = delete;

    std::filesystem::path model() const { return path / "model"; }

    const std::filesystem::path path;
};

}  // namespace fluxscope::testing
