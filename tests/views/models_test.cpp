// Models under Qt's own tester, and what stands in them.
#include "tests/gui/sample_snapshot.h"
#include "views/inspector/facts.h"
#include "views/inspector/facts_model.h"
#include "views/run/prompt_list_model.h"

#include <gtest/gtest.h>

#include <QAbstractItemModelTester>

namespace fluxscope {
namespace {

constexpr auto kFatal = QAbstractItemModelTester::FailureReportingMode::Fatal;

QString cell(const FactsModel& model, int row, int column) {
    return model.data(model.index(row, column), Qt::DisplayRole).toString();
}

TEST(FactsModel, growsAndShrinksWithoutResettingItsRows) {
    FactsModel model;
    const QAbstractItemModelTester tester(&model, kFatal);
    int resets = 0;
    QObject::connect(&model, &QAbstractItemModel::modelReset, [&] { ++resets; });
    model.setFacts({"a", {{"time", "1 ms", "measured"}, {"bytes", "2 KiB", "modelled"}}});
    const QPersistentModelIndex kept(model.index(1, FactsModel::Value));
    model.setFacts(
        {"a", {{"time", "2 ms", "measured"}, {"bytes", "3 KiB", "modelled"}, {"policy", "full", ""}}});
    EXPECT_EQ(kept.data().toString(), QStringLiteral("3 KiB"));
    model.setFacts({"b", {{"time", "2 ms", "measured"}}});
    EXPECT_FALSE(kept.isValid());
    model.setFacts({});
    EXPECT_EQ(model.rowCount(), 0);
    EXPECT_EQ(resets, 0);
}

TEST(FactsModel, tellsOnlyOfRowsThatChanged) {
    FactsModel model;
    model.setFacts({"a", {{"time", "1 ms", ""}, {"bytes", "2 KiB", ""}}});
    std::vector<int> rows;
    QObject::connect(&model, &QAbstractItemModel::dataChanged,
                     [&](const QModelIndex& from, const QModelIndex&) { rows.push_back(from.row()); });
    model.setFacts({"a", {{"time", "1 ms", ""}, {"bytes", "3 KiB", ""}}});
    EXPECT_EQ(rows, std::vector<int>{1});
    EXPECT_EQ(cell(model, 1, FactsModel::Value), QStringLiteral("3 KiB"));
}

TEST(FactsModel, escapesToolTipsAndShowsTextAsItIs) {
    FactsModel model;
    model.setFacts({"a", {{"prompt", "<b>bold</b>", ""}}});
    EXPECT_EQ(cell(model, 0, FactsModel::Value), QStringLiteral("<b>bold</b>"));
    EXPECT_EQ(model.data(model.index(0, FactsModel::Value), Qt::ToolTipRole).toString(),
              QStringLiteral("&lt;b&gt;bold&lt;/b&gt;"));
}

TEST(PromptListModel, runsWhatIsTicked) {
    PromptListModel model;
    const QAbstractItemModelTester tester(&model, kFatal);
    std::vector<Prompt> prompts(3);
    for (std::size_t i = 0; i < prompts.size(); ++i) prompts[i].id = "p" + std::to_string(i);
    model.setPrompts(prompts);
    EXPECT_TRUE(model.setData(model.index(1), Qt::Unchecked, Qt::CheckStateRole));
    ASSERT_EQ(model.ticked().size(), 2U);
    EXPECT_EQ(model.ticked()[1].id, "p2");
    model.setPrompts({});
    EXPECT_TRUE(model.ticked().empty());
}

std::string names(const Tooltip& facts) {
    std::string text = facts.title + ":";
    for (const TooltipLine& line : facts.lines) text += " " + line.label;
    return text;
}

TEST(Facts, speakOfTheSmallestThingSelected) {
    const SnapshotPtr snapshot = sampleSnapshot({.layers = 4, .prompts = 3, .steps = 3});
    Selection selection;
    EXPECT_EQ(factsOf(*snapshot, selection).title, "run 1 · routed:0.5");
    selection.run = RunIndex(1);
    selection.sequence = SequenceIndex(2);
    EXPECT_EQ(names(factsOf(*snapshot, selection)),
              "arithmetic-1: kind run prompt tokens generated tokens full attention");
    selection.layers = {LayerIndex(3)};
    EXPECT_NE(factsOf(*snapshot, selection).title.find("layer 3"), std::string::npos);
    const std::string layerFacts = names(factsOf(*snapshot, selection));
    selection.steps = StepRange{StepIndex(2), StepIndex(2)};
    EXPECT_NE(names(factsOf(*snapshot, selection)), layerFacts);
    EXPECT_FALSE(factsOf(*snapshot, selection).lines.empty());
}

TEST(Facts, ofARunSayWhatRecordedItAndWhatCouldNotAndWhy) {
    Snapshot snapshot = *sampleSnapshot({.layers = 4, .prompts = 1, .steps = 2});
    snapshot.collectors = {{.process = ProcessIndex(1), .run = 1, .name = "host-timer", .state = "stopped"},
                           {.process = ProcessIndex(1),
                            .run = 1,
                            .name = "trace",
                            .state = "missing",
                            .reason = "no driver",
                            .remedy = "install one"},
                           {.process = ProcessIndex(1), .run = 2, .name = "nvml", .state = "missing"}};
    const Tooltip facts = factsOf(snapshot, {});
    std::string text;
    for (const TooltipLine& line : facts.lines)
        if (line.label.starts_with("collector"))
            text += line.label + "|" + line.value + "|" + line.origin + "\n";
    EXPECT_EQ(text, "collector host-timer|recorded|\ncollector trace|missing|no driver; install one\n");
}

TEST(Facts, saysNothingOfWhatTheCaptureDoesNotHave) {
    const SnapshotPtr snapshot = sampleSnapshot({.layers = 4, .prompts = 1, .steps = 2});
    EXPECT_TRUE(factsOf(*snapshot, {.run = RunIndex(9), .sequence = SequenceIndex(9)}).lines.empty());
    EXPECT_TRUE(factsOf(*snapshot, {.run = RunIndex(9)}).lines.empty());
    EXPECT_TRUE(factsOf(Snapshot{}, {}).lines.empty());
}

}  // namespace
}  // namespace fluxscope
