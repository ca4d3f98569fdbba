// How both levels of Routing paint a decision.
#pragma once

#include "profiler/analysis/routing_table.h"
#include "profiler/figure/detail/legend.h"
#include "profiler/figure/tooltip.h"

#include <vector>

namespace fluxscope {

// 0 sparse .. 0.5 at the threshold .. 1 full; NaN: no decision recorded.
double routingPosition(double probability, double threshold);
double probabilityPosition(const RoutingCell& cell);

bool nearThreshold(const RoutingCell& cell, double band);

// The marks over a painted cell: a square in the middle for full, a frame for near the threshold, and a number where it fits.
void paintRoutingMarks(Painter& painter, const Rect& cell, const RoutingCell& decision, Color under,
                       double band, const std::string& number);

std::string probabilityNumber(const RoutingCell& cell);  // "0.73"; empty without a router
std::string marginNumber(const RoutingCell& cell);       // "+1.00"; empty where the router did not decide

// What the marks mean; only those that occur.
struct RoutingMarks {
    bool full = false;
    bool sparse = false;
    bool near = false;
    bool missing = false;
    void add(const RoutingCell& cell, double band);
};
std::vector<Swatch> routingSwatches(const RoutingMarks& marks);

// "p_full 0.731 (threshold 0.5, margin +1.00)", "decided by router: full"
void addDecisionLines(Tooltip& tooltip, const RoutingCell& cell);

}  // namespace fluxscope
