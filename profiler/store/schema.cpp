#include "profiler/store/schema.h"

#include "engine/contract/error.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include <array>
#include <string>

namespace fluxscope {
namespace {

constexpr int kScopesOfStepsSince = 4;

}  // namespace

int requireCapture(SQLite::Database& database, const std::string& where, int newest) {
    std::int64_t id = 0;
    int version = 0;
    try {
        id = database.execAndGet("PRAGMA application_id").getInt64();
        version = database.execAndGet("PRAGMA user_version").getInt();
    } catch (const SQLite::Exception& e) {
        if (e.getErrorCode() == SQLITE_NOTADB) {
            throw InputError{where, "", "is not a FluxScope capture", "give the path of a *.fluxdb file"};
        }
        if (e.getErrorCode() == SQLITE_CORRUPT) {
            throw InputError{where, "", "is damaged at its very beginning (" + std::string(e.what()) + ")",
                             "copy it again from where it was recorded"};
        }
        throw;
    }
    if (id != kApplicationId) {
        throw InputError{where, "", "is an SQLite file but not a FluxScope capture",
                         "give the path of a *.fluxdb file"};
    }
    if (version > newest) {
        throw InputError{where, "user_version",
                         "is " + std::to_string(version) +
                             " but this FluxScope reads captures up to version " + std::to_string(newest),
                         "open it with a newer FluxScope"};
    }
    if (version < 1) {
        throw InputError{where, "user_version",
                         "is " + std::to_string(version) + ", which no FluxScope wrote",
                         "copy the file again from where it was recorded"};
    }
    return version;
}

std::span<const char* const> scopeTables(int version) {
    static constexpr std::array kTables{"scope_row", "scope_step"};
    static constexpr std::array kTablesBefore{"scope"};
    if (version < kScopesOfStepsSince) return kTablesBefore;
    return kTables;
}

std::string scopesOf(std::string_view database) {
    constexpr std::string_view kHead = "CREATE VIEW scope AS";
    constexpr std::string_view kTables = "FROM scope_";
    const std::string_view schema = schemaSql();
    const std::size_t begin = schema.find(kHead) + kHead.size();
    std::string query(schema.substr(begin, schema.find(';', begin) - begin));
    const std::string qualified = "FROM " + std::string(database) + ".scope_";
    for (std::size_t at = query.find(kTables); at != std::string::npos;
         at = query.find(kTables, at + qualified.size()))
        query.replace(at, kTables.size(), qualified);
    return query;
}

void offerScopes(SQLite::Database& database, int version) {
    if (version >= kScopesOfStepsSince) database.exec("CREATE TEMP VIEW scope AS" + scopesOf("main"));
}

void migrate(SQLite::Database& database, int from, std::span<const Migration> steps) {
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    int version = from;
    for (const Migration& step : steps) {
        if (step.from != version) continue;
        database.exec(step.sql);
        ++version;
    }
    database.exec("PRAGMA user_version = " + std::to_string(version));
    transaction.commit();
}

void distrust(SQLite::Database& database) {
    sqlite3* const handle = database.getHandle();
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
    sqlite3_limit(handle, SQLITE_LIMIT_LENGTH,
                  256 << 20);  // a prompt of tens of millions of tokens; a hostile blob is refused
    database.exec("PRAGMA trusted_schema = OFF");
    database.exec("PRAGMA cell_size_check = ON");
}

}  // namespace fluxscope
