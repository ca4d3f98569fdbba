#include "profiler/store/schema.h"

#include "engine/contract/error.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include <string>

namespace fluxscope {

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
