// Work off the UI thread. A view asks with a tag of its own and takes the answer only if it is still wanted: a newer
// question under the same tag cancels the older one, and so does the end of the tag. Answers arrive on the UI thread.
//
//   jobs_.run(tag_, [capture = capture_] { return routingTable(*capture); },
//             [this](RoutingTable table) { show(std::move(table)); });
//
// Work copies what it needs: it may outlive whoever asked. Long work takes a `const JobCancel&` and looks at it.
#pragma once

#include <QObject>
#include <QThreadPool>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace fluxscope {

namespace detail {
struct JobSlot {
    std::atomic<std::uint64_t> newest{0};  // the question whose answer is wanted; 0 is no question
    bool busy = false;                     // UI thread only
};
}  // namespace detail

// Asked by the work itself, on its thread.
class JobCancel {
public:
    JobCancel(std::shared_ptr<const detail::JobSlot> slot, std::uint64_t question)
        : slot_(std::move(slot)), question_(question) {}
    bool wanted() const { return slot_->newest.load(std::memory_order_acquire) == question_; }
    bool cancelled() const { return !wanted(); }

private:
    std::shared_ptr<const detail::JobSlot> slot_;
    std::uint64_t question_;
};

// One kind of question of one asker, and a member of it. UI thread only.
class JobTag {
public:
    JobTag() = default;
    ~JobTag() { cancel(); }
    JobTag(const JobTag&) = delete;
    JobTag& operator=(const JobTag&) = delete;

    void cancel();
    bool busy() const { return slot_->busy; }  // asked, not yet answered

private:
    friend class Jobs;
    std::shared_ptr<detail::JobSlot> slot_ = std::make_shared<detail::JobSlot>();
};

class Jobs : public QObject {
    Q_OBJECT

public:
    explicit Jobs(QObject* parent = nullptr);  // as many threads as there are cores but one
    Jobs(int threads, QObject* parent);
    ~Jobs() override;  // waits for what is running; nothing is delivered any more

    template <class Work, class Take>
    void run(JobTag& tag, Work work, Take take) {
        start(tag,
              [work = std::move(work), take = std::move(take)](const JobCancel& cancel) mutable -> Deliver {
                  auto answer = std::make_shared<Answer<Work>>(ask(work, cancel));
                  return [answer, take = std::move(take)]() mutable { take(std::move(*answer)); };
              });
    }

signals:
    // Work threw; its tag is free again and its answer will not come.
    void failed(const QString& message);

private:
    using Deliver = std::function<void()>;

    template <class Work>
    static auto ask(Work& work, const JobCancel& cancel) {
        if constexpr (std::is_invocable_v<Work&, const JobCancel&>)
            return work(cancel);
        else
            return work();
    }
    template <class Work>
    using Answer = decltype(ask(std::declval<Work&>(), std::declval<const JobCancel&>()));

    // std::function wants copies of what it holds, so a job is shared instead.
    template <class Run>
    void start(JobTag& tag, Run run) {
        startShared(tag, [job = std::make_shared<Run>(std::move(run))](const JobCancel& cancel) {
            return (*job)(cancel);
        });
    }
    void startShared(JobTag& tag, std::function<Deliver(const JobCancel&)> run);

    QThreadPool pool_;
    std::uint64_t questions_ = 0;
    std::shared_ptr<std::atomic<bool>> closing_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace fluxscope
