#include "profiler/store/schema.h"

#include "engine/contract/error.h"
#include "profiler/store/capture_writer.h"
#include "tests/record/scratch.h"

#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace fluxscope {
namespace {

using testing::rowsOf;
using testing::Scratch;

TEST(Schema, isOfTheVersionThatTheCodeKnows) {
    const Scratch scratch;
    EXPECT_EQ(rowsOf(scratch.file(), std::string(schemaSql())), "\n");
    EXPECT_EQ(rowsOf(scratch.file(), "PRAGMA application_id; PRAGMA user_version"),
              "\n" + std::to_string(kApplicationId) + "\n" + std::to_string(kSchemaVersion) + "\n");
}

TEST(Schema, hasStrictTablesOnly) {
    const Scratch scratch;
    rowsOf(scratch.file(), std::string(schemaSql()));
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict AND name NOT "
                     "LIKE 'sqlite_%'"),
              "\n");
}

TEST(Schema, everyMigrationLeadsToTheNextVersion) {
    int version = 1;
    for (const Migration& step : migrations()) EXPECT_EQ(step.from, version++);
    EXPECT_EQ(version, kSchemaVersion);
}

TEST(Schema, migratesStepByStepFromWhereTheFileIs) {
    const Scratch scratch;
    rowsOf(scratch.file(), "PRAGMA user_version = 2; CREATE TABLE old (a); INSERT INTO old VALUES (7)");
    constexpr std::array<Migration, 3> kSteps{{{1, "CREATE TABLE wrong (a)"},
                                               {2, "ALTER TABLE old ADD COLUMN b DEFAULT 8"},
                                               {3, "ALTER TABLE old RENAME TO renewed"}}};
    SQLite::Database database(scratch.file().string(), SQLite::OPEN_READWRITE);
    migrate(database, 2, kSteps);
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT * FROM renewed; PRAGMA user_version"), "\n7 8\n4\n");
}

TEST(Schema, aMigrationThatFailsLeavesTheFileAsItWas) {
    const Scratch scratch;
    rowsOf(scratch.file(), "PRAGMA user_version = 1; CREATE TABLE old (a)");
    constexpr std::array<Migration, 2> kSteps{
        {{1, "DROP TABLE old"}, {2, "DROP TABLE nothing_of_this_name"}}};
    SQLite::Database database(scratch.file().string(), SQLite::OPEN_READWRITE);
    EXPECT_THROW(migrate(database, 1, kSteps), SQLite::Exception);
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT name FROM sqlite_schema; PRAGMA user_version"), "\nold\n1\n");
}

TEST(Schema, aNewerFileIsRefusedAndLeftAlone) {
    const Scratch scratch;
    rowsOf(scratch.file(),
           std::string(schemaSql()) + "; PRAGMA user_version = 99; CREATE TABLE of_the_future (a)");
    try {
        const CaptureWriter writer(scratch.file(), {});
        FAIL();
    } catch (const InputError& e) {
        EXPECT_THAT(e.what(),
                    ::testing::EndsWith(
                        "run.fluxdb: user_version is 99 but this FluxScope reads captures up to version 4; "
                        "open it with a newer FluxScope"));
    }
    EXPECT_EQ(
        rowsOf(scratch.file(), "SELECT count(*) FROM process; PRAGMA user_version; PRAGMA journal_mode"),
        "\n0\n99\ndelete\n");
}

}  // namespace
}  // namespace fluxscope
