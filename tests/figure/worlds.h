// Captures that several figure tests draw.
#pragma once

#include "tests/analysis/snapshot_builder.h"

#include <sstream>
#include <string>

namespace fluxscope::testing {

// Three layers, two kinds, every state of a cell: full, sparse, near the threshold, decided by policy, not recorded.
inline Snapshot smallCapture() {
    return SnapshotBuilder()
        .layers(3)
        .sequences(R"(
            sequence  prompt    kind    tokens
            0         needle-1  needle  512
            1         needle-2  needle  640
            2         prose-1   prose   300
        )")
        .decisions(R"(
            sequence  layer  decision  p     threshold
            0         0      full      0.97  0.5
            0         1      full      0.52  0.5
            0         2      sparse    0.04  0.5
            1         0      full      0.81  0.5
            1         1      sparse    0.30  0.5
            2         0      sparse    -     -
            2         1      sparse    -     -
            2         2      full      -     -
        )")
        .costs(R"(
            step  layer  time_us  router_us  read    written  flops
            0     0      1230     20         900000  100000   5000000
            0     1      1100     20         900000  100000   5000000
            0     2      400      20         500000  100000   2000000
            0     -      90       0          10000   1000     100
            1     0      31       0          9000    1000     5000
            1     1      30       0          9000    1000     5000
            1     2      11       0          5000    1000     2000
            1     -      5        0          1000    100      10
            2     0      33       0          9100    1000     5000
            2     2      12       0          5000    1000     2000
        )")
        .kv("sequence step layer kept freed\n 0 0 0 65536 0\n 0 0 1 65536 0\n 0 0 2 18432 47104")
        .build();
}

// Layers x prompts with a pattern, and layers x steps for the first prompt.
inline Snapshot largeCapture(std::int32_t layers, std::int32_t prompts, std::int32_t steps) {
    SnapshotBuilder builder;
    builder.layers(layers);
    std::ostringstream sequences;
    std::ostringstream decisions;
    sequences << "sequence batch prompt kind tokens\n";
    decisions << "sequence layer decision p threshold\n";
    for (std::int32_t s = 0; s < prompts; ++s) {
        const std::string kind = "kind" + std::to_string(s * 4 / prompts);
        sequences << s << ' ' << s << ' ' << kind << '-' << s << ' ' << kind << " 100\n";
        for (std::int32_t layer = 0; layer < layers; ++layer) {
            const int p = 1 + (layer * 37 + s * 11) % 98;
            decisions << s << ' ' << layer << (p > 50 ? " full " : " sparse ") << p / 100.0 << " 0.5\n";
        }
    }
    builder.sequences(sequences.str()).decisions(decisions.str());
    for (std::int32_t step = 0; step < steps; ++step)
        for (std::int32_t layer = -1; layer < layers; ++layer) {
            LayerStepRow row;
            row.run = RunIndex{1};
            row.step = StepIndex{step};
            row.phase = step == 0 ? Phase::Prefill : Phase::Decode;
            row.layer = LayerIndex{layer};
            row.time = Nanoseconds{(step == 0 ? 1'000'000 : 20'000) + (layer * 7919 + step * 104729) % 9000};
            row.timeSource = "host-timer";
            row.bytesSource = "analytic";
            builder.cost(row);
        }
    return builder.build();
}

}  // namespace fluxscope::testing
