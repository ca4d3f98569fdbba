// CUPTI's activity tracing, attached to this process once and for good (docs/collectors.md says which bugs make that so).
//
// Threads: the one that launches opens and closes scopes and pays two calls for each; CUPTI's own hand over filled buffers; a
// thread of ours flushes four times a second, decodes, joins and hands records on.
#pragma once

#include "profiler/record/cupti/detail/buffers.h"
#include "profiler/record/cupti/detail/errors.h"
#include "profiler/record/cupti/detail/joiner.h"
#include "profiler/record/cupti/detail/replay.h"
#include "profiler/record/device_tracer.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

namespace fluxscope {

class CuptiTracer final : public DeviceTracer {
public:
    struct Options {
        std::chrono::milliseconds round{250};
        std::filesystem::path dump;  // where a run's buffers are kept, for tests; empty: nowhere
        std::int64_t restartAfter = 20'000'000;
    };
    using Started = std::variant<std::unique_ptr<CuptiTracer>, Shortfall>;

    // `limits`: what works less well than it might.
    static Started start(const CuptiApi& api, Options options, std::vector<Shortfall>& limits);
    ~CuptiTracer() override;  // only when the process ends: there is no second attaching

    void beginRun(DeviceSink& sink) override;
    void endRun() override;
    void opened(const ScopeKey& key) override;
    void closed() override;
    void recordingBegan() override;
    void recordingEnded() override;
    std::optional<std::string> needsRestart() const override;

    // What CUPTI's callbacks touch. It outlives the tracer, for CUPTI may call as long as the process lives.
    struct Shared {
        explicit Shared(const CuptiApi& table) : api(table) {}

        const CuptiApi api;
        ActivityBuffers buffers;
        ScopeIds scopes;
        GraphNodes nodes;
        std::atomic<ScopeTicket> top{kNoTicket};  // the scope that is open on the launching thread
        std::atomic<std::thread::id> recordingOn{};
        std::atomic<bool> hurry{false};
        std::mutex mutex;
        std::condition_variable wake;
    };

private:
    enum class Wish { None, Begin, End };

    CuptiTracer(Shared& shared, Options options);
    std::optional<Shortfall> attach(std::vector<Shortfall>& limits);
    void wish(Wish wanted);
    void loop();
    void fulfil(Wish wanted);
    void round(bool last);
    void keepForTests(std::span<std::uint8_t> bytes);

    const Options options_;
    Shared& shared_;
    std::vector<ScopeTicket> open_;  // the launching thread's
    std::uint32_t runs_ = 0;

    // Guarded by shared_.mutex.
    Wish wish_ = Wish::None;
    DeviceSink* nextSink_ = nullptr;
    Nanoseconds nextBegin_{};
    bool stopping_ = false;

    // Our thread's.
    DeviceSink* sink_ = nullptr;
    Names& names_;
    Joiner joiner_;
    RecordedTrace kept_;
    std::atomic<std::int64_t> kernelsSeen_{0};
    std::atomic<std::int64_t> badTimes_{0};
    std::thread thread_;
};

}  // namespace fluxscope
