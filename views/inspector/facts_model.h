#pragma once

#include "profiler/figure/tooltip.h"

#include <QAbstractTableModel>

namespace fluxscope {

// Facts as rows. A row that stays keeps its index, so a live run does not disturb what somebody selects or copies.
class FactsModel : public QAbstractTableModel {
    Q_OBJECT

public:
    enum Column { Name, Value, Origin, Columns };

    using QAbstractTableModel::QAbstractTableModel;

    void setFacts(const Tooltip& facts);
    const std::string& title() const { return facts_.title; }

    int rowCount(const QModelIndex& parent = {}) const override;
    int columnCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    Tooltip facts_;
};

}  // namespace fluxscope
