#include "profiler/figure/detail/routing_cell.h"

#include <algorithm>
#include <cmath>

namespace fluxscope {

double routingPosition(double probability, double threshold) {
    const double p = std::clamp(probability, 0.0, 1.0);
    const double t = std::clamp(threshold, 0.0, 1.0);
    if (p > t) return 0.5 + 0.5 * (p - t) / (1 - t);
    return t > 0 ? 0.5 * p / t : 0.5;
}

double probabilityPosition(const RoutingCell& cell) {
    if (!cell.recorded) return std::nan("");
    if (cell.fullProbability && std::isfinite(*cell.fullProbability)) {
        const double threshold = cell.threshold.value_or(0.5);
        return routingPosition(*cell.fullProbability, std::isfinite(threshold) ? threshold : 0.5);
    }
    return cell.fullShare();
}

bool nearThreshold(const RoutingCell& cell, double band) {
    return cell.recorded && cell.fullProbability && cell.threshold &&
           std::abs(*cell.fullProbability - *cell.threshold) < band;
}

std::string probabilityNumber(const RoutingCell& cell) {
    if (!cell.fullProbability || !std::isfinite(*cell.fullProbability)) return {};
    return withDecimals(*cell.fullProbability, 2);
}

std::string marginNumber(const RoutingCell& cell) {
    if (!cell.margin || !std::isfinite(*cell.margin)) return {};
    return (*cell.margin > 0 ? "+" : "") + withDecimals(*cell.margin, std::abs(*cell.margin) < 9.95 ? 2 : 0);
}

void paintRoutingMarks(Painter& painter, const Rect& cell, const RoutingCell& decision, Color under,
                       double band, const std::string& number) {
    constexpr double kSmallest = 9;
    if (!decision.recorded || cell.width < kSmallest || cell.height < kSmallest) return;
    const Color ink = readableOn(under);
    if (nearThreshold(decision, band))
        painter.outline({cell.x + 1, cell.y + 1, cell.width - 2, cell.height - 2}, ink, 1);

    const double square = std::clamp(std::floor(std::min(cell.width, cell.height) * 0.3), 3.0, 6.0);
    const double middle = cell.y + std::round((cell.height - square) / 2);
    const double digits = textWidth(number, kSmallText);
    const double together = square + 4 + digits;
    if (!number.empty() && together <= cell.width - 2 && cell.height >= 14) {
        // Mark and number stand in the middle together; the mark's room stays free in sparse cells, so that numbers align.
        const double left = std::round(cell.x + (cell.width - together) / 2);
        if (decision.full()) painter.fill({left, middle, square, square}, ink);
        painter.label({left + square + 4, cell.y, digits, cell.height}, number, ink);
    } else if (decision.full()) {
        painter.fill({cell.x + std::round((cell.width - square) / 2), middle, square, square}, ink);
    }
}

void RoutingMarks::add(const RoutingCell& cell, double band) {
    if (!cell.recorded) {
        missing = true;
        return;
    }
    (cell.full() ? full : sparse) = true;
    near = near || nearThreshold(cell, band);
}

std::vector<Swatch> routingSwatches(const RoutingMarks& marks) {
    std::vector<Swatch> swatches;
    if (marks.full)
        swatches.push_back({"full", [](Painter& painter, const Rect& r) {
                                const Color color = routingColor(1, painter.theme());
                                painter.fill(r, color);
                                painter.fill({r.x + 4, r.y + 4, r.width - 8, r.height - 8},
                                             readableOn(color));
                            }});
    if (marks.sparse)
        swatches.push_back({"sparse", [](Painter& painter, const Rect& r) {
                                painter.fill(r, routingColor(0, painter.theme()));
                            }});
    if (marks.near)
        swatches.push_back({"near threshold", [](Painter& painter, const Rect& r) {
                                const Color color = routingColor(0.5, painter.theme());
                                painter.fill(r, color);
                                painter.outline({r.x + 1, r.y + 1, r.width - 2, r.height - 2},
                                                readableOn(color), 1);
                            }});
    if (marks.missing)
        swatches.push_back({"not recorded", [](Painter& painter, const Rect& r) { painter.hatch(r); }});
    return swatches;
}

void addDecisionLines(Tooltip& tooltip, const RoutingCell& cell) {
    if (!cell.recorded) {
        tooltip.lines.push_back({"decision", "not recorded", {}});
        return;
    }
    if (cell.fullProbability) {
        std::string value = withDecimals(*cell.fullProbability, 3);
        if (cell.threshold) {
            value += " (threshold " + formatted(*cell.threshold, Unit::None);
            while (value.back() == '0') value.pop_back();
            if (value.back() == '.') value.pop_back();
            if (cell.margin)
                value +=
                    std::string(", margin ") + (*cell.margin < 0 ? "" : "+") + withDecimals(*cell.margin, 2);
            value += ")";
        }
        tooltip.lines.push_back({"p_full", std::move(value), {}});
    }
    std::string decision = cell.full() ? "full" : "sparse";
    if (cell.fullHeads > 0 && cell.fullHeads < cell.heads)
        decision =
            "full for " + std::to_string(cell.fullHeads) + " of " + std::to_string(cell.heads) + " KV heads";
    tooltip.lines.push_back({"decided by " + std::string(nameOf(cell.by)) + ":", std::move(decision), {}});
}

}  // namespace fluxscope
