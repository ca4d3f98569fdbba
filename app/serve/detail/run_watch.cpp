#include "app/serve/detail/run_watch.h"

#include "profiler/analysis/percentiles.h"

#include <utility>

namespace fluxscope {

void RunWatch::runBegan(const RunFacts& facts) {
    layers_ = facts.model.layers;
    maxNew_ = facts.maxNew;
    sequences_ = static_cast<std::int64_t>(facts.sequences.size());
    emitted_.clear();
}

void RunWatch::batchBegan(BatchIndex, std::span<const SequenceIndex> sequences) {
    if (!sequences.empty()) first_ = sequences.front();
    report("prefill", 0, layers_, "layers");
}

void RunWatch::scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>&) {
    const bool wholeLayer = key.layer && !key.chunk && !key.op;
    if (wholeLayer && key.phase == Phase::Prefill)
        report("prefill", key.layer->value() + 1, layers_, "layers");
}

void RunWatch::tokenEmitted(SequenceIndex sequence, TurnIndex turn, StepIndex step, const TokenFacts& token) {
    if (sequence == SequenceIndex{} && turn == TurnIndex{})
        emitted_.push_back(std::chrono::steady_clock::now());
    report("decode", step.value() + 1, maxNew_, "tokens");
    std::string& text = pending_[sequence];
    text += token.text;
    say(sequence, wholeCharacters(text));
}

void RunWatch::batchEnded(BatchIndex) { sayAll(); }

void RunWatch::runEnded(RunOutcome, const std::string&) { sayAll(); }

void RunWatch::report(const std::string& stage, std::int64_t done, std::int64_t total,
                      const std::string& unit) const {
    if (events_.progress) events_.progress({stage, done, total, unit, first_.value(), sequences_});
}

void RunWatch::say(SequenceIndex sequence, std::size_t bytes) {
    std::string& text = pending_[sequence];
    if (bytes > 0 && events_.token) events_.token(sequence, text.substr(0, bytes));
    text.erase(0, bytes);
}

double RunWatch::medianTokenSeconds() const {
    std::vector<double> seconds;
    for (std::size_t i = 1; i < emitted_.size(); ++i)
        seconds.push_back(std::chrono::duration<double>(emitted_[i] - emitted_[i - 1]).count());
    return percentilesOf(std::move(seconds)).median;
}

// Of a character that was never finished, the bytes there are.
void RunWatch::sayAll() {
    for (const auto& [sequence, text] : pending_) say(sequence, text.size());
    pending_.clear();
}

std::size_t wholeCharacters(std::string_view text) {
    // Only the last three bytes can belong to a character that is still to be completed.
    for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
        const auto byte = static_cast<unsigned char>(text[text.size() - back]);
        if ((byte & 0xC0U) == 0x80U) continue;  // a continuation: its lead lies further left
        const std::size_t wanted = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        return wanted > back ? text.size() - back : text.size();
    }
    return text.size();
}

}  // namespace fluxscope
