// A "Sequence" of tokenizer.json: a list of steps, which may be sequences again.
#pragma once

#include "engine/checkpoint/json_file.h"

#include <string>

namespace fluxscope {

inline constexpr int kDeepestSequence = 8;
inline constexpr std::size_t kLongestSequence = 64;

template <class Read>
void forEachStep(const JsonFields& sequence, const char* field, int depth, Read read) {
    const nlohmann::json& list = sequence.at(field);
    if (!list.is_array() || list.size() > kLongestSequence || depth > kDeepestSequence)
        sequence.refuse(field, "is not a list of a few steps", "download tokenizer.json again");
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (!list[i].is_object())
            sequence.refuse(field, "has an entry that is no object", "download tokenizer.json again");
        read(
            JsonFields(list[i], sequence.file(), sequence.prefix() + field + "[" + std::to_string(i) + "]."));
    }
}

}  // namespace fluxscope
