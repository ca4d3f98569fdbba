#include "app/serve/detail/limit_facts.h"

#include "engine/contract/error.h"
#include "profiler/figure/number.h"

#include <spdlog/spdlog.h>

#include <set>

namespace fluxscope {
namespace {

std::string wholeNumber(double value) { return withDecimals(value, 0); }

void logDamage(const MachineCache& cache) {
    if (cache.damage()) spdlog::warn("{}", *cache.damage());
}

// One word of a shell, whatever is in it.
std::string quoted(const std::string& text) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=:,@%";
    if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
    std::string word = "'";
    for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return word + "'";
}

std::string howToMeasure(const RecordedWith& run, std::int64_t length) {
    std::string command = "fluxscope-cli overhead " + quoted(run.model.path);
    if (run.device != "cpu") command += " --device cuda";
    command += " --dtype " + run.dtype + " --length " + std::to_string(length);
    if (run.collect != "auto") command += " --collect " + run.collect;
    return command;
}

}  // namespace

std::vector<EnvironmentFact> ceilingFacts(const std::optional<KeptCeilings>& ceilings,
                                          const std::string& dtype) {
    std::vector<EnvironmentFact> facts;
    if (!ceilings) return facts;
    const std::string source = "measured: fluxscope-cli ceilings, " + dayOf(ceilings->when);
    const auto add = [&](const std::string& name, const CeilingRate* rate) {
        if (rate != nullptr) facts.push_back({name, wholeNumber(rate->best), source + ", " + rate->how});
    };
    add("ceiling_bytes_per_second", fastest(ceilings->measured.bytes));
    std::set<std::string> types;
    for (const CeilingRate& rate : ceilings->measured.flops) types.insert(rate.what);
    for (const std::string& type : types)
        add("ceiling_flops_" + type, fastest(ceilings->measured.flops, type));
    if (types.contains(dtype)) add("ceiling_flops", fastest(ceilings->measured.flops, dtype));
    return facts;
}

EnvironmentFact overheadFact(const std::optional<Overhead>& overhead, const RecordedWith& run) {
    if (!overhead) {
        const std::int64_t length =
            overheadKey({}, run.model, run.dtype, run.collect, run.promptTokens).length;
        return {"overhead", "not measured: " + howToMeasure(run, length), "not measured"};
    }
    std::string value = "prefill " + changeText(overhead->prefill);
    if (overhead->token) value += ", token " + changeText(*overhead->token);
    value += ", whole run " + changeText(overhead->whole);
    return {"overhead", value,
            "measured: fluxscope-cli overhead, " + dayOf(overhead->when) + ", " +
                std::to_string(overhead->prefill.pairs) + " pairs of " +
                formattedCount(overhead->promptTokens) + " + " + formattedCount(overhead->newTokens) +
                " tokens, policy " + printable(overhead->policy) + ", " + kPairedRatioMethod};
}

std::vector<EnvironmentFact> limitFacts(const MachineKey& machine, const RecordedWith& run) {
    const MachineCache ceilings = MachineCache::named(kCeilingsCache);
    const MachineCache overheads = MachineCache::named(kOverheadCache);
    logDamage(ceilings);
    logDamage(overheads);
    std::vector<EnvironmentFact> facts = ceilingFacts(ceilingsIn(ceilings, machine), run.dtype);
    facts.push_back(overheadFact(
        overheadIn(overheads, overheadKey(machine, run.model, run.dtype, run.collect, run.promptTokens)),
        run));
    return facts;
}

}  // namespace fluxscope
