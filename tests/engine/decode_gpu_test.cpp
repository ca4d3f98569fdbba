// Decoding on a GPU: recorded steps against the same steps launched one by one, and against the CPU. Skipped, saying why,
// where there is no GPU.
#include "tests/engine/decode_world.h"

#include <ATen/ops/equal.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>

namespace fluxscope {
namespace {

DecodeOptions graphs() { return {.graphs = true, .next = {}}; }
const RoutedTap kOneByOne = [](LayerIndex, const at::Tensor&) {};  // a step with a tap is not replayed

TokenId tokenAt(std::int64_t position) { return DecodeWorld::text()[static_cast<std::size_t>(position)]; }

class DecodeOnGpu : public testing::Test {
protected:
    static constexpr int kLayers = 3;

    void SetUp() override {
        try {
            gpu_ = std::make_unique<DecodeWorld>(kLayers, LoadOptions{.device = DeviceKind::Cuda});
        } catch (const MachineError& e) {
            GTEST_SKIP() << e.what();
        }
        cpu_ = std::make_unique<DecodeWorld>(kLayers);
    }

    static std::vector<KeptByLayer> decisions() {
        return {fullLayers(kLayers), ringLayers(kLayers, 4, 12), mixedLayers(kLayers, 4, 12)};
    }
    // The three kinds in one batch, at different lengths, for `steps` steps.
    static std::vector<at::Tensor> batch(DecodeWorld& world, const DecodeOptions& options, std::int64_t steps,
                                         const RoutedTap& tap = {}) {
        constexpr std::array<std::int64_t, 3> kLengths = {5, 30, 13};
        std::vector<KvCache*> caches;
        for (std::size_t i = 0; i < kLengths.size(); ++i) {
            caches.push_back(&world.cache(decisions()[i]));
            world.feed(*caches.back(), 0, kLengths[i]);
        }
        Decode decode(world.model(), world.rotary(), caches, options);
        std::vector<at::Tensor> logits;
        for (std::int64_t n = 0; n < steps; ++n) {
            std::vector<TokenId> tokens;
            for (const std::int64_t length : kLengths) tokens.push_back(tokenAt(length + n));
            logits.push_back(DecodeWorld::step(decode, tokens, tap));
        }
        return logits;
    }

    std::unique_ptr<DecodeWorld> gpu_;
    std::unique_ptr<DecodeWorld> cpu_;
};

TEST_F(DecodeOnGpu, computesWhatTheCpuComputes) {
    for (const KeptByLayer& kept : decisions()) {
        const at::Tensor truth = cpu_->feed(cpu_->cache(kept), 0, 60);
        EXPECT_LT(largestDifference(gpu_->feed(gpu_->cache(kept), 0, 60), truth), 1e-2F);
        EXPECT_LT(largestDifference(gpu_->feed(gpu_->cache(kept), 0, 60, graphs()), truth), 1e-2F);
    }
}

TEST_F(DecodeOnGpu, aReplayedStepIsTheStepToTheBit) {
    const std::vector<at::Tensor> oneByOne = batch(*gpu_, graphs(), 40, kOneByOne);
    const std::vector<at::Tensor> replayed = batch(*gpu_, graphs(), 40);
    const std::vector<at::Tensor> again = batch(*gpu_, graphs(), 40);
    const std::vector<at::Tensor> truth = batch(*cpu_, {}, 40);
    for (std::size_t n = 0; n < replayed.size(); ++n) {
        EXPECT_TRUE(at::equal(replayed[n], oneByOne[n])) << "step " << n;
        EXPECT_TRUE(at::equal(replayed[n], again[n])) << "the same run twice, step " << n;
        EXPECT_LT(largestDifference(replayed[n], truth[n]), 1e-2F) << "step " << n;
    }
}

// Five sequences become three and then one: rows of eight, of four and of one.
TEST_F(DecodeOnGpu, theOthersGoOnWhenSequencesEnd) {
    for (DecodeWorld* world : {gpu_.get(), cpu_.get()}) {
        std::vector<KvCache*> caches;
        for (std::int64_t i = 0; i < 5; ++i) {
            caches.push_back(&world->cache(decisions()[static_cast<std::size_t>(i % 3)]));
            world->feed(*caches.back(), 0, 10 + i);
        }
        Decode decode(world->model(), world->rotary(), caches, graphs());
        std::vector<std::int64_t> positions = {10, 11, 12, 13, 14};
        at::Tensor logits;
        const auto steps = [&](int count) {
            for (int n = 0; n < count; ++n) {
                std::vector<TokenId> tokens;
                for (std::int64_t& position : positions) tokens.push_back(tokenAt(position++));
                logits = DecodeWorld::step(decode, tokens);
            }
        };
        steps(6);
        decode.retain(std::array<std::size_t, 3>{4, 0, 1});
        positions = {positions[4], positions[0], positions[1]};
        steps(6);
        decode.retain(std::array<std::size_t, 1>{2});
        positions = {positions[2]};
        steps(6);
        const at::Tensor alone = cpu_->feed(cpu_->cache(decisions()[1]), 0, 11 + 18);
        EXPECT_LT(largestDifference(logits[0], alone[0]), 1e-2F);
    }
}

TEST_F(DecodeOnGpu, recordedStepsFollowWhatHappensToTheCache) {
    const auto run = [](DecodeWorld& world) {
        KvCache& kv = world.cache(fullLayers(kLayers));
        Decode decode(world.model(), world.rotary(), {&kv}, graphs());
        at::Tensor logits;
        const auto steps = [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i)
                logits = DecodeWorld::step(decode, std::array{tokenAt(i)});
        };
        steps(0, 30);
        kv.narrow(LayerIndex{1}, 4, 12);
        steps(30, 40);
        steps(90, 92);
        kv.rollback(2);
        steps(40, 50);
        return logits;
    };
    EXPECT_LT(largestDifference(run(*gpu_), run(*cpu_)), 1e-2F);
}

TEST_F(DecodeOnGpu, aRecordingGivesItsMemoryBack) {
    const auto reserved = [] {
        const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(0);
        return stats.reserved_bytes[0].current;
    };
    KvCache& kv = gpu_->cache(fullLayers(kLayers));
    gpu_->feed(kv, 0, 3, graphs());
    const std::int64_t after = reserved();
    for (std::int64_t i = 1; i < 20; ++i) gpu_->feed(kv, 3 * i, 3 * i + 3, graphs());
    EXPECT_LE(reserved(), after) << "each took some megabytes";
}

TEST_F(DecodeOnGpu, recordsIn16Bits) {
    for (const cost::DType type : {cost::DType::BF16, cost::DType::F16}) {
        DecodeWorld narrow(kLayers, {.device = DeviceKind::Cuda, .dtype = type});
        const std::vector<at::Tensor> truth = batch(*cpu_, {}, 20);
        const std::vector<at::Tensor> replayed = batch(narrow, graphs(), 20);
        const std::vector<at::Tensor> oneByOne = batch(narrow, graphs(), 20, kOneByOne);
        for (std::size_t n = 0; n < replayed.size(); ++n) {
            EXPECT_TRUE(at::equal(replayed[n], oneByOne[n])) << "step " << n;
            EXPECT_LT(largestDifference(replayed[n], truth[n]), 0.1F * truth[n].abs().max().item().toFloat());
        }
    }
}

}  // namespace
}  // namespace fluxscope
