#include "profiler/analysis/run_kernels.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace fluxscope {

RunKernels::RunKernels(KernelColumns columns, std::vector<std::int64_t> launchEnds, std::string timeSource)
    : columns_(std::move(columns)), launchEnds_(std::move(launchEnds)), timeSource_(std::move(timeSource)) {
    places_.reserve(columns_.places.size());
    for (const std::optional<ScopeKey>& key : columns_.places) {
        KernelPlace place;
        if (key)
            place = {.batch = key->batch,
                     .turn = key->turn,
                     .phase = key->phase,
                     .layer = key->layer,
                     .op = key->op};
        places_.push_back(place);
    }
    for (KernelColumns::Name& name : columns_.names) {
        full_.push_back(name.full);
        brief_.push_back(name.brief);
    }
    tellQueuesApart();
}

// Streams are numbered within a context of a device.
void RunKernels::tellQueuesApart() {
    const auto varies = [](const auto& column) {
        return std::ranges::any_of(column, [&](auto value) { return value != column.front(); });
    };
    if (!varies(columns_.device) && !varies(columns_.context)) return;
    std::map<std::tuple<std::int16_t, std::int32_t, std::int32_t>, std::int32_t> numbers;
    queue_.reserve(size());
    for (std::size_t k = 0; k < size(); ++k) {
        const std::int16_t device = columns_.device[k];
        const std::int32_t context = columns_.context[k];
        const std::int32_t stream = columns_.stream[k];
        const auto [at, isNew] =
            numbers.try_emplace({device, context, stream}, static_cast<std::int32_t>(numbers.size()));
        if (isNew)
            queues_.push_back("device " + std::to_string(device) + ", context " + std::to_string(context) +
                              ", stream " + std::to_string(stream));
        queue_.push_back(at->second);
    }
}

KernelColumnsView RunKernels::view(KernelNames names) const {
    KernelColumnsView view;
    view.begin = columns_.begin_ns;
    view.duration = columns_.duration_ns;
    view.place = columns_.place;
    view.step = columns_.step;
    view.stream = queue_.empty() ? columns_.stream : queue_;
    view.name = columns_.name;
    view.launchEnd = launchEnds_;
    view.places = places_;
    view.names = names == KernelNames::Full ? full_ : brief_;
    view.queues = queues_;
    view.timeSource = timeSource_;
    return view;
}

}  // namespace fluxscope
