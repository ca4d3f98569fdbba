// Every widget on one screen, saved as pictures to look at: gallery FOLDER. Run it under Xvfb, with QT_SCALE_FACTOR=2 too.
#include "tests/gui/sample_snapshot.h"
#include "views/banner.h"
#include "views/inspector/inspector.h"
#include "views/routing/routing_panel.h"
#include "views/run/more_options.h"
#include "views/run/run_panel.h"
#include "views/theme/appearance.h"

#include <QApplication>
#include <QHBoxLayout>
#include <QSplitter>
#include <QTest>
#include <QToolTip>

using namespace fluxscope;

namespace {

void settle() { QTest::qWait(400); }

PromptSet samplePrompts() {
    PromptSet set;
    for (const char* kind : {"needle", "two-hop", "arithmetic", "prose"})
        for (int n = 1; n <= 2; ++n) {
            Prompt prompt;
            prompt.id = std::string(kind) + "-" + std::to_string(n);
            prompt.kind = kind;
            prompt.content = std::string("What is hidden here?");
            set.prompts.push_back(std::move(prompt));
        }
    return set;
}

}  // namespace

int main(int argc, char** argv) {
    QCoreApplication::setAttribute(Qt::AA_ShareOpenGLContexts);
    QApplication application(argc, argv);
    const QString folder = argc > 1 ? QString::fromLocal8Bit(argv[1]) : QStringLiteral(".");
    Appearance appearance(application, ThemeChoice::Light);
    Jobs jobs;
    ViewStore store;

    QWidget window;
    window.setWindowTitle(QStringLiteral("gallery"));
    auto* all = new QVBoxLayout(&window);
    all->setContentsMargins({});
    all->setSpacing(0);
    auto* banner = new Banner(&window);
    all->addWidget(banner);
    auto* row = new QSplitter(&window);
    row->setHandleWidth(1);
    all->addWidget(row, 1);
    auto* run = new RunPanel(row);
    auto* routing = new RoutingPanel(store, jobs, appearance.theme(), row);
    auto* inspector = new Inspector(store, jobs, row);
    row->setSizes({300, 820, 400});
    QObject::connect(&appearance, &Appearance::changed, routing, &RoutingPanel::setTheme);

    window.resize(1500, 860);
    window.show();
    settle();
    const auto save = [&](const char* name) {
        const QString scale = QString::number(window.devicePixelRatioF());
        const QString canvas = routing->overview().canvas().kind() == CanvasKind::OpenGl
                                   ? QStringLiteral("gl")
                                   : QStringLiteral("raster");
        window.grab().save(QStringLiteral("%1/%2-%3-%4-%5.png")
                               .arg(folder, QLatin1String(name),
                                    QString::fromUtf8(appearance.theme().name.data()), canvas, scale));
    };
    run->setWorkerState({WorkerState::Kind::Starting, {}, {}, {}});
    save("empty");

    run->setPromptText(QStringLiteral("The pass key is 7313. Remember it. What is the pass key?"));
    run->setPromptSet(QStringLiteral("sample_data/prompts.jsonl"), samplePrompts());
    run->setWorkerState(
        {WorkerState::Kind::Ready, {}, {}, QStringLiteral("Ready: sample, 28 layers, fp32 on the CPU")});
    const SnapshotPtr snapshot = sampleSnapshot();
    routing->setSnapshot(snapshot);
    inspector->setSnapshot(snapshot);
    run->setModel(true, SamplingOptions{.temperature = 0.6, .topK = 20, .topP = 0.95});
    constexpr std::int64_t kMiB = 1 << 20;
    run->setForecast({.weights = 15'600 * kMiB,
                      .activations = 1'200 * kMiB,
                      .kvAllSparse = 160 * kMiB,
                      .kvAllFull = 18'400 * kMiB,
                      .available = 124'000 * kMiB});
    settle();
    save("run");
    run->more().unfold(true);
    run->more().setSampling({.temperature = 0.6, .topK = 20, .topP = 0.95, .stop = {"###"}});
    settle();
    save("more");
    appearance.choose(ThemeChoice::Dark);
    settle();
    save("more");
    appearance.choose(ThemeChoice::Light);
    run->more().unfold(false);

    Selection selection{.run = RunIndex(1), .sequence = SequenceIndex(5), .layers = {LayerIndex(7)}};
    store.select(selection);
    run->setWorkerState({WorkerState::Kind::Running, QStringLiteral("prefill, prompt 3 of 8"), 0.42, {}});
    banner->say(QStringLiteral("This model is random and untrained: its routing means nothing."));
    settle();
    appearance.choose(ThemeChoice::Dark);
    settle();
    save("selected");
    appearance.choose(ThemeChoice::Light);
    run->setWorkerState(
        {WorkerState::Kind::Lost,
         {},
         {},
         QStringLiteral("The worker ended unexpectedly (signal 9). What it had recorded is kept.")});
    banner->say(QStringLiteral("The worker was lost."), QStringLiteral("Restart"));
    run->setPolicy(QStringLiteral("interleaved:3/2"));
    store.colourCostBy(CostMeasure::KvBytes);
    settle();
    save("lost");

    // The tool tip is a window of its own.
    auto& canvas = routing->overview().canvas();
    const Rect plot = routing->overview().figure()->plot;
    const QPoint at(static_cast<int>(plot.x + plot.width * 0.4),
                    static_cast<int>(plot.y + plot.height * 0.3));
    QTest::mouseMove(&canvas, at);
    settle();
    for (QWidget* top : QApplication::topLevelWidgets())
        if (top->isVisible() && top != &window)
            top->grab().save(
                QStringLiteral("%1/tip-%2.png").arg(folder, QString::number(window.devicePixelRatioF())));
    save("hover");
    return 0;
}
