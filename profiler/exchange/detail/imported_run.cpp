#include "profiler/exchange/detail/imported_run.h"

#include "engine/contract/error.h"
#include "profiler/exchange/detail/rows.h"
#include "profiler/store/schema.h"
#include "profiler/store/writing_lock.h"
#include "version/version.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <unistd.h>

#include <system_error>
#include <utility>

namespace fluxscope {
namespace fs = std::filesystem;
namespace {

constexpr const char* kUnknown = "unknown";
constexpr const char* kUnknownPolicy = R"({"kind":"unknown"})";

fs::path beside(const fs::path& file, const std::string& ending) {
    fs::path other = file;
    other += ending;
    return other;
}

void removeCapture(const fs::path& file) {
    std::error_code ignored;
    for (const char* ending : {"", "-wal", "-shm", "-writing", "-journal"})
        fs::remove(beside(file, ending), ignored);
}

// The capture to add to must be whole, in one file and nobody else's.
void requireAddable(const fs::path& capture) {
    std::error_code unknown;
    if (!fs::exists(capture, unknown) || fs::file_size(capture, unknown) == 0) return;
    SQLite::Database database = openUntrusted(capture, nullptr);
    requireCapture(database, capture.string());
    if (isBeingWritten(capture)) {
        throw InputError{capture.string(), "", "is being written by another process",
                         "wait until it has ended, or import into another file"};
    }
    if (fs::exists(beside(capture, "-wal"), unknown) && fs::file_size(beside(capture, "-wal"), unknown) > 0) {
        throw InputError{capture.string(), "", "has a -wal beside it: its recording was cut off",
                         "import into another file"};
    }
}

RunFacts runOf(const ImportedFacts& facts) {
    RunFacts run;
    run.role = RunRole::Timed;
    run.model = facts.model;
    if (facts.policy) run.policy = *facts.policy;
    if (facts.sparse) run.sparse = *facts.sparse;
    run.seed = facts.seed;
    run.maxNew = facts.maxNew;
    run.device = facts.device;
    run.dtype = facts.dtype;
    run.sequences = facts.sequences;
    return run;
}

}  // namespace

ImportedRun::ImportedRun(const fs::path& source, fs::path capture, const ImportedFacts& facts,
                         Nanoseconds begin)
    : capture_(std::move(capture)),
      unfinished_(beside(capture_, ".part" + std::to_string(::getpid()))),
      facts_(facts) {
    requireAddable(capture_);
    removeCapture(unfinished_);
    std::error_code failed;
    if (fs::exists(capture_, failed)) {
        fs::copy_file(capture_, unfinished_, failed);
        if (failed) fail();
    }
    ProcessRecord process{
        .host = facts.host,
        .pid = facts.pid,
        .program = facts.tool + (facts.version.empty() ? "" : " " + facts.version) + ", imported",
        .collector = "imported",
        .monotonic = {},
        .utc = facts.utc,
        .environment = facts.environment};
    const auto add = [&process](const char* name, const std::string& value) {
        process.environment.push_back({name, value, "import"});
    };
    add("import_file", source.filename().string());
    add("import_tool", facts.tool);
    if (!facts.version.empty()) add("import_tool_version", facts.version);
    add("import_by", "FluxScope " + std::string(buildInfo().description));
    if (facts.utc == Nanoseconds{}) add("import_clock", "not known: times are those of the file, from 0 on");
    try {
        writer_.emplace(unfinished_, process);
        run_ = writer_->nextRun();
        writer_->beginRun(run_, runOf(facts), begin, facts.promptText);
        writer_->setOrigin(facts.tool, std::string(kImportedTime));
        writer_->setRecordBudget(std::nullopt);
        std::vector<SequenceIndex> all;
        for (std::size_t i = 0; i < facts.sequences.size(); ++i) all.push_back(SequenceIndex::of(i));
        writer_->beginBatch(BatchIndex(0), all);
    } catch (...) {
        writer_.reset();
        removeCapture(unfinished_);
        throw;
    }
}

ImportedRun::~ImportedRun() {
    writer_.reset();
    if (!unfinished_.empty()) removeCapture(unfinished_);
}

void ImportedRun::wrote(std::size_t rows) {
    rows_ += static_cast<std::int64_t>(rows);
    if (writer_->uncommittedRows() < kRowsOfACommit) return;
    writer_->commit();
    writer_->checkpoint();
}

void ImportedRun::finish(Nanoseconds end) {
    writer_->endRun(end, RunOutcome::Finished, "");
    if (!writer_->finish()) fail();
    writer_.reset();
    guarded(capture_, nullptr, [this] { markUnknown(facts_); });
    std::error_code failed;
    fs::rename(unfinished_, capture_, failed);
    if (failed) fail();
    unfinished_.clear();
}

// A RunFacts always has a policy and a sparse form; a file of another tool need not say either.
void ImportedRun::markUnknown(const ImportedFacts& facts) {
    SQLite::Database database(unfinished_.string(), SQLite::OPEN_READWRITE);
    distrust(database);
    const auto set = [&](const char* sql, const std::string& value) {
        SQLite::Statement statement(database, sql);
        statement.bind(1, value);
        statement.bind(2, run_.value());
        statement.exec();
    };
    database.exec("BEGIN");
    set("UPDATE run SET sampling = ? WHERE run = ?", "{}");
    if (!facts.policy) {
        set("UPDATE run SET policy_name = ? WHERE run = ?", kUnknown);
        set("UPDATE run SET policy = ? WHERE run = ?", kUnknownPolicy);
    }
    if (!facts.sparse) set("UPDATE run SET sparse = ? WHERE run = ?", kUnknown);
    database.exec("COMMIT");
}

void ImportedRun::fail() const {
    throw MachineError{capture_.string(), "", "cannot be written",
                       "check that its folder exists and the disk has room"};
}

}  // namespace fluxscope
