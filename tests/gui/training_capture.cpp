// A capture of a training that nobody trained, to look at: training_capture FILE [MILLISECONDS A STEP]. Open it in the window meanwhile.
#include "profiler/record/recorder.h"
#include "tests/record/scripted_training.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

using namespace fluxscope;

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fputs("training_capture FILE.fluxdb [MILLISECONDS A STEP]\n", stderr);
        return 2;
    }
    const std::chrono::milliseconds pace(argc > 2 ? std::strtol(argv[2], nullptr, 10) : 0);
    Recorder recorder(argv[1], {.collect = Collect::Off});
    const testing::TrainingScript script{.steps = 400, .layers = 8, .model = "/models/sample"};
    recorder.trainingBegan(testing::trainingFactsOf(script));
    for (std::int64_t step = 0; step < script.steps; ++step) {
        recorder.trainingStepped(testing::trainingStepOf(script, step));
        if (step == 212)
            recorder.trainingWarned(step,
                                    "task 'prose' goes one way only: every layer of its prompts is sparse");
        if (step == 344)
            recorder.trainingWarned(
                step, "tasks 'code' and 'prose' cannot be told apart: their layers differ by 0.02");
        std::this_thread::sleep_for(pace);
    }
    recorder.trainingEnded(RunOutcome::Finished, "");
    recorder.finish();
    return recorder.status().problem ? 4 : 0;
}
