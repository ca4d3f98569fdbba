// Work for a GPU whose size is known.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace fluxscope::testing {

bool hasGpu();
void synchronize();

void launchNothing();                   // an empty kernel
void launchBusy(int microseconds);      // one that takes about so long
void* deviceMemory(std::size_t bytes);  // never given back
void copyByKernel(void* to, const void* from,
                  std::size_t bytes);  // reads and writes `bytes` of device memory
void fillAsync(void* at, std::size_t bytes);

// A CUDA graph: what `record` launches, instantiated.
class Graph {
public:
    explicit Graph(const std::function<void()>& record);
    void launch() const;

private:
    void* executable_ = nullptr;
};

}  // namespace fluxscope::testing
