// A capture is an SQLite file with our application id; user_version says which schema. resources/schema.sql documents it
// and is compiled in. An older file is migrated when it is written to; a newer one is refused, by reader and writer alike.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace SQLite {  // NOLINT(readability-identifier-naming): theirs
class Database;
}

namespace fluxscope {

inline constexpr std::int64_t kApplicationId = 0x466C7578;  // 'Flux'
inline constexpr int kSchemaVersion = 4;

std::string_view schemaSql();

// Takes a file from version `from` to the next one. A change of the schema adds its step in migrations/ and raises kSchemaVersion.
struct Migration {
    int from;
    const char* sql;
};
std::span<const Migration> migrations();

// The version of the schema in this file. Throws InputError, naming `where`, when it is no capture of ours, or one that a
// newer FluxScope wrote. Changes nothing.
int requireCapture(SQLite::Database& database, const std::string& where, int newest = kSchemaVersion);

// What the view `scope` of the schema tells, as a SELECT over the tables of an attached database.
std::string scopesOf(std::string_view database);

// The tables behind it; before version 4 it was one itself.
std::span<const char* const> scopeTables(int version);

// A stranger's views are never read (distrust), so this connection gets a `scope` of its own. An older file has a table of that name.
void offerScopes(SQLite::Database& database, int version);

// All steps in one transaction: a file is of one version or of the other. The caller holds the only writing connection.
void migrate(SQLite::Database& database, int from, std::span<const Migration> steps);

// What is planted in a file never runs: no triggers, no views, no schema that reaches for functions with side effects.
void distrust(SQLite::Database& database);

}  // namespace fluxscope
