#include "profiler/record/detail/writer_thread.h"

#include "engine/contract/error.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <span>
#include <string>
#include <utility>

namespace fluxscope {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

// Seldom, and all that is there at once: a transaction writes each page once, however many of its rows are new, and of the overview's every
// second one changes. Looking every 50 ms and committing after 100 cost a third more (docs/performance.md).
constexpr auto kLook = 200ms;
constexpr auto kCommit = 100ms;  // where there is so much that it takes this long to write
constexpr auto kCheckpoint = 4s;
constexpr auto kPatience = 2s;  // with another program that holds the file
constexpr std::size_t kBatchRows = 50'000;
constexpr std::size_t kEventsALook = 64;          // at the clock: a fraction of a millisecond's
constexpr std::size_t kCheckpointRows = 200'000;  // keeps the write-ahead log below some 20 MB

template <class... Visitors>
struct Overloaded : Visitors... {
    using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...)
    -> Overloaded<Visitors...>;  // clang 14, which builds the fuzz targets, does not deduce it

std::int64_t droppableIn(const DeviceBatch& b) {
    return std::ssize(b.kernels) + std::ssize(b.traffic) + std::ssize(b.copies) + std::ssize(b.fills) +
           std::ssize(b.syncs) + std::ssize(b.calls) + std::ssize(b.overheads) + std::ssize(b.samples);
}

bool isRecord(const RecordedEvent& event) {
    return !std::holds_alternative<RunBegan>(event) && !std::holds_alternative<BatchBegan>(event) &&
           !std::holds_alternative<RunEnded>(event) && !std::holds_alternative<TrainingBegan>(event) &&
           !std::holds_alternative<TrainingEnded>(event);
}

// Writing can wait, and the engine cannot: a thread that has just woken would otherwise take the core of one of the engine's, and the other ones
// wait for that one until the burst is over. Five steps are a third of the engine's weight. Where every core computes, the writer still has a quarter
// of one, more than twice what a decode of a small model needs; were it much less, the queue would fill and drop. There is no way back for a
// process without privileges, so what is left at the end is written by whoever waits for it (finish()). Of the calling thread only: Linux
// has a priority for each. Where it is refused, nothing is lost but that.
void giveWayToTheEngine() {
    constexpr int kStepsBelow = 5;
    const auto thread = static_cast<id_t>(::gettid());
    ::setpriority(PRIO_PROCESS, thread, ::getpriority(PRIO_PROCESS, thread) + kStepsBelow);
}

MachineError heldByAnother() {
    return {"the capture", "", "is held by another program",
            "close what has it open, such as an SQLite shell in a transaction"};
}

}  // namespace

WriterThread::WriterThread(std::unique_ptr<CaptureWriter> writer, std::string problem, bool promptText,
                           std::size_t queueCapacity, std::size_t deviceRecords)
    : writer_(std::move(writer)),
      promptText_(promptText),
      queue_(queueCapacity),
      deviceBatches_(deviceRecords),
      lastCheckpoint_(SteadyClock::now()) {
    if (!writer_) problem_ = std::move(problem);
    thread_ = std::thread([this] { loop(); });
}

WriterThread::~WriterThread() { finish(); }

void WriterThread::push(RecordedEvent event, Weight weight) {
    const bool isRun = std::holds_alternative<RunBegan>(event);
    const bool begins = isRun || std::holds_alternative<TrainingBegan>(event);
    if (isRun) {
        std::get<RunBegan>(event).deviceDropped = deviceBatches_.dropped();
        epoch_.fetch_add(1, std::memory_order_release);
    }
    const bool ends = std::holds_alternative<RunEnded>(event) || std::holds_alternative<TrainingEnded>(event);
    if (!queue_.push(std::move(event), weight)) dropped_.fetch_add(1, std::memory_order_relaxed);
    if (begins) running_ = true;
    if (ends) running_ = false;
    // Between runs nobody looks by himself.
    if (begins || ends || !running_ || queue_.isHalfFull()) wake();
}

void WriterThread::push(const ScopeRecord& scope, Weight weight) {
    if (!queue_.push(scope, weight)) dropped_.fetch_add(1, std::memory_order_relaxed);
    if (queue_.isHalfFull()) wake();
}

void WriterThread::wake() {
    if (!woken_.exchange(true)) wake_.release();
}

bool WriterThread::pushDevice(DeviceBatch batch) {
    const std::int64_t dropped =
        deviceBatches_.push(std::move(batch), epoch_.load(std::memory_order_acquire));
    if (dropped > 0) deviceDropped_.fetch_add(dropped, std::memory_order_relaxed);
    wake();
    return dropped == 0;
}

