#include "profiler/report/report.h"

#include "tests/figure/python_check.h"
#include "tests/figure/worlds.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <sstream>

namespace fluxscope {
namespace {

using testing::largeCapture;
using testing::smallCapture;
using testing::SnapshotBuilder;

// Of a capture without anything of a device.
Report reportOf(Snapshot snapshot) {
    return buildReport({.snapshot = std::make_shared<const Snapshot>(std::move(snapshot)),
                        .facts = {},
                        .devices = {},
                        .problems = {}});
}

constexpr const char* kHostile =
    "</script><img src=x onerror=alert(1)>\"'&`|*_[a](javascript:b)\x01\xFF{{body}}";

Snapshot hostileCapture() {
    Snapshot s = smallCapture();
    s.file = std::string("/tmp/") + "evil<b>.fluxdb";
    for (PromptRow& prompt : s.prompts) {
        prompt.id = prompt.kind = prompt.split = prompt.answer = kHostile;
        prompt.text = std::string(kHostile) + "\n```\n# not a heading\n````";
    }
    for (RunRow& run : s.runs)
        run.policyName = run.policyJson = run.sparse = run.device = run.dtype = run.role = run.reason =
            *(run.outcome = kHostile);
    s.models.front().facts.name = s.models.front().facts.path = s.models.front().facts.architecture =
        kHostile;
    s.models.front().facts.untrained = true;
    s.problems = {kHostile};
    s.environment = {{ProcessIndex{1}, kHostile, kHostile, kHostile}};
    s.processes.resize(1);
    s.processes.front().host = s.processes.front().program = s.processes.front().collector = kHostile;
    std::vector<TokenRow> tokens(1);
    tokens.front().run = RunIndex{1};
    tokens.front().text = kHostile;
    s.tokens = Chunks<TokenRow>({std::make_shared<const std::vector<TokenRow>>(tokens)});
    std::vector<LayerStepRow> costs;
    s.layerSteps.each([&](const LayerStepRow& row) { costs.push_back(row); });
    for (LayerStepRow& row : costs) row.timeSource = row.bytesSource = kHostile;
    s.layerSteps = Chunks<LayerStepRow>({std::make_shared<const std::vector<LayerStepRow>>(costs)});
    return s;
}

// A parser of its own: html.parser of Python sees tags as a browser does. Every tag must be closed, none may be active.
void expectHarmlessHtml(const std::string& html, const std::string& name) {
    static constexpr const char* kScript = R"(
import html.parser, sys
VOID = {'meta', 'br', 'img', 'link'}
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.tags = [], [], []
    def handle_startendtag(self, tag, attributes): self.check(tag, attributes)
    def handle_starttag(self, tag, attributes):
        self.check(tag, attributes)
        if tag not in VOID: self.open.append(tag)
    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open, self.getpos())
        self.open.pop()
    def check(self, tag, attributes):
        self.tags.append(tag)
        assert tag not in {'script', 'img', 'iframe', 'object', 'a', 'b', 'link', 'base', 'form'}, (tag, self.getpos())
        for name, value in attributes:
            assert not name.startswith('on'), (tag, name)
            if name in {'src', 'href', 'xlink:href'}: assert value.startswith('data:image/png;base64,'), value
            if name == 'id': self.ids.append(value)
text = open(sys.argv[1], encoding='utf-8', errors='strict').read()
assert not any(ord(c) < 32 and c not in '\n\t' for c in text), 'a control character'
page = Page()
page.feed(text)
page.close()
assert not page.open, page.open
assert len(page.ids) == len(set(page.ids)), 'ids repeat'
assert page.tags.count('body') == 1
)";
    EXPECT_TRUE(testing::pythonAccepts(kScript, html, name + ".html")) << name;
}

