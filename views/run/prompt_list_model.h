// A prompt set as a list with a tick before each prompt that will run.
#pragma once

#include "engine/contract/prompt_set.h"

#include <QAbstractListModel>
#include <vector>

namespace fluxscope {

class PromptListModel : public QAbstractListModel {
    Q_OBJECT

public:
    using QAbstractListModel::QAbstractListModel;

    void setPrompts(std::vector<Prompt> prompts);  // all ticked
    std::vector<Prompt> ticked() const;

    int rowCount(const QModelIndex& parent = {}) const override;
    QVariant data(const QModelIndex& index, int role) const override;
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;
    Qt::ItemFlags flags(const QModelIndex& index) const override;

private:
    struct Row {
        Prompt prompt;
        bool ticked = true;
    };
    std::vector<Row> rows_;
};

}  // namespace fluxscope
