#include "app/serve/machine_cache.h"

#include "engine/contract/error.h"
#include "profiler/record/machine.h"
#include "profiler/record/nvml/nvml.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <utility>

namespace fluxscope {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr int kVersion = 1;
constexpr std::uintmax_t kMostBytes = std::uintmax_t{16} << 20U;

std::string valueOf(const std::vector<EnvironmentFact>& facts, std::string_view name) {
    for (const EnvironmentFact& fact : facts)
        if (fact.name == name) return fact.value;
    return {};
}

bool isEntry(const json& entry) {
    return entry.is_object() && entry.contains("key") && entry["key"].is_object() &&
           entry.contains("measured") && entry["measured"].is_string() && entry.contains("value");
}

// An entry written by hand may be nonsense; those beside it are none.
bool isCache(const json& content) {
    if (!content.is_object() || content.value("version", json()) != kVersion) return false;
    const auto entries = content.find("entries");
    return entries != content.end() && entries->is_array() &&
           std::all_of(entries->begin(), entries->end(), isEntry);
}

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int number() const { return number_; }

private:
    int number_;
};

MachineError notWritten(const fs::path& file, const std::string& why) {
    return {file.string(), "", "cannot be written: " + why,
            "free the disk, or name another folder with XDG_CACHE_HOME"};
}

void replace(const fs::path& file, const std::string& content) {
    std::string temporary = file.string() + ".XXXXXX";
    const Descriptor out(::mkstemp(temporary.data()));
    if (out.number() < 0) throw notWritten(file, std::strerror(errno));
    std::size_t written = 0;
    bool whole = true;
    while (whole && written < content.size()) {
        const ssize_t n = ::write(out.number(), content.data() + written, content.size() - written);
        if (n > 0)
            written += static_cast<std::size_t>(n);
        else
            whole = n < 0 && errno == EINTR;
    }
    whole = whole && ::fsync(out.number()) == 0 && ::rename(temporary.c_str(), file.c_str()) == 0;
    if (whole) return;
    const std::string why = std::strerror(errno);
    ::unlink(temporary.c_str());
    throw notWritten(file, why);
}

}  // namespace

MachineKey thisMachine(const std::string& device) {
    MachineKey machine{.host = hostName(), .device = "cpu", .processor = {}, .driver = {}};
    if (device.starts_with("cuda")) {
        const NvmlSession nvml = openNvml();
        machine.device = "cuda";
        machine.processor = nvml.devices.empty() ? "unnamed GPU" : nvml.devices.front().name;
        machine.driver = valueOf(nvml.environment, "gpu.driver");
        return machine;
    }
    const std::vector<EnvironmentFact> facts = machineFacts();
    const std::string model = valueOf(facts, "cpu.model");
    machine.processor =
        (model.empty() ? "unnamed CPU" : model) + ", " + valueOf(facts, "cpu.cores") + " cores";
    return machine;
}

json toJson(const MachineKey& machine) {
    return {{"host", machine.host},
            {"device", machine.device},
            {"processor", machine.processor},
            {"driver", machine.driver}};
}

std::string textOf(const MachineKey& machine) {
    return printable(machine.processor) +
           (machine.driver.empty() ? "" : ", driver " + printable(machine.driver)) + ", of host " +
           printable(machine.host);
}

MachineCache::MachineCache(fs::path file) : file_(std::move(file)), entries_(json::array()) {
    if (!file_.empty()) read();
}

MachineCache MachineCache::named(const std::string& name) {
    const auto folder = [](const char* variable) {
        const char* value = std::getenv(variable);
        return fs::path(value == nullptr ? "" : value);
    };
    // The XDG specification: what is not absolute is to be ignored.
    if (const fs::path cache = folder("XDG_CACHE_HOME"); cache.is_absolute())
        return MachineCache(cache / "fluxscope" / (name + ".json"));
    if (const fs::path home = folder("HOME"); home.is_absolute())
        return MachineCache(home / ".cache" / "fluxscope" / (name + ".json"));
    return MachineCache({});
}

void MachineCache::read() {
    entries_ = json::array();
    damage_.reset();
    std::error_code none;
    if (!fs::exists(file_, none)) return;
    json content(json::value_t::discarded);
    if (fs::is_regular_file(file_, none) && fs::file_size(file_, none) <= kMostBytes) {
        std::ifstream in(file_, std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        content = json::parse(text, nullptr, false);
    }
    if (isCache(content))
        entries_ = std::move(content["entries"]);
    else
        damage_ = printable(file_.string(), 400) + ": is damaged: what it held is measured again";
}

std::optional<CacheEntry> MachineCache::find(const json& key) const {
    for (const json& entry : entries_)
        if (entry["key"] == key) return CacheEntry{entry["measured"].get<std::string>(), entry["value"]};
    return std::nullopt;
}

void MachineCache::keep(const json& key, const CacheEntry& entry) {
    if (file_.empty())
        throw MachineError{"cache", "", "has no place: neither HOME nor XDG_CACHE_HOME names a folder",
                           "set one of them"};
    std::error_code error;
    fs::create_directories(file_.parent_path(), error);
    if (error) throw notWritten(file_, error.message());
    // Another process may keep something at the same time: what it kept is read before ours is added.
    const Descriptor folder(::open(file_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.number() >= 0) ::flock(folder.number(), LOCK_EX);
    read();
    json kept = json::array();
    for (json& other : entries_)
        if (other["key"] != key) kept.push_back(std::move(other));
    kept.push_back({{"key", key}, {"measured", entry.measured}, {"value", entry.value}});
    const json content{{"version", kVersion}, {"entries", kept}};
    replace(file_, content.dump(1, ' ', false, json::error_handler_t::replace) + '\n');
    entries_ = std::move(kept);
    damage_.reset();
}

std::string utcNowText() {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 32> text{};
    const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return {text.data(), length};
}

std::string dayOf(const std::string& utc) { return utc.substr(0, utc.find('T')); }

}  // namespace fluxscope
