#include "profiler/figure/routing_figure.h"

#include "engine/contract/error.h"
#include "profiler/figure/detail/heat_map.h"
#include "profiler/figure/detail/routing_cell.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fluxscope {

namespace {

constexpr HitId kLayerIds = HitId{1} << 40;
constexpr HitId kColumnIds = HitId{2} << 40;
constexpr HitId kCellIds = HitId{3} << 40;
constexpr HitId kNothing = 0;

constexpr double kWidestCell = 96;
constexpr double kTallestCell = 28;
constexpr double kGroupGap = 8;
constexpr double kLabelGap = 8;
constexpr double kHeader = 18 + 2 + 17 + 4 + 15;  // title, kinds with their rule, prompt labels
constexpr double kColumnBars = 22;

std::string percent(const FullShare& share) {
    const auto value = share.value();
    return value ? withDecimals(*value * 100, 0) + " %" : std::string();
}

// A prompt's id, or what is left of it without the kind that stands above it.
std::string columnLabel(const RoutingColumn& column, bool severalRuns, bool withKind) {
    std::string id = printable(column.promptId);
    const std::string kind = printable(column.kind);
    if (!withKind && !kind.empty() && id.size() > kind.size() + 1 && id.starts_with(kind) &&
        std::string_view("-_/.:").find(id[kind.size()]) != std::string_view::npos)
        id.erase(0, kind.size() + 1);
    if (severalRuns) id += "·" + std::to_string(column.run.value());
    return id;
}

class Drawing {
public:
    Drawing(const RoutingTable& table, const RoutingView& view, Size size, const Theme& theme)
        : table_(table),
          view_(view),
          painter_(size, theme),
          size_(size),
          margin_(size.width < 480 ? 8 : 12) {}

    RoutingFigure draw() {
        if (table_.layers == 0 || table_.columns.empty())
            return empty(table_.running ? "Waiting for the first decision of this run."
                                        : "No run yet: choose a model and prompts, then press Run.");
        layOut();
        if (columns_.size <= 0 || rows_.size <= 0 || plot_.width < 24 || plot_.height < 24)
            return empty("Too small to draw: make this panel larger.");
        title();
        groupHeaders();
        columnLabels();
        layerLabels();
        cells();
        outlineCell(view_.hovered, painter_.theme().text, 1);
        outlineCell(view_.selected, painter_.theme().accent, 2);
        layerBars();
        columnBars();
        legend();
        hits();
        figure_.plot = plot_;
        figure_.list = std::move(painter_.list());
        return std::move(figure_);
    }

private:
    RoutingFigure empty(std::string_view text) {
        Painter painter(size_, painter_.theme());
        painter.message({margin_, 0, size_.width - 2 * margin_, size_.height}, text,
                        painter.theme().textMuted);
        RoutingFigure figure;
        figure.list = std::move(painter.list());
        return figure;
    }

    void layOut() {
        for (const RoutingCell& cell : table_.cells) {
            marks_.add(cell, view_.undecidedBand);
            if (cell.margin && std::isfinite(*cell.margin))
                largestMargin_ = std::max(largestMargin_, std::abs(*cell.margin));
        }
        for (const RoutingColumn& column : table_.columns)
            severalRuns_ |= column.run != table_.columns.front().run;

        figure_.layers = visibleRange(view_.layers, table_.layers);
        figure_.columns = visibleRange(view_.columns, static_cast<std::int32_t>(table_.columns.size()));
        const double labels = std::max(textWidth("L" + std::to_string(table_.layers - 1), kSmallText),
                                       textWidth("full", kSmallText)) +
                              8;
        barsWidth_ = size_.width >= 560 ? 110 : size_.width >= 400 ? 42 : 0;
        columnBars_ = size_.height >= 300 ? kColumnBars : 0;
        legendHeight_ = legendHeight();

        plot_.x = margin_ + labels;
        plot_.y = 6 + kHeader;
        const double width = size_.width - margin_ - plot_.x - barsWidth_;
        const double height = size_.height - plot_.y - columnBars_ - legendHeight_ - 16;

        const double gaps = kGroupGap * (groupAt(lastColumn()) - groupAt(firstColumn()));
        columns_.begin = firstColumn();
        columns_.end = lastColumn() + 1;
        columns_.size =
            std::min((width - gaps) / (figure_.columns.last - figure_.columns.first), kWidestCell);
        rows_.begin = static_cast<std::int32_t>(std::floor(figure_.layers.first));
        rows_.end = static_cast<std::int32_t>(std::ceil(figure_.layers.last));
        rows_.size = std::min(height / (figure_.layers.last - figure_.layers.first), kTallestCell);
        rows_.origin = plot_.y - figure_.layers.first * rows_.size;
        plot_.width = columns_.size * (figure_.columns.last - figure_.columns.first) + gaps;
        plot_.height = rows_.size * (figure_.layers.last - figure_.layers.first);
        figure_.pooled = columns_.pooled() > 1 || rows_.pooled() > 1;
    }

