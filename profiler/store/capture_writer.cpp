#include "profiler/store/capture_writer.h"

#include "profiler/store/detail/device_writer.h"
#include "profiler/store/detail/row_writer.h"
#include "profiler/store/detail/store_error.h"
#include "profiler/store/detail/training_writer.h"
#include "profiler/store/schema.h"
#include "profiler/store/writing_lock.h"

#include <SQLiteCpp/Database.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <string>
#include <system_error>
#include <utility>

namespace fluxscope {
namespace fs = std::filesystem;
namespace {

constexpr int kBusyMs =
    2000;  // a reader needs the file for milliseconds, an SQLite shell may hold it for good

constexpr int kTryMs = 250;

std::string absolutePath(const fs::path& file) { return fs::absolute(file).string(); }

bool isNew(const fs::path& file) {
    std::error_code unknown;
    if (!fs::exists(file, unknown)) return true;
    if (!fs::is_regular_file(file, unknown)) {
        throw InputError{file.string(), "", "is not a file", "give another name; captures end in .fluxdb"};
    }
    return fs::file_size(file, unknown) ==
           0;  // made by mktemp, or by a recorder that was killed in its first moment
}

WritingLock holdOrRefuse(const fs::path& file) {
    if (auto lock = WritingLock::tryHold(file)) return std::move(*lock);
    throw InputError{file.string(), "", "is being written by another process",
                     "wait until it has ended, or record into another file"};
}

// A recorder that was killed while it made the file leaves a journal behind. Whoever opens the file with the right to write takes it
// back to what it was: empty.
void takeBackInterrupted(const fs::path& file) {
    std::error_code unknown;
    if (!fs::exists(file, unknown) || !fs::exists(file.string() + "-journal", unknown)) return;
    SQLite::Database(absolutePath(file), SQLite::OPEN_READWRITE, kBusyMs)
        .execAndGet("SELECT count(*) FROM sqlite_schema");
}

SQLite::Database open(const fs::path& file) {
    takeBackInterrupted(file);
    const bool creating = isNew(file);
    if (!creating) {
        // Looked at without the right to write first, so that a file of somebody else stays as it is to the last byte.
        SQLite::Database look(absolutePath(file), SQLite::OPEN_READONLY, kBusyMs);
        requireCapture(look, file.string());
    }
    // One thread at a time: a mutex around each bound value would be a tenth of the work.
    SQLite::Database database(absolutePath(file),
                              SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_NOMUTEX, kBusyMs);
    distrust(database);
    if (creating) {
        // Before WAL: a file killed in this moment is empty, never half a schema.
        database.exec("BEGIN IMMEDIATE");
        database.exec(std::string(schemaSql()));
        database.exec("COMMIT");
    } else if (const int version = requireCapture(database, file.string()); version < kSchemaVersion) {
        migrate(database, version, migrations());
    }
    offerScopes(database, kSchemaVersion);
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = NORMAL");
    database.exec("PRAGMA cache_size = -32768");  // a transaction's pages: the overview's lie far apart
    database.exec(
        "PRAGMA wal_autocheckpoint = 0");  // checkpoint() chooses the moment: a checkpoint waits for the disk
    return database;
}

template <class Work>
auto reporting(const fs::path& file, Work work) {
    try {
        return work();
    } catch (const SQLite::Exception& e) {
        throw storeError(file.string(), e);
    }
}

// The file that was opened. After a failure too it is to be one file, where its log has found its way into it. That must not need room:
// the disk may be full, so what would be undone and the index of the log are kept in memory.
class OneFileInTheEnd {
public:
    explicit OneFileInTheEnd(fs::path file) : file_(std::move(file)) {}
    OneFileInTheEnd(const OneFileInTheEnd&) = delete;
    OneFileInTheEnd& operator=(const OneFileInTheEnd&) = delete;
    ~OneFileInTheEnd() {
        if (isDone || !isStillThere()) return;
        sqlite3* database = nullptr;
        if (sqlite3_open_v2(file_.c_str(), &database, SQLITE_OPEN_READWRITE, nullptr) == SQLITE_OK)
            sqlite3_exec(database, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY", nullptr,
                         nullptr, nullptr);
        sqlite3_close(database);
    }

    void opened() { ::stat(file_.c_str(), &identity_); }
    // It was not taken away, and no other took its place.
    bool isStillThere() const {
        struct stat now{};
        return ::stat(file_.c_str(), &now) == 0 && now.st_ino == identity_.st_ino &&
               now.st_dev == identity_.st_dev;
    }

