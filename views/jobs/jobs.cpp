#include "views/jobs/jobs.h"

#include <spdlog/spdlog.h>

#include <QThread>
#include <algorithm>
#include <exception>

namespace fluxscope {

void JobTag::cancel() {
    slot_->newest.store(0, std::memory_order_release);
    slot_->busy = false;
}

Jobs::Jobs(QObject* parent) : Jobs(QThread::idealThreadCount() - 1, parent) {}

Jobs::Jobs(int threads, QObject* parent) : QObject(parent) { pool_.setMaxThreadCount(std::max(1, threads)); }

Jobs::~Jobs() {
    closing_->store(true);
    pool_.clear();
    pool_.waitForDone();
}

void Jobs::startShared(JobTag& tag, std::function<Deliver(const JobCancel&)> run) {
    const std::shared_ptr<detail::JobSlot> slot = tag.slot_;
    const std::uint64_t question = ++questions_;
    slot->newest.store(question, std::memory_order_release);
    slot->busy = true;

    pool_.start([this, slot, question, run = std::move(run), closing = closing_] {
        const JobCancel cancel(slot, question);
        if (cancel.cancelled() || closing->load()) return;  // a newer one came while this one waited
        Deliver deliver;
        QString problem;
        try {
            deliver = run(cancel);
        } catch (const std::exception& error) {
            problem = QString::fromUtf8(error.what());
        }
        if (cancel.cancelled() || closing->load()) return;
        // `this` is alive: its destructor waits for the pool. What is queued dies with it.
        QMetaObject::invokeMethod(
            this,
            [this, slot, question, deliver = std::move(deliver), problem] {
                if (slot->newest.load(std::memory_order_acquire) != question) return;
                slot->newest.store(0, std::memory_order_release);
                slot->busy = false;
                if (deliver) {
                    deliver();
                } else {
                    spdlog::error("a background job failed: {}", problem.toStdString());
                    emit failed(problem);
                }
            },
            Qt::QueuedConnection);
    });
}

}  // namespace fluxscope
