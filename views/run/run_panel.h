// What to run and how it is going. Knows no worker: it asks by signals and shows the state it is told.
#pragma once

#include "engine/contract/run.h"
#include "views/run/worker_state.h"

#include <QWidget>
#include <optional>

class QLabel;
class QListView;
class QPlainTextEdit;
class QProgressBar;
class QPushButton;
class QSpinBox;

namespace fluxscope {

class MoreOptions;
class PolicyEdit;
class PromptListModel;

class RunPanel : public QWidget {
    Q_OBJECT

public:
    // The kind and the id of a prompt that was typed rather than taken from a set.
    static constexpr const char* kTyped = "typed";

    explicit RunPanel(QWidget* parent = nullptr);

    void setPromptSet(const QString& name, const PromptSet& set);
    void setPromptText(const QString& text);
    void setPolicy(const QString& shortForm);
    void setWorkerState(const WorkerState& state);
    // What of the options the loaded model offers.
    void setModel(bool hasRouters, const std::optional<SamplingOptions>& recommended);
    void setForecast(const Forecast& forecast);
    void setNoForecast(const QString& why);  // empty: nothing to say

    // The prompts ticked, then the one typed, with all that is chosen. Absent while that cannot be run.
    std::optional<RunRequest> request() const;
    MoreOptions& more() { return *more_; }

signals:
    void runRequested(const fluxscope::RunRequest& request);
    void edited();  // request() may be another one now
    void cancelRequested();
    void restartRequested();

private:
    bool hasPrompts() const;
    void edit();
    void refresh();
    void sayMemory(const QString& text, const QString& details, const char* role);

    WorkerState state_;
    QPlainTextEdit* text_;
    QLabel* setName_;
    PromptListModel* prompts_;
    QListView* list_;
    PolicyEdit* policy_;
    QSpinBox* maxNew_;
    MoreOptions* more_;
    QLabel* memory_;
    QPushButton* run_;
    QPushButton* cancel_;
    QPushButton* restart_;
    QProgressBar* progress_;
    QLabel* status_;
};

}  // namespace fluxscope