    bool isDone = false;

private:
    fs::path file_;
    struct stat identity_{};
};

}  // namespace

struct CaptureWriter::Writing {
    Writing(const fs::path& path, const ProcessRecord& facts)
        : file(path),
          lock(holdOrRefuse(path)),
          oneFile(path),
          database(open(path)),
          rows(database),
          trainings(database) {
        oneFile.opened();
        lastRun = database.execAndGet("SELECT coalesce(max(run), 0) FROM run").getInt();
        begin();
        process = rows.addProcess(facts);
        device.emplace(database, process);
        commit();
    }
    ~Writing() {
        if (inTransaction) sqlite3_exec(database.getHandle(), "ROLLBACK", nullptr, nullptr, nullptr);
    }

    void begin() {
        if (inTransaction) return;
        database.exec("BEGIN IMMEDIATE");
        inTransaction = true;
    }
    void commit() {
        if (!inTransaction) return;
        rows.flush();
        device->flush();
        database.exec("COMMIT");
        inTransaction = false;
        committedRows = writtenRows();
    }

    template <class Change>
    void change(Change apply) {
        reporting(file, [&] {
            begin();
            apply(rows);
        });
    }
    template <class Change>
    void changeTraining(Change apply) {
        reporting(file, [&] {
            begin();
            apply(trainings);
        });
    }
    template <class Record>
    void addToDevice(const Record& record) {
        reporting(file, [&] {
            begin();
            device->add(record);
        });
    }
    std::size_t writtenRows() const {
        return rows.rows() + trainings.rows() + static_cast<std::size_t>(device->rows());
    }

    // SQLite goes on writing into a file that was taken away, and nobody would ever see it.
    void requireStillThere() const {
        if (oneFile.isStillThere()) return;
        throw MachineError{file.string(), "", "was taken away while it was being recorded",
                           "leave a capture in place until its run has ended"};
    }

