#include "profiler/report/detail/device_json.h"

namespace fluxscope {

namespace {

using Json = nlohmann::ordered_json;

Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

template <class Named>
Json name(const std::optional<Named>& value) {
    return value ? Json(std::string(nameOf(*value))) : Json(nullptr);
}

Json index(const std::optional<RunIndex>& run) { return run ? Json(run->value()) : Json(nullptr); }

Json bytesJson(const std::vector<PhaseBytes>& rows) {
    Json json = Json::array();
    for (const PhaseBytes& b : rows) {
        json.push_back({{"phase", std::string(nameOf(b.phase))}});
        if (b.layer) json.back()["layer"] = b.layer->value();
        json.back().update({{"source", b.source},
                            {"origin", b.origin},
                            {"read", b.read},
                            {"written", b.written},
                            {"steps", b.steps},
                            {"layer_steps", b.layerSteps},
                            {"low_confidence", b.lowConfidence}});
    }
    return json;
}

}  // namespace

Json qualityJson(const ReportRun& run) {
    Json json = Json::array();
    for (const QualityRow& row : run.quality)
        json.push_back({{"check", row.check},
                        {"verdict", std::string(nameOf(row.verdict))},
                        {"value", number(row.value)},
                        {"sentence", row.sentence}});
    return json;
}

Json kernelsJson(const ReportRun& run) {
    Json json{{"count", run.kernels},
              {"top", Json::array()},
              {"omitted", run.omittedKernels},
              {"streams", Json::array()}};
    for (const TopKernel& k : run.topKernels)
        json["top"].push_back({{"name", k.name},
                               {"op", name(k.op)},
                               {"phase", name(k.phase)},
                               {"attributed", k.attributed},
                               {"count", k.count},
                               {"total_ns", k.total.count()},
                               {"median_ns", k.nanoseconds.median},
                               {"p90_ns", k.nanoseconds.p90},
                               {"share", k.share}});
    for (const StreamGaps& g : run.gaps)
        json["streams"].push_back({{"stream", g.name},
                                   {"phase", name(g.phase)},
                                   {"kernels", g.kernels},
                                   {"busy_ns", g.busy.count()},
                                   {"gaps", g.gaps},
                                   {"idle_ns", g.idle.count()},
                                   {"launch_bound_ns", g.launchBound.count()},
                                   {"unknown_ns", g.unknown.count()},
                                   {"longest_ns", g.longest.count()},
                                   {"launch_bound_share", number(g.launchBoundShare())}});
    return json;
}

Json rooflineJson(const Roofline& roofline) {
    const Ceilings& c = roofline.ceilings;
    Json json{{"dtype", roofline.dtype},
              {"ceilings",
               {{"bytes_per_second", number(c.bytesPerSecond)},
                {"flops_per_second", number(c.flopsPerSecond(roofline.dtype))},
                {"measured", c.measured},
                {"origin", c.origin()}}},
              {"points", Json::array()}};
    for (const RooflinePoint& p : roofline.points)
        json["points"].push_back({{"label", p.work.label},
                                  {"phase", name(p.work.phase)},
                                  {"seconds", p.work.seconds},
                                  {"bytes", p.work.bytes},
                                  {"flops", p.work.flops},
                                  {"intensity", number(p.intensity)},
                                  {"bytes_per_second", number(p.bytesPerSecond)},
                                  {"flops_per_second", number(p.flopsPerSecond)},
                                  {"bandwidth_share", number(p.bandwidthShare)},
                                  {"roof_share", number(p.roofShare)},
                                  {"bound", std::string(nameOf(p.bound))},
                                  {"time_origin", p.work.timeOrigin},
                                  {"bytes_origin", p.work.bytesOrigin}});
    return json;
}

Json trafficJson(const ReportRun& run) {
    return {{"timeline_run", index(run.passes.timeline)},
            {"counters_run", index(run.passes.counters)},
            {"phases", bytesJson(run.bytes)},
            {"layers", bytesJson(run.layerBytes)}};
}

}  // namespace fluxscope
