#include "profiler/store/device_records.h"

#include "profiler/store/records.h"

namespace fluxscope {

std::string_view nameOf(Attribution attribution) {
    switch (attribution) {
        case Attribution::External: return "external-id";
        case Attribution::GraphNode: return "graph-node";
        case Attribution::Time: return "time";
        case Attribution::None: return "none";
    }
    return "";
}

std::string_view nameOf(CopyKind kind) {
    switch (kind) {
        case CopyKind::HostToDevice: return "host-to-device";
        case CopyKind::DeviceToHost: return "device-to-host";
        case CopyKind::DeviceToDevice: return "device-to-device";
        case CopyKind::HostToHost: return "host-to-host";
        case CopyKind::PeerToPeer: return "peer-to-peer";
        case CopyKind::Other: return "other";
    }
    return "";
}

std::string_view nameOf(CollectorState state) {
    switch (state) {
        case CollectorState::Running: return "running";
        case CollectorState::Stopped: return "stopped";
        case CollectorState::Missing: return "missing";
    }
    return "";
}

std::string_view nameOf(Confidence confidence) {
    switch (confidence) {
        case Confidence::Low: return "low";
        case Confidence::Medium: return "medium";
        case Confidence::High: return "high";
    }
    return "";
}

}  // namespace fluxscope
