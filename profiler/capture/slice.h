// A part of a capture as a capture of its own.
//
// What it is cut along are layers of steps, the rows of `layer_step`: each is in the slice with all its kernels, calls and scopes, or
// it is not. So every figure of a slice is the one that was measured. Work that is nobody's goes by its time.
#pragma once

#include "profiler/capture/work.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fluxscope {

struct SliceRange {
    std::int64_t begin = 0;
    std::int64_t end = 0;  // excluded
};

// Empty: all of them. What is given must all hold.
struct SliceChoice {
    std::vector<std::int64_t> runs;
    std::vector<SliceRange> steps;     // 0 is prefill
    std::vector<SliceRange> times_ns;  // from the run's beginning; the layers of steps that begin in it
};

// Into `into`, which must not exist. Of the runs chosen, decisions, KV, tokens, prompts and what is known of the process stay whole, and so
// do all trainings, which are no part of any run. Returns
// what the reader should know, a sentence each. Throws InputError, MachineError, CancelledError, and UsageError when the choice
// leaves nothing; there is no `into` then.
std::vector<std::string> sliceCapture(const std::filesystem::path& from, const std::filesystem::path& into,
                                      const SliceChoice& choice, const CaptureWork& work = {});

}  // namespace fluxscope
