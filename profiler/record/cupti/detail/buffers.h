// Buffers that CUPTI fills: handed out on the threads that launch, taken back on CUPTI's, emptied on ours.
//
// CUPTI owns a buffer from request to completion and may hold some for ever, so the pool is never torn down while the process
// lives. Buffers go out zeroed (CUPTI is told so, which saves the launching thread a memset). Beyond the limit it gets none, and
// counts what it drops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace fluxscope {

class ActivityBuffers {
public:
    struct Filled {
        std::uint8_t* bytes = nullptr;
        std::size_t valid = 0;
    };

    static constexpr std::size_t kBytes = 4 << 20;

    explicit ActivityBuffers(std::size_t limit = 128) : limit_(limit) {}

    // So many are had from now on. It is the launching thread that asks for one, and one that is new costs it about a millisecond.
    void prepare(std::size_t buffers);

    std::uint8_t* request();  // null: none left
    // True when so many wait that they had better be taken now.
    bool complete(std::uint8_t* bytes, std::size_t valid);
    std::vector<Filled> takeFilled();
    void giveBack(const Filled& buffer);

private:
    std::uint8_t* make();

    struct Free {
        void operator()(std::uint8_t* bytes) const;
    };

    const std::size_t limit_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<std::uint8_t, Free>> all_;
    std::vector<std::uint8_t*> free_;
    std::vector<Filled> filled_;
};

}  // namespace fluxscope
