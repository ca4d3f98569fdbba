#include "profiler/capture/detail/new_capture.h"

#include "engine/contract/error.h"
#include "profiler/capture/detail/capture_file.h"
#include "profiler/capture/detail/row_reader.h"
#include "profiler/capture/journal.h"
#include "profiler/capture/pack.h"
#include "profiler/store/schema.h"

#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>
#include <unistd.h>

#include <memory>
#include <system_error>
#include <utility>

namespace fluxscope {
namespace fs = std::filesystem;
namespace {

constexpr int kBusyMs = 200;
constexpr int kInstructionsBetweenLooks = 20'000;

int isCancelled(void* token) { return static_cast<const CancelToken*>(token)->cancelled() ? 1 : 0; }

fs::path beside(const fs::path& file, const std::string& ending) {
    fs::path other = file;
    other += ending;
    return other;
}

void removeDatabase(const fs::path& file) {
    std::error_code ignored;
    for (const char* ending : {"", "-wal", "-shm", "-journal"}) fs::remove(beside(file, ending), ignored);
}

// A name as SQLite takes it for a file that is only to be read.
std::string readOnlyUri(const fs::path& file) {
    constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./";
    std::string uri = "file:";
    for (const char c : fs::absolute(file).string()) {
        if (kPlain.find(c) != std::string_view::npos) {
            uri += c;
        } else {
            uri += '%';
            uri += "0123456789ABCDEF"[(static_cast<unsigned char>(c) >> 4) & 15];
            uri += "0123456789ABCDEF"[static_cast<unsigned char>(c) & 15];
        }
    }
    return uri + "?mode=ro";
}

}  // namespace

NewCapture::NewCapture(fs::path into, CaptureWork work)
    : into_(std::move(into)),
      unfinished_(beside(into_, ".part" + std::to_string(::getpid()))),
      work_(std::move(work)) {
    std::error_code error;
    if (fs::exists(into_, error))
        throw InputError{into_.string(), "", "is there already", "give another name, or remove it first"};
    removeDatabase(unfinished_);
    try {
        database_ = std::make_unique<SQLite::Database>(
            fs::absolute(unfinished_).string(),
            SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLite::OPEN_URI | SQLite::OPEN_NOMUTEX, kBusyMs);
        distrust(*database_);
        sqlite3_db_config(database_->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        database_->exec("PRAGMA journal_mode = MEMORY");  // of a file that is taken away when anything fails
        database_->exec("PRAGMA cache_size = -32768");
        database_->exec(std::string(schemaSql()));
        offerScopes(*database_, kSchemaVersion);
        RowReader table(*database_,
                        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
        while (table.next()) tables_.push_back(table.string(0));
        if (work_.cancel != nullptr) {
            // SQLite's C interface wants a plain pointer; it is only read through.
            sqlite3_progress_handler(database_->getHandle(), kInstructionsBetweenLooks, isCancelled,
                                     const_cast<CancelToken*>(work_.cancel));
        }
    } catch (const SQLite::Exception& e) {
        removeUnfinished();
        explain(e);
    }
}

NewCapture::~NewCapture() {
    database_.reset();
    removeUnfinished();
}

void NewCapture::removeUnfinished() const {
    if (!unfinished_.empty()) removeDatabase(unfinished_);
    if (!older_.empty()) removeDatabase(older_);
}

void NewCapture::say(const std::string& what) const {
    if (work_.cancel != nullptr && work_.cancel->cancelled()) throw CancelledError(into_.string());
    if (work_.progress) work_.progress(what);
}

void NewCapture::explain(const SQLite::Exception& e) const {
    switch (e.getErrorCode()) {
        case SQLITE_INTERRUPT: throw CancelledError(into_.string());
        case SQLITE_BUSY:
        case SQLITE_LOCKED: throw busyError(source_);
        case SQLITE_FULL:
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_NOMEM:
            throw MachineError{into_.string(), "", "could not be written (" + printable(e.what()) + ")",
                               "look at the disk's space, or choose a folder you may write to"};
        default:
            throw InputError{
                source_.string(), "", "is damaged (" + printable(e.what()) + ")",
                "fluxscope-cli capture check says where; copy it again from where it was recorded"};
    }
}

fs::path NewCapture::upToDate(const fs::path& file) {
    {
        SQLite::Database look = openCapture(file);
        if (requireCapture(look, file.string()) == kSchemaVersion) return file;
    }
    older_ = beside(unfinished_, ".older");
    removeDatabase(older_);
    packCapture(file, older_);
    SQLite::Database database(fs::absolute(older_).string(), SQLite::OPEN_READWRITE, kBusyMs);
    distrust(database);
    migrate(database, requireCapture(database, file.string()), migrations());
    return older_;
}

std::vector<std::string> NewCapture::attach(const fs::path& file) {
    source_ = file;
    if (const std::string problem = cutOff(file); !problem.empty())
        throw InputError{file.string(), "", problem, "copy it again from where it was recorded"};
    std::vector<std::string> notes;
    with([&](SQLite::Database& database) {
        const fs::path readable = upToDate(file);
        if (const std::string problem = missingLog(file); !problem.empty())
            notes.push_back(file.string() + ": " + problem);
        SQLite::Statement attach(database, "ATTACH ? AS source");
        attach.bind(1, readOnlyUri(readable));
        attach.exec();
        attach.reset();
        database.exec("BEGIN");
        requireOrdinaryTables();
    });
    return notes;
}

void NewCapture::requireOrdinaryTables() {
    for (const std::string& table : tables_) {
        if (const std::string instead = planted(*database_, table, "source"); !instead.empty())
            throw InputError{source_.string(), "table " + table, instead,
                             "copy the file again from where it was recorded"};
    }
}

void NewCapture::detach() {
    exec("COMMIT; DETACH source");
    if (!older_.empty()) removeDatabase(std::exchange(older_, {}));
}

void NewCapture::copy(const CopiedTable& what) {
    say(what.table);
    with([&](SQLite::Database& database) {
        std::string names, values;
        RowReader column(database, ("PRAGMA main.table_xinfo(" + what.table + ")").c_str());
        while (column.next()) {
            const std::string name = column.string(1);
            const auto instead = what.instead.find(name);
            names += (names.empty() ? "" : ", ") + name;
            values += (values.empty() ? "" : ", ") +
                      (instead == what.instead.end() ? "t." + name : instead->second);
        }
        database.exec("INSERT INTO main." + what.table + " (" + names + ") SELECT " + values +
                      " FROM source." + what.table + " AS t " + what.joined + " WHERE " + what.where + " " +
                      what.behind);
    });
}

void NewCapture::exec(const std::string& sql) {
    with([&](SQLite::Database& database) { database.exec(sql); });
}

std::int64_t NewCapture::number(const std::string& sql) {
    std::int64_t value = 0;
    with([&](SQLite::Database& database) { value = database.execAndGet(sql).getInt64(); });
    return value;
}

std::string NewCapture::text(const std::string& sql) {
    std::string value;
    with([&](SQLite::Database& database) {
        RowReader row(database, sql.c_str());
        if (row.next()) value = row.string(0);
    });
    return value;
}

void NewCapture::finish() {
    say("references");
    if (const std::string dangling =
            text("SELECT \"table\" || ' refers to a row of ' || parent || ' that is not there' FROM "
                 "pragma_foreign_key_check LIMIT 1");
        !dangling.empty())
        throw InputError{into_.string(), "", "would not be sound: " + printable(dangling),
                         "see with fluxscope-cli capture check what is wrong with what it was to be made of"};
    say("saving");
    database_.reset();
    std::error_code error;
    if (fs::exists(into_, error))
        throw InputError{into_.string(), "", "is there already", "give another name, or remove it first"};
    fs::rename(unfinished_, into_, error);
    if (error)
        throw MachineError{into_.string(), "", "cannot be written",
                           "check that its folder exists and the disk has room"};
    unfinished_.clear();
}

}  // namespace fluxscope
