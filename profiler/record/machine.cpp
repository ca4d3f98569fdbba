#include "profiler/record/machine.h"

#include "version/version.h"

#include <sqlite3.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>
#include <string_view>
#include <thread>

namespace fluxscope {
namespace {

// The value of the first line "key<spaces><separator> value" of a small text file.
std::string valueIn(const char* file, std::string_view key, char separator) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        const std::size_t at = line.find(separator);
        if (!line.starts_with(key) || at == std::string::npos) continue;
        std::string value = line.substr(at + 1);
        const std::size_t first = value.find_first_not_of(" \t\"");
        const std::size_t last = value.find_last_not_of(" \t\"");
        return first == std::string::npos ? std::string{} : value.substr(first, last - first + 1);
    }
    return {};
}

utsname systemNames() {
    utsname names{};
    ::uname(&names);
    return names;
}

}  // namespace

std::string hostName() { return systemNames().nodename; }

std::vector<EnvironmentFact> machineFacts() {
    const utsname names = systemNames();
    std::vector<EnvironmentFact> facts{
        {"cpu.model", valueIn("/proc/cpuinfo", "model name", ':'), "/proc/cpuinfo"},
        {"cpu.cores", std::to_string(std::thread::hardware_concurrency()), "this process's affinity"},
        {"memory.total", valueIn("/proc/meminfo", "MemTotal", ':'), "/proc/meminfo"},
        {"kernel", std::string(names.sysname) + " " + names.release + " " + names.machine, "uname"},
        {"os", valueIn("/etc/os-release", "PRETTY_NAME", '='), "/etc/os-release"},
        {"build", std::string(buildInfo().description), "build"},
        {"build.flavour", std::string(buildInfo().flavour), "build"},
        {"build.compiler", std::string(buildInfo().compiler), "build"},
        {"build.torch", std::string(buildInfo().torch), "build"},
        {"sqlite", sqlite3_libversion(), "run time"},
    };
    std::erase_if(facts, [](const EnvironmentFact& fact) { return fact.value.empty(); });
    return facts;
}

}  // namespace fluxscope
