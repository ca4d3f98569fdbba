// Inserts rows of numbers, literals and NULLs, many with one statement: what a statement costs beside its rows, more than half of it all, is paid
// once for 32 of them (8,800 instructions a kernel become 5,700, a connection without a mutex included).
#pragma once

#include "profiler/store/detail/raw_statement.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace fluxscope {

class RowBatch {
public:
    // "INSERT INTO t (a, b) VALUES", "(?, ?)", and what may follow, such as "ON CONFLICT DO NOTHING".
    RowBatch(SQLite::Database& database, const std::string& head, const std::string& row,
             const std::string& tail = {})
        : one_(database, (head + " " + row + " " + tail).c_str()),
          many_(database, (head + " " + rowsOf(row) + " " + tail).c_str()) {}

    // Texts must live until the next flush().
    template <class... Values>
    void add(const Values&... values) {
        columns_ = sizeof...(values);
        if (cells_.empty()) cells_.resize(kAtOnce * columns_);
        Cell* cell = cells_.data() + used_;
        ((*cell++ = cellOf(values)), ...);
        used_ += columns_;
        if (used_ < cells_.size()) return;
        run(many_, 0, used_);
        used_ = 0;
    }

    void flush() {
        for (std::size_t at = 0; at < used_; at += columns_) run(one_, at, columns_);
        used_ = 0;
    }

private:
    static constexpr std::size_t kAtOnce = 32;
    enum class Kind : std::uint8_t { Null, Number, Text };
    struct Cell {
        Kind kind = Kind::Null;
        std::int64_t number = 0;
        std::string_view text;
    };

    static std::string rowsOf(const std::string& row) {
        std::string rows = row;
        for (std::size_t i = 1; i < kAtOnce; ++i) rows += ", " + row;
        return rows;
    }

    template <class Value>
    static Cell cellOf(const Value& value) {
        if constexpr (std::is_integral_v<Value>)
            return {.kind = Kind::Number, .number = static_cast<std::int64_t>(value), .text = {}};
        else
            return {.kind = Kind::Text, .number = 0, .text = value};
    }
    template <class Value>
    static Cell cellOf(const std::optional<Value>& value) {
        return value ? cellOf(*value) : Cell{};
    }

    void run(RawStatement& statement, std::size_t from, std::size_t cells) {
        for (std::size_t i = 0; i < cells; ++i) {
            const Cell& cell = cells_[from + i];
            const int at = static_cast<int>(i) + 1;
            switch (cell.kind) {
                case Kind::Null: statement.set(at, std::optional<std::int64_t>{}); break;
                case Kind::Number: statement.set(at, cell.number); break;
                case Kind::Text: statement.set(at, cell.text); break;
            }
        }
        statement.runAsSet();
    }

    RawStatement one_, many_;
    std::vector<Cell> cells_;  // of kAtOnce rows
    std::size_t used_ = 0;
    std::size_t columns_ = 1;
};

}  // namespace fluxscope
