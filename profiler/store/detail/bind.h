// Values of the house into the parameters of a prepared statement, in order.
#pragma once

#include "engine/contract/error.h"
#include "engine/contract/index.h"

#include <SQLiteCpp/Statement.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace fluxscope {

struct Blob {
    std::string_view bytes;
};

template <class Integer>
    requires std::is_integral_v<Integer>
void bindValue(SQLite::Statement& statement, int at, Integer value) {
    statement.bind(at, static_cast<std::int64_t>(value));
}
inline void bindValue(SQLite::Statement& statement, int at, double value) { statement.bind(at, value); }
inline void bindValue(SQLite::Statement& statement, int at, std::string_view value) {
    statement.bind(at, std::string(value));
}
inline void bindValue(SQLite::Statement& statement, int at, Blob value) {
    statement.bind(at, value.bytes.data(), static_cast<int>(value.bytes.size()));
}
inline void bindValue(SQLite::Statement& statement, int at, Nanoseconds value) {
    statement.bind(at, std::int64_t{value.count()});
}
template <class Tag, class Rep>
void bindValue(SQLite::Statement& statement, int at, const Index<Tag, Rep>& value) {
    bindValue(statement, at, value.value());
}
template <class Value>
void bindValue(SQLite::Statement& statement, int at, const std::optional<Value>& value) {
    if (value) {
        bindValue(statement, at, *value);
    } else {
        statement.bind(at);
    }
}

// Binds, runs, and tells how many rows changed.
template <class... Values>
int execute(SQLite::Statement& statement, const Values&... values) {
    statement.tryReset();
    int at = 0;
    (bindValue(statement, ++at, values), ...);
    return statement.exec();
}

}  // namespace fluxscope
