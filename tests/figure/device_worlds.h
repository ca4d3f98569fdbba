// Analyses that several figure tests draw: KV memory, margins, a time line, a roofline, traffic; small ones and large ones.
#pragma once

#include "profiler/analysis/kv_memory.h"
#include "profiler/analysis/roofline.h"
#include "profiler/analysis/router_health.h"
#include "profiler/analysis/time_line.h"
#include "profiler/analysis/traffic.h"
#include "tests/analysis/kernel_builder.h"
#include "tests/figure/worlds.h"

#include <cmath>

namespace fluxscope::testing {

inline KvMemory someKv(std::int32_t layers) {
    KvMemory memory;
    memory.policy = "routed";
    memory.origin = "reserved by the engine, recorded";
    memory.sequences.push_back({SequenceIndex{0}, BatchIndex{0}, "needle-1", 4096, {}});
    for (std::int32_t l = 0; l < layers; ++l) {
        const double full = 16.0 * 1024 * 1024;
        const double kept = l % 3 == 0 ? full : full / 8;
        memory.layers.push_back({LayerIndex{l}, {kept, full - kept}, 1});
        memory.total.kept += kept;
        memory.total.freed += full - kept;
    }
    return memory;
}

inline RouterHealth someHealth(std::int32_t layers, std::int32_t prompts = 12) {
    return routerHealth(largeCapture(layers, prompts, 0), RunIndex{1});
}

// Prefill and three decode steps of two layers on two streams, with a fill that nobody asked for.
inline const KernelTable& someKernels() {
    static const KernelTable kKernels(R"(
        phase    step  layer  op         name             stream  start_us  end_us  launched_us
        prefill  0     0      qkv        gemm_128x128     7       5         180     2
        prefill  0     0      attention  streaming_dense  7       182       840     20
        prefill  0     0      mlp        gemm_128x256     7       841       1230    30
        prefill  0     1      qkv        gemm_128x128     7       1235      1400    1233
        prefill  0     1      attention  streaming_tiles  7       1401      1500    50
        -        -     -      -          fill             9       1450      1490    -
        prefill  0     1      mlp        gemm_128x256     7       1505      1900    60
        decode   1     0      attention  slot_decode      7       2000      2030    1995
        decode   1     1      attention  slot_decode      7       2031      2044    1998
        decode   2     0      attention  slot_decode      7       2100      2130    2000
        decode   2     1      attention  slot_decode      7       2131      2144    2000
    )");
    return kKernels;
}

inline TimeLine someTimeLine() {
    const Snapshot s =
        SnapshotBuilder()
            .layers(2)
            .sequences("sequence prompt kind tokens\n 0 needle-1 needle 512")
            .decisions("sequence layer decision p threshold\n 0 0 full 0.9 0.5\n 0 1 sparse 0.1 0.5")
            .costs(R"(
                               step  layer  begin_us  time_us  clock
                               0     0      5         1225     cupti
                               0     1      1235      665      cupti
                               1     0      2000      30       cupti
                               1     1      2031      13       cupti
                               2     0      2100      30       cupti
                               2     1      2131      13       cupti
                           )")
            .build();
    const KernelColumnsView kernels = someKernels().view();
    return timeLine(s, RunIndex{1}, &kernels);
}

// One lane of many short bars, back to back but for every hundredth.
inline TimeLine longTimeLine(std::size_t bars, std::size_t lanes = 3) {
    TimeLine line;
    line.timeOrigin = "measured, CUPTI: union of kernel intervals";
    line.policy = "full";
    line.labels = {"gemm_128x128", "slot_decode"};
    for (std::size_t l = 0; l < lanes; ++l) {
        Lane lane;
        lane.name = "stream " + std::to_string(7 + l);
        std::int64_t at = 0;
        for (std::size_t i = 0; i < bars; ++i) {
            lane.bars.begin.push_back(at);
            at += 2000 + static_cast<std::int64_t>(i * 7919 % 4000);
            lane.bars.end.push_back(at);
            lane.bars.label.push_back(static_cast<std::uint32_t>(i % 2));
            lane.bars.kind.push_back(i % 2 == 0 ? BarKind::Neutral : BarKind::Full);
            if (i % 100 == 99) at += 30'000;
        }
        line.length = at;
        line.lanes.push_back(std::move(lane));
    }
    return line;
}

inline Roofline someRoofline(bool withCeilings = true) {
    std::vector<Work> all;
    const auto add = [&all](const char* label, Phase phase, std::optional<Op> op, double gigabytes,
                            double gigaflops, double milliseconds) {
        Work w;
        w.label = label;
        w.phase = phase;
        w.op = op;
        w.bytes = gigabytes * 1e9;
        w.flops = gigaflops * 1e9;
        w.seconds = milliseconds * 1e-3;
        w.timeOrigin = "measured, CUPTI: union of kernel intervals";
        w.bytesOrigin = "modelled, kernels/cost v1";
        all.push_back(w);
    };
    add("prefill attention full", Phase::Prefill, Op::Attention, 0.9, 8800, 14.6);
    add("prefill attention sparse", Phase::Prefill, Op::Attention, 0.8, 1100, 2.3);
    add("prefill mlp", Phase::Prefill, Op::Mlp, 2.1, 9900, 13.1);
    add("decode attention full", Phase::Decode, Op::Attention, 0.134, 0.54, 0.0375);
    add("decode mlp", Phase::Decode, Op::Mlp, 0.30, 0.30, 0.079);
    add("decode rope", Phase::Decode, Op::Rope, 0, 0, 0.002);
    Ceilings ceilings;
    if (withCeilings)
        ceilings = {.bytesPerSecond = 4.23e12,
                    .peaks = {{"bf16", 792e12}},
                    .measured = true,
                    .source = "fluxscope-cli ceilings"};
    return roofline(all, ceilings, "bf16");
}

inline Traffic someTraffic(std::size_t samples = 400) {
    Traffic traffic;
    traffic.policy = "routed";
    TrafficSeries read{.name = "DRAM read",
                       .origin = "sampled, PM counters joined by time",
                       .begin = {},
                       .end = {},
                       .rate = {},
                       .unit = "B/s"};
    TrafficSeries write = read;
    write.name = "DRAM write";
    TrafficSeries layers{.name = "layers, modelled",
                         .origin = "modelled, kernels/cost v1; time measured, CUPTI",
                         .begin = {},
                         .end = {},
                         .rate = {},
                         .unit = "B/s"};
    TrafficSeries power{
        .name = "power", .origin = "sampled, NVML", .begin = {}, .end = {}, .rate = {}, .unit = "W"};
    TrafficSeries clock{
        .name = "SM clock", .origin = "sampled, NVML", .begin = {}, .end = {}, .rate = {}, .unit = "MHz"};
    const auto put = [](TrafficSeries& s, std::int64_t begin, std::int64_t end, double rate) {
        s.begin.push_back(begin);
        s.end.push_back(end);
        s.rate.push_back(rate);
    };
    for (std::size_t i = 0; i < samples; ++i) {
        const auto at = static_cast<std::int64_t>(i) * 10'000;
        const double wave = 0.5 + 0.5 * std::sin(static_cast<double>(i) * 0.11);
        if (i % 150 < 140) put(read, at, at + 10'000, (1.2 + 2.4 * wave) * 1e12);
        put(write, at, at + 10'000, (0.2 + 0.3 * wave) * 1e12);
        if (i % 20 == 0) put(layers, at, at + 180'000, (1.6 + 1.8 * wave) * 1e12);
        if (i % 50 == 0) {
            put(power, at, at + 500'000, 420 + 200 * wave);
            put(clock, at, at + 500'000, 1980 - 120 * wave);
        }
    }
    traffic.series = {layers, read, write};
    traffic.others = {power, clock};
    traffic.length = static_cast<std::int64_t>(samples) * 10'000;
    return traffic;
}

}  // namespace fluxscope::testing
