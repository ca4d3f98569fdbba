// The facts about the selection, in a table one can copy from.
#pragma once

#include "profiler/capture/snapshot.h"
#include "views/inspector/facts_model.h"
#include "views/jobs/jobs.h"
#include "views/state/view_store.h"

#include <QWidget>

class QLabel;
class QTableView;

namespace fluxscope {

class Inspector : public QWidget {
    Q_OBJECT

public:
    Inspector(ViewStore& store, Jobs& jobs, QWidget* parent = nullptr);

    void setSnapshot(SnapshotPtr snapshot);
    const FactsModel& model() const { return *model_; }

private:
    void refresh();

    ViewStore& store_;
    Jobs& jobs_;
    SnapshotPtr snapshot_;
    bool stale_ = false;
    Selection asked_;
    QLabel* title_;
    FactsModel* model_;
    QTableView* table_;
    JobTag tag_;
};

}  // namespace fluxscope
