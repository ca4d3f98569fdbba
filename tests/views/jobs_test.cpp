#include "views/jobs/jobs.h"

#include <gtest/gtest.h>

#include <QCoreApplication>
#include <QThread>
#include <chrono>
#include <latch>
#include <stdexcept>
#include <vector>

namespace fluxscope {
namespace {

using namespace std::chrono_literals;

// Runs the UI thread's events until `done`, five seconds at most.
template <class Done>
bool eventually(Done done) {
    const auto end = std::chrono::steady_clock::now() + 5s;
    while (!done()) {
        if (std::chrono::steady_clock::now() > end) return false;
        QCoreApplication::processEvents(QEventLoop::AllEvents, 10);
        QThread::usleep(200);
    }
    return true;
}

TEST(Jobs, workElsewhereAndAnswerOnTheUiThread) {
    Jobs jobs(2, nullptr);
    JobTag tag;
    QThread* worked = nullptr;
    QThread* took = nullptr;
    jobs.run(
        tag, [] { return QThread::currentThread(); },
        [&](QThread* where) {
            worked = where;
            took = QThread::currentThread();
        });
    EXPECT_TRUE(tag.busy());
    ASSERT_TRUE(eventually([&] { return took != nullptr; }));
    EXPECT_NE(worked, QThread::currentThread());
    EXPECT_EQ(took, QThread::currentThread());
    EXPECT_FALSE(tag.busy());
}

TEST(Jobs, theNewestQuestionOfATagWins) {
    Jobs jobs(1, nullptr);
    JobTag tag;
    std::latch release(1);
    std::vector<int> answers;
    std::atomic<int> worked = 0;
    const auto take = [&](int answer) { answers.push_back(answer); };
    jobs.run(
        tag,
        [&] {
            release.wait();
            ++worked;
            return 0;
        },
        take);
    for (int i = 1; i <= 50; ++i)
        jobs.run(
            tag,
            [&worked, i] {
                ++worked;
                return i;
            },
            take);
    release.count_down();
    ASSERT_TRUE(eventually([&] { return !answers.empty(); }));
    QCoreApplication::processEvents();
    EXPECT_EQ(answers, std::vector<int>{50});
    EXPECT_LE(worked, 2);  // what waited and was overtaken is never begun
}

TEST(Jobs, anAnswerThatIsAlreadyOnItsWayIsDroppedWhenANewQuestionComes) {
    Jobs jobs(1, nullptr);
    JobTag tag;
    std::atomic<bool> done = false;
    std::vector<int> answers;
    jobs.run(tag, [] { return 1; }, [&](int answer) { answers.push_back(answer); });
    JobTag after;
    jobs.run(
        after,
        [&] {
            done = true;
            return 0;
        },
        [](int) {});
    while (!done) QThread::usleep(100);  // the first answer now waits in the event queue, undelivered
    jobs.run(tag, [] { return 2; }, [&](int answer) { answers.push_back(answer); });
    ASSERT_TRUE(eventually([&] { return !answers.empty(); }));
    QCoreApplication::processEvents();
    EXPECT_EQ(answers, std::vector<int>{2});
}

TEST(Jobs, nobodyIsToldAfterTheTagIsGone) {
    Jobs jobs(1, nullptr);
    std::latch release(1);
    bool told = false;
    {
        JobTag tag;
        jobs.run(
            tag,
            [&] {
                release.wait();
                return 1;
            },
            [&](int) { told = true; });
    }
    release.count_down();
    JobTag other;
    bool finished = false;
    jobs.run(other, [] { return 1; }, [&](int) { finished = true; });
    ASSERT_TRUE(eventually([&] { return finished; }));
    EXPECT_FALSE(told);
}

TEST(Jobs, longWorkHearsThatItIsNotWanted) {
    Jobs jobs(1, nullptr);
    JobTag tag;
    std::atomic<bool> began = false;
    std::atomic<bool> heard = false;
    jobs.run(
        tag,
        [&](const JobCancel& cancel) {
            began = true;
            while (cancel.wanted()) QThread::usleep(100);
            heard = true;
            return 0;
        },
        [](int) {});
    while (!began) QThread::usleep(100);
    tag.cancel();
    EXPECT_FALSE(tag.busy());
    EXPECT_TRUE(eventually([&] { return heard.load(); }));
}

TEST(Jobs, tagsDoNotDisturbEachOther) {
    Jobs jobs(2, nullptr);
    JobTag first;
    JobTag second;
    int sum = 0;
    jobs.run(first, [] { return 1; }, [&](int n) { sum += n; });
    jobs.run(second, [] { return 2; }, [&](int n) { sum += n; });
    EXPECT_TRUE(eventually([&] { return sum == 3; }));
}

TEST(Jobs, workThatThrowsIsReportedAndFreesItsTag) {
    Jobs jobs(1, nullptr);
    JobTag tag;
    QString problem;
    QObject::connect(&jobs, &Jobs::failed, [&](const QString& message) { problem = message; });
    jobs.run(tag, []() -> int { throw std::runtime_error("no such column"); }, [](int) { FAIL(); });
    ASSERT_TRUE(eventually([&] { return !problem.isEmpty(); }));
    EXPECT_EQ(problem, QStringLiteral("no such column"));
    EXPECT_FALSE(tag.busy());
}

// Thousands of questions, cancels and dying tags from the UI thread against four workers: every tag gets its newest
// answer or none.
TEST(Jobs, surviveARace) {
    Jobs jobs(4, nullptr);
    int wrong = 0;
    int answered = 0;
    JobTag kept;
    int newest = 0;
    for (int round = 0; round < 4000; ++round) {
        newest = round;
        jobs.run(
            kept, [round] { return round; },
            [&](int answer) {
                ++answered;
                wrong += answer != newest ? 1 : 0;
            });
        {
            JobTag dying;
            jobs.run(
                dying, [] { return std::vector<int>(100, 7); }, [&](const std::vector<int>&) { ++wrong; });
        }
        if (round % 7 == 0) kept.cancel();
        if (round % 50 == 0) QThread::usleep(500);  // long enough for an answer now and then
        if (round % 3 == 0 || round % 50 == 0) QCoreApplication::processEvents();
    }
    jobs.run(kept, [] { return -1; }, [&](int) { newest = -1; });
    ASSERT_TRUE(eventually([&] { return newest == -1; }));
    EXPECT_EQ(wrong, 0);
    EXPECT_GT(answered, 0);
}

TEST(Jobs, closingDropsWhatIsOnItsWay) {
    bool told = false;
    JobTag tag;
    {
        Jobs jobs(2, nullptr);
        jobs.run(tag, [] { return 1; }, [&](int) { told = true; });
    }
    QCoreApplication::processEvents();
    EXPECT_FALSE(told);
}

}  // namespace
}  // namespace fluxscope
