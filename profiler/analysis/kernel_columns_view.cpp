#include "profiler/analysis/kernel_columns_view.h"

#include "profiler/analysis/detail/saturating.h"

#include <algorithm>

namespace fluxscope {

std::size_t KernelColumnsView::size() const {
    const std::size_t rows =
        std::min({begin.size(), duration.size(), place.size(), step.size(), stream.size(), name.size()});
    return std::min<std::size_t>(rows, std::numeric_limits<std::uint32_t>::max());
}

bool KernelColumnsView::bad(std::size_t row) const { return duration[row] < 0; }

std::int64_t KernelColumnsView::end(std::size_t row) const { return plus(begin[row], duration[row]); }

const KernelPlace* KernelColumnsView::placeOf(std::size_t row) const {
    const auto at = static_cast<std::size_t>(place[row]);  // below 0: beyond all
    return at < places.size() && places[at].phase ? &places[at] : nullptr;
}

std::string KernelColumnsView::nameOf(std::size_t row) const {
    const auto at = static_cast<std::size_t>(name[row]);
    return at < names.size() ? names[at] : "kernel without a name";
}

std::string KernelColumnsView::queueName(std::int32_t number) const {
    const auto at = static_cast<std::size_t>(number);
    return at < queues.size() ? queues[at] : "stream " + std::to_string(number);
}

std::optional<std::int64_t> KernelColumnsView::launchEndOf(std::size_t row) const {
    if (row >= launchEnd.size() || launchEnd[row] == kUnknown) return std::nullopt;
    return launchEnd[row];
}

std::vector<std::uint32_t> inOrderOfTime(const KernelColumnsView& kernels) {
    std::vector<std::uint32_t> order;
    order.reserve(kernels.size());
    bool sorted = true;
    for (std::size_t row = 0; row < kernels.size(); ++row) {
        if (kernels.bad(row)) continue;
        sorted = sorted && (order.empty() || kernels.begin[order.back()] <= kernels.begin[row]);
        order.push_back(static_cast<std::uint32_t>(row));
    }
    if (!sorted)
        std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
            return kernels.begin[a] < kernels.begin[b];
        });
    return order;
}

}  // namespace fluxscope
