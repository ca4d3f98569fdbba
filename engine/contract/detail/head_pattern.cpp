#include "engine/contract/detail/head_pattern.h"

#include "engine/contract/error.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

namespace fluxscope {
namespace {

// The next piece up to a separator, which is taken away with it.
std::string_view cut(std::string_view& text, char separator) {
    const std::size_t end = text.find(separator);
    const std::string_view piece = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return piece;
}

std::optional<double> parseAlpha(std::string_view text) {
    double value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
        return std::nullopt;
    return std::clamp(value, 0.0, 1.0);
}

}  // namespace

std::vector<std::vector<double>> parseHeadScores(std::string_view tsv, const std::string& where) {
    const char* const remedy = "give a line a layer with a number a KV head, between tabs";
    std::vector<std::vector<double>> alphas;
    for (std::size_t number = 1; !tsv.empty(); ++number) {
        std::string_view line = cut(tsv, '\n');
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty()) continue;
        const std::string lineName = "line " + std::to_string(number);
        std::vector<double> row;
        while (!line.empty()) {
            const std::string_view cell = cut(line, '\t');
            const std::optional<double> alpha = parseAlpha(cell);
            if (!alpha)
                throw InputError(where, lineName, "has '" + printable(cell, 40) + "', which is not a number",
                                 remedy);
            row.push_back(*alpha);
        }
        if (!alphas.empty() && row.size() != alphas.front().size())
            throw InputError(where, lineName,
                             "has " + std::to_string(row.size()) + " numbers and the first has " +
                                 std::to_string(alphas.front().size()),
                             remedy);
        alphas.push_back(std::move(row));
    }
    if (alphas.empty()) throw InputError(where, "", "has no numbers", remedy);
    return alphas;
}

HeadRows fullHeads(const std::vector<std::vector<double>>& alphas, double sparsity) {
    std::vector<double> flat;
    for (const std::vector<double>& row : alphas) flat.insert(flat.end(), row.begin(), row.end());
    std::vector<std::size_t> order(flat.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return flat[a] != flat[b] ? flat[a] < flat[b] : a > b; });
    const auto sparse = static_cast<std::size_t>(std::ceil(sparsity * static_cast<double>(flat.size() - 1)));

    const std::size_t heads = alphas.front().size();
    HeadRows rows(alphas.size(), std::vector<Attention>(heads, Attention::Full));
    for (std::size_t n = 0; n < sparse; ++n) rows[order[n] / heads][order[n] % heads] = Attention::Sparse;
    return rows;
}

}  // namespace fluxscope
