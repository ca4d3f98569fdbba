// Values that come one by one and once only: what map, select and their like give.
#pragma once

#include "engine/chat/detail/runtime.h"

#include <functional>

namespace fluxscope::jinja {

class Generator : public Object {
public:
    using Next = std::function<std::optional<Value>(Runtime&)>;

    // `depth`: of what it draws on.
    static Value of(int depth, Next next) {
        if (depth >= kDeepestValue)
            throw TemplateError{.problem = "nests lists or generators deeper than " +
                                           std::to_string(kDeepestValue) + " levels",
                                .overLimit = true,
                                .limit = "nesting"};
        return std::make_shared<Generator>(depth + 1, std::move(next));
    }
    Generator(int depth, Next next) : depth_(depth), pull_(std::make_shared<Pull>(std::move(next))) {}

    std::string typeName() const override { return "generator"; }
    std::shared_ptr<Iterator> iterator(Runtime& /*runtime*/) override { return pull_; }
    int depth() const override { return depth_; }

private:
    class Pull : public Iterator {
    public:
        explicit Pull(Next next) : next_(std::move(next)) {}
        std::optional<Value> next(Runtime& runtime) override {
            const Runtime::Level level(runtime);
            runtime.step();
            if (!next_) return std::nullopt;
            std::optional<Value> value = next_(runtime);
            if (!value) next_ = nullptr;
            return value;
        }

    private:
        Next next_;
    };

    int depth_;
    std::shared_ptr<Pull> pull_;
};

}  // namespace fluxscope::jinja
