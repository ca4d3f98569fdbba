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
        const ModelConfig model = readConfig(folder.path());
        fuzzing::promise(model.layers > 0 && model.heads > 0 && model.kvHeads > 0 && model.headDim > 0 &&
                             model.hidden > 0 && model.vocabulary > 0 && model.context > 0,
                         "a model that is taken has sizes");
        fuzzing::promise(model.heads % model.kvHeads == 0, "heads share their keys evenly");
        for (std::int64_t layer = 0; layer < model.layers && layer < 4; ++layer)
            model.slidingWindow(LayerIndex::of(layer));
    });
    return 0;
}
