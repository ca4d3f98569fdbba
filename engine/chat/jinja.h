// A small Jinja: the template language of chat templates, as Python's Jinja2 renders it when transformers sets it up
// (immutable sandbox, trim_blocks, lstrip_blocks, break and continue, the generation block, transformers' tojson).
//
// A template cannot reach a file, another template or the network: there is nothing here that could. What it may use of time
// and memory is limited. Read detail/lexer.h, detail/parser.h and detail/interpreter.h in this order.
// docs/chat-templates.md says what is understood.
#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fluxscope::jinja {

struct Program;

struct RenderLimits {
    std::int64_t steps = 10'000'000;
    std::int64_t bytes = std::int64_t{1} << 30;         // of all texts and lists it makes, those it drops too
    std::int64_t outputBytes = std::int64_t{64} << 20;  // of what it writes
    int depth = 800;                                    // nested evaluations; a macro's call takes about five
};

class Template {
public:
    // Throws TemplateError (detail/value.h), which has a line.
    static Template parse(std::string_view text);

    // `variables` is an object; its texts are UTF-8. `now` is what strftime_now tells, the present when absent.
    std::string render(const nlohmann::ordered_json& variables, const RenderLimits& limits = {},
                       const std::optional<std::tm>& now = std::nullopt) const;

private:
    explicit Template(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
    std::shared_ptr<const Program> program_;
};

}  // namespace fluxscope::jinja