void WriterThread::finish() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    wake();
    thread_.join();
    writeRest();
}

std::optional<std::string> WriterThread::problem() const {
    const std::lock_guard lock(problemMutex_);
    return problem_;
}

void WriterThread::loop() {
    giveWayToTheEngine();
    auto nextLook = SteadyClock::now() + kLook;
    while (!stopping_) {
        if (!running_ && !oldestUncommitted_) {
            wake_.acquire();
            woken_ = false;
        } else if (wake_.try_acquire_until(nextLook)) {
            woken_ = false;
        }
        drain([this] { return stopping_.load(std::memory_order_relaxed); });
        drainDevice(epochWritten_, true);
        if (stopping_) return;
        const bool isLook = SteadyClock::now() >= nextLook;
        if (isLook) nextLook = SteadyClock::now() + kLook;
        commitIfDue(std::exchange(commitNow_, false) || isLook);
    }
}

// On the thread that waits for it, which is nobody's inferior.
void WriterThread::writeRest() {
    drain([] { return false; });
    drainDevice(epochWritten_);
    orGiveUp([this] {
        if (writer_->finish()) return;
        throw MachineError{"the capture", "", "is held open by a reader and stays in two files",
                           "copy its -wal along with it, or record into it once more"};
    });
    writer_.reset();
    if (const auto lost = dropped() + deviceDropped(); lost > 0)
        spdlog::warn("{} records are not in the capture", lost);
}

template <class IsEnough>
void WriterThread::drain(IsEnough isEnough) {
    const auto write = [this](const RecordedEvent& event) {
        orGiveUp([&] {
            awaitFile();
            apply(event);
        });
        if (!writer_ && isRecord(event)) dropped_.fetch_add(1, std::memory_order_relaxed);
        if (++eventsSinceLook_ % kEventsALook == 0) commitIfDue(false);
    };
    queue_.drain(write, isEnough);
}

// Nothing of the batch in hand has been written yet: it is not lost as long as we wait.
void WriterThread::awaitFile() {
    if (writer_->tryBegin()) return;
    const auto since = SteadyClock::now();
    std::optional<SteadyClock::time_point> end;  // of our patience, once recording ends
    bool isSaid = false;
    while (!writer_->tryBegin()) {
        const auto now = SteadyClock::now();
        if (stopping_ && !end) end = now + kPatience;
        if (end && now >= *end) throw heldByAnother();
        if (isSaid || now - since < kPatience) continue;
        isSaid = true;
        const std::string why = heldByAnother().what();
        setProblem(why);
        spdlog::warn("recording waits: {}", why);
    }
    heldUp_ =
        std::max(heldUp_, std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - since));
    if (!isSaid) return;
    setProblem(std::nullopt);
    spdlog::warn("recording goes on after {} ms", heldUp_.count());
}

void WriterThread::setProblem(std::optional<std::string> sentence) {
    const std::lock_guard lock(problemMutex_);
    problem_ = std::move(sentence);
}

void WriterThread::drainDevice(std::int64_t upToEpoch, bool untilStopping) {
    for (DeviceBatch batch; !(untilStopping && stopping_) && deviceBatches_.pop(batch, upToEpoch);
         batch = {}) {
        if (!oldestUncommitted_) oldestUncommitted_ = SteadyClock::now();
        orGiveUp([&] {
            awaitFile();
            for (const DeviceRecord& device : batch.devices) writer_->write(device);
            for (const CollectorRecord& collector : batch.collectors) writer_->write(collector);
            writer_->write(std::span<const GraphNodeRecord>(batch.nodes));
            writer_->write(std::span<const KernelRecord>(batch.kernels));
            writer_->write(std::span<const TrafficRecord>(batch.traffic));
            writer_->write(std::span<const CopyRecord>(batch.copies));
            writer_->write(std::span<const FillRecord>(batch.fills));
            writer_->write(std::span<const SyncRecord>(batch.syncs));
            writer_->write(std::span<const ApiRecord>(batch.calls));
            writer_->write(std::span<const OverheadRecord>(batch.overheads));
            writer_->write(std::span<const SampleRecord>(batch.samples));
            writer_->write(std::span<const LateAttribution>(batch.late));
            if (epochWritten_ > 0) {
                for (const QualityRecord& figure : batch.figures) writer_->write(figure);
            }
        });
        if (!writer_) deviceDropped_.fetch_add(droppableIn(batch), std::memory_order_relaxed);
        commitIfDue(false);
    }
}

