// From a prompt to a picture with a fixed seed: what the capture holds, times aside, and the routing figure drawn from it.
// FLUXSCOPE_UPDATE_GOLDEN=1 writes what was seen over what was expected; read the difference before you keep it.
#include "app/serve/engine_host.h"
#include "profiler/analysis/routing_table.h"
#include "profiler/capture/capture_feed.h"
#include "profiler/figure/routing_figure.h"
#include "tests/serve/model_folder.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <sstream>

namespace fluxscope {
namespace {

namespace fs = std::filesystem;

void expectGolden(const std::string& name, const std::string& seen) {
    const fs::path file = fs::path(FLUXSCOPE_SOURCE_DIR) / "tests/golden/whole_path" / name;
    if (std::getenv("FLUXSCOPE_UPDATE_GOLDEN") != nullptr) {
        fs::create_directories(file.parent_path());
        std::ofstream(file) << seen;
    }
    std::stringstream wanted;
    wanted << std::ifstream(file).rdbuf();
    EXPECT_EQ(seen, wanted.str()) << file;
}

class WholePath : public ::testing::Test {
protected:
    SnapshotPtr recorded() {
        HostRun run;
        run.request.prompts =
            parsePromptSet(
                R"({"id":"key","kind":"needle","text":"The key is 7313. Where is the key?","answer":"7313"}
{"id":"tale","kind":"prose","split":"test","text":"Once upon a time there was a lighthouse whose keeper counted ships."}
{"id":"ids","kind":"code","ids":[5,6,7,8]})",
                "test")
                .prompts;
        run.request.policy = RoutedPolicy{};
        run.request.sparse = parseSparseForm("streaming:sink=2,window=8,granularity=token");
        run.request.maxNew = 6;
        run.request.seed = 1;
        run.capture = folder.path / "run.fluxdb";
        EngineHost host("test");
        host.load({.model = folder.model().string()}, {}, {});
        host.run(run, {}, {});
        return readCapture(run.capture);
    }

    const testing::ModelFolder folder{"whole-path"};
};

// As a whole number, so that neither the last bits nor the sign of a zero differ from one CPU to the next.
long hundredths(float value) { return std::lround(value * 100); }

// Rows without what differs from run to run: times, the machine, where files lie.
std::string rowsOf(const Snapshot& snapshot) {
    std::ostringstream text;
    text << std::fixed << std::setprecision(3);
    for (const RunRow& run : snapshot.runs)
        text << "run " << run.run.value() << ' ' << run.role << ' ' << run.policyName << ' ' << run.sparse
             << " seed " << run.seed << " max_new " << run.maxNew << ' ' << run.device << ' ' << run.dtype
             << ' ' << run.outcome.value_or("-") << " dropped " << run.dropped << '\n';
    for (const PromptRow& prompt : snapshot.prompts)
        text << "prompt " << prompt.id << ' ' << prompt.kind << ' ' << prompt.split << " answer '"
             << prompt.answer << "' text '" << prompt.text.value_or("-") << "'\n";
    for (const SequenceRow& row : snapshot.sequences)
        text << "sequence " << row.sequence.value() << " batch " << row.batch.value() << " prompt_tokens "
             << row.promptTokens << '\n';
    snapshot.decisions.each([&text](const DecisionRow& row) {
        text << "decision sequence " << row.sequence.value() << " step " << row.step.value() << " layer "
             << row.layer.value() << ' ' << nameOf(row.decision.attention) << " by "
             << nameOf(row.decision.by) << " p_full "
             << (row.decision.logits ? fullProbability(*row.decision.logits) : -1) << '\n';
    });
    snapshot.kv.each([&text](const KvRow& row) {
        text << "kv sequence " << row.sequence.value() << " layer " << row.layer.value() << " kept "
             << row.kv.bytesKept << " freed " << row.kv.bytesFreed << '\n';
    });
    snapshot.tokens.each([&text](const TokenRow& row) {
        text << "token sequence " << row.sequence.value() << " step " << row.step.value() << " id "
             << row.token.value() << " '" << printable(row.text) << "' logprob/100 "
             << hundredths(row.logprob) << '\n';
    });
    snapshot.layerSteps.each([&text](const LayerStepRow& row) {
        text << "layer_step batch " << row.batch.value() << ' ' << nameOf(row.phase) << " step "
             << row.step.value() << " layer " << row.layer.value() << ' ' << row.timeSource << " read "
             << row.bytesRead << " written " << row.bytesWritten << " flops " << row.flops << ' '
             << row.bytesSource << '\n';
    });
    return text.str();
}

TEST_F(WholePath, fromPromptsToRowsAndAPicture) {
    const SnapshotPtr snapshot = recorded();
    EXPECT_THAT(snapshot->problems, ::testing::IsEmpty());
    EXPECT_FALSE(snapshot->live);
    expectGolden("rows.txt", rowsOf(*snapshot));
    const RoutingTable table = routingTable(*snapshot);
    expectGolden("routing.txt", toGoldenText(routingFigure(table, {}, {760, 420}, lightTheme()).list));
}

}  // namespace
}  // namespace fluxscope
