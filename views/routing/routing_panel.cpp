#include "views/routing/routing_panel.h"

#include <QLabel>
#include <QSplitter>
#include <QStackedLayout>

namespace fluxscope {

RoutingPanel::RoutingPanel(ViewStore& store, Jobs& jobs, const Theme& theme, QWidget* parent)
    : QWidget(parent), store_(store) {
    auto* panes = new QSplitter(Qt::Vertical, this);
    overview_ = new OverviewPane(store, jobs, theme, panes);
    prompt_ = new PromptPane(store, jobs, theme, panes);
    panes->setChildrenCollapsible(false);
    panes->setHandleWidth(1);
    panes->setSizes({400, 400});

    nothing_ = new QLabel(tr("No run yet.\nRun a prompt, or open a capture."), this);
    nothing_->setAlignment(Qt::AlignCenter);
    nothing_->setProperty("role", "muted");

    pages_ = new QStackedLayout(this);
    pages_->addWidget(nothing_);
    pages_->addWidget(panes);
    connect(overview_, &OverviewPane::tableChanged, this, &RoutingPanel::tableChanged);
}

void RoutingPanel::setSnapshot(const SnapshotPtr& snapshot) {
    overview_->setSnapshot(snapshot);
    prompt_->setSnapshot(snapshot);
}

void RoutingPanel::setTheme(const Theme& theme) {
    overview_->setTheme(theme);
    prompt_->setTheme(theme);
}

void RoutingPanel::tableChanged() {
    const auto& table = overview_->table();
    const bool any = table && !table->columns.empty() && table->layers > 0;
    pages_->setCurrentIndex(any ? 1 : 0);
    if (any)
        prompt_->setFallback(table->columns.front().run, table->columns.front().sequence);
    else
        prompt_->setFallback(std::nullopt, std::nullopt);
}

}  // namespace fluxscope
