// Damaged files and files made to do harm, through everything that `capture` does: an answer or a sentence, never half a file, and the
// file itself stays as it was.
#include "engine/contract/error.h"
#include "profiler/capture/check.h"
#include "profiler/capture/info.h"
#include "profiler/capture/merge.h"
#include "profiler/capture/pack.h"
#include "profiler/capture/query.h"
#include "profiler/capture/slice.h"
#include "profiler/store/schema.h"
#include "tests/capture/every_table.h"
#include "tests/record/scratch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <random>

namespace fluxscope {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::rowsOf;
using testing::Scratch;

std::string contentOf(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void put(const fs::path& file, const std::string& content) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
}

class HostileCommands : public ::testing::Test {
protected:
    HostileCommands() {
        testing::EveryTable capture(file_);
        capture.run("a");
        EXPECT_TRUE(capture.finish());
    }

    // What each command says of the file: "" where it did its work.
    std::map<std::string, std::string> commands() {
        const SqlVisitor visit{.columns = [](const auto&) {}, .row = [](const auto&) { return true; }};
        const std::map<std::string, std::function<void()>> all{
            {"info", [&] { captureInfo(file_); }},
            {"check", [&] { checkCapture(file_); }},
            {"pack", [&] { packCapture(file_, into("pack")); }},
            {"slice", [&] { sliceCapture(file_, into("slice"), {.steps = {{0, 2}}}); }},
            {"merge", [&] { mergeCaptures(into("merge"), {file_}); }},
            {"sql", [&] { queryCapture(file_, "SELECT * FROM kernel JOIN place USING (place)", visit); }}};
        const std::string before = contentOf(file_);
        std::map<std::string, std::string> said;
        for (const auto& [name, command] : all) {
            fs::remove(into(name));
            try {
                command();
                said[name] = "";
            } catch (const Error& e) {
                said[name] = e.what();
                EXPECT_EQ(said[name].find('\n'), std::string::npos) << said[name];
                EXPECT_FALSE(fs::exists(into(name))) << name << " leaves a file behind when it fails";
            }
        }
        EXPECT_TRUE(contentOf(file_) == before) << "it is only read";
        for (const auto& entry : fs::directory_iterator(scratch_.folder()))
            EXPECT_EQ(entry.path().string().find(".part"), std::string::npos) << entry.path();
        return said;
    }

    fs::path into(const std::string& name) const { return scratch_.file(name + ".fluxdb"); }

    const Scratch scratch_;
    const fs::path file_ = scratch_.file("hostile.fluxdb");
};

TEST_F(HostileCommands, areFineWithAWholeFile) {
    for (const auto& [name, said] : commands()) EXPECT_EQ(said, "") << name;
}

TEST_F(HostileCommands, ofAFileThatIsCutOff) {
    const std::string whole = contentOf(file_);
    for (std::size_t length = 1; length < whole.size(); length += whole.size() / 17) {
        put(file_, whole.substr(0, length));
        const auto said = commands();
        EXPECT_NE(said.at("slice"), "") << "a slice of the first " << length << " bytes";
        EXPECT_NE(said.at("merge"), "") << "a merge of the first " << length << " bytes";
    }
}

TEST_F(HostileCommands, ofAFileWithFlippedBytes) {
    const std::string whole = contentOf(file_);
    std::mt19937 random(11);  // NOLINT(bugprone-random-generator-seed): the same damage each time
    int refused = 0;
    for (int round = 0; round < 60; ++round) {
        std::string damaged = whole;
        const std::size_t reach =
            round % 2 == 0 ? std::min<std::size_t>(damaged.size(), 24576) : damaged.size();
        for (int flips = 1 + static_cast<int>(random() % 8); flips > 0; --flips)
            damaged[random() % reach] = static_cast<char>(random());
        put(file_, damaged);
        if (!commands().at("merge").empty()) ++refused;
    }
    EXPECT_GT(refused, 0) << "some of this damage can be seen";
}

TEST_F(HostileCommands, ofAViewThatNeverEnds) {
    ASSERT_EQ(rowsOf(file_,
                     "ALTER TABLE kernel RENAME TO hidden; CREATE VIEW kernel AS WITH RECURSIVE "
                     "forever(place) AS (SELECT 1 "
                     "UNION ALL SELECT place + 1 FROM forever) SELECT * FROM forever, hidden"),
              "\n");
    const auto said = commands();
    for (const char* name : {"info", "check", "pack"}) EXPECT_EQ(said.at(name), "") << name;
    for (const char* name : {"slice", "merge"})
        EXPECT_THAT(said.at(name), HasSubstr("table kernel is a view")) << name;
    EXPECT_THAT(said.at("sql"), HasSubstr("no such table")) << "views do not run";
}

TEST_F(HostileCommands, ofPlantedThingsHandNoneOfThemOn) {
    ASSERT_EQ(rowsOf(file_,
                     "CREATE TABLE planted (x); CREATE TRIGGER boom AFTER INSERT ON kernel BEGIN INSERT INTO "
                     "planted VALUES "
                     "(1); END; CREATE TRIGGER bang AFTER INSERT ON run BEGIN DELETE FROM run; END; DROP "
                     "VIEW StringIds; "
                     "CREATE VIEW StringIds AS SELECT load_extension('evil') AS id"),
              "\n");
    for (const auto& [name, said] : commands()) EXPECT_EQ(said, "") << name;
    const std::string schema = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name";
    rowsOf(scratch_.file("ours.fluxdb"), std::string(schemaSql()));
    for (const char* name : {"slice", "merge"}) {
        EXPECT_EQ(rowsOf(into(name), schema), rowsOf(scratch_.file("ours.fluxdb"), schema)) << name;
        EXPECT_EQ(rowsOf(into(name), "SELECT count(*) FROM run"), "\n1\n");
        EXPECT_TRUE(checkCapture(into(name)).empty()) << name;
    }
}

TEST_F(HostileCommands, ofRowNumbersThatOverflow) {
    rowsOf(file_,
           "UPDATE kernel SET kernel = 9223372036854775807 WHERE kernel = (SELECT max(kernel) FROM kernel)");
    const auto& twice = scratch_.file("twice.fluxdb");
    testing::EveryTable other(scratch_.file("other.fluxdb"), 5);
    other.run("b");
    ASSERT_TRUE(other.finish());
    EXPECT_THROW(mergeCaptures(twice, {scratch_.file("other.fluxdb"), file_}), InputError);
    EXPECT_FALSE(fs::exists(twice));
}

}  // namespace
}  // namespace fluxscope