TEST(Report, namesWhatAReaderMustKnowFirst) {
    LayerStepRow enqueued;
    enqueued.run = RunIndex{2};
    enqueued.timeSource = "host-enqueue";
    Snapshot s =
        SnapshotBuilder()
            .layers(1)
            .sequences("sequence prompt\n 0 a")
            .runs("run role policy outcome dropped\n 1 timed routed - 7\n 2 counters full finished 0")
            .cost(enqueued)
            .build();
    s.models.front().facts.untrained = true;
    s.problems = {"table 'kv' could not be read"};
    const Report report = reportOf(s);
    const std::string untrained =
        "The model 'tiny' is untrained: its weights are random. Times and bytes are real; decisions and "
        "texts "
        "mean nothing.";
    const std::string enqueuedOnly =
        "Run 2 ran on a GPU whose kernels were not timed: the times of its layers are those the host took to "
        "enqueue them.";
    const std::vector<std::string> expected{
        untrained,
        "Run 1 has no end: its process was lost, and what it had recorded until then is shown.",
        "Run 1 dropped 7 records: totals are too low by what they held.",
        "Run 2 has the role 'counters': its times are never quoted as latency.",
        enqueuedOnly,
        "table 'kv' could not be read"};
    EXPECT_EQ(report.notices, expected);
    for (const std::string& text : {htmlReport(report), markdownReport(report), jsonReport(report)})
        EXPECT_NE(text.find("untrained: its weights are random"), std::string::npos);
}

TEST(Report, tellsARoleOfManyRunsOnce) {
    const Report report = reportOf(SnapshotBuilder()
                                       .layers(1)
                                       .sequences("sequence prompt\n 0 a")
                                       .runs("run role policy outcome dropped\n 1 off full finished 0\n"
                                             " 2 timed full finished 0\n 3 off routed finished 0\n"
                                             " 4 off sparse finished 0")
                                       .build());
    const std::vector<std::string> expected{
        "3 runs, from run 1 to run 4, have the role 'off': their times are never quoted as latency."};
    EXPECT_EQ(report.notices, expected);
}

const std::string kPrefillOrigin =
    "measured, host clock: from the first launch of a batch until all its first tokens are on the host";

Snapshot firstTokenAfter(Snapshot s, Nanoseconds prefill) {
    auto began = Nanoseconds::max();
    s.layerSteps.each([&](const LayerStepRow& row) {
        if (row.run == RunIndex{1} && row.phase == Phase::Prefill) began = std::min(began, row.begin);
    });
    std::vector<TokenRow> tokens(1);
    tokens.front().run = RunIndex{1};
    tokens.front().sequence = s.sequences.front().sequence;
    tokens.front().emitted = began + prefill;
    s.tokens = Chunks<TokenRow>({std::make_shared<const std::vector<TokenRow>>(tokens)});
    return s;
}

TEST(Report, showsEveryNumberWithItsOriginInEveryForm) {
    const Report report = reportOf(firstTokenAfter(smallCapture(), Nanoseconds{2'820'000}));
    const nlohmann::json json = nlohmann::json::parse(jsonReport(report));
    EXPECT_EQ(json["format"], "fluxscope-report");
    const auto& metrics = json["runs"][0]["metrics"];
    EXPECT_DOUBLE_EQ(metrics["prefill_s"]["value"], 0.00282);
    EXPECT_EQ(metrics["prefill_s"]["origin"], kPrefillOrigin);
    EXPECT_TRUE(metrics["decode_tokens_per_s"]["value"].is_null());
    EXPECT_EQ(metrics["decode_tokens_per_s"]["missing"], "no decode step recorded");
    EXPECT_EQ(metrics.size(), reportMetrics().size());
    EXPECT_EQ(json["runs"][0]["routing"][0]["decision"], (nlohmann::json{"full", "full", "sparse"}));
    EXPECT_EQ(json["runs"][0]["routing"][2]["p_full"], (nlohmann::json{nullptr, nullptr, nullptr}));
    EXPECT_EQ(json["layer_costs"][0]["layers"][0]["decode_ns"], 64000.0);

    const std::string markdown = markdownReport(report);
    EXPECT_NE(markdown.find("| Prefill | 2.82 ms | " + kPrefillOrigin + " |"), std::string::npos) << markdown;
    EXPECT_NE(markdown.find("| Decode | – | no decode step recorded |"), std::string::npos);
    const std::string html = htmlReport(report);
    EXPECT_NE(html.find("2.82 ms<span class=\"origin\">" + kPrefillOrigin + "</span>"), std::string::npos);
}

// Two twins of one prompt, three routed prompts, with tokens and KV: what each part of a report needs.
Snapshot twinCapture() {
    SnapshotBuilder builder;
    builder.layers(1)
        .runs("run policy\n 1 full\n 2 sparse\n 3 routed")
        .sequences("run sequence prompt kind\n 1 0 a k\n 2 0 a k\n 3 0 a k\n 3 1 b k\n 3 2 c k")
        .decisions(
            "run sequence layer decision p threshold\n 3 0 0 full 0.9 0.5\n 3 1 0 full 0.8 0.5\n 3 2 0 full "
            "0.7 0.5")
        .costs("run step layer begin_us time_us read\n 1 0 0 0 900 5000\n 2 0 0 0 40 1000\n 3 0 0 0 500 5000")
        .tokens("run sequence step emitted_us\n 1 0 0 1000\n 1 0 1 1500")
        .kv("run sequence layer kept freed\n 3 0 0 1024 3072");
    for (RunRow& run : builder.edit().runs)
        run.policyJson = run.policyName;  // else they would repeat one thing
    return builder.build();
}

