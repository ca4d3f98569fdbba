// What every operation of one rendering shares: its budgets, and the line that is being rendered.
//
// A template is somebody else's program. It gets so many steps, so many bytes of values and of output, and so much depth; each
// operation pays before it works.
#pragma once

#include "engine/chat/detail/value.h"
#include "engine/chat/jinja.h"

#include <ctime>

namespace fluxscope::jinja {

class Runtime {
public:
    Runtime(const RenderLimits& limits, const std::optional<std::tm>& now) : limits_(limits), now_(now) {}
    ~Runtime() {
        for (const std::shared_ptr<Object>& object : kept_) object->forget();
    }
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;

    void step(std::int64_t steps = 1) {
        steps_ += steps;
        if (steps_ > limits_.steps)
            overLimit("steps", "takes more than " + std::to_string(limits_.steps) + " steps");
    }
    // Before `bytes` are looked at or written.
    void bytes(std::size_t bytes) {
        step(1 + static_cast<std::int64_t>(bytes / 64));
        bytes_ += static_cast<std::int64_t>(bytes);
        if (bytes_ > limits_.bytes)
            overLimit("bytes",
                      "makes texts and lists of more than " + std::to_string(limits_.bytes >> 20) + " MiB");
    }
    void output(std::string& to, std::string_view text) {
        bytes(text.size());
        if (static_cast<std::int64_t>(to.size() + text.size()) > limits_.outputBytes)
            overLimit("output", "writes more than " + std::to_string(limits_.outputBytes >> 20) + " MiB");
        to += text;
    }
    // A text from elsewhere, paid for.
    Value text(std::string bytes, bool markup = false) {
        this->bytes(bytes.size());
        return Text(std::move(bytes), markup);
    }
    Value list(std::vector<Value> items) {
        bytes(items.size() * sizeof(Value));
        return Value::list(std::move(items));
    }

    // Recursion of any kind goes through one of these.
    class Level {
    public:
        explicit Level(Runtime& runtime) : runtime_(runtime) {
            if (++runtime_.depth_ > runtime_.limits_.depth) {
                --runtime_.depth_;
                overLimit("depth", "calls itself or nests deeper than " +
                                       std::to_string(runtime_.limits_.depth) + " levels");
            }
        }
        ~Level() { --runtime_.depth_; }
        Level(const Level&) = delete;
        Level& operator=(const Level&) = delete;

    private:
        Runtime& runtime_;
    };

    // What can hold itself is kept to the end and then emptied: reference counts alone would never free it, and freeing a
    // long chain of them would recurse.
    void keep(std::shared_ptr<Object> object) { kept_.push_back(std::move(object)); }

    std::tm now() const;

    int line = 1;

private:
    [[noreturn]] static void overLimit(std::string_view limit, std::string problem) {
        throw TemplateError{.problem = std::move(problem), .overLimit = true, .limit = limit};
    }

    RenderLimits limits_;
    std::optional<std::tm> now_;
    std::int64_t steps_ = 0;
    std::int64_t bytes_ = 0;
    int depth_ = 0;
    std::vector<std::shared_ptr<Object>> kept_;
};

}  // namespace fluxscope::jinja
