#include "profiler/store/kernel_names.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace fluxscope {
namespace {

// Behind the bracket that closes the one at `at`; the end where none does. The '>' of '->' closes nothing.
std::size_t behindBracket(std::string_view name, std::size_t at) {
    int depth = 0;
    for (; at < name.size(); ++at) {
        const char c = name[at];
        if (c == '<' || c == '(' || c == '{') ++depth;
        if ((c == '>' && name[at - 1] != '-') || c == ')' || c == '}') --depth;
        if (depth == 0) return at + 1;
    }
    return name.size();
}

}  // namespace

std::string demangledName(std::string_view mangled) {
    const std::string text(mangled);
    if (!text.starts_with("_Z")) return std::string(mangled);
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> name(
        abi::__cxa_demangle(text.c_str(), nullptr, nullptr, &status), &std::free);
    return status == 0 && name ? std::string(name.get()) : text;
}

std::string shortKernelName(std::string_view name) {
    constexpr std::string_view kAnonymous = "(anonymous namespace)";
    constexpr std::string_view kOperator = "operator";
    std::size_t begin = 0;
    std::size_t end = std::string_view::npos;  // of the part in hand, where template arguments follow
    std::size_t at = 0;
    while (at < name.size()) {
        const std::string_view rest = name.substr(at);
        if (rest.starts_with(kAnonymous)) {
            at += kAnonymous.size();
        } else if (at == begin && rest.starts_with(kOperator)) {  // its signs are part of the name
            const std::size_t signs = at + kOperator.size();
            at =
                std::min(name.find('(', signs + (name.substr(signs).starts_with("()") ? 2 : 0)), name.size());
        } else if (rest.starts_with("::") || rest.front() == ' ') {
            at += rest.front() == ' ' ? 1 : 2;
            begin = at;
            end = std::string_view::npos;
        } else if (rest.front() == '<' || rest.front() == '{') {
            if (rest.front() == '<') end = std::min(end, at);
            at = behindBracket(name, at);
        } else if (rest.front() == '(') {
            const std::size_t behind = behindBracket(name, at);
            if (!name.substr(behind).starts_with("::"))
                break;  // else something inside of a function: go on with it
            at = behind;
        } else {
            ++at;
        }
    }
    const std::size_t last = std::min(end, at);
    return std::string(last > begin ? name.substr(begin, last - begin) : name);
}

}  // namespace fluxscope
