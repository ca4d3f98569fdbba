#include "profiler/figure/svg.h"

#include "profiler/figure/detail/png.h"
#include "profiler/figure/utf8.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace fluxscope {

namespace {

constexpr std::string_view kFonts =
    "'JetBrains Mono','DejaVu Sans Mono','Liberation Mono',Menlo,Consolas,monospace";

// SVG has no NaN and no infinity.
std::string number(double value) {
    if (!std::isfinite(value)) return "0";
    char buffer[400];
    std::snprintf(buffer, sizeof buffer, "%.2f", value);
    std::string text = buffer;
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text == "-0" ? "0" : text;
}

std::string attribute(std::string_view name, double value) {
    return " " + std::string(name) + "=\"" + number(value) + "\"";
}

std::string place(const Rect& r) {
    return attribute("x", r.x) + attribute("y", r.y) + attribute("width", std::max(r.width, 0.0)) +
           attribute("height", std::max(r.height, 0.0));
}

std::string paint(std::string_view property, Color color) {
    char hex[8];
    std::snprintf(hex, sizeof hex, "#%02x%02x%02x", color.r, color.g, color.b);
    std::string text = " " + std::string(property) + "=\"" + hex + "\"";
    if (color.a != 255) text += attribute(std::string(property) + "-opacity", color.a / 255.0);
    return text;
}

// Readers smooth small images whatever image-rendering says; enlarged by whole factors beforehand, little is left to smooth.
Image enlarged(const Image& image) {
    constexpr std::int64_t kMostPixels = 1 << 21;
    if (!image.pixels || image.columns <= 0 || image.rows <= 0) return image;
    const auto factor = [](double length, std::int32_t count) {
        const double wanted = std::ceil(2 * length / count);
        return static_cast<std::int32_t>(std::isfinite(wanted) ? std::clamp(wanted, 1.0, 64.0) : 1);
    };
    const std::int32_t wide = factor(image.rect.width, image.columns);
    const std::int32_t tall = factor(image.rect.height, image.rows);
    const auto stride = static_cast<std::size_t>(image.columns) * 4;
    if (std::int64_t{image.columns} * image.rows * wide * tall > kMostPixels ||
        image.pixels->size() < stride * static_cast<std::size_t>(image.rows))
        return image;

    Image large = image;
    large.columns *= wide;
    large.rows *= tall;
    auto pixels = std::make_shared<std::vector<std::uint8_t>>();
    pixels->reserve(stride * static_cast<std::size_t>(wide) * static_cast<std::size_t>(large.rows));
    for (std::int32_t y = 0; y < large.rows; ++y)
        for (std::int32_t x = 0; x < large.columns; ++x) {
            const auto at = image.pixels->begin() + static_cast<std::ptrdiff_t>(stride) * (y / tall) +
                            std::ptrdiff_t{4} * (x / wide);
            pixels->insert(pixels->end(), at, at + 4);
        }
    large.pixels = std::move(pixels);
    return large;
}

class Emitter {
public:
    Emitter(const DisplayList& list, const SvgOptions& options)
        : list_(list), prefix_(escapedXml(options.idPrefix)) {
        svg_ =
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" "
            "version=\"1.1\"" +
            attribute("width", list.size.width) + attribute("height", list.size.height) + " viewBox=\"0 0 " +
            number(list.size.width) + " " + number(list.size.height) +
            "\" role=\"img\" shape-rendering=\"crispEdges\" font-family=\"" + std::string(kFonts) + "\">\n";
        if (!options.title.empty()) svg_ += "<title>" + escapedXml(options.title) + "</title>\n";
        svg_ += "<rect" + attribute("width", list.size.width) + attribute("height", list.size.height) +
                paint("fill", list.background) + "/>\n";
    }

    std::string emit() {
        for (const DisplayItem& item : list_.items) std::visit(*this, item);
        endClip();
        return svg_ + "</svg>\n";
    }

    void operator()(const FilledRect& item) {
        svg_ += "<rect" + place(item.rect) + paint("fill", item.color) + "/>\n";
    }
    void operator()(const Outline& item) {
        const double half = item.width / 2;
        const Rect inner{item.rect.x + half, item.rect.y + half, item.rect.width - item.width,
                         item.rect.height - item.width};
        svg_ += "<rect" + place(inner) + " fill=\"none\"" + paint("stroke", item.color) +
                attribute("stroke-width", item.width) + " shape-rendering=\"auto\"/>\n";
    }
    void operator()(const Polyline& item) {
        svg_ += "<polyline points=\"";
        for (std::size_t i = 0; i < item.points.size(); ++i)
            svg_ += (i == 0 ? "" : " ") + number(item.points[i].x) + "," + number(item.points[i].y);
        svg_ += "\" fill=\"none\"" + paint("stroke", item.color) + attribute("stroke-width", item.width) +
                " shape-rendering=\"auto\"/>\n";
    }
    void operator()(const Image& item) {
        const std::string png = pngOf(enlarged(item));
        if (png.empty()) return;
        // xlink:href, not SVG 2's href: every reader knows it.
        svg_ += "<image" + place(item.rect) +
                " preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" "
                "image-rendering=\"optimizeSpeed\""
                " xlink:href=\"data:image/png;base64," +
                base64(png) + "\"/>\n";
    }
    void operator()(const Text& item) {
        const char* align = item.align == Align::Left     ? "start"
                            : item.align == Align::Center ? "middle"
                                                          : "end";
        // The middle of a line lies about a third of the size above its baseline; dominant-baseline is not read everywhere.
        svg_ += "<text" + attribute("x", item.anchor.x) + attribute("y", item.anchor.y + 0.35 * item.size) +
                attribute("font-size", item.size) + " text-anchor=\"" + align + "\"" +
                paint("fill", item.color) + " xml:space=\"preserve\">" + escapedXml(item.utf8) + "</text>\n";
    }
    void operator()(const Clip& item) {
        endClip();
        if (!item.rect) return;
        const std::string id = prefix_ + std::to_string(++clips_);
        svg_ += "<clipPath id=\"" + id + "\"><rect" + place(*item.rect) +
                "/></clipPath>\n<g clip-path=\"url(#" + id + ")\">\n";
        clipping_ = true;
    }

private:
    void endClip() {
        if (clipping_) svg_ += "</g>\n";
        clipping_ = false;
    }

    const DisplayList& list_;
    std::string prefix_;
    std::string svg_;
    int clips_ = 0;
    bool clipping_ = false;
};

}  // namespace

std::string toSvg(const DisplayList& list, const SvgOptions& options) {
    return Emitter(list, options).emit();
}

std::string escapedXml(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const CodePoint point = firstCodePoint(text);
        const bool allowed =
            point.valid &&
            (point.value >= 0x20 || point.value == '\t' || point.value == '\n' || point.value == '\r') &&
            !(point.value >= 0x7F && point.value < 0xA0) && point.value != 0xFFFE && point.value != 0xFFFF;
        if (!allowed)
            out += "\uFFFD";
        else if (point.value == '&')
            out += "&amp;";
        else if (point.value == '<')
            out += "&lt;";
        else if (point.value == '>')
            out += "&gt;";
        else if (point.value == '"')
            out += "&quot;";
        else if (point.value == '\'')
            out += "&#39;";
        else
            out += text.substr(0, point.bytes);
        text.remove_prefix(point.bytes);
    }
    return out;
}

}  // namespace fluxscope
