#include "engine/tokenizer/detail/metaspace.h"

#include "engine/contract/error.h"
#include "engine/tokenizer/utf8.h"

namespace fluxscope {

Metaspace::Metaspace(const JsonFields& step)
    : replacement(step.textOr("replacement", "\xE2\x96\x81")), split(step.flagOr("split", true)) {
    const char* remedy = "use the tokenizer.json that came with the model";
    if (replacement.empty() || utf8At(replacement, 0).length != replacement.size())
        step.refuse("replacement", "is \"" + printable(replacement, 20) + "\", not one character", remedy);
    // Older files have add_prefix_space instead of prepend_scheme.
    const bool prefixed = step.flagOr("add_prefix_space", true);
    const std::string scheme = step.textOr("prepend_scheme", prefixed ? "always" : "never");
    if (scheme == "always")
        prepend = Prepend::Always;
    else if (scheme == "first")
        prepend = Prepend::First;
    else if (scheme == "never")
        prepend = Prepend::Never;
    else
        step.refuse("prepend_scheme",
                    "is " + printable(scheme, 20) + ", and always, first and never are read", remedy);
    if (!prefixed && prepend != Prepend::Never)
        step.refuse("add_prefix_space", "is false, which contradicts prepend_scheme", remedy);
}

}  // namespace fluxscope
