// A capture that somebody else wrote: everything that opens and reads one, or makes another of it. It answers, or says in a sentence
// why not.
#include "profiler/capture/capture_feed.h"
#include "profiler/capture/check.h"
#include "profiler/capture/info.h"
#include "profiler/capture/kernel_columns.h"
#include "profiler/capture/launch_ends.h"
#include "profiler/capture/layer_details.h"
#include "profiler/capture/measured_traffic.h"
#include "profiler/capture/merge.h"
#include "profiler/capture/overview_lanes.h"
#include "profiler/capture/run_facts.h"
#include "profiler/capture/samples.h"
#include "profiler/capture/slice.h"
#include "tests/fuzz/fuzzing.h"

#include <cstddef>
#include <string>
#include <vector>

using namespace fluxscope;

namespace {

void isOneLine(const std::string& sentence) {
    fuzzing::promise(!sentence.empty() && sentence.find('\n') == std::string::npos, "a problem is one line");
}

void areOneLine(const std::vector<std::string>& sentences) {
    for (const std::string& sentence : sentences) isOneLine(sentence);
}

void readKernelsOf(const std::filesystem::path& file, RunIndex run) {
    const KernelColumns kernels = readKernels(file, run);
    areOneLine(kernels.problems);
    for (std::size_t i = 0; i < kernels.size(); ++i) {
        fuzzing::promise(static_cast<std::size_t>(kernels.place[i]) < kernels.places.size() &&
                             static_cast<std::size_t>(kernels.name[i]) < kernels.names.size() &&
                             static_cast<std::size_t>(kernels.launch[i]) < kernels.launches.size() &&
                             kernels.duration_ns[i] >= -1,
                         "what a kernel refers to is there");
    }
    const LaunchEnds ends = readLaunchEnds(file, run, kernels);
    areOneLine(ends.problems);
    fuzzing::promise(ends.ns.empty() || ends.ns.size() == kernels.size(), "a launch's end for each kernel");
}

void readOverviewOf(const std::filesystem::path& file, RunIndex run, std::size_t buckets) {
    const RunOverview overview = readOverview(file, run, buckets);
    areOneLine(overview.problems);
    for (const OverviewBuckets& lane : overview.lanes) {
        fuzzing::promise(lane.busy_ns.size() == lane.size() && lane.events.size() == lane.size() &&
                             lane.op.size() == lane.size(),
                         "the columns of a lane are as long as each other");
        for (std::size_t i = 0; i < lane.size(); ++i)
            fuzzing::promise((i == 0 || lane.bucket[i - 1] < lane.bucket[i]) && lane.busy_ns[i] >= 0 &&
                                 lane.events[i] >= 0,
                             "buckets come by number, with sums that are none or more");
    }
}

void readMeasuredOf(const std::filesystem::path& file, RunIndex run) {
    const RunSamples samples = readSamples(file, run);
    areOneLine(samples.problems);
    for (const SampledMetric& metric : samples.metrics)
        fuzzing::promise(metric.end_ns.size() == metric.size() && metric.value.size() == metric.size(),
                         "the columns of a metric are as long as each other");
    const RunTraffic traffic = readTraffic(file, run);
    areOneLine(traffic.problems);
    for (const MeasuredTraffic& row : traffic.rows)
        fuzzing::promise(static_cast<std::size_t>(row.metric) < traffic.metrics.size(),
                         "what measured traffic refers to is there");
}

void readEverything(const std::filesystem::path& file) {
    const CaptureInfo info = captureInfo(file);
    areOneLine(info.problems);
    areOneLine(readRunFacts(file).problems);
    for (const RunRow& run : info.snapshot->runs) {
        readKernelsOf(file, run.run);
        readOverviewOf(file, run.run, 1);
        readOverviewOf(file, run.run, 1000);
        readMeasuredOf(file, run.run);
        readPromptTokens(file, run.run, SequenceIndex(0));
    }
    readScopes(file, RunIndex(1), {}, StepIndex(1), LayerIndex(0));
    for (const Violation& violation : checkCapture(file)) isOneLine(sentenceOf(violation));
}

// What is made is there and can be read, or it is not there.
void makeOthers(const std::filesystem::path& file, const std::filesystem::path& made) {
    fuzzing::expectAnswerOrError([&] {
        sliceCapture(file, made, {.steps = {{0, 2}}});
        captureInfo(made);
    });
    std::filesystem::remove(made);
    fuzzing::expectAnswerOrError([&] {
        mergeCaptures(made, {file});
        captureInfo(made);
    });
    std::filesystem::remove(made);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzzing::ScratchFolder folder;
    const std::filesystem::path file = folder.write("fuzzed.fluxdb", fuzzing::textOf(data, size));
    fuzzing::expectAnswerOrError([&] { readEverything(file); });
    makeOthers(file, folder.path() / "made.fluxdb");
    for (const char* beside : {"fuzzed.fluxdb-wal", "fuzzed.fluxdb-shm", "fuzzed.fluxdb-journal"})
        folder.remove(beside);
    return 0;
}