    std::int32_t firstColumn() const { return static_cast<std::int32_t>(std::floor(figure_.columns.first)); }
    std::int32_t lastColumn() const { return static_cast<std::int32_t>(std::ceil(figure_.columns.last)) - 1; }

    int groupAt(std::int32_t column) const {
        const auto after =
            std::upper_bound(table_.groups.begin(), table_.groups.end(), column,
                             [](std::int32_t c, const RoutingGroup& g) { return c < g.firstColumn; });
        return static_cast<int>(after - table_.groups.begin()) - 1;
    }

    // The visible columns of one group; groups stand apart by a gap.
    Band columnsOf(int group) const {
        const RoutingGroup& g = table_.groups[static_cast<std::size_t>(group)];
        Band band;
        band.size = columns_.size;
        band.begin = std::max(g.firstColumn, columns_.begin);
        band.end = std::min(g.firstColumn + g.columns, columns_.end);
        band.origin =
            plot_.x - figure_.columns.first * columns_.size + kGroupGap * (group - groupAt(columns_.begin));
        return band;
    }

    template <class Visit>
    void eachGroup(Visit visit) const {
        for (int g = groupAt(columns_.begin); g <= groupAt(columns_.end - 1); ++g)
            visit(table_.groups[static_cast<std::size_t>(g)], columnsOf(g));
    }

    Rect shownPart(const Band& columns) const {
        const double left = std::max(columns.at(columns.begin), plot_.x);
        return {left, plot_.y, std::min(columns.at(columns.end), plot_.right()) - left, plot_.height};
    }

    double position(std::int32_t layer, std::int32_t column) const {
        const RoutingCell& cell = table_.at(layer, column);
        if (!cell.recorded) return std::nan("");
        if (view_.colouring == RoutingColouring::Decision) return cell.full() ? 1 : 0;
        if (view_.colouring == RoutingColouring::Margin && cell.margin && largestMargin_ > 0)
            return 0.5 + 0.5 * std::clamp(*cell.margin / largestMargin_, -1.0, 1.0);
        return probabilityPosition(cell);
    }

    std::string number(std::int32_t layer, std::int32_t column) const {
        const RoutingCell& cell = table_.at(layer, column);
        if (view_.colouring == RoutingColouring::Decision) return {};
        return view_.colouring == RoutingColouring::Margin ? marginNumber(cell) : probabilityNumber(cell);
    }

    void title() {
        const Theme& theme = painter_.theme();
        static constexpr std::array<std::string_view, 3> kTitles{"Routing: p_full by layer and prompt",
                                                                 "Routing: margin by layer and prompt",
                                                                 "Routing: decision by layer and prompt"};
        const std::string share =
            percent(table_.share).empty() ? std::string() : percent(table_.share) + " full";
        const Rect line{margin_, 6, size_.width - 2 * margin_, 18};
        const double shareWidth = textWidth(share, kTextSize) + 16;
        const std::string_view text = kTitles[static_cast<std::size_t>(view_.colouring)];
        painter_.label({line.x, line.y, line.width - shareWidth, line.height}, text, theme.text, kTitleSize);
        // Beside the title, not at the far edge of a window that is wider than its table.
        const double after = line.x + textWidth(text, kTitleSize) + 16;
        std::string note = share;
        if (figure_.pooled) note += " · a pixel shows its largest p_full";
        if (table_.omittedColumns > 0)
            note += " · " + formattedCount(table_.omittedColumns) + " more prompts not drawn";
        if (after + textWidth(share, kTextSize) <= line.right())
            painter_.label({after, line.y, line.right() - after, line.height}, note, theme.textMuted,
                           kTextSize);
        else
            painter_.label({line.right() - shareWidth, line.y, shareWidth, line.height}, share,
                           theme.textMuted, kTextSize, Align::Right);
    }

