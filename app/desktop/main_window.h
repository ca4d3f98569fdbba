// The window: Run on the left, Routing or Training in the middle, Inspector on the right, Log below. It wires; what things do stands in
// the views, in RunSession and in the store.
#pragma once

#include "app/desktop/arguments.h"
#include "app/desktop/capture_follower.h"
#include "app/desktop/exports.h"
#include "app/desktop/settings.h"
#include "views/jobs/jobs.h"
#include "views/state/view_store.h"
#include "views/theme/appearance.h"

#include <QMainWindow>
#include <set>
#include <string>

class QLabel;
class QTabWidget;

namespace fluxscope {

class Banner;
class Inspector;
class LogPanel;
class Menus;
class RoutingPanel;
class RunPanel;
class RunSession;
class TrainingPane;

class MainWindow : public QMainWindow {
    Q_OBJECT

public:
    // Settings are neither read nor written when a screenshot is taken: it shows what the arguments say.
    MainWindow(Appearance& appearance, const Arguments& arguments);
    ~MainWindow() override;

    // Nothing is loading, running or being read, and no job is due.
    bool resting() const;

    void openCapture(const QString& file);
    const SnapshotPtr& snapshot() const { return follower_.snapshot(); }
    RunSession* session() { return session_; }  // null without the engine
    RoutingPanel& routing() { return *routing_; }
    TrainingPane& training() { return *training_; }

    void chooseCapture();
    void chooseModel();
    void choosePromptSet();
    void saveReport(ReportForm form);
    void saveFigureAsSvg();
    void saveFigureAsPng();

signals:
    void captureChanged();

protected:
    void closeEvent(QCloseEvent* event) override;

private:
    void buildDocks();
    void buildSession(const Arguments& arguments);
    void connectStore();
    void showSnapshot(const SnapshotPtr& snapshot);
    void showCapture(const std::optional<CaptureKey>& capture);
    void showView(const SnapshotPtr& snapshot);
    void retitle();
    void readPrompts(const QString& file);
    void say(const QString& sentence);
    void sayOnce(const std::string& sentence);
    const DisplayList* figure() const;
    QString askWhere(const QString& title, const QString& suffix, const QString& filter);
    template <class Work>
    void save(const QString& file, const Work& work);

    Appearance& appearance_;
    Settings settings_;
    bool remembers_;
    ViewStore store_;
    Jobs jobs_;
    CaptureFollower follower_;
    QTabWidget* views_;
    RoutingPanel* routing_;
    TrainingPane* training_;
    Inspector* inspector_;
    Banner* banner_;
    LogPanel* log_;
    QLabel* modelLine_;
    RunPanel* runPanel_ = nullptr;
    RunSession* session_ = nullptr;
    Menus* menus_ = nullptr;
    bool busy_ = false;
    bool viewChosen_ = false;     // for the capture that is open
    std::set<std::string> said_;  // of this capture
    JobTag promptsTag_;
    JobTag saveTag_;
};

}  // namespace fluxscope
