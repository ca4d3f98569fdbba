#include "engine/tasks/detail/words.h"

#include "engine/tasks/detail/filler.h"
#include "engine/tasks/detail/keys.h"
#include "engine/tasks/detail/prose.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace fluxscope::tasks {
namespace {

TEST(Words, noneStandsTwiceWhereNamesAreMadeOfThem) {
    for (const auto& list :
         {nouns(), adjectives(), womenNames(), menNames(), surnames(), towns(), trades()}) {
        const std::set<std::string_view> once(list.begin(), list.end());
        EXPECT_EQ(once.size(), list.size()) << list.front();
    }
}

TEST(Words, listsThatTakeTurnsAreOfOneLength) {
    EXPECT_EQ(movingVerbs().size(), stayingVerbs().size());
    EXPECT_EQ(movingPrepositions().size(), stayingPrepositions().size());
    EXPECT_EQ(womenNames().size(), menNames().size());
}

TEST(Words, commonRanksAreCommon) {
    const ZipfRanks ranks(20);
    std::map<std::size_t, int> drawn;
    Random random(1);
    for (int i = 0; i < 100'000; ++i) ++drawn[ranks.rank(random.next())];
    EXPECT_EQ(drawn.size(), 20U);
    EXPECT_NEAR(double(drawn[0]) / double(drawn[8]), 5, 0.5) << "1/2 against 1/10";
}

TEST(Random, isTheSameEverywhere) {
    Random random(42, "facts");
    EXPECT_EQ(random.next(), 0xfe7720f376d5e9U);
    EXPECT_EQ(Random(42, "prose").next(), 0x479c321ce457bfaeU);
}

TEST(Keys, areNeverTwice) {
    for (const std::int64_t expected : {64, 20'000}) {
        Random random(1);
        Keys keys(random, expected);
        std::set<std::string> once;
        for (std::int64_t i = 0; i < expected; ++i) once.insert(keys.draw().joined(' '));
        EXPECT_EQ(once.size(), static_cast<std::size_t>(expected));
    }
}

TEST(Keys, aLikeOneSharesAWord) {
    Random random(1);
    Keys keys(random, 100);
    const Key key = keys.draw();
    std::set<std::string> once = {key.joined(' ')};
    for (int i = 0; i < 60; ++i) {
        const Key like = keys.drawLike(key);
        EXPECT_TRUE((like.noun == key.noun) != (like.adjective == key.adjective)) << like.joined(' ');
        once.insert(like.joined(' '));
    }
    EXPECT_EQ(once.size(), 61U);
    EXPECT_EQ((Key{.more = "old", .adjective = "amber", .noun = "falcon"}.camel()), "oldAmberFalcon");
}

TEST(Filler, fillsExactlySoManyBytes) {
    for (std::int64_t bytes = 0; bytes < 700; ++bytes) {
        std::string text;
        Prose prose{Random(static_cast<std::uint64_t>(bytes))};
        FillerWriter(text, bytes, prose, 5).finish();
        ASSERT_EQ(text.size(), static_cast<std::size_t>(bytes < 4 ? 0 : bytes)) << text;
        ASSERT_TRUE(text.empty() || text.back() == '.') << text;
    }
}

TEST(Filler, lastSentencesAreListsOfAnyLength) {
    Random random(3);
    for (std::int64_t bytes = 3; bytes < 200; ++bytes) {
        std::string text;
        listSentence(text, bytes, random);
        ASSERT_EQ(text.size(), static_cast<std::size_t>(bytes)) << text;
        ASSERT_TRUE(text.front() >= 'A' && text.front() <= 'Z') << text;
    }
}

}  // namespace
}  // namespace fluxscope::tasks
