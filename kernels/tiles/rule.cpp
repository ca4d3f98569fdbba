#include "kernels/tiles/rule.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <unordered_map>
#include <utility>

namespace fluxscope {
namespace {

constexpr std::uint64_t kAll = ~std::uint64_t{0};

constexpr std::uint64_t lowest(std::int64_t bits) {
    return bits <= 0 ? 0 : bits >= kTileKeys ? kAll : (std::uint64_t{1} << bits) - 1;
}

// Bits phase, phase + step, phase + 2 step ...
std::uint64_t everyNth(std::int64_t step, std::int64_t phase) {
    std::uint64_t bits = 0;
    for (std::int64_t b = phase; b < kTileKeys; b += step) bits |= std::uint64_t{1} << b;
    return bits;
}

std::int64_t windowBegin(const TileRule& rule, std::int64_t position) {
    return std::max<std::int64_t>(0, (position / rule.block - rule.window + 1) * rule.block);
}
std::int64_t modelBegin(const TileRule& rule, std::int64_t position) {
    return rule.modelWindow > position ? 0 : position - rule.modelWindow + 1;
}

std::uint64_t seesAmong(const TileRule& rule, std::int64_t position, std::int64_t key,
                        std::span<const std::int64_t> drawnBlocks) {
    const std::uint64_t causal = lowest(position - key + 1);
    const std::uint64_t model = ~lowest(modelBegin(rule, position) - key);
    if (position >= rule.denseFrom) return causal & model;
    std::uint64_t near = ~lowest(windowBegin(rule, position) - key);
    if (rule.dilation > 1)
        near &= everyNth(rule.dilation, std::max<std::int64_t>(0, position - key) % rule.dilation);
    for (const std::int64_t block : drawnBlocks)
        near |= lowest((block + 1) * rule.block - key) & ~lowest(block * rule.block - key);
    return causal & (lowest(rule.sink - key) | (near & model));
}

// FNV-1a over words.
struct MaskHash {
    std::size_t operator()(const TileMask& mask) const {
        std::uint64_t hash = 0xCBF29CE484222325U;
        for (const std::uint64_t word : mask) hash = (hash ^ word) * 0x100000001B3U;
        return hash;
    }
};

// Masks by their content, each stored once.
class Masks {
public:
    explicit Masks(std::vector<TileMask>& masks) : masks_(masks) {}

    std::int32_t indexOf(const TileMask& mask) {
        const auto [place, isNew] = known_.try_emplace(mask, static_cast<std::int32_t>(masks_.size()));
        if (isNew) masks_.push_back(mask);
        return place->second;
    }

private:
    std::vector<TileMask>& masks_;
    std::unordered_map<TileMask, std::int32_t, MaskHash> known_;
};

// One tile of queries: which tiles of keys they may see, and what exactly they see of one.
class QueryTile {
public:
    QueryTile(const TileRule& rule, const KeyPlaces& places, std::int64_t tile, std::int64_t begin,
              std::int64_t end)
        : rule_(rule),
          places_(places),
          origin_(tile * kTileRows),
          first_(std::max(begin, origin_)),
          last_(std::min(end, origin_ + kTileRows) - 1) {
        if (rule.drawn > 0 && first_ < rule.denseFrom)
            for (std::int64_t b = origin_ / rule.block; b <= (origin_ + kTileRows - 1) / rule.block; ++b)
                drawn_.push_back(rule.drawnBlocks(b));
    }

    // Ranges of stored tiles outside of which no query of this tile sees a key; ascending, apart from each other.
    std::vector<std::pair<std::int64_t, std::int64_t>> candidates() const {
        std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
        if (first_ < rule_.denseFrom) {
            addKeys(ranges, 0, rule_.sink);
            addKeys(ranges, std::max(windowBegin(rule_, first_), modelBegin(rule_, first_)), last_ + 1);
            for (const std::vector<std::int64_t>& blocks : drawn_)
                for (const std::int64_t block : blocks)
                    addKeys(ranges, block * rule_.block, (block + 1) * rule_.block);
        }
        if (last_ >= rule_.denseFrom)
            addKeys(ranges, modelBegin(rule_, std::max(first_, rule_.denseFrom)), last_ + 1);
        std::sort(ranges.begin(), ranges.end());
        std::size_t joined = 0;
        for (std::size_t i = 1; i < ranges.size(); ++i) {
            if (ranges[i].first <= ranges[joined].second)
                ranges[joined].second = std::max(ranges[joined].second, ranges[i].second);
            else
                ranges[++joined] = ranges[i];
        }
        if (!ranges.empty()) ranges.resize(joined + 1);
        return ranges;
    }

