#include "profiler/record/cupti/session.h"

#include "profiler/record/cupti/detail/attach.h"
#include "profiler/record/cupti/detail/pm_sampler.h"
#include "profiler/record/cupti/detail/range_counters.h"
#include "profiler/record/cupti/detail/tracer.h"

#include <string>
#include <utility>

namespace fluxscope {
namespace {

std::vector<EnvironmentFact> environmentOf(const CuptiApi& api) {
    return {{"cupti.version", std::to_string(api.version), "cupti"}};
}

}  // namespace

CuptiSession attachCupti(const CuptiOptions& options) {
    auto loaded = loadCupti(options.library);
    if (auto* missing = std::get_if<CuptiMissing>(&loaded)) {
        CuptiSession session;
        session.shortfalls.push_back({"trace", std::move(missing->why), std::move(missing->remedy)});
        return session;
    }
    return attachTo(std::get<CuptiApi>(loaded), options);
}

CuptiSession attachTo(const CuptiApi& api, const CuptiOptions& options) {
    CuptiSession session{.tracer = nullptr, .shortfalls = {}, .environment = environmentOf(api)};
    auto started = CuptiTracer::start(api, {.dump = options.dump}, session.shortfalls);
    if (auto* shortfall = std::get_if<Shortfall>(&started))
        session.shortfalls.push_back(std::move(*shortfall));
    else
        session.tracer = std::move(std::get<std::unique_ptr<CuptiTracer>>(started));
    return session;
}

std::variant<std::string, Shortfall> describeCupti(const CuptiOptions& options) {
    auto loaded = loadCupti(options.library);
    if (auto* missing = std::get_if<CuptiMissing>(&loaded))
        return Shortfall{"trace", std::move(missing->why), std::move(missing->remedy)};
    const auto& api = std::get<CuptiApi>(loaded);
    if (const char* symbol = missingForTracing(api)) return shortfallOfSymbol("trace", symbol, api.version);
    return "version " + std::to_string(api.version) + ", " + api.library.string();
}

OpenedTimeline openTimeline(const TimelineOptions& options) {
    auto loaded = loadCupti(options.cupti.library);
    if (auto* missing = std::get_if<CuptiMissing>(&loaded))
        return {.sampler = nullptr, .shortfall = Shortfall{"timeline", missing->why, missing->remedy}};
    auto opened = PmSampler::open(std::get<CuptiApi>(loaded), options.device, options.interval);
    if (auto* shortfall = std::get_if<Shortfall>(&opened))
        return {.sampler = nullptr, .shortfall = std::move(*shortfall)};
    auto& sampler = std::get<std::unique_ptr<PmSampler>>(opened);
    std::optional<Shortfall> lacking = sampler->lacking();
    return {.sampler = std::move(sampler), .shortfall = std::move(lacking)};
}

OpenedCounters openCounters(Clock clock, RecordSink& records, DeviceSink& device,
                            const CountersOptions& options) {
    auto loaded = loadCupti(options.cupti.library);
    if (auto* missing = std::get_if<CuptiMissing>(&loaded))
        return {.collector = nullptr, .shortfall = Shortfall{"counters", missing->why, missing->remedy}};
    return openCountersOf(std::get<CuptiApi>(loaded), std::move(clock), records, device, options);
}

OpenedCounters openCountersOf(const CuptiApi& api, Clock clock, RecordSink& records, DeviceSink& device,
                              const CountersOptions& options) {
    OpenedCounters counters{.collector = nullptr, .shortfall = {}, .environment = environmentOf(api)};
    auto opened = RangeCounters::open(api, options.device, options.ranges, std::move(clock), records, device);
    if (auto* shortfall = std::get_if<Shortfall>(&opened))
        counters.shortfall = std::move(*shortfall);
    else
        counters.collector = std::move(std::get<std::unique_ptr<RangeCounters>>(opened));
    return counters;
}

}  // namespace fluxscope