    void groupHeaders() {
        const Theme& theme = painter_.theme();
        eachGroup([&](const RoutingGroup& group, const Band& columns) {
            const Rect part = shownPart(columns);
            const double y = 6 + 18 + 2;
            const std::string kind = group.kind.empty() ? "no kind" : printable(group.kind);
            const std::string with =
                percent(group.share).empty() ? kind : kind + " · " + percent(group.share);
            painter_.label({part.x, y, part.width, 17},
                           textWidth(with, kSmallText) <= part.width ? with : kind, theme.text);
            painter_.fill({std::round(part.x), y + 17, std::round(part.right() - 1) - std::round(part.x), 2},
                          theme.border);
        });
    }

    bool labelsFit(bool withKind) const {
        for (std::int32_t c = columns_.begin; c < columns_.end; ++c)
            if (textWidth(columnLabel(table_.columns[static_cast<std::size_t>(c)], severalRuns_, withKind),
                          kSmallText) > columns_.size - kLabelGap)
                return false;
        return true;
    }

    // Ids where they fit, without their kind where that helps; in narrower columns the number of the prompt in its kind.
    void columnLabels() {
        const bool withKind = labelsFit(true);
        if (withKind || columns_.size >= 40 || labelsFit(false))
            idLabels(withKind);
        else
            numberLabels();
    }

    void idLabels(bool withKind) {
        eachGroup([&](const RoutingGroup&, const Band& columns) {
            for (std::int32_t c = columns.begin; c < columns.end; ++c) {
                const double left = std::max(columns.at(c), plot_.x) + kLabelGap / 2;
                const double right = std::min(columns.at(c + 1), plot_.right()) - kLabelGap / 2;
                painter_.label(
                    {left, plot_.y - 15, right - left, 13},
                    columnLabel(table_.columns[static_cast<std::size_t>(c)], severalRuns_, withKind),
                    emphasis(isColumn(view_.selected, c) || isColumn(view_.hovered, c)), kSmallText,
                    Align::Center);
            }
        });
    }

    void numberLabels() {
        eachGroup([&](const RoutingGroup& group, const Band& columns) {
            const Rect part = shownPart(columns);
            const double widest = textWidth(std::to_string(group.columns), kSmallText);
            const std::int32_t stride = labelStride(columns.size, widest + kLabelGap);
            for (std::int32_t c = columns.begin; c < columns.end; ++c) {
                const std::int32_t number = c - group.firstColumn + 1;
                const std::string text = std::to_string(number);
                const double half = textWidth(text, kSmallText) / 2;
                const double middle = columns.at(c + 0.5);
                if (number % stride != 0 || middle - half < part.x - 0.5 ||
                    middle + half > part.right() + kGroupGap - 2)
                    continue;
                painter_.label({middle - half, plot_.y - 15, 2 * half, 13}, text,
                               emphasis(isColumn(view_.selected, c) || isColumn(view_.hovered, c)));
            }
        });
    }

    bool isColumn(const std::optional<RoutingCellKey>& key, std::int32_t column) const {
        const RoutingColumn& c = table_.columns[static_cast<std::size_t>(column)];
        return key && key->run == c.run && key->sequence == c.sequence;
    }
    bool isLayer(const std::optional<RoutingCellKey>& key, std::int32_t layer) const {
        return key && key->layer.value() == layer;
    }
    Color emphasis(bool strong) const { return strong ? painter_.theme().text : painter_.theme().textMuted; }

    template <class Visit>
    void eachLabelledLayer(Visit visit) const {
        const std::int32_t stride = labelStride(rows_.size, 13);
        for (std::int32_t layer = rows_.begin; layer < rows_.end; ++layer) {
            const double middle = rows_.at(layer + 0.5);
            if (layer % stride == 0 && middle >= plot_.y && middle <= plot_.bottom()) visit(layer, middle);
        }
    }

