#include "profiler/record/cupti/detail/tracer.h"

#include <array>
#include <utility>

namespace fluxscope {
namespace {

constexpr const char* kCollector = "trace";
constexpr std::size_t kDumpBytes = 256 << 20;
constexpr std::size_t kReadyBuffers = 8;  // 155 000 kernels: more than come between two rounds
constexpr std::int64_t kBadTimesAllowed = 1000;

// CUPTI's buffer callbacks carry nothing of ours. What is replaced stays reachable: CUPTI may still have it in hand.
std::atomic<CuptiTracer::Shared*> current{nullptr};

std::vector<std::unique_ptr<CuptiTracer::Shared>>& everything() {
    static auto* const kept = new std::vector<std::unique_ptr<CuptiTracer::Shared>>;
    return *kept;
}

// Records of runs that are over hold views of these.
Names& namesOfProcess() {
    static auto* const names = new Names;
    return *names;
}

std::uint64_t timestamp() { return static_cast<std::uint64_t>(monotonicNow().count()); }

void CUPTIAPI requestBuffer(std::uint8_t** buffer, std::size_t* size, std::size_t* maxNumRecords) {
    CuptiTracer::Shared* const shared = current.load(std::memory_order_acquire);
    *buffer = shared != nullptr ? shared->buffers.request() : nullptr;
    *size = *buffer != nullptr ? ActivityBuffers::kBytes : 0;
    *maxNumRecords = 0;
}

void CUPTIAPI completeBuffer(CUcontext, std::uint32_t, std::uint8_t* buffer, std::size_t, std::size_t valid) {
    CuptiTracer::Shared* const shared = current.load(std::memory_order_acquire);
    if (shared == nullptr || buffer == nullptr) return;
    if (shared->buffers.complete(buffer, valid) && !shared->hurry.exchange(true)) shared->wake.notify_one();
}

void CUPTIAPI onGraph(void* user, CUpti_CallbackDomain domain, CUpti_CallbackId event, const void* data) {
    auto& shared = *static_cast<CuptiTracer::Shared*>(user);
    if (domain != CUPTI_CB_DOMAIN_RESOURCE || data == nullptr) return;
    const auto* resource = static_cast<const CUpti_ResourceData*>(data);
    const auto* graph = static_cast<const CUpti_GraphData*>(resource->resourceDescriptor);
    if (graph == nullptr) return;
    std::uint64_t node = 0;
    switch (event) {
        case CUPTI_CBID_RESOURCE_GRAPHNODE_CREATED:
            if (shared.recordingOn.load(std::memory_order_relaxed) != std::this_thread::get_id()) return;
            if (shared.api.graphNodeId(graph->node, &node) == CUPTI_SUCCESS)
                shared.nodes.created(node, shared.top.load(std::memory_order_relaxed));
            return;
        case CUPTI_CBID_RESOURCE_GRAPHNODE_CLONED: {
            std::uint64_t original = 0;
            if (shared.api.graphNodeId(graph->node, &node) == CUPTI_SUCCESS &&
                shared.api.graphNodeId(graph->originalNode, &original) == CUPTI_SUCCESS)
                shared.nodes.cloned(node, original);
            return;
        }
        case CUPTI_CBID_RESOURCE_GRAPHEXEC_CREATED: {
            std::uint32_t executable = 0;
            std::uint32_t source = 0;
            if (shared.api.graphExecId != nullptr && shared.api.graphId != nullptr &&
                shared.api.graphExecId(graph->graphExec, &executable) == CUPTI_SUCCESS &&
                shared.api.graphId(graph->graph, &source) == CUPTI_SUCCESS)
                shared.nodes.instantiated(executable, source);
            return;
        }
        default: return;
    }
}

constexpr std::array kRuntimeCalls{
    CUPTI_RUNTIME_TRACE_CBID___cudaLaunchKernel_v13000,  // what nvcc 13 makes of <<<>>>
    CUPTI_RUNTIME_TRACE_CBID___cudaLaunchKernel_ptsz_v13000,
    CUPTI_RUNTIME_TRACE_CBID_cudaLaunchKernel_v7000,
    CUPTI_RUNTIME_TRACE_CBID_cudaLaunchKernel_ptsz_v7000,
    CUPTI_RUNTIME_TRACE_CBID_cudaLaunchKernelExC_v11060,
    CUPTI_RUNTIME_TRACE_CBID_cudaLaunchKernelExC_ptsz_v11060,
    CUPTI_RUNTIME_TRACE_CBID_cudaLaunchCooperativeKernel_v9000,
    CUPTI_RUNTIME_TRACE_CBID_cudaLaunchCooperativeKernel_ptsz_v9000,
    CUPTI_RUNTIME_TRACE_CBID_cudaGraphLaunch_v10000,
    CUPTI_RUNTIME_TRACE_CBID_cudaGraphLaunch_ptsz_v10000,
    CUPTI_RUNTIME_TRACE_CBID_cudaMemcpyAsync_v3020,
    CUPTI_RUNTIME_TRACE_CBID_cudaMemcpyAsync_ptsz_v7000,
    CUPTI_RUNTIME_TRACE_CBID_cudaMemsetAsync_v3020,
    CUPTI_RUNTIME_TRACE_CBID_cudaMemsetAsync_ptsz_v7000,
};

constexpr std::array kDriverCalls{
    CUPTI_DRIVER_TRACE_CBID_cuLaunchKernel,
    CUPTI_DRIVER_TRACE_CBID_cuLaunchKernel_ptsz,
    CUPTI_DRIVER_TRACE_CBID_cuLaunchKernelEx,
    CUPTI_DRIVER_TRACE_CBID_cuLaunchKernelEx_ptsz,
    CUPTI_DRIVER_TRACE_CBID_cuLaunchCooperativeKernel,
    CUPTI_DRIVER_TRACE_CBID_cuLaunchCooperativeKernel_ptsz,
    CUPTI_DRIVER_TRACE_CBID_cuGraphLaunch,
    CUPTI_DRIVER_TRACE_CBID_cuGraphLaunch_ptsz,
};

struct WantedKind {
    CUpti_ActivityKind kind;
    const char* doing;
    bool essential;
};

constexpr std::array kKinds{
    WantedKind{CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION, "trace which scope a launch belongs to", true},
    WantedKind{CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, "trace kernels", true},
    WantedKind{CUPTI_ACTIVITY_KIND_MEMCPY, "trace copies", false},
    WantedKind{CUPTI_ACTIVITY_KIND_MEMCPY2, "trace copies between devices", false},
    WantedKind{CUPTI_ACTIVITY_KIND_MEMSET, "trace memsets", false},
    WantedKind{CUPTI_ACTIVITY_KIND_SYNCHRONIZATION, "trace synchronisations", false},
    WantedKind{CUPTI_ACTIVITY_KIND_OVERHEAD, "trace its own overhead", false},
};

}  // namespace

CuptiTracer::Started CuptiTracer::start(const CuptiApi& api, Options options,
                                        std::vector<Shortfall>& limits) {
    if (const char* symbol = missingForTracing(api))
        return shortfallOfSymbol(kCollector, symbol, api.version);
    everything().push_back(std::make_unique<Shared>(api));
    std::unique_ptr<CuptiTracer> tracer(new CuptiTracer(*everything().back(), std::move(options)));
    if (auto shortfall = tracer->attach(limits)) return *std::move(shortfall);
    tracer->thread_ = std::thread([raw = tracer.get()] { raw->loop(); });
    return tracer;
}

CuptiTracer::CuptiTracer(Shared& shared, Options options)
    : options_(std::move(options)),
      shared_(shared),
      names_(namesOfProcess()),
      joiner_(shared.scopes, shared.nodes) {}

CuptiTracer::~CuptiTracer() {
    {
        const std::lock_guard lock(shared_.mutex);
        stopping_ = true;
    }
    shared_.wake.notify_one();
    if (thread_.joinable()) thread_.join();
    Shared* mine = &shared_;
    current.compare_exchange_strong(mine, nullptr);
}

std::optional<Shortfall> CuptiTracer::attach(std::vector<Shortfall>& limits) {
    const CuptiApi& api = shared_.api;
    const auto refused = [&api](const char* doing, CUptiResult error, std::string_view holder = {}) {
        return shortfallOf(api, kCollector, doing, error, holder);
    };

    CUpti_SubscriberHandle subscriber{};
    std::array<char, 256> holder{};
    CUpti_SubscriberParams params{};
    params.structSize = CUpti_SubscriberParams_STRUCT_SIZE;
    params.subscriberName = "FluxScope";
    params.oldSubscriberName = holder.data();
    params.oldSubscriberSize = holder.size();
    if (const CUptiResult error = api.subscribe(&subscriber, onGraph, &shared_, &params);
        error != CUPTI_SUCCESS) {
        holder.back() = '\0';
        return refused("attach", error, holder.data());
    }
    shared_.buffers.prepare(kReadyBuffers);
    current.store(&shared_, std::memory_order_release);

    if (api.setThreadIdType != nullptr) api.setThreadIdType(CUPTI_ACTIVITY_THREAD_ID_TYPE_SYSTEM);
    // Once per process: each registration after the first corrupts a record.
    static const CUptiResult clock = api.registerTimestamp(timestamp);
    if (clock != CUPTI_SUCCESS) return refused("take our clock", clock);
    if (api.setAttribute != nullptr) {
        std::uint8_t zeroed = 1;
        std::size_t size = sizeof zeroed;
        api.setAttribute(CUPTI_ACTIVITY_ATTR_ZEROED_OUT_ACTIVITY_BUFFER, &size, &zeroed);
    }
    if (const CUptiResult error = api.registerBuffers(requestBuffer, completeBuffer); error != CUPTI_SUCCESS)
        return refused("take our buffers", error);

    for (const WantedKind& wanted : kKinds) {
        const CUptiResult error = api.enable(wanted.kind);
        if (error == CUPTI_SUCCESS) continue;
        if (wanted.essential) return refused(wanted.doing, error);
        limits.push_back(without(std::string_view(wanted.doing).substr(std::string_view("trace ").size()),
                                 refused(wanted.doing, error)));
    }
    if (api.enableAllSyncs != nullptr) api.enableAllSyncs(0);
    // Selected calls suffice for external ids to be told (measured: 20 000 of 20 000 kernels, docs/collectors.md).
    int enabled = 0;
    CUptiResult last = CUPTI_SUCCESS;
    for (const auto call : kRuntimeCalls) {
        if (const CUptiResult error = api.enableRuntime(call, 1); error == CUPTI_SUCCESS)
            ++enabled;
        else
            last = error;
    }
    if (enabled == 0) return refused("trace launches", last);
    for (const auto call : kDriverCalls)
        if (const CUptiResult error = api.enableDriver(call, 1); error != CUPTI_SUCCESS) last = error;
    if (last != CUPTI_SUCCESS)
        limits.push_back(without("some kinds of launches", refused("trace them", last)));

    if (api.enableCallback == nullptr || api.graphNodeId == nullptr) {
        limits.push_back(without("layers and operations inside of graphs",
                                 shortfallOfSymbol(kCollector, "cuptiGetGraphNodeId", api.version)));
        return std::nullopt;
    }
    for (const CUpti_CallbackId event :
         {CUPTI_CBID_RESOURCE_GRAPHNODE_CREATED, CUPTI_CBID_RESOURCE_GRAPHNODE_CLONED,
          CUPTI_CBID_RESOURCE_GRAPHEXEC_CREATED}) {
        const CUptiResult error = api.enableCallback(1, subscriber, CUPTI_CB_DOMAIN_RESOURCE, event);
        if (error != CUPTI_SUCCESS)
            limits.push_back(without("layers and operations inside of graphs",
                                     refused("tell what the nodes of a graph are", error)));
    }
    return std::nullopt;
}

void CuptiTracer::beginRun(DeviceSink& sink) {
    ++runs_;
    shared_.scopes.setRun(runs_);
    {
        const std::lock_guard lock(shared_.mutex);
        nextSink_ = &sink;
        nextBegin_ = monotonicNow();
    }
    wish(Wish::Begin);
}

void CuptiTracer::endRun() {
    wish(Wish::End);
    shared_.scopes.setRun(0);
}

void CuptiTracer::wish(Wish wanted) {
    std::unique_lock lock(shared_.mutex);
    wish_ = wanted;
    shared_.wake.notify_all();
    shared_.wake.wait(lock, [this] { return wish_ == Wish::None; });
}

void CuptiTracer::opened(const ScopeKey& key) {
    const ScopeTicket ticket = shared_.scopes.ticketOf(key);
    open_.push_back(ticket);
    shared_.top.store(ticket, std::memory_order_relaxed);
    shared_.api.pushExternal(CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0, ticket);
}

void CuptiTracer::closed() {
    if (open_.empty()) return;
    std::uint64_t last = 0;
    shared_.api.popExternal(CUPTI_EXTERNAL_CORRELATION_KIND_CUSTOM0, &last);
    open_.pop_back();
    shared_.top.store(open_.empty() ? kNoTicket : open_.back(), std::memory_order_relaxed);
}

void CuptiTracer::recordingBegan() {
    shared_.recordingOn.store(std::this_thread::get_id(), std::memory_order_relaxed);
}

void CuptiTracer::recordingEnded() { shared_.recordingOn.store({}, std::memory_order_relaxed); }

std::optional<std::string> CuptiTracer::needsRestart() const {
    const std::int64_t kernels = kernelsSeen_.load(std::memory_order_relaxed);
    const std::int64_t bad = badTimes_.load(std::memory_order_relaxed);
    if (kernels < options_.restartAfter && bad <= kBadTimesAllowed) return std::nullopt;
    return "this process has traced " + std::to_string(kernels) + " kernels, " + std::to_string(bad) +
           " records without times among them; CUPTI 13.0 loses times after some 25 million";
}

void CuptiTracer::loop() {
    for (;;) {
        Wish wanted = Wish::None;
        {
            std::unique_lock lock(shared_.mutex);
            shared_.wake.wait_for(lock, options_.round, [this] {
                return stopping_ || wish_ != Wish::None || shared_.hurry.load();
            });
            if (stopping_) return;
            wanted = wish_;
        }
        shared_.hurry = false;
        try {
            if (wanted == Wish::None)
                round(false);
            else
                fulfil(wanted);
        } catch (const std::exception& e) {
            if (sink_ != nullptr)
                sink_->take(Shortfall{kCollector, "records could not be taken over: " + std::string(e.what()),
                                      "free memory, and record again"});
            sink_ = nullptr;
        }
        if (wanted == Wish::None) continue;
        {
            const std::lock_guard lock(shared_.mutex);
            wish_ = Wish::None;
        }
        shared_.wake.notify_all();
    }
}

void CuptiTracer::fulfil(Wish wanted) {
    if (wanted == Wish::Begin) {
        round(false);  // of what was before
        const std::lock_guard lock(shared_.mutex);
        sink_ = nextSink_;
        joiner_.beginRun(runs_, nextBegin_);
        kept_ = {.version = shared_.api.version, .run = runs_, .begin = nextBegin_};
        return;
    }
    round(true);
    if (sink_ != nullptr) {
        sink_->take(joiner_.finish());
        sink_->take(joiner_.quality());
    }
    joiner_.endRun();
    if (!options_.dump.empty()) {
        kept_.scopes = shared_.scopes.entries();
        kept_.nodes = shared_.nodes.all();
        std::filesystem::path file = options_.dump;
        if (runs_ > 1) file += "." + std::to_string(runs_);
        save(kept_, file);
    }
    sink_ = nullptr;
}

void CuptiTracer::round(bool last) {
    const CuptiApi& api = shared_.api;
    // Forced only when the device is idle: it hands back a running kernel unfinished, and never again.
    api.flush(last ? CUPTI_ACTIVITY_FLAG_FLUSH_FORCED : 0);

    const RecordWalk walk{api.nextRecord, api.callbackName};
    DecodedRecords records;
    for (const ActivityBuffers::Filled& filled : shared_.buffers.takeFilled()) {
        const std::span bytes(filled.bytes, filled.valid);
        keepForTests(bytes);
        decodeBuffer(walk, bytes, names_, records);
        shared_.buffers.giveBack(filled);
    }
    kernelsSeen_ += records.kernelsSeen;
    badTimes_ += records.badTimes;
    std::size_t dropped = 0;
    if (api.droppedRecords != nullptr && api.droppedRecords(nullptr, 0, &dropped) == CUPTI_SUCCESS)
        joiner_.dropped(static_cast<std::int64_t>(dropped));

    const Nanoseconds now = monotonicNow();
    joiner_.take(std::move(records), now);
    DeviceBatch batch = joiner_.ready(now);
    if (sink_ != nullptr && !isEmpty(batch)) sink_->take(std::move(batch));
}

void CuptiTracer::keepForTests(std::span<std::uint8_t> bytes) {
    if (options_.dump.empty() || sink_ == nullptr || kept_.bytes() + bytes.size() > kDumpBytes) return;
    keep(kept_, shared_.api.nextRecord, bytes);
}

}  // namespace fluxscope
