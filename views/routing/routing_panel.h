// Routing: above, what the model does with every prompt; below, what that cost for the one that is selected.
#pragma once

#include "views/routing/overview_pane.h"
#include "views/routing/prompt_pane.h"

#include <QWidget>

class QLabel;
class QStackedLayout;

namespace fluxscope {

class RoutingPanel : public QWidget {
    Q_OBJECT

public:
    RoutingPanel(ViewStore& store, Jobs& jobs, const Theme& theme, QWidget* parent = nullptr);

    // A newer state of the same capture, or another one, or none.
    void setSnapshot(const SnapshotPtr& snapshot);
    void setTheme(const Theme& theme);

    OverviewPane& overview() { return *overview_; }
    PromptPane& prompt() { return *prompt_; }

private:
    void tableChanged();

    ViewStore& store_;
    OverviewPane* overview_;
    PromptPane* prompt_;
    QLabel* nothing_;
    QStackedLayout* pages_;
};

}  // namespace fluxscope
