// A policy, as a short form or as JSON. What is taken comes back the same from its JSON.
#include "engine/contract/policy.h"

#include "tests/fuzz/fuzzing.h"

#include <nlohmann/json.hpp>

using namespace fluxscope;

namespace {

void use(const Policy& policy) {
    const std::string json = toJson(policy).dump();
    fuzzing::promise(policyFromJson(nlohmann::json::parse(json), "--policy") == policy,
                     "a policy survives its JSON");
    shortForm(policy);
    fuzzing::expectAnswerOrError([&] { policy.requireFits(6, 2, true); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzzing::textOf(data, size);
    const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
    fuzzing::expectAnswerOrError([&] {
        if (!json.is_discarded())
            use(policyFromJson(json, "policy.json"));
        else if (text.find('/') == std::string_view::npos || text.starts_with("interleaved:"))  // no files
            use(parsePolicy(text));
    });
    return 0;
}
