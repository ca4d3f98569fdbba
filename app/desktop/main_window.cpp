#include "app/desktop/main_window.h"

#include "app/desktop/log_panel.h"
#include "app/desktop/menus.h"
#include "app/desktop/run_session.h"
#include "app/start/sample.h"
#include "engine/contract/prompt_set.h"
#include "views/banner.h"
#include "views/inspector/inspector.h"
#include "views/routing/routing_panel.h"
#include "views/run/run_panel.h"
#include "views/training/training_pane.h"

#include <QCloseEvent>
#include <QCoreApplication>
#include <QDir>
#include <QDockWidget>
#include <QFileDialog>
#include <QFileInfo>
#include <QLabel>
#include <QStatusBar>
#include <QTabWidget>
#include <QVBoxLayout>

namespace fluxscope {
namespace {

// The same file under two names is one capture; one that is still to come has no canonical path of its own.
CaptureKey keyOf(const QString& file) {
    const QFileInfo info(file);
    const QString canonical = info.canonicalFilePath();
    return {(canonical.isEmpty() ? info.absoluteFilePath() : canonical).toStdString()};
}

QDockWidget* dockOf(QMainWindow& window, Qt::DockWidgetArea area, const QString& name, const QString& title,
                    QWidget* content) {
    auto* dock = new QDockWidget(title, &window);
    dock->setObjectName(name);
    dock->setWidget(content);
    window.addDockWidget(area, dock);
    return dock;
}

}  // namespace

MainWindow::MainWindow(Appearance& appearance, const Arguments& arguments)
    : appearance_(appearance), remembers_(arguments.screenshot.empty()) {
    setObjectName(QStringLiteral("main"));
    resize(1440, 900);
    buildDocks();
    connectStore();
#ifdef FLUXSCOPE_ENGINE
    buildSession(arguments);
#else
    say(tr("This build has no engine: it opens captures."));
#endif
    menus_ = new Menus(*this, store_, appearance_, settings_);
    if (remembers_) {
        restoreGeometry(settings_.geometry());
        restoreState(settings_.docks());
    }
    for (const std::string& capture : arguments.captures) openCapture(QString::fromStdString(capture));
    retitle();
}

MainWindow::~MainWindow() = default;

void MainWindow::buildDocks() {
    auto* centre = new QWidget(this);
    banner_ = new Banner(centre);
    views_ = new QTabWidget(centre);
    views_->setDocumentMode(true);
    views_->setObjectName(QStringLiteral("views"));
    routing_ = new RoutingPanel(store_, jobs_, appearance_.theme(), views_);
    training_ = new TrainingPane(store_, jobs_, appearance_.theme(), views_);
    // In the order of MainView.
    views_->addTab(routing_, tr("Routing"));
    views_->addTab(training_, tr("Training"));
    auto* column = new QVBoxLayout(centre);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(banner_);
    column->addWidget(views_, 1);
    setCentralWidget(centre);

    inspector_ = new Inspector(store_, jobs_, this);
    log_ = new LogPanel(this);
    QDockWidget* inspector =
        dockOf(*this, Qt::RightDockWidgetArea, QStringLiteral("dock-inspector"), tr("Inspector"), inspector_);
    QDockWidget* log = dockOf(*this, Qt::BottomDockWidgetArea, QStringLiteral("dock-log"), tr("Log"), log_);
    setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
    setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
    resizeDocks({inspector}, {400}, Qt::Horizontal);
    resizeDocks({log}, {110}, Qt::Vertical);

    modelLine_ = new QLabel(this);
    modelLine_->setTextFormat(Qt::PlainText);
    modelLine_->setProperty("role", "muted");
    modelLine_->setContentsMargins(8, 0, 8, 0);
    statusBar()->addPermanentWidget(modelLine_);
    statusBar()->setSizeGripEnabled(false);
}

void MainWindow::buildSession(const Arguments& arguments) {
    runPanel_ = new RunPanel(this);
    QDockWidget* dock =
        dockOf(*this, Qt::LeftDockWidgetArea, QStringLiteral("dock-run"), tr("Run"), runPanel_);
    resizeDocks({dock}, {300}, Qt::Horizontal);
    const QString worker = arguments.worker.empty() ? QCoreApplication::applicationFilePath()
                                                    : QString::fromStdString(arguments.worker);
    session_ = new RunSession(*runPanel_,
                              {.worker = worker,
                               .device = QString::fromStdString(arguments.device),
                               .record = QString::fromStdString(arguments.record)},
                              this);

    connect(session_, &RunSession::logged, log_, &LogPanel::say);
    connect(session_, &RunSession::captureStarted, this, &MainWindow::openCapture);
    connect(session_, &RunSession::busyChanged, this, [this](bool busy) { busy_ = busy; });
    connect(session_, &RunSession::modelLoaded, this,
            [this](const protocol::LoadedEvent& loaded, const QString& line) {
                const ModelFacts& facts = loaded.model;
                modelLine_->setText(line);
                runPanel_->setPolicy(facts.routerParameters > 0 ? QStringLiteral("routed")
                                                                : QStringLiteral("full"));
                if (remembers_) settings_.setModel(QString::fromStdString(facts.path));
            });
    connect(session_, &RunSession::lost, this, [this](const QString& why) {
        banner_->say(why + tr(" What was recorded until then stays open."), tr("Restart"));
    });
    connect(session_, &RunSession::failed, this, [this](const QString& sentence) { say(sentence); });
    connect(session_, &RunSession::recovered, banner_, &Banner::clear);
    connect(banner_, &Banner::acted, session_, &RunSession::restart);

    if (!arguments.prompts.empty())
        readPrompts(QString::fromStdString(arguments.prompts));
    else if (const auto sample = samplePrompts())
        readPrompts(QString::fromStdString(sample->string()));

    QString model = QString::fromStdString(arguments.model);
    if (model.isEmpty() && remembers_ && QFileInfo::exists(settings_.model())) model = settings_.model();
    if (arguments.run)
        connect(
            session_, &RunSession::modelLoaded, runPanel_, [this] { menus_->run(); },
            Qt::ConnectionType(Qt::QueuedConnection | Qt::SingleShotConnection));
    session_->loadModel(model.isEmpty() ? QStringLiteral("sample") : model);
}

void MainWindow::connectStore() {
    connect(&store_, &ViewStore::changed, this, [this](const ViewState& now, const ViewState& before) {
        if (now.capture != before.capture) showCapture(now.capture);
        views_->setCurrentIndex(static_cast<int>(now.view));
    });
    connect(views_, &QTabWidget::currentChanged, this,
            [this](int index) { store_.show(static_cast<MainView>(index)); });
    connect(&follower_, &CaptureFollower::snapshotCame, this, &MainWindow::showSnapshot);
    connect(&appearance_, &Appearance::changed, this, [this](const Theme& theme) {
        routing_->setTheme(theme);
        training_->setTheme(theme);
    });
    connect(&jobs_, &Jobs::failed, this, &MainWindow::say);
}

void MainWindow::openCapture(const QString& file) {
    const CaptureKey key = keyOf(file);
    if (store_.state().capture == key)
        follower_.follow(key.file);  // another run went into the same file
    else
        store_.openCapture(key);
    if (remembers_) settings_.addRecentCapture(QString::fromStdString(key.file));
}

void MainWindow::showCapture(const std::optional<CaptureKey>& capture) {
    showSnapshot(nullptr);
    said_.clear();
    viewChosen_ = false;
    if (capture)
        follower_.follow(capture->file);
    else
        follower_.stop();
    retitle();
    emit captureChanged();
}

void MainWindow::showSnapshot(const SnapshotPtr& snapshot) {
    routing_->setSnapshot(snapshot);
    training_->setSnapshot(snapshot);
    inspector_->setSnapshot(snapshot);
    if (!snapshot) return;
    showView(snapshot);
    for (const CollectorInfo& collector : snapshot->collectors)
        if (collector.state == "missing") sayOnce("collector " + sentenceOf(collector));
    for (const std::string& problem : snapshot->problems) sayOnce(problem);
}

// A capture opens on what it has; on what was in view, when it has both.
void MainWindow::showView(const SnapshotPtr& snapshot) {
    const bool hasRuns = !snapshot->runs.empty();
    const bool hasTrainings = !snapshot->trainings.empty();
    if (viewChosen_ || (!hasRuns && !hasTrainings)) return;
    viewChosen_ = true;
    if (hasRuns != hasTrainings) store_.show(hasRuns ? MainView::Routing : MainView::Training, Move::Passing);
}

void MainWindow::retitle() {
    const auto& capture = store_.state().capture;
    setWindowTitle(capture
                       ? tr("%1 — FluxScope").arg(QFileInfo(QString::fromStdString(capture->file)).fileName())
                       : QStringLiteral("FluxScope"));
}

bool MainWindow::resting() const {
    const SnapshotPtr& snapshot = follower_.snapshot();
    const bool reading = store_.state().capture && (!snapshot || snapshot->live);
    const bool forecasting = session_ != nullptr && session_->forecastDue();
    return !busy_ && !reading && !forecasting && !promptsTag_.busy() && !saveTag_.busy();
}

void MainWindow::readPrompts(const QString& file) {
    jobs_.run(
        promptsTag_, [file] { return readPromptSet(file.toStdString()); },
        [this, file](const PromptSet& set) { runPanel_->setPromptSet(QFileInfo(file).fileName(), set); });
}

void MainWindow::say(const QString& sentence) {
    statusBar()->showMessage(sentence);
    log_->say(sentence);
}

// A capture that is being recorded says the same again and again.
void MainWindow::sayOnce(const std::string& sentence) {
    if (said_.insert(sentence).second) say(QString::fromStdString(sentence));
}

void MainWindow::chooseCapture() {
    const QString file = QFileDialog::getOpenFileName(this, tr("Open capture"), RunSession::capturesFolder(),
                                                      tr("FluxScope captures (*.fluxdb);;All files (*)"));
    if (!file.isEmpty()) openCapture(file);
}

void MainWindow::chooseModel() {
    const QString folder = QFileDialog::getExistingDirectory(this, tr("Load model"), settings_.model());
    if (!folder.isEmpty()) session_->loadModel(folder);
}

void MainWindow::choosePromptSet() {
    const QString file = QFileDialog::getOpenFileName(this, tr("Open prompt set"), {},
                                                      tr("Prompt sets (*.jsonl);;All files (*)"));
    if (!file.isEmpty()) readPrompts(file);
}

const DisplayList* MainWindow::figure() const {
    if (store_.state().view == MainView::Training) {
        const auto& curves = training_->figure();
        return curves ? &curves->list : nullptr;
    }
    const auto& drawn = routing_->overview().figure();
    return drawn ? &drawn->list : nullptr;
}

QString MainWindow::askWhere(const QString& title, const QString& suffix, const QString& filter) {
    const auto& capture = store_.state().capture;
    const QFileInfo info(QString::fromStdString(capture ? capture->file : "fluxscope"));
    const QString proposal = info.dir().filePath(info.completeBaseName() + '.' + suffix);
    return QFileDialog::getSaveFileName(this, title, proposal, filter);
}

template <class Work>
void MainWindow::save(const QString& file, const Work& work) {
    jobs_.run(
        saveTag_,
        [file, work] {
            work(file);
            return file;
        },
        [this](const QString& written) { say(tr("Written: %1").arg(QDir::toNativeSeparators(written))); });
}

void MainWindow::saveReport(ReportForm form) {
    const SnapshotPtr shown = snapshot();
    const bool html = form == ReportForm::Html;
    const QString file =
        shown ? askWhere(tr("Export report"), html ? QStringLiteral("html") : QStringLiteral("md"),
                         html ? tr("HTML (*.html)") : tr("Markdown (*.md)"))
              : QString();
    if (!file.isEmpty()) save(file, [shown, form](const QString& to) { exportReport(*shown, form, to); });
}

void MainWindow::saveFigureAsSvg() {
    const DisplayList* shown = figure();
    const QString file = shown != nullptr
                             ? askWhere(tr("Export figure"), QStringLiteral("svg"), tr("SVG (*.svg)"))
                             : QString();
    if (!file.isEmpty()) save(file, [list = *shown](const QString& to) { exportSvg(list, to); });
}

void MainWindow::saveFigureAsPng() {
    const DisplayList* shown = figure();
    const QString file = shown != nullptr
                             ? askWhere(tr("Export figure"), QStringLiteral("png"), tr("PNG (*.png)"))
                             : QString();
    if (!file.isEmpty()) save(file, [list = *shown](const QString& to) { exportPng(list, to); });
}

void MainWindow::closeEvent(QCloseEvent* event) {
    if (remembers_) settings_.setWindow(saveGeometry(), saveState());
    QMainWindow::closeEvent(event);
}

}  // namespace fluxscope
