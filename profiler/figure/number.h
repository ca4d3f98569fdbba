// Numbers for people: three significant digits, the unit that fits, and "n/a" for what is not a number.
#pragma once

#include <cstdint>
#include <string>

namespace fluxscope {

enum class Unit : std::uint8_t {
    None,
    Time,            // ns: shown in ns, µs, ms, s
    Bytes,           // B, KiB, MiB, ...
    Flops,           // FLOP, kFLOP, MFLOP, ...
    Share,           // of one, shown in percent
    BytesPerSecond,  // kB/s, MB/s, GB/s: decimal, as data sheets and every other profiler have it
    FlopsPerSecond,
};

// "1.23 ms", "12.0 KiB", "26.3 %", "0.731"
std::string formatted(double value, Unit unit);
std::string formattedCount(std::int64_t count);  // "12,345"

// The step of a unit's ladder that suits a magnitude: 1234567 ns -> {1e6, "ms"}.
struct UnitStep {
    double factor = 1;
    const char* name = "";
};
UnitStep unitStep(double magnitude, Unit unit);

std::string withDecimals(double value, int decimals);

}  // namespace fluxscope
