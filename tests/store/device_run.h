// A run on a device, made up: steps of layers of kernels on one stream, told as a collector would.
#pragma once

#include "profiler/store/capture_writer.h"
#include "tests/record/scripted_run.h"

#include <string_view>
#include <vector>

namespace fluxscope::testing {

inline constexpr std::string_view kGemm = "_ZN2ns4gemmIfEEvPT_i";  // void ns::gemm<float>(float*, int)
inline constexpr std::string_view kDecode = "_Z6decodePfi";        // decode(float*, int)

inline const ProcessRecord kDeviceProcess{.host = "here",
                                          .pid = 77,
                                          .program = "test",
                                          .collector = "trace",
                                          .monotonic = Nanoseconds(1'000'000'000),
                                          .utc = Nanoseconds(1'700'000'000'000'000'000),
                                          .environment = {}};

inline ScopeKey placeOf(int step, int layer, Op op) {
    ScopeKey key{.phase = step == 0 ? Phase::Prefill : Phase::Decode, .step = StepIndex(step), .op = op};
    if (layer >= 0) key.layer = LayerIndex(layer);
    return key;
}

inline KernelRecord kernelAt(std::optional<ScopeKey> place, std::int64_t begin, std::int64_t end, int stream = 7) {
    KernelRecord kernel{.scope = {.place = place, .by = place ? Attribution::External : Attribution::None},
                        .begin = Nanoseconds(begin),
                        .end = Nanoseconds(end),
                        .queue = {.device = 0, .context = 1, .stream = stream},
                        .correlation = begin,
                        .name = place && place->op == Op::Attention ? kDecode : kGemm,
                        .launch = {.grid = {16, 2, 1}, .block = {128, 1, 1}, .registersPerThread = 40}};
    return kernel;
}

// Per layer a router, an attention and an mlp kernel of 10, 30 and 20 us, 1 us apart; from `begin` on.
inline std::vector<KernelRecord> kernelsOf(int steps, int layers, std::int64_t begin) {
    std::vector<KernelRecord> kernels;
    std::int64_t at = begin;
    const auto add = [&](const ScopeKey& place, std::int64_t us) {
        kernels.push_back(kernelAt(place, at, at + us * 1000));
        at += us * 1000 + 1000;
    };
    for (int step = 0; step < steps; ++step) {
        add(placeOf(step, -1, Op::Embed), 5);
        for (int layer = 0; layer < layers; ++layer) {
            add(placeOf(step, layer, Op::Router), 10);
            add(placeOf(step, layer, Op::Attention), 30);
            add(placeOf(step, layer, Op::Mlp), 20);
        }
    }
    return kernels;
}

inline RunFacts deviceFacts(int layers = 4) { return factsOf({.layers = layers, .device = "cuda:0"}); }

}  // namespace fluxscope::testing