    void layerLabels() {
        eachLabelledLayer([&](std::int32_t layer, double middle) {
            const bool strong = isLayer(view_.selected, layer) || isLayer(view_.hovered, layer);
            painter_.label({margin_, middle - 7, plot_.x - margin_ - 6, 14}, "L" + std::to_string(layer),
                           emphasis(strong), kSmallText, Align::Right);
        });
    }

    void cells() {
        const ColorTable colors([&theme = painter_.theme()](double t) { return routingColor(t, theme); });
        painter_.clip(plot_);
        eachGroup([&](const RoutingGroup&, const Band& columns) {
            paintHeat(
                painter_, columns, rows_, [&](std::int32_t r, std::int32_t c) { return position(r, c); },
                colors);
            if (columns.size < 9 || rows_.size < 9) return;
            for (std::int32_t r = rows_.begin; r < rows_.end; ++r)
                for (std::int32_t c = columns.begin; c < columns.end; ++c)
                    if (const Rect cell = withoutGap(cellRect(columns, rows_, c, r)); lies(cell, plot_))
                        paintRoutingMarks(painter_, cell, table_.at(r, c), colors(position(r, c)),
                                          view_.undecidedBand, number(r, c));
        });
        painter_.unclip();
    }

    void outlineCell(const std::optional<RoutingCellKey>& key, Color color, double width) {
        if (!key) return;
        const auto column = table_.columnOf(key->run, key->sequence);
        const std::int32_t layer = key->layer.value();
        if (!column || *column < columns_.begin || *column >= columns_.end || layer < rows_.begin ||
            layer >= rows_.end)
            return;
        painter_.clip({plot_.x - 4, plot_.y - 4, plot_.width + 8, plot_.height + 8});
        paintRing(painter_, withoutGap(cellRect(columnsOf(groupAt(*column)), rows_, *column, layer)), color,
                  width);
        painter_.unclip();
    }

    void layerBars() {
        if (barsWidth_ == 0) return;
        const Theme& theme = painter_.theme();
        const double x = plot_.right() + 10;
        const double number = textWidth("100 %", kSmallText);
        const double bar = barsWidth_ - 10 - number - 6;
        painter_.label({x, plot_.y - 21, barsWidth_ - 10, 13}, bar > 20 ? "full attention" : "full",
                       theme.textMuted);
        eachLabelledLayer([&](std::int32_t layer, double middle) {
            const auto share = table_.layerShares[static_cast<std::size_t>(layer)].value();
            if (!share) return;
            painter_.label({x, middle - 7, number, 14},
                           percent(table_.layerShares[static_cast<std::size_t>(layer)]), theme.textMuted,
                           kSmallText, Align::Right);
            if (bar <= 20) return;
            const double height = std::clamp(std::floor(rows_.size - 5), 3.0, 8.0);
            painter_.fill({x + number + 6, std::round(middle - height / 2), bar, height}, theme.grid);
            painter_.fill({x + number + 6, std::round(middle - height / 2), bar * *share, height},
                          theme.full);
        });
    }

    // From the bottom up, one bar a column; where columns are below a pixel, one bar a pixel with its largest share.
    void columnBars() {
        if (columnBars_ == 0) return;
        const Theme& theme = painter_.theme();
        const double top = plot_.bottom() + 5;
        const double height = columnBars_ - 7;
        painter_.label({margin_, top, plot_.x - margin_ - 6, height}, "full", theme.textMuted, kSmallText,
                       Align::Right);
        painter_.clip({plot_.x, top, plot_.width, height});
        eachGroup([&](const RoutingGroup&, const Band& columns) {
            const Rect part = shownPart(columns);
            painter_.fill({part.x, top, part.width - 1, height}, theme.grid);
            const std::int32_t block = columns.pooled();
            for (std::int32_t b = columns.begin / block; b * block < columns.end; ++b) {
                double share = 0;
                const std::int32_t begin = std::max(b * block, columns.begin);
                const std::int32_t end = std::min((b + 1) * block, columns.end);
                for (std::int32_t c = begin; c < end; ++c)
                    share = std::max(share,
                                     table_.columns[static_cast<std::size_t>(c)].share.value().value_or(0));
                const double left = columns.at(begin);
                const double gap = columns.size >= 6 ? 1 : 0;
                painter_.fill(
                    {left, top + height * (1 - share), columns.at(end) - left - gap, height * share},
                    theme.full);
            }
        });
        painter_.unclip();
    }

