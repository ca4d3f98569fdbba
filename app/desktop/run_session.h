// Between the run panel and the worker: what is asked for becomes requests, what the worker says becomes the panel's state.
// While a run goes on the panel is redrawn four times a second at most, for drawing takes time from what is being measured.
#pragma once

#include "app/desktop/worker_client.h"
#include "views/run/run_panel.h"

#include <QElapsedTimer>
#include <QObject>
#include <QTimer>
#include <map>

namespace fluxscope {

class RunSession : public QObject {
    Q_OBJECT

public:
    static constexpr std::chrono::milliseconds kRedraw{250};
    static constexpr std::chrono::milliseconds kForecastAfter{300};  // the last change of a setting
    // Of prompts in one forecast: the worker tokenizes them, and a run that is asked for meanwhile waits.
    static constexpr std::size_t kForecastBytes = std::size_t{2} << 20;

    struct Options {
        QString worker;  // the program started with --serve
        QString device;  // where it computes
        QString record;  // where all runs go; empty: each into a dated file of its own in capturesFolder()
    };

    RunSession(RunPanel& panel, Options options, QObject* parent);

    void loadModel(const QString& argument);  // a folder, or "sample"
    void cancel() { client_.cancel(); }
    void restart() { client_.restart(); }
    WorkerClient& worker() { return client_; }
    bool forecastDue() const { return forecast_.isActive() || client_.forecasting(); }

    static QString capturesFolder();

signals:
    void modelLoaded(const fluxscope::protocol::LoadedEvent& loaded, const QString& line);
    void captureStarted(const QString& file);
    void busyChanged(bool busy);  // loading, running or cancelling
    void lost(const QString& sentence);
    void recovered();                      // from being lost
    void failed(const QString& sentence);  // not logged beside it
    void logged(const QString& line);

private:
    void run(const RunRequest& request);
    void askForecast();
    void onPhase(WorkerPhase phase);
    void onProgress(const protocol::ProgressEvent& progress);
    void onLoaded(const protocol::LoadedEvent& loaded);
    void onFailed(const protocol::FailedEvent& failure);
    void logTexts();
    void show(WorkerState state);
    QString newCapture() const;

    RunPanel& panel_;
    Options options_;
    WorkerClient client_;
    WorkerState shown_;
    QTimer redraw_;
    QTimer forecast_;
    QString model_;      // the folder's name, for captures and the panel
    QString modelLine_;  // what is loaded, in a line
    std::vector<QString> promptIds_;
    std::map<qint64, QString> texts_;
};

}  // namespace fluxscope
