// A capture of a device, made up: one prompt, recorded for its times, again with samples and again with counters, as
// `run --collect all` does.
//
//   each layer   prefill attention 1.5 ms, mlp 0.5 ms; decode 30 us and 20 us; 2 us between kernels
//   analytic     prefill 1.8 MB read and 0.2 MB written, a decode step 150 kB and 50 kB
//   hw_pm        each 100 us 100 kB read and 5 kB written
//   hw_range     prefill 5 % more than analytic, decode half as much again
#pragma once

#include "tests/store/device_run.h"

#include <filesystem>

namespace fluxscope::testing {

inline constexpr std::int64_t kPassBegin = 2'000'000'000;

struct DevicePasses {
    int layers = 2;
    int steps = 3;  // with the prefill
    std::vector<EnvironmentFact> environment;

    void record(const std::filesystem::path& file) const {
        ProcessRecord process = kDeviceProcess;
        process.environment = environment;
        CaptureWriter writer(file, process);
        writer.write(DeviceRecord{.device = 0, .name = "NVIDIA H200", .bytesPerSecond = 4'800'000'000'000});
        std::int64_t begin = kPassBegin;
        for (const RunRole role : {RunRole::Timed, RunRole::Timeline, RunRole::Counters}) {
            pass(writer, role, begin);
            begin += 1'000'000'000;
        }
        writer.finish();
    }

private:
    static constexpr std::int64_t kUs = 1000;

    void pass(CaptureWriter& writer, RunRole role, std::int64_t begin) const {
        RunFacts facts = deviceFacts(layers);
        facts.role = role;
        facts.sequences.resize(1);
        writer.beginRun(writer.nextRun(), facts, Nanoseconds(begin), true);
        const std::vector<SequenceIndex> all{SequenceIndex{0}};
        writer.beginBatch(BatchIndex{0}, all);
        writer.write(
            CollectorRecord{.name = "trace", .state = CollectorState::Stopped, .reason = {}, .remedy = {}});
        if (role == RunRole::Timeline) writer.setClockLocked();
        for (int layer = 0; layer < layers; ++layer)
            writer.write(
                DecisionRecord{.sequence = SequenceIndex{0},
                               .turn = {},
                               .step = {},
                               .layer = LayerIndex{layer},
                               .decision = {.attention = layer % 2 == 0 ? Attention::Full : Attention::Sparse,
                                            .by = DecidedBy::Router,
                                            .logits = RouterLogits{0, layer % 2 == 0 ? 2.0F : -2.0F},
                                            .threshold = 0.5}});
        std::vector<KernelRecord> kernels;
        std::vector<ApiRecord> calls;
        std::int64_t at = begin;
        for (int step = 0; step < steps; ++step) {
            for (int layer = 0; layer < layers; ++layer) {
                writer.write(LayerStepRecord{.batch = BatchIndex{0},
                                             .turn = {},
                                             .phase = step == 0 ? Phase::Prefill : Phase::Decode,
                                             .step = StepIndex{step},
                                             .layer = LayerIndex{layer},
                                             .begin = Nanoseconds(at),
                                             .time = Nanoseconds(1),
                                             .timeSource = "host-enqueue",
                                             .cost = step == 0 ? cost::Cost{1'800'000, 200'000, 9'000'000'000}
                                                               : cost::Cost{150'000, 50'000, 300'000}});
                for (const auto& [op, us] : {std::pair{Op::Attention, step == 0 ? 1500 : 30},
                                             std::pair{Op::Mlp, step == 0 ? 500 : 20}}) {
                    kernels.push_back(kernelAt(placeOf(step, layer, op), at, at + us * kUs));
                    calls.push_back({.scope = kernels.back().scope,
                                     .begin = Nanoseconds(at - 3 * kUs),
                                     .end = Nanoseconds(at - 1 * kUs),
                                     .correlation = kernels.back().correlation,
                                     .name = "cudaLaunchKernel"});
                    at += (us + 2) * kUs;
                }
                if (role == RunRole::Counters) count(writer, step, layer);
            }
            TokenRecord token{.sequence = SequenceIndex{0},
                              .turn = {},
                              .step = StepIndex{step},
                              .token = {.id = TokenId{7}, .text = "w", .logprob = -1},
                              .emitted = Nanoseconds(at)};
            writer.write(token);
        }
        kernels.push_back(kernelAt(std::nullopt, at, at + 10 * kUs, 9));
        writer.write(std::span<const KernelRecord>(kernels));
        if (role == RunRole::Timed) writer.write(std::span<const ApiRecord>(calls));
        if (role == RunRole::Timeline) {
            std::vector<SampleRecord> samples;
            for (std::int64_t from = begin; from < at; from += 100 * kUs)
                for (const auto& [metric, value] :
                     {std::pair{"dram_read_bytes", 1e5}, std::pair{"dram_write_bytes", 5e3}})
                    samples.push_back({.device = 0,
                                       .begin = Nanoseconds(from),
                                       .end = Nanoseconds(from + 100 * kUs),
                                       .metric = metric,
                                       .value = value,
                                       .source = "hw_pm"});
            writer.write(std::span<const SampleRecord>(samples));
        }
        if (role == RunRole::Timed)
            writer.write(CollectorRecord{.name = "nvml",
                                         .state = CollectorState::Missing,
                                         .reason = "libnvidia-ml.so.1 is not there",
                                         .remedy = "install the driver's libraries"});
        writer.endRun(Nanoseconds(begin + 900'000'000), RunOutcome::Finished, "");
    }

    static void count(CaptureWriter& writer, int step, int layer) {
        ScopeKey key = placeOf(step, layer, Op::Mlp);
        key.op.reset();
        const double more = step == 0 ? 1.05 : 1.5;
        const std::vector<TrafficRecord> traffic{{.scope = key,
                                                  .metric = "dram_read_bytes",
                                                  .value = (step == 0 ? 1.8e6 : 1.5e5) * more,
                                                  .source = "hw_range"},
                                                 {.scope = key,
                                                  .metric = "dram_write_bytes",
                                                  .value = (step == 0 ? 2e5 : 5e4) * more,
                                                  .source = "hw_range"}};
        writer.write(std::span<const TrafficRecord>(traffic));
    }
};

}  // namespace fluxscope::testing