    ColorScale scale() const {
        ColorScale scale;
        const Theme& theme = painter_.theme();
        if (view_.colouring == RoutingColouring::Margin && largestMargin_ > 0) {
            scale.title = "margin, logits: full above 0";
            scale.low = -largestMargin_;
            scale.high = largestMargin_;
            scale.axis = niceAxis(scale.low, scale.high, 5, Unit::None);
            scale.color = [&theme, most = largestMargin_](double m) {
                return routingColor(0.5 + 0.5 * m / most, theme);
            };
            return scale;
        }
        // One threshold for all is marked where it lies; several are brought to the middle.
        std::optional<double> threshold;
        bool several = false;
        for (const RoutingCell& cell : table_.cells) {
            if (!cell.threshold || !std::isfinite(*cell.threshold)) continue;
            several = several || (threshold && *threshold != *cell.threshold);
            threshold = cell.threshold;
        }
        const double at = several ? 0.5 : std::clamp(threshold.value_or(0.5), 0.0, 1.0);
        std::string number = withDecimals(at, 3);
        while (number.back() == '0' && number[number.size() - 2] != '.') number.pop_back();
        scale.title = several ? "p_full, around each layer's threshold" : "p_full, threshold " + number;
        scale.axis.ticks = {{0, "0"}, {1, "1"}};
        scale.axis.ticks.insert(scale.axis.ticks.begin() + 1, {at, several ? "threshold" : number});
        scale.color = [&theme, at](double p) { return routingColor(routingPosition(p, at), theme); };
        return scale;
    }

    bool hasScale() const {
        if (view_.colouring == RoutingColouring::Decision) return false;
        return std::any_of(table_.cells.begin(), table_.cells.end(),
                           [](const RoutingCell& c) { return c.fullProbability.has_value(); });
    }
    bool oneLine() const { return size_.width >= 640; }
    double scaleWidth() const { return std::min(220.0, size_.width - 2 * margin_); }
    Rect swatchBox(double y) const {
        const bool beside = oneLine() && hasScale();
        const double x = margin_ + (beside ? scaleWidth() + 32 : 0);
        return {x,
                y + (beside       ? 12
                     : hasScale() ? ColorScale::kHeight + 2
                                  : 0),
                size_.width - margin_ - x, 0};
    }
    double legendHeight() {
        const double swatches = flowSwatches(painter_, swatchBox(0), routingSwatches(marks_), false);
        if (!hasScale()) return swatches;
        return oneLine() ? ColorScale::kHeight : ColorScale::kHeight + 2 + swatches;
    }
    void legend() {
        const double y = plot_.bottom() + columnBars_ + 10;
        if (hasScale()) scale().paint(painter_, {margin_, y, scaleWidth(), ColorScale::kHeight});
        flowSwatches(painter_, swatchBox(y), routingSwatches(marks_), true);
    }

    void hits() {
        DisplayList& list = painter_.list();
        HitId next = kCellIds;
        eachGroup([&](const RoutingGroup&, const Band& columns) {
            HitGrid grid;
            grid.rect = {columns.at(columns.begin), rows_.at(rows_.begin), columns.size * columns.cells(),
                         rows_.size * rows_.cells()};
            grid.columns = columns.cells();
            grid.rows = rows_.cells();
            grid.first = next;
            next += static_cast<HitId>(grid.columns) * static_cast<HitId>(grid.rows);
            list.hitGrids.push_back(grid);
            figure_.blocks.push_back({rows_.begin, columns.begin});

            for (std::int32_t c = columns.begin; columns.size >= 6 && c < columns.end; ++c)
                list.hitAreas.push_back(
                    {{columns.at(c), plot_.y - 17, columns.size, 17}, kColumnIds + static_cast<HitId>(c)});
        });
        for (std::int32_t layer = rows_.begin; rows_.size >= 6 && layer < rows_.end; ++layer)
            list.hitAreas.push_back({{margin_, rows_.at(layer), plot_.x - margin_, rows_.size},
                                     kLayerIds + static_cast<HitId>(layer)});
        // Half a cell may lie beyond the plot while somebody pans; nobody can see it there, so nothing hits it there.
        if (plot_.y > rows_.at(rows_.begin))
            list.hitAreas.push_back({{0, 0, size_.width, plot_.y - 17}, kNothing});
        list.hitAreas.push_back(
            {{plot_.right(), 0, std::max(size_.width - plot_.right(), 0.0), size_.height}, kNothing});
        list.hitAreas.push_back(
            {{0, plot_.bottom(), size_.width, std::max(size_.height - plot_.bottom(), 0.0)}, kNothing});
    }

