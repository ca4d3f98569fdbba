// A chat template, then a byte 0, then its variables as JSON.
#include "engine/chat/detail/value.h"
#include "engine/chat/jinja.h"
#include "tests/fuzz/fuzzing.h"

using namespace fluxscope;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto [text, json] = fuzzing::twoParts(fuzzing::textOf(data, size));
    const auto variables = nlohmann::ordered_json::parse(json, nullptr, false);
    const jinja::RenderLimits limits{.steps = 200'000, .bytes = 16 << 20, .outputBytes = 1 << 20};
    try {
        const jinja::Template parsed = jinja::Template::parse(text);
        parsed.render(variables.is_object() ? variables : nlohmann::ordered_json::object(), limits,
                      std::tm{});
    } catch (const jinja::TemplateError&) {
        return 0;  // a template that is wrong, or that went beyond its limits
    }
    return 0;
}
