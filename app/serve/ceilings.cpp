#include "app/serve/ceilings.h"

#include "app/serve/detail/device_kind.h"
#include "engine/ceilings/ceilings.h"
#include "engine/contract/error.h"

namespace fluxscope {
namespace {

using nlohmann::json;

json toJson(const std::vector<CeilingRate>& rates) {
    json array = json::array();
    for (const CeilingRate& rate : rates)
        array.push_back({{"what", rate.what},
                         {"how", rate.how},
                         {"amount", rate.amount},
                         {"repeats", rate.repeats},
                         {"best", rate.best},
                         {"median", rate.median},
                         {"least", rate.least}});
    return array;
}

std::vector<CeilingRate> ratesFrom(const json& array) {
    std::vector<CeilingRate> rates;
    for (const json& rate : array)
        rates.push_back({.what = rate.at("what").get<std::string>(),
                         .how = rate.at("how").get<std::string>(),
                         .amount = rate.at("amount").get<std::int64_t>(),
                         .repeats = rate.at("repeats").get<std::int64_t>(),
                         .best = rate.at("best").get<double>(),
                         .median = rate.at("median").get<double>(),
                         .least = rate.at("least").get<double>()});
    return rates;
}

}  // namespace

json toJson(const MeasuredCeilings& ceilings) {
    return {{"device", ceilings.device},
            {"bandwidth", toJson(ceilings.bytes)},
            {"products", toJson(ceilings.flops)}};
}

KeptCeilings measureCeilings(
    const std::string& device, const CancelToken& cancel,
    const std::function<void(const std::string&, std::int64_t, std::int64_t)>& progress) {
    const DeviceKind kind = deviceKind(device);
    return {.measured = measureCeilings(kind, ceilingPlan(kind), cancel, progress), .when = utcNowText()};
}

std::optional<KeptCeilings> ceilingsIn(const MachineCache& cache, const MachineKey& machine) {
    const auto entry = cache.find(toJson(machine));
    if (!entry) return std::nullopt;
    try {
        return KeptCeilings{.measured = {.device = entry->value.at("device").get<std::string>(),
                                         .bytes = ratesFrom(entry->value.at("bandwidth")),
                                         .flops = ratesFrom(entry->value.at("products"))},
                            .when = entry->measured};
    } catch (const json::exception&) {
        return std::nullopt;  // of another version, or written by hand
    }
}

void keepCeilings(MachineCache& cache, const MachineKey& machine, const KeptCeilings& ceilings) {
    cache.keep(toJson(machine), {.measured = ceilings.when, .value = toJson(ceilings.measured)});
}

}  // namespace fluxscope
