#include "engine/checkpoint/flux_config.h"

#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"

namespace fluxscope {
namespace {

const char* const kPublished = "use a checkpoint that was trained for a published mode";

// The published kernel takes whole blocks of 128, and rounds what config.json says up to them.
std::int64_t wholeBlocks(std::int64_t tokens) {
    return (tokens + SparseForm::kBlock - 1) / SparseForm::kBlock * SparseForm::kBlock;
}

SparseForm sparseOf(const JsonFields& config) {
    SparseForm form;
    form.granularity = Granularity::Block;
    form.sink = wholeBlocks(config.integerOr("sink_size", 0, 1 << 24, 128));
    form.window = wholeBlocks(config.integerOr("local_window_size", 1, 1 << 24, 1024));
    const std::string toggle = config.textOr("toggle_type", "streaming");
    if (toggle == "streaming") {
        form.prefill = PrefillMode::Streaming;
    } else {
        config.refuse("toggle_type", "is " + printable(toggle, 40) + ", a sparse mode that is not computed",
                      kPublished);
    }
    if (config.integerOr("block_size", 1, 1 << 24, SparseForm::kBlock) != SparseForm::kBlock)
        config.refuse("block_size", "is not 128, the block of the published kernel", kPublished);
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
