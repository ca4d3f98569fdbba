#include "app/protocol/detail/model_facts.h"

#include "app/protocol/detail/fields.h"
#include "app/protocol/messages.h"

namespace fluxscope::protocol {

nlohmann::json toJson(const ModelFacts& facts) {
    return {{"name", facts.name},
            {"path", facts.path},
            {"architecture", facts.architecture},
            {"hash", facts.hash},
            {"layers", facts.layers},
            {"heads", facts.heads},
            {"kv_heads", facts.kvHeads},
            {"head_dim", facts.headDim},
            {"hidden", facts.hidden},
            {"vocabulary", facts.vocabulary},
            {"parameters", facts.parameters},
            {"router_parameters", facts.routerParameters},
            {"pool_size", facts.poolSize},
            {"untrained", facts.untrained}};
}

ModelFacts modelFactsFromJson(const nlohmann::json& json, const std::string& where) {
    Fields fields{json, where};
    ModelFacts facts;
    facts.name = fields.text("name");
    facts.path = fields.text("path");
    facts.architecture = fields.text("architecture");
    facts.hash = fields.text("hash");
    facts.layers = fields.integer<std::int32_t>("layers");
    facts.heads = fields.integer<std::int32_t>("heads");
    facts.kvHeads = fields.integer<std::int32_t>("kv_heads");
    facts.headDim = fields.integer<std::int32_t>("head_dim");
    facts.hidden = fields.integer<std::int32_t>("hidden");
    facts.vocabulary = fields.integer<std::int32_t>("vocabulary");
    facts.parameters = fields.integer("parameters");
    facts.routerParameters = fields.integer("router_parameters");
    facts.poolSize = fields.integer<std::int32_t>("pool_size");
    facts.untrained = fields.flag("untrained");
    fields.end();
    return facts;
}

}  // namespace fluxscope::protocol
