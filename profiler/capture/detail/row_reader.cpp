#include "profiler/capture/detail/row_reader.h"

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

namespace fluxscope {

RowReader::RowReader(SQLite::Database& database, const char* sql,
                     std::initializer_list<std::int64_t> parameters)
    : database_(database) {
    sqlite3_stmt* statement = nullptr;
    const int result = sqlite3_prepare_v2(database.getHandle(), sql, -1, &statement, nullptr);
    statement_.reset(statement);
    if (result != SQLITE_OK) throw SQLite::Exception(database.getHandle(), result);
    int at = 0;
    for (const std::int64_t parameter : parameters) sqlite3_bind_int64(statement, ++at, parameter);
}

void RowReader::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

bool RowReader::next() {
    bad_ = false;
    const int result = sqlite3_step(statement_.get());
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE) return false;
    throw SQLite::Exception(database_.getHandle(), result);
}

bool RowReader::isNull(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t RowReader::integer(int column, std::int64_t least, std::int64_t most) {
    const std::int64_t value = sqlite3_column_int64(statement_.get(), column);
    if (value >= least && value <= most) return value;
    bad_ = true;
    return least > 0 ? least : most < 0 ? most : 0;
}

double RowReader::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string_view RowReader::text(int column) const {
    // As bytes: a generated token may be a part of a character.
    const void* bytes = sqlite3_column_blob(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return bytes == nullptr
               ? std::string_view{}
               : std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

void RowReader::digestInto(std::uint64_t& digest) const {
    const int columns = sqlite3_column_count(statement_.get());
    for (int column = 0; column < columns; ++column) {
        digest = (digest ^ static_cast<std::uint64_t>(sqlite3_column_type(statement_.get(), column))) *
                 0x100000001B3;
        for (const char c : text(column)) digest = (digest ^ static_cast<std::uint8_t>(c)) * 0x100000001B3;
    }
}

}  // namespace fluxscope
