#include "engine/chat/jinja.h"

#include "engine/chat/detail/interpreter.h"
#include "engine/chat/detail/json_text.h"
#include "engine/chat/detail/parser.h"

namespace fluxscope::jinja {

Template Template::parse(std::string_view text) {
    return Template(std::make_shared<const Program>(parsed(tokenized(text))));
}

std::string Template::render(const nlohmann::ordered_json& variables, const RenderLimits& limits,
                             const std::optional<std::tm>& now) const {
    Runtime runtime(limits, now);
    Interpreter interpreter(runtime);
    const auto scope = std::make_shared<Scope>(nullptr);
    std::string text;
    try {
        for (const auto& [name, value] : variables.items()) scope->set(name, valueOf(value, runtime));
        interpreter.run(program_->body, std::make_shared<Scope>(scope), text);
    } catch (TemplateError& error) {
        if (error.line == 0) error.line = runtime.line;
        throw;
    }
    return text;
}

}  // namespace fluxscope::jinja
