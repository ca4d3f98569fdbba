#include "profiler/record/cupti/detail/names.h"

namespace fluxscope {

std::string_view Names::of(const char* name) {
    if (name == nullptr) return {};
    std::string_view& known = byPointer_[name];
    const std::string_view now(name);
    if (known == now && known.data() != nullptr) return known;
    auto kept = kept_.find(now);
    if (kept == kept_.end()) kept = kept_.emplace(now).first;
    known = *kept;
    return known;
}

}  // namespace fluxscope