TEST(Report, showsWhatDecisionsCostHowRoutersFareAndWhereTimeAndMemoryWent) {
    const Report report = reportOf(twinCapture());
    const nlohmann::json json = nlohmann::json::parse(jsonReport(report));
    ASSERT_EQ(json["decision_costs"].size(), 1u);
    EXPECT_EQ(json["decision_costs"][0]["layers"][0]["cost_ns"], 860000.0);
    EXPECT_EQ(json["decision_costs"][0]["time_origin"], "measured, host timer");
    EXPECT_EQ(json["runs"][0]["latency"]["ttft_s"]["median"], 1e-3);
    EXPECT_EQ(json["runs"][0]["latency"]["tpot_s"]["count"], 1);
    EXPECT_EQ(json["runs"][2]["breakdown"][0]["time_ns"], 500000);
    EXPECT_EQ(json["runs"][2]["kv_memory"]["full"], 4096.0);
    EXPECT_EQ(json["runs"][0]["kv_memory"], nullptr);
    EXPECT_EQ(json["runs"][2]["router_health"]["collapsed"], true);

    const std::string html = htmlReport(report);
    expectHarmlessHtml(html, "report_twins");
    const std::string markdown = markdownReport(report);
    for (const std::string& text : {html, markdown}) {
        EXPECT_NE(text.find("What deciding full costs"), std::string::npos);
        EXPECT_NE(text.find("860 µs"), std::string::npos);
        EXPECT_NE(text.find("The routers have collapsed"), std::string::npos);
        EXPECT_NE(text.find("a single run: nothing could be left out as warm-up"), std::string::npos);
    }
    for (const char* picture : {"Router margins by layer", "KV memory by layer", "Time line"})
        EXPECT_NE(html.find(std::string("<title>") + picture), std::string::npos) << picture;
}

// The same of everything that is not in a snapshot.
Report hostileReport() {
    ReportSources sources{.snapshot = std::make_shared<const Snapshot>(hostileCapture()),
                          .facts = {},
                          .devices = {},
                          .problems = {kHostile}};
    Snapshot s = *sources.snapshot;
    for (RunRow& run : s.runs) run.role = "timed";  // whose roofline is drawn
    s.environment.push_back({ProcessIndex{1}, "overhead", kHostile, kHostile});
    s.processes.front().process = ProcessIndex{1};
    sources.snapshot = std::make_shared<const Snapshot>(s);
    sources.facts.collectors = {{ProcessIndex{1}, 1, kHostile, kHostile, kHostile, kHostile}};
    sources.facts.figures = {{RunIndex{1}, kHostile, 3, kHostile}};
    sources.facts.devices = {{ProcessIndex{1}, {.device = 0, .name = kHostile, .bytesPerSecond = 4}}};
    sources.facts.problems = {kHostile};
    DeviceSummary device;
    device.run = RunIndex{1};
    device.kernels = 7;
    device.topKernels.resize(1);
    device.topKernels.front().name = kHostile;
    device.omittedKernels = 1;
    device.gaps.resize(1);
    device.gaps.front().name = kHostile;
    device.counted = {.source = kHostile, .costVersion = 0, .rows = std::vector<LayerBytes>(1)};
    device.traffic.series = {{kHostile, kHostile, {0}, {5}, {1}, kHostile}};
    device.traffic.others = device.traffic.series;
    device.traffic.length = 5;
    device.timeLine = timeLine(s, RunIndex{1}, nullptr);
    sources.devices = {device};
    return buildReport(sources);
}

