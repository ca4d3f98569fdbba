#include "profiler/store/detail/scope_steps.h"

#include "profiler/store/step_key.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace fluxscope {
namespace {

void append(std::string& text, std::int64_t number) {
    std::array<char, 24> digits{};
    const auto [end, _] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    text.append(digits.data(), end);
}

// As resources/schema.sql says. Names of operations need no escape.
void append(std::string& text, const ScopeRecord& scope, Nanoseconds since) {
    text += '[';
    append(text, scope.key.layer ? scope.key.layer->value() : -1);
    text += ',';
    append(text, scope.key.chunk ? scope.key.chunk->value() : -1);
    text += ",\"";
    if (scope.key.op) text += nameOf(*scope.key.op);
    text += "\",";
    append(text, (scope.begin - since).count());
    text += ',';
    append(text, (scope.end - scope.begin).count());
    if (scope.cost) {
        for (const std::int64_t figure :
             {scope.cost->bytesRead, scope.cost->bytesWritten, scope.cost->flops}) {
            text += ',';
            append(text, figure);
        }
    }
    text += ']';
}

}  // namespace

ScopeSteps::ScopeSteps(SQLite::Database& database)
    : insert_(database,
              "INSERT INTO scope_step (first_scope, members, run, batch, turn, step, begin_ns, scopes) "
              "VALUES (?, ?, ?, ?, ?, ?, ?, ?)") {}

void ScopeSteps::add(std::int64_t run, std::int64_t number, const ScopeRecord& scope) {
    if (!scopes_.empty() && !areOfOneStep(scopes_.back().key, scope.key)) flush();
    if (scopes_.empty()) {
        run_ = run;
        first_ = number;
    }
    scopes_.push_back(scope);
}

void ScopeSteps::flush() {
    if (scopes_.empty()) return;
    const Nanoseconds begin = std::ranges::min_element(scopes_, {}, &ScopeRecord::begin)->begin;
    text_ = '[';
    for (const ScopeRecord& scope : scopes_) {
        if (text_.size() > 1) text_ += ',';
        append(text_, scope, begin);
    }
    text_ += ']';
    const ScopeKey& key = scopes_.front().key;
    insert_.run(first_, std::ssize(scopes_), run_, key.batch.value(), key.turn.value(), key.step.value(),
                begin.count(), text_);
    scopes_.clear();
}

}  // namespace fluxscope
