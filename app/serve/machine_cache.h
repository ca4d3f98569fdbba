// What was measured on this machine and need not be measured again: a file of JSON in the user's cache folder
// ($XDG_CACHE_HOME/fluxscope, else ~/.cache/fluxscope). A home that several machines share holds what each of them measured: the machine is
// part of every key.
//
//   {"version":1,"entries":[{"key":{...},"measured":"2026-11-30T16:00:00Z","value":{...}}]}
//
// A file is replaced as a whole, by renaming. One that cannot be read as this is begun anew when something is kept, and damage() says so.
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace fluxscope {

struct MachineKey {
    std::string host;
    std::string device;     // "cpu", "cuda"
    std::string processor;  // "AMD EPYC 9454, 16 cores", "NVIDIA H200"
    std::string driver;     // of a GPU

    friend bool operator==(const MachineKey&, const MachineKey&) = default;
};

// `device` is "cpu" or "cuda", with or without a number.
MachineKey thisMachine(const std::string& device);
nlohmann::json toJson(const MachineKey& machine);
std::string textOf(const MachineKey& machine);  // "NVIDIA H200, driver 580.1, of host lab7"

struct CacheEntry {
    std::string measured;  // UTC, "2026-11-30T16:00:00Z"
    nlohmann::json value;
};

class MachineCache {
public:
    explicit MachineCache(std::filesystem::path file);
    // NAME.json in the user's cache folder; without a home nothing is found or kept.
    static MachineCache named(const std::string& name);

    std::optional<CacheEntry> find(const nlohmann::json& key) const;
    // Replaces what stands under the key. Throws MachineError when the file cannot be written.
    void keep(const nlohmann::json& key, const CacheEntry& entry);

    const std::filesystem::path& file() const { return file_; }
    // One sentence when the file is there and is no such cache.
    const std::optional<std::string>& damage() const { return damage_; }

private:
    void read();

    std::filesystem::path file_;
    nlohmann::json entries_;
    std::optional<std::string> damage_;
};

std::string utcNowText();
std::string dayOf(const std::string& utc);  // "2026-11-30"

}  // namespace fluxscope
