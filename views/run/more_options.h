// What a run can be asked for beside prompts, policy and length, folded away until somebody wants it.
#pragma once

#include "engine/contract/run.h"

#include <QWidget>
#include <optional>

class QCheckBox;
class QDoubleSpinBox;
class QPlainTextEdit;
class QPushButton;
class QScrollArea;
class QSpinBox;
class QToolButton;

namespace fluxscope {

class MoreOptions : public QWidget {
    Q_OBJECT

public:
    explicit MoreOptions(QWidget* parent = nullptr);

    void fill(RunRequest& request) const;
    void setSampling(const SamplingOptions& sampling);
    // What only some models offer: routers to probe, and a recommendation how to sample.
    void setModel(bool hasRouters, const std::optional<SamplingOptions>& recommended);
    void unfold(bool open);

signals:
    void changed();

private:
    QWidget* form();
    QSpinBox* count(const char* name, const QString& title, int least, int most);
    QDoubleSpinBox* number(const char* name, const QString& title, double least, double most, double step);
    QCheckBox* tick(const char* name, const QString& title, const QString& why);
    void refresh();
    int changes() const;

    QToolButton* fold_;
    QDoubleSpinBox* temperature_;
    QSpinBox* topK_;
    QDoubleSpinBox* topP_;
    QDoubleSpinBox* minP_;
    QDoubleSpinBox* penalty_;
    QSpinBox* seed_;
    QSpinBox* batch_;
    QSpinBox* probe_;
    QPlainTextEdit* stop_;
    QCheckBox* raw_;
    QCheckBox* act_;
    QCheckBox* fidelity_;
    QPushButton* recommend_;
    QScrollArea* area_;
    bool hasRouters_ = true;
    std::optional<SamplingOptions> recommended_;
};

}  // namespace fluxscope
