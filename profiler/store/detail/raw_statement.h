// A prepared statement without SQLiteCpp's reference counts and strings, for tables with millions of rows.
#pragma once

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>

namespace fluxscope {

class RawStatement {
public:
    RawStatement(SQLite::Database& database, const char* sql) : database_(database.getHandle()) {
        sqlite3_stmt* statement = nullptr;
        const int result =
            sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
        statement_.reset(statement);
        if (result != SQLITE_OK) throw SQLite::Exception(database_, result);
    }

    // Binds, runs to the end, and is ready again. Texts must live until it returns. True: a row was changed, or came back.
    template <class... Values>
    bool run(const Values&... values) {
        int at = 0;
        (bind(++at, values), ...);
        return runAsSet();
    }

    // The same by hand.
    template <class Value>
    void set(int at, const Value& value) {
        bind(at, value);
    }
    bool runAsSet() {
        const int result = sqlite3_step(statement_.get());
        if (result == SQLITE_ROW) {
            first_ = sqlite3_column_int64(statement_.get(), 0);
        }
        const int reset = sqlite3_reset(statement_.get());
        if (reset != SQLITE_OK) throw SQLite::Exception(database_, reset);
        return result == SQLITE_ROW || sqlite3_changes(database_) > 0;
    }

    std::int64_t first() const { return first_; }  // the first column of the row that came back

    // For queries of several rows: bind with start(), then next() until false.
    template <class... Values>
    void start(const Values&... values) {
        sqlite3_reset(statement_.get());
        int at = 0;
        (bind(++at, values), ...);
    }
    bool next() {
        const int result = sqlite3_step(statement_.get());
        if (result == SQLITE_ROW) return true;
        const int reset = sqlite3_reset(statement_.get());
        if (result != SQLITE_DONE) throw SQLite::Exception(database_, reset);
        return false;
    }
    std::int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
    std::string_view text(int column) const {
        const void* bytes = sqlite3_column_blob(statement_.get(), column);
        const int size = sqlite3_column_bytes(statement_.get(), column);
        return bytes == nullptr
                   ? std::string_view{}
                   : std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }

private:
    template <class Value>
    void bind(int at, const std::optional<Value>& value) {
        if (value) {
            bind(at, *value);
        } else {
            sqlite3_bind_null(statement_.get(), at);
        }
    }
    template <class Value>
    void bind(int at, const Value& value) {
        if constexpr (std::is_floating_point_v<Value>) {
            sqlite3_bind_double(statement_.get(), at, static_cast<double>(value));
        } else if constexpr (std::is_integral_v<Value>) {
            sqlite3_bind_int64(statement_.get(), at, static_cast<std::int64_t>(value));
        } else {
            const std::string_view text = value;
            sqlite3_bind_text64(statement_.get(), at, text.data() == nullptr ? "" : text.data(), text.size(),
                                SQLITE_STATIC, SQLITE_UTF8);
        }
    }

    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };

    sqlite3* database_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    std::int64_t first_ = 0;
};

}  // namespace fluxscope