    // Appends the stored tile unless none of the queries sees anything of it.
    void append(std::int64_t tile, std::vector<KeyTile>& tiles, Masks& masks) const {
        const std::int64_t stored = tile * kTileKeys;
        const std::int64_t atPlace =  // keys of the tile that lie where their position says
            places_.gap == 0 ? kTileKeys : std::clamp<std::int64_t>(places_.sink - stored, 0, kTileKeys);
        const bool together = atPlace == 0 || atPlace == kTileKeys;
        if (together && seesWhole(stored + (atPlace == 0 ? places_.gap : 0))) {
            tiles.push_back({static_cast<std::int32_t>(tile), KeyTile::kWhole});
            return;
        }
        TileMask mask{};
        std::uint64_t seen = 0;
        for (std::int64_t r = 0; r < kTileRows; ++r) {
            std::uint64_t word = seesKeys(origin_ + r, stored) & lowest(atPlace);
            if (atPlace < kTileKeys) word |= seesKeys(origin_ + r, stored + places_.gap) & ~lowest(atPlace);
            mask[static_cast<std::size_t>(r)] = word;
            if (origin_ + r >= first_ && origin_ + r <= last_) seen |= word;
        }
        if (seen != 0) tiles.push_back({static_cast<std::int32_t>(tile), masks.indexOf(mask)});
    }

private:
    void addKeys(std::vector<std::pair<std::int64_t, std::int64_t>>& ranges, std::int64_t begin,
                 std::int64_t end) const {
        const auto add = [&](std::int64_t from, std::int64_t to) {
            if (from < to) ranges.emplace_back(from / kTileKeys, (to + kTileKeys - 1) / kTileKeys);
        };
        end = std::min(end, last_ + 1);
        if (places_.gap == 0) return add(begin, end);
        add(begin, std::min(end, places_.sink));
        add(std::max(begin, places_.sink + places_.gap) - places_.gap, end - places_.gap);
    }

    // A yes is certain; a no may still be a tile that is seen whole, and then has a mask of ones.
    bool seesWhole(std::int64_t key) const {
        const std::int64_t lastKey = key + kTileKeys - 1;
        if (lastKey > first_) return false;
        const bool inModel = key >= modelBegin(rule_, last_);
        if (first_ >= rule_.denseFrom) return inModel;
        if (last_ < rule_.denseFrom && lastKey < rule_.sink) return true;
        return rule_.dilation == 1 && inModel && key >= windowBegin(rule_, last_);
    }

    std::uint64_t seesKeys(std::int64_t position, std::int64_t key) const {
        if (drawn_.empty()) return seesAmong(rule_, position, key, {});
        const std::int64_t block = position / rule_.block - origin_ / rule_.block;
        return seesAmong(rule_, position, key, drawn_[static_cast<std::size_t>(block)]);
    }

    const TileRule& rule_;
    const KeyPlaces& places_;
    std::int64_t origin_;  // position of row 0
    std::int64_t first_;   // positions of the queries that are there
    std::int64_t last_;
    std::vector<std::vector<std::int64_t>> drawn_;  // by block of queries, from the tile's first on
};

TilesShape placeOf(std::int64_t begin, std::int64_t end) { return {.begin = begin, .end = end}; }

}  // namespace

std::uint64_t TileRule::sees(std::int64_t position, std::int64_t key) const {
    return seesAmong(*this, position, key, drawnBlocks(position / block));
}

std::uint64_t mixed(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31U);
}
std::uint64_t mixedSeed(std::uint64_t seed, std::uint64_t layer) { return mixed(mixed(seed) ^ layer); }

std::vector<std::int64_t> TileRule::drawnBlocks(std::int64_t queryBlock) const {
    const std::int64_t first = (sink + block - 1) / block;
    const std::int64_t candidates = queryBlock - window + 1 - first;
    std::vector<std::int64_t> chosen;
    if (drawn == 0 || candidates <= 0) return chosen;
    const std::uint64_t ofBlock = mixed(draw ^ static_cast<std::uint64_t>(queryBlock));
    for (std::int64_t k = std::max<std::int64_t>(0, candidates - drawn); k < candidates; ++k) {
        const std::uint64_t hash = mixed(ofBlock ^ static_cast<std::uint64_t>(k));
        const std::int64_t guess =
            first + static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(k + 1));
        const bool taken = std::find(chosen.begin(), chosen.end(), guess) != chosen.end();
        chosen.push_back(taken ? first + k : guess);
    }
    std::sort(chosen.begin(), chosen.end());
    return chosen;
}

