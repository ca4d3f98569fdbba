#include "views/run/prompt_list_model.h"

#include <QString>

namespace fluxscope {
namespace {

constexpr qsizetype kPreviewCharacters = 400;

QString previewOf(const PromptContent& content) {
    if (const auto* text = std::get_if<std::string>(&content))
        return QString::fromStdString(text->substr(0, static_cast<std::size_t>(kPreviewCharacters) * 4))
            .left(kPreviewCharacters);
    if (const auto* messages = std::get_if<std::vector<ChatMessage>>(&content))
        return messages->empty() ? QString()
                                 : QString::fromStdString(messages->back().content).left(kPreviewCharacters);
    return PromptListModel::tr("%1 token ids").arg(std::get<std::vector<TokenId>>(content).size());
}

}  // namespace

void PromptListModel::setPrompts(std::vector<Prompt> prompts) {
    beginResetModel();
    rows_.clear();
    for (Prompt& prompt : prompts) rows_.push_back({std::move(prompt), true});
    endResetModel();
}

std::vector<Prompt> PromptListModel::ticked() const {
    std::vector<Prompt> prompts;
    for (const Row& row : rows_)
        if (row.ticked) prompts.push_back(row.prompt);
    return prompts;
}

int PromptListModel::rowCount(const QModelIndex& parent) const {
    return parent.isValid() ? 0 : static_cast<int>(rows_.size());
}

QVariant PromptListModel::data(const QModelIndex& index, int role) const {
    if (!index.isValid() || index.row() >= rowCount()) return {};
    const Row& row = rows_[static_cast<std::size_t>(index.row())];
    switch (role) {
        case Qt::DisplayRole: {
            const QString id = QString::fromStdString(row.prompt.id);
            return row.prompt.kind.empty()
                       ? id
                       : id + QStringLiteral("  ·  ") + QString::fromStdString(row.prompt.kind);
        }
        case Qt::ToolTipRole:  // escaped: Qt guesses whether a tool tip is HTML
            return QStringLiteral("<p>%1</p>").arg(previewOf(row.prompt.content).toHtmlEscaped());
        case Qt::CheckStateRole: return row.ticked ? Qt::Checked : Qt::Unchecked;
        default: return {};
    }
}

bool PromptListModel::setData(const QModelIndex& index, const QVariant& value, int role) {
    if (!index.isValid() || role != Qt::CheckStateRole) return false;
    rows_[static_cast<std::size_t>(index.row())].ticked = value.toInt() == Qt::Checked;
    emit dataChanged(index, index, {Qt::CheckStateRole});
    return true;
}

Qt::ItemFlags PromptListModel::flags(const QModelIndex& index) const {
    if (!index.isValid()) return Qt::NoItemFlags;
    return Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable | Qt::ItemNeverHasChildren;
}

}  // namespace fluxscope
