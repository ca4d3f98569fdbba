#include "engine/generate/device_decode.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace fluxscope {
namespace {

std::vector<KvCache*> cachesOf(const std::vector<LiveSequence*>& sequences) {
    std::vector<KvCache*> caches;
    caches.reserve(sequences.size());
    for (const LiveSequence* sequence : sequences) caches.push_back(&sequence->kv());
    return caches;
}

}  // namespace

DeviceDecode::DeviceDecode(const LoadedModel& model, const RunRequest& request, const RotaryTable& rotary,
                           const std::vector<LiveSequence*>& sequences, bool graphs, Observer& observer,
                           std::function<Tracer(StepIndex)> tracer)
    : model_(model),
      observer_(observer),
      tracer_(std::move(tracer)),
      sampler_(model.transformer.compute(), request.sampling, model.facts.vocabulary,
               !request.forcedIds.empty() || !request.replay.empty()),
      decode_(model.transformer, rotary, cachesOf(sequences),
              {.graphs = graphs,
               .next = [this](const at::Tensor& logits, const at::Tensor& ids, const Tracer& step) {
                   const auto op = step.op(Op::Sample, sampleShape(logits.size(0), logits.size(1)));
                   sampler_.choose(logits, ids);
               }}) {
    for (LiveSequence* sequence : sequences) rows_.push_back({.sequence = sequence, .ended = {}});
    if (!rows_.empty()) begin();
}

void DeviceDecode::begin() {
    std::vector<TokenId> last;
    std::vector<std::span<const TokenId>> texts;
    for (const Row& row : rows_) {
        last.push_back(row.sequence->last());
        texts.push_back(row.sequence->text());
    }
    decode_.put(last);
    sampler_.begin(decode_.rows(), texts);
    ring_.emplace(model_.transformer.compute(), decode_.rows(), static_cast<std::size_t>(kStepsAhead + 1));
}

std::int64_t DeviceDecode::stepsLeft() const {
    std::int64_t least = rows_.front().sequence->stepsLeft();
    for (const Row& row : rows_) least = std::min(least, row.sequence->stepsLeft());
    return least;
}

void DeviceDecode::enqueue(StepIndex step) {
    const Tracer tracer = tracer_(step);
    const auto scope = tracer.open();
    std::vector<RowInput> inputs;
    inputs.reserve(rows_.size());
    for (const Row& row : rows_) inputs.push_back(row.sequence->inputOf(step));
    ring_->send(inputs, sampler_);
    decode_.advance(tracer);
    ring_->fetch(sampler_);
}

bool DeviceDecode::read(StepIndex step) {
    const std::vector<TokenChoice> said = ring_->read(rows_.size());
    bool ended = false;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        Row& row = rows_[i];
        if (row.ended) continue;  // this step is one too many for it
        row.sequence->say(said[i], step, observer_);
        if (!row.sequence->ended()) continue;
        row.ended = step;
        row.sequence->turn().decodeSeconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
        ended = true;
    }
    return ended;
}

void DeviceDecode::settle(StepIndex last) {
    std::vector<std::size_t> staying;
    std::vector<Row> left;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const Row& row = rows_[i];
        if (row.ended) {
            row.sequence->kv().rollback(last.value() - row.ended->value());
        } else {
            staying.push_back(i);
            left.push_back(row);
        }
    }
    rows_ = std::move(left);
    if (rows_.empty()) return;
    decode_.retain(staying);
    begin();
}

}  // namespace fluxscope
