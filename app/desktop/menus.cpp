#include "app/desktop/menus.h"

#include "app/desktop/about.h"
#include "app/desktop/main_window.h"
#include "app/desktop/run_session.h"

#include <QActionGroup>
#include <QApplication>
#include <QDockWidget>
#include <QFileInfo>
#include <QMenuBar>
#include <QPushButton>

namespace fluxscope {

Menus::Menus(MainWindow& window, ViewStore& store, Appearance& appearance, Settings& settings)
    : QObject(&window), window_(window), store_(store), appearance_(appearance), settings_(settings) {
    buildFile();
    buildView();
    if (window_.session() != nullptr) buildRun();
    buildHelp();
    connect(&store_, &ViewStore::changed, this, &Menus::refresh);
    refresh();
}

void Menus::buildFile() {
    QMenu* file = window_.menuBar()->addMenu(tr("&File"));
    file->addAction(tr("&Open Capture…"), QKeySequence::Open, &window_, &MainWindow::chooseCapture);
    recents_ = file->addMenu(tr("Open &Recent"));
    connect(recents_, &QMenu::aboutToShow, this, &Menus::fillRecents);
    if (window_.session() != nullptr) {
        file->addAction(tr("Load &Model…"), QKeySequence(tr("Ctrl+M")), &window_, &MainWindow::chooseModel);
        file->addAction(tr("Open &Prompt Set…"), &window_, &MainWindow::choosePromptSet);
    }
    file->addSeparator();
    exports_ = file->addMenu(tr("&Export"));
    exports_->addAction(tr("Report as &HTML…"), QKeySequence(tr("Ctrl+E")), &window_,
                        [this] { window_.saveReport(ReportForm::Html); });
    exports_->addAction(tr("Report as &Markdown…"), &window_,
                        [this] { window_.saveReport(ReportForm::Markdown); });
    exports_->addSeparator();
    exports_->addAction(tr("Figure as &SVG…"), &window_, &MainWindow::saveFigureAsSvg);
    exports_->addAction(tr("Figure as &PNG…"), &window_, &MainWindow::saveFigureAsPng);
    file->addSeparator();
    file->addAction(tr("&Quit"), QKeySequence::Quit, &window_, &QWidget::close);
}

void Menus::fillRecents() {
    recents_->clear();
    for (const QString& capture : settings_.recentCaptures()) {
        QString name = QFileInfo(capture).fileName();
        QAction* action = recents_->addAction(name.replace('&', QLatin1String("&&")));
        action->setToolTip(capture);
        connect(action, &QAction::triggered, &window_, [this, capture] { window_.openCapture(capture); });
    }
    if (recents_->isEmpty()) recents_->addAction(tr("None yet"))->setEnabled(false);
}

void Menus::buildView() {
    QMenu* view = window_.menuBar()->addMenu(tr("&View"));
    back_ = view->addAction(tr("&Back"), QKeySequence::Back, &store_, &ViewStore::back);
    forward_ = view->addAction(tr("&Forward"), QKeySequence::Forward, &store_, &ViewStore::forward);
    view->addSeparator();
    for (QDockWidget* dock : window_.findChildren<QDockWidget*>()) view->addAction(dock->toggleViewAction());
    view->addSeparator();
    QMenu* theme = view->addMenu(tr("&Theme"));
    auto* choices = new QActionGroup(this);
    const std::pair<ThemeChoice, QString> names[] = {{ThemeChoice::System, tr("&System")},
                                                     {ThemeChoice::Light, tr("&Light")},
                                                     {ThemeChoice::Dark, tr("&Dark")}};
    for (const auto& [choice, name] : names) {
        QAction* action = choices->addAction(theme->addAction(name));
        action->setCheckable(true);
        action->setChecked(appearance_.choice() == choice);
        connect(action, &QAction::triggered, this, [this, choice = choice] {
            appearance_.choose(choice);
            settings_.setTheme(choice);
        });
    }
}

void Menus::buildRun() {
    QMenu* menu = window_.menuBar()->addMenu(tr("&Run"));
    menu->addAction(tr("&Run"), QKeySequence(tr("Ctrl+R")), this, &Menus::run);
    QAction* cancel =
        menu->addAction(tr("&Cancel"), QKeySequence(tr("Ctrl+.")), window_.session(), &RunSession::cancel);
    cancel->setEnabled(false);
    connect(window_.session(), &RunSession::busyChanged, cancel, &QAction::setEnabled);
}

void Menus::buildHelp() {
    QMenu* help = window_.menuBar()->addMenu(tr("&Help"));
    help->addAction(tr("&About FluxScope"), &window_, [this] { showAbout(&window_); });
}

void Menus::run() {
    // The panel knows whether there is anything to run and a worker to run it.
    if (auto* button = window_.findChild<QPushButton*>(QStringLiteral("run"))) button->click();
}

void Menus::refresh() {
    back_->setEnabled(store_.canGoBack());
    forward_->setEnabled(store_.canGoForward());
    exports_->setEnabled(store_.state().capture.has_value());
}

}  // namespace fluxscope
