// Files that were damaged, or made to do harm: never a crash, always a sentence, and what is whole is shown.
#include "engine/contract/error.h"
#include "profiler/capture/capture_feed.h"
#include "profiler/capture/check.h"
#include "profiler/capture/layer_details.h"
#include "tests/capture/recorded.h"
#include "tests/record/scratch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <random>

namespace fluxscope {
namespace {

using ::testing::HasSubstr;
using testing::rowsOf;
using testing::Scratch;

std::string contentOf(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void put(const std::filesystem::path& file, const std::string& content) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
}

// Either a snapshot, or one sentence that names the file. Nothing else may come out.
std::string readOrSentence(const std::filesystem::path& file, SnapshotPtr* snapshot = nullptr) {
    try {
        const SnapshotPtr read = readCapture(file);
        if (snapshot != nullptr) *snapshot = read;
        for (const std::string& problem : read->problems) EXPECT_EQ(problem.find('\n'), std::string::npos);
        read->decisions.each([&](const DecisionRow& r) { EXPECT_GE(r.layer.value(), 0); });
        return {};
    } catch (const Error& e) {
        const std::string sentence = e.what();
        EXPECT_THAT(sentence, HasSubstr(printable(file.string(), 400)));
        EXPECT_EQ(sentence.find('\n'), std::string::npos) << sentence;
        return sentence;
    }
}

TEST(HostileCapture, isNoDatabase) {
    const Scratch scratch;
    put(scratch.file(), "dear diary, this is not a database at all");
    EXPECT_THAT(readOrSentence(scratch.file()),
                HasSubstr("is not a FluxScope capture; give the path of a *.fluxdb file"));
    put(scratch.file(), "");
    EXPECT_THAT(readOrSentence(scratch.file()), HasSubstr("is empty"));
    EXPECT_THAT(readOrSentence(scratch.folder()), HasSubstr("is not a file"));
    EXPECT_THAT(readOrSentence(scratch.folder() / "a\nb"), HasSubstr("a\\x0Ab: does not exist"));
}

TEST(HostileCapture, isOfANewerVersion) {
    const Scratch scratch;
    testing::record(scratch.file());
    rowsOf(scratch.file(), "PRAGMA user_version = 5");
    EXPECT_THAT(readOrSentence(scratch.file()),
                HasSubstr("user_version is 5 but this FluxScope reads captures up to version 4"));
}

TEST(HostileCapture, hasScopesOfStepsThatNobodyWrote) {
    const Scratch scratch;
    testing::record(scratch.file());
    const auto violations = [&scratch] {
        std::string all;
        for (const Violation& violation : checkCapture(scratch.file())) all += sentenceOf(violation) + '\n';
        return all;
    };
    ASSERT_EQ(violations(), "");
    const std::string deep = std::string(3000, '[') + std::string(3000, ']');
    for (const std::string& scopes :
         {std::string("no JSON"), std::string("[[1,2"), std::string(R"({"a":[1]})"),
          std::string("[1,\"x\",null]"), std::string("[[]]"), std::string(R"([["a",0,7,"b",[1]]])"),
          std::string(R"([[0,-1,"attention",1e300,5,9223372036854775808,0,0]])"), deep}) {
        rowsOf(scratch.file(), "UPDATE scope_step SET scopes = '" + scopes + "'");
        EXPECT_THAT(violations(), ::testing::AnyOf(HasSubstr("scope_step: "), HasSubstr("scope: ")))
            << scopes.substr(0, 60);
        EXPECT_EQ(readOrSentence(scratch.file()), "") << scopes.substr(0, 60);
        EXPECT_TRUE(readScopes(scratch.file(), RunIndex(1), {}, StepIndex(1), LayerIndex(0)).empty());
    }
}

TEST(HostileCapture, isCutOffAnywhere) {
    const Scratch scratch;
    testing::record(scratch.file("whole.fluxdb"), {.layers = 8, .decodeSteps = 60});
    const std::string whole = contentOf(scratch.file("whole.fluxdb"));
    int withProblems = 0;
    for (std::size_t length = 1; length < whole.size(); length += 1777) {
        put(scratch.file(), whole.substr(0, length));
        SnapshotPtr snapshot;
        const std::string sentence = readOrSentence(scratch.file(), &snapshot);
        EXPECT_TRUE(!sentence.empty() || !snapshot->problems.empty()) << "cut off at " << length;
        withProblems += snapshot != nullptr ? 1 : 0;
    }
    EXPECT_GT(withProblems, 0) << "something could be read of some of them";
}

TEST(HostileCapture, hasFlippedBytes) {
    const Scratch scratch;
    testing::record(scratch.file("whole.fluxdb"), {.layers = 4, .sequences = 2, .decodeSteps = 20});
    const std::string whole = contentOf(scratch.file("whole.fluxdb"));
    std::mt19937 random(7);  // NOLINT(bugprone-random-generator-seed): the same damage each time
    for (int round = 0; round < 400; ++round) {
        std::string damaged = whole;
        // The first pages hold the schema, where a byte does the most harm.
        const std::size_t reach =
            round % 2 == 0 ? std::min<std::size_t>(damaged.size(), 16384) : damaged.size();
        for (int flips = 1 + static_cast<int>(random() % 8); flips > 0; --flips) {
            damaged[random() % reach] = static_cast<char>(random());
        }
        put(scratch.file(), damaged);
        readOrSentence(scratch.file());
        try {
            readScopes(scratch.file(), RunIndex(1), {}, StepIndex(1), LayerIndex(1));
        } catch (const Error& e) {
            EXPECT_THAT(e.what(), HasSubstr("run.fluxdb"));
        }
    }
}

TEST(HostileCapture, hasAViewWhereATableBelongs) {
    const Scratch scratch;
    testing::record(scratch.file());
    rowsOf(scratch.file(),
           "ALTER TABLE decision RENAME TO hidden; CREATE VIEW decision AS WITH RECURSIVE forever(row) AS "
           "(SELECT 1 UNION ALL "
           "SELECT row + 1 FROM forever) SELECT * FROM forever, hidden");
    const SnapshotPtr snapshot = readCapture(scratch.file());
    EXPECT_THAT(snapshot->problems,
                ::testing::ElementsAre("table decision cannot be read to its end: it is a view"));
    EXPECT_EQ(snapshot->decisions.size(), 0U);
    EXPECT_EQ(snapshot->tokens.size(), 3U) << "the others are read all the same";
}

TEST(HostileCapture, hasAVirtualTableOrAComputedColumn) {
    const Scratch scratch;
    testing::record(scratch.file());
    EXPECT_EQ(rowsOf(scratch.file(),
                     "DROP TABLE kv; ALTER TABLE token ADD COLUMN trap TEXT AS (hex(zeroblob(1000)))"),
              "\n");
    EXPECT_EQ(rowsOf(scratch.file(), "CREATE VIRTUAL TABLE kv USING fts5(row, run)"), "\n");
    const SnapshotPtr snapshot = readCapture(scratch.file());
    EXPECT_THAT(snapshot->problems, ::testing::UnorderedElementsAre(
                                        "table kv cannot be read to its end: it is a virtual table",
                                        "table token cannot be read to its end: it has a computed column"));
    EXPECT_THROW(readPromptTokens(scratch.file(), RunIndex(1), SequenceIndex(0)), InputError);
}

TEST(HostileCapture, lacksATable) {
    const Scratch scratch;
    testing::record(scratch.file());
    rowsOf(scratch.file(), "DROP TABLE layer_step");
    EXPECT_THAT(readCapture(scratch.file())->problems,
                ::testing::ElementsAre("table layer_step cannot be read to its end: it is missing"));
}

TEST(HostileCapture, hasRowsThatFitNothing) {
    const Scratch scratch;
    testing::record(scratch.file());
    rowsOf(scratch.file(),
           "PRAGMA ignore_check_constraints = ON;"
           "UPDATE decision SET layer = 2000000000 WHERE layer = 1;"
           "UPDATE kv SET sequence = 77;"
           "UPDATE token SET run = 5 WHERE step = 1;"
           "UPDATE layer_step SET time_ns = -1 WHERE step = 1 AND layer = 0;"
           "UPDATE layer_step SET phase = 'encore' WHERE step = 2 AND layer = 0");
    const SnapshotPtr snapshot = readCapture(scratch.file());
    EXPECT_THAT(snapshot->problems,
                ::testing::UnorderedElementsAre(
                    "table decision: 1 rows do not fit the rest of the file and are left out",
                    "table kv: 2 rows do not fit the rest of the file and are left out",
                    "table token: 1 rows do not fit the rest of the file and are left out",
                    "table layer_step: 2 rows do not fit the rest of the file and are left out"));
    EXPECT_EQ(snapshot->decisions.size(), 1U);
    EXPECT_EQ(snapshot->layerSteps.size(), 7U);
}

}  // namespace
}  // namespace fluxscope
