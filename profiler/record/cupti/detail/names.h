// Names that outlive everything: a record holds a view of one for as long as the process lives.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace fluxscope {

class Names {
public:
    // CUPTI hands out the same pointer for a kernel each time, but a module that is unloaded gives its memory back: what a
    // known pointer points to is compared.
    std::string_view of(const char* name);

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };

    std::unordered_map<const char*, std::string_view> byPointer_;
    std::unordered_set<std::string, Hash, std::equal_to<>> kept_;
};

}  // namespace fluxscope
