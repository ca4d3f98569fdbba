#include "profiler/figure/axis.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

namespace fluxscope {
namespace {

std::string labels(const std::vector<Tick>& ticks) {
    std::string out;
    for (const Tick& tick : ticks) out += (out.empty() ? "" : " ") + tick.label;
    return out;
}

TEST(Number, hasThreeSignificantDigitsAndTheUnitThatFits) {
    const struct {
        double value;
        Unit unit;
        const char* shown;
    } rows[] = {
        {0, Unit::Time, "0 ns"},
        {1, Unit::Time, "1 ns"},
        {0.5, Unit::Time, "0.50 ns"},
        {999, Unit::Time, "999 ns"},
        {999.6, Unit::Time, "1.00 µs"},
        {1234, Unit::Time, "1.23 µs"},
        {12345, Unit::Time, "12.3 µs"},
        {99'960, Unit::Time, "100 µs"},
        {999'400, Unit::Time, "999 µs"},
        {999'600, Unit::Time, "1.00 ms"},
        {1.5e9, Unit::Time, "1.50 s"},
        {7.2e12, Unit::Time, "7200 s"},
        {-1234, Unit::Time, "-1.23 µs"},
        {-0.0, Unit::Time, "0 ns"},
        {1023, Unit::Bytes, "1023 B"},
        {1024, Unit::Bytes, "1.00 KiB"},
        {1536, Unit::Bytes, "1.50 KiB"},
        {3.0 * (1 << 20), Unit::Bytes, "3.00 MiB"},
        {1e18, Unit::Bytes, "888 PiB"},
        {2.5e9, Unit::Flops, "2.50 GFLOP"},
        {0.263, Unit::Share, "26.3 %"},
        {1, Unit::Share, "100.0 %"},
        {0.7311, Unit::None, "0.731"},
        {12.345, Unit::None, "12.3"},
        {std::nan(""), Unit::Time, "n/a"},
        {std::numeric_limits<double>::infinity(), Unit::Bytes, "n/a"},
        {1.7e308, Unit::Time, "1.70e+299 s"},
    };
    for (const auto& row : rows) EXPECT_EQ(formatted(row.value, row.unit), row.shown) << row.value;
}

TEST(Number, groupsTheDigitsOfCounts) {
    EXPECT_EQ(formattedCount(0), "0");
    EXPECT_EQ(formattedCount(999), "999");
    EXPECT_EQ(formattedCount(1000), "1,000");
    EXPECT_EQ(formattedCount(-1234567), "-1,234,567");
    EXPECT_EQ(formattedCount(std::numeric_limits<std::int64_t>::min()), "-9,223,372,036,854,775,808");
}

TEST(Axis, putsTicksAtRoundValuesInOneUnit) {
    const struct {
        double low, high;
        int most;
        Unit unit;
        const char* unitShown;
        const char* ticks;
    } rows[] = {
        {0, 3.7e6, 5, Unit::Time, "ms", "0 1 2 3"},
        {0, 201'000, 5, Unit::Time, "µs", "0 50 100 150 200"},
        {0, 1, 5, Unit::None, "", "0.0 0.5 1.0"},
        {0, 1536, 4, Unit::Bytes, "KiB", "0.0 0.5 1.0 1.5"},
        {-4.6, 4.6, 5, Unit::None, "", "-4 -2 0 2 4"},
        {0.001, 0.0035, 4, Unit::None, "", "0.001 0.002 0.003"},
        {0, 0, 5, Unit::Time, "ns", ""},
        {0, std::numeric_limits<double>::infinity(), 5, Unit::Time, "s", ""},
    };
    for (const auto& row : rows) {
        const Axis axis = niceAxis(row.low, row.high, row.most, row.unit);
        EXPECT_EQ(axis.unit, row.unitShown) << row.high;
        EXPECT_EQ(labels(axis.ticks), row.ticks) << row.high;
        EXPECT_LE(static_cast<int>(axis.ticks.size()), row.most) << row.high;
    }
}

TEST(Axis, neverRepeatsALabelHoweverFarOneZoomsIn) {
    for (int zoom = 0; zoom < 14; ++zoom) {
        const double span = 1e9 / std::pow(3.7, zoom);
        const Axis axis = niceAxis(1.763e9, 1.763e9 + span, 8, Unit::Time);
        std::set<std::string> distinct;
        for (const Tick& tick : axis.ticks) distinct.insert(tick.label);
        EXPECT_EQ(distinct.size(), axis.ticks.size()) << span << ": " << labels(axis.ticks);
        EXPECT_GE(axis.ticks.size(), 2u) << span;
    }
}

TEST(Axis, countsWholeThingsInWholeTicks) {
    EXPECT_EQ(labels(wholeTicks(1, 5, 10)), "1 2 3 4 5");
    EXPECT_EQ(labels(wholeTicks(1, 100, 6)), "20 40 60 80 100");
    EXPECT_EQ(labels(wholeTicks(3, 3, 6)), "3");
    EXPECT_EQ(labels(wholeTicks(5, 3, 6)), "");
    EXPECT_LE(wholeTicks(1e18, 1e18 + 4096, 6).size(), 6u);  // where doubles no longer count in ones
    EXPECT_EQ(labels(wholeTicks(1, 4096, 4)), "2000 4000");
}

}  // namespace
}  // namespace fluxscope
