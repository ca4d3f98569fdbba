// A safetensors file. Every byte of every tensor that it is said to hold is read.
#include "engine/checkpoint/safetensors.h"

#include "tests/fuzz/fuzzing.h"

using namespace fluxscope;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzzing::ScratchFolder folder;
    const auto file = folder.write("model.safetensors", fuzzing::textOf(data, size));
    fuzzing::expectAnswerOrError([&] {
        const SafetensorsFile opened = openSafetensors(file);
        std::int64_t bytes = 0;
        unsigned sum = 0;
        for (const auto& [name, tensor] : opened.tensors) {
            shapeText(tensor.shape);
            bytes += tensor.bytes;
            for (std::int64_t i = 0; i < tensor.bytes; ++i) sum += std::to_integer<unsigned>(tensor.data[i]);
        }
        fuzzing::promise(bytes <= static_cast<std::int64_t>(size), "tensors do not overlap");
        fuzzing::promise(sum <= 255U * size, "the bytes are there to be read");
    });
    return 0;
}
