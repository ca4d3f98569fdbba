// Queries that others wrote for exports of Nsight Systems, unchanged, in SQLite's own shell.
#include "profiler/store/capture_writer.h"
#include "tests/record/scratch.h"
#include "tests/store/device_run.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>

namespace fluxscope {
namespace {

using testing::Scratch;

// What the sqlite3 program says.
std::string shell(const Scratch& scratch, const std::string& sql) {
    std::ofstream(scratch.file("query.sql")) << sql << ";\n";
    const std::string command =
        "sqlite3 -readonly " + scratch.file().string() + " < " + scratch.file("query.sql").string() + " 2>&1";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(
        ::popen(command.c_str(), "r"), &::pclose);  // NOLINT(bugprone-command-processor): our own words only
    std::string said = "\n";
    std::array<char, 4096> buffer{};
    for (std::size_t n = 0; pipe && (n = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0;)
        said.append(buffer.data(), n);
    return said;
}

// Two kernels (one of them of a graph), a copy and a fill, each under its API call, in a scope; 1 s into the session.
void record(const std::filesystem::path& file) {
    CaptureWriter writer(file, testing::kDeviceProcess);
    writer.beginRun(writer.nextRun(), testing::deviceFacts(), Nanoseconds(1'900'000'000), true);
    const std::int64_t t = 2'000'000'000;
    const ScopeKey place = testing::placeOf(3, 2, Op::Attention);
    std::vector kernels{testing::kernelAt(place, t + 100, t + 400),
                        testing::kernelAt(testing::placeOf(3, 2, Op::Mlp), t + 500, t + 600)};
    kernels[0].correlation = 11;
    kernels[1].correlation = 12;
    kernels[1].graph = 5;
    kernels[1].graphNode = 50;
    const DeviceQueue queue{0, 1, 7};
    const std::vector copies{CopyRecord{.scope = {place, Attribution::External},
                                        .begin = Nanoseconds(t + 700),
                                        .end = Nanoseconds(t + 800),
                                        .queue = queue,
                                        .correlation = 13,
                                        .kind = CopyKind::HostToDevice,
                                        .pinned = true,
                                        .bytes = 4096}};
    const std::vector fills{FillRecord{.scope = {place, Attribution::External},
                                       .begin = Nanoseconds(t + 900),
                                       .end = Nanoseconds(t + 950),
                                       .queue = queue,
                                       .correlation = 14,
                                       .bytes = 64}};
    std::vector<ApiRecord> calls;
    for (int i = 0; i < 4; ++i) {
        calls.push_back({.scope = {place, Attribution::External},
                         .begin = Nanoseconds(t + 10 * i),
                         .end = Nanoseconds(t + 10 * i + 5),
                         .thread = 78,
                         .correlation = 11 + i,
                         .name = i < 2 ? "cudaLaunchKernel_v7000" : "cudaMemcpyAsync_v3020"});
    }
    const std::vector syncs{SyncRecord{.begin = Nanoseconds(t + 1000),
                                       .end = Nanoseconds(t + 1100),
                                       .queue = queue,
                                       .correlation = 14,
                                       .kind = "stream"}};
    writer.write(std::span<const KernelRecord>(kernels));
    writer.write(std::span(copies));
    writer.write(std::span(fills));
    writer.write(std::span<const ApiRecord>(calls));
    writer.write(std::span(syncs));
    writer.write(ScopeRecord{.key = place, .begin = Nanoseconds(t), .end = Nanoseconds(t + 50), .cost = {}});
    writer.endRun(Nanoseconds(t + 2000), RunOutcome::Finished, "");
    ASSERT_TRUE(writer.finish());
}

// github.com/NVIDIA/TensorRT-LLM, examples/layer_wise_benchmarks/parse_e2e.py, query_kernels().
constexpr const char* kTensorRtLlmKernels =
    R"(SELECT unified.start, unified.end, unified.graphNodeId, unified.demangledName,
        R.start AS runtime_start, R.end AS runtime_end
    FROM (SELECT T1.start, T1.end, T1.demangledName, T1.correlationId, T1.graphNodeId
        FROM CUPTI_ACTIVITY_KIND_KERNEL AS T1 UNION ALL
            SELECT T2.start, T2.end, -2 AS demangledName, T2.correlationId, T2.graphNodeId
            FROM CUPTI_ACTIVITY_KIND_MEMCPY AS T2 UNION ALL
            SELECT T3.start, T3.end, -3 AS demangledName, T3.correlationId, T3.graphNodeId
            FROM CUPTI_ACTIVITY_KIND_MEMSET AS T3) AS unified
    JOIN CUPTI_ACTIVITY_KIND_RUNTIME AS R ON unified.correlationId = R.correlationId)";

// github.com/hpcgroup/pipit, pipit/readers/nsight_sqlite_reader.py, _trace_queries.
constexpr const char* kPipitKernels = R"(
        SELECT
            cuda_gpu.start as Enter,
            cuda_gpu.end as Leave,
            cuda_gpu.deviceId as gpuId,
            value as Name,
            cuda_gpu.streamId,
            'kernel' as type,
            null as bytes,
            cuda_gpu.correlationId as id,
            (cuda_api.globalTid >> 24) & 0x00FFFFFF AS "Process",
            null as meta
        FROM CUPTI_ACTIVITY_KIND_KERNEL as cuda_gpu
        JOIN StringIds
            ON cuda_gpu.shortName = StringIds.id
        JOIN CUPTI_ACTIVITY_KIND_RUNTIME as cuda_api
            ON cuda_gpu.correlationId = cuda_api.correlationId
)";
constexpr const char* kPipitCopies = R"(
        SELECT
            cuda_memcpy.start as Enter,
            cuda_memcpy.end as Leave,
            cuda_memcpy.deviceId as gpuId,
            memcpy_labels.name as Name,
            cuda_memcpy.streamId,
            'cuda_memcpy' as type,
            bytes,
            cuda_memcpy.correlationId as id,
            (cuda_api.globalTid >> 24) & 0x00FFFFFF AS "Process",
            null as meta
        FROM CUPTI_ACTIVITY_KIND_MEMCPY as cuda_memcpy
        JOIN ENUM_CUDA_MEMCPY_OPER as memcpy_labels
            ON cuda_memcpy.copyKind = memcpy_labels.id
        JOIN CUPTI_ACTIVITY_KIND_RUNTIME as cuda_api
            ON cuda_memcpy.correlationId = cuda_api.correlationId
)";
constexpr const char* kPipitSyncs = R"(
        SELECT
            cuda_sync.start as Enter,
            cuda_sync.end as Leave,
            cuda_sync.deviceId as gpuId,
            sync_labels.name as Name,
            cuda_sync.streamId,
            'cuda_sync' as type,
            null as bytes,
            cuda_sync.correlationId as id,
            (cuda_api.globalTid >> 24) & 0x00FFFFFF AS "Process",
            null as meta
        FROM CUPTI_ACTIVITY_KIND_SYNCHRONIZATION as cuda_sync
        JOIN ENUM_CUPTI_SYNC_TYPE as sync_labels
            ON cuda_sync.syncType = sync_labels.id
        JOIN CUPTI_ACTIVITY_KIND_RUNTIME as cuda_api
            ON cuda_sync.correlationId = cuda_api.correlationId
)";
constexpr const char* kPipitCalls = R"(
        SELECT
            start as Enter,
            end as Leave,
            rname.value AS Name,
            (cuda_api.globalTid >> 24) & 0x00FFFFFF AS "Process",
            cuda_api.globalTid & 0x00FFFFFF AS "Thread",
            correlationId As id,
            null as meta
        FROM
            CUPTI_ACTIVITY_KIND_RUNTIME as cuda_api
        JOIN ThreadNames AS tname
            ON cuda_api.globalTid == tname.globalTid
        JOIN
            StringIds AS rname
            ON cuda_api.nameId = rname.id
        JOIN
            StringIds AS rname2
            ON tname.nameId = rname2.id
)";
constexpr const char* kPipitRanges = R"(
        SELECT
            start as Enter,
            end as Leave,
            'annotation' as type,
            IFNULL(text, StringIds.value) as "Name",
            (ne.globalTid >> 24) & 0x00FFFFFF AS "Process",
            ne.globalTid & 0x00FFFFFF AS "Thread",
            jsonText as meta
        FROM
            NVTX_EVENTS as ne
        LEFT JOIN StringIds
            ON StringIds.id = ne.textId
        WHERE
            -- Filter to only include range start/end and push/pop events
            ne.eventType in (59, 60)
)";

