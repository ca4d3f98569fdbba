#include "app/serve/train.h"

#include "app/serve/detail/device_kind.h"
#include "engine/contract/error.h"
#include "engine/train/training.h"
#include "profiler/record/observer_tee.h"
#include "profiler/record/recorder.h"

namespace fluxscope {

TrainingDone trainModel(const TrainingWanted& wanted, Observer& listener, const CancelToken& cancel) {
    const train::TrainingJob job{.kind = wanted.kind,
                                 .model = wanted.model,
                                 .plan = wanted.plan,
                                 .data = wanted.data,
                                 .work = wanted.work,
                                 .device = deviceKind(wanted.device)};
    if (wanted.capture.empty()) {
        const train::TrainingResult result = carryOut(job, listener, cancel);
        return {.result = result.result, .backbone = result.backbone, .recordingProblem = {}};
    }
    RecorderOptions options;
    options.collect = Collect::Off;  // a training's steps, and nothing of the device
    options.program = wanted.program;
    Recorder recorder(wanted.capture, std::move(options));
    if (const auto problem = recorder.status().problem)
        throw MachineError{"capture", "", *problem, "give another file"};
    ObserverTee both({&recorder, &listener});
    const train::TrainingResult result = carryOut(job, both, cancel);  // finished by its destructor otherwise
    recorder.finish();
    return {
        .result = result.result, .backbone = result.backbone, .recordingProblem = recorder.status().problem};
}

std::string learnTokenizer(const TokenizerWanted& wanted) {
    return train::learnedTokenizer({.data = wanted.data,
                                    .vocabulary = wanted.vocabulary,
                                    .specials = wanted.specials,
                                    .bytes = wanted.bytes,
                                    .seed = wanted.seed});
}

void mergeRouters(const std::filesystem::path& model, const std::filesystem::path& routers,
                  const std::filesystem::path& into) {
    train::mergeRouters(model, routers, into);
}

}  // namespace fluxscope
