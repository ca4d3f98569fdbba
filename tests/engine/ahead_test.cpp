// Running ahead: the loop against a batch that is made up, then the whole of it on the CPU, where every step is done when it is
// enqueued: what is taken back, dropped and given to whom is the same as on a GPU.
#include "engine/contract/error.h"
#include "engine/generate/steps_ahead.h"
#include "tests/engine/ahead_world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

namespace fluxscope {
namespace {

using testing::ElementsAre;

// Sequences that end at a step of their own, and a diary of what was done with them.
class MadeUpBatch final : public SteppedBatch {
public:
    struct Sequence {
        std::string name;
        std::int64_t ends = 0;    // at this step, which nobody knows before
        std::int64_t atMost = 0;  // at this step, which is known from the start
        std::int64_t length = 0;  // steps computed and not taken back
        bool ended = false;
    };
    explicit MadeUpBatch(std::vector<Sequence> sequences) : rows_(std::move(sequences)) {}

    bool empty() const override { return rows_.empty(); }
    std::int64_t stepsLeft() const override {
        std::int64_t least = rows_.front().atMost - read_;
        for (const Sequence& row : rows_) least = std::min(least, row.atMost - read_);
        return least;
    }
    void enqueue(StepIndex step) override {
        EXPECT_EQ(step.value(), enqueued_ + 1);
        enqueued_ = step.value();
        for (Sequence& row : rows_) {
            ++row.length;
            EXPECT_LE(row.length, row.atMost) << row.name << " has no room";
        }
        most_ = std::max(most_, enqueued_ - read_);
    }
    bool read(StepIndex step) override {
        EXPECT_EQ(step.value(), read_ + 1);
        EXPECT_LE(step.value(), enqueued_);
        read_ = step.value();
        bool ended = false;
        for (Sequence& row : rows_) {
            if (row.ended || read_ != std::min(row.ends, row.atMost)) continue;
            row.ended = ended = true;
            diary.push_back(row.name + " ends at " + std::to_string(read_) + " of " +
                            std::to_string(enqueued_));
        }
        if (onRead) onRead(read_);
        return ended;
    }
    void settle(StepIndex last) override {
        EXPECT_EQ(last.value(), read_);
        EXPECT_EQ(last.value(), enqueued_) << "nothing is in flight";
        for (Sequence& row : rows_) {
            if (!row.ended) continue;
            const std::int64_t surplus = last.value() - std::min(row.ends, row.atMost);
            EXPECT_LE(surplus, kUndoSlots);
            diary.push_back(row.name + " takes back " + std::to_string(surplus));
            EXPECT_EQ(row.length - surplus, std::min(row.ends, row.atMost)) << "as if it had never been";
        }
        std::erase_if(rows_, [](const Sequence& row) { return row.ended; });
    }

