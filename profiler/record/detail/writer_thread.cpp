#include "profiler/record/detail/writer_thread.h"

#include "engine/contract/error.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

namespace fluxscope {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

constexpr auto kLook = 50ms;
constexpr auto kCommit = 100ms;
constexpr auto kCheckpoint = 4s;
constexpr std::size_t kBatchRows = 50'000;
constexpr std::size_t kCheckpointRows = 200'000;  // keeps the write-ahead log below some 20 MB

template <class... Visitors>
struct Overloaded : Visitors... {
    using Visitors::operator()...;
};

}  // namespace

WriterThread::WriterThread(std::unique_ptr<CaptureWriter> writer, std::string problem, bool promptText,
                           std::size_t queueCapacity)
    : writer_(std::move(writer)),
      promptText_(promptText),
      queue_(queueCapacity),
      lastCheckpoint_(SteadyClock::now()) {
    if (!writer_) problem_ = std::move(problem);
    thread_ = std::thread([this] { loop(); });
}

WriterThread::~WriterThread() { finish(); }

void WriterThread::push(RecordedEvent event, Weight weight) {
    const bool begins = std::holds_alternative<RunBegan>(event);
    const bool ends = std::holds_alternative<RunEnded>(event);
    if (!queue_.push(std::move(event), weight)) dropped_.fetch_add(1, std::memory_order_relaxed);
    if (begins) running_ = true;
    if (ends) running_ = false;
    if ((begins || ends || queue_.isHalfFull()) && !woken_.exchange(true)) wake_.release();
}

void WriterThread::finish() {
    if (!thread_.joinable()) return;
    stopping_ = true;
    if (!woken_.exchange(true)) wake_.release();
    thread_.join();
}

std::optional<std::string> WriterThread::problem() const {
    const std::lock_guard lock(problemMutex_);
    return problem_;
}

void WriterThread::loop() {
    while (!stopping_) {
        if (running_) {
            if (wake_.try_acquire_for(kLook)) woken_ = false;
        } else {
            wake_.acquire();
            woken_ = false;
        }
        drain();
        commitIfDue(std::exchange(commitNow_, false));
    }
    drain();
    orGiveUp([this] {
        if (writer_->finish()) return;
        throw MachineError{"the capture", "", "is held open by a reader and stays in two files",
                           "copy its -wal along with it, or record into it once more"};
    });
    writer_.reset();
}

void WriterThread::drain() {
    queue_.drain([this](RecordedEvent event) {
        orGiveUp([&] { apply(std::move(event)); });
        commitIfDue(false);
    });
}

void WriterThread::apply(RecordedEvent event) {
    if (!oldestUncommitted_) oldestUncommitted_ = SteadyClock::now();
    std::visit(Overloaded{
                   [](std::monostate) {},
                   [this](const RunBegan& began) {
                       writer_->collectorBecame(began.collector);
                       writer_->beginRun(began.run, *began.facts, began.at, promptText_);
                       droppedBefore_ = began.dropped;
                       droppedWritten_ = 0;
                       commitNow_ = true;
                   },
                   [this](const BatchBegan& began) {
                       writer_->beginBatch(began.batch, began.sequences);
                       commitNow_ = true;
                   },
                   [this](const RunEnded& ended) {
                       writer_->setDropped(ended.dropped - droppedBefore_);
                       writer_->endRun(ended.at, ended.outcome, ended.reason);
                       commitNow_ = true;
                       if (writer_->repeatedRows() > 0) {
                           spdlog::warn("{} events had a key that was recorded before and were left out",
                                        writer_->repeatedRows());
                       }
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
        if (const std::int64_t dropped = dropped_ - droppedBefore_; running_ && dropped != droppedWritten_) {
            writer_->setDropped(dropped);
            droppedWritten_ = dropped;
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
        {
            const std::lock_guard lock(problemMutex_);
            problem_ = e.what();
        }
        spdlog::error("recording stopped: {}", e.what());
        writer_.reset();
    }
}

}  // namespace fluxscope
