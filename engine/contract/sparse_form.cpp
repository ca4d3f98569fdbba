#include "engine/contract/sparse_form.h"

#include "engine/contract/error.h"

#include <array>
#include <charconv>
#include <span>
#include <vector>

namespace fluxscope {
namespace {

// Far beyond any context, far below where products of two sizes overflow.
constexpr std::int64_t kMostTokens = std::int64_t{1} << 24;

struct SizeKey {
    std::string_view name;
    std::int64_t SparseForm::* field;
    std::int64_t least;
    std::int64_t most;
};

struct ModeKeys {
    PrefillMode mode;
    std::string_view name;
    std::span<const SizeKey> sizes;  // in the order in which they are written
    bool granularity = false;
    bool threshold = false;
};

constexpr SizeKey kSink{"sink", &SparseForm::sink, 0, kMostTokens};
constexpr SizeKey kGlobal{"global", &SparseForm::sink, 0, kMostTokens};
constexpr SizeKey kWindow{"window", &SparseForm::window, 1, kMostTokens};  // a query always sees itself

constexpr std::array kStreamingSizes{kSink, kWindow};
constexpr std::array kTriangleSizes{kSink, kWindow, SizeKey{"last", &SparseForm::last, 0, kMostTokens}};
constexpr std::array kXAttentionSizes{SizeKey{"stride", &SparseForm::stride, 2, SparseForm::kBlock}, kSink,
                                      kWindow};
constexpr std::array kLongformerSizes{kWindow, kGlobal,
                                      SizeKey{"dilation", &SparseForm::dilation, 1, kMostTokens}};
constexpr std::array kBigBirdSizes{SizeKey{"block", &SparseForm::block, 1, 4096}, kWindow, kGlobal,
                                   SizeKey{"random", &SparseForm::random, 0, 4096},
                                   SizeKey{"seed", &SparseForm::seed, 0, INT64_MAX}};

constexpr std::array kModes{
    ModeKeys{.mode = PrefillMode::Full, .name = "full", .sizes = kStreamingSizes},
    ModeKeys{
        .mode = PrefillMode::Streaming, .name = "streaming", .sizes = kStreamingSizes, .granularity = true},
    ModeKeys{.mode = PrefillMode::Triangle, .name = "triangle", .sizes = kTriangleSizes, .granularity = true},
    ModeKeys{
        .mode = PrefillMode::XAttention, .name = "xattention", .sizes = kXAttentionSizes, .threshold = true},
    ModeKeys{.mode = PrefillMode::Longformer, .name = "longformer", .sizes = kLongformerSizes},
    ModeKeys{.mode = PrefillMode::BigBird, .name = "bigbird", .sizes = kBigBirdSizes},
};

const ModeKeys& keysOf(PrefillMode mode) { return kModes.at(static_cast<std::size_t>(mode)); }

std::string decimal(double value) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    return {digits.data(), end};
}

bool knows(const ModeKeys& mode, std::string_view name) {
    if (name == "decode") return true;
    if (name == "granularity") return mode.granularity;
    if (name == "threshold") return mode.threshold;
    for (const SizeKey& key : mode.sizes)
        if (key.name == name) return true;
    return false;
}

// "write it as streaming:sink=128,window=2048,granularity=token": the mode's defaults, so that every key is named.
std::string remedyOf(const ModeKeys& mode) { return "write it as " + shortForm(SparseForm::of(mode.mode)); }

class Reader {
public:
    Reader(const ModeKeys& mode, const std::string& where)
        : mode_(mode), where_(where), form_(SparseForm::of(mode.mode)) {}

    void read(std::string_view options) {
        while (!options.empty()) {
            const std::size_t comma = options.find(',');
            apply(options.substr(0, comma));
            options = comma == std::string_view::npos ? std::string_view{} : options.substr(comma + 1);
        }
    }
    const SparseForm& form() const { return form_; }

private:
    void apply(std::string_view option) {
        const std::size_t equals = option.find('=');
        const std::string_view name = option.substr(0, equals);
        const std::string_view value =
            equals == std::string_view::npos ? std::string_view{} : option.substr(equals + 1);
        requireKnown(name);
        for (const std::string_view before : seen_)
            if (before == name) throw wrong(name, "is given twice");
        seen_.push_back(name);

        if (name == "decode") {
            form_.decode =
                oneOf(name, value, "dense", "streaming") ? DecodeMode::Dense : DecodeMode::Streaming;
        } else if (name == "granularity") {
            form_.granularity =
                oneOf(name, value, "token", "block") ? Granularity::Token : Granularity::Block;
        } else if (name == "threshold") {
            form_.threshold = number<double>(name, value, "a number above 0 and up to 1");
        } else {
            for (const SizeKey& key : mode_.sizes)
                if (key.name == name) form_.*key.field = number<std::int64_t>(name, value, "a whole number");
        }
    }

