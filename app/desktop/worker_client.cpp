#include "app/desktop/worker_client.h"

#include "engine/contract/error.h"

#include <spdlog/spdlog.h>

namespace fluxscope {

using namespace protocol;

WorkerClient::WorkerClient(QString program, QStringList arguments, QObject* parent)
    : QObject(parent), program_(std::move(program)), arguments_(std::move(arguments)) {
    patience_.setSingleShot(true);
    connect(&patience_, &QTimer::timeout, this, &WorkerClient::losePatience);
}

WorkerClient::~WorkerClient() { stop(); }

qint64 WorkerClient::processId() const { return process_ ? process_->processId() : 0; }

void WorkerClient::load(const QString& model, const QString& device) {
    wantedModel_ = model;
    wantedDevice_ = device;
    model_.reset();
    switch (state_) {
        case WorkerPhase::Off:
        case WorkerPhase::Lost: start(); break;
        case WorkerPhase::Starting: break;  // loads once it is ready
        case WorkerPhase::Empty:
        case WorkerPhase::Ready: sendLoad(); break;
        case WorkerPhase::Loading:
        case WorkerPhase::Running:
        case WorkerPhase::Cancelling:
            loadAfterCancel_ = true;
            cancel();
            break;
    }
}

void WorkerClient::run(const protocol::RunRequest& request) {
    if (state_ != WorkerPhase::Ready) return;
    saving_ = false;
    job_ = ++lastId_;
    send({job_, request});
    enter(WorkerPhase::Running);
}

void WorkerClient::forecast(const protocol::ForecastRequest& request) {
    if (state_ != WorkerPhase::Ready) return;
    forecast_ = ++lastId_;
    send({forecast_, request});
}

void WorkerClient::cancel() {
    if (state_ != WorkerPhase::Running && state_ != WorkerPhase::Loading) return;
    send({++lastId_, CancelRequest{}});
    patience_.start(kPatience);
    enter(WorkerPhase::Cancelling);
}

void WorkerClient::restart() {
    if (state_ == WorkerPhase::Lost) start();
}

void WorkerClient::start() {
    stop();
    lines_ = LineSplitter{};
    lastLog_.clear();
    worn_.clear();
    model_.reset();
    job_ = 0;
    forecast_ = 0;
    process_ = std::make_unique<QProcess>();
    connect(process_.get(), &QProcess::readyReadStandardOutput, this, &WorkerClient::read);
    connect(process_.get(), &QProcess::readyReadStandardError, this, &WorkerClient::readLog);
    connect(process_.get(), &QProcess::finished, this, &WorkerClient::onFinished);
    connect(process_.get(), &QProcess::errorOccurred, this, [this](QProcess::ProcessError error) {
        if (error != QProcess::FailedToStart) return;  // others end in finished()
        enter(WorkerPhase::Lost);
        emit lost(tr("The engine's process cannot be started: %1").arg(process_->errorString()));
    });
    enter(WorkerPhase::Starting);
    process_->start(program_, arguments_);
}

void WorkerClient::stop() {
    patience_.stop();
    if (!process_) return;
    process_->disconnect(this);
    if (process_->state() != QProcess::NotRunning) {
        // Its input ends: it cancels, finishes its file and goes. Nobody waits longer than for a cancel.
        process_->closeWriteChannel();
        if (!process_->waitForFinished(static_cast<int>(kPatience.count()))) {
            process_->kill();
            process_->waitForFinished(static_cast<int>(kPatience.count()));
        }
    }
    process_.reset();
}

// Nobody waits for a process that is killed: it goes by itself.
void WorkerClient::abandon() {
    QProcess* process = process_.release();
    process->disconnect(this);
    connect(process, &QProcess::finished, process, &QObject::deleteLater);
    process->kill();
}

void WorkerClient::send(const Request& request) {
    const std::string line = toLine(request) + '\n';
    process_->write(line.data(), static_cast<qint64>(line.size()));
}

void WorkerClient::sendLoad() {
    job_ = ++lastId_;
    send({job_, LoadRequest{.model = wantedModel_->toStdString(), .device = wantedDevice_.toStdString()}});
    enter(WorkerPhase::Loading);
}

void WorkerClient::read() {
    const QByteArray bytes = process_->readAllStandardOutput();
    lines_.feed({bytes.constData(), static_cast<std::size_t>(bytes.size())});
    while (const auto line = lines_.next()) {
        try {
            if (line->tooLong) throw UsageError{"event", "", "is too long", ""};
            take(parseEvent(line->text));
        } catch (const Error& error) {
            // A worker of another version, or one that writes nonsense: nothing it says can be trusted.
            process_->kill();
            emit logged(
                tr("The engine's process said what this program does not understand: %1").arg(error.what()));
            return;
        }
        if (!process_) return;  // a slot restarted us
    }
}

void WorkerClient::readLog() {
    const QStringList lines =
        QString::fromUtf8(process_->readAllStandardError()).split('\n', Qt::SkipEmptyParts);
    for (const QString& line : lines) {
        lastLog_ = line;
        emit logged(line);
    }
}

void WorkerClient::take(const Event& event) {
    if (std::holds_alternative<ReadyEvent>(event.what)) {
        enter(WorkerPhase::Empty);
        if (wantedModel_) sendLoad();
    } else if (event.re == forecast_ && forecast_ != 0) {
        takeForecast(event);
    } else if (event.re != job_ || job_ == 0) {
        spdlog::debug("an answer to request {}, which is over", event.re);
    } else if (const auto* progress = std::get_if<ProgressEvent>(&event.what)) {
        saving_ = progress->stage == kSaving;
        emit progressed(*progress);
    } else if (const auto* capture = std::get_if<CaptureEvent>(&event.what)) {
        emit captureReady(QString::fromStdString(capture->file));
    } else if (const auto* token = std::get_if<TokenEvent>(&event.what)) {
        emit textCame(token->sequence, QString::fromStdString(token->text));
    } else if (const auto* restart = std::get_if<RestartEvent>(&event.what)) {
        worn_ = QString::fromStdString(printable(restart->why, 400));
    } else if (const auto* failure = std::get_if<FailedEvent>(&event.what)) {
        takeFailure(*failure);
    } else {
        takeDone(event);
    }
}

void WorkerClient::takeDone(const Event& event) {
    patience_.stop();
    job_ = 0;
    if (const auto* loadedModel = std::get_if<LoadedEvent>(&event.what)) {
        model_ = *loadedModel;
        if (std::exchange(loadAfterCancel_, false)) return loadNext();
        enter(WorkerPhase::Ready);
        emit loaded(*model_);
    } else if (std::holds_alternative<RunDoneEvent>(event.what)) {
        if (std::exchange(loadAfterCancel_, false)) return loadNext();
        enter(WorkerPhase::Ready);
        emit runEnded();
        replaceIfWorn();
    }
}

void WorkerClient::loadNext() {
    if (worn_.isEmpty())
        sendLoad();
    else
        replace();
}

// Right after the run and not before the next: that one then waits for no model.
void WorkerClient::replaceIfWorn() {
    if (!worn_.isEmpty() && state_ == WorkerPhase::Ready) replace();
}

void WorkerClient::replace() {
    emit logged(tr("A new engine's process loads the model again: %1").arg(std::exchange(worn_, {})));
    abandon();
    start();
}

void WorkerClient::takeForecast(const Event& event) {
    forecast_ = 0;
    if (const auto* failure = std::get_if<FailedEvent>(&event.what))
        emit forecastFailed(*failure);
    else if (const auto* answer = std::get_if<ForecastEvent>(&event.what))
        emit forecasted(answer->forecast);
}

void WorkerClient::takeFailure(const FailedEvent& failure) {
    patience_.stop();
    job_ = 0;
    if (std::exchange(loadAfterCancel_, false)) return loadNext();
    enter(model_ ? WorkerPhase::Ready : WorkerPhase::Empty);
    emit failed(failure);
    replaceIfWorn();
}

void WorkerClient::losePatience() {
    if (saving_) {
        saving_ = false;
        patience_.start(kSavingPatience);
        return;
    }
    emit logged(tr(
        "The engine did not stop when asked: its process was ended, and a new one loads the model again."));
    abandon();
    const bool loading = !model_;
    if (loading && !std::exchange(loadAfterCancel_, false))
        wantedModel_.reset();  // a load that was cancelled stays so
    emit failed({ErrorFamily::Cancelled, "the run was cancelled"});
    start();
}

void WorkerClient::onFinished(int code, QProcess::ExitStatus status) {
    patience_.stop();
    readLog();
    QString why = status == QProcess::CrashExit
                      ? tr("The engine's process was killed or crashed (signal %1).").arg(code)
                      : tr("The engine's process ended with exit code %1.").arg(code);
    if (!lastLog_.isEmpty())
        why += tr(" It last said: %1").arg(QString::fromStdString(printable(lastLog_.toStdString(), 200)));
    forecast_ = 0;
    enter(WorkerPhase::Lost);
    emit lost(why);
}

void WorkerClient::enter(WorkerPhase state) {
    if (state_ == state) return;
    state_ = state;
    emit stateChanged(state);
}

}  // namespace fluxscope
