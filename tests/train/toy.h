// A world that is learned in seconds: two tasks on disjoint halves of the vocabulary, in each of which a token says which one
// follows. "near" is learned by looking at the last token only; so is "far", but its tokens are others, so that routers can tell
// them apart and be asked for different shares of sparse layers.
#pragma once

#include "engine/checkpoint/config.h"
#include "engine/train/random.h"
#include "engine/train/sample.h"

namespace fluxscope::train {

class ToySource final : public SampleSource {
public:
    static constexpr std::int32_t kVocabulary = 32;

    const std::vector<std::string>& tasks() const override {
        static const std::vector<std::string> names = {"near", "far"};
        return names;
    }

    std::string fingerprint() const override { return "toy"; }

    Sample draw(std::int32_t task, std::int64_t length, std::uint64_t seed) const override {
        constexpr std::int32_t kHalf = kVocabulary / 2;
        Random random(seed);
        Sample sample;
        auto token = static_cast<std::int32_t>(random.next() % kHalf);
        const std::int64_t tokens =
            length - static_cast<std::int64_t>(random.next() % 4);  // of different lengths
        for (std::int64_t i = 0; i < tokens; ++i) {
            sample.ids.emplace_back(task * kHalf + token);
            sample.weights.push_back(1);
            token = (5 * token + 3 + task * 4) % kHalf;
        }
        return sample;
    }
};

inline ModelConfig toyConfig() {
    ModelConfig config;
    config.architecture = "Qwen3ForCausalLM";
    config.layers = 2;
    config.heads = 2;
    config.kvHeads = 1;
    config.headDim = 16;
    config.hidden = 32;
    config.inner = 64;
    config.vocabulary = ToySource::kVocabulary;
    config.context = 64;
    config.queryKeyNorm = true;
    config.tiedEmbeddings = true;
    return config;
}

}  // namespace fluxscope::train
