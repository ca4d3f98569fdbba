// The menu bar. Actions know when they make sense and call the window.
#pragma once

#include "app/desktop/settings.h"
#include "views/state/view_store.h"
#include "views/theme/appearance.h"

#include <QObject>

class QAction;
class QMenu;

namespace fluxscope {

class MainWindow;

class Menus : public QObject {
    Q_OBJECT

public:
    Menus(MainWindow& window, ViewStore& store, Appearance& appearance, Settings& settings);

    void run();  // as the panel's button would

private:
    void buildFile();
    void buildView();
    void buildRun();
    void buildHelp();
    void fillRecents();
    void refresh();

    MainWindow& window_;
    ViewStore& store_;
    Appearance& appearance_;
    Settings& settings_;
    QMenu* recents_ = nullptr;
    QMenu* exports_ = nullptr;
    QAction* back_ = nullptr;
    QAction* forward_ = nullptr;
};

}  // namespace fluxscope
