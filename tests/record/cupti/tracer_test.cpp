#include "profiler/record/cupti/detail/tracer.h"

#include "engine/contract/error.h"
#include "tests/record/cupti/fake_cupti.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <mutex>
#include <ostream>

namespace fluxscope {
namespace {

using namespace std::chrono_literals;
using testing::ActivityBuffer;
using ::testing::AllOf;
using testing::fakeApi;
using testing::FakeCupti;
using ::testing::HasSubstr;
using testing::text;

class Kept final : public DeviceSink {
public:
    void take(DeviceBatch batch) override {
        const std::lock_guard lock(mutex);
        kernels.insert(kernels.end(), batch.kernels.begin(), batch.kernels.end());
        late.insert(late.end(), batch.late.begin(), batch.late.end());
    }
    void take(const TraceQuality& told) override { quality = told; }
    void take(const Shortfall& shortfall) override { shortfalls.push_back(shortfall); }

    std::mutex mutex;
    std::vector<KernelRecord> kernels;
    std::vector<LateAttribution> late;
    std::optional<TraceQuality> quality;
    std::vector<Shortfall> shortfalls;
};

ScopeKey layerOf(int step, int layer) {
    return {.phase = Phase::Decode, .step = StepIndex(step), .layer = LayerIndex(layer)};
}

std::uint64_t soon() { return static_cast<std::uint64_t>(monotonicNow().count()); }

std::unique_ptr<CuptiTracer> started(FakeCupti& cupti, CuptiTracer::Options options = {.round = 5ms}) {
    std::vector<Shortfall> limits;
    auto tracer = CuptiTracer::start(fakeApi(cupti), std::move(options), limits);
    EXPECT_TRUE(limits.empty());
    return std::move(std::get<std::unique_ptr<CuptiTracer>>(tracer));
}

Shortfall refused(FakeCupti& cupti, const CuptiApi& api) {
    (void)cupti;
    std::vector<Shortfall> limits;
    auto tracer = CuptiTracer::start(api, {.round = 5ms}, limits);
    if (const auto* shortfall = std::get_if<Shortfall>(&tracer)) return *shortfall;
    ADD_FAILURE() << "it started";
    return {};
}

TEST(CuptiTracer, tagsLaunchesWithTheScopeThatIsOpenAndJoinsTheirKernels) {
    FakeCupti cupti;
    Kept kept;
    const auto tracer = started(cupti);
    tracer->beginRun(kept);
    tracer->opened(layerOf(1, 4));
    const std::uint64_t outer = cupti.stack.back();
    ScopeKey attention = layerOf(1, 4);
    attention.op = Op::Attention;
    tracer->opened(attention);
    const std::uint64_t inner = cupti.stack.back();
    tracer->closed();
    EXPECT_EQ(cupti.stack.back(), outer);
    tracer->closed();
    EXPECT_TRUE(cupti.stack.empty());
    const std::uint64_t now = soon();
    {
        const std::lock_guard lock(cupti.mutex);
        cupti.pending.emplace_back()
            .kernel(7, now, now + 10)
            .external(7, inner)
            .kernel(8, now, now + 5)
            .external(8, outer);
        cupti.dropped = 3;
    }
    tracer->endRun();
    EXPECT_EQ(text(kept.kernels),
              "7: decode b0 s1 l4 attention external-id\n8: decode b0 s1 l4 external-id\n");
    ASSERT_TRUE(kept.quality);
    EXPECT_EQ(*kept.quality, (TraceQuality{.kernels = 2, .dropped = 3}));
    EXPECT_EQ(cupti.forcedFlushes, 1);  // only at the end, when the device is idle
}

TEST(CuptiTracer, mapsTheNodesThatAreCapturedWhileAStepIsRecorded) {
    FakeCupti cupti;
    Kept kept;
    const auto tracer = started(cupti);
    const auto event = [&](CUpti_CallbackId what, std::uint64_t node, std::uint64_t original) {
        CUpti_GraphData graph{};
        // NOLINTBEGIN(performance-no-int-to-ptr): handles that nobody follows
        graph.node = reinterpret_cast<CUgraphNode>(node);
        graph.originalNode = reinterpret_cast<CUgraphNode>(original);
        // NOLINTEND(performance-no-int-to-ptr)
        CUpti_ResourceData resource{};
        resource.resourceDescriptor = &graph;
        cupti.onEvent(cupti.user, CUPTI_CB_DOMAIN_RESOURCE, what, &resource);
    };
    // Recorded before the run that is traced: in a warm-up, say.
    event(CUPTI_CBID_RESOURCE_GRAPHNODE_CREATED, 50, 0);  // somebody else's graph
    tracer->recordingBegan();
    tracer->opened(layerOf(1, 4));
    event(CUPTI_CBID_RESOURCE_GRAPHNODE_CREATED, 51, 0);
    std::thread([&] {
        event(CUPTI_CBID_RESOURCE_GRAPHNODE_CREATED, 52, 0);
    }).join();  // not the recording thread's
    tracer->closed();
    tracer->recordingEnded();
    event(CUPTI_CBID_RESOURCE_GRAPHNODE_CLONED, 151, 51);
    event(CUPTI_CBID_RESOURCE_GRAPHNODE_CLONED, 152, 52);

    tracer->beginRun(kept);
    tracer->opened({.phase = Phase::Decode, .step = StepIndex(9)});
    const std::uint64_t step = cupti.stack.back();
    tracer->closed();
    const std::uint64_t now = soon();
    {
        const std::lock_guard lock(cupti.mutex);
        cupti.pending.emplace_back()
            .kernel(3, now, now + 1, 151)
            .kernel(3, now, now + 1, 152)
            .external(3, step);
    }
    tracer->endRun();
    EXPECT_EQ(text(kept.kernels), "3: decode b0 s9 l4 graph-node\n3: decode b0 s9 external-id\n");
}

TEST(CuptiTracer, keepsRunsApart) {
    FakeCupti cupti;
    Kept first;
    Kept second;
    const auto tracer = started(cupti);
    tracer->beginRun(first);
    tracer->opened(layerOf(1, 0));
    const std::uint64_t of = cupti.stack.back();
    tracer->closed();
    tracer->endRun();
    tracer->beginRun(second);
    const std::uint64_t now = soon();
    {
        const std::lock_guard lock(cupti.mutex);
        cupti.pending.emplace_back().kernel(1, now, now + 1).external(1, of);
    }
    tracer->endRun();
    EXPECT_TRUE(first.kernels.empty());
    EXPECT_TRUE(second.kernels.empty());
    EXPECT_EQ(second.quality->kernels, 0);
}

TEST(CuptiTracer, runsOutOfBuffersWithoutHarm) {
    FakeCupti cupti;
    Kept kept;
    const auto tracer = started(cupti, {.round = 1h});
    tracer->beginRun(kept);
    std::vector<std::uint8_t*> held;
    for (std::uint8_t* buffer = nullptr;;) {
        std::size_t size = 0;
        std::size_t most = 0;
        cupti.request(&buffer, &size, &most);
        if (buffer == nullptr) {
            EXPECT_EQ(size, 0U);
            break;
        }
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(buffer) % 8, 0U);
        ASSERT_EQ(buffer[0], 0);
        ASSERT_EQ(buffer[size - 1], 0);
        held.push_back(buffer);
    }
    EXPECT_EQ(held.size(), 128U);
    for (std::uint8_t* buffer : held) cupti.complete(nullptr, 0, buffer, ActivityBuffers::kBytes, 0);
    tracer->endRun();
    EXPECT_TRUE(kept.kernels.empty());
}

TEST(CuptiTracer, asksForAFreshProcessBeforeTimesAreLost) {
    FakeCupti cupti;
    Kept kept;
    const auto tracer = started(cupti, {.round = 5ms, .restartAfter = 3});
    EXPECT_FALSE(tracer->needsRestart());
    tracer->beginRun(kept);
    {
        const std::lock_guard lock(cupti.mutex);
        cupti.pending.emplace_back().kernel(1, 10, 20).kernel(2, 20, 30).kernel(3, 30, 40);
    }
    tracer->endRun();
    ASSERT_TRUE(tracer->needsRestart());
    EXPECT_THAT(*tracer->needsRestart(), HasSubstr("3 kernels"));
}

TEST(CuptiTracer, saysWhoHoldsCuptiAlready) {
    FakeCupti cupti;
    cupti.errors["subscribe"] = CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED;
    cupti.holder = "CUPTI for Kineto";
    const Shortfall shortfall = refused(cupti, fakeApi(cupti));
    EXPECT_EQ(shortfall.collector, "trace");
    EXPECT_THAT(shortfall.why, AllOf(HasSubstr("39"), HasSubstr("'CUPTI for Kineto' is attached already")));
    EXPECT_THAT(shortfall.remedy, HasSubstr("one tool at a time"));
}

struct Scripted {
    const char* function;
    CUptiResult error;
    const char* remedy;

