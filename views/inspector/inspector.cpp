#include "views/inspector/inspector.h"

#include "views/inspector/facts.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QTableView>
#include <QVBoxLayout>
#include <algorithm>

namespace fluxscope {
namespace {

void copySelection(const QTableView& table) {
    QModelIndexList chosen = table.selectionModel()->selectedIndexes();
    std::sort(chosen.begin(), chosen.end());
    QString text;
    for (qsizetype i = 0; i < chosen.size(); ++i) {
        if (i > 0) text += chosen[i].row() == chosen[i - 1].row() ? QLatin1Char('\t') : QLatin1Char('\n');
        text += chosen[i].data().toString();
    }
    if (!text.isEmpty()) QApplication::clipboard()->setText(text);
}

}  // namespace

Inspector::Inspector(ViewStore& store, Jobs& jobs, QWidget* parent)
    : QWidget(parent),
      store_(store),
      jobs_(jobs),
      title_(new QLabel(this)),
      model_(new FactsModel(this)),
      table_(new QTableView(this)) {
    title_->setProperty("role", "title");
    title_->setTextFormat(Qt::PlainText);
    title_->setWordWrap(true);
    title_->setContentsMargins(10, 8, 10, 6);
    table_->setModel(model_);
    table_->setObjectName(QStringLiteral("inspector"));
    table_->setAccessibleName(tr("Facts about the selection"));
    table_->setShowGrid(false);
    table_->setAlternatingRowColors(true);
    table_->setSelectionBehavior(QAbstractItemView::SelectRows);
    table_->verticalHeader()->hide();
    table_->verticalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
    table_->verticalHeader()->setMinimumSectionSize(24);
    // Names in full; values and origins share the rest and wrap, so that nothing hides behind a scroll bar.
    table_->horizontalHeader()->setSectionResizeMode(QHeaderView::Stretch);
    table_->horizontalHeader()->setSectionResizeMode(FactsModel::Name, QHeaderView::ResizeToContents);
    table_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    table_->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    table_->horizontalHeader()->setHighlightSections(false);
    table_->setTextElideMode(Qt::ElideRight);
    auto* copy = new QAction(tr("Copy"), table_);
    copy->setShortcut(QKeySequence::Copy);
    copy->setShortcutContext(Qt::WidgetShortcut);
    connect(copy, &QAction::triggered, this, [this] { copySelection(*table_); });
    table_->addAction(copy);
    table_->setContextMenuPolicy(Qt::ActionsContextMenu);

    auto* column = new QVBoxLayout(this);
    column->setContentsMargins({});
    column->setSpacing(0);
    column->addWidget(title_);
    auto* inset = new QHBoxLayout;
    inset->setContentsMargins(7, 0, 0, 0);
    inset->addWidget(table_);
    column->addLayout(inset, 1);

    connect(&store, &ViewStore::changed, this, [this](const ViewState& now, const ViewState& before) {
        if (now.selection != before.selection) refresh();
    });
}

void Inspector::setSnapshot(SnapshotPtr snapshot) {
    snapshot_ = std::move(snapshot);
    refresh();
}

void Inspector::refresh() {
    const Selection& selection = store_.state().selection;
    stale_ = snapshot_ && tag_.busy() && selection == asked_;  // a live run must not starve its own table
    if (stale_) return;
    asked_ = selection;
    if (!snapshot_) {
        tag_.cancel();
        title_->clear();
        model_->setFacts({});
        return;
    }
    jobs_.run(
        tag_, [snapshot = snapshot_, selection] { return factsOf(*snapshot, selection); },
        [this](const Tooltip& facts) {
            title_->setText(QString::fromStdString(facts.title));
            model_->setFacts(facts);
            if (stale_) refresh();
        });
}

}  // namespace fluxscope
