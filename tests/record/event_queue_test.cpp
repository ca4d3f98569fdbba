#include "profiler/record/detail/event_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace fluxscope {
namespace {

std::vector<int> drained(EventQueue<int>& queue) {
    std::vector<int> events;
    queue.drain([&](int event) { events.push_back(event); });
    return events;
}

TEST(EventQueue, dropsDetailsFirstThenStructureAndNeverWhatIsEssential) {
    EventQueue<int> queue(8);
    std::vector<int> kept;
    const auto push = [&](int event, Weight weight) {
        if (queue.push(event, weight)) kept.push_back(event);
    };
    for (int i = 0; i < 8; ++i) push(i, Weight::Detail);       // 0..5: two slots stay free
    for (int i = 10; i < 18; ++i) push(i, Weight::Structure);  // 10: one slot stays free
    for (int i = 20; i < 28; ++i) push(i, Weight::Essential);  // all of them
    EXPECT_EQ(kept, (std::vector<int>{0, 1, 2, 3, 4, 5, 10, 20, 21, 22, 23, 24, 25, 26, 27}));
    EXPECT_EQ(drained(queue), kept);
    EXPECT_TRUE(queue.push(30, Weight::Detail)) << "there is room again";
    EXPECT_EQ(drained(queue), std::vector<int>{30});
}

TEST(EventQueue, keepsTheOrderOfASlowConsumer) {
    EventQueue<int> queue(64);
    constexpr int kEvents = 200'000;
    std::atomic<bool> done{false};
    std::vector<int> got;
    std::thread consumer([&] {
        const auto take = [&](int event) {
            got.push_back(event);
            if (event % 5000 == 0) std::this_thread::yield();
        };
        while (!done) queue.drain(take);
        queue.drain(take);
    });
    int accepted = 0;
    for (int i = 0; i < kEvents; ++i)
        accepted += queue.push(i, i % 3 == 0 ? Weight::Essential : Weight::Detail) ? 1 : 0;
    done = true;
    consumer.join();

    EXPECT_EQ(static_cast<int>(got.size()), accepted);
    int essential = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
        if (i > 0) {
            ASSERT_LT(got[i - 1], got[i]);
        }
        essential += got[i] % 3 == 0 ? 1 : 0;
    }
    EXPECT_EQ(essential, (kEvents + 2) / 3);
}

TEST(EventQueue, keepsNothingOfAnEventThatWasTaken) {
    EventQueue<std::shared_ptr<int>> queue(8);
    const auto event = std::make_shared<int>(1);
    queue.push(event, Weight::Essential);
    queue.push(event, Weight::Essential);
    EXPECT_EQ(event.use_count(), 3);
    int taken = 0;
    const auto takeOrThrow = [&](const std::shared_ptr<int>&) {
        if (++taken == 1) throw std::runtime_error("the disk is full");
    };
    EXPECT_THROW(queue.drain(takeOrThrow), std::runtime_error);
    EXPECT_EQ(event.use_count(), 2) << "what was being taken is gone, what lies behind it is not";
    queue.drain(takeOrThrow);
    EXPECT_EQ(taken, 2);
    EXPECT_EQ(event.use_count(), 1);
}

TEST(EventQueue, isHalfFullFromHalfOfItsSlotsOnAndNoLongerOnceTheyAreTaken) {
    EventQueue<int> queue(8);
    std::string half;
    const auto push = [&](int events) {
        for (int i = 0; i < events; ++i) {
            queue.push(i, Weight::Detail);
            half += queue.isHalfFull() ? '1' : '0';
        }
    };
    push(5);
    drained(queue);
    push(5);
    EXPECT_EQ(half, "0001100011") << "one digit a push";
}

}  // namespace
}  // namespace fluxscope
