// What to run and how it is going. Knows no worker: it asks by signals and shows the state it is told.
#pragma once

#include "engine/contract/policy.h"
#include "engine/contract/prompt_set.h"
#include "views/run/worker_state.h"

#include <QWidget>
#include <vector>

class QLabel;
class QListView;
class QPlainTextEdit;
class QProgressBar;
class QPushButton;
class QSpinBox;

namespace fluxscope {

class PolicyEdit;
class PromptListModel;

struct RunPanelRequest {
    std::vector<Prompt> prompts;  // those ticked, then the one typed
    Policy policy;
    std::int32_t maxNew = 64;
};

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

signals:
    void runRequested(const fluxscope::RunPanelRequest& request);
    void cancelRequested();
    void restartRequested();

private:
    RunPanelRequest request() const;
    void refresh();

    WorkerState state_;
    QPlainTextEdit* text_;
    QLabel* setName_;
    PromptListModel* prompts_;
    QListView* list_;
    PolicyEdit* policy_;
    QSpinBox* maxNew_;
    QPushButton* run_;
    QPushButton* cancel_;
    QPushButton* restart_;
    QProgressBar* progress_;
    QLabel* status_;
};

}  // namespace fluxscope
