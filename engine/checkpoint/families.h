// The architectures that are read: one block, the same for all, with parts that a family has or has not. What a family's
// config.json may leave out, and what it then means, stands here.
#pragma once

#include "engine/checkpoint/config.h"

namespace fluxscope {

class JsonFields;

// Fills everything of `config` that differs between families: biases, norms of queries and keys, head_dim, KV heads, sliding
// windows. `config` has architecture, layers, heads and hidden already.
void readFamily(ModelConfig& config, const JsonFields& fields);

// The architecture's name, refused when it is none of those read.
std::string readArchitecture(const JsonFields& fields);

}  // namespace fluxscope
