// Several captures as one: sound, and what was cut apart becomes what it was.
#include "profiler/capture/merge.h"

#include "engine/contract/error.h"
#include "profiler/capture/check.h"
#include "profiler/capture/slice.h"
#include "profiler/store/schema.h"
#include "tests/capture/every_table.h"
#include "tests/capture/recorded.h"
#include "tests/record/scratch.h"

#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace fluxscope {
namespace {

using ::testing::ElementsAre;
using testing::EveryTable;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::rowsOf;
using testing::Scratch;

std::vector<std::string> sentences(const std::filesystem::path& file) {
    std::vector<std::string> said;
    for (const Violation& violation : checkCapture(file)) said.push_back(sentenceOf(violation));
    return said;
}

std::vector<std::string> tables() {
    SQLite::Database plan(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    plan.exec(std::string(schemaSql()));
    SQLite::Statement table(plan, "SELECT name FROM sqlite_schema WHERE type = 'table'");
    std::vector<std::string> names;
    while (table.executeStep()) names.push_back(table.getColumn(0).getString());
    return names;
}

std::vector<std::string> filesIn(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
}

TEST(MergeCaptures, ofSlicesOfRunsIsWhatTheyWereCutFrom) {
    const Scratch scratch;
    {
        EveryTable first(scratch.file());
        first.run("a", testing::kDecode);
        first.run("b", "_Z5otherPfi");
        ASSERT_TRUE(first.finish());
        EveryTable second(scratch.file(), 78);
        second.run("a", "_Z4morePfi");
        ASSERT_TRUE(second.finish());
    }
    sliceCapture(scratch.file(), scratch.file("1.fluxdb"), {.runs = {1}});
    sliceCapture(scratch.file(), scratch.file("23.fluxdb"), {.runs = {2, 3}});
    EXPECT_THAT(
        mergeCaptures(scratch.file("merged.fluxdb"), {scratch.file("1.fluxdb"), scratch.file("23.fluxdb")}),
        IsEmpty());
    EXPECT_THAT(sentences(scratch.file("merged.fluxdb")), IsEmpty());
    for (const std::string& table : tables()) {
        const std::string all =
            "SELECT * FROM " + table + (table == "environment" ? " WHERE name <> 'slice'" : "");
        EXPECT_EQ(rowsOf(scratch.file("merged.fluxdb"), all), rowsOf(scratch.file(), all)) << table;
    }
    EXPECT_EQ(
        rowsOf(scratch.file("merged.fluxdb"), "SELECT process, value FROM environment WHERE name = 'slice'"),
        "\n1 runs 1 of run.fluxdb; runs 2,3 of run.fluxdb\n2 runs 1 of run.fluxdb; runs 2,3 of run.fluxdb\n");
}

TEST(MergeCaptures, givesRunsNewNumbersAndModelsAndPromptsOne) {
    const Scratch scratch;
    for (const auto& [name, pid] : {std::pair{"a.fluxdb", 1}, std::pair{"b.fluxdb", 2}}) {
        EveryTable capture(scratch.file(name), pid);
        capture.run("same");
        capture.run(name);
        ASSERT_TRUE(capture.finish());
    }
    {
        EveryTable another(scratch.file("a.fluxdb"), 3);
        another.run("same");
        ASSERT_TRUE(another.finish());
    }
    mergeCaptures(scratch.file(), {scratch.file("b.fluxdb"), scratch.file("a.fluxdb")});
    EXPECT_THAT(sentences(scratch.file()), IsEmpty());
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT run, process, model, begin_ns FROM run; SELECT process, pid, monotonic_ns FROM "
                     "process; SELECT id FROM prompt ORDER BY prompt; SELECT run, prompt FROM sequence WHERE "
                     "sequence = 0"),
              "\n1 1 1 1000000000\n2 1 1 2000000000\n3 2 1 1000000000\n4 2 1 2000000000\n5 3 1 3000000000\n"
              "1 2 2\n2 1 1\n3 3 3\nsame0\nsame1\nb.fluxdb0\nb.fluxdb1\na.fluxdb0\na.fluxdb1\n1 1\n2 3\n3 "
              "1\n4 5\n5 1\n");
    EXPECT_EQ(rowsOf(scratch.file(),
                     "SELECT count(*), count(DISTINCT value) FROM name; SELECT count(*) FROM launch"),
              rowsOf(scratch.file("a.fluxdb"),
                     "SELECT count(*), count(DISTINCT value) FROM name; SELECT count(*) FROM launch"));
}

