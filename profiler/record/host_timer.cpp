#include "profiler/record/host_timer.h"

#include "profiler/store/step_key.h"

#include <algorithm>
#include <utility>

namespace fluxscope {

HostTimer::HostTimer(Clock clock, RecordSink& sink) : clock_(std::move(clock)), sink_(sink) {}

std::string_view HostTimer::timeSource(std::string_view device) const {
    return device == "cpu" ? "host-timer" : "host-enqueue";
}

void HostTimer::runBegan(const RunFacts& run) {
    timeSource_ = timeSource(run.device);
    open_.clear();
    step_.reset();
    layers_.clear();
    layers_.resize(static_cast<std::size_t>(std::max(run.model.layers, 0)));
    outside_.reset();
    recordings_.clear();
    inProgress_ = nullptr;
}

void HostTimer::scopeOpened(const ScopeKey& key) {
    if (inProgress_) return;  // no interval of any step
    if (!step_ || !areOfOneStep(key, *step_)) turnTo(key);
    open_.push_back({key, isOutermost(key)});
    open_.back().begin = clock_();  // last, so that our own work lies outside
}

void HostTimer::scopeClosed(const ScopeKey& key, const std::optional<cost::OpShape>& shape) {
    if (inProgress_) {
        if (shape) inProgress_->add(key, *shape);
        return;
    }
    const Nanoseconds end = clock_();
    if (open_.empty() || open_.back().key != key) return;  // opened before the run began: it has no beginning
    const Open scope = open_.back();
    open_.pop_back();

    ScopeRecord record{.key = key, .begin = scope.begin, .end = end};
    if (shape) record.cost = costOf(*shape);
    sink_.take(record);

    if (!key.layer && !key.op) return;  // a step's own time is the sum of nothing
    LayerStepRecord& sum = sumOf(key, scope.begin);
    const Nanoseconds time = end - scope.begin;
    if (scope.outermost) sum.time += time;
    if (key.op == Op::Router) sum.router += time;
    if (key.op == Op::Attention) sum.attention += time;
    if (record.cost) sum.cost += *record.cost;
    if (scope.outermost && key.layer) sink_.take(sum);
}

void HostTimer::Recording::add(const ScopeKey& key, const cost::OpShape& shape) {
    if (!key.layer) {
        outside = outside.value_or(cost::Cost{}) + costOf(shape);
        return;
    }
    cost::Cost& layer = layers[*key.layer];
    if (const auto* slots = std::get_if<cost::SlotAttentionShape>(&shape))
        attention[*key.layer] = *slots;
    else
        layer += costOf(shape);
}

void HostTimer::recordingBegan(RecordingIndex recording) { inProgress_ = &recordings_[recording]; }

void HostTimer::recordingEnded(RecordingIndex) { inProgress_ = nullptr; }

void HostTimer::stepReplayed(const ScopeKey& step, RecordingIndex recording,
                             std::span<const std::int64_t> attended) {
    const auto known = recordings_.find(recording);
    if (known == recordings_.end()) return;  // recorded before the run began
    const Recording& work = known->second;
    LayerStepRecord record{.batch = step.batch,
                           .turn = step.turn,
                           .phase = step.phase,
                           .step = step.step,
                           .layer = {},
                           .begin = clock_(),
                           .timeSource = "none"};
    for (const auto& [layer, cost] : work.layers) {
        record.layer = layer;
        record.cost = cost;
        const auto slots = work.attention.find(layer);
        if (const auto at = static_cast<std::size_t>(layer.value());
            slots != work.attention.end() && at < attended.size()) {
            cost::SlotAttentionShape shape = slots->second;
            shape.attended = attended[at];
            record.cost += costOf(shape);
        }
        sink_.take(record);
    }
    if (!work.outside) return;
    record.layer.reset();
    record.cost = *work.outside;
    outside_ = record;  // the host may yet do something of its own in this step
}

void HostTimer::runEnded() {
    flushOutside();
    open_.clear();
}

bool HostTimer::isOutermost(const ScopeKey& key) const {
    if (!key.layer && !key.op) return false;
    return std::none_of(open_.begin(), open_.end(), [&key](const Open& around) {
        return around.key.layer == key.layer && (key.layer || around.key.op);
    });
}

LayerStepRecord& HostTimer::sumOf(const ScopeKey& key, Nanoseconds begin) {
    if (!key.layer) {
        if (!outside_) outside_ = LayerStepRecord{.begin = begin};
    } else if (const auto layer = static_cast<std::size_t>(key.layer->value()); layer >= layers_.size()) {
        layers_.resize(layer + 1);
    }
    LayerStepRecord& sum = key.layer ? layers_[static_cast<std::size_t>(key.layer->value())] : *outside_;
    if (sum.timeSource.empty()) {
        sum = LayerStepRecord{.batch = key.batch,
                              .turn = key.turn,
                              .phase = key.phase,
                              .step = key.step,
                              .layer = key.layer,
                              .begin = begin,
                              .timeSource = timeSource_};
    }
    return sum;
}

void HostTimer::turnTo(const ScopeKey& key) {
    flushOutside();
    step_ = stepOf(key);
    for (LayerStepRecord& layer : layers_) layer = {};
}

void HostTimer::flushOutside() {
    if (outside_) sink_.take(*outside_);
    outside_.reset();
}

}  // namespace fluxscope
