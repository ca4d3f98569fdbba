#include "engine/sampling/choice_ring.h"

#include "kernels/sampling/sampling.h"

#include <ATen/ops/zeros.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <cassert>

namespace fluxscope {
namespace {

TokenChoice choiceOf(const RowChoice& row) {
    TokenChoice choice{.id = TokenId(row.id), .logprob = row.logprob, .top = {}, .tailMass = row.tailMass};
    for (std::size_t i = 0; i < static_cast<std::size_t>(row.tops); ++i)
        choice.top.push_back({.id = TokenId(row.topIds.at(i)), .logprob = row.topLogprobs.at(i)});
    return choice;
}

}  // namespace

ChoiceRing::ChoiceRing(const Compute& compute, std::int64_t rows, std::size_t inFlight) : compute_(compute) {
    const auto pinned = at::TensorOptions().pinned_memory(compute.isCuda());
    for (std::size_t i = 0; i < inFlight; ++i) {
        Slot& slot = slots_.emplace_back();
        slot.drawn = at::zeros({rows}, pinned.dtype(at::kDouble));
        slot.given = at::zeros({rows}, pinned.dtype(at::kLong));
        slot.choices =
            at::zeros({rows, static_cast<std::int64_t>(sizeof(RowChoice))}, pinned.dtype(at::kByte));
        if (compute.isCuda()) slot.arrived.emplace(c10::DeviceType::CUDA);
    }
}

void ChoiceRing::send(std::span<const RowInput> inputs, const DeviceSampler& sampler) {
    assert(sent_ - read_ < slots_.size());
    Slot& slot = slots_[sent_ % slots_.size()];  // read, so what it was given has long arrived
    for (std::size_t r = 0; r < inputs.size(); ++r) {
        slot.drawn.mutable_data_ptr<double>()[r] = inputs[r].drawn;
        slot.given.mutable_data_ptr<std::int64_t>()[r] =
            inputs[r].given ? std::int64_t{inputs[r].given->value()} : -1;
    }
    sampler.drawn().copy_(slot.drawn, true);
    sampler.given().copy_(slot.given, true);
}

void ChoiceRing::fetch(const DeviceSampler& sampler) {
    Slot& slot = slots_[sent_ % slots_.size()];
    slot.choices.copy_(sampler.choices(), true);
    if (slot.arrived)
        slot.arrived->record(c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).getStream(compute_.device));
    ++sent_;
}

std::vector<TokenChoice> ChoiceRing::read(std::size_t rows) {
    assert(read_ < sent_);
    const Slot& slot = slots_[read_ % slots_.size()];
    if (slot.arrived) slot.arrived->synchronize();
    ++read_;
    const auto* said = static_cast<const RowChoice*>(slot.choices.const_data_ptr());
    std::vector<TokenChoice> choices;
    choices.reserve(rows);
    for (std::size_t r = 0; r < rows; ++r) choices.push_back(choiceOf(said[r]));
    return choices;
}

}  // namespace fluxscope
