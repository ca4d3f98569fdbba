// What each part of tracing costs a graph of many small kernels. CUPTI is attached once to a process, so one process measures
// one set of parts, named in FLUXSCOPE_COST_OF and divided by commas ("none": no CUPTI at all):
//
//   for parts in none kernel kernel,external kernel,external,copies; do
//       FLUXSCOPE_COST_OF=$parts cupti_gpu_test --gtest_filter='Cost.*'; done
//
// kernel, external, copies, syncs, overhead: kinds of records. runtime, driver: the calls for launching a graph, selected.
// callbacks: those for a graph's nodes. clock, zeroed, pinned, big: our clock, zeroed buffers, device buffers in pinned memory or
// four times as big. flush: every 250 ms from another thread.
#include "profiler/record/cupti/detail/api.h"
#include "profiler/record/cupti/detail/buffers.h"
#include "profiler/record/device_tracer.h"
#include "tests/record/cupti/gpu_work.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace fluxscope {
namespace {

using namespace std::chrono_literals;
using Clock_ = std::chrono::steady_clock;

constexpr int kNodes = 2400;  // a decode step of a model of 8 billion parameters
constexpr int kLaunches = 100;

ActivityBuffers& buffers() {
    static auto* const all = new ActivityBuffers;
    return *all;
}
std::atomic<std::size_t> filledBytes{0};

std::uint64_t timestamp() { return static_cast<std::uint64_t>(monotonicNow().count()); }

void CUPTIAPI request(std::uint8_t** buffer, std::size_t* size, std::size_t* most) {
    *buffer = buffers().request();
    *size = *buffer != nullptr ? ActivityBuffers::kBytes : 0;
    *most = 0;
}

// Thrown away: decoding is another thread's, and not what is measured.
void CUPTIAPI complete(CUcontext, std::uint32_t, std::uint8_t* buffer, std::size_t, std::size_t valid) {
    if (buffer == nullptr) return;
    filledBytes += valid;
    buffers().complete(buffer, valid);
}

void CUPTIAPI onEvent(void*, CUpti_CallbackDomain, CUpti_CallbackId, const void*) {}

class Parts {
public:
    Parts(const CuptiApi& api, std::string list) : api_(api), list_("," + std::move(list) + ",") {}

    bool has(std::string_view part) const {
        return list_.find("," + std::string(part) + ",") != std::string::npos;
    }

    void attach() {
        if (has("none")) return;
        CUpti_SubscriberHandle subscriber{};
        std::array<char, 256> holder{};
        CUpti_SubscriberParams params{};
        params.structSize = CUpti_SubscriberParams_STRUCT_SIZE;
        params.subscriberName = "FluxScope";
        params.oldSubscriberName = holder.data();
        params.oldSubscriberSize = holder.size();
        want(api_.subscribe(&subscriber, onEvent, nullptr, &params), "subscribe");
        if (has("clock")) want(api_.registerTimestamp(timestamp), "clock");
        if (has("zeroed")) set(CUPTI_ACTIVITY_ATTR_ZEROED_OUT_ACTIVITY_BUFFER, std::uint8_t{1});
        if (has("pinned")) set(CUPTI_ACTIVITY_ATTR_MEM_ALLOCATION_TYPE_HOST_PINNED, std::uint8_t{1});
        if (has("big")) set(CUPTI_ACTIVITY_ATTR_DEVICE_BUFFER_SIZE, std::size_t{12'800'000});
        want(api_.registerBuffers(request, complete), "buffers");
        if (has("external")) kind(CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION);
        if (has("kernel")) kind(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL);
        if (has("copies"))
            for (const auto one :
                 {CUPTI_ACTIVITY_KIND_MEMCPY, CUPTI_ACTIVITY_KIND_MEMCPY2, CUPTI_ACTIVITY_KIND_MEMSET})
                kind(one);
        if (has("syncs")) kind(CUPTI_ACTIVITY_KIND_SYNCHRONIZATION);
        if (has("overhead")) kind(CUPTI_ACTIVITY_KIND_OVERHEAD);
        if (has("runtime"))
            want(api_.enableRuntime(CUPTI_RUNTIME_TRACE_CBID_cudaGraphLaunch_v10000, 1), "runtime");
        if (has("driver")) want(api_.enableDriver(CUPTI_DRIVER_TRACE_CBID_cuGraphLaunch, 1), "driver");
        if (has("callbacks"))
            for (const CUpti_CallbackId event :
                 {CUPTI_CBID_RESOURCE_GRAPHNODE_CREATED, CUPTI_CBID_RESOURCE_GRAPHNODE_CLONED,
                  CUPTI_CBID_RESOURCE_GRAPHEXEC_CREATED})
                want(api_.enableCallback(1, subscriber, CUPTI_CB_DOMAIN_RESOURCE, event), "callbacks");
        if (has("flush"))
            flusher_ = std::jthread([this](const std::stop_token& stop) {
                while (!stop.stop_requested()) {
                    std::this_thread::sleep_for(250ms);
                    api_.flush(0);
                    reuse();
                }
            });
    }

