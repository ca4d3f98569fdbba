// One sentence across the top of a window that the user must not miss, with a button where something can be done.
#pragma once

#include <QFrame>

class QLabel;
class QPushButton;

namespace fluxscope {

class Banner : public QFrame {
    Q_OBJECT

public:
    explicit Banner(QWidget* parent = nullptr);  // hidden until it has something to say

    void say(const QString& sentence, const QString& action = {});
    void clear();
    QString sentence() const;

signals:
    void acted();

private:
    QLabel* sentence_;
    QPushButton* action_;
};

}  // namespace fluxscope
