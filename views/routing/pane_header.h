// The bar above a figure: what it is, whose it is, and how it is coloured.
#pragma once

#include <QComboBox>
#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>

namespace fluxscope {

class PaneHeader : public QFrame {
public:
    PaneHeader(const QString& title, const QString& choiceName, const QStringList& choices, QWidget* parent)
        : QFrame(parent), subject_(new QLabel(this)), choice_(new QComboBox(this)) {
        setProperty("role", "bar");
        auto* name = new QLabel(title, this);
        name->setProperty("role", "title");
        subject_->setProperty("role", "muted");
        subject_->setTextFormat(Qt::PlainText);
        subject_->setSizePolicy(QSizePolicy::Ignored,
                                QSizePolicy::Preferred);  // long ids give way to the combo
        auto* label = new QLabel(choiceName, this);
        label->setProperty("role", "muted");
        label->setBuddy(choice_);
        choice_->addItems(choices);
        choice_->setAccessibleName(title + QStringLiteral(": ") + choiceName);
        auto* row = new QHBoxLayout(this);
        row->setContentsMargins(12, 5, 8, 5);
        row->setSpacing(8);
        row->addWidget(name);
        row->addWidget(subject_, 1);
        row->addWidget(label);
        row->addWidget(choice_);
    }

    void setSubject(const QString& subject) { subject_->setText(subject); }
    QComboBox& choice() { return *choice_; }

private:
    QLabel* subject_;
    QComboBox* choice_;
};

}  // namespace fluxscope
