#include "profiler/store/capture_writer.h"

#include "profiler/store/detail/row_writer.h"
#include "profiler/store/detail/store_error.h"
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

SQLite::Database open(const fs::path& file) {
    const bool creating = isNew(file);
    if (!creating) {
        // Looked at without the right to write first, so that a file of somebody else stays as it is to the last byte.
        SQLite::Database look(absolutePath(file), SQLite::OPEN_READONLY, kBusyMs);
        requireCapture(look, file.string());
    }
    SQLite::Database database(absolutePath(file), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, kBusyMs);
    distrust(database);
    if (creating) {
        // Before WAL: a file killed in this moment is empty, never half a schema.
        database.exec("BEGIN IMMEDIATE");
        database.exec(std::string(schemaSql()));
        database.exec("COMMIT");
    } else if (const int version = requireCapture(database, file.string()); version < kSchemaVersion) {
        migrate(database, version, migrations());
    }
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = NORMAL");
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

}  // namespace

struct CaptureWriter::Writing {
    Writing(const fs::path& path, const ProcessRecord& facts)
        : file(path), lock(holdOrRefuse(path)), database(open(path)), rows(database) {
        lastRun = database.execAndGet("SELECT coalesce(max(run), 0) FROM run").getInt();
        begin();
        process = rows.addProcess(facts);
        commit();
        ::stat(file.c_str(), &identity);
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
        database.exec("COMMIT");
        inTransaction = false;
        committedRows = rows.rows();
    }

    template <class Change>
    void change(Change apply) {
        reporting(file, [&] {
            begin();
            apply(rows);
        });
    }

    // SQLite goes on writing into a file that was taken away, and nobody would ever see it.
    void requireStillThere() const {
        struct stat now{};
        if (::stat(file.c_str(), &now) == 0 && now.st_ino == identity.st_ino && now.st_dev == identity.st_dev)
            return;
        throw MachineError{file.string(), "", "was taken away while it was being recorded",
                           "leave a capture in place until its run has ended"};
    }

    fs::path file;
    WritingLock lock;  // the first to come, the last to go
    SQLite::Database database;
    RowWriter rows;
    std::int64_t process = 0;
    std::int32_t lastRun = 0;
    bool inTransaction = false;
    std::size_t committedRows = 0;
    struct stat identity{};
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
    writing_->change(
        [&](RowWriter& rows) { rows.beginRun(writing_->process, run, facts, begin, promptText); });
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
    writing_->change([&](RowWriter& rows) { rows.add(scope); });
}

void CaptureWriter::write(const LayerStepRecord& step) {
    writing_->change([&](RowWriter& rows) { rows.add(step); });
}

void CaptureWriter::setDropped(std::int64_t records) {
    writing_->change([&](RowWriter& rows) { rows.setDropped(records); });
}

void CaptureWriter::endRun(Nanoseconds end, RunOutcome outcome, const std::string& reason) {
    writing_->change([&](RowWriter& rows) { rows.endRun(end, outcome, reason); });
}

std::size_t CaptureWriter::uncommittedRows() const { return writing_->rows.rows() - writing_->committedRows; }

std::int64_t CaptureWriter::repeatedRows() const { return writing_->rows.repeated(); }

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
        commit();
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
