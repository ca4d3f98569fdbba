#include "profiler/figure/number.h"

#include <cmath>
#include <cstdio>
#include <span>

namespace fluxscope {

namespace {

constexpr UnitStep kTime[] = {{1, "ns"}, {1e3, "µs"}, {1e6, "ms"}, {1e9, "s"}};
constexpr UnitStep kBytes[] = {{1, "B"},
                               {1024.0, "KiB"},
                               {1048576.0, "MiB"},
                               {1073741824.0, "GiB"},
                               {1099511627776.0, "TiB"},
                               {1125899906842624.0, "PiB"}};
constexpr UnitStep kFlops[] = {{1, "FLOP"},     {1e3, "kFLOP"},  {1e6, "MFLOP"}, {1e9, "GFLOP"},
                               {1e12, "TFLOP"}, {1e15, "PFLOP"}, {1e18, "EFLOP"}};
constexpr UnitStep kBytesPerSecond[] = {
    {1, "B/s"}, {1e3, "kB/s"}, {1e6, "MB/s"}, {1e9, "GB/s"}, {1e12, "TB/s"}};
constexpr UnitStep kFlopsPerSecond[] = {{1, "FLOP/s"},    {1e3, "kFLOP/s"},  {1e6, "MFLOP/s"},
                                        {1e9, "GFLOP/s"}, {1e12, "TFLOP/s"}, {1e15, "PFLOP/s"}};
constexpr UnitStep kShare[] = {{0.01, "%"}};
constexpr UnitStep kNone[] = {{1, ""}};

std::span<const UnitStep> ladder(Unit unit) {
    switch (unit) {
        case Unit::Time: return kTime;
        case Unit::Bytes: return kBytes;
        case Unit::Flops: return kFlops;
        case Unit::Share: return kShare;
        case Unit::BytesPerSecond: return kBytesPerSecond;
        case Unit::FlopsPerSecond: return kFlopsPerSecond;
        case Unit::None: return kNone;
    }
    return kNone;
}

bool isInteger(Unit unit) { return unit == Unit::Time || unit == Unit::Bytes || unit == Unit::Flops; }

// Decimals that leave three significant digits; what rounds up to the next power of ten has one fewer.
int decimalsOf(double value) {
    const double magnitude = std::abs(value);
    if (magnitude >= 99.95) return 0;
    if (magnitude >= 9.995) return 1;
    return 2;
}

}  // namespace

UnitStep unitStep(double magnitude, Unit unit) {
    const std::span<const UnitStep> steps = ladder(unit);
    UnitStep best = steps.front();
    // 999.6 us rounds to 1000: that is 1.00 ms already.
    for (const UnitStep& step : steps)
        if (std::abs(magnitude) >= step.factor * 0.9995) best = step;
    return best;
}

std::string withDecimals(double value, int decimals) {
    char buffer[400];  // the longest double has 309 digits before the point
    std::snprintf(buffer, sizeof buffer, "%.*f", decimals, value);
    // "-0.00" says more than is known.
    std::string text = buffer;
    if (text.front() == '-' && text.find_first_of("123456789") == std::string::npos) text.erase(0, 1);
    return text;
}

std::string formatted(double value, Unit unit) {
    if (!std::isfinite(value)) return "n/a";
    if (unit == Unit::None) return withDecimals(value, std::abs(value) < 9.9995 ? 3 : decimalsOf(value));
    const UnitStep step = unitStep(value, unit);
    const double scaled = value / step.factor;
    int decimals = decimalsOf(scaled);
    if (unit == Unit::Share) decimals = 1;
    if (isInteger(unit) && step.factor == 1 && scaled == std::floor(scaled)) decimals = 0;
    if (std::abs(scaled) >= 1e15) {
        char buffer[32];
        std::snprintf(buffer, sizeof buffer, "%.2e", scaled);
        return std::string(buffer) + " " + step.name;
    }
    return withDecimals(scaled, decimals) + " " + step.name;
}

std::string formattedCount(std::int64_t count) {
    std::string digits = std::to_string(count);
    const std::size_t sign = digits.front() == '-' ? 1 : 0;
    for (std::size_t at = digits.size(); at > sign + 3;) {
        at -= 3;
        digits.insert(at, 1, ',');
    }
    return digits;
}

}  // namespace fluxscope
