// The short form of an attention mode. What is taken comes back the same from its own short form.
#include "engine/contract/sparse_form.h"
#include "tests/fuzz/fuzzing.h"

using namespace fluxscope;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzzing::expectAnswerOrError([&] {
        const SparseForm form = parseSparseForm(fuzzing::textOf(data, size));
        requireValid(form);
        fuzzing::promise(parseSparseForm(shortForm(form)) == form, "a form survives its short form");
    });
    return 0;
}
