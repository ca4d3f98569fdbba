// What `run` says: JSON for machines, paragraphs for people.
#pragma once

#include "app/protocol/messages.h"
#include "engine/contract/run.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace fluxscope::cli {

struct RunShape {
    std::int32_t kvHeads = 0;
    bool byHead = false;   // decisions of single KV heads
    bool choices = false;  // the most probable tokens of each step: large
};

nlohmann::json toJson(const SequenceResult& sequence, const RunShape& shape);
std::string paragraph(const SequenceResult& sequence);

// "read 15.3 GiB of weights in 1.20 s: 13.7 GB/s"
std::string loadText(const protocol::LoadedEvent& loaded);

nlohmann::json toJson(const Forecast& forecast);
std::string table(const Forecast& forecast);

}  // namespace fluxscope::cli
