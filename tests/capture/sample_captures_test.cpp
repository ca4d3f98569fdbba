// The captures in sample_data are sound, small, and show what their README says.
#include "engine/contract/error.h"
#include "profiler/capture/capture_feed.h"
#include "profiler/capture/check.h"
#include "profiler/capture/kernel_columns.h"
#include "profiler/capture/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace fluxscope {
namespace {

constexpr std::uintmax_t kMostBytes = 3'000'000;

class SampleCapture : public ::testing::TestWithParam<const char*> {
protected:
    std::filesystem::path file() const {
        return std::filesystem::path(FLUXSCOPE_SOURCE_DIR) / "sample_data" / "captures" / GetParam();
    }
    std::int64_t rowsOf(const std::string& sql) const {
        std::int64_t rows = 0;
        queryCapture(file(), sql,
                     {.columns = [](const auto&) {},
                      .row =
                          [&rows](const auto&) {
                              ++rows;
                              return true;
                          }});
        return rows;
    }
};

TEST_P(SampleCapture, isSoundAndSmall) {
    for (const Violation& violation : checkCapture(file())) ADD_FAILURE() << sentenceOf(violation);
    EXPECT_LE(std::filesystem::file_size(file()), kMostBytes);
    EXPECT_THAT(readCapture(file())->problems, ::testing::IsEmpty());
}

TEST_P(SampleCapture, hasLayersOfPrefillAndTwoWholeDecodeSteps) {
    const SnapshotPtr capture = readCapture(file());
    ASSERT_EQ(capture->runs.size(), 1U);
    EXPECT_EQ(capture->models.front().facts.layers, 36);
    std::map<std::int32_t, std::set<std::int32_t>> layers;  // by step
    capture->layerSteps.each([&layers](const LayerStepRow& r) {
        layers[r.step.value()].insert(r.layer.value());
        EXPECT_EQ(r.timeSource, "cupti");
        EXPECT_GT(r.time.count(), 0) << "step " << r.step.value() << " layer " << r.layer.value();
        EXPECT_GT(r.bytesRead, 0) << "step " << r.step.value() << " layer " << r.layer.value();
    });
    std::set<std::int32_t> first, all;
    for (std::int32_t layer = -1; layer < 36; ++layer) {
        all.insert(layer);
        if (layer < 8) first.insert(layer);
    }
    EXPECT_EQ(layers, (std::map<std::int32_t, std::set<std::int32_t>>{{0, first}, {2, all}, {3, all}}));
    EXPECT_EQ(capture->tokens.size(), 64U) << "what was said stays whole";
    EXPECT_EQ(capture->decisions.size(), 36U);
    EXPECT_EQ(capture->kv.size(), 36U);
}

TEST_P(SampleCapture, knowsWhoseEveryKernelIs) {
    const SnapshotPtr capture = readCapture(file());
    const KernelColumns kernels = readKernels(file(), capture->runs.front().run);
    EXPECT_THAT(kernels.problems, ::testing::IsEmpty());
    ASSERT_GT(kernels.size(), 9000U);
    std::int64_t known = 0;
    std::set<Attribution> ways;
    for (std::size_t i = 0; i < kernels.size(); ++i) {
        ways.insert(kernels.attribution[i]);
        known += kernels.places[static_cast<std::size_t>(kernels.place[i])] ? 1 : 0;
    }
    EXPECT_GE(static_cast<double>(known) / static_cast<double>(kernels.size()), 0.99);
    EXPECT_THAT(ways, ::testing::IsSupersetOf({Attribution::External, Attribution::GraphNode}));
}

TEST_P(SampleCapture, answersTheQueriesOfTheDocumentation) {
    std::ifstream in(std::string(FLUXSCOPE_SOURCE_DIR) + "/docs/capture-file.md");
    std::stringstream all;
    all << in.rdbuf();
    const std::string text = all.str(), opening = "```sql\n";
    int queries = 0;
    for (std::size_t at = text.find(opening); at != std::string::npos; at = text.find(opening, at)) {
        at += opening.size();
        const std::string sql = text.substr(at, text.find("```", at) - at);
        if (sql.find("training") != std::string::npos)
            continue;  // these files are of version 2, which has no trainings
        EXPECT_GT(rowsOf(sql), 0) << sql;
        ++queries;
    }
    EXPECT_EQ(queries, 6);
}

INSTANTIATE_TEST_SUITE_P(H200, SampleCapture,
                         ::testing::Values("h200-32k-full.fluxdb", "h200-32k-routed.fluxdb"),
                         [](const auto& name) { return std::string(name.param).substr(9, 4); });

// In the same prompt, a layer that is sparse in one of them costs less there; one that is full in both costs the same.
TEST(SampleCaptures, showWhatALayerSavesByBeingSparse) {
    const auto attention = [](const char* name) {
        std::map<std::int32_t, double> us;
        readCapture(std::filesystem::path(FLUXSCOPE_SOURCE_DIR) / "sample_data" / "captures" / name)
            ->layerSteps.each([&us](const LayerStepRow& r) {
                if (r.step == StepIndex{} && r.layer.value() >= 0)
                    us[r.layer.value()] = static_cast<double>(r.attention.count()) / 1e3;
            });
        return us;
    };
    const auto full = attention("h200-32k-full.fluxdb"), routed = attention("h200-32k-routed.fluxdb");
    ASSERT_EQ(full.size(), 8U);
    ASSERT_EQ(routed.size(), 8U);
    for (const auto& [layer, us] : routed) {
        if (layer % 4 == 0) {
            EXPECT_NEAR(us / full.at(layer), 1, 0.1)
                << "layer " << layer << ": " << us << " us, " << full.at(layer);
        } else {
            EXPECT_LT(us, 0.5 * full.at(layer)) << "layer " << layer;
        }
    }
}

}  // namespace
}  // namespace fluxscope
