#include "profiler/analysis/overview_lanes.h"
#include "profiler/analysis/run_kernels.h"
#include "profiler/capture/capture_feed.h"
#include "profiler/capture/launch_ends.h"
#include "profiler/report/report.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>

namespace fluxscope {

namespace {

// A time line is at most some thousand pixels wide.
constexpr std::size_t kOverviewBuckets = 4000;

// Imports name the clock of their kernels in the layer table.
std::string timeSourceOf(const Snapshot& snapshot, const RunRow& run) {
    std::string source = "cupti";
    if (run.origin.empty()) return source;
    bool found = false;
    snapshot.layerSteps.each([&](const LayerStepRow& row) {
        if (row.run != run.run || found) return;
        source = row.timeSource;
        found = true;
    });
    return source;
}

// What a page has room for: traffic of the device's memory and its links, and what explains it. Everything is in the capture.
std::vector<SampleColumns> shownOf(const std::vector<SampleColumns>& all) {
    static constexpr std::string_view kShown[] = {
        "dram_read_bytes",       "dram_write_bytes",  "pcie_read_bytes", "pcie_write_bytes",
        "nvlink_received_bytes", "nvlink_sent_bytes", "sm_active_pct",   "power_w"};
    std::vector<SampleColumns> shown;
    for (const SampleColumns& one : all)
        if (std::ranges::find(kShown, one.metric) != std::end(kShown)) shown.push_back(one);
    return shown;
}

class Reading {
public:
    Reading(const std::filesystem::path& file, ReportSources& sources) : file_(file), sources_(sources) {}

    void read(const RunRow& run, bool pictures) {
        DeviceSummary device;
        device.run = run.run;
        addCounted(run, device);
        KernelColumns columns = readKernels(file_, run.run);
        tell(run, columns.problems);
        LaunchEnds launches = readLaunchEnds(file_, run.run, columns);
        tell(run, launches.problems);
        const RunKernels kernels(std::move(columns), std::move(launches.ns), timeSourceOf(snapshot(), run));
        addKernels(kernels, device);
        const RunSamples samples = readSamples(file_, run.run);
        tell(run, samples.problems);
        const std::vector<SampleColumns> sampled = sampleColumns(samples);
        device.sampled = sampledBytes(kernels.view(KernelNames::Full), sampled);
        if (pictures) {
            device.traffic = trafficOver(snapshot(), run.run, shownOf(sampled));
            device.timeLine = timeLineOf(run, kernels);
        }
        sources_.devices.push_back(std::move(device));
    }

private:
    const Snapshot& snapshot() const { return *sources_.snapshot; }

    void tell(const RunRow& run, const std::vector<std::string>& problems) {
        for (const std::string& problem : problems) {
            std::string said = "Run " + std::to_string(run.run.value()) + ": " + problem;
            if (std::ranges::find(sources_.problems, said) == sources_.problems.end())
                sources_.problems.push_back(std::move(said));
        }
    }

    void addCounted(const RunRow& run, DeviceSummary& device) {
        const RunTraffic traffic = readTraffic(file_, run.run);
        tell(run, traffic.problems);
        device.counted = countedBytes(traffic);
    }

    static void addKernels(const RunKernels& kernels, DeviceSummary& device) {
        const KernelColumnsView view = kernels.view(KernelNames::Full);
        device.kernels = static_cast<std::int64_t>(kernels.size());
        device.topKernels = topKernels(view, {.phase = true, .op = true});
        if (device.topKernels.size() > kReportKernels) {
            device.omittedKernels = static_cast<std::int64_t>(device.topKernels.size() - kReportKernels);
            device.topKernels.resize(kReportKernels);
        }
        device.gaps = streamGaps(view);
    }

    TimeLine timeLineOf(const RunRow& run, const RunKernels& kernels) {
        if (static_cast<std::int64_t>(kernels.size()) <= kReportBars) {
            const KernelColumnsView brief = kernels.view(KernelNames::Brief);
            return timeLine(snapshot(), run.run, &brief);
        }
        TimeLine line = timeLine(snapshot(), run.run, nullptr);
        const RunOverview overview = readOverview(file_, run.run, kOverviewBuckets);
        tell(run, overview.problems);
        addOverview(line, overview);
        return line;
    }

    const std::filesystem::path& file_;
    ReportSources& sources_;
};

}  // namespace

ReportSources readReportSources(const std::filesystem::path& file,
                                const std::function<void(RunIndex)>& progress) {
    ReportSources sources;
    sources.snapshot = readCapture(file);
    sources.facts = readRunFacts(file);
    // The runs that a report shows, and the passes that go with them.
    const std::vector<RunRow>& runs = sources.snapshot->runs;
    const std::size_t shown = std::min(runs.size(), kReportRuns);
    std::set<RunIndex> wanted;
    for (std::size_t i = 0; i < shown; ++i) {
        wanted.insert(runs[i].run);
        const Passes passes = passesOf(*sources.snapshot, runs[i].run);
        for (const std::optional<RunIndex>& pass : {passes.timeline, passes.counters})
            if (pass) wanted.insert(*pass);
    }
    Reading reading(file, sources);
    for (std::size_t i = 0; i < runs.size(); ++i) {
        if (!wanted.contains(runs[i].run)) continue;
        if (progress) progress(runs[i].run);
        reading.read(runs[i], i < kReportTimeLines);
    }
    return sources;
}

}  // namespace fluxscope