TEST(Report, letsNoTextOfAFileBecomeMarkup) {
    const Report report = hostileReport();
    const std::string html = htmlReport(report);
    EXPECT_EQ(html.find("<img"), std::string::npos);
    EXPECT_EQ(html.find("<script"), std::string::npos);
    EXPECT_NE(html.find("default-src 'none'"), std::string::npos);
    EXPECT_NE(html.find("{{body}}"), std::string::npos);  // text that looks like our own marks stays text
    expectHarmlessHtml(html, "report_hostile");

    // In Markdown, tags and links occur inside fenced blocks only, and no fence is closed by what it holds.
    std::istringstream lines(markdownReport(report));
    std::string fence;
    int blocks = 0;
    for (std::string line; std::getline(lines, line);) {
        const std::size_t ticks = std::min(line.find_first_not_of('`'), line.size());
        if (fence.empty() && ticks >= 3) {
            EXPECT_EQ(line.substr(ticks), "text");
            fence = line.substr(0, ticks);
            ++blocks;
        } else if (line == fence) {
            fence.clear();
        } else if (fence.empty()) {
            EXPECT_EQ(line.find("<img"), std::string::npos) << line;
            EXPECT_EQ(line.find("[a]("), std::string::npos) << line;
        }
    }
    EXPECT_TRUE(fence.empty());
    EXPECT_EQ(blocks, 3 * 2 + 1);  // three prompts with their answers, and one text that was generated

    const nlohmann::json json =
        nlohmann::json::parse(jsonReport(report));  // throws if a string escaped its quotes
    EXPECT_EQ(json["prompts"].size(), 3u);
}

TEST(Report, everyRowOfAMarkdownTableHasItsCells) {
    const std::string markdown = markdownReport(hostileReport());
    std::istringstream lines(markdown);
    std::size_t expected = 0;
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("|")) {
            expected = 0;
            continue;
        }
        std::size_t bars = 0;
        for (std::size_t i = 0; i < line.size(); ++i)
            bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\') ? 1 : 0;
        if (expected == 0) expected = bars;
        EXPECT_EQ(bars, expected) << line;
    }
}

TEST(Report, cutsLongTextsAndListsAndSaysSo) {
    Snapshot s = largeCapture(4, 600, 3);
    s.prompts.front().text = std::string(5000, 'x') + "µ";
    const Report report = reportOf(s);
    EXPECT_EQ(report.prompts.size(), kReportPrompts);
    EXPECT_EQ(report.omittedPrompts, 100);
    EXPECT_EQ(report.prompts.front().text->omitted, 5001 - static_cast<std::int64_t>(kReportTextCharacters));
    EXPECT_LE(report.costs.size(), kReportCosts);
    const std::string html = htmlReport(report);
    EXPECT_NE(html.find("100 more prompts are in the capture."), std::string::npos);
    EXPECT_NE(html.find("3,801 more characters in the capture."), std::string::npos);
    EXPECT_NE(markdownReport(report).find("100 more prompts are in the capture."), std::string::npos);
}

TEST(Report, cutsBetweenCharacters) {
    EXPECT_EQ(excerptOf("aµ日", 2).text, "aµ");
    EXPECT_EQ(excerptOf("aµ日", 2).omitted, 1);
    EXPECT_EQ(excerptOf("aµ日", 9).omitted, 0);
    EXPECT_EQ(excerptOf("", 9).text, "");
}

TEST(Report, ofNothingIsAReportToo) {
    const Report report = reportOf(Snapshot{});
    expectHarmlessHtml(htmlReport(report), "report_empty");
    EXPECT_NE(htmlReport(report).find("This capture holds no run."), std::string::npos);
    EXPECT_NE(markdownReport(report).find("This capture holds no run."), std::string::npos);
    EXPECT_TRUE(nlohmann::json::parse(jsonReport(report))["runs"].empty());
}

TEST(Report, hasOneThemeInTwoPicturesAndNothingFromOutside) {
    const std::string html = htmlReport(reportOf(largeCapture(12, 9, 40)));
    expectHarmlessHtml(html, "report_large");
    EXPECT_NE(html.find("<div class=\"light\">"), std::string::npos);
    EXPECT_NE(html.find("<div class=\"dark\">"), std::string::npos);
    for (std::size_t at = html.find("://"); at != std::string::npos; at = html.find("://", at + 1))
        EXPECT_EQ(html.substr(at - 4, 18), "http://www.w3.org/")
            << html.substr(at - 20, 60);  // names, not addresses
}

