// Inserts rows of numbers, literals and NULLs, many with one statement: what a statement costs beside its rows, more than half of it all, is paid
// once for 64 of them (8,800 instructions a kernel became 5,700 with 32, a connection without a mutex included). What a place in the statement
// holds already is not bound again: of a scope's thirteen values that is every second one, and a quarter of its time.
#pragma once

#include "profiler/store/detail/raw_statement.h"

#include <bit>
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
        : one_{RawStatement(database, (head + " " + row + " " + tail).c_str()), {}},
          some_{RawStatement(database, (head + " " + rowsOf(row, kSome) + " " + tail).c_str()), {}},
          many_{RawStatement(database, (head + " " + rowsOf(row, kMany) + " " + tail).c_str()), {}} {}

    // Texts must live until the next flush().
    template <class... Values>
    void add(const Values&... values) {
        columns_ = sizeof...(values);
        if (cells_.empty()) cells_.resize(kMany * columns_);
        Cell* cell = cells_.data() + used_;
        ((*cell++ = cellOf(values)), ...);
        used_ += columns_;
        if (used_ < cells_.size()) return;
        run(many_, 0, used_);
        used_ = 0;
    }

    void flush() {
        std::size_t at = 0;
        for (; used_ - at >= kSome * columns_; at += kSome * columns_) run(some_, at, kSome * columns_);
        for (; at < used_; at += columns_) run(one_, at, columns_);
        used_ = 0;
    }

private:
    static constexpr std::size_t kMany = 64;
    static constexpr std::size_t kSome = 8;  // of what is left when there is no more to come
    enum class Kind : std::uint8_t { Unbound, Null, Integer, Real, Text };
    struct Cell {
        Kind kind = Kind::Unbound;
        std::int64_t number = 0;  // a real's bits, a text's length
        const char* text = nullptr;

        friend bool operator==(const Cell&, const Cell&) = default;
    };
    struct Statement {
        RawStatement raw;
        std::vector<Cell>
            bound;  // what each place holds; a text is read where it lies, when the statement runs
    };

    static std::string rowsOf(const std::string& row, std::size_t count) {
        std::string rows = row;
        for (std::size_t i = 1; i < count; ++i) rows += ", " + row;
        return rows;
    }

    template <class Value>
    static Cell cellOf(const Value& value) {
        if constexpr (std::is_floating_point_v<Value>)
            return {.kind = Kind::Real, .number = std::bit_cast<std::int64_t>(static_cast<double>(value))};
        else if constexpr (std::is_integral_v<Value>)
            return {.kind = Kind::Integer, .number = static_cast<std::int64_t>(value)};
        else
            return textCell(value);
    }
    static Cell textCell(std::string_view text) {
        return {.kind = Kind::Text, .number = std::ssize(text), .text = text.data()};
    }
    template <class Value>
    static Cell cellOf(const std::optional<Value>& value) {
        return value ? cellOf(*value) : Cell{.kind = Kind::Null};
    }

    void run(Statement& statement, std::size_t from, std::size_t cells) {
        statement.bound.resize(cells);
        for (std::size_t i = 0; i < cells; ++i) {
            const Cell& cell = cells_[from + i];
            if (statement.bound[i] == cell) continue;
            statement.bound[i] = cell;
            const int at = static_cast<int>(i) + 1;
            switch (cell.kind) {
                case Kind::Unbound:
                case Kind::Null: statement.raw.set(at, std::optional<std::int64_t>{}); break;
                case Kind::Integer: statement.raw.set(at, cell.number); break;
                case Kind::Real: statement.raw.set(at, std::bit_cast<double>(cell.number)); break;
                case Kind::Text:
                    statement.raw.set(at, std::string_view(cell.text, static_cast<std::size_t>(cell.number)));
                    break;
            }
        }
        statement.raw.runAsSet();
    }

    Statement one_, some_, many_;
    std::vector<Cell> cells_;  // of kMany rows
    std::size_t used_ = 0;
    std::size_t columns_ = 1;
};

}  // namespace fluxscope
