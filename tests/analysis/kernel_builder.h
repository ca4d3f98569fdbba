// Kernels out of a text table:
//
//   const KernelTable k(R"(
//       phase   step  layer  op         name   stream  start_us  end_us  launched_us
//       decode  1     0      attention  flash  7       10        30      5
//   )");
//
// Columns may be left out: phase is then prefill, and everything else 0; "-" is "none" (phase -: unattributed). An end before
// the start is a bad time stamp.
#pragma once

#include "profiler/analysis/kernel_columns_view.h"
#include "tests/analysis/snapshot_builder.h"

#include <algorithm>

namespace fluxscope::testing {

class KernelTable {
public:
    explicit KernelTable(const std::string& text) {
        for (const TextRow& row : textRows(text, {"batch", "phase", "step", "layer", "op", "name", "stream",
                                                  "start_us", "end_us", "launched_us"})) {
            const auto whole = [&row](const std::string& name) {
                return row.contains(name) && row.at(name) != "-" ? std::stoll(row.at(name)) : 0;
            };
            KernelPlace place;
            const std::string phase = row.contains("phase") ? row.at("phase") : "prefill";
            if (phase != "-") place.phase = phase == "decode" ? Phase::Decode : Phase::Prefill;
            place.batch = BatchIndex::of(whole("batch"));
            if (row.contains("layer") && row.at("layer") != "-") place.layer = LayerIndex::of(whole("layer"));
            if (row.contains("op") && row.at("op") != "-") place.op = opOf(row.at("op"));
            place_.push_back(indexOf(places_, place));
            name_.push_back(indexOf(names_, row.contains("name") ? row.at("name") : std::string("k")));
            step_.push_back(static_cast<std::int32_t>(whole("step")));
            stream_.push_back(static_cast<std::int32_t>(whole("stream")));
            begin_.push_back(whole("start_us") * 1000);
            const std::int64_t duration = (whole("end_us") - whole("start_us")) * 1000;
            duration_.push_back(duration < 0 ? -1 : duration);
            const bool launched = row.contains("launched_us") && row.at("launched_us") != "-";
            launchEnd_.push_back(launched ? whole("launched_us") * 1000 : KernelColumnsView::kUnknown);
        }
    }
    KernelTable(const KernelTable&) = delete;
    KernelTable& operator=(const KernelTable&) = delete;
    ~KernelTable() = default;

    KernelColumnsView view() const {
        KernelColumnsView v;
        v.begin = begin_;
        v.duration = duration_;
        v.place = place_;
        v.step = step_;
        v.stream = stream_;
        v.name = name_;
        v.launchEnd = launchEnd_;
        v.places = places_;
        v.names = names_;
        return v;
    }

    // What a table of words cannot say.
    std::vector<std::int64_t>& begin() { return begin_; }
    std::vector<std::int64_t>& duration() { return duration_; }

private:
    template <class Value>
    static std::int32_t indexOf(std::vector<Value>& all, const Value& value) {
        const auto found = std::find(all.begin(), all.end(), value);
        const auto at = static_cast<std::int32_t>(found - all.begin());
        if (found == all.end()) all.push_back(value);
        return at;
    }
    static Op opOf(const std::string& name) {
        for (int i = 0; i <= static_cast<int>(Op::Sample); ++i)
            if (name == nameOf(static_cast<Op>(i))) return static_cast<Op>(i);
        throw std::invalid_argument("no op '" + name + "'");
    }

    std::vector<std::int64_t> begin_, duration_, launchEnd_;
    std::vector<std::int32_t> place_, stream_, name_, step_;
    std::vector<KernelPlace> places_;
    std::vector<std::string> names_;
};

}  // namespace fluxscope::testing
