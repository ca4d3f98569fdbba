#include "views/run/more_options.h"

#include <QCheckBox>
#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QToolButton>
#include <QVBoxLayout>
#include <algorithm>
#include <array>
#include <limits>

namespace fluxscope {
namespace {

constexpr int kStopLines = 2;
constexpr int kLeastHeight = 130;  // of the unfolded form in a low window: it scrolls

// One a line; \n stands for a line's end.
std::vector<std::string> stopsOf(const QString& text) {
    std::vector<std::string> stops;
    for (QString line : text.split('\n', Qt::SkipEmptyParts))
        stops.push_back(line.replace(QLatin1String("\\n"), QLatin1String("\n")).toStdString());
    return stops;
}

QString textOf(const std::vector<std::string>& stops) {
    QStringList lines;
    for (const std::string& stop : stops)
        lines.push_back(QString::fromStdString(stop).replace('\n', QLatin1String("\\n")));
    return lines.join('\n');
}

void put(QGridLayout& grid, int row, int column, const QString& title, QWidget* field, int columns = 1) {
    auto* label = new QLabel(title, grid.parentWidget());
    label->setProperty("role", "muted");
    label->setBuddy(field);
    grid.addWidget(label, 2 * row, column, 1, columns);
    grid.addWidget(field, 2 * row + 1, column, 1, columns);
}

}  // namespace

MoreOptions::MoreOptions(QWidget* parent)
    : QWidget(parent),
      fold_(new QToolButton(this)),
      temperature_(number("temperature", tr("Temperature"), 0, 100, 0.1)),
      topK_(count("top-k", tr("Top-k"), 0, 1'000'000)),
      topP_(number("top-p", tr("Top-p"), 0.001, 1, 0.05)),
      minP_(number("min-p", tr("Min-p"), 0, 1, 0.05)),
      penalty_(number("repetition-penalty", tr("Repetition penalty"), 0.01, 10, 0.05)),
      seed_(count("seed", tr("Seed"), 0, std::numeric_limits<int>::max())),
      batch_(count("batch", tr("Batch"), 1, 1024)),
      probe_(count("probe", tr("Probe every"), 0, 65536)),
      stop_(new QPlainTextEdit(this)),
      raw_(tick("raw", tr("Raw text"), tr("Without the model's chat template"))),
      act_(tick("probe-acts", tr("Probe may turn layers sparse"),
                tr("Where its router says so by now; a layer never becomes full again"))),
      fidelity_(tick("fidelity", tr("Compare with full attention"),
                     tr("Decodes beside it under policy full: KL, first choice, log-probability. Slower; "
                        "its times are not quoted"))),
      recommend_(new QPushButton(tr("Sample as the model recommends"), this)),
      area_(new QScrollArea(this)) {
    fold_->setObjectName(QStringLiteral("more"));
    fold_->setCheckable(true);
    fold_->setAutoRaise(true);
    fold_->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    temperature_->setSpecialValueText(tr("greedy"));
    temperature_->setToolTip(tr("Greedy takes the most probable token always"));
    topK_->setSpecialValueText(tr("all"));
    topK_->setToolTip(tr("Draw from so many of the most probable tokens"));
    topP_->setValue(1);
    topP_->setToolTip(tr("Draw from the fewest tokens that have this probability together"));
    minP_->setSpecialValueText(tr("off"));
    minP_->setToolTip(tr("Draw from tokens at least this times as probable as the first"));
    penalty_->setValue(1);
    penalty_->setToolTip(tr("Above 1: say less again"));
    seed_->setToolTip(tr("The same seed draws the same tokens"));
    batch_->setSuffix(tr(" prompts"));
    batch_->setSpecialValueText(tr("1 prompt"));
    batch_->setToolTip(tr("Prompts that go through the layers together. Times are then of the batch"));
    probe_->setSuffix(tr(" steps"));
    probe_->setSpecialValueText(tr("off"));
    probe_->setToolTip(tr("Ask the routers again while the answer is decoded"));
    stop_->setObjectName(QStringLiteral("stop"));
    stop_->setTabChangesFocus(true);
    stop_->setAccessibleName(tr("Stop strings"));
    stop_->setToolTip(tr("An answer ends before any of these; \\n stands for a line's end"));
    stop_->setFixedHeight(stop_->fontMetrics().lineSpacing() * kStopLines + 18);
    recommend_->setObjectName(QStringLiteral("recommended"));

    area_->setWidget(form());
    area_->setWidgetResizable(true);
    area_->setFrameShape(QFrame::NoFrame);
    area_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    area_->setMinimumHeight(kLeastHeight);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins({});
    column->setSpacing(4);
    column->addWidget(fold_, 0, Qt::AlignLeft);
    column->addWidget(area_);

    connect(fold_, &QToolButton::toggled, this, [this](bool open) { unfold(open); });
    connect(stop_, &QPlainTextEdit::textChanged, this, &MoreOptions::refresh);
    connect(recommend_, &QPushButton::clicked, this, [this] {
        if (recommended_) setSampling(*recommended_);
    });
    setModel(true, std::nullopt);
    unfold(false);
}

QWidget* MoreOptions::form() {
    auto* form = new QWidget(this);
    auto* grid = new QGridLayout(form);
    grid->setContentsMargins({});
    grid->setHorizontalSpacing(8);
    grid->setVerticalSpacing(3);
    grid->setColumnStretch(0, 1);
    grid->setColumnStretch(1, 1);
    put(*grid, 0, 0, tr("Temperature"), temperature_);
    put(*grid, 0, 1, tr("Seed"), seed_);
    put(*grid, 1, 0, tr("Top-k, tokens"), topK_);
    put(*grid, 1, 1, tr("Top-p"), topP_);
    put(*grid, 2, 0, tr("Min-p"), minP_);
    put(*grid, 2, 1, tr("Repetition penalty"), penalty_);
    put(*grid, 3, 0, tr("Stop strings, one a line"), stop_, 2);
    grid->addWidget(recommend_, 8, 0, 1, 2);
    put(*grid, 5, 0, tr("Batch"), batch_);
    put(*grid, 5, 1, tr("Probe routers every"), probe_);
    grid->addWidget(act_, 12, 0, 1, 2);
    grid->addWidget(fidelity_, 13, 0, 1, 2);
    grid->addWidget(raw_, 14, 0, 1, 2);
    return form;
}

QSpinBox* MoreOptions::count(const char* name, const QString& title, int least, int most) {
    auto* box = new QSpinBox(this);
    box->setObjectName(QLatin1String(name));
    box->setAccessibleName(title);
    box->setRange(least, most);
    connect(box, &QSpinBox::valueChanged, this, &MoreOptions::refresh);
    return box;
}

QDoubleSpinBox* MoreOptions::number(const char* name, const QString& title, double least, double most,
                                    double step) {
    auto* box = new QDoubleSpinBox(this);
    box->setObjectName(QLatin1String(name));
    box->setAccessibleName(title);
    box->setDecimals(3);
    box->setRange(least, most);
    box->setSingleStep(step);
    connect(box, &QDoubleSpinBox::valueChanged, this, &MoreOptions::refresh);
    return box;
}

QCheckBox* MoreOptions::tick(const char* name, const QString& title, const QString& why) {
    auto* box = new QCheckBox(title, this);
    box->setObjectName(QLatin1String(name));
    box->setToolTip(why);
    connect(box, &QCheckBox::toggled, this, &MoreOptions::refresh);
    return box;
}

void MoreOptions::fill(RunRequest& request) const {
    request.sampling = {.temperature = temperature_->value(),
                        .topK = topK_->value(),
                        .topP = topP_->value(),
                        .minP = minP_->value(),
                        .repetitionPenalty = penalty_->value(),
                        .stop = stopsOf(stop_->toPlainText())};
    request.seed = static_cast<std::uint64_t>(seed_->value());
    request.batch = batch_->value();
    request.raw = raw_->isChecked();
    request.fidelity = fidelity_->isChecked();
    request.probe.reset();
    if (hasRouters_ && probe_->value() > 0)
        request.probe = ProbeOptions{.every = probe_->value(), .act = act_->isChecked()};
}

void MoreOptions::setSampling(const SamplingOptions& sampling) {
    {
        const QSignalBlocker quiet(this);
        temperature_->setValue(sampling.temperature);
        topK_->setValue(sampling.topK);
        topP_->setValue(sampling.topP);
        minP_->setValue(sampling.minP);
        penalty_->setValue(sampling.repetitionPenalty);
        stop_->setPlainText(textOf(sampling.stop));
    }
    refresh();
}

void MoreOptions::setModel(bool hasRouters, const std::optional<SamplingOptions>& recommended) {
    hasRouters_ = hasRouters;
    recommended_ = recommended;
    recommend_->setVisible(recommended.has_value());
    refresh();
}

void MoreOptions::unfold(bool open) {
    const QSignalBlocker quiet(fold_);
    fold_->setChecked(open);
    fold_->setArrowType(open ? Qt::DownArrow : Qt::RightArrow);
    area_->setVisible(open);
}

int MoreOptions::changes() const {
    RunRequest chosen;
    fill(chosen);
    const RunRequest plain;
    const SamplingOptions& a = chosen.sampling;
    const SamplingOptions& b = plain.sampling;
    const std::array differ{a.temperature != b.temperature,
                            a.topK != b.topK,
                            a.topP != b.topP,
                            a.minP != b.minP,
                            a.repetitionPenalty != b.repetitionPenalty,
                            a.stop != b.stop,
                            chosen.seed != plain.seed,
                            chosen.batch != plain.batch,
                            chosen.raw,
                            chosen.fidelity,
                            chosen.probe.has_value()};
    return static_cast<int>(std::count(differ.begin(), differ.end(), true));
}

void MoreOptions::refresh() {
    const bool draws = temperature_->value() > 0;
    for (QWidget* field : std::initializer_list<QWidget*>{topK_, topP_, minP_, seed_})
        field->setEnabled(draws);
    probe_->setEnabled(hasRouters_);
    act_->setEnabled(hasRouters_ && probe_->value() > 0);
    const int chosen = changes();
    fold_->setText(chosen == 0 ? tr("More options") : tr("More options (%1 set)").arg(chosen));
    emit changed();
}

}  // namespace fluxscope
