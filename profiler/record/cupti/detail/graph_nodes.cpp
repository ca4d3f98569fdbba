#include "profiler/record/cupti/detail/graph_nodes.h"

namespace fluxscope {

void GraphNodes::created(std::uint64_t node, ScopeTicket scope) {
    const std::lock_guard lock(mutex_);
    nodes_[node] = {node, 0, scope};
}

void GraphNodes::cloned(std::uint64_t node, std::uint64_t original) {
    const std::lock_guard lock(mutex_);
    if (const auto found = nodes_.find(original); found != nodes_.end())
        nodes_[node] = {node, original, found->second.scope};
}

void GraphNodes::instantiated(std::uint32_t executable, std::uint32_t graph) {
    const std::lock_guard lock(mutex_);
    graphOf_[executable] = graph;
}

std::optional<GraphNodes::Node> GraphNodes::find(std::uint64_t node) const {
    const std::lock_guard lock(mutex_);
    if (const auto found = nodes_.find(node); found != nodes_.end()) return found->second;
    // A node that no callback has announced: its number within its graph is that of its original, and the upper half of its id
    // says which executable graph it belongs to.
    const auto graph = graphOf_.find(static_cast<std::uint32_t>(node >> 32));
    if (graph == graphOf_.end()) return std::nullopt;
    const std::uint64_t original = static_cast<std::uint64_t>(graph->second) << 32 | (node & 0xFFFFFFFFU);
    const auto found = nodes_.find(original);
    if (found == nodes_.end()) return std::nullopt;
    return Node{node, original, found->second.scope};
}

std::vector<GraphNodes::Node> GraphNodes::all() const {
    const std::lock_guard lock(mutex_);
    std::vector<Node> nodes;
    nodes.reserve(nodes_.size());
    for (const auto& [id, node] : nodes_) nodes.push_back(node);
    return nodes;
}

}  // namespace fluxscope
