// One query over a capture, row by row. Our own and not SQLiteCpp's: a column of theirs counts references, which costs as much
// as reading it does.
//
// Nothing is believed: an integer outside of what its column can mean, or a text that is no known word, makes the row a bad one.
#pragma once

#include "engine/contract/index.h"

#include <SQLiteCpp/Database.h>

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3_stmt;

namespace fluxscope {

class RowReader {
public:
    // Throws SQLite::Exception, as next() does.
    RowReader(SQLite::Database& database, const char* sql,
              std::initializer_list<std::int64_t> parameters = {});

    bool next();

    // Of the current row, columns from 0 on.
    bool isNull(int column) const;
    std::int64_t integer(int column, std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                         std::int64_t most = std::numeric_limits<std::int64_t>::max());
    std::int64_t count(int column) { return integer(column, 0); }
    double real(int column) const;
    std::string_view text(int column) const;  // until next()
    std::string string(int column) const { return std::string(text(column)); }
    template <class Key>
    Key key(int column, typename Key::Value least = 0) {
        return Key::of(integer(column, least, std::numeric_limits<typename Key::Value>::max()));
    }
    Nanoseconds time(int column) { return Nanoseconds(integer(column)); }

    void markBad() { bad_ = true; }
    bool isBad() const { return bad_; }

    // Mixes the current row into a digest, which says whether a small table has changed since it was last read.
    void digestInto(std::uint64_t& digest) const;

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };

    SQLite::Database& database_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    bool bad_ = false;
};

}  // namespace fluxscope
