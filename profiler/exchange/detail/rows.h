// Rows of an SQLite file of unknown origin: a capture, or another profiler's export. Read-only, nothing planted in it runs, and
// its integers are believed only within what they can mean.
#pragma once

#include "engine/contract/index.h"

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <string_view>

struct sqlite3_stmt;

namespace fluxscope {

class CancelToken;

// `cancel` ends any query, with CancelledError from guarded(); it must outlive the database. Throws InputError.
SQLite::Database openUntrusted(const std::filesystem::path& file, const CancelToken* cancel);
void stopWhenCancelled(SQLite::Database& database, const CancelToken* cancel);

// The ordinary columns of an ordinary table, as they are spelled there; none when it is missing, a view, or virtual.
std::set<std::string> columnsOf(SQLite::Database& database, const std::string& table);

class Rows {
public:
    Rows(SQLite::Database& database, const std::string& sql,
         std::initializer_list<std::int64_t> parameters = {});

    bool next();

    bool isNull(int column) const;
    bool isInteger(int column) const;
    bool isNumber(int column) const;
    int columns() const;
    std::string_view name(int column) const;
    // Out of range, or no number: the row is marked bad.
    std::int64_t integer(int column, std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                         std::int64_t most = std::numeric_limits<std::int64_t>::max());
    std::int64_t count(int column) { return integer(column, 0); }
    std::int32_t small(int column, std::int32_t least = 0) {
        return static_cast<std::int32_t>(integer(column, least, std::numeric_limits<std::int32_t>::max()));
    }
    // A moment: from 0 to what a trace format can still add to.
    Nanoseconds time(int column) { return Nanoseconds(integer(column, 0, std::int64_t{1} << 62)); }
    double real(int column) const;
    std::string_view text(int column) const;  // until next()
    std::string string(int column) const { return std::string(text(column)); }
    template <class Key>
    Key key(int column, typename Key::Value least = 0) {
        return Key::of(integer(column, least, std::numeric_limits<typename Key::Value>::max()));
    }
    void markBad() { bad_ = true; }
    bool isBad() const { return bad_; }  // of the current row

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };

    SQLite::Database& database_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    bool bad_ = false;
};

// Runs `work` and turns what SQLite says into one sentence about the file.
void rethrowAbout(const std::filesystem::path& file, const CancelToken* cancel);
template <class Work>
auto guarded(const std::filesystem::path& file, const CancelToken* cancel, Work work) {
    try {
        return work();
    } catch (const SQLite::Exception&) {
        rethrowAbout(file, cancel);
        throw;
    }
}

}  // namespace fluxscope
