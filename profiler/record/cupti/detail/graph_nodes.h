// What each node of a CUDA graph is for: the scope that was open when it was captured. Instantiating a graph clones its nodes,
// and a clone is for what its original is for.
#pragma once

#include "profiler/record/cupti/detail/scope_ids.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace fluxscope {

class GraphNodes {
public:
    struct Node {
        std::uint64_t id = 0;
        std::uint64_t original = 0;  // 0: itself
        ScopeTicket scope = kNoTicket;
    };

    // From within the driver, on the thread that captures or instantiates.
    void created(std::uint64_t node, ScopeTicket scope);
    void cloned(std::uint64_t node, std::uint64_t original);
    void instantiated(std::uint32_t executable, std::uint32_t graph);

    // Absent: captured outside every scope, or before we listened.
    std::optional<Node> find(std::uint64_t node) const;

    std::vector<Node> all() const;

private:
    mutable std::mutex mutex_;
    std::unordered_map<std::uint64_t, Node> nodes_;
    std::unordered_map<std::uint32_t, std::uint32_t> graphOf_;  // by executable graph
};

}  // namespace fluxscope
