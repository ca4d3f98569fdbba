// What was measured is found again, by the machine and the run it was measured for, and told to captures.
#include "app/serve/machine_cache.h"

#include "app/serve/ceilings.h"
#include "app/serve/detail/limit_facts.h"
#include "app/serve/overhead.h"
#include "engine/contract/error.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

namespace fluxscope {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class Cache : public ::testing::Test {
protected:
    Cache() : folder(fs::temp_directory_path() / ("machine-cache-" + std::to_string(::getpid()))) {
        fs::remove_all(folder);
    }
    ~Cache() override { fs::remove_all(folder); }

    MachineCache opened() const { return MachineCache(folder / "deep" / "figures.json"); }
    void write(const std::string& content) const {
        fs::create_directories(folder / "deep");
        std::ofstream(folder / "deep" / "figures.json") << content;
    }

    fs::path folder;
};

const MachineKey kHere{.host = "lab7", .device = "cuda", .processor = "NVIDIA H200", .driver = "580.1"};
const MachineKey kThere{.host = "desk", .device = "cpu", .processor = "Xeon, 16 cores", .driver = ""};

KeptCeilings someCeilings(double scale) {
    return {.measured =
                {.device = "cpu",
                 .bytes = {{.what = "read", .how = "a", .amount = 800, .repeats = 3, .best = 2e10 * scale},
                           {.what = "copy", .how = "b", .amount = 900, .repeats = 4, .best = 1e10}},
                 .flops = {{.what = "fp32", .how = "LibTorch", .amount = 5, .repeats = 3, .best = 1e11},
                           {.what = "fp32", .how = "kernels/matmul", .amount = 5, .repeats = 3, .best = 2e11},
                           {.what = "bf16", .how = "LibTorch", .amount = 5, .repeats = 3, .best = 4e11}}},
            .when = "2026-11-30T16:00:00Z"};
}

RecordedWith someRun() {
    RecordedWith run{
        .model = {}, .device = "cuda:0", .dtype = "bf16", .collect = "auto", .promptTokens = 700};
    run.model.path = "/models/my model";
    run.model.architecture = "Qwen3ForCausalLM";
    run.model.layers = 36;
    return run;
}

Overhead someOverhead() {
    return {.prefill = {.pairs = 12,
                        .medianWithout = 0.1,
                        .medianWith = 0.101,
                        .ratio = 1.01,
                        .low = 0.99,
                        .high = 1.02,
                        .coverage = 0.96},
            .token = PairedRatio{.pairs = 12, .ratio = 1.03, .low = 1.02, .high = 1.05, .coverage = 0.96},
            .whole = {.pairs = 12, .ratio = 1.02, .low = 1.01, .high = 1.04, .coverage = 0.96},
            .promptTokens = 1024,
            .newTokens = 64,
            .policy = "routed",
            .when = "2026-11-30T16:00:00Z"};
}

TEST_F(Cache, keepsEachMachinesFiguresApart) {
    MachineCache cache = opened();
    EXPECT_FALSE(ceilingsIn(cache, kHere));
    keepCeilings(cache, kHere, someCeilings(1));
    keepCeilings(cache, kThere, someCeilings(7));
    const MachineCache again = opened();
    EXPECT_FALSE(again.damage());
    EXPECT_EQ(ceilingsIn(again, kHere)->measured, someCeilings(1).measured);
    EXPECT_EQ(ceilingsIn(again, kThere)->measured, someCeilings(7).measured);
    EXPECT_EQ(ceilingsIn(again, kHere)->when, "2026-11-30T16:00:00Z");
    MachineKey newDriver = kHere;
    newDriver.driver = "590.2";
    EXPECT_FALSE(ceilingsIn(again, newDriver));
}

TEST_F(Cache, replacesWhatIsMeasuredAnew) {
    MachineCache cache = opened();
    keepCeilings(cache, kHere, someCeilings(1));
    keepCeilings(cache, kHere, someCeilings(2));
    EXPECT_EQ(ceilingsIn(opened(), kHere)->measured, someCeilings(2).measured);
    std::ifstream in(cache.file());
    EXPECT_EQ(json::parse(in)["entries"].size(), 1U);
}

TEST_F(Cache, keepsWhatAnotherProcessKeptMeanwhile) {
    MachineCache mine = opened();
    MachineCache theirs = opened();
    keepCeilings(theirs, kThere, someCeilings(7));
    keepCeilings(mine, kHere, someCeilings(1));
    EXPECT_TRUE(ceilingsIn(opened(), kThere));
    EXPECT_TRUE(ceilingsIn(opened(), kHere));
}

TEST_F(Cache, saysWhatIsDamagedAndBeginsAnew) {
    for (const char* content : {"", "{", "[]", R"({"version":2,"entries":[]})",
                                R"({"version":1,"entries":{}})", R"({"version":1,"entries":[3]})",
                                R"({"version":1,"entries":[{"key":1,"measured":"x","value":1}]})"}) {
        write(content);
        MachineCache cache = opened();
        ASSERT_TRUE(cache.damage()) << content;
        EXPECT_THAT(*cache.damage(), HasSubstr("figures.json: is damaged")) << content;
        EXPECT_FALSE(ceilingsIn(cache, kHere));
        keepCeilings(cache, kHere, someCeilings(1));
        EXPECT_FALSE(opened().damage()) << content;
        EXPECT_TRUE(ceilingsIn(opened(), kHere)) << content;
    }
}

TEST_F(Cache, takesAnEntryItCannotReadAsAbsent) {
    MachineCache cache = opened();
    cache.keep(toJson(kHere), {.measured = "2026-11-30T16:00:00Z", .value = {{"device", 3}}});
    EXPECT_FALSE(ceilingsIn(cache, kHere));
}

TEST_F(Cache, thatCannotBeWrittenIsAnErrorOfTheMachine) {
    fs::create_directories(folder);
    std::ofstream(folder / "deep") << "a file where the folder should be";
    MachineCache cache = opened();
    EXPECT_FALSE(cache.damage());
    EXPECT_THROW(keepCeilings(cache, kHere, someCeilings(1)), MachineError);
    MachineCache homeless{fs::path()};
    EXPECT_THROW(keepCeilings(homeless, kHere, someCeilings(1)), MachineError);
}

TEST_F(Cache, findsOverheadByMachineShapeCollectorsAndLength) {
    MachineCache cache = opened();
    const RecordedWith run = someRun();
    const auto keyOf = [&run](const MachineKey& machine, const std::string& dtype, const std::string& collect,
                              std::int64_t tokens) {
        return overheadKey(machine, run.model, dtype, collect, tokens);
    };
    keepOverhead(cache, keyOf(kHere, "bf16", "auto", 1024), someOverhead());
    const MachineCache again = opened();
    EXPECT_EQ(overheadIn(again, keyOf(kHere, "bf16", "auto", 1024)), someOverhead());
    EXPECT_TRUE(overheadIn(again, keyOf(kHere, "bf16", "auto", 513))) << "the same power of two above";
    EXPECT_TRUE(overheadIn(again, keyOf(kHere, "bf16", "trace", 1000))) << "what auto stands for on a GPU";
    EXPECT_FALSE(overheadIn(again, keyOf(kHere, "bf16", "auto", 512)));
    EXPECT_FALSE(overheadIn(again, keyOf(kHere, "bf16", "auto", 1025)));
    EXPECT_FALSE(overheadIn(again, keyOf(kHere, "fp16", "auto", 1024)));
    EXPECT_FALSE(overheadIn(again, keyOf(kHere, "bf16", "timeline", 1024)));
    EXPECT_FALSE(overheadIn(again, keyOf(kThere, "bf16", "auto", 1024)));
    ModelFacts deeper = run.model;
    deeper.layers = 37;
    EXPECT_FALSE(overheadIn(again, overheadKey(kHere, deeper, "bf16", "auto", 1024)));
}

TEST(LimitFacts, tellsTheFastestOfEachKind) {
    const std::vector<EnvironmentFact> facts = ceilingFacts(someCeilings(1), "fp32");
    std::string text;
    for (const EnvironmentFact& fact : facts)
        text += fact.name + " = " + fact.value + " (" + fact.source + ")\n";
    EXPECT_EQ(text,
              R"(ceiling_bytes_per_second = 20000000000 (measured: fluxscope-cli ceilings, 2026-11-30, a)
ceiling_flops_bf16 = 400000000000 (measured: fluxscope-cli ceilings, 2026-11-30, LibTorch)
ceiling_flops_fp32 = 200000000000 (measured: fluxscope-cli ceilings, 2026-11-30, kernels/matmul)
ceiling_flops = 200000000000 (measured: fluxscope-cli ceilings, 2026-11-30, kernels/matmul)
)");
    EXPECT_EQ(ceilingFacts(someCeilings(1), "fp16").back().name, "ceiling_flops_fp32")
        << "none for the run's own type";
    EXPECT_TRUE(ceilingFacts(std::nullopt, "fp32").empty());
}

TEST(LimitFacts, tellsTheOverheadOrHowToMeasureIt) {
    const EnvironmentFact known = overheadFact(someOverhead(), someRun());
    EXPECT_EQ(known.name, "overhead");
    EXPECT_EQ(
        known.value,
        "prefill +1.0 % (95 % interval -1.0 % to +2.0 %), token +3.0 % (95 % interval +2.0 % to +5.0 %), "
        "whole run +2.0 % (95 % interval +1.0 % to +4.0 %)");
    EXPECT_THAT(known.source,
                HasSubstr("measured: fluxscope-cli overhead, 2026-11-30, 12 pairs of 1,024 + 64 tokens"));
    const EnvironmentFact unknown = overheadFact(std::nullopt, someRun());
    EXPECT_EQ(
        unknown.value,
        "not measured: fluxscope-cli overhead '/models/my model' --device cuda --dtype bf16 --length 1024");
    EXPECT_EQ(unknown.source, "not measured");
}

}  // namespace
}  // namespace fluxscope
