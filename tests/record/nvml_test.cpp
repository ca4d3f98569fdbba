#include "profiler/record/nvml/detail/monitor.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace fluxscope {
namespace {

using namespace std::chrono_literals;

// A device that knows everything but its energy, with two processes on it, one of them this one (pid 7).
NvmlApi fakeNvml() {
    NvmlApi api;
    api.power = [](nvmlDevice_t, unsigned int* milliwatts) {
        *milliwatts = 412'500;
        return NVML_SUCCESS;
    };
    api.energy = [](nvmlDevice_t, unsigned long long*) { return NVML_ERROR_NOT_SUPPORTED; };
    api.clock = [](nvmlDevice_t, nvmlClockType_t type, unsigned int* megahertz) {
        *megahertz = type == NVML_CLOCK_SM ? 1980 : 3201;
        return NVML_SUCCESS;
    };
    api.slowedBy = [](nvmlDevice_t, unsigned long long* reasons) {
        *reasons = nvmlClocksEventReasonGpuIdle | nvmlClocksEventReasonSwPowerCap;
        return NVML_SUCCESS;
    };
    api.processes = [](nvmlDevice_t, unsigned int* count, nvmlProcessInfo_t* processes) {
        *count = 2;
        processes[0].pid = 7;
        processes[1].pid = 8;
        return NVML_SUCCESS;
    };
    api.memory = [](nvmlDevice_t, nvmlMemory_t* memory) {
        *memory = {.total = 141ULL << 30, .free = 100ULL << 30, .used = 41ULL << 30};
        return NVML_SUCCESS;
    };
    api.memoryBusWidth = [](nvmlDevice_t, unsigned int* bits) {
        *bits = 6144;
        return NVML_SUCCESS;
    };
    api.maxClock = [](nvmlDevice_t, nvmlClockType_t type, unsigned int* megahertz) {
        *megahertz = type == NVML_CLOCK_SM ? 1980 : 3201;
        return NVML_SUCCESS;
    };
    return api;
}

TEST(Nvml, tellsWhatADeviceAnswersAndLeavesOutWhatItDoesNot) {
    std::map<std::string_view, double> values;
    for (const SampleRecord& sample : look(fakeNvml(), {.number = 1}, 7, 5ns, 9ns)) {
        EXPECT_EQ(sample.source, "nvml");
        EXPECT_EQ(sample.device, 1);
        EXPECT_EQ(sample.begin, 5ns);
        EXPECT_EQ(sample.end, 9ns);
        values[sample.metric] = sample.value;
    }
    const std::map<std::string_view, double> expected{
        {"power_w", 412.5},           {"sm_clock_hz", 1.98e9},
        {"memory_clock_hz", 3.201e9}, {"memory_used_bytes", static_cast<double>(41ULL << 30)},
        {"throttle_reasons", 4},  // the power cap; being idle is no throttling
        {"other_processes", 1},
    };
    EXPECT_EQ(values, expected);
}

TEST(Nvml, describesTheDevice) {
    const DeviceRecord device = describe(
        fakeNvml(), {.number = 0}, {.bus = "0000:18:00.0", .multiprocessors = 132, .l2Bytes = 50 << 20});
    EXPECT_EQ(device.bus, "0000:18:00.0");
    EXPECT_EQ(device.memoryBytes, 141LL << 30);
    EXPECT_EQ(device.bytesPerSecond, 2LL * 3'201'000'000 * 768);  // 4.9 TB/s
    EXPECT_EQ(device.clockHz, 1'980'000'000);
}

class Kept final : public DeviceSink {
public:
    void take(DeviceBatch batch) override { samples += batch.samples.size(); }
    void take(const TraceQuality&) override {}
    void take(const Shortfall&) override {}
    std::size_t samples = 0;
};

TEST(Nvml, looksOnceMoreWhenTheRunEndsHoweverShortItWas) {
    Kept kept;
    NvmlMonitor monitor(fakeNvml(), {}, 1h);
    monitor.beginRun(kept);
    monitor.endRun();
    EXPECT_EQ(kept.samples, 6U);
    monitor.beginRun(kept);
    monitor.endRun();
    EXPECT_EQ(kept.samples, 12U);
}

}  // namespace
}  // namespace fluxscope
