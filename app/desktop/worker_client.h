// The engine's process, seen from the window: this program started again with --serve, spoken to in JSON lines.
//
// Cancelling asks; a worker that still computes after a second is killed, one that is finishing its file gets five more. A
// killed worker is started again and loads its model again, which shows as loading. A worker that ends unasked is Lost: the
// window stays as it is, and restart() is for the person to choose.
#pragma once

#include "app/protocol/lines.h"
#include "app/protocol/messages.h"

#include <QElapsedTimer>
#include <QObject>
#include <QProcess>
#include <QStringList>
#include <QTimer>
#include <optional>

namespace fluxscope {

enum class WorkerPhase : std::uint8_t {
    Off,       // not started
    Starting,  // the process is coming up
    Empty,     // ready, no model
    Loading,
    Ready,  // a model waits for runs
    Running,
    Cancelling,
    Lost,  // ended unasked
};

class WorkerClient : public QObject {
    Q_OBJECT

public:
    static constexpr std::chrono::milliseconds kPatience{1000};  // with a worker that computes
    static constexpr std::chrono::milliseconds kSavingPatience{
        5000};  // more, with one that finishes its file

    WorkerClient(QString program, QStringList arguments, QObject* parent = nullptr);
    ~WorkerClient() override;

    WorkerPhase state() const { return state_; }
    const std::optional<protocol::LoadedEvent>& model() const { return model_; }
    qint64 processId() const;

    // Starts the process where needed. A model that is being loaded is cancelled for the new one.
    void load(const QString& model, const QString& device = QStringLiteral("cpu"));
    void run(const protocol::RunRequest& request);            // only when Ready
    void forecast(const protocol::ForecastRequest& request);  // only when Ready; the newest is answered
    bool forecasting() const { return forecast_ != 0; }
    void cancel();   // a load or a run
    void restart();  // after Lost: with the model it had

signals:
    void stateChanged(fluxscope::WorkerPhase state);
    void loaded(const fluxscope::protocol::LoadedEvent& loaded);
    void progressed(const fluxscope::protocol::ProgressEvent& progress);
    void captureReady(const QString& file);
    void textCame(qint64 sequence, const QString& text);
    void runEnded();  // finished
    void forecasted(const fluxscope::Forecast& forecast);
    void forecastFailed(const fluxscope::protocol::FailedEvent& failure);
    void failed(fluxscope::protocol::FailedEvent failure);  // a load or a run; cancelled ones too
    void lost(const QString& why);
    void logged(const QString& line);  // the worker's stderr

private:
    void start();
    void stop();
    void abandon();
    void send(const protocol::Request& request);
    void sendLoad();
    void read();
    void readLog();
    void take(const protocol::Event& event);
    void takeDone(const protocol::Event& event);
    void takeForecast(const protocol::Event& event);
    void takeFailure(const protocol::FailedEvent& failure);
    void losePatience();
    void loadNext();
    void replaceIfWorn();
    void replace();
    void onFinished(int code, QProcess::ExitStatus status);
    void enter(WorkerPhase state);

    QString program_;
    QStringList arguments_;
    std::unique_ptr<QProcess> process_;
    protocol::LineSplitter lines_;
    QString lastLog_;
    WorkerPhase state_ = WorkerPhase::Off;
    std::optional<QString> wantedModel_;
    QString wantedDevice_;
    std::optional<protocol::LoadedEvent> model_;
    std::int64_t lastId_ = 0;
    std::int64_t job_ = 0;       // the request whose end is awaited; 0: none
    std::int64_t forecast_ = 0;  // likewise; a run may be asked for before it is answered
    bool saving_ = false;
    bool loadAfterCancel_ = false;
    QString worn_;  // why this process should not run again; empty: it may
    QTimer patience_;
};

}  // namespace fluxscope
