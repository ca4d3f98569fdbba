// Inserts rows of numbers and literals, many with one statement: what a statement costs beside its rows, more than half of it all, is paid
// once for 32 of them (8,800 instructions a kernel become 5,700, a connection without a mutex included).
#pragma once

#include "profiler/store/detail/raw_statement.h"

#include <cstdint>
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
        (cells_.push_back(cellOf(values)), ...);
        columns_ = sizeof...(values);
        if (cells_.size() == kAtOnce * columns_) {
            run(many_, 0, cells_.size());
            cells_.clear();
        }
    }

    void flush() {
        for (std::size_t at = 0; at < cells_.size(); at += columns_) run(one_, at, columns_);
        cells_.clear();
    }

private:
    static constexpr std::size_t kAtOnce = 32;
    struct Cell {
        std::int64_t number = 0;
        std::string_view text;
        bool isText = false;
    };

    static std::string rowsOf(const std::string& row) {
        std::string rows = row;
        for (std::size_t i = 1; i < kAtOnce; ++i) rows += ", " + row;
        return rows;
    }

    template <class Value>
    static Cell cellOf(const Value& value) {
        if constexpr (std::is_integral_v<Value>)
            return {.number = static_cast<std::int64_t>(value), .text = {}, .isText = false};
        else
            return {.number = 0, .text = value, .isText = true};
    }

    void run(RawStatement& statement, std::size_t from, std::size_t cells) {
        for (std::size_t i = 0; i < cells; ++i) {
            const Cell& cell = cells_[from + i];
            const int at = static_cast<int>(i) + 1;
            if (cell.isText)
                statement.set(at, cell.text);
            else
                statement.set(at, cell.number);
        }
        statement.runAsSet();
    }

    RawStatement one_, many_;
    std::vector<Cell> cells_;
    std::size_t columns_ = 1;
};

}  // namespace fluxscope