    fs::path file;
    WritingLock lock;  // the first to come, the last to go
    OneFileInTheEnd oneFile;
    SQLite::Database database;
    RowWriter rows;
    TrainingWriter trainings;
    std::optional<DeviceWriter> device;  // once the process is known
    std::int64_t process = 0;
    std::int32_t lastRun = 0;
    bool inTransaction = false;
    std::size_t committedRows = 0;
};

CaptureWriter::CaptureWriter(const fs::path& file, const ProcessRecord& process) {
    writing_ = reporting(file, [&] { return std::make_unique<Writing>(file, process); });
}

CaptureWriter::~CaptureWriter() = default;

RunIndex CaptureWriter::nextRun() const { return RunIndex::of(writing_->lastRun + 1); }

void CaptureWriter::collectorBecame(const std::string& collector) {
    writing_->change([&](RowWriter& rows) { rows.setCollector(writing_->process, collector); });
}

void CaptureWriter::beginRun(RunIndex run, const RunFacts& facts, Nanoseconds begin, bool promptText) {
    writing_->change([&](RowWriter& rows) {
        rows.flush();
        rows.beginRun(writing_->process, run, facts, begin, promptText);
        writing_->device->beginRun(run.value(), begin.count(), facts.device == "cpu");
    });
    writing_->lastRun = run.value();
}

void CaptureWriter::beginBatch(BatchIndex batch, std::span<const SequenceIndex> sequences) {
    writing_->change([&](RowWriter& rows) { rows.beginBatch(batch, sequences); });
}

void CaptureWriter::write(const TurnRecord& turn) {
    writing_->change([&](RowWriter& rows) { rows.add(turn); });
}

void CaptureWriter::write(const DecisionRecord& decision) {
    writing_->change([&](RowWriter& rows) { rows.add(decision); });
}

void CaptureWriter::write(const KvRecord& kv) {
    writing_->change([&](RowWriter& rows) { rows.add(kv); });
}

void CaptureWriter::write(const TokenRecord& token) {
    writing_->change([&](RowWriter& rows) { rows.add(token); });
}

void CaptureWriter::write(const ScopeRecord& scope) {
    writing_->change([&](RowWriter& rows) {
        if (writing_->device->takeScope(scope))
            rows.add(scope);
        else
            rows.leaveOut(scope.key);
    });
}

void CaptureWriter::write(const LayerStepRecord& step) {
    writing_->change([&](RowWriter& rows) { rows.add(step); });
}

void CaptureWriter::write(const FidelityRecord& fidelity) {
    writing_->change([&](RowWriter& rows) { rows.add(fidelity); });
}

void CaptureWriter::write(const EvaluationSample& sample) {
    writing_->change([&](RowWriter& rows) { rows.add(sample); });
}

void CaptureWriter::write(const QualityRecord& figure) {
    writing_->change([&](RowWriter& rows) { rows.add(figure); });
}

void CaptureWriter::write(const CollectorRecord& collector) {
    writing_->change([&](RowWriter& rows) { rows.add(writing_->process, collector); });
}

void CaptureWriter::write(std::span<const KernelRecord> kernels) { writing_->addToDevice(kernels); }

void CaptureWriter::write(std::span<const CopyRecord> copies) { writing_->addToDevice(copies); }

void CaptureWriter::write(std::span<const FillRecord> fills) { writing_->addToDevice(fills); }

void CaptureWriter::write(std::span<const ApiRecord> calls) { writing_->addToDevice(calls); }

void CaptureWriter::write(std::span<const SyncRecord> syncs) { writing_->addToDevice(syncs); }

void CaptureWriter::write(std::span<const OverheadRecord> overheads) { writing_->addToDevice(overheads); }

void CaptureWriter::write(std::span<const GraphNodeRecord> nodes) { writing_->addToDevice(nodes); }

void CaptureWriter::write(std::span<const SampleRecord> samples) { writing_->addToDevice(samples); }

void CaptureWriter::write(std::span<const TrafficRecord> traffic) { writing_->addToDevice(traffic); }

void CaptureWriter::write(std::span<const LateAttribution> late) {
    writing_->change([&](RowWriter& rows) {
        rows.flush();
        writing_->device->add(late);
    });
}

void CaptureWriter::write(const DeviceRecord& device) { writing_->addToDevice(device); }

void CaptureWriter::setRecordBudget(std::optional<std::int64_t> rows) {
    writing_->change([&](RowWriter&) { writing_->device->setBudget(rows); });
}

void CaptureWriter::setClockLocked() {
    writing_->change([](RowWriter& rows) { rows.setClockLocked(); });
}

void CaptureWriter::setOrigin(const std::string& origin, const std::string& timeSource) {
    writing_->change([&](RowWriter& rows) {
        rows.setOrigin(origin);
        writing_->device->setTimeSource(timeSource);
    });
}

void CaptureWriter::setDropped(std::int64_t records) {
    writing_->change([&](RowWriter& rows) { rows.setDropped(records); });
}

void CaptureWriter::endRun(Nanoseconds end, RunOutcome outcome, const std::string& reason) {
    writing_->change([&](RowWriter& rows) {
        rows.flush();
        writing_->device->endRun();
        rows.endRun(end, outcome, reason);
    });
}

void CaptureWriter::beginTraining(const TrainingBegan& training) {
    writing_->changeTraining([&](TrainingWriter& rows) { rows.begin(writing_->process, training); });
}

void CaptureWriter::write(const TrainingStepRecord& step) {
    writing_->changeTraining([&](TrainingWriter& rows) { rows.add(step); });
}

void CaptureWriter::write(const TrainingWarningRecord& warning) {
    writing_->changeTraining([&](TrainingWriter& rows) { rows.add(warning); });
}

void CaptureWriter::endTraining(const TrainingEnded& training) {
    writing_->changeTraining([&](TrainingWriter& rows) { rows.end(training); });
}

bool CaptureWriter::tryBegin() {
    return reporting(writing_->file, [this] {
        if (writing_->inTransaction) return true;
        writing_->database.setBusyTimeout(kTryMs);
        bool isHeld = true;
        try {
            writing_->begin();
        } catch (const SQLite::Exception& e) {
            if (e.getErrorCode() != SQLITE_BUSY && e.getErrorCode() != SQLITE_LOCKED) throw;
            isHeld = false;
        }
        writing_->database.setBusyTimeout(kBusyMs);
        return isHeld;
    });
}

std::size_t CaptureWriter::uncommittedRows() const {
    return writing_->writtenRows() - writing_->committedRows;
}

std::int64_t CaptureWriter::repeatedRows() const {
    return writing_->rows.repeated() + writing_->trainings.repeated();
}

void CaptureWriter::commit() {
    reporting(writing_->file, [&] {
        if (!writing_->inTransaction) return;
        writing_->requireStillThere();
        writing_->commit();
    });
}

void CaptureWriter::checkpoint() {
    reporting(writing_->file, [&] { writing_->database.exec("PRAGMA wal_checkpoint(PASSIVE)"); });
}

bool CaptureWriter::finish() {
    return reporting(writing_->file, [&] {
        if (writing_->device->isOverviewBehind()) {
            writing_->begin();
            writing_->device->flushOverview();
        }
        commit();
        writing_->oneFile.isDone = true;
        try {
            writing_->database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
            return writing_->database.execAndGet("PRAGMA journal_mode = DELETE").getString() == "delete";
        } catch (const SQLite::Exception& e) {
            if (e.getErrorCode() == SQLITE_BUSY || e.getErrorCode() == SQLITE_LOCKED) return false;
            throw;
        }
    });
}

}  // namespace fluxscope
