// How fast text is generated, of each task and length: processor time of one core, so that a busy machine matters less.
//
//   tasks-bench          training texts of 512, 2048 and 8192 tokens; eight questions in the longer ones where a task takes them
//
// Tokens are counted in pieces of words, in next to no time: a tokenizer's own comes on top, once per text counted.
#include "engine/tasks/tasks.h"

#include "tests/tasks/counters.h"

#include <cstdio>
#include <ctime>
#include <string>

using namespace fluxscope::tasks;

namespace {

struct Rate {
    double megabytesPerSecond = 0;
    double countsPerText = 0;
};

Rate measured(TaskSpec spec) {
    std::int64_t counts = 0;
    const TokenCounter counter{.count =
                                   [&counts](std::string_view text) {
                                       ++counts;
                                       return piecesOf(text);
                                   },
                               .bytesPerToken = calibrated(piecesOf).bytesPerToken};
    std::size_t bytes = 0;
    const std::clock_t start = std::clock();
    double seconds = 0;
    std::int64_t texts = 0;
    while (seconds < 0.5) {
        spec.number = texts++;
        bytes += trainingText(generate(spec, counter)).text.size();
        seconds = double(std::clock() - start) / CLOCKS_PER_SEC;
    }
    return {.megabytesPerSecond = double(bytes) / seconds / 1e6,
            .countsPerText = double(counts) / double(texts)};
}

}  // namespace

int main() {
    std::printf("%-24s %8s %8s %14s\n", "task", "tokens", "MB/s", "counts a text");
    for (const TaskInfo& info : allTasks())
        for (const std::int64_t length : {512, 2048, 8192}) {
            TaskSpec spec = parseTask(info.name, "tasks-bench");
            spec.length = length;
            spec.form = TextForm::Training;
            if (spec.parameters.has("queries") && length > 512)
                spec.parameters.set("queries", 8, "tasks-bench");
            const Rate rate = measured(spec);
            std::printf("%-24s %8lld %8.1f %14.2f\n", std::string(info.name).c_str(),
                        static_cast<long long>(length), rate.megabytesPerSecond, rate.countsPerText);
        }
    return 0;
}
