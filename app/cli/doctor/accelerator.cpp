// Everything NVIDIA is asked through dlopen: this program starts on machines that have none of it.
#include "app/cli/doctor/finding.h"
#include "app/cli/terminal.h"
#include "engine/contract/error.h"

#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <regex>

namespace fluxscope::cli {
namespace {

constexpr int kLeastDriver = 580;  // what CUDA 13.0 asks for
constexpr std::uint32_t kLeastCupti = 130001;

std::string firstLineOf(const char* file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

Finding driver() {
    const std::string line = firstLineOf("/proc/driver/nvidia/version");
    const std::string remedy = "install NVIDIA's driver 580 or newer; without it models run on the CPU";
    std::smatch version;
    if (line.empty()) return {"driver", "no NVIDIA driver", false, remedy};
    if (!std::regex_search(line, version, std::regex(R"(\s(\d{3,4})\.(\d+)(\.\d+)?\s)")))
        return {"driver", printable(line), false, remedy};
    const bool enough = std::stoi(version[1]) >= kLeastDriver;
    std::string number = version[0];
    number = number.substr(1, number.size() - 2);
    return {"driver", number, enough, enough ? "" : remedy};
}

// libcuda's own words. It is never closed again: the driver keeps threads.
Finding gpu() {
    const std::string remedy =
        "attach an NVIDIA GPU of compute capability 8.0 or newer; without one models run on the CPU";
    void* cuda = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (cuda == nullptr) return {"gpu", "libcuda.so.1 cannot be loaded", false, remedy};
    const auto init = reinterpret_cast<int (*)(unsigned)>(::dlsym(cuda, "cuInit"));
    const auto count = reinterpret_cast<int (*)(int*)>(::dlsym(cuda, "cuDeviceGetCount"));
    const auto name = reinterpret_cast<int (*)(char*, int, int)>(::dlsym(cuda, "cuDeviceGetName"));
    const auto memory = reinterpret_cast<int (*)(std::size_t*, int)>(::dlsym(cuda, "cuDeviceTotalMem_v2"));
    int devices = 0;
    if (init == nullptr || count == nullptr || name == nullptr || memory == nullptr || init(0) != 0 ||
        count(&devices) != 0 || devices == 0)
        return {"gpu", "libcuda.so.1 is there, but finds no device", false, remedy};
    std::string found;
    for (int device = 0; device < devices; ++device) {
        std::array<char, 256> text{};
        std::size_t bytes = 0;
        if (name(text.data(), static_cast<int>(text.size()) - 1, device) != 0 || memory(&bytes, device) != 0)
            continue;
        found += (found.empty() ? "" : ", ") + printable(text.data()) + ' ' +
                 byteText(static_cast<std::int64_t>(bytes));
    }
    return {"gpu", found, true, ""};
}

Finding cupti() {
    const std::string remedy =
        "install the wheel nvidia-cuda-cupti 13.0.85 or newer beside torch; without it GPU kernels are not "
        "traced";
    // The copy that LibTorch brought is already mapped; a second one would fight it for the driver.
    void* library = ::dlopen("libcupti.so.13", RTLD_NOW | RTLD_NOLOAD);
    if (library == nullptr) library = ::dlopen("libcupti.so.13", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return {"cupti", "libcupti.so.13 cannot be loaded", false, remedy};
    const auto version = reinterpret_cast<int (*)(std::uint32_t*)>(::dlsym(library, "cuptiGetVersion"));
    std::uint32_t number = 0;
    if (version == nullptr || version(&number) != 0)
        return {"cupti", "libcupti.so.13 does not tell its version", false, remedy};
    const bool enough = number >= kLeastCupti;
    return {"cupti", "version " + std::to_string(number), enough, enough ? "" : remedy};
}

Finding counters() {
    std::ifstream in("/proc/driver/nvidia/params");
    std::string restricted;
    for (std::string line; std::getline(in, line);)
        if (line.starts_with("RmProfilingAdminOnly:")) restricted = line.substr(line.find(':') + 1);
    if (restricted.empty())
        return {"counters", "no NVIDIA driver", false,
                "hardware counters need a GPU; byte figures are analytic without"};
    if (restricted.find('1') == std::string::npos) return {"counters", "open to all users", true, ""};
    if (::geteuid() == 0) return {"counters", "for administrators only, and this is root", true, ""};
    return {"counters", "for administrators only (RmProfilingAdminOnly is 1)", false,
            "set the module option NVreg_RestrictProfilingToAdminUsers=0 and reload the driver, or run as "
            "root; tracing works without"};
}

}  // namespace

std::vector<Finding> acceleratorFindings() { return {gpu(), driver(), cupti(), counters()}; }

}  // namespace fluxscope::cli
