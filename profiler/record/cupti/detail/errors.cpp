#include "profiler/record/cupti/detail/errors.h"

#include <utility>

namespace fluxscope {
namespace {

std::string remedyFor(CUptiResult error) {
    switch (error) {
        case CUPTI_ERROR_INSUFFICIENT_PRIVILEGES:
            return "set the module option NVreg_RestrictProfilingToAdminUsers=0 and reload the driver, or "
                   "run "
                   "as root; tracing works without";
        case CUPTI_ERROR_VIRTUALIZED_DEVICE_INSUFFICIENT_PRIVILEGES:
            return "have the host of this virtual GPU allow profiling, or use a GPU that is passed through";
        case CUPTI_ERROR_VIRTUALIZED_DEVICE_NOT_SUPPORTED:
            return "use a GPU that is passed through instead of a virtual one";
        case CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED:
            return "run without nsys, ncu, cuda-gdb, compute-sanitizer and torch.profiler: one tool at a "
                   "time";
        case CUPTI_ERROR_NOT_INITIALIZED:
            return "let libnvperf_host.so lie beside libcupti.so.13, as the wheel nvidia-cuda-cupti has it";
        case CUPTI_ERROR_HARDWARE_BUSY:
            return "stop the other user of the counters (dcgmi profile --pause; nsys, ncu, another worker)";
        case CUPTI_ERROR_OUT_OF_MEMORY:
            return "free device memory: a smaller model, a shorter prompt or fewer samples";
        case CUPTI_ERROR_MIG_DEVICE_NOT_SUPPORTED:
            return "use the whole GPU, or an instance that is isolated";
        case CUPTI_ERROR_CONFIDENTIAL_COMPUTING_NOT_SUPPORTED:
            return "switch confidential computing off for this machine";
        case CUPTI_ERROR_INVALID_CHIP_NAME:
            return "install a newer nvidia-cuda-cupti: this one does not know the GPU";
        default: return "see docs/collectors.md, and what `fluxscope-cli doctor` says";
    }
}

}  // namespace

Shortfall shortfallOf(const CuptiApi& api, std::string collector, std::string_view doing, CUptiResult error,
                      std::string_view holder) {
    const char* text = nullptr;
    if (api.resultString == nullptr || api.resultString(error, &text) != CUPTI_SUCCESS) text = nullptr;
    std::string why = "CUPTI refuses to " + std::string(doing) + " (" + (text != nullptr ? text : "error") +
                      ", " + std::to_string(static_cast<int>(error)) + ")";
    if (!holder.empty()) why += ": '" + std::string(holder) + "' is attached already";
    return {std::move(collector), std::move(why), remedyFor(error)};
}

Shortfall shortfallOfSymbol(std::string collector, const char* symbol, std::uint32_t version) {
    return {std::move(collector),
            "libcupti.so.13 of version " + std::to_string(version) + " has no " + symbol,
            "install the wheel nvidia-cuda-cupti 13.0.85 or newer beside torch"};
}

}  // namespace fluxscope
