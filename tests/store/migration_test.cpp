// A file of an older version, made by the SQL of that time, becomes what a new one is, and keeps what it had.
#include "profiler/capture/capture_feed.h"
#include "profiler/store/capture_writer.h"
#include "profiler/store/overview_rows.h"
#include "profiler/store/schema.h"
#include "tests/record/scratch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace fluxscope {
namespace {

using testing::rowsOf;
using testing::Scratch;

std::string schemaOfVersion(int version) {
    std::ifstream in(std::string(FLUXSCOPE_SOURCE_DIR) + "/tests/store/old/schema_" +
                     std::to_string(version) + ".sql");
    return {std::istreambuf_iterator<char>(in), {}};
}

// A run of a layer, two sequences of two turns and one decode step.
void makeVersion1(const std::filesystem::path& file) {
    const std::string schema = schemaOfVersion(1);
    ASSERT_FALSE(schema.empty());
    ASSERT_EQ(rowsOf(file, schema + R"(;
INSERT INTO process VALUES (1, 'here', 7, 'FluxScope of old', 'auto: host-timer', 1000, 1700000000000000000);
INSERT INTO model VALUES (1, 'c0ffee', 'tiny', '/tiny', 'Qwen3ForCausalLM', 1, 4, 2, 8, 32, 64, 1000, 10, 4, 1);
INSERT INTO run VALUES (1, 1, 1, 'timed', 0, '{"kind":"full"}', 'full', 'streaming', 7, 2, 2, 'cpu', 'fp32', 0, 5000, 900000, 'finished', '', 0);
INSERT INTO prompt VALUES (1, 'p', 'prose', '', 'abc', 'text', '');
INSERT INTO sequence VALUES (1, 0, 0, 1, 2), (1, 1, 0, 1, 2);
INSERT INTO token (run, sequence, turn, position, step, token, byte_begin, byte_end, text, logprob, emitted_ns) VALUES
 (1, 0, 0, 0, -1, 5, 0, 1, NULL, NULL, NULL), (1, 0, 0, 1, -1, 6, 1, 2, NULL, NULL, NULL), (1, 0, 0, 2, 0, 7, 0, 1, x'61', -0.5, 6000),
 (1, 0, 1, 2, -1, 8, 0, 0, NULL, NULL, NULL), (1, 0, 1, 3, -1, 9, 0, 0, NULL, NULL, NULL), (1, 0, 1, 4, 0, 10, 0, 1, x'62', -0.5, 7000);
INSERT INTO scope VALUES (1, 1, 0, 0, 'prefill', 0, 0, -1, 'attention', 6000, 6500, 10, 5, 2), (2, 1, 0, 0, 'prefill', 0, 0, -1, '', 5900, 6600, NULL, NULL, NULL);
INSERT INTO layer_step VALUES (1, 1, 0, 0, 'prefill', 0, 0, 5900, 700, 0, 500, 'host-timer', 10, 5, 2, 'analytic', 1, 1, 2))"),
              "\n");
}

constexpr const char* kEveryColumn =
    "SELECT m.type, m.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk FROM sqlite_schema AS m, "
    "pragma_table_xinfo(m.name) AS c ORDER BY 2, 3;"
    "SELECT m.name, i.origin, (SELECT group_concat(name) FROM pragma_index_info(i.name)) FROM sqlite_schema "
    "AS m, pragma_index_list(m.name) AS i WHERE m.type = 'table' ORDER "
    "BY 1, 3;"
    "SELECT m.name, f.\"from\", f.\"table\" FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS f "
    "ORDER BY 1, 2; PRAGMA user_version; PRAGMA application_id";

TEST(Migration, makesAnOldFileWhatANewOneIs) {
    const Scratch scratch;
    makeVersion1(scratch.file());
    {
        CaptureWriter writer(
            scratch.file(),
            {.host = "there", .pid = 8, .program = "new", .collector = "auto", .environment = {}});
        EXPECT_EQ(writer.nextRun(), RunIndex(2));
        EXPECT_TRUE(writer.finish());
    }
    rowsOf(scratch.file("new.fluxdb"), std::string(schemaSql()));
    EXPECT_EQ(rowsOf(scratch.file(), kEveryColumn), rowsOf(scratch.file("new.fluxdb"), kEveryColumn));
    // CHECKs, STRICT and WITHOUT ROWID: of the tables that are new, to the letter but for comments and blanks.
    constexpr const char* kStrict =
        "SELECT name, type, ncol, wr, strict FROM pragma_table_list WHERE name NOT LIKE 'sqlite_%' ORDER BY "
        "name";
    EXPECT_EQ(rowsOf(scratch.file(), kStrict), rowsOf(scratch.file("new.fluxdb"), kStrict));
}

TEST(Migration, makesAFileOfALaterVersionWhatANewOneIs) {
    for (const int version : {2, 3}) {
        const Scratch scratch;
        const std::string schema = schemaOfVersion(version);
        ASSERT_FALSE(schema.empty());
        rowsOf(scratch.file(), schema);
        CaptureWriter(scratch.file(), {}).finish();
        rowsOf(scratch.file("new.fluxdb"), std::string(schemaSql()));
        EXPECT_EQ(rowsOf(scratch.file(), kEveryColumn), rowsOf(scratch.file("new.fluxdb"), kEveryColumn))
            << version;
    }
}

TEST(Migration, keepsEveryRowAndReadsTurnsOffTheTokens) {
    const Scratch scratch;
    makeVersion1(scratch.file());
    const auto before = readCapture(scratch.file());
    EXPECT_EQ(rowsOf(scratch.file(), "PRAGMA user_version"), "\n1\n") << "reading changes nothing";
    EXPECT_THAT(before->problems, ::testing::IsEmpty());
    EXPECT_EQ(before->runs.at(0).sampling, "{}");
    {
        CaptureWriter(scratch.file(), {}).finish();
    }
    const auto after = readCapture(scratch.file());
    EXPECT_THAT(after->problems, ::testing::IsEmpty());
    EXPECT_EQ(after->tokens.size(), before->tokens.size());
    EXPECT_EQ(after->layerSteps.size(), 1U);
    EXPECT_EQ(after->runs.at(0).policyName, "full");
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT sequence, turn, first_position, tokens, redone FROM turn; SELECT count(*) FROM "
                     "token WHERE tail_mass IS NULL; SELECT sampling, "
                     "op_scopes, clock_locked, origin, record_budget, settled, revision FROM run"),
              "\n0 0 0 2 0\n0 1 2 2 1\n1 0 0 2 0\n6\n{} 1 0  - - 0\n");
    EXPECT_EQ(rowsOf(scratch.file(), "SELECT scope, op, end_ns, bytes_read FROM scope ORDER BY scope"),
              "\n1 attention 6500 10\n2  6600 -\n");
}

TEST(Migration, anOldFileGetsItsOverviewWhenAsked) {
    const Scratch scratch;
    makeVersion1(scratch.file());
    EXPECT_EQ(buildOverviews(scratch.file()), 1);
    EXPECT_EQ(buildOverviews(scratch.file()), 0);
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT kind, phase, layer, bucket, busy_ns, events, op FROM overview JOIN lane USING "
                     "(lane) WHERE level = 2 ORDER BY kind; SELECT min(level) FROM overview"),
              "\nlayer  0 0 500 1 attention\nphase prefill -1 0 500 1 attention\n2\n");
}

}  // namespace
}  // namespace fluxscope