    const RoutingTable& table_;
    const RoutingView& view_;
    Painter painter_;
    Size size_;
    double margin_;
    RoutingFigure figure_;
    Rect plot_;
    Band rows_;
    Band columns_;  // of the whole plot, without the gaps between groups
    double barsWidth_ = 0;
    double columnBars_ = 0;
    double legendHeight_ = 0;
    double largestMargin_ = 0;
    bool severalRuns_ = false;
    RoutingMarks marks_;
};

}  // namespace

std::optional<RoutingHit> RoutingFigure::hit(HitId id) const {
    if (id >= kCellIds) {
        for (std::size_t i = 0; i < blocks.size() && i < list.hitGrids.size(); ++i) {
            const HitGrid& grid = list.hitGrids[i];
            const auto wide = static_cast<HitId>(grid.columns);
            if (id < grid.first || id >= grid.first + wide * static_cast<HitId>(grid.rows)) continue;
            const HitId offset = id - grid.first;
            return RoutingHit{blocks[i].firstLayer + static_cast<std::int32_t>(offset / wide),
                              blocks[i].firstColumn + static_cast<std::int32_t>(offset % wide)};
        }
        return std::nullopt;
    }
    if (id >= kColumnIds) return RoutingHit{std::nullopt, static_cast<std::int32_t>(id - kColumnIds)};
    if (id >= kLayerIds) return RoutingHit{static_cast<std::int32_t>(id - kLayerIds), std::nullopt};
    return std::nullopt;
}

std::optional<RoutingHit> RoutingFigure::hitAt(Point p) const {
    const auto id = list.hitAt(p);
    return id ? hit(*id) : std::nullopt;
}

RoutingFigure routingFigure(const RoutingTable& table, const RoutingView& view, Size size,
                            const Theme& theme) {
    return Drawing(table, view, size, theme).draw();
}

double routingFigureHeight(const RoutingTable& table, double width) {
    constexpr double kComfortable = 18;
    const double legend = width >= 640 ? ColorScale::kHeight : ColorScale::kHeight + 2 + 3 * kLineHeight;
    return 6 + kHeader + table.layers * kComfortable + kColumnBars + legend + 20;
}

Tooltip routingTooltip(const RoutingTable& table, std::int32_t layer, std::int32_t column) {
    const RoutingColumn& about = table.columns[static_cast<std::size_t>(column)];
    const RoutingCell& cell = table.at(layer, column);
    Tooltip tooltip;
    tooltip.title = "layer " + std::to_string(layer) + " · " + printable(about.promptId);
    addDecisionLines(tooltip, cell);
    if (cell.prefill) {
        std::string origin = table.timeOrigin;
        if (about.batchSequences > 1)
            origin += "; the whole batch of " + std::to_string(about.batchSequences);
        tooltip.lines.push_back(
            {"prefill", formatted(static_cast<double>(cell.prefill->count()), Unit::Time), origin});
    }
    tooltip.lines.push_back({"prompt", formattedCount(about.promptTokens) + " tokens", {}});
    tooltip.lines.push_back({"policy", printable(about.policy), {}});
    return tooltip;
}

std::string toText(const Tooltip& tooltip) {
    std::string text = tooltip.title;
    for (const TooltipLine& line : tooltip.lines) {
        text += "\n" + line.label + " " + line.value;
        if (!line.origin.empty()) text += " (" + line.origin + ")";
    }
    return text;
}

}  // namespace fluxscope
