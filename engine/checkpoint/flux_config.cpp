#include "engine/checkpoint/flux_config.h"

#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"

namespace fluxscope {
namespace {

const char* const kPublished = "use a checkpoint that was trained for a published mode";

constexpr std::int64_t kMost = 1 << 24;

// The published kernels take whole blocks of 128; in block granularity the form itself rounds up to them.
std::int64_t wholeBlocks(std::int64_t tokens) {
    return (tokens + SparseForm::kBlock - 1) / SparseForm::kBlock * SparseForm::kBlock;
}

PrefillMode prefillOf(const JsonFields& config) {
    const std::string toggle = config.textOr("toggle_type", "streaming");
    if (toggle == "streaming") return PrefillMode::Streaming;
    if (toggle == "triangle") return PrefillMode::Triangle;
    if (toggle == "xattn") return PrefillMode::XAttention;
    config.refuse("toggle_type", "is " + printable(toggle, 40) + ", a sparse mode that was never published",
                  kPublished);
}

SparseForm sparseOf(const JsonFields& config) {
    SparseForm form = SparseForm::of(prefillOf(config));
    form.sink = config.integerOr("sink_size", 0, kMost, 128);
    form.window = config.integerOr("local_window_size", 1, kMost, 1024);
    if (form.prefill == PrefillMode::XAttention) {
        form.sink = wholeBlocks(form.sink);
        form.window = wholeBlocks(form.window);
    } else {
        form.granularity = Granularity::Block;
    }
    if (form.prefill == PrefillMode::Triangle) form.last = config.integerOr("triangle_n_last", 1, kMost, 128);
    if (config.integerOr("block_size", 1, kMost, SparseForm::kBlock) != SparseForm::kBlock)
        config.refuse("block_size", "is not 128, the block of the published kernel", kPublished);
    requireValid(form, config.file());
    return form;
}

}  // namespace

RouterSource readFluxConfig(const JsonFields& config) {
    if (const std::string pooling = config.textOr("pooling_mode", "ctx_q"); pooling != "ctx_q")
        config.refuse("pooling_mode",
                      "is " + printable(pooling, 40) + ", and the routers pool a prompt's queries (ctx_q)",
                      kPublished);
    if (const std::string retrieval = config.textOr("retrieval_mode", "full"); retrieval != "full")
        config.refuse(
            "retrieval_mode",
            "is " + printable(retrieval, 40) + ", and the layers that are not sparse attend in full",
            kPublished);
    if (config.flagOr("use_task_emb_for_mask", false))
        config.refuse("use_task_emb_for_mask",
                      "is true: its routers want to be told the task, which nobody does", kPublished);
    RouterSource source;
    source.poolSize = config.integerOr("pool_size", 1, 1 << 20, 100);  // some are stored as 150.0
    source.sparse = sparseOf(config);
    return source;
}

}  // namespace fluxscope