TEST(MergeCaptures, takesOneOfVersion1AsItIs) {
    const Scratch scratch;
    std::ifstream in(std::string(FLUXSCOPE_SOURCE_DIR) + "/tests/store/old/schema_1.sql");
    ASSERT_EQ(rowsOf(scratch.file("old.fluxdb"), std::string(std::istreambuf_iterator<char>(in), {}) + R"(;
INSERT INTO process VALUES (1, 'here', 7, 'FluxScope of old', 'auto: host-timer', 1000, 1700000000000000000);
INSERT INTO model VALUES (1, 'c0ffee', 'tiny', '/tiny', 'Qwen3ForCausalLM', 1, 4, 2, 8, 32, 64, 1000, 10, 4, 1);
INSERT INTO run VALUES (1, 1, 1, 'timed', 0, '{"kind":"full"}', 'full', 'streaming', 7, 2, 2, 'cpu', 'fp32', 0, 5000, 900000, 'finished', '', 0);
INSERT INTO prompt VALUES (1, 'p', 'prose', '', 'abc', 'text', '');
INSERT INTO sequence VALUES (1, 0, 0, 1, 1);
INSERT INTO token (run, sequence, turn, position, step, token, byte_begin, byte_end, text, logprob, emitted_ns) VALUES
 (1, 0, 0, 0, -1, 5, 0, 1, NULL, NULL, NULL), (1, 0, 0, 1, 0, 7, 0, 1, x'61', -0.5, 6000))"),
              "\n");
    EveryTable capture(scratch.file("new.fluxdb"));
    capture.run("a");
    ASSERT_TRUE(capture.finish());
    mergeCaptures(scratch.file(), {scratch.file("new.fluxdb"), scratch.file("old.fluxdb")});
    EXPECT_THAT(sentences(scratch.file()), IsEmpty());
    EXPECT_EQ(
        rowsOf(
            scratch.file(),
            "SELECT run, process, model, policy_name FROM run; SELECT run, tokens FROM turn WHERE run = 2"),
        "\n1 1 1 routed:0.5\n2 2 1 full\n2 1\n");
    EXPECT_EQ(rowsOf(scratch.file("old.fluxdb"), "PRAGMA user_version"), "\n1\n") << "it is only read";
    EXPECT_THAT(filesIn(scratch.folder()), ElementsAre("new.fluxdb", "old.fluxdb", "run.fluxdb"));
    sliceCapture(scratch.file("old.fluxdb"), scratch.file("slice.fluxdb"), {});
    EXPECT_EQ(rowsOf(scratch.file("slice.fluxdb"), "SELECT count(*) FROM token; PRAGMA user_version"),
              "\n2\n4\n");
}

TEST(MergeCaptures, refusesWithASentenceAndNoFile) {
    const Scratch scratch;
    EveryTable live(scratch.file("live.fluxdb"));
    live.run("a");
    live.writer().commit();
    const auto refused = [&](const std::vector<std::filesystem::path>& files) -> std::string {
        try {
            mergeCaptures(scratch.file(), files);
        } catch (const InputError& e) {
            EXPECT_FALSE(std::filesystem::exists(scratch.file()));
            return e.what();
        }
        return "merged";
    };
    EXPECT_THAT(refused({scratch.file("live.fluxdb")}),
                HasSubstr("live.fluxdb: is being recorded; wait until"));
    ASSERT_TRUE(live.finish());
    EXPECT_THAT(refused({scratch.file("live.fluxdb"), scratch.file("live.fluxdb")}),
                HasSubstr("live.fluxdb: run 1 is in one of the files before it, too; give each run once"));
    std::filesystem::copy_file(scratch.file("live.fluxdb"), scratch.file("newer.fluxdb"));
    rowsOf(scratch.file("newer.fluxdb"), "PRAGMA user_version = 5");
    EXPECT_THAT(refused({scratch.file("newer.fluxdb")}),
                HasSubstr("user_version is 5 but this FluxScope reads"));
    EXPECT_THAT(refused({scratch.file("live.fluxdb"), scratch.file("gone.fluxdb")}),
                HasSubstr("gone.fluxdb: does not exist"));
    rowsOf(scratch.file("newer.fluxdb"),
           "PRAGMA user_version = 4; UPDATE kernel SET place = 999 WHERE kernel = 1");
    EXPECT_THAT(refused({scratch.file("newer.fluxdb")}),
                HasSubstr("would not be sound: kernel refers to a row of place"));
    rowsOf(scratch.file("newer.fluxdb"), "UPDATE kernel SET place = 1, name = 999 WHERE kernel = 1");
    EXPECT_THAT(refused({scratch.file("newer.fluxdb")}),
                HasSubstr("newer.fluxdb: is damaged (NOT NULL constraint failed: kernel.name"));
}

}  // namespace
}  // namespace fluxscope
