#include "views/banner.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>

namespace fluxscope {

Banner::Banner(QWidget* parent)
    : QFrame(parent), sentence_(new QLabel(this)), action_(new QPushButton(this)) {
    setProperty("role", "banner");
    sentence_->setTextFormat(Qt::PlainText);  // it may quote a file
    sentence_->setWordWrap(true);
    sentence_->setTextInteractionFlags(Qt::TextSelectableByMouse);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(12, 6, 12, 6);
    row->addWidget(sentence_, 1);
    row->addWidget(action_);
    connect(action_, &QPushButton::clicked, this, &Banner::acted);
    hide();
}

void Banner::say(const QString& sentence, const QString& action) {
    sentence_->setText(sentence);
    action_->setText(action);
    action_->setVisible(!action.isEmpty());
    setAccessibleName(sentence);
    show();
}

void Banner::clear() {
    sentence_->clear();
    hide();
}

QString Banner::sentence() const { return sentence_->text(); }

}  // namespace fluxscope
