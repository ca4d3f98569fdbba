// Turns what the engine tells into progress and text for people.
#pragma once

#include "app/serve/engine_host.h"
#include "engine/contract/observer.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fluxscope {

class RunWatch final : public Observer {
public:
    explicit RunWatch(const HostEvents& events) : events_(events) {}

    ObserverNeeds needs() const override { return {.opScopes = false}; }
    void runBegan(const RunFacts& facts) override;
    void batchBegan(BatchIndex batch, std::span<const SequenceIndex> sequences) override;
    void scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>& shape) override;
    void tokenEmitted(SequenceIndex sequence, TurnIndex turn, StepIndex step,
                      const TokenFacts& token) override;
    void batchEnded(BatchIndex batch) override;
    void runEnded(RunOutcome outcome, const std::string& reason) override;

    // Median over the decoded tokens of the first turn of the first prompt, from one to the next; 0 with fewer than two tokens.
    double medianTokenSeconds() const;

private:
    void report(const std::string& stage, std::int64_t done, std::int64_t total,
                const std::string& unit) const;
    void say(SequenceIndex sequence, std::size_t bytes);
    void sayAll();

    const HostEvents& events_;
    std::int32_t layers_ = 0;
    std::int32_t maxNew_ = 0;
    std::int64_t sequences_ = 0;
    std::vector<std::chrono::steady_clock::time_point> emitted_;  // of the first turn of the first prompt
    SequenceIndex first_;                                         // of the batch at work
    std::map<SequenceIndex, std::string> pending_;  // text whose last character is not whole yet
};

// How much of `text` is whole UTF-8 characters: what follows may be completed by the next token.
std::size_t wholeCharacters(std::string_view text);

}  // namespace fluxscope