TEST(NsysViews, answerWhatTensorRtLlmAsks) {
    const Scratch scratch;
    record(scratch.file());
    const std::string name =
        shell(scratch, "SELECT id FROM StringIds WHERE value = 'decode(float*, int)'").substr(1, 1);
    const std::string other =
        shell(scratch, "SELECT id FROM StringIds WHERE value = 'void ns::gemm<float>(float*, int)'")
            .substr(1, 1);
    EXPECT_EQ(shell(scratch, kTensorRtLlmKernels),
              "\n1000000100|1000000400||" + name + "|1000000000|1000000005\n1000000500|1000000600|50|" +
                  other +
                  "|1000000010|1000000015\n1000000700|1000000800||-2|1000000020|1000000025\n"
                  "1000000900|1000000950||-3|1000000030|1000000035\n");
    EXPECT_EQ(shell(scratch, "SELECT * FROM ENUM_NSYS_EVENT_TYPE").find("59|NvtxPushPopRange"), 1U);
}

TEST(NsysViews, answerWhatPipitAsks) {
    const Scratch scratch;
    record(scratch.file());
    EXPECT_EQ(
        shell(scratch, kPipitKernels),
        "\n1000000100|1000000400|0|decode|7|kernel||11|77|\n1000000500|1000000600|0|gemm|7|kernel||12|77|\n");
    EXPECT_EQ(shell(scratch, kPipitCopies),
              "\n1000000700|1000000800|0|CUDA_MEMCPY_KIND_HTOD|7|cuda_memcpy|4096|13|77|\n");
    EXPECT_EQ(shell(scratch, kPipitSyncs),
              "\n1000001000|1000001100|0|CUPTI_SYNC_TYPE_STREAM_SYNCHRONIZE|7|cuda_sync||14|77|\n");
    EXPECT_EQ(shell(scratch, kPipitCalls),
              "\n1000000000|1000000005|cudaLaunchKernel_v7000|77|78|11|\n1000000010|1000000015|"
              "cudaLaunchKernel_v7000|77|78|12|\n"
              "1000000020|1000000025|cudaMemcpyAsync_v3020|77|78|13|\n1000000030|1000000035|cudaMemcpyAsync_"
              "v3020|77|78|14|\n");
    EXPECT_EQ(shell(scratch, kPipitRanges),
              "\n1000000000|1000000050|annotation|decode/step 3/layer 2/attention|77|78|\n");
}

TEST(NsysViews, sayWhenTheSessionBegan) {
    const Scratch scratch;
    record(scratch.file());
    EXPECT_EQ(shell(scratch, "SELECT utcEpochNs, utcTime FROM TARGET_INFO_SESSION_START_TIME"),
              "\n1700000000000000000|2023-11-14T22:13:20.000Z\n");
}

}  // namespace
}  // namespace fluxscope
