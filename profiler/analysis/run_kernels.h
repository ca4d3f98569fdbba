// The kernels of a run as the analyses read them: owns the columns that were read from a capture and what a KernelColumnsView points
// to beside them.
#pragma once

#include "profiler/analysis/kernel_columns_view.h"
#include "profiler/capture/kernel_columns.h"

#include <string>
#include <vector>

namespace fluxscope {

// "gemm", for a bar of a time line; or "void ns::gemm<float>(int*)", for a table that tells instances of a template apart.
enum class KernelNames : std::uint8_t { Brief, Full };

class RunKernels {
public:
    // launchEnds: as LaunchEnds has them; empty: not known. timeSource: as the layer table calls the clock of these kernels.
    explicit RunKernels(KernelColumns columns, std::vector<std::int64_t> launchEnds = {},
                        std::string timeSource = "cupti");

    // Valid as long as this lives and is not moved.
    KernelColumnsView view(KernelNames names) const;
    const KernelColumns& columns() const { return columns_; }
    std::size_t size() const { return columns_.size(); }

private:
    void tellQueuesApart();

    KernelColumns columns_;
    std::vector<std::int64_t> launchEnds_;
    std::string timeSource_;
    std::vector<KernelPlace> places_;
    std::vector<std::string> full_;
    std::vector<std::string> brief_;
    std::vector<std::int32_t> queue_;  // empty: streams of one context, told apart by their number
    std::vector<std::string> queues_;
};

}  // namespace fluxscope
