#include "app/cli/doctor/finding.h"
#include "app/cli/terminal.h"
#include "app/start/sample.h"
#include "engine/contract/error.h"
#include "version/version.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

namespace fluxscope::cli {
namespace {

// The value of "key<spaces>: value" in a file of /proc, empty where there is none.
std::string procValue(const char* file, std::string_view key) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with(key)) continue;
        const std::size_t colon = line.find(':');
        const std::size_t begin =
            colon == std::string::npos ? colon : line.find_first_not_of(" \t", colon + 1);
        return begin == std::string::npos ? std::string{} : line.substr(begin);
    }
    return {};
}

Finding cpu() {
    const std::string flags = ' ' + procValue("/proc/cpuinfo", "flags") + ' ';
    std::string vectors;
    for (const char* name : {"avx2", "avx512f", "avx512_bf16", "amx_bf16"})
        if (flags.find(' ' + std::string(name) + ' ') != std::string::npos)
            vectors += std::string(" ") + name;
    const bool fast = vectors.find("avx2") != std::string::npos;
    const std::string model = procValue("/proc/cpuinfo", "model name");
    return {"cpu",
            printable(model.empty() ? "unknown" : model) + ", " +
                std::to_string(std::thread::hardware_concurrency()) + " cores," +
                (vectors.empty() ? " no AVX2" : vectors),
            fast, fast ? "" : "runs on this CPU will be slow: use a machine with AVX2, or a GPU"};
}

Finding memory() {
    const auto bytes = [](const char* key) {
        return std::strtoll(procValue("/proc/meminfo", key).c_str(), nullptr, 10) * 1024;
    };
    const long long total = bytes("MemTotal");
    const long long available = bytes("MemAvailable");
    const bool enough = available > 2'000'000'000;
    return {"memory", byteText(available) + " free of " + byteText(total), enough,
            enough ? "" : "close other programs: a model's weights and its KV must fit"};
}

Finding engine() {
    const BuildInfo& build = buildInfo();
    if (build.flavour == "viewer")
        return {"engine", "none in this build", false,
                "build with -DFLUXSCOPE_ENGINE=ON to load models here"};
    return {"engine", "LibTorch " + std::string(build.torch) + ", flavour " + std::string(build.flavour),
            true, ""};
}

Finding sample() {
    try {
        return {"sample", printable(modelFolder("sample").string()), true, ""};
    } catch (const Error& error) {
        return {"sample", "not found", false, error.remedy()};
    }
}

}  // namespace

std::vector<Finding> machineFindings() { return {cpu(), memory(), engine(), sample()}; }

}  // namespace fluxscope::cli
