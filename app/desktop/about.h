#pragma once

class QWidget;

namespace fluxscope {

void showAbout(QWidget* parent);

}  // namespace fluxscope