TileList tilesOf(const TileRule& rule, std::int64_t begin, std::int64_t end, const KeyPlaces& places) {
    const TilesShape at = placeOf(begin, end);
    TileList list;
    Masks masks(list.masks);
    for (std::int64_t t = at.firstTile(); t < at.firstTile() + at.queryTiles(); ++t) {
        const QueryTile queries(rule, places, t, begin, end);
        const auto first = static_cast<std::int64_t>(list.tiles.size());
        for (const auto& [from, to] : queries.candidates())
            for (std::int64_t tile = from; tile < to; ++tile) queries.append(tile, list.tiles, masks);
        list.runs.push_back({first, static_cast<std::int64_t>(list.tiles.size()) - first});
    }
    return list;
}

TileList tilesOfBlocks(const TileRule& rule, std::int64_t begin, std::int64_t end, std::int64_t heads,
                       std::span<const std::uint8_t> keep) {
    const TilesShape at = placeOf(begin, end);
    const std::int64_t blocks = (end + kTileRows - 1) / kTileRows;
    assert(static_cast<std::int64_t>(keep.size()) == heads * at.queryTiles() * blocks);
    constexpr std::int64_t kTilesOfBlock = kTileRows / kTileKeys;
    const KeyPlaces places;
    TileList list{.lists = heads};
    Masks masks(list.masks);
    auto flags = keep.begin();
    for (std::int64_t h = 0; h < heads; ++h) {
        for (std::int64_t t = at.firstTile(); t < at.firstTile() + at.queryTiles(); ++t) {
            const QueryTile queries(rule, places, t, begin, end);
            const auto first = static_cast<std::int64_t>(list.tiles.size());
            for (std::int64_t block = 0; block < blocks; ++block, ++flags)
                for (std::int64_t i = 0; *flags != 0 && i < kTilesOfBlock; ++i)
                    queries.append(block * kTilesOfBlock + i, list.tiles, masks);
            list.runs.push_back({first, static_cast<std::int64_t>(list.tiles.size()) - first});
        }
    }
    return list;
}

TileVisits visitsOf(const TilesShape& shape, const TileList& list) {
    const std::int64_t headsOfList = shape.heads / list.lists;
    const std::int64_t listsOfKvHead = std::max<std::int64_t>(1, list.lists / shape.kvHeads);
    const auto keyTiles = static_cast<std::size_t>((shape.keys + kTileKeys - 1) / kTileKeys);
    TileVisits visits;
    std::vector<std::uint64_t> read(keyTiles);  // keys of one KV head
    for (std::int64_t l = 0; l < list.lists; ++l) {
        for (std::int64_t t = 0; t < shape.queryTiles(); ++t) {
            const std::int64_t origin = (shape.firstTile() + t) * kTileRows;
            const std::int64_t first = std::max(shape.begin, origin);
            const std::int64_t end = std::min(shape.end, origin + kTileRows);
            const TileRun& run = list.runs[static_cast<std::size_t>(l * shape.queryTiles() + t)];
            visits.tiles += run.count * headsOfList;
            for (std::int64_t i = run.first; i < run.first + run.count; ++i) {
                const KeyTile& tile = list.tiles[static_cast<std::size_t>(i)];
                const std::uint64_t stored = lowest(shape.keys - tile.key * kTileKeys);
                std::uint64_t& keys = read[static_cast<std::size_t>(tile.key)];
                if (tile.mask == KeyTile::kWhole) {
                    visits.pairs += (end - first) * std::popcount(stored) * headsOfList;
                    keys |= stored;
                    continue;
                }
                const TileMask& mask = list.masks[static_cast<std::size_t>(tile.mask)];
                for (std::int64_t r = first - origin; r < end - origin; ++r) {
                    const std::uint64_t word = mask[static_cast<std::size_t>(r)] & stored;
                    visits.pairs += std::popcount(word) * headsOfList;
                    keys |= word;
                }
            }
        }
        if ((l + 1) % listsOfKvHead != 0) continue;
        const std::int64_t kvHeads = list.lists == 1 ? shape.kvHeads : 1;
        for (const std::uint64_t keys : read) visits.keys += std::popcount(keys) * kvHeads;
        std::fill(read.begin(), read.end(), 0);
    }
    return visits;
}

}  // namespace fluxscope
