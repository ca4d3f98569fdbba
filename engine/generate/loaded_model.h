// A model in memory with everything that a run of it needs.
#pragma once

#include "engine/chat/chat_template.h"
#include "engine/contract/observer.h"
#include "engine/contract/sparse_form.h"
#include "engine/router/router.h"
#include "engine/tokenizer/tokenizer.h"
#include "engine/transformer/transformer.h"

namespace fluxscope {

struct LoadedModel {
    ModelFacts facts;
    Transformer transformer;
    Tokenizer tokenizer;
    SparseForm defaultSparse;
    std::optional<ChatTemplate> chat;

    Router router(std::int64_t sequences = 1) const { return {transformer, facts.poolSize, sequences}; }
};

}  // namespace fluxscope
