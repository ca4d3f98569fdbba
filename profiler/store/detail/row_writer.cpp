#include "profiler/store/detail/row_writer.h"

#include "profiler/store/detail/bind.h"
#include "profiler/store/detail/prompt_hash.h"
#include "profiler/store/step_key.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace fluxscope {
namespace {

constexpr std::int32_t kNone = -1;  // a key that does not apply

template <class Key>
std::int64_t orNone(const std::optional<Key>& key) {
    return key ? key->value() : kNone;
}

// Leaves no statement open behind it: one that is would keep the file from becoming a single one at the end.
std::int64_t takeId(SQLite::Statement& statement) {
    statement.executeStep();
    const std::int64_t id = statement.getColumn(0).getInt64();
    statement.tryReset();
    return id;
}

// Empty where the places are not known.
ByteRange rangeAt(const std::vector<ByteRange>& ranges, std::size_t at) {
    return at < ranges.size() ? ranges[at] : ByteRange{};
}

}  // namespace

// A row whose key is there already is left out and counted: one event told twice must not end the recording of a long run.
RowWriter::RowWriter(SQLite::Database& database)
    : database_(database),
      process_(database,
               "INSERT INTO process (host, pid, program, collector, monotonic_ns, utc_ns) VALUES (?, ?, ?, "
               "?, ?, ?)"),
      collector_(database, "UPDATE process SET collector = ? WHERE process = ?"),
      environment_(database,
                   "INSERT OR REPLACE INTO environment (process, name, value, source) VALUES (?, ?, ?, ?)"),
      model_(database,
             "INSERT INTO model (hash, name, path, architecture, layers, heads, kv_heads, head_dim, hidden, "
             "vocabulary, parameters, "
             "router_parameters, pool_size, untrained) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON "
             "CONFLICT DO NOTHING"),
      modelRow_(database, "SELECT model FROM model WHERE hash = ?"),
      prompt_(database,
              "INSERT INTO prompt (id, kind, split, hash, text, answer) VALUES (?, ?, ?, ?, ?, ?) ON "
              "CONFLICT (id, hash) DO UPDATE "
              "SET text = excluded.text, answer = excluded.answer WHERE text IS NULL"),
      promptRow_(database, "SELECT prompt FROM prompt WHERE id = ? AND hash = ?"),
      run_(database,
           "INSERT INTO run (run, process, model, role, repeat, policy, policy_name, sparse, seed, max_new, "
           "chunk_tokens, device, dtype, "
           "eager, begin_ns, sampling, op_scopes, no_dependent_launch) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
           "?, "
           "?, ?, ?, ?, ?, ?, ?)"),
      sequence_(database,
                "INSERT INTO sequence (run, sequence, batch, prompt, prompt_tokens) VALUES (?, ?, ?, ?, ?)"),
      batch_(database, "UPDATE sequence SET batch = ? WHERE run = ? AND sequence = ?"),
      dropped_(database, "UPDATE run SET dropped = ? WHERE run = ?"),
      endRun_(database, "UPDATE run SET end_ns = ?, outcome = ?, reason = ? WHERE run = ?"),
      token_(database,
             "INSERT INTO token (run, sequence, turn, position, step, token, byte_begin, byte_end, text, "
             "logprob, emitted_ns, tail_mass) VALUES "
             "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"),
      turn_(
          database,
          "INSERT INTO turn (run, sequence, turn, first_position, tokens, redone) VALUES (?, ?, ?, ?, ?, ?) "
          "ON CONFLICT DO NOTHING"),
      fidelity_(
          database,
          "INSERT INTO fidelity (run, sequence, turn, step, kl, same_top, logprob_change) VALUES (?, ?, "
          "?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"),
      decision_(
          database,
          "INSERT INTO decision (run, sequence, turn, step, layer, kv_head, attention, decided_by, "
          "logit_sparse, logit_full, "
          "p_full, threshold, margin) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"),
      kv_(database,
          "INSERT INTO kv (run, sequence, turn, step, layer, bytes_kept, bytes_freed) VALUES (?, ?, ?, ?, ?, "
          "?, ?) "
          "ON CONFLICT DO NOTHING"),
      collectorState_(
          database,
          "INSERT OR REPLACE INTO collector (process, run, name, state, reason, remedy) VALUES (?, "
          "?, ?, ?, ?, ?)"),
      quality_(database, "INSERT OR REPLACE INTO quality (run, figure, value, note) VALUES (?, ?, ?, ?)"),
      clockLocked_(database, "UPDATE run SET clock_locked = 1 WHERE run = ?"),
      origin_(database, "UPDATE run SET origin = ? WHERE run = ?"),
      evaluation_(database,
                  "INSERT INTO evaluation (run, sequence, task, length, number, seed, scorer, score) VALUES "
                  "(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"),
      scope_(
          database,
          "INSERT INTO scope_row (scope, run, batch, turn, phase, step, layer, chunk, op, begin_ns, end_ns, "
          "bytes_read, bytes_written, flops) VALUES",
          "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
      // Keeps its row id when it grows: a reader reads the step in progress again, and nothing before it. Where a device has told
      // its kernels, their times stay (detail/device_costs.h).
      layerStep_(database,
                 "INSERT INTO layer_step (run, batch, turn, phase, step, layer, begin_ns, time_ns, "
                 "router_ns, attention_ns, time_source, bytes_read, bytes_written, flops, bytes_source, "
                 "cost_version, first_scope, last_scope) VALUES",
                 "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'analytic', ?, ?, ?)",
                 "ON CONFLICT DO UPDATE SET "
                 "time_ns = iif(kernels > 0, time_ns, excluded.time_ns), router_ns = iif(kernels > 0, "
                 "router_ns, excluded.router_ns), attention_ns = iif(kernels > 0, attention_ns, "
                 "excluded.attention_ns), bytes_read = excluded.bytes_read, bytes_written = "
                 "excluded.bytes_written, flops = excluded.flops, first_scope = excluded.first_scope, "
                 "last_scope = excluded.last_scope"),
      choice_(database, "INSERT INTO token_choice (row, rank, token, logprob) VALUES", "(?, ?, ?, ?)"),
      scopeSteps_(database),
      lastScope_(database
                     .execAndGet("SELECT max((SELECT coalesce(max(scope), 0) FROM scope_row), "
                                 "coalesce((SELECT first_scope + members - 1 FROM scope_step ORDER BY "
                                 "first_scope DESC LIMIT 1), 0))")
                     .getInt64()) {}

template <class... Values>
void RowWriter::insert(SQLite::Statement& statement, const Values&... values) {
    if (execute(statement, values...) == 0) {
        ++repeated_;
    } else {
        ++rows_;
    }
}

std::int64_t RowWriter::addProcess(const ProcessRecord& process) {
    insert(process_, process.host, process.pid, process.program, process.collector, process.monotonic,
           process.utc);
    const std::int64_t id = database_.getLastInsertRowid();
    for (const EnvironmentFact& fact : process.environment)
        insert(environment_, id, fact.name, fact.value, fact.source);
    return id;
}

void RowWriter::setCollector(std::int64_t process, const std::string& collector) {
    insert(collector_, collector, process);
}

std::int64_t RowWriter::modelOf(const ModelFacts& m) {
    execute(model_, m.hash, m.name, m.path, m.architecture, m.layers, m.heads, m.kvHeads, m.headDim, m.hidden,
            m.vocabulary, m.parameters, m.routerParameters, m.poolSize, m.untrained);
    modelRow_.tryReset();
    bindValue(modelRow_, 1, m.hash);
    return takeId(modelRow_);
}

std::int64_t RowWriter::promptOf(const SequenceFacts& s, bool withText) {
    const std::string hash = promptHash(s.text, s.promptIds);
    std::optional<std::string> text;
    if (withText) text = s.text;
    execute(prompt_, s.promptId, s.kind,
            s.split == PromptSplit::Unsplit ? std::string_view{} : nameOf(s.split), hash, text,
            withText ? std::string_view(s.answer) : std::string_view{});
    promptRow_.tryReset();
    bindValue(promptRow_, 1, s.promptId);
    bindValue(promptRow_, 2, hash);
    return takeId(promptRow_);
}

void RowWriter::addPromptTokens(SequenceIndex sequence, const SequenceFacts& facts) {
    for (std::size_t position = 0; position < facts.promptIds.size(); ++position) {
        addPromptToken(sequence, TurnIndex{}, static_cast<std::int64_t>(position), facts.promptIds[position],
                       rangeAt(facts.byteRanges, position));
    }
}

void RowWriter::addPromptToken(SequenceIndex sequence, TurnIndex turn, std::int64_t position, TokenId token,
                               const ByteRange& range) {
    insert(token_, runIndex_, sequence, turn, position, kNone, token, range.begin, range.end,
           std::optional<Blob>{}, std::optional<double>{}, std::optional<Nanoseconds>{},
           std::optional<double>{});
}

// The tokens of a follow-up have no place in the prompt's text: their byte range is empty.
void RowWriter::add(const TurnRecord& r) {
    std::int64_t position = r.facts.firstPosition;
    addTurn(r.sequence, r.turn, position, r.facts.promptIds.size(), generated_[r.sequence].nextPosition);
    for (const TokenId token : r.facts.promptIds) {
        if (promptText_) addPromptToken(r.sequence, r.turn, position, token, {});
        ++position;
    }
    generated_[r.sequence] = {.nextPosition = position, .bytes = 0};
}

void RowWriter::addTurn(SequenceIndex sequence, TurnIndex turn, std::int64_t firstPosition,
                        std::size_t tokens, std::int64_t reached) {
    const std::int64_t redone =
        std::clamp<std::int64_t>(reached - firstPosition, 0, static_cast<std::int64_t>(tokens));
    insert(turn_, runIndex_, sequence, turn, firstPosition, tokens, redone);
}

void RowWriter::beginRun(std::int64_t process, RunIndex run, const RunFacts& facts, Nanoseconds begin,
                         bool promptText) {
    runIndex_ = run;
    promptText_ = promptText;
    generated_.clear();
    scopesOfLayers_.clear();
    insert(run_, run, process, modelOf(facts.model), nameOf(facts.role), facts.repeat,
           toJson(facts.policy).dump(), shortForm(facts.policy), shortForm(facts.sparse),
           static_cast<std::int64_t>(facts.seed), facts.maxNew, facts.chunkTokens, facts.device, facts.dtype,
           facts.obeyed.eager, begin, toJson(facts.sampling).dump(), facts.obeyed.opScopes,
           facts.obeyed.noDependentLaunch);
    for (std::size_t i = 0; i < facts.sequences.size(); ++i) {
        const SequenceFacts& sequence = facts.sequences[i];
        const auto index = SequenceIndex::of(i);
        insert(sequence_, run, index, kNone, promptOf(sequence, promptText), sequence.promptIds.size());
        generated_[index].nextPosition = static_cast<std::int64_t>(sequence.promptIds.size());
        addTurn(index, TurnIndex{}, 0, sequence.promptIds.size(), 0);
        if (promptText) addPromptTokens(index, sequence);
    }
}

void RowWriter::beginBatch(BatchIndex batch, std::span<const SequenceIndex> sequences) {
    for (const SequenceIndex sequence : sequences) insert(batch_, batch, runIndex_, sequence);
}

void RowWriter::add(const DecisionRecord& r) {
    std::optional<double> sparse, full, probability, margin;
    if (r.decision.logits) {
        sparse = r.decision.logits->sparse;
        full = r.decision.logits->full;
        probability = fullProbability(*r.decision.logits);
        if (r.decision.threshold) margin = marginOf(*r.decision.logits, *r.decision.threshold);
    }
    insert(decision_, runIndex_, r.sequence, r.turn, r.step, r.layer, orNone(r.decision.kvHead),
           nameOf(r.decision.attention), nameOf(r.decision.by), sparse, full, probability,
           r.decision.threshold, margin);
}

void RowWriter::add(const KvRecord& r) {
    insert(kv_, runIndex_, r.sequence, r.turn, r.step, r.layer, r.kv.bytesKept, r.kv.bytesFreed);
}

void RowWriter::add(const TokenRecord& r) {
    Generated& generated = generated_[r.sequence];
    const std::int64_t begin = generated.bytes;
    generated.bytes += static_cast<std::int64_t>(r.token.text.size());
    std::optional<double> tailMass;
    if (!r.token.top.empty()) tailMass = r.token.tailMass;
    const std::size_t before = rows_;
    insert(token_, runIndex_, r.sequence, r.turn, generated.nextPosition++, r.step, r.token.id, begin,
           generated.bytes, Blob{r.token.text}, static_cast<double>(r.token.logprob), r.emitted, tailMass);
    if (rows_ == before) return;  // told twice
    const std::int64_t row = database_.getLastInsertRowid();
    std::int64_t rank = 0;
    for (const TokenChance& chance : r.token.top) {
        choice_.add(row, rank++, chance.id.value(), chance.logprob);
        ++rows_;
    }
}

void RowWriter::add(const ScopeRecord& r) {
    ++lastScope_;
    ++rows_;
    if (r.key.phase == Phase::Decode) {
        scopeSteps_.add(runIndex_.value(), lastScope_, r);
    } else {
        scopeSteps_.flush();
        addRow(r);
    }
    ScopeRange& range = scopesOf(r.key);
    range.last = lastScope_;
    if (range.first == 0) range.first = lastScope_;
}

void RowWriter::addRow(const ScopeRecord& r) {
    const ScopeKey& k = r.key;
    std::optional<std::int64_t> bytesRead, bytesWritten, flops;
    if (r.cost) {
        bytesRead = r.cost->bytesRead;
        bytesWritten = r.cost->bytesWritten;
        flops = r.cost->flops;
    }
    scope_.add(lastScope_, runIndex_.value(), k.batch.value(), k.turn.value(), nameOf(k.phase),
               k.step.value(), orNone(k.layer), orNone(k.chunk), k.op ? nameOf(*k.op) : std::string_view{},
               r.begin.count(), r.end.count(), bytesRead, bytesWritten, flops);
}

void RowWriter::leaveOut(const ScopeKey& scope) { scopesOf(scope).isWhole = false; }

RowWriter::ScopeRange& RowWriter::scopesOf(const ScopeKey& scope) {
    if (stepOf(scope) != stepOfScopes_) {
        stepOfScopes_ = stepOf(scope);
        scopesOfLayers_.clear();
    }
    return scopesOfLayers_[static_cast<std::int32_t>(orNone(scope.layer))];
}

void RowWriter::add(const LayerStepRecord& r) {
    const std::int64_t layer = orNone(r.layer);
    std::optional<std::int64_t> first, last;
    const ScopeKey step{.batch = r.batch, .turn = r.turn, .phase = r.phase, .step = r.step};
    if (const auto range = scopesOfLayers_.find(static_cast<std::int32_t>(layer));
        range != scopesOfLayers_.end() && step == stepOfScopes_ && range->second.isWhole) {
        first = range->second.first;
        last = range->second.last;
    }
    layerStep_.add(runIndex_.value(), r.batch.value(), r.turn.value(), nameOf(r.phase), r.step.value(), layer,
                   r.begin.count(), r.time.count(), r.router.count(), r.attention.count(), r.timeSource,
                   r.cost.bytesRead, r.cost.bytesWritten, r.cost.flops, cost::kVersion, first, last);
    ++rows_;
}

void RowWriter::add(const FidelityRecord& r) {
    insert(fidelity_, runIndex_, r.sequence, r.turn, r.step, r.fidelity.kl, r.fidelity.sameTop,
           r.fidelity.logprobChange);
}

void RowWriter::add(const EvaluationSample& s) {
    insert(evaluation_, runIndex_, s.sequence, s.task, s.length, s.number, static_cast<std::int64_t>(s.seed),
           s.scorer, s.score);
}

void RowWriter::add(std::int64_t process, const CollectorRecord& r) {
    const std::int64_t run = runIndex_ == RunIndex{} ? kNone : runIndex_.value();
    insert(collectorState_, process, run, r.name, nameOf(r.state), r.reason, r.remedy);
}

void RowWriter::add(const QualityRecord& r) { insert(quality_, runIndex_, r.figure, r.value, r.note); }

void RowWriter::setClockLocked() { execute(clockLocked_, runIndex_); }

void RowWriter::setOrigin(const std::string& origin) { execute(origin_, origin, runIndex_); }

void RowWriter::setDropped(std::int64_t records) { execute(dropped_, records, runIndex_); }

void RowWriter::endRun(Nanoseconds end, RunOutcome outcome, const std::string& reason) {
    insert(endRun_, end, nameOf(outcome), reason, runIndex_);
}

void RowWriter::flush() {
    scope_.flush();
    scopeSteps_.flush();
    layerStep_.flush();
    choice_.flush();
}

}  // namespace fluxscope
