#include "engine/chat/detail/loop.h"

#include "engine/chat/detail/attributes.h"
#include "engine/chat/detail/binding.h"
#include "engine/chat/detail/operations.h"

namespace fluxscope::jinja {

bool LoopContext::peek(Runtime& runtime) {
    if (!ahead_.empty()) return true;
    if (!values_) return false;
    std::optional<Value> value = values_->next(runtime);
    if (value) ahead_.push_back(std::move(*value));
    return value.has_value();
}

std::optional<Value> LoopContext::next(Runtime& runtime) {
    if (!peek(runtime)) return std::nullopt;
    ++index0_;
    before_ = std::exchange(current_, std::move(ahead_.front()));
    ahead_.pop_front();
    return current_;
}

void LoopContext::forget() {
    values_ = nullptr;
    source_.reset();
    scope_ = nullptr;
    interpreter_ = nullptr;
    ahead_.clear();
    before_.reset();
    current_.reset();
    lastChanged_.reset();
}

std::optional<std::int64_t> LoopContext::length(Runtime& runtime) {
    if (length_) return length_;
    if (source_) length_ = lengthOf(*source_, runtime);
    if (!length_) {  // a generator: draw all of it
        while (std::optional<Value> value = values_ ? values_->next(runtime) : std::nullopt) {
            runtime.bytes(sizeof(Value));
            ahead_.push_back(std::move(*value));
        }
        length_ = index0_ + 1 + static_cast<std::int64_t>(ahead_.size());
    }
    return length_;
}

std::optional<std::string> LoopContext::repr(Runtime& runtime) {
    return "<LoopContext " + std::to_string(index0_ + 1) + "/" + std::to_string(*length(runtime)) + ">";
}

std::optional<Value> LoopContext::attribute(const std::string& name, Runtime& runtime) {
    if (name == "index") return Value(index0_ + 1);
    if (name == "index0") return Value(index0_);
    if (name == "first") return Value(index0_ == 0);
    if (name == "last") return Value(!peek(runtime));
    if (name == "length") return Value(*length(runtime));
    if (name == "revindex") return Value(*length(runtime) - index0_);
    if (name == "revindex0") return Value(*length(runtime) - index0_ - 1);
    if (name == "depth") return Value(depth0_ + 1);
    if (name == "depth0") return Value(depth0_);
    if (name == "previtem")
        return index0_ == 0 || !before_ ? Value::undefined("there is no previous item") : *before_;
    if (name == "nextitem") return peek(runtime) ? ahead_.front() : Value::undefined("there is no next item");
    if (name == "cycle") return Value(functionOf("cycle", shared_from_this(), cycle));
    if (name == "changed") return Value(functionOf("changed", shared_from_this(), changed));
    return std::nullopt;
}

Value LoopContext::call(Runtime& runtime, const Arguments& arguments) {
    if (interpreter_ == nullptr) fail("The loop must have the 'recursive' marker to be called recursively.");
    const Value values = Bound(arguments, "loop", {"iterable"}, 1).at(0);
    return runtime.text(interpreter_->loopOver(*loop_, scope_, values, depth0_ + 1));
}

Value LoopContext::cycle(Runtime& /*runtime*/, const Value& self, const Arguments& arguments) {
    if (!arguments.named.empty()) fail("cycle() takes no keyword arguments");
    if (arguments.positional.empty()) fail("no items for cycling given");
    const auto count = static_cast<std::int64_t>(arguments.positional.size());
    return arguments.positional[static_cast<std::size_t>(self.object<LoopContext>()->index0_ % count)];
}

Value LoopContext::changed(Runtime& runtime, const Value& self, const Arguments& arguments) {
    if (!arguments.named.empty()) fail("changed() takes no keyword arguments");
    auto& loop = *self.object<LoopContext>();
    const Value now = Value::tuple(arguments.positional);
    if (loop.lastChanged_ && equal(*loop.lastChanged_, now, runtime)) return false;
    if (!loop.lastChanged_) runtime.keep(loop.shared_from_this());  // it may be told of itself
    loop.lastChanged_ = now;
    return true;
}

}  // namespace fluxscope::jinja
