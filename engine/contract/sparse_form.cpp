#include "engine/contract/sparse_form.h"

#include "engine/contract/error.h"

#include <charconv>
#include <vector>

namespace fluxscope {
namespace {

constexpr std::string_view kRemedy =
    "write it as streaming:sink=128,window=2048,granularity=token,decode=streaming";

std::int64_t parseSize(std::string_view text, std::string_view name, std::int64_t least,
                       const std::string& where) {
    std::int64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size() || value < least)
        throw UsageError(
            where, std::string(name),
            "is '" + printable(text) + "', not a number of tokens from " + std::to_string(least) + " up",
            std::string(kRemedy));
    return value;
}

void applyOption(SparseForm& form, std::string_view option, const std::string& where) {
    const std::size_t equals = option.find('=');
    const std::string_view name = option.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view{} : option.substr(equals + 1);
    const auto refuse = [&](const char* choices) -> UsageError {
        return {where, std::string(name), "is '" + printable(value) + "', not " + choices,
                std::string(kRemedy)};
    };
    if (name == "sink") {
        form.sink = parseSize(value, name, 0, where);
    } else if (name == "window") {
        form.window = parseSize(value, name, 1, where);  // a query always sees itself
    } else if (name == "granularity") {
        if (value != "token" && value != "block") throw refuse("token or block");
        form.granularity = value == "token" ? Granularity::Token : Granularity::Block;
    } else if (name == "decode") {
        if (value != "dense" && value != "streaming") throw refuse("dense or streaming");
        form.decode = value == "dense" ? DecodeMode::Dense : DecodeMode::Streaming;
    } else {
        throw UsageError(where, "", "has an unknown part '" + printable(option) + "'", std::string(kRemedy));
    }
}

}  // namespace

SparseForm parseSparseForm(std::string_view text, const std::string& where) {
    const std::size_t colon = text.find(':');
    if (text.substr(0, colon) != "streaming")
        throw UsageError(where, "", "'" + printable(text) + "' is not a sparse mode", std::string(kRemedy));
    SparseForm form;
    std::string_view options = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
    while (!options.empty()) {
        const std::size_t comma = options.find(',');
        applyOption(form, options.substr(0, comma), where);
        options = comma == std::string_view::npos ? std::string_view{} : options.substr(comma + 1);
    }
    return form;
}

std::string shortForm(const SparseForm& form) {
    std::string text =
        "streaming:sink=" + std::to_string(form.sink) + ",window=" + std::to_string(form.window);
    text += form.granularity == Granularity::Token ? ",granularity=token" : ",granularity=block";
    if (form.decode == DecodeMode::Dense) text += ",decode=dense";
    return text;
}

}  // namespace fluxscope
