// Everything NVIDIA is asked through dlopen: this program starts on machines that have none of it. Each collector is tried for
// real, for what permissions, containers and other tools allow is known only then.
#include "app/cli/doctor/finding.h"
#include "app/cli/terminal.h"
#include "engine/contract/error.h"
#include "profiler/record/cupti/counters.h"
#include "profiler/record/cupti/session.h"
#include "profiler/record/nvml/nvml.h"

#include <dlfcn.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <regex>

namespace fluxscope::cli {
namespace {

constexpr int kLeastDriver = 580;  // what CUDA 13.0 asks for

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

Finding missing(const char* name, const Shortfall& shortfall) {
    return {name, printable(shortfall.why, 400), false, printable(shortfall.remedy, 400)};
}

Finding partial(const char* name, const Shortfall& shortfall) {
    return {
        name,
        printable("runs " + shortfall.why + (shortfall.remedy.empty() ? "" : "; " + shortfall.remedy), 600),
        true, ""};
}

// Attaches for real, to this process, which ends soon.
std::vector<Finding> tracing() {
    std::vector<Finding> findings;
    const CuptiSession session = attachCupti();
    if (session.tracer != nullptr) {
        const auto described = describeCupti();
        const auto* text = std::get_if<std::string>(&described);
        findings.push_back({"trace", text != nullptr ? printable(*text, 400) : "attached", true, ""});
    }
    for (const Shortfall& shortfall : session.shortfalls)
        findings.push_back(shortfall.isPartial ? partial("trace", shortfall) : missing("trace", shortfall));
    return findings;
}

class Nowhere final : public DeviceSink, public RecordSink {
public:
    void take(DeviceBatch) override {}
    void take(const TraceQuality&) override {}
    void take(const Shortfall&) override {}
    void take(const ScopeRecord&) override {}
    void take(const LayerStepRecord&) override {}
};

// One user of the counters at a time: the first is closed before the second is opened.
std::vector<Finding> counting() {
    std::vector<Finding> findings;
    if (const OpenedTimeline timeline = openTimeline(); timeline.sampler != nullptr)
        findings.push_back(timeline.shortfall
                               ? partial("timeline", *timeline.shortfall)
                               : Finding{"timeline", "DRAM, L2, SM and clocks can be sampled", true, ""});
    else
        findings.push_back(missing("timeline", *timeline.shortfall));
    Nowhere nowhere;
    if (const OpenedCounters counters = openCounters(monotonicNow, nowhere, nowhere);
        counters.collector != nullptr)
        findings.push_back({"counters", "the bytes of each layer can be counted", true, ""});
    else
        findings.push_back(missing("counters", *counters.shortfall));
    return findings;
}

Finding sensors() {
    const NvmlSession nvml = openNvml();
    if (nvml.sampler == nullptr) return missing("nvml", nvml.shortfalls.front());
    return {"nvml", "power, clocks, memory and temperature of " + printable(nvml.devices.front().name), true,
            ""};
}

}  // namespace

std::vector<Finding> acceleratorFindings() {
    std::vector<Finding> findings{gpu(), driver()};
    for (const auto& more : {tracing(), counting()})
        findings.insert(findings.end(), more.begin(), more.end());
    findings.push_back(sensors());
    return findings;
}

}  // namespace fluxscope::cli
