#include "profiler/record/nvml/detail/monitor.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace fluxscope {
namespace {

constexpr std::string_view kSource = "nvml";
constexpr std::size_t kBatch = 64;

std::string textOf(nvmlReturn_t (*get)(nvmlDevice_t, char*, unsigned int), nvmlDevice_t device) {
    std::array<char, NVML_DEVICE_UUID_V2_BUFFER_SIZE> text{};
    if (get == nullptr || get(device, text.data(), static_cast<unsigned>(text.size())) != NVML_SUCCESS)
        return {};
    return text.data();
}

}  // namespace

std::vector<SampleRecord> look(const NvmlApi& api, const WatchedDevice& device, std::int64_t ownPid,
                               Nanoseconds begin, Nanoseconds end) {
    std::vector<SampleRecord> samples;
    const auto add = [&](std::string_view metric, double value) {
        samples.push_back({device.number, begin, end, metric, value, kSource});
    };
    unsigned int number = 0;
    unsigned long long wide = 0;
    if (api.power != nullptr && api.power(device.handle, &number) == NVML_SUCCESS)
        add("power_w", number / 1e3);
    if (api.energy != nullptr && api.energy(device.handle, &wide) == NVML_SUCCESS)
        add("energy_j", static_cast<double>(wide) / 1e3);
    if (api.clock != nullptr) {
        if (api.clock(device.handle, NVML_CLOCK_SM, &number) == NVML_SUCCESS)
            add("sm_clock_hz", number * 1e6);
        if (api.clock(device.handle, NVML_CLOCK_MEM, &number) == NVML_SUCCESS)
            add("memory_clock_hz", number * 1e6);
    }
    nvmlMemory_t memory{};
    if (api.memory != nullptr && api.memory(device.handle, &memory) == NVML_SUCCESS)
        add("memory_used_bytes", static_cast<double>(memory.used));
    if (api.temperature != nullptr &&
        api.temperature(device.handle, NVML_TEMPERATURE_GPU, &number) == NVML_SUCCESS)
        add("temperature_c", number);
    if (api.slowedBy != nullptr && api.slowedBy(device.handle, &wide) == NVML_SUCCESS) {
        // Idle and user-set clocks are no slowing down.
        constexpr unsigned long long slowing =
            nvmlClocksEventReasonSwPowerCap | nvmlClocksThrottleReasonHwSlowdown |
            nvmlClocksEventReasonSwThermalSlowdown | nvmlClocksThrottleReasonHwThermalSlowdown |
            nvmlClocksThrottleReasonHwPowerBrakeSlowdown;
        add("throttle_reasons", static_cast<double>(wide & slowing));
    }
    nvmlUtilization_t busy{};
    if (api.utilization != nullptr && api.utilization(device.handle, &busy) == NVML_SUCCESS)
        add("busy_pct", busy.gpu);
    if (api.processes != nullptr) {
        std::array<nvmlProcessInfo_t, 64> processes{};
        auto count = static_cast<unsigned int>(processes.size());
        if (api.processes(device.handle, &count, processes.data()) == NVML_SUCCESS) {
            const auto others = std::count_if(
                processes.begin(), processes.begin() + std::min<std::ptrdiff_t>(count, std::ssize(processes)),
                [ownPid](const nvmlProcessInfo_t& process) { return process.pid != ownPid; });
            add("other_processes", static_cast<double>(others));
        }
    }
    return samples;
}

DeviceRecord describe(const NvmlApi& api, const WatchedDevice& device, const CudaDevice& cuda) {
    DeviceRecord record{.device = device.number,
                        .name = textOf(api.name, device.handle),
                        .uuid = textOf(api.uuid, device.handle),
                        .bus = cuda.bus,
                        .multiprocessors = cuda.multiprocessors,
                        .l2Bytes = cuda.l2Bytes};
    int major = 0;
    int minor = 0;
    if (api.computeCapability != nullptr &&
        api.computeCapability(device.handle, &major, &minor) == NVML_SUCCESS) {
        record.computeMajor = major;
        record.computeMinor = minor;
    }
    nvmlMemory_t memory{};
    if (api.memory != nullptr && api.memory(device.handle, &memory) == NVML_SUCCESS)
        record.memoryBytes = static_cast<std::int64_t>(memory.total);
    unsigned int width = 0;
    unsigned int megahertz = 0;
    if (api.maxClock != nullptr && api.memoryBusWidth != nullptr &&
        api.memoryBusWidth(device.handle, &width) == NVML_SUCCESS &&
        api.maxClock(device.handle, NVML_CLOCK_MEM, &megahertz) == NVML_SUCCESS)
        record.bytesPerSecond =
            std::int64_t{2} * megahertz * 1'000'000 * (width / 8);  // two transfers a cycle
    if (api.maxClock != nullptr && api.maxClock(device.handle, NVML_CLOCK_SM, &megahertz) == NVML_SUCCESS)
        record.clockHz = std::int64_t{megahertz} * 1'000'000;
    return record;
}

std::vector<EnvironmentFact> environmentOf(const NvmlApi& api, const WatchedDevice& device) {
    std::vector<EnvironmentFact> facts;
    std::array<char, NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE> version{};
    if (api.driverVersion != nullptr &&
        api.driverVersion(version.data(), static_cast<unsigned>(version.size())) == NVML_SUCCESS)
        facts.push_back({"gpu.driver", version.data(), std::string(kSource)});
    unsigned int milliwatts = 0;
    if (api.powerLimit != nullptr && api.powerLimit(device.handle, &milliwatts) == NVML_SUCCESS)
        facts.push_back({"gpu.power_limit_w", std::to_string(milliwatts / 1000), std::string(kSource)});
    for (const SampleRecord& sample : look(api, device, ::getpid(), {}, {})) {
        if (sample.metric == "other_processes" || sample.metric == "memory_used_bytes")
            facts.push_back({"gpu.before." + std::string(sample.metric),
                             std::to_string(static_cast<std::int64_t>(sample.value)), std::string(kSource)});
    }
    return facts;
}

NvmlMonitor::NvmlMonitor(const NvmlApi& api, const WatchedDevice& device, std::chrono::milliseconds period)
    : api_(api), device_(device), period_(period) {}

NvmlMonitor::~NvmlMonitor() { endRun(); }

void NvmlMonitor::beginRun(DeviceSink& sink) {
    endRun();
    stopping_ = false;
    thread_ = std::thread([this, &sink] { watch(sink); });
}

void NvmlMonitor::endRun() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void NvmlMonitor::watch(DeviceSink& sink) {
    DeviceBatch batch;
    Nanoseconds begin = monotonicNow();
    for (bool stopping = false; !stopping;) {
        {
            std::unique_lock lock(mutex_);
            stopping = wake_.wait_for(lock, period_, [this] { return stopping_; });
        }
        const Nanoseconds end = monotonicNow();
        const std::vector<SampleRecord> samples = look(api_, device_, ::getpid(), begin, end);
        batch.samples.insert(batch.samples.end(), samples.begin(), samples.end());
        begin = end;
        if (batch.samples.size() < kBatch && !stopping) continue;
        sink.take(std::exchange(batch, {}));
    }
}

}  // namespace fluxscope