// In the run's row all of them together, in its figures those of a device by kind.
void WriterThread::writeDropped() {
    const DroppedByKind kinds = deviceBatches_.dropped();
    std::int64_t ofDevice = 0;
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        ofDevice += kinds[i] - kindsDroppedBefore_[i];
        if (kinds[i] == kindsDroppedWritten_[i]) continue;
        writer_->write(QualityRecord{.figure = "dropped_" + std::string(kDroppable[i]),
                                     .value = static_cast<double>(kinds[i] - kindsDroppedBefore_[i]),
                                     .note = "lost to a full queue"});
    }
    kindsDroppedWritten_ = kinds;
    writer_->setDropped(droppedWritten_ + ofDevice);
}

void WriterThread::apply(const RecordedEvent& event) {
    if (!oldestUncommitted_) oldestUncommitted_ = SteadyClock::now();
    std::visit(Overloaded{
                   [](std::monostate) {},
                   [this](const RunBegan& began) {
                       drainDevice(epochWritten_);
                       ++epochWritten_;
                       if (!writer_) return;  // it failed just now
                       kindsDroppedBefore_ = kindsDroppedWritten_ = began.deviceDropped;
                       writer_->collectorBecame(began.collector);
                       writer_->beginRun(began.run, *began.facts, began.at, promptText_);
                       if (began.recordBudget != kRecordBudget) writer_->setRecordBudget(began.recordBudget);
                       if (began.facts->role == RunRole::Timeline) writer_->setClockLocked();
                       droppedBefore_ = began.dropped;
                       droppedWritten_ = 0;
                       inRun_ = true;
                       commitNow_ = true;
                   },
                   [this](const BatchBegan& began) {
                       writer_->beginBatch(began.batch, began.sequences);
                       commitNow_ = true;
                   },
                   [this](const RunEnded& ended) {
                       drainDevice(epochWritten_);
                       if (!writer_) return;
                       droppedWritten_ = ended.dropped - droppedBefore_;
                       inRun_ = false;
                       writeDropped();
                       if (const auto heldUp = std::exchange(heldUp_, 0ms); heldUp > 0ms)
                           writer_->write(QualityRecord{
                               .figure = "held_up_ms",
                               .value = static_cast<double>(heldUp.count()),
                               .note = "another program held the file so long; what the queues could not "
                                       "keep meanwhile is counted as dropped"});
                       writer_->endRun(ended.at, ended.outcome, ended.reason);
                       commitNow_ = true;
                       if (writer_->repeatedRows() > 0) {
                           spdlog::warn("{} events had a key that was recorded before and were left out",
                                        writer_->repeatedRows());
                       }
                   },
                   [this](const EvaluationSample& sample) {
                       writer_->write(sample);
                       commitNow_ = true;
                   },
                   [this](const TrainingBegan& began) {
                       writer_->beginTraining(began);
                       commitNow_ = true;
                   },
                   [this](const TrainingEnded& ended) {
                       writer_->endTraining(ended);
                       commitNow_ = true;
                   },
                   [this](const auto& record) { writer_->write(record); },
               },
               event);
}

void WriterThread::commitIfDue(bool now) {
    if (!writer_ || !oldestUncommitted_) return;
    const auto time = SteadyClock::now();
    if (!now && time - *oldestUncommitted_ < kCommit && writer_->uncommittedRows() < kBatchRows) return;
    orGiveUp([&] {
        const std::int64_t dropped = dropped_ - droppedBefore_;
        if (inRun_ && (dropped != droppedWritten_ || deviceBatches_.dropped() != kindsDroppedWritten_)) {
            droppedWritten_ = dropped;
            writeDropped();
        }
        rowsSinceCheckpoint_ += writer_->uncommittedRows();
        writer_->commit();
        oldestUncommitted_.reset();
        if (time - lastCheckpoint_ >= kCheckpoint || rowsSinceCheckpoint_ >= kCheckpointRows) {
            writer_->checkpoint();
            lastCheckpoint_ = SteadyClock::now();
            rowsSinceCheckpoint_ = 0;
        }
    });
}

template <class Work>
void WriterThread::orGiveUp(Work work) {
    if (!writer_) return;
    try {
        work();
    } catch (const std::exception& e) {
        setProblem(e.what());
        spdlog::error("recording stopped: {}", e.what());
        dropped_.fetch_add(static_cast<std::int64_t>(writer_->uncommittedRows()), std::memory_order_relaxed);
        writer_.reset();
    }
}

}  // namespace fluxscope
