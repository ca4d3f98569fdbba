// config.json, then a byte 0, then generation_config.json.
#include "engine/checkpoint/config.h"

#include "tests/fuzz/fuzzing.h"

using namespace fluxscope;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzzing::ScratchFolder folder;
    const auto [config, generation] = fuzzing::twoParts(fuzzing::textOf(data, size));
    folder.write("config.json", config);
    if (generation.empty())
        folder.remove("generation_config.json");
    else
        folder.write("generation_config.json", generation);
    fuzzing::expectAnswerOrError([] {
        const ModelConfig config = readConfig(folder.path());
        fuzzing::promise(config.layers > 0 && config.heads > 0 && config.kvHeads > 0 && config.headDim > 0 &&
                             config.hidden > 0 && config.vocabulary > 0 && config.context > 0,
                         "a model that is taken has sizes");
        fuzzing::promise(config.heads % config.kvHeads == 0, "heads share their keys evenly");
        for (std::int64_t layer = 0; layer < config.layers && layer < 4; ++layer)
            config.slidingWindow(LayerIndex::of(layer));
    });
    return 0;
}
