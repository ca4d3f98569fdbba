// A policy as its short form, with the threshold of a routed one beside it.
#pragma once

#include "engine/contract/policy.h"

#include <QWidget>
#include <optional>

class QComboBox;
class QDoubleSpinBox;
class QLabel;

namespace fluxscope {

class PolicyEdit : public QWidget {
    Q_OBJECT

public:
    explicit PolicyEdit(QWidget* parent = nullptr);

    // Absent while the text is no policy; the line under it then says what is wrong.
    const std::optional<Policy>& policy() const { return policy_; }
    void setText(const QString& text);

signals:
    void changed();

private:
    void parse(const QString& text);

    QComboBox* text_;
    QDoubleSpinBox* threshold_;
    QLabel* problem_;
    std::optional<Policy> policy_;
};

}  // namespace fluxscope
