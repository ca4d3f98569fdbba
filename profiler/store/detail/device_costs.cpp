#include "profiler/store/detail/device_costs.h"

#include "kernels/cost/cost.h"

#include <algorithm>
#include <string_view>

namespace fluxscope {
namespace {

constexpr std::size_t kRemembered = 1 << 15;  // layers of steps; some hundred steps of a deep model, 10 MB

}  // namespace

void IntervalUnion::add(std::int64_t begin, std::int64_t end) {
    if (end <= begin) {
        if (parts_.empty())
            parts_.emplace_back(begin, end);  // nothing long, but it says where the layer begins
        return;
    }
    // The first part that ends at `begin` or later; nearly always there is none.
    auto first = parts_.end();
    if (!parts_.empty() && parts_.back().second >= begin) {
        first = std::ranges::lower_bound(parts_, begin, {}, &std::pair<std::int64_t, std::int64_t>::second);
    }
    auto behind = first;
    for (; behind != parts_.end() && behind->first <= end; ++behind) {
        begin = std::min(begin, behind->first);
        end = std::max(end, behind->second);
        length_ -= behind->second - behind->first;
    }
    length_ += end - begin;
    if (first == behind) {
        parts_.insert(first, {begin, end});
    } else {
        *first = {begin, end};
        parts_.erase(first + 1, behind);
    }
}

// The two halves of a row, the host's and the device's, come in any order: each writes its own columns.
DeviceCosts::DeviceCosts(SQLite::Database& database)
    : put_(database,
           "INSERT INTO layer_step (run, batch, turn, phase, step, layer, begin_ns, time_ns, router_ns, "
           "attention_ns, time_source, kernels, overlap_ns, bytes_read, bytes_written, flops, bytes_source, "
           "cost_version) VALUES",
           "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 'analytic', ?)",
           "ON CONFLICT DO UPDATE SET begin_ns = excluded.begin_ns, time_ns = excluded.time_ns, router_ns = "
           "excluded.router_ns, attention_ns = excluded.attention_ns, time_source = excluded.time_source, "
           "kernels = excluded.kernels, overlap_ns = excluded.overlap_ns"),
      clear_(database,
             "UPDATE layer_step SET time_ns = 0, router_ns = 0, attention_ns = 0, kernels = 0, overlap_ns = "
             "0 WHERE run = ? AND kernels > 0") {}

void DeviceCosts::beginRun(std::int64_t run) {
    run_ = run;
    costs_.clear();
    order_.clear();
    forgotten_.clear();
    changed_.clear();
    recent_ = nullptr;
    timeSource_ = "cupti";
    tooLate_ = 0;
}

void DeviceCosts::startOver() {
    std::string source = std::move(timeSource_);
    clear_.run(run_);
    beginRun(run_);
    timeSource_ = std::move(source);
}

void DeviceCosts::add(const PlaceParts& place, std::int32_t step, std::int64_t beginNs, std::int64_t endNs) {
    const auto [batch, turn, phase, layer, chunk, op] = place;
    const Key key{batch, turn, phase, step, layer};
    if (recent_ == nullptr || recentKey_ != key) {
        recent_ = costOf(key);
        recentKey_ = key;
    }
    if (recent_ == nullptr) {
        ++tooLate_;
        return;
    }
    Cost& cost = *recent_;
    if (!cost.isChanged) {
        cost.isChanged = true;
        changed_.emplace_back(key, &cost);
    }
    cost.all.add(beginNs, endNs);
    if (op == static_cast<std::int32_t>(Op::Router)) cost.router.add(beginNs, endNs);
    if (op == static_cast<std::int32_t>(Op::Attention)) cost.attention.add(beginNs, endNs);
    cost.sum += endNs - beginNs;
    ++cost.kernels;
}

DeviceCosts::Cost* DeviceCosts::costOf(const Key& key) {
    if (const auto known = costs_.find(key); known != costs_.end()) return &known->second;
    const auto [batch, turn, phase, step, layer] = key;
    if (const auto gone = forgotten_.find({batch, turn, phase, 0, 0});
        gone != forgotten_.end() && step <= gone->second)
        return nullptr;
    order_.push_back(key);
    return &costs_[key];
}

std::size_t DeviceCosts::flush() {
    for (const auto& [key, changed] : changed_) {
        Cost& cost = *changed;
        cost.isChanged = false;
        const auto [batch, turn, phase, step, layer] = key;
        put_.add(run_, batch, turn, nameOf(static_cast<Phase>(phase)), step, layer, cost.all.begin(),
                 cost.all.length(), cost.router.length(), cost.attention.length(),
                 std::string_view(timeSource_), cost.kernels, cost.sum - cost.all.length(), cost::kVersion);
    }
    put_.flush();
    const std::size_t rows = changed_.size();
    changed_.clear();
    // Whole steps at a time, so that "is it from before what was forgotten?" is a question about steps.
    for (Key step{};
         order_.size() > kRemembered || (!order_.empty() && step != Key{} && order_.front()[3] == step[3] &&
                                         order_.front()[0] == step[0]);) {
        step = order_.front();
        costs_.erase(step);
        order_.pop_front();
        std::int32_t& upTo = forgotten_.try_emplace({step[0], step[1], step[2], 0, 0}, step[3]).first->second;
        upTo = std::max(upTo, step[3]);
        recent_ = nullptr;
    }
    return rows;
}

}  // namespace fluxscope
