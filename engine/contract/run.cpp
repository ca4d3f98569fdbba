#include "engine/contract/run.h"

namespace fluxscope {

std::string_view nameOf(TurnMode mode) { return mode == TurnMode::Keep ? "keep" : "redo"; }

std::string_view nameOf(TurnEnd end) {
    switch (end) {
        case TurnEnd::MaxNew: return "max-new";
        case TurnEnd::EndToken: return "end-token";
        case TurnEnd::StopString: return "stop-string";
        case TurnEnd::Forced: return "forced";
    }
    return "max-new";
}

}  // namespace fluxscope
