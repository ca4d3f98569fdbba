// AdamW on a list of parameters, in fp32: LibTorch's fused kernel, which is one pass over memory on CPU and GPU. Weight decay acts
// on matrices only, unless `decay` is 0.
#pragma once

#include "engine/train/parameters.h"

#include <vector>

namespace fluxscope::train {

struct AdamWOptions {
    double beta1 = 0.9;
    double beta2 = 0.95;
    double epsilon = 1e-8;
    double decay = 0.1;
    bool ascends = false;  // raises its objective: multipliers
};

class AdamW {
public:
    AdamW(Parameters parameters, const AdamWOptions& options);

    // Takes the gradients that backward has left, and forgets them. A parameter without one stays as it is.
    void step(double rate);
    void forgetGradients();
    // The norm of all gradients together before they were scaled down to `most`; 0: nothing is scaled.
    double clip(double most);

    // Moments and step count, by names made of the parameters': what a checkpoint keeps beside the parameters.
    Parameters state() const;
    const Parameters& parameters() const { return parameters_; }

private:
    Parameters parameters_;
    AdamWOptions options_;
    std::vector<at::Tensor> first_, second_, steps_;
};

}  // namespace fluxscope::train
