#include "views/run/policy_edit.h"

#include "engine/contract/error.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QSignalBlocker>

namespace fluxscope {

PolicyEdit::PolicyEdit(QWidget* parent)
    : QWidget(parent),
      text_(new QComboBox(this)),
      threshold_(new QDoubleSpinBox(this)),
      problem_(new QLabel(this)) {
    text_->setObjectName(QStringLiteral("policy"));
    text_->setEditable(true);
    text_->setInsertPolicy(QComboBox::NoInsert);
    text_->addItems({QStringLiteral("routed:0.5"), QStringLiteral("full"), QStringLiteral("sparse"),
                     QStringLiteral("interleaved:1/2"), QStringLiteral("first:1"), QStringLiteral("last:1")});
    text_->setAccessibleName(tr("Policy"));
    text_->setToolTip(tr("routed:T, full, sparse, interleaved:K/N, first:K, last:K, mask:1101"));
    threshold_->setObjectName(QStringLiteral("threshold"));
    threshold_->setRange(0, 1);
    threshold_->setDecimals(3);
    threshold_->setSingleStep(0.05);
    threshold_->setAccessibleName(tr("Threshold"));
    threshold_->setToolTip(tr("A layer is full when its p(full) is above this"));
    problem_->setProperty("role", "warning");
    problem_->setTextFormat(Qt::PlainText);
    problem_->setWordWrap(true);
    problem_->hide();

    auto* grid = new QGridLayout(this);
    grid->setContentsMargins({});
    grid->setHorizontalSpacing(8);
    auto* name = new QLabel(tr("Policy"), this);
    name->setProperty("role", "muted");
    auto* thresholdName = new QLabel(tr("Threshold"), this);
    thresholdName->setProperty("role", "muted");
    grid->addWidget(name, 0, 0);
    grid->addWidget(thresholdName, 0, 1);
    grid->addWidget(text_, 1, 0);
    grid->addWidget(threshold_, 1, 1);
    grid->addWidget(problem_, 2, 0, 1, 2);
    grid->setColumnStretch(0, 2);
    grid->setColumnStretch(1, 1);

    connect(text_, &QComboBox::currentTextChanged, this, &PolicyEdit::parse);
    connect(threshold_, &QDoubleSpinBox::valueChanged, this,
            [this](double value) { text_->setEditText(QStringLiteral("routed:%1").arg(value, 0, 'g', 3)); });
    parse(text_->currentText());
}

void PolicyEdit::setText(const QString& text) { text_->setEditText(text); }

void PolicyEdit::parse(const QString& text) {
    const QString trimmed = text.trimmed();
    QString problem;
    policy_.reset();
    try {
        // The contract reads a file for these; a key stroke must not touch the disk.
        if (trimmed.endsWith(QLatin1String(".json")))
            throw UsageError("policy", "", "is a file name",
                             "open the policy's file instead of typing its name");
        policy_ = parsePolicy(trimmed.toStdString(), "policy");
    } catch (const Error& error) {
        problem = QString::fromUtf8(error.what());
    }
    problem_->setText(problem);
    problem_->setVisible(!problem.isEmpty());

    const auto* routed = policy_ ? std::get_if<RoutedPolicy>(&policy_->kind()) : nullptr;
    const QSignalBlocker quiet(threshold_);
    threshold_->setEnabled(routed != nullptr);
    if (routed) threshold_->setValue(routed->threshold);
    emit changed();
}

}  // namespace fluxscope