    void drain() {
        if (flusher_.joinable()) {
            flusher_.request_stop();
            flusher_.join();
        }
        if (!has("none")) api_.flush(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
    }

    static void reuse() {
        for (const ActivityBuffers::Filled& filled : buffers().takeFilled()) buffers().giveBack(filled);
    }

private:
    static void want(CUptiResult error, const char* what) { EXPECT_EQ(error, CUPTI_SUCCESS) << what; }
    void kind(CUpti_ActivityKind one) { want(api_.enable(one), "kind"); }
    template <class Value>
    void set(CUpti_ActivityAttribute attribute, Value value) {
        std::size_t size = sizeof value;
        want(api_.setAttribute(attribute, &size, &value), "attribute");
    }

    const CuptiApi& api_;
    const std::string list_;
    std::jthread flusher_;
};

struct Measured {
    double call = 0;   // on the CPU, in cudaGraphLaunch
    double whole = 0;  // until the device is done
};

double middle(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                     values.end());
    return values[values.size() / 2];
}

// Microseconds of a step that is waited for, as decoding waits for each token.
Measured waitedFor(const std::vector<std::unique_ptr<testing::Graph>>& graphs) {
    for (int i = 0; i < 5; ++i) {
        for (const auto& graph : graphs) graph->launch();
        testing::synchronize();
    }
    std::vector<double> call;
    std::vector<double> whole;
    for (int i = 0; i < kLaunches; ++i) {
        const auto begin = Clock_::now();
        for (const auto& graph : graphs) graph->launch();
        call.push_back(std::chrono::duration<double, std::micro>(Clock_::now() - begin).count());
        testing::synchronize();
        whole.push_back(std::chrono::duration<double, std::micro>(Clock_::now() - begin).count());
    }
    return {middle(call), middle(whole)};
}

double backToBack(const testing::Graph& graph) {
    testing::synchronize();
    const auto begin = Clock_::now();
    for (int i = 0; i < kLaunches; ++i) graph.launch();
    testing::synchronize();
    return std::chrono::duration<double, std::micro>(Clock_::now() - begin).count() / kLaunches;
}

std::vector<std::unique_ptr<testing::Graph>> split(int graphs, const std::function<void()>& launch) {
    std::vector<std::unique_ptr<testing::Graph>> all;
    for (int g = 0; g < graphs; ++g)
        all.push_back(std::make_unique<testing::Graph>([&] {
            for (int n = 0; n < kNodes / graphs; ++n) launch();
        }));
    return all;
}

TEST(Cost, ofTheNamedPartsOfTracing) {
    const char* const list = std::getenv("FLUXSCOPE_COST_OF");
    if (list == nullptr) GTEST_SKIP() << "FLUXSCOPE_COST_OF names no parts of tracing";
    auto loaded = loadCupti();
    if (const auto* missing = std::get_if<CuptiMissing>(&loaded)) GTEST_SKIP() << missing->why;
    Parts parts(std::get<CuptiApi>(loaded), list);
    parts.attach();
    for (const auto& [name, launch] :
         {std::pair<const char*, std::function<void()>>{"empty", testing::launchNothing},
          {"4 us", [] { testing::launchBusy(4); }}}) {
        for (const int graphs : {1, 8, 40}) {
            const auto all = split(graphs, launch);
            const Measured step = waitedFor(all);
            std::printf(
                "cost of %-48s %s kernels, %2d graphs: waited for %.3f us a node, of it launching %.3f", list,
                name, graphs, step.whole / kNodes, step.call / kNodes);
            if (graphs == 1) std::printf("; back to back %.3f", backToBack(*all.front()) / kNodes);
            std::printf("\n");
            Parts::reuse();
        }
    }
    parts.drain();
    std::printf("cost of %-48s %zu bytes of records\n", list, filledBytes.load());
    EXPECT_EQ(filledBytes > 0, parts.has("kernel"));
}

}  // namespace
}  // namespace fluxscope