    void requireKnown(std::string_view name) const {
        if (knows(mode_, name)) return;
        for (const ModeKeys& other : kModes)
            if (knows(other, name))
                throw wrong(name,
                            "belongs to " + std::string(other.name) + ", not to " + std::string(mode_.name));
        throw UsageError(where_, "", "has an unknown part '" + printable(name) + "'", remedyOf(mode_));
    }

    bool oneOf(std::string_view name, std::string_view value, const char* first, const char* second) const {
        if (value != first && value != second)
            throw wrong(name, "is '" + printable(value) + "', not " + first + " or " + second);
        return value == first;
    }

    template <class Number>
    Number number(std::string_view name, std::string_view text, const char* kind) const {
        Number value{};
        const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (failure != std::errc{} || end != text.data() + text.size())
            throw wrong(name, "is '" + printable(text) + "', not " + kind);
        return value;
    }

    UsageError wrong(std::string_view name, const std::string& problem) const {
        return {where_, std::string(name), problem, remedyOf(mode_)};
    }

    const ModeKeys& mode_;
    const std::string& where_;
    SparseForm form_;
    std::vector<std::string_view> seen_;
};

}  // namespace

std::string_view nameOf(PrefillMode mode) { return keysOf(mode).name; }

SparseForm SparseForm::of(PrefillMode mode) {
    if (mode == PrefillMode::BigBird) return {.prefill = mode, .sink = 2, .window = 3};
    return {.prefill = mode};
}

std::int64_t SparseForm::decodeSink() const {
    if (prefill == PrefillMode::BigBird) return sink * block;
    return granularity == Granularity::Token ? sink : (sink + kBlock - 1) / kBlock * kBlock;
}

std::int64_t SparseForm::decodeWindow() const {
    if (prefill == PrefillMode::BigBird) return window * block;
    if (prefill == PrefillMode::Longformer) return window * dilation;
    return granularity == Granularity::Token ? window : (window + kBlock - 1) / kBlock * kBlock;
}

SparseForm parseSparseForm(std::string_view text, const std::string& where) {
    const std::size_t colon = text.find(':');
    for (const ModeKeys& mode : kModes) {
        if (text.substr(0, colon) != mode.name) continue;
        Reader reader(mode, where);
        if (colon != std::string_view::npos) reader.read(text.substr(colon + 1));
        requireValid(reader.form(), where);
        return reader.form();
    }
    throw UsageError(where, "", "'" + printable(text) + "' is not a sparse mode",
                     "start it with streaming, triangle, xattention, longformer, bigbird or full");
}

std::string shortForm(const SparseForm& form) {
    const ModeKeys& mode = keysOf(form.prefill);
    std::string text(mode.name);
    char separator = ':';
    const auto add = [&](std::string_view name, const std::string& value) {
        text.append(1, separator).append(name).append(1, '=').append(value);
        separator = ',';
    };
    for (const SizeKey& key : mode.sizes) {
        add(key.name, std::to_string(form.*key.field));
        if (key.name == "stride") add("threshold", decimal(form.threshold));
        if (key.name == "window" && mode.granularity)
            add("granularity", form.granularity == Granularity::Token ? "token" : "block");
    }
    if (form.decode == DecodeMode::Dense) add("decode", "dense");
    return text;
}

void requireValid(const SparseForm& form, const std::string& where) {
    const ModeKeys& mode = keysOf(form.prefill);
    const auto refuse = [&](std::string_view name, const std::string& problem) {
        throw UsageError(where, std::string(name), problem, remedyOf(mode));
    };
    for (const SizeKey& key : mode.sizes) {
        const std::int64_t value = form.*key.field;
        if (value < key.least || value > key.most)
            refuse(key.name, "is " + std::to_string(value) + ", not from " + std::to_string(key.least) +
                                 " to " + std::to_string(key.most));
    }
    if (SparseForm::kBlock % form.stride != 0)
        refuse("stride", "is " + std::to_string(form.stride) + ", which does not divide the block of " +
                             std::to_string(SparseForm::kBlock));
    if (!(form.threshold > 0 && form.threshold <= 1))
        refuse("threshold", "is " + decimal(form.threshold) + ", not above 0 and up to 1");
    if (form.decodeWindow() > kMostTokens || form.decodeSink() > kMostTokens)
        refuse("window", "and global reach over more than " + std::to_string(kMostTokens) + " tokens");
}

}  // namespace fluxscope
