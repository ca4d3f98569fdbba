#include "profiler/store/detail/interning.h"

#include "profiler/store/kernel_names.h"

#include <algorithm>

namespace fluxscope {
namespace {

constexpr std::int32_t kNone = -1;

template <class Key>
std::int32_t orNone(const std::optional<Key>& key) {
    return key ? static_cast<std::int32_t>(key->value()) : kNone;
}

std::array<std::int32_t, 12> partsOf(const LaunchShape& s) {
    return {s.grid[0],    s.grid[1],    s.grid[2],    s.block[0],           s.block[1],          s.block[2],
            s.cluster[0], s.cluster[1], s.cluster[2], s.registersPerThread, s.staticSharedBytes, s.dynamicSharedBytes};
}

}  // namespace

PlaceParts placePartsOf(const ScopeKey& k) {
    return {k.batch.value(), k.turn.value(),
            static_cast<std::int32_t>(k.phase), orNone(k.layer),
            orNone(k.chunk), k.op ? static_cast<std::int32_t>(*k.op) : kNone};
}

Interning::Interning(SQLite::Database& database)
    : addName_(database, "INSERT INTO name (name, value) VALUES (?, ?)"),
      explainName_(database, "UPDATE name SET demangled = ?, short = ? WHERE name = ?"),
      addPlace_(database,
                "INSERT INTO place (place, run, batch, turn, phase, layer, chunk, op) VALUES (?, ?, ?, ?, ?, "
                "?, ?, ?)"),
      addLaunch_(database,
                 "INSERT INTO launch (launch, grid_x, grid_y, grid_z, block_x, block_y, block_z, cluster_x, "
                 "cluster_y, cluster_z, registers_per_thread, static_shared_bytes, dynamic_shared_bytes) "
                 "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)") {
    RawStatement names(database, "SELECT name, value, short IS NOT NULL FROM name");
    for (names.start(); names.next();) {
        names_.emplace(names.text(1), Name{names.integer(0), names.integer(2) != 0});
        lastName_ = std::max(lastName_, names.integer(0));
    }
    RawStatement launches(
        database,
        "SELECT launch, grid_x, grid_y, grid_z, block_x, block_y, block_z, cluster_x, cluster_y, cluster_z, "
        "registers_per_thread, static_shared_bytes, dynamic_shared_bytes FROM launch");
    for (launches.start(); launches.next();) {
        std::array<std::int32_t, 12> parts{};
        for (int i = 0; i < 12; ++i) {
            parts[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(launches.integer(i + 1));
        }
        launches_.emplace(parts, launches.integer(0));
        lastLaunch_ = std::max(lastLaunch_, launches.integer(0));
    }
    RawStatement places(database, "SELECT coalesce(max(place), 0) FROM place");
    places.start();
    places.next();
    lastPlace_ = places.integer(0);
    places.next();
}

void Interning::beginRun(std::int64_t run) {
    run_ = run;
    places_.clear();
}

std::int64_t Interning::name(std::string_view text) {
    if (const auto known = names_.find(text); known != names_.end()) return known->second.id;
    addName_.run(++lastName_, text);
    names_.emplace(text, Name{lastName_, false});
    return lastName_;
}

std::int64_t Interning::kernelName(std::string_view mangled) {
    if (const auto known = names_.find(mangled); known != names_.end() && known->second.isKernels) {
        return known->second.id;
    }
    const std::int64_t id = name(mangled);
    const std::string demangled = demangledName(mangled);
    const std::int64_t read = name(demangled);
    explainName_.run(read, name(shortKernelName(demangled)), id);
    names_.find(mangled)->second.isKernels = true;
    return id;
}

std::int64_t Interning::place(const PlaceParts& parts) {
    const auto [at, isNew] = places_.try_emplace(parts, lastPlace_ + 1);
    if (isNew) {
        const auto [batch, turn, phase, layer, chunk, op] = parts;
        addPlace_.run(++lastPlace_, run_, batch, turn,
                      phase == kNone ? std::string_view{} : nameOf(static_cast<Phase>(phase)), layer, chunk,
                      op == kNone ? std::string_view{} : nameOf(static_cast<Op>(op)));
    }
    return at->second;
}

std::int64_t Interning::launch(const LaunchShape& shape) {
    const auto [at, isNew] = launches_.try_emplace(partsOf(shape), lastLaunch_ + 1);
    if (isNew) {
        const auto& p = at->first;
        addLaunch_.run(++lastLaunch_, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10],
                       p[11]);
    }
    return at->second;
}

}  // namespace fluxscope
