#include "engine/contract/error.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace fluxscope {
namespace {

std::string sentence(const std::string& where, const std::string& field, const std::string& problem,
                     const std::string& remedy) {
    std::string text = where.empty() ? std::string{} : printable(where, 400) + ": ";
    if (!field.empty()) text += printable(field, 200) + " ";
    text += problem;
    if (!remedy.empty()) text += "; " + remedy;
    return text;
}

// Length of the well-formed UTF-8 sequence that starts here, 0 when there is none.
std::size_t utf8Length(std::string_view text) {
    const auto byte = [&text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    const auto continues = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
    const std::uint8_t lead = byte(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return continues(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (!continues(1) || !continues(2)) return 0;
        const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
        const bool surrogate = lead == 0xED && byte(1) > 0x9F;
        return overlong || surrogate ? 0 : 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (!continues(1) || !continues(2) || !continues(3)) return 0;
        const bool overlong = lead == 0xF0 && byte(1) < 0x90;
        const bool beyond = lead == 0xF4 && byte(1) > 0x8F;
        return overlong || beyond ? 0 : 4;
    }
    return 0;
}

}  // namespace

const char* nameOf(ErrorFamily family) {
    switch (family) {
        case ErrorFamily::Usage: return "usage";
        case ErrorFamily::Input: return "input";
        case ErrorFamily::Machine: return "machine";
        case ErrorFamily::Cancelled: return "cancelled";
        case ErrorFamily::Fault: return "fault";
    }
    return "fault";
}

Error::Error(ErrorFamily family, std::string where, std::string field, std::string problem,
             std::string remedy)
    : std::runtime_error(sentence(where, field, problem, remedy)),
      family_(family),
      where_(std::move(where)),
      field_(std::move(field)),
      problem_(std::move(problem)),
      remedy_(std::move(remedy)) {}

UsageError::UsageError(std::string where, std::string field, std::string problem, std::string remedy)
    : Error(ErrorFamily::Usage, std::move(where), std::move(field), std::move(problem), std::move(remedy)) {}

InputError::InputError(std::string where, std::string field, std::string problem, std::string remedy)
    : Error(ErrorFamily::Input, std::move(where), std::move(field), std::move(problem), std::move(remedy)) {}

MachineError::MachineError(std::string where, std::string field, std::string problem, std::string remedy)
    : Error(ErrorFamily::Machine, std::move(where), std::move(field), std::move(problem), std::move(remedy)) {
}

FaultError::FaultError(std::string where, std::string field, std::string problem, std::string remedy)
    : Error(ErrorFamily::Fault, std::move(where), std::move(field), std::move(problem), std::move(remedy)) {}

CancelledError::CancelledError(std::string where)
    : Error(ErrorFamily::Cancelled, std::move(where), "", "was cancelled", "") {}

std::string printable(std::string_view text, std::size_t atMost) {
    std::string shown;
    while (!text.empty()) {
        if (shown.size() >= atMost) return shown + "…";
        const std::size_t length = utf8Length(text);
        const auto lead = static_cast<std::uint8_t>(text.front());
        const bool isControl = lead < 0x20 || lead == 0x7F ||
                               (length == 2 && lead == 0xC2 && static_cast<std::uint8_t>(text[1]) < 0xA0);
        if (length == 0 || isControl) {
            std::array<char, 5> escaped{};
            std::snprintf(escaped.data(), escaped.size(), "\\x%02X", lead);
            shown += escaped.data();
            text.remove_prefix(1);
        } else {
            shown += text.substr(0, length);
            text.remove_prefix(length);
        }
    }
    return shown;
}

}  // namespace fluxscope
