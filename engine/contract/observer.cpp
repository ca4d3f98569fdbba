#include "engine/contract/observer.h"

namespace fluxscope {

std::string_view nameOf(Phase phase) { return phase == Phase::Prefill ? "prefill" : "decode"; }

std::string_view nameOf(Op op) {
    switch (op) {
        case Op::Embed: return "embed";
        case Op::Router: return "router";
        case Op::Norm: return "norm";
        case Op::Qkv: return "qkv";
        case Op::Rope: return "rope";
        case Op::KvWrite: return "kv-write";
        case Op::Attention: return "attention";
        case Op::Output: return "output";
        case Op::Mlp: return "mlp";
        case Op::Head: return "head";
        case Op::Sample: return "sample";
    }
    return "";
}

std::string_view nameOf(RunRole role) {
    switch (role) {
        case RunRole::Timed: return "timed";
        case RunRole::Timeline: return "timeline";
        case RunRole::Counters: return "counters";
        case RunRole::Off: return "off";
        case RunRole::WarmUp: return "warm-up";
        case RunRole::Verify: return "verify";
    }
    return "timed";
}

std::string_view nameOf(RunOutcome outcome) {
    switch (outcome) {
        case RunOutcome::Finished: return "finished";
        case RunOutcome::Cancelled: return "cancelled";
        case RunOutcome::Failed: return "failed";
    }
    return "failed";
}

std::string_view nameOf(TrainingKind kind) {
    switch (kind) {
        case TrainingKind::Routers: return "routers";
        case TrainingKind::Backbone: return "backbone";
    }
    return "backbone";
}

}  // namespace fluxscope