    // NOLINTNEXTLINE(readability-identifier-naming): GoogleTest's
    friend void PrintTo(const Scripted& s, std::ostream* out) { *out << s.function << ' ' << s.error; }
};

class RefusedTracing : public ::testing::TestWithParam<Scripted> {};

TEST_P(RefusedTracing, saysWhyAndWhatToDo) {
    FakeCupti cupti;
    cupti.errors[GetParam().function] = GetParam().error;
    const Shortfall shortfall = refused(cupti, fakeApi(cupti));
    EXPECT_THAT(shortfall.why, HasSubstr(std::to_string(GetParam().error)));
    EXPECT_THAT(shortfall.remedy, HasSubstr(GetParam().remedy));
}

INSTANTIATE_TEST_SUITE_P(
    Errors, RefusedTracing,
    ::testing::Values(
        Scripted{"subscribe", CUPTI_ERROR_INSUFFICIENT_PRIVILEGES, "NVreg_RestrictProfilingToAdminUsers=0"},
        Scripted{"subscribe", CUPTI_ERROR_VIRTUALIZED_DEVICE_INSUFFICIENT_PRIVILEGES, "virtual GPU"},
        Scripted{"registerBuffers", CUPTI_ERROR_OUT_OF_MEMORY, "free device memory"},
        Scripted{"enable 10", CUPTI_ERROR_NOT_INITIALIZED, "libnvperf_host.so"},
        Scripted{"enable 39", CUPTI_ERROR_HARDWARE_BUSY, "dcgmi profile --pause"},
        Scripted{"enableRuntime", CUPTI_ERROR_UNKNOWN, "doctor"}));

TEST(CuptiTracer, goesOnWithoutWhatItCanDoWithout) {
    FakeCupti cupti;
    cupti.errors["enable 2"] = CUPTI_ERROR_NOT_SUPPORTED;  // memsets
    std::vector<Shortfall> limits;
    auto tracer = CuptiTracer::start(fakeApi(cupti), {.round = 5ms}, limits);
    EXPECT_TRUE(std::holds_alternative<std::unique_ptr<CuptiTracer>>(tracer));
    ASSERT_EQ(limits.size(), 1U);
    EXPECT_THAT(limits[0].why, HasSubstr("memsets"));
}

TEST(CuptiTracer, needsItsSymbols) {
    FakeCupti cupti;
    CuptiApi api = fakeApi(cupti);
    api.pushExternal = nullptr;
    EXPECT_THAT(refused(cupti, api).why, HasSubstr("has no cuptiActivityPushExternalCorrelationId"));
    api = fakeApi(cupti);
    api.graphNodeId = nullptr;  // graphs alone suffer
    std::vector<Shortfall> limits;
    auto tracer = CuptiTracer::start(api, {.round = 5ms}, limits);
    EXPECT_TRUE(std::holds_alternative<std::unique_ptr<CuptiTracer>>(tracer));
    ASSERT_EQ(limits.size(), 1U);
    EXPECT_THAT(limits[0].why, HasSubstr("cuptiGetGraphNodeId"));
}

TEST(RecordedTrace, replaysAsItWasTraced) {
    const std::filesystem::path file = "replay_" + std::to_string(::getpid()) + ".cupti";
    FakeCupti cupti;
    Kept kept;
    {
        const auto tracer = started(cupti, {.round = 5ms, .dump = file});
        tracer->beginRun(kept);
        tracer->opened(layerOf(2, 1));
        const std::uint64_t ticket = cupti.stack.back();
        tracer->closed();
        const std::uint64_t now = soon();
        std::string gone = "a_kernel_with_a_name";
        {
            const std::lock_guard lock(cupti.mutex);
            cupti.pending.emplace_back()
                .kernel(7, now, now + 10, 0, gone.c_str())
                .external(7, ticket)
                .kernel(8, now, now + 1);
        }
        tracer->endRun();
    }
    const RecordedTrace trace = loadTrace(file);
    EXPECT_EQ(trace.version, 130001U);
    Names names;
    const ReplayedTrace replayed = replay(trace, testing::walkOfWheel(), names);
    EXPECT_EQ(text(replayed.records.kernels), text(kept.kernels));
    EXPECT_EQ(text(replayed.records.kernels), "7: decode b0 s2 l1 external-id\n8: nobody\n");
    EXPECT_EQ(replayed.records.kernels.at(0).name, "a_kernel_with_a_name");
    EXPECT_EQ(replayed.records.kernels.at(0).begin, kept.kernels.at(0).begin);
    EXPECT_EQ(replayed.quality, *kept.quality);
    std::filesystem::remove(file);
}

TEST(RecordedTrace, thatIsCutOffIsRefused) {
    const std::filesystem::path file = "cut_" + std::to_string(::getpid()) + ".cupti";
    RecordedTrace trace;
    ActivityBuffer buffer;
    buffer.kernel(1, 10, 20);
    keep(trace, testing::cuptiOfWheel().nextRecord, buffer.bytes());
    save(trace, file);
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
    EXPECT_THROW(loadTrace(file), InputError);
    std::filesystem::remove(file);
    EXPECT_THROW(loadTrace(file), InputError);
}

}  // namespace
}  // namespace fluxscope
