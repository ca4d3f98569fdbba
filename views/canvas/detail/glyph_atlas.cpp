#include "views/canvas/detail/glyph_atlas.h"

#include "views/detail/figure_text.h"
#include "views/fonts.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace fluxscope {
namespace {

// ImGui's font sizes are ascent + descent; JetBrains Mono has 1020 + 300 units to an em of 1000.
constexpr double kLineHeightPerEm = 1.32;
constexpr double kQuarters = 4;
constexpr std::size_t kManySizes =
    24;  // a user who drags a window from scale to scale leaves old ones behind

int keyOf(double deviceSize) { return std::max(1, static_cast<int>(std::lround(deviceSize * kQuarters))); }

// What nearly every figure needs, so that the second one rarely has the atlas rebuilt.
void addCommon(std::set<ImWchar>& characters) {
    for (ImWchar c = 0x20; c < 0x7F; ++c) characters.insert(c);
    for (const char32_t c : U"µσ·×–—…≤≥→Δ±°\uFFFD")
        if (c != 0) characters.insert(static_cast<ImWchar>(c));
}

}  // namespace

bool GlyphAtlas::prepare(ImFontAtlas& atlas, const std::vector<const DisplayList*>& lists, double scale) {
    bool changed = fonts_.empty();
    if (characters_.empty()) addCommon(characters_);
    std::set<int> wanted;
    for (const DisplayList* list : lists) {
        for (const DisplayItem& item : list->items) {
            const auto* text = std::get_if<Text>(&item);
            if (!text) continue;
            wanted.insert(keyOf(text->size * scale));
            for (const char32_t c : codePointsOf(text->utf8))
                if (c <= 0xFFFD && c >= 0x20) changed |= characters_.insert(static_cast<ImWchar>(c)).second;
        }
    }
    if (wanted.empty()) wanted.insert(keyOf(12 * scale));  // ImGui wants at least one font
    if (fonts_.size() > kManySizes) fonts_.clear();
    for (const int key : wanted) changed |= fonts_.emplace(key, nullptr).second;
    if (changed) build(atlas);
    return changed;
}

const ImFont& GlyphAtlas::font(double deviceSize) const {
    const auto found = fonts_.find(keyOf(deviceSize));
    if (found == fonts_.end())
        throw std::logic_error("a text size that the glyph atlas was not prepared for");
    return *found->second;
}

void GlyphAtlas::build(ImFontAtlas& atlas) {
    ranges_.clear();
    for (const ImWchar c : characters_) {
        if (!ranges_.empty() && ranges_.back() + 1 == c) {
            ranges_.back() = c;
        } else {
            ranges_.push_back(c);
            ranges_.push_back(c);
        }
    }
    ranges_.push_back(0);

    atlas.Clear();
    atlas.Flags |= ImFontAtlasFlags_NoMouseCursors | ImFontAtlasFlags_NoBakedLines;
    static QByteArray file = figureFont();  // ImGui takes a mutable pointer and does not write through it
    for (auto& [key, font] : fonts_) {
        ImFontConfig config;
        config.FontDataOwnedByAtlas = false;
        config.OversampleH = kPositionsPerPixel;
        config.OversampleV = 1;
        config.PixelSnapH = false;
        const double deviceSize = key / kQuarters;
        font = atlas.AddFontFromMemoryTTF(file.data(), static_cast<int>(file.size()),
                                          static_cast<float>(deviceSize * kLineHeightPerEm), &config,
                                          ranges_.data());
    }
    atlas.Build();
}

}  // namespace fluxscope
