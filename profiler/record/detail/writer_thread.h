// Takes events off the queue and writes them in batches, on a thread of its own, which gives way to the engine's.
//
// It looks every 200 ms and commits what there is; where there is more than it can write in 100 ms, by then, or with 50 000 rows: a kill -9 loses
// less than 250 ms, unless others keep it from its core for longer.
// Every 4 s it is checkpointed, so that a power cut loses less than 5 s. When writing fails once, the rest of the run or training is let
// go by, counted, and the sentence stays: the engine is not disturbed by a full disk. Another program that holds the file is waited for,
// while the queues fill and drop what matters least; when recording ends, two seconds more.
//
// A device's records come by an entrance of their own, in batches from their collector's thread. A batch belongs to the run that was
// begun last when it was pushed; what comes before a run's end is pushed is written before that end.
#pragma once

#include "profiler/record/detail/device_batches.h"
#include "profiler/record/detail/event_queue.h"
#include "profiler/store/capture_writer.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <variant>
#include <vector>

namespace fluxscope {

struct RunBegan {
    RunIndex run;
    std::shared_ptr<const RunFacts> facts;
    std::string collector;  // what it became on this run's device
    Nanoseconds at{};
    std::int64_t dropped = 0;       // up to then
    DroppedByKind deviceDropped{};  // likewise; push() fills it in
    std::int64_t recordBudget = kRecordBudget;
};
struct BatchBegan {
    BatchIndex batch;
    std::vector<SequenceIndex> sequences;
};
struct RunEnded {
    RunOutcome outcome = RunOutcome::Finished;
    std::string reason;
    Nanoseconds at{};
    std::int64_t dropped = 0;  // up to then
};
using RecordedEvent =
    std::variant<std::monostate, RunBegan, BatchBegan, RunEnded, TurnRecord, DecisionRecord, KvRecord,
                 TokenRecord, ScopeRecord, LayerStepRecord, FidelityRecord, EvaluationSample, CollectorRecord,
                 QualityRecord, TrainingBegan, TrainingStepRecord, TrainingWarningRecord, TrainingEnded>;

class WriterThread {
public:
    static constexpr std::size_t kDeviceRecords = 1
                                                  << 20;  // a second of the busiest device; 150 MB when full

    // `writer` absent: nothing can be written, for this reason.
    WriterThread(std::unique_ptr<CaptureWriter> writer, std::string problem, bool promptText,
                 std::size_t queueCapacity, std::size_t deviceRecords = kDeviceRecords);
    ~WriterThread();  // as finish()

    // From the engine's thread.
    void push(RecordedEvent event, Weight weight);
    void push(const ScopeRecord& scope, Weight weight);  // nine of ten events of a run on a CPU

    // From a collector's thread. False: some of it did not fit and was dropped.
    bool pushDevice(DeviceBatch batch);

    // Ends the thread, writes what is left, and makes it one file. From any one thread.
    void finish();

    std::int64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
    std::int64_t deviceDropped() const { return deviceDropped_.load(std::memory_order_relaxed); }
    std::optional<std::string> problem() const;

private:
    void loop();
    void writeRest();
    template <class IsEnough>
    void drain(IsEnough isEnough);
    void apply(const RecordedEvent& event);
    void wake();
    void drainDevice(std::int64_t upToEpoch, bool untilStopping = false);
    void writeDropped();
    void commitIfDue(bool now);
    template <class Work>
    void orGiveUp(Work work);
    void awaitFile();
    void setProblem(std::optional<std::string> sentence);

    std::unique_ptr<CaptureWriter> writer_;
    const bool promptText_;
    EventQueue<RecordedEvent> queue_;
    DeviceBatches deviceBatches_;
    std::atomic<std::int64_t> epoch_{0};  // runs begun, as told by the engine's thread
    std::atomic<std::int64_t> dropped_{0};
    std::atomic<std::int64_t> deviceDropped_{0};
    std::atomic<bool> running_{false};  // a run or a training is on: look into the queue on our own
    std::atomic<bool> stopping_{false};
    std::atomic<bool> woken_{false};
    std::binary_semaphore wake_{0};

    // The thread's own, and after it has ended finish()'s.
    std::optional<std::chrono::steady_clock::time_point> oldestUncommitted_;
    std::chrono::steady_clock::time_point lastCheckpoint_;
    std::size_t rowsSinceCheckpoint_ = 0;
    std::size_t eventsSinceLook_ = 0;  // at the clock
    std::int64_t droppedBefore_ = 0;   // when the current run began
    std::int64_t droppedWritten_ = 0;
    std::int64_t epochWritten_ = 0;
    DroppedByKind kindsDroppedBefore_{};
    DroppedByKind kindsDroppedWritten_{};
    bool commitNow_ = false;
    bool inRun_ = false;                   // of the rows written; the engine may be in a later run
    std::chrono::milliseconds heldUp_{0};  // the longest that another program kept the file in this run

    mutable std::mutex problemMutex_;
    std::optional<std::string> problem_;
    std::thread thread_;
};

}  // namespace fluxscope
