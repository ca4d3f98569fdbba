// What a report says of a device: collectors, quality, kernels, roofline, bytes by source; read from a file.
#include "profiler/figure/number.h"
#include "profiler/report/report.h"
#include "tests/record/scratch.h"
#include "tests/report/device_capture.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>

namespace fluxscope {
namespace {

using nlohmann::json;
using testing::DevicePasses;
using testing::rowsOf;
using testing::Scratch;

// For who wants to look at it.
void keep(const std::string& html, const std::string& name) { std::ofstream(name) << html; }

TEST(DeviceReport, saysWhichCollectorsRanAndWhatIsMissing) {
    const Scratch scratch;
    DevicePasses().record(scratch.file());
    const Report report = buildReport(readReportSources(scratch.file()));
    const json all = json::parse(jsonReport(report));
    ASSERT_EQ(all["collectors"].size(), 4U);
    EXPECT_EQ(all["collectors"][0], (json{{"process", 1},
                                          {"run", 1},
                                          {"name", "nvml"},
                                          {"state", "missing"},
                                          {"reason", "libnvidia-ml.so.1 is not there"},
                                          {"remedy", "install the driver's libraries"}}));
    EXPECT_EQ(all["overhead"][0]["measured"], false);
    for (const std::string& text : {htmlReport(report), markdownReport(report)}) {
        EXPECT_NE(text.find("libnvidia-ml.so.1 is not there"), std::string::npos);
        EXPECT_NE(text.find("install the driver"), std::string::npos);
        EXPECT_NE(text.find("not measured: fluxscope-cli overhead"), std::string::npos);
    }
}

TEST(DeviceReport, showsTheCostOfRecordingWhereItWasMeasured) {
    const Scratch scratch;
    DevicePasses passes;
    passes.environment = {
        {"overhead", "decode +3.1 % (2.8 to 3.4), prefill +0.4 %", "fluxscope-cli overhead"}};
    passes.record(scratch.file());
    const Report report = buildReport(readReportSources(scratch.file()));
    EXPECT_EQ(json::parse(jsonReport(report))["overhead"][0]["measured"], true);
    EXPECT_NE(htmlReport(report).find("decode +3.1 % (2.8 to 3.4), prefill +0.4 %"), std::string::npos);

    // What says how to measure it was not measured.
    DevicePasses told;
    told.environment = {{"overhead", "not measured: fluxscope-cli overhead m --dtype bf16", "not measured"}};
    told.record(scratch.file("told.fluxdb"));
    const Report other = buildReport(readReportSources(scratch.file("told.fluxdb")));
    EXPECT_EQ(json::parse(jsonReport(other))["overhead"][0]["measured"], false);
    EXPECT_NE(htmlReport(other).find("not measured: fluxscope-cli overhead m --dtype bf16"),
              std::string::npos);
}

TEST(DeviceReport, putsTheSourcesOfBytesSideBySideAndFlagsWhereTheyDiffer) {
    const Scratch scratch;
    DevicePasses().record(scratch.file());
    const Report report = buildReport(readReportSources(scratch.file()));
    const json run = json::parse(jsonReport(report))["runs"][0];
    EXPECT_EQ(run["traffic"]["timeline_run"], 2);
    EXPECT_EQ(run["traffic"]["counters_run"], 3);
    std::string text;
    for (const json& b : run["traffic"]["phases"])
        text += b["phase"].get<std::string>() + " " + b["source"].get<std::string>() + " " +
                withDecimals(b["read"].get<double>(), 0) + " " + withDecimals(b["written"].get<double>(), 0) +
                "\n";
    // Prefill lasts 4.006 ms of kernels, 40 samples; the 41st is shared with the first decode step.
    EXPECT_EQ(text.substr(0, text.find("prefill hw_pm")),
              "prefill analytic 3600000 400000\nprefill hw_range 3780000 420000\n");
    const json& sampled = run["traffic"]["phases"][2];
    EXPECT_NEAR(sampled["read"].get<double>(), 4.0e6, 0.02e6);
    EXPECT_EQ(sampled["origin"], "sampled, PM counters joined by time");
    EXPECT_EQ(run["traffic"]["layers"][2]["layer"], 0);
    EXPECT_NEAR(run["traffic"]["layers"][2]["read"].get<double>(), 2.0e6, 0.01e6);
    EXPECT_EQ(run["traffic"]["layers"][2]["low_confidence"], 0);

    const json& gate = run["quality"][3];
    EXPECT_EQ(gate["check"], "sources");
    EXPECT_EQ(gate["verdict"], "warning");
    EXPECT_NE(gate["sentence"].get<std::string>().find("1.50 times as much"), std::string::npos)
        << gate["sentence"];
    EXPECT_NE(std::ranges::find_if(
                  report.notices,
                  [](const std::string& n) { return n.starts_with("Run 1, sources: 2 of 3 steps"); }),
              report.notices.end());
    const std::string html = htmlReport(report);
    EXPECT_NE(html.find("Measured in run 2 (timeline), run 3 (counters)"), std::string::npos);
    EXPECT_NE(html.find("<title>Traffic over time"), std::string::npos);
    EXPECT_NE(markdownReport(report).find("sampled, PM counters joined by time"), std::string::npos);
}

TEST(DeviceReport, namesTheKernelsThatTookTheTimeAndTheGapsBetweenThem) {
    const Scratch scratch;
    DevicePasses().record(scratch.file());
    const Report report = buildReport(readReportSources(scratch.file()));
    const json runs = json::parse(jsonReport(report))["runs"];
    const json& kernels = runs[0]["kernels"];
    EXPECT_EQ(kernels["count"], 13);
    EXPECT_EQ(kernels["top"][0]["name"], "decode(float*, int)");
    EXPECT_EQ(kernels["top"][0]["op"], "attention");
    EXPECT_EQ(kernels["top"][0]["total_ns"], 3'000'000);
    EXPECT_EQ(kernels["top"][1]["name"], "void ns::gemm<float>(float*, int)");
    ASSERT_EQ(kernels["streams"].size(), 3U);
    // Of each gap of 2 us the first: the call returned when half of it had passed.
    EXPECT_EQ(kernels["streams"][0]["stream"], "stream 7");
    EXPECT_EQ(kernels["streams"][0]["gaps"], 3);
    EXPECT_EQ(kernels["streams"][0]["launch_bound_ns"], 3000);
    EXPECT_EQ(kernels["streams"][0]["unknown_ns"], 0);
    EXPECT_EQ(kernels["streams"][2]["phase"], nullptr);
    EXPECT_EQ(runs[2]["kernels"]["streams"][0]["unknown_ns"], 6000);  // no calls recorded there
    EXPECT_EQ(runs[2]["kernels"]["streams"][0]["launch_bound_share"], nullptr);
    EXPECT_NE(htmlReport(report).find("void ns::gemm&lt;float&gt;(float*, int)"), std::string::npos);
}

TEST(DeviceReport, drawsARooflineOfTimedRunsUnderTheCeilingsThatAreKnown) {
    const Scratch scratch;
    DevicePasses passes;
    passes.record(scratch.file("sheet.fluxdb"));
    json roof = json::parse(
        jsonReport(buildReport(readReportSources(scratch.file("sheet.fluxdb")))))["runs"][0]["roofline"];
    EXPECT_EQ(roof["ceilings"]["origin"], "nameplate: data sheet of NVIDIA H200");
    EXPECT_EQ(roof["ceilings"]["flops_per_second"], nullptr);
    passes.environment = {{"ceiling_bytes_per_second", "4e12", "fluxscope-cli ceilings"},
                          {"ceiling_flops", "6e13", "fluxscope-cli ceilings"}};
    passes.record(scratch.file());
    const Report report = buildReport(readReportSources(scratch.file()));
    const json runs = json::parse(jsonReport(report))["runs"];
    roof = runs[0]["roofline"];
    EXPECT_EQ(roof["ceilings"]["origin"], "measured: fluxscope-cli ceilings");
    ASSERT_EQ(roof["points"].size(), 4U);  // prefill and decode, full and sparse
    EXPECT_EQ(roof["points"][0]["label"], "prefill full");
    EXPECT_NEAR(roof["points"][0]["bytes_per_second"].get<double>(), 2e6 / 2e-3, 1);
    EXPECT_NEAR(roof["points"][0]["bandwidth_share"].get<double>(), 1e9 / 4e12, 1e-9);
    EXPECT_EQ(roof["points"][0]["time_origin"], "measured, CUPTI: union of kernel intervals");
    // At a locked clock, and between counters, times say nothing of the machine.
    EXPECT_TRUE(runs[1]["roofline"]["points"].empty());
    EXPECT_TRUE(runs[2]["roofline"]["points"].empty());
    EXPECT_NE(runs[1]["latency"]["refused"].get<std::string>().find("'timeline'"), std::string::npos);
    const std::string html = htmlReport(report);
    EXPECT_NE(html.find("<title>Roofline"), std::string::npos);
    keep(html, "device_report.html");
}

TEST(DeviceReport, givesModelledBytesWhereNobodyRanBothSides) {
    const Scratch scratch;
    DevicePasses().record(scratch.file());
    const Report report = buildReport(readReportSources(scratch.file()));
    const json costs = json::parse(jsonReport(report))["decision_costs"];
    ASSERT_FALSE(costs.empty());
    EXPECT_EQ(costs[0]["modelled"], true);
    EXPECT_EQ(costs[0]["layers"].size(), 4U);
    EXPECT_EQ(costs[0]["layers"][0]["cost_ns"], nullptr);
    EXPECT_GE(costs[0]["layers"][0]["full_bytes"].get<double>(),
              costs[0]["layers"][0]["sparse_bytes"].get<double>());
    for (const std::string& text : {htmlReport(report), markdownReport(report)})
        EXPECT_NE(text.find("Modelled, nothing of this was measured"), std::string::npos);
}

TEST(DeviceReport, tellsWhatADamagedTableHides) {
    const Scratch scratch;
    DevicePasses().record(scratch.file());
    EXPECT_EQ(
        rowsOf(scratch.file(), "DROP TABLE traffic; UPDATE sample SET duration_ns = -9 WHERE sample = 1"),
        "\n");
    const Report report = buildReport(readReportSources(scratch.file()));
    const auto said = [&](const std::string& text) {
        return std::ranges::any_of(report.notices,
                                   [&](const std::string& n) { return n.find(text) != std::string::npos; });
    };
    EXPECT_TRUE(said("Run 3: table traffic cannot be read to its end: it is missing"));
    EXPECT_TRUE(said("Run 2: table sample: 1 rows do not fit"));
    const json run = json::parse(jsonReport(report))["runs"][0];
    EXPECT_EQ(run["traffic"]["phases"].size(), 4U);  // analytic and sampled, prefill and decode
}

// More kernels than a time line draws one by one: the page stays small, and streams are drawn from the overview.
TEST(DeviceReport, staysSmallWithManyKernels) {
    const Scratch scratch;
    {
        CaptureWriter writer(scratch.file(), testing::kDeviceProcess);
        writer.beginRun(writer.nextRun(), testing::deviceFacts(8), Nanoseconds(testing::kPassBegin), true);
        const std::vector<KernelRecord> kernels = testing::kernelsOf(4400, 8, testing::kPassBegin);
        writer.write(std::span(kernels));
        writer.endRun(Nanoseconds(testing::kPassBegin + 9'000'000'000), RunOutcome::Finished, "");
        ASSERT_GT(static_cast<std::int64_t>(kernels.size()), kReportBars);
        ASSERT_TRUE(writer.finish());
    }
    const ReportSources sources = readReportSources(scratch.file());
    ASSERT_EQ(sources.devices.size(), 1U);
    const TimeLine& line = sources.devices[0].timeLine;
    ASSERT_FALSE(line.lanes.empty());
    EXPECT_EQ(line.lanes.back().name, "stream 7");
    EXPECT_TRUE(line.lanes.back().buckets);
    EXPECT_LE(line.lanes.back().buckets->busy.size(), 4000U);
    const std::string html = htmlReport(buildReport(sources));
    EXPECT_LT(html.size(), std::size_t{6'000'000});
    EXPECT_NE(html.find("110,000 kernels were recorded"), std::string::npos);
}

}  // namespace
}  // namespace fluxscope
