// A capture that somebody else wrote: everything that opens and reads one, or makes another of it. It answers, or says in a sentence
// why not.
#include "profiler/capture/capture_feed.h"
#include "profiler/capture/check.h"
#include "profiler/capture/info.h"
#include "profiler/capture/kernel_columns.h"
#include "profiler/capture/layer_details.h"
#include "profiler/capture/merge.h"
#include "profiler/capture/slice.h"
#include "tests/fuzz/fuzzing.h"

using namespace fluxscope;

namespace {

void isOneLine(const std::string& sentence) {
    fuzzing::promise(!sentence.empty() && sentence.find('\n') == std::string::npos, "a problem is one line");
}

void readEverything(const std::filesystem::path& file) {
    const CaptureInfo info = captureInfo(file);
    for (const std::string& problem : info.problems) isOneLine(problem);
    for (const RunRow& run : info.snapshot->runs) {
        const KernelColumns kernels = readKernels(file, run.run);
        for (const std::string& problem : kernels.problems) isOneLine(problem);
        for (std::size_t i = 0; i < kernels.size(); ++i) {
            fuzzing::promise(static_cast<std::size_t>(kernels.place[i]) < kernels.places.size() &&
                                 static_cast<std::size_t>(kernels.name[i]) < kernels.names.size() &&
                                 static_cast<std::size_t>(kernels.launch[i]) < kernels.launches.size() &&
                                 kernels.duration_ns[i] >= -1,
                             "what a kernel refers to is there");
        }
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
