#include "profiler/record/cupti/detail/replay.h"

#include "engine/contract/error.h"
#include "profiler/record/cupti/detail/joiner.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace fluxscope {
namespace {

using Json = nlohmann::json;

constexpr int kFormat = 1;
constexpr std::size_t kMostBytes = std::size_t{1} << 30;

std::span<std::uint8_t> bytesOf(RecordedTrace::Buffer& buffer) {
    return {reinterpret_cast<std::uint8_t*>(buffer.words.data()), buffer.valid};
}

Json toJson(const RunPlace& place) {
    const ScopeKey& key = place.key;
    return Json::array({place.run, key.batch.value(), key.turn.value(), static_cast<int>(key.phase),
                        key.step.value(), key.layer ? key.layer->value() : -1,
                        key.chunk ? key.chunk->value() : -1, key.op ? static_cast<int>(*key.op) : -1});
}

RunPlace placeFrom(const Json& json) {
    RunPlace place{json.at(0).get<std::uint32_t>(), {}};
    ScopeKey& key = place.key;
    key.batch = BatchIndex(json.at(1).get<std::int32_t>());
    key.turn = TurnIndex(json.at(2).get<std::int32_t>());
    key.phase = json.at(3).get<int>() == 0 ? Phase::Prefill : Phase::Decode;
    key.step = StepIndex(json.at(4).get<std::int32_t>());
    if (const int layer = json.at(5).get<int>(); layer >= 0) key.layer = LayerIndex(layer);
    if (const int chunk = json.at(6).get<int>(); chunk >= 0) key.chunk = ChunkIndex(chunk);
    if (const int op = json.at(7).get<int>(); op >= 0 && op <= static_cast<int>(Op::Sample))
        key.op = static_cast<Op>(op);
    return place;
}

Json headOf(const RecordedTrace& trace) {
    Json head{{"fluxscope_cupti_trace", kFormat}, {"cupti", trace.version},  {"run", trace.run},
              {"begin", trace.begin.count()},     {"names", trace.names},    {"scopes", Json::array()},
              {"nodes", Json::array()},           {"buffers", Json::array()}};
    for (const RunPlace& place : trace.scopes) head["scopes"].push_back(toJson(place));
    for (const GraphNodes::Node& node : trace.nodes)
        head["nodes"].push_back(Json::array({node.id, node.original, node.scope}));
    for (const RecordedTrace::Buffer& buffer : trace.buffers) {
        Json named = Json::array();
        for (const auto& [offset, name] : buffer.names) named.push_back(Json::array({offset, name}));
        head["buffers"].push_back({{"bytes", buffer.valid}, {"names", std::move(named)}});
    }
    return head;
}

RecordedTrace traceFrom(const Json& head) {
    RecordedTrace trace;
    if (head.at("fluxscope_cupti_trace").get<int>() != kFormat)
        throw std::runtime_error("is of another format");
    head.at("cupti").get_to(trace.version);
    head.at("run").get_to(trace.run);
    trace.begin = Nanoseconds(head.at("begin").get<Nanoseconds::rep>());
    head.at("names").get_to(trace.names);
    for (const Json& place : head.at("scopes")) trace.scopes.push_back(placeFrom(place));
    for (const Json& node : head.at("nodes"))
        trace.nodes.push_back({node.at(0).get<std::uint64_t>(), node.at(1).get<std::uint64_t>(),
                               node.at(2).get<ScopeTicket>()});
    for (const Json& one : head.at("buffers")) {
        RecordedTrace::Buffer buffer;
        one.at("bytes").get_to(buffer.valid);
        if (buffer.valid > kMostBytes) throw std::runtime_error("has a buffer of more than 1 GiB");
        for (const Json& named : one.at("names")) {
            const RecordedTrace::NamedAt at{named.at(0).get<std::size_t>(), named.at(1).get<std::size_t>()};
            if (at.offset + sizeof(CUpti_ActivityKernel10) > buffer.valid || at.name >= trace.names.size())
                throw std::runtime_error("has a kernel's name outside of its buffer");
            buffer.names.push_back(at);
        }
        trace.buffers.push_back(std::move(buffer));
    }
    return trace;
}

template <class Record>
void append(std::vector<Record>& to, std::vector<Record>& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

void append(DeviceBatch& to, DeviceBatch from) {
    append(to.kernels, from.kernels);
    append(to.copies, from.copies);
    append(to.fills, from.fills);
    append(to.calls, from.calls);
    append(to.syncs, from.syncs);
    append(to.overheads, from.overheads);
    append(to.nodes, from.nodes);
    append(to.late, from.late);
}

}  // namespace

std::size_t RecordedTrace::bytes() const {
    std::size_t sum = 0;
    for (const Buffer& buffer : buffers) sum += buffer.valid;
    return sum;
}

void keep(RecordedTrace& trace, decltype(&cuptiActivityGetNextRecord) next, std::span<std::uint8_t> bytes) {
    RecordedTrace::Buffer buffer;
    buffer.valid = bytes.size();
    buffer.words.resize((bytes.size() + 7) / 8);
    std::memcpy(buffer.words.data(), bytes.data(), bytes.size());
    CUpti_Activity* record = nullptr;
    while (next(bytes.data(), bytes.size(), &record) == CUPTI_SUCCESS) {
        if (record->kind != CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL &&
            record->kind != CUPTI_ACTIVITY_KIND_KERNEL)
            continue;
        const char* const name = reinterpret_cast<const CUpti_ActivityKernel10*>(record)->name;
        if (name == nullptr) continue;
        const auto known = std::find(trace.names.begin(), trace.names.end(), name);
        buffer.names.push_back(
            {static_cast<std::size_t>(reinterpret_cast<std::uint8_t*>(record) - bytes.data()),
             static_cast<std::size_t>(known - trace.names.begin())});
        if (known == trace.names.end()) trace.names.emplace_back(name);
    }
    trace.buffers.push_back(std::move(buffer));
}

void save(const RecordedTrace& trace, const std::filesystem::path& file) {
    std::ofstream out(file, std::ios::binary);
    out << headOf(trace).dump() << '\n';
    for (const RecordedTrace::Buffer& buffer : trace.buffers) {
        out.write(reinterpret_cast<const char*>(buffer.words.data()),
                  static_cast<std::streamsize>(buffer.valid));
    }
    out.flush();
    if (!out)
        throw MachineError{file.string(), "", "cannot be written",
                           "give a folder that is there and has space"};
}

RecordedTrace loadTrace(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::string line;
    if (!std::getline(in, line))
        throw InputError{file.string(), "", "cannot be read", "give a trace that FluxScope has kept"};
    try {
        RecordedTrace trace = traceFrom(Json::parse(line));
        for (RecordedTrace::Buffer& buffer : trace.buffers) {
            buffer.words.resize((buffer.valid + 7) / 8);
            in.read(reinterpret_cast<char*>(buffer.words.data()), static_cast<std::streamsize>(buffer.valid));
            if (!in) throw std::runtime_error("ends within a buffer");
        }
        return trace;
    } catch (const std::exception& e) {
        throw InputError{file.string(), "", printable(e.what()), "give a trace that FluxScope has kept"};
    }
}

ReplayedTrace replay(RecordedTrace trace, const RecordWalk& walk, Names& names) {
    ScopeIds scopes;
    scopes.restore(trace.scopes);
    GraphNodes nodes;
    for (const GraphNodes::Node& node : trace.nodes) nodes.created(node.id, node.scope);
    for (const GraphNodes::Node& node : trace.nodes)
        if (node.original != 0) nodes.cloned(node.id, node.original);

    Joiner joiner(scopes, nodes);
    joiner.beginRun(trace.run, trace.begin);
    ReplayedTrace replayed;
    Nanoseconds now = trace.begin;
    for (RecordedTrace::Buffer& buffer : trace.buffers) {
        const std::span bytes = bytesOf(buffer);
        for (const auto& [offset, name] : buffer.names)
            reinterpret_cast<CUpti_ActivityKernel10*>(bytes.data() + offset)->name =
                trace.names[name].c_str();
        DecodedRecords records;
        decodeBuffer({walk.next, walk.callbackName, false}, bytes, names, records);
        now += std::chrono::milliseconds(250);
        joiner.take(std::move(records), now);
        append(replayed.records, joiner.ready(now));
    }
    append(replayed.records, joiner.finish());
    replayed.quality = joiner.quality();
    return replayed;
}

}  // namespace fluxscope
