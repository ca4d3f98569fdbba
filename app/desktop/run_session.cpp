#include "app/desktop/run_session.h"

#include "app/start/sample.h"
#include "profiler/figure/number.h"

#include <QDateTime>
#include <QDir>
#include <QStandardPaths>

namespace fluxscope {
namespace {

using Kind = WorkerState::Kind;

QString lineOf(const protocol::LoadedEvent& loaded) {
    const ModelFacts& facts = loaded.model;
    const double millions = static_cast<double>(facts.parameters) / 1e6;
    QString line = RunSession::tr("%1: %2 layers, %3 M parameters, %4 on %5")
                       .arg(QString::fromStdString(printable(facts.name, 60)))
                       .arg(facts.layers)
                       .arg(millions, 0, 'f', millions < 100 ? 1 : 0)
                       .arg(QString::fromStdString(loaded.dtype), QString::fromStdString(loaded.device));
    if (loaded.seconds > 0)
        line += RunSession::tr(", %1 read at %2 GB/s")
                    .arg(QString::fromStdString(formatted(static_cast<double>(loaded.bytes), Unit::Bytes)),
                         QString::fromStdString(formatted(
                             static_cast<double>(loaded.bytes) / loaded.seconds / 1e9, Unit::None)));
    if (facts.untrained)
        line += RunSession::tr(". Random and untrained: its decisions and texts mean nothing");
    else if (facts.routerParameters == 0)
        line += RunSession::tr(". No routers: static policies only");
    return line;
}

QString stageOf(const protocol::ProgressEvent& progress) {
    if (progress.stage == protocol::kSaving) return RunSession::tr("finishing the capture");
    QString stage = QString::fromStdString(progress.stage);
    if (progress.sequences > 1)
        stage += RunSession::tr(", prompt %1 of %2").arg(progress.sequence + 1).arg(progress.sequences);
    return stage;
}

// A run's share over all its prompts; a prefill counts as a third of its prompt, which is what people expect of a bar.
std::optional<double> shareOf(const protocol::ProgressEvent& progress) {
    if (progress.total <= 0) return std::nullopt;
    const double part =
        std::min(1.0, static_cast<double>(progress.done) / static_cast<double>(progress.total));
    if (progress.sequences <= 0) return part;
    const double ofPrompt = progress.stage == "prefill" ? part / 3 : 1.0 / 3 + part * 2 / 3;
    return (static_cast<double>(progress.sequence) + ofPrompt) / static_cast<double>(progress.sequences);
}

}  // namespace

RunSession::RunSession(RunPanel& panel, Options options, QObject* parent)
    : QObject(parent),
      panel_(panel),
      options_(std::move(options)),
      client_(options_.worker, {QStringLiteral("--serve")}) {
    redraw_.setSingleShot(true);
    redraw_.setInterval(kRedraw);
    connect(&redraw_, &QTimer::timeout, this, [this] { panel_.setWorkerState(shown_); });
    forecast_.setSingleShot(true);
    forecast_.setInterval(kForecastAfter);
    connect(&forecast_, &QTimer::timeout, this, &RunSession::askForecast);
    connect(&panel_, &RunPanel::edited, this, [this] {
        if (client_.state() == WorkerPhase::Ready) forecast_.start();
    });
    connect(&client_, &WorkerClient::forecasted, &panel_, &RunPanel::setForecast);
    connect(&client_, &WorkerClient::forecastFailed, this, [this](const protocol::FailedEvent& failure) {
        panel_.setNoForecast(QString::fromStdString(failure.message));
    });
    connect(&panel_, &RunPanel::runRequested, this, &RunSession::run);
    connect(&panel_, &RunPanel::cancelRequested, this, &RunSession::cancel);
    connect(&panel_, &RunPanel::restartRequested, this, &RunSession::restart);
    connect(&client_, &WorkerClient::stateChanged, this, &RunSession::onPhase);
    connect(&client_, &WorkerClient::progressed, this, &RunSession::onProgress);
    connect(&client_, &WorkerClient::loaded, this, &RunSession::onLoaded);
    connect(&client_, &WorkerClient::failed, this, &RunSession::onFailed);
    connect(&client_, &WorkerClient::captureReady, this, &RunSession::captureStarted);
    connect(&client_, &WorkerClient::logged, this, &RunSession::logged);
    connect(&client_, &WorkerClient::textCame, this,
            [this](qint64 sequence, const QString& text) { texts_[sequence] += text; });
    connect(&client_, &WorkerClient::runEnded, this, [this] {
        logTexts();
        emit logged(tr("The run is finished."));
    });
    connect(&client_, &WorkerClient::lost, this, [this](const QString& why) {
        logTexts();
        show({Kind::Lost, {}, {}, why});
        emit logged(why);
        emit lost(why);
    });
}

QString RunSession::capturesFolder() {
    return QStandardPaths::writableLocation(QStandardPaths::AppDataLocation) + QStringLiteral("/captures");
}

void RunSession::loadModel(const QString& argument) {
    try {
        const QString folder = QString::fromStdString(modelFolder(argument.toStdString()).string());
        model_ = QDir(folder).dirName();
        client_.load(QDir(folder).absolutePath(), options_.device);
    } catch (const Error& error) {
        show({Kind::Failed, {}, {}, QString::fromUtf8(error.what())});
        emit failed(QString::fromUtf8(error.what()));
    }
}

QString RunSession::newCapture() const {
    if (!options_.record.isEmpty()) return QDir().absoluteFilePath(options_.record);
    QDir().mkpath(capturesFolder());
    const QString stem =
        QDateTime::currentDateTime().toString(QStringLiteral("yyyy-MM-dd HH.mm.ss ")) + model_;
    QString file = capturesFolder() + '/' + stem + QStringLiteral(".fluxdb");
    for (int n = 2; QFileInfo::exists(file); ++n)
        file = capturesFolder() + QStringLiteral("/%1 (%2).fluxdb").arg(stem).arg(n);
    return file;
}

// Asked when settings have rested and the worker is idle; what a newer one overtakes is dropped by the client.
void RunSession::askForecast() {
    const auto request = panel_.request();
    if (client_.state() != WorkerPhase::Ready || !request) return panel_.setNoForecast({});
    std::size_t bytes = 0;
    for (const Prompt& prompt : request->prompts)
        if (const auto* text = std::get_if<std::string>(&prompt.content)) bytes += text->size();
    if (bytes > kForecastBytes)
        panel_.setNoForecast(tr("Memory: not forecast for more than 2 MiB of prompts"));
    else
        client_.forecast({*request});
}

void RunSession::run(const RunRequest& request) {
    if (client_.state() != WorkerPhase::Ready) {
        const QString sentence = tr("No model is loaded; choose one with File, Load Model.");
        show({Kind::Failed, {}, {}, sentence});
        emit failed(sentence);
        return;
    }
    const protocol::RunRequest wanted{.wanted = request, .capture = newCapture().toStdString()};
    promptIds_.clear();
    texts_.clear();
    for (const Prompt& prompt : request.prompts)
        promptIds_.push_back(QString::fromStdString(printable(prompt.id, 60)));
    client_.run(wanted);
}

void RunSession::onPhase(WorkerPhase phase) {
    switch (phase) {
        case WorkerPhase::Off:
        case WorkerPhase::Starting: show({Kind::Starting, {}, {}, {}}); break;
        case WorkerPhase::Loading: show({Kind::Loading, model_, {}, {}}); break;
        case WorkerPhase::Ready: show({Kind::Ready, {}, {}, modelLine_}); break;
        case WorkerPhase::Running: show({Kind::Running, tr("warming up"), {}, {}}); break;
        case WorkerPhase::Cancelling: show({Kind::Cancelling, {}, {}, {}}); break;
        case WorkerPhase::Empty:  // a load or its failure follows and says more
        case WorkerPhase::Lost: break;
    }
    if (phase == WorkerPhase::Ready) forecast_.start();
    if (phase == WorkerPhase::Starting) emit recovered();
    emit busyChanged(phase == WorkerPhase::Starting || phase == WorkerPhase::Loading ||
                     phase == WorkerPhase::Running || phase == WorkerPhase::Cancelling);
}

void RunSession::onProgress(const protocol::ProgressEvent& progress) {
    if (client_.state() == WorkerPhase::Loading)
        shown_ = {Kind::Loading, model_, shareOf(progress), {}};
    else if (client_.state() == WorkerPhase::Running)
        shown_ = {Kind::Running, stageOf(progress), shareOf(progress), {}};
    else
        return;
    if (!redraw_.isActive()) redraw_.start();
}

void RunSession::onLoaded(const protocol::LoadedEvent& loaded) {
    modelLine_ = lineOf(loaded);
    show({Kind::Ready, {}, {}, modelLine_});
    emit logged(modelLine_);
    panel_.setModel(loaded.model.routerParameters > 0, loaded.recommended);
    emit modelLoaded(loaded, modelLine_);
}

void RunSession::onFailed(const protocol::FailedEvent& failure) {
    logTexts();
    const QString message = QString::fromStdString(failure.message);
    if (failure.family == ErrorFamily::Cancelled) {
        emit logged(message);
        if (client_.state() == WorkerPhase::Ready)
            show({Kind::Ready, {}, {}, tr("Cancelled. What was recorded stays open.")});
        return;
    }
    show({Kind::Failed, {}, {}, message});
    emit failed(message);
}

void RunSession::logTexts() {
    for (const auto& [sequence, text] : texts_) {
        const auto index = static_cast<std::size_t>(sequence);
        const QString id = index < promptIds_.size() ? promptIds_[index] : QString::number(sequence);
        emit logged(tr("%1 → %2").arg(id, QString::fromStdString(printable(text.toStdString(), 300))));
    }
    texts_.clear();
}

void RunSession::show(WorkerState state) {
    redraw_.stop();
    shown_ = std::move(state);
    panel_.setWorkerState(shown_);
}

}  // namespace fluxscope
