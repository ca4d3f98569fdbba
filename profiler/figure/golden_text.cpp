// Display lists as text, one item a line: what a golden test compares and a reviewer reads in a diff.
#include "profiler/figure/display_list.h"

#include <cmath>
#include <cstdio>

namespace fluxscope {

namespace {

std::string number(double value) {
    if (!std::isfinite(value)) return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%.2f", value);
    std::string text = buffer;
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text == "-0" ? "0" : text;
}

std::string place(const Rect& r) {
    return number(r.x) + "," + number(r.y) + " " + number(r.width) + "x" + number(r.height);
}

std::string name(const Color& c) {
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, "#%02x%02x%02x%02x", c.r, c.g, c.b, c.a);
    return c.a == 255 ? std::string(buffer, 7) : std::string(buffer);
}

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') out += '\\';
        if (byte >= 0x20 && byte != 0x7F) {
            out += c;
        } else {
            char buffer[8];
            std::snprintf(buffer, sizeof buffer, "\\x%02x", byte);
            out += buffer;
        }
    }
    return out + "\"";
}

// FNV-1a: a picture's pixels as one number that changes when they do.
std::string digest(const std::vector<std::uint8_t>& bytes) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%016llx", static_cast<unsigned long long>(hash));
    return buffer;
}

struct Line {
    std::string operator()(const FilledRect& item) const {
        return "rect " + place(item.rect) + " " + name(item.color);
    }
    std::string operator()(const Outline& item) const {
        return "outline " + place(item.rect) + " " + name(item.color) + " width " + number(item.width);
    }
    std::string operator()(const Polyline& item) const {
        std::string line = "polyline " + name(item.color) + " width " + number(item.width);
        for (const Point& p : item.points) line += " " + number(p.x) + "," + number(p.y);
        return line;
    }
    std::string operator()(const Image& item) const {
        return "image " + place(item.rect) + " pixels " + std::to_string(item.columns) + "x" +
               std::to_string(item.rows) + " " + (item.pixels ? digest(*item.pixels) : std::string("none"));
    }
    std::string operator()(const Text& item) const {
        const char* align = item.align == Align::Left     ? "left"
                            : item.align == Align::Center ? "center"
                                                          : "right";
        return std::string("text ") + align + " " + number(item.anchor.x) + "," + number(item.anchor.y) +
               " size " + number(item.size) + " " + name(item.color) + " " + quoted(item.utf8);
    }
    std::string operator()(const Clip& item) const {
        return item.rect ? "clip " + place(*item.rect) : "clip none";
    }
};

}  // namespace

std::string toGoldenText(const DisplayList& list) {
    std::string text = "size " + number(list.size.width) + "x" + number(list.size.height) + " background " +
                       name(list.background) + "\n";
    for (const DisplayItem& item : list.items) text += std::visit(Line{}, item) + "\n";
    for (const HitArea& area : list.hitAreas)
        text += "hit " + place(area.rect) + " id " + std::to_string(area.id) + "\n";
    for (const HitGrid& grid : list.hitGrids)
        text += "hits " + place(grid.rect) + " cells " + std::to_string(grid.columns) + "x" +
                std::to_string(grid.rows) + " first " + std::to_string(grid.first) + "\n";
    return text;
}

}  // namespace fluxscope