// Rows with any bits at all: whatever a damaged file yields, the three forms come out whole and parse.
TEST(Report, survivesAnyRows) {
    std::mt19937_64 random(5);  // NOLINT(bugprone-random-generator-seed): the same texts each time
    const auto number = [&]() -> std::int64_t {
        static constexpr std::int64_t kOdd[] = {
            0, -1, 1, 7, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()};
        return random() % 3 == 0 ? kOdd[random() % std::size(kOdd)] : static_cast<std::int64_t>(random() % 6);
    };
    const auto real = [&]() -> float {
        static constexpr float kOdd[] = {0,
                                         -1,
                                         std::numeric_limits<float>::infinity(),
                                         -std::numeric_limits<float>::infinity(),
                                         std::numeric_limits<float>::quiet_NaN(),
                                         std::numeric_limits<float>::max()};
        return kOdd[random() % std::size(kOdd)];
    };
    const auto text = [&] {
        std::string t;
        for (unsigned k = random() % 8; k > 0; --k) t += static_cast<char>(random() & 0xFF);
        return t;
    };
    for (int round = 0; round < 60; ++round) {
        Snapshot s;
        s.live = random() % 2 == 0;
        s.models.resize(1);
        s.models.front().facts.layers = static_cast<std::int32_t>(random() % 5);
        s.models.front().facts.name = text();
        std::vector<DecisionRow> decisions;
        std::vector<LayerStepRow> costs;
        std::vector<KvRow> kv;
        std::vector<TokenRow> tokens;
        for (int i = 0; i < 3; ++i) {
            RunRow run;
            run.run = RunIndex::of(i);
            run.role = random() % 2 == 0 ? "timed" : text();
            if (random() % 2 == 0) run.outcome = text();
            run.dropped = number();
            s.runs.push_back(run);
            PromptRow prompt;
            prompt.prompt = number();
            prompt.id = text();
            prompt.kind = text();
            if (random() % 2 == 0) prompt.text = text();
            s.prompts.push_back(prompt);
            s.sequences.push_back({RunIndex::of(random() % 3), SequenceIndex::of(number()),
                                   BatchIndex::of(number()), number(), number()});
        }
        for (int i = 0; i < 12; ++i) {
            const auto run = RunIndex::of(random() % 3);
            DecisionRow d;
            d.run = run;
            d.sequence = SequenceIndex::of(number());
            d.step = StepIndex::of(number());
            d.layer = LayerIndex::of(number());
            if (random() % 2 == 0) d.decision.logits = RouterLogits{real(), real()};
            if (random() % 2 == 0) d.decision.threshold = real();
            decisions.push_back(d);
            LayerStepRow c;
            c.run = run;
            c.batch = BatchIndex::of(number());
            c.step = StepIndex::of(number() % 4096);
            c.layer = LayerIndex::of(number());
            c.begin = Nanoseconds{number()};
            c.time = Nanoseconds{number()};
            c.router = Nanoseconds{number()};
            c.bytesRead = number();
            c.bytesWritten = number();
            c.flops = number();
            c.timeSource = random() % 2 == 0 ? "host-timer" : text();
            costs.push_back(c);
            kv.push_back({run,
                          SequenceIndex::of(number()),
                          TurnIndex{},
                          StepIndex::of(number()),
                          LayerIndex::of(number()),
                          {number(), number()}});
            TokenRow t;
            t.run = run;
            t.sequence = SequenceIndex::of(number());
            t.step = StepIndex::of(number());
            t.text = text();
            t.emitted = Nanoseconds{number()};
            tokens.push_back(t);
        }
        s.decisions = Chunks<DecisionRow>({std::make_shared<const std::vector<DecisionRow>>(decisions)});
        s.layerSteps = Chunks<LayerStepRow>({std::make_shared<const std::vector<LayerStepRow>>(costs)});
        s.kv = Chunks<KvRow>({std::make_shared<const std::vector<KvRow>>(kv)});
        s.tokens = Chunks<TokenRow>({std::make_shared<const std::vector<TokenRow>>(tokens)});

        const Report report = reportOf(s);
        const nlohmann::json json = nlohmann::json::parse(jsonReport(report));
        for (const auto& run : json["runs"])
            for (const auto& [name, metric] : run["metrics"].items())
                EXPECT_TRUE(metric["value"].is_number() || metric.contains("missing")) << name;
        EXPECT_FALSE(markdownReport(report).empty());
        const std::string html = htmlReport(report);
        EXPECT_EQ(html.find("=\"nan\""), std::string::npos);
        EXPECT_EQ(html.find("=\"inf\""), std::string::npos);
        if (round % 12 == 0) expectHarmlessHtml(html, "report_fuzz");
    }
}

}  // namespace
}  // namespace fluxscope
