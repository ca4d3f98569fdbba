// Opens the observer's scopes: a place in the pass (step, layer, chunk) that narrows as the code goes in.
#pragma once

#include "engine/contract/observer.h"

#include <optional>

namespace fluxscope {

class Tracer {
public:
    Tracer(Observer& observer, bool ops, BatchIndex batch, Phase phase, StepIndex step)
        : observer_(&observer),
          ops_(ops),
          key_{.batch = batch, .turn = {}, .phase = phase, .step = step, .layer = {}, .chunk = {}, .op = {}} {
    }

    Tracer turn(TurnIndex turn) const {
        Tracer inner = *this;
        inner.key_.turn = turn;
        return inner;
    }
    Tracer layer(LayerIndex layer) const {
        Tracer inner = *this;
        inner.key_.layer = layer;
        return inner;
    }
    Tracer chunk(ChunkIndex chunk) const {
        Tracer inner = *this;
        inner.key_.chunk = chunk;
        return inner;
    }

    [[nodiscard]] ObservedScope open() const { return ObservedScope(*observer_, key_); }
    // Without a shape: price() the scope before it closes.
    [[nodiscard]] std::optional<ObservedScope> op(Op op,
                                                  std::optional<cost::OpShape> shape = std::nullopt) const {
        if (!ops_) return std::nullopt;
        ScopeKey key = key_;
        key.op = op;
        return std::optional<ObservedScope>(std::in_place, *observer_, key, shape);
    }

    Observer& observer() const { return *observer_; }
    const ScopeKey& key() const { return key_; }

private:
    Observer* observer_;
    bool ops_;
    ScopeKey key_;
};

}  // namespace fluxscope