    std::int64_t mostInFlight() const { return most_; }
    std::vector<std::string> diary;
    std::function<void(std::int64_t)> onRead;

private:
    std::vector<Sequence> rows_;
    std::int64_t enqueued_ = 0;
    std::int64_t read_ = 0;
    std::int64_t most_ = 0;
};

TEST(RunAhead, isTwoStepsAheadAndTakesThemBack) {
    MadeUpBatch batch({{.name = "a", .ends = 5, .atMost = 100}});
    runAhead(batch, CancelToken{});
    EXPECT_EQ(batch.mostInFlight(), 3) << "the step that is read, and two more";
    EXPECT_THAT(batch.diary, ElementsAre("a ends at 5 of 7", "a takes back 2"));
}

TEST(RunAhead, enqueuesNothingBeyondAnEndThatIsKnown) {
    MadeUpBatch batch({{.name = "a", .ends = 100, .atMost = 5}});
    runAhead(batch, CancelToken{});
    EXPECT_THAT(batch.diary, ElementsAre("a ends at 5 of 5", "a takes back 0"));
    MadeUpBatch nearly({{.name = "a", .ends = 4, .atMost = 5}});
    runAhead(nearly, CancelToken{});
    EXPECT_THAT(nearly.diary, ElementsAre("a ends at 4 of 5", "a takes back 1"));
}

TEST(RunAhead, othersKeepTheStepsThatOneHadTooMany) {
    MadeUpBatch batch({{.name = "a", .ends = 3, .atMost = 50},
                       {.name = "b", .ends = 4, .atMost = 50},
                       {.name = "c", .ends = 99, .atMost = 9},
                       {.name = "d", .ends = 1, .atMost = 50}});
    runAhead(batch, CancelToken{});
    EXPECT_THAT(batch.diary,
                ElementsAre("d ends at 1 of 3", "a ends at 3 of 3", "a takes back 0", "d takes back 2",
                            "b ends at 4 of 6", "b takes back 2", "c ends at 9 of 9", "c takes back 0"));
}

TEST(RunAhead, everyMixtureEndsWhereEachWouldAlone) {
    FixtureRandom random(4);
    for (int world = 0; world < 500; ++world) {
        std::vector<MadeUpBatch::Sequence> rows;
        const std::uint64_t others = random.next() % 6;
        for (std::uint64_t i = 0; i <= others; ++i)
            rows.push_back({.name = std::to_string(i),
                            .ends = 1 + static_cast<std::int64_t>(random.next() % 12),
                            .atMost = 1 + static_cast<std::int64_t>(random.next() % 12)});
        const std::size_t count = rows.size();
        MadeUpBatch batch(std::move(rows));
        runAhead(batch, CancelToken{});
        EXPECT_EQ(batch.diary.size(), 2 * count) << "each ends once and settles once, world " << world;
    }
}

TEST(RunAhead, stopsWhenItIsAskedTo) {
    CancelToken cancel;
    MadeUpBatch batch({{.name = "a", .ends = 100, .atMost = 100}});
    std::int64_t last = 0;
    batch.onRead = [&](std::int64_t step) {
        last = step;
        if (step == 7) cancel.cancel();
    };
    EXPECT_THROW(runAhead(batch, cancel), CancelledError);
    EXPECT_EQ(last, 7) << "nothing is read after that";
}

// --- what a step says, where the logits lie -------------------------------------------------------------------------------

TEST(DeviceSampler, saysWhatTheHostsSamplerSays) {
    const Compute compute;  // the same operators, on the CPU
    expectDeviceSamples(compute, 300, 6);
}

TEST(DeviceSampler, saysItOfALargeVocabulary) { expectDeviceSamples(Compute{}, 20'000, 2); }

// --- the engine -----------------------------------------------------------------------------------------------------------

TEST(Ahead, saysWhatStepByStepSays) {
    AheadWorld world;
    std::map<TurnEnd, int> ends;
    for (const RunRequest& request : AheadWorld::requests()) {
        const RunResult ahead = world.run(request, true);
        expectSame(ahead, world.run(request, false));
        for (const SequenceResult& sequence : ahead.sequences)
            for (const TurnResult& turn : sequence.turns) ++ends[turn.end];
    }
    EXPECT_EQ(ends.size(), 4U) << "these requests end in every way there is";
}

TEST(Ahead, aBatchSaysWhatEachOfItsPromptsSaysAlone) {
    AheadWorld world;
    for (const RunRequest& together : AheadWorld::requests()) {
        const RunResult result = world.run(together, true);
        for (std::size_t i = 0; i < together.prompts.size(); ++i) {
            if (i > 0 && !together.sampling.greedy()) continue;  // a draw knows its place in the run
            RunRequest alone = together;
            alone.batch = 1;
            alone.prompts = {together.prompts[i]};
            if (!together.forcedIds.empty()) alone.forcedIds = {together.forcedIds[i]};
            expectSame({.sequences = {result.sequences[i]}}, world.run(alone, true));
        }
    }
}

TEST(Ahead, tellsEverySequencesTokensInOrderAndOutsideOfSteps) {
    AheadWorld world;
    for (const RunRequest& request : AheadWorld::requests()) {
        Tokens ahead;
        Tokens behind;
        world.run(request, true, ahead);
        world.run(request, false, behind);
        EXPECT_EQ(ahead.began, behind.began) << "a cache is as long as if nothing had been too many";
        const auto bySequence = [](const Tokens::Heard& a, const Tokens::Heard& b) {
            return std::pair(a.turn, a.sequence) < std::pair(b.turn, b.sequence);
        };
        std::stable_sort(ahead.heard.begin(), ahead.heard.end(), bySequence);
        std::stable_sort(behind.heard.begin(), behind.heard.end(), bySequence);
        EXPECT_EQ(ahead.heard, behind.heard);
        EXPECT_EQ(ahead.open, 0);
        EXPECT_FALSE(ahead.saidInsideAScope);
    }
}

TEST(Ahead, weightsThatAreNoNumbersAreNamed) {
    AheadWorld world;
    // The prompts are well, and some token on the way is not.
    RunRequest request = AheadWorld::requestOf({20, 9}, 60, {.temperature = 3});
    request.stopAtEos = false;
    const RunResult well = world.run(request, true);
    const std::vector<TokenId>& said = well.sequences[0].first().ids;
    const auto fresh = std::find_if(said.begin() + 3, said.end(), [&](TokenId id) {
        return std::ranges::all_of(well.sequences, [&](const SequenceResult& sequence) {
            return std::ranges::count(sequence.first().promptIds, id) == 0;
        });
    });
    ASSERT_NE(fresh, said.end());
    world.breakToken(*fresh);
    EXPECT_THAT(complaintOf<InputError>([&] { world.run(request, true); }),
                testing::HasSubstr("give numbers that are not finite"));
}

TEST(Ahead, stopsWhenItIsAskedTo) {
    AheadWorld world;
    RunRequest request = AheadWorld::requestOf({20, 9}, 60);
    request.stopAtEos = false;
    CancelToken cancel;
    class Cancels final : public Observer {
    public:
        explicit Cancels(CancelToken& token) : token_(token) {}
        void tokenEmitted(SequenceIndex, TurnIndex, StepIndex step, const TokenFacts&) override {
            last = step.value();
            if (step.value() == 5) token_.cancel();
        }
        std::int32_t last = 0;

    private:
        CancelToken& token_;
    } observer(cancel);
    EXPECT_THROW(world.run(request, true, observer, cancel), CancelledError);
    EXPECT_EQ(observer.last, 5);
    expectSame(world.run(request, true), world.run(request, false));  // the model is as it was
}

}  // namespace
}  // namespace fluxscope
