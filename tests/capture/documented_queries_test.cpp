// The queries of docs/capture-file.md work as they stand there.
#include "profiler/store/capture_writer.h"
#include "tests/capture/recorded.h"
#include "tests/record/scratch.h"
#include "tests/store/device_run.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace fluxscope {
namespace {

std::vector<std::string> documentedQueries() {
    std::ifstream in(std::string(FLUXSCOPE_SOURCE_DIR) + "/docs/capture-file.md");
    std::stringstream text;
    text << in.rdbuf();
    std::vector<std::string> queries;
    const std::string opening = "```sql\n";
    for (std::size_t at = text.str().find(opening); at != std::string::npos;
         at = text.str().find(opening, at)) {
        at += opening.size();
        queries.push_back(text.str().substr(at, text.str().find("```", at) - at));
    }
    return queries;
}

TEST(DocumentedQueries, answerWhatTheySay) {
    const testing::Scratch scratch;
    testing::record(scratch.file(), {.layers = 3, .sequences = 2});
    const std::vector<std::string> queries = documentedQueries();
    ASSERT_EQ(queries.size(), 7U);
    EXPECT_EQ(testing::rowsOf(scratch.file(), queries[0]),
              "\n1 prompt-0 FsF 0.666666666666667\n1 prompt-1 FsF 0.666666666666667\n");
    EXPECT_EQ(testing::rowsOf(scratch.file(), queries[1]), R"(
1 prefill -1 1 12.0 0.0 0.0 9376 host-timer analytic
1 prefill 0 1 87.0 3.0 80.0 12848 host-timer analytic
1 prefill 1 1 27.0 3.0 20.0 12848 host-timer analytic
1 prefill 2 1 87.0 3.0 80.0 12848 host-timer analytic
1 decode -1 2 12.0 0.0 0.0 18752 host-timer analytic
1 decode 0 2 42.0 0.0 40.0 1280 host-timer analytic
1 decode 1 2 12.0 0.0 10.0 1280 host-timer analytic
1 decode 2 2 42.0 0.0 40.0 1280 host-timer analytic
)");
    EXPECT_EQ(testing::rowsOf(scratch.file(), queries[2]), "\nattention 2 80.0 768\nrouter 1 3.0 4954\n");

    // Those of a device: a layer of three kernels, six steps.
    const testing::Scratch device;
    CaptureWriter writer(device.file(), testing::kDeviceProcess);
    writer.beginRun(writer.nextRun(), testing::deviceFacts(1), Nanoseconds(2'000'000'000), true);
    writer.write(std::span<const KernelRecord>(testing::kernelsOf(6, 1, 2'000'000'010)));
    writer.endRun(Nanoseconds(3'000'000'000), RunOutcome::Finished, "");
    ASSERT_TRUE(writer.finish());
    EXPECT_EQ(testing::rowsOf(device.file(), queries[3]), R"(
0 attention decode(float*, int) 5 150.0
0 mlp void ns::gemm<float>(float*, int) 5 100.0
0 router void ns::gemm<float>(float*, int) 5 50.0
-1 embed void ns::gemm<float>(float*, int) 5 25.0
)");
    EXPECT_EQ(testing::rowsOf(device.file(), queries[4]), R"(
layer  -1 -1 0 30.0 6 embed
layer  0 -1 0 360.0 18 attention
phase decode -1 -1 0 325.0 20 attention
phase prefill -1 -1 0 65.0 4 attention
stream  -1 7 0 390.0 24 attention
)");

    const testing::Scratch training;
    {
        Recorder recorder(training.file(), {.collect = Collect::Off});
        TrainingFacts facts{.kind = TrainingKind::Routers, .steps = 2, .tasks = {{"needle", 1, 0.5}}};
        recorder.trainingBegan(facts);
        TrainingStep step;
        step.tasks = {{.loss = 1.5, .sparsity = 0.25}};
        recorder.trainingStepped(step);
        step.step = 1;
        step.tasks = {{.loss = 0.5, .sparsity = 0.75}};
        recorder.trainingStepped(step);
        recorder.trainingEnded(RunOutcome::Finished, "");
    }
    EXPECT_EQ(testing::rowsOf(training.file(), queries[5]), "\nneedle 0 1.0 0.5 0.5\n");
}

}  // namespace
}  // namespace fluxscope
