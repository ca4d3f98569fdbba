#include "views/inspector/facts_model.h"

#include "views/fonts.h"

#include <QFont>
#include <QGuiApplication>
#include <QPalette>

namespace fluxscope {

void FactsModel::setFacts(const Tooltip& facts) {
    const int before = static_cast<int>(facts_.lines.size());
    const int after = static_cast<int>(facts.lines.size());
    facts_.title = facts.title;
    if (after < before) {
        beginRemoveRows({}, after, before - 1);
        facts_.lines.resize(static_cast<std::size_t>(after));
        endRemoveRows();
    } else if (after > before) {
        beginInsertRows({}, before, after - 1);
        facts_.lines.resize(static_cast<std::size_t>(after));
        endInsertRows();
    }
    for (int row = 0; row < after; ++row) {
        TooltipLine& line = facts_.lines[static_cast<std::size_t>(row)];
        const TooltipLine& next = facts.lines[static_cast<std::size_t>(row)];
        if (line == next) continue;
        line = next;
        emit dataChanged(index(row, 0), index(row, Columns - 1));
    }
}

int FactsModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(facts_.lines.size());
}

int FactsModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : Columns; }

QVariant FactsModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount()) return {};
    const TooltipLine& line = facts_.lines[static_cast<std::size_t>(index.row())];
    if (role == Qt::DisplayRole || role == Qt::ToolTipRole) {
        const std::string& text = index.column() == Name    ? line.label
                                  : index.column() == Value ? line.value
                                                            : line.origin;
        const QString shown = QString::fromStdString(text);
        return role == Qt::ToolTipRole ? shown.toHtmlEscaped() : shown;
    }
    if (role == Qt::FontRole && index.column() == Value) {
        QFont font(figureFontFamily());
        font.setPointSizeF(9);
        return font;
    }
    if (role == Qt::ForegroundRole && index.column() == Origin)
        return QGuiApplication::palette().brush(QPalette::PlaceholderText);
    return {};
}

QVariant FactsModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (role != Qt::DisplayRole || orientation != Qt::Horizontal) return {};
    switch (section) {
        case Name: return tr("Fact");
        case Value: return tr("Value");
        case Origin: return tr("Origin");
        default: return {};
    }
}

}  // namespace fluxscope
