#include "engine/tasks/detail/document.h"

#include <algorithm>
#include <numeric>

namespace fluxscope::tasks {

PlantedDocument plant(std::string_view head, const std::vector<Planted>& facts, std::int64_t bytes,
                      Filler& filler, std::uint64_t seed) {
    std::int64_t fixed = static_cast<std::int64_t>(head.size()) + 1;
    for (const Planted& fact : facts) fixed += static_cast<std::int64_t>(fact.text.size()) + 1;
    const std::int64_t budget = std::max<std::int64_t>(0, bytes - fixed);

    std::vector<std::size_t> order(facts.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&facts](std::size_t a, std::size_t b) { return facts[a].depth < facts[b].depth; });

    PlantedDocument document{.text = std::string(head), .places = std::vector<ByteRange>(facts.size())};
    document.text.reserve(static_cast<std::size_t>(fixed + budget));
    std::string& text = document.text;
    FillerWriter writer(text, budget, filler, seed);
    for (const std::size_t index : order) {
        const Planted& fact = facts[index];
        if (fact.depth >= 1)
            writer.finish();
        else
            writer.upTo(static_cast<std::int64_t>(fact.depth * static_cast<double>(budget)));
        const bool lines = fact.text.ends_with('\n');
        if (lines && !text.empty() && text.back() != '\n') text += '\n';
        separate(text);
        const auto begin = static_cast<std::int64_t>(text.size());
        text += fact.text;
        document.places[index] = {begin, static_cast<std::int64_t>(text.size())};
    }
    writer.finish();
    if (text.empty() || text.back() != '\n') text += '\n';
    return document;
}

}  // namespace fluxscope::tasks
