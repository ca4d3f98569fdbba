#include "profiler/capture/capture_feed.h"

#include "engine/contract/error.h"
#include "profiler/capture/detail/capture_file.h"
#include "profiler/capture/detail/snapshot_reader.h"
#include "profiler/store/writing_lock.h"

#include <SQLiteCpp/Exception.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace fluxscope {
namespace {

// What a look at the folder tells about a file and its write-ahead log.
struct Stamp {
    ino_t inode = 0;
    off_t size = 0;
    off_t logSize = 0;
    Nanoseconds changed{};
    Nanoseconds logChanged{};

    friend bool operator==(const Stamp&, const Stamp&) = default;
};

Nanoseconds changeOf(const struct stat& facts) {
    return std::chrono::seconds(facts.st_mtim.tv_sec) + Nanoseconds(facts.st_mtim.tv_nsec);
}

// Absent: there is no file, or nothing in it yet.
std::optional<Stamp> stampOf(const std::filesystem::path& file) {
    struct stat facts{};
    if (::stat(file.c_str(), &facts) != 0 || facts.st_size == 0) return std::nullopt;
    Stamp stamp{.inode = facts.st_ino,
                .size = facts.st_size,
                .logSize = 0,
                .changed = changeOf(facts),
                .logChanged = {}};
    if (::stat((file.string() + "-wal").c_str(), &facts) == 0) {
        stamp.logSize = facts.st_size;
        stamp.logChanged = changeOf(facts);
    }
    return stamp;
}

}  // namespace

struct CaptureFeed::Worker {
    Worker(std::filesystem::path path, Publish sink)
        : file(std::move(path)), publish(std::move(sink)), reader(file, &stop) {
        thread = std::thread([this] { loop(); });
    }
    ~Worker() {
        {
            const std::lock_guard lock(mutex);
            stop = true;
        }
        wake.notify_all();
        thread.join();
    }

    void loop() {
        std::unique_lock lock(mutex);
        while (!stop) {
            lock.unlock();
            look();
            lock.lock();
            wake.wait_for(lock, kInterval, [this] { return stop.load(); });
        }
    }

    // A finished file that nobody touches costs three calls of stat and open a look.
    void look() {
        const bool isLive =
            isBeingWritten(file);  // before reading: when it is false, what is read is all there will be
        const std::optional<Stamp> now = stampOf(file);
        if (!now) {
            if (seen) tell("it was taken away; what had been read of it is still shown", false);
            seen.reset();
            return;
        }
        if (!isLive && !live && now == seen) return;
        if (seen && seen->inode != now->inode) reader = SnapshotReader(file, &stop);
        try {
            const bool changed = reader.poll();
            seen = now;
            if (changed || isLive != live || !told || !problem.empty()) tell({}, isLive);
        } catch (const SQLite::Exception& e) {
            spdlog::debug("{}: {}; looking again", file.string(), e.what());  // busy, or we are being stopped
        } catch (const Error& e) {
            seen = now;
            if (problem != e.what() || isLive != live) tell(e.what(), isLive);
        }
    }

    void tell(std::string sentence, bool isLive) {
        live = isLive;
        told = true;
        problem = std::move(sentence);
        const std::shared_ptr<Snapshot> snapshot = reader.snapshot();
        snapshot->generation = ++generation;
        snapshot->live = live;
        if (!problem.empty()) snapshot->problems.insert(snapshot->problems.begin(), problem);
        publish(snapshot);
    }

    const std::filesystem::path file;
    const Publish publish;
    std::atomic<bool> stop{false};
    SnapshotReader reader;
    std::optional<Stamp> seen;
    std::uint64_t generation = 0;
    bool live = false;
    bool told = false;
    std::string problem;

    std::mutex mutex;
    std::condition_variable wake;
    std::thread thread;
};

CaptureFeed::CaptureFeed(std::filesystem::path file, Publish publish)
    : worker_(std::make_unique<Worker>(std::move(file), std::move(publish))) {}

CaptureFeed::~CaptureFeed() = default;

SnapshotPtr readCapture(const std::filesystem::path& file) {
    const bool live = isBeingWritten(file);
    SnapshotReader reader(file);
    try {
        reader.poll();
    } catch (const SQLite::Exception&) {
        throw busyError(file);  // all else has become an InputError
    }
    const std::shared_ptr<Snapshot> snapshot = reader.snapshot();
    snapshot->generation = 1;
    snapshot->live = live;
    return snapshot;
}

}  // namespace fluxscope
