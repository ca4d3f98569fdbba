#include "views/run/run_panel.h"

#include "views/run/forecast_line.h"
#include "views/run/more_options.h"
#include "views/run/policy_edit.h"
#include "views/run/prompt_list_model.h"

#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QListView>
#include <QPlainTextEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QSpinBox>
#include <QStyle>
#include <QVBoxLayout>
#include <algorithm>

namespace fluxscope {
namespace {

using Kind = WorkerState::Kind;

QLabel* muted(const QString& text, QWidget* parent) {
    auto* label = new QLabel(text, parent);
    label->setProperty("role", "muted");
    return label;
}

void setRole(QWidget& widget, const char* role) {
    if (widget.property("role").toString() == QLatin1String(role)) return;
    widget.setProperty("role", role);
    widget.style()->unpolish(&widget);
    widget.style()->polish(&widget);
}

QString percent(double share) { return QStringLiteral("%1 %").arg(static_cast<int>(share * 100)); }

QString sentenceOf(const WorkerState& state) {
    const QString share = state.share ? QStringLiteral(", ") + percent(*state.share) : QString();
    switch (state.kind) {
        case Kind::Starting: return RunPanel::tr("Starting the worker");
        case Kind::Loading: return RunPanel::tr("Loading %1%2").arg(state.stage, share).simplified();
        case Kind::Ready: return state.message.isEmpty() ? RunPanel::tr("Ready") : state.message;
        case Kind::Running: return RunPanel::tr("Running: %1%2").arg(state.stage, share);
        case Kind::Cancelling: return RunPanel::tr("Cancelling");
        case Kind::Lost:
        case Kind::Failed: return state.message;
    }
    return {};
}

bool isBusy(Kind kind) {
    return kind == Kind::Starting || kind == Kind::Loading || kind == Kind::Running ||
           kind == Kind::Cancelling;
}

}  // namespace

RunPanel::RunPanel(QWidget* parent)
    : QWidget(parent),
      text_(new QPlainTextEdit(this)),
      setName_(muted({}, this)),
      prompts_(new PromptListModel(this)),
      list_(new QListView(this)),
      policy_(new PolicyEdit(this)),
      maxNew_(new QSpinBox(this)),
      more_(new MoreOptions(this)),
      memory_(muted({}, this)),
      run_(new QPushButton(tr("Run"), this)),
      cancel_(new QPushButton(tr("Cancel"), this)),
      restart_(new QPushButton(tr("Restart worker"), this)),
      progress_(new QProgressBar(this)),
      status_(new QLabel(this)) {
    text_->setObjectName(QStringLiteral("prompt"));
    text_->setAccessibleName(tr("Prompt"));
    text_->setPlaceholderText(tr("Type a prompt"));
    text_->setTabChangesFocus(true);
    text_->setMinimumHeight(70);
    list_->setModel(prompts_);
    list_->setObjectName(QStringLiteral("prompt-set"));
    list_->setAccessibleName(tr("Prompt set"));
    list_->setUniformItemSizes(true);
    list_->hide();
    setName_->setTextFormat(Qt::PlainText);
    setName_->hide();
    maxNew_->setObjectName(QStringLiteral("max-new"));
    maxNew_->setRange(1, 65536);
    maxNew_->setValue(64);
    maxNew_->setAccessibleName(tr("Most new tokens"));
    memory_->setObjectName(QStringLiteral("memory"));
    memory_->setTextFormat(Qt::PlainText);
    memory_->setWordWrap(true);
    memory_->hide();
    run_->setObjectName(QStringLiteral("run"));
    run_->setProperty("role", "primary");
    cancel_->setObjectName(QStringLiteral("cancel"));
    restart_->setObjectName(QStringLiteral("restart"));
    progress_->setObjectName(QStringLiteral("progress"));
    progress_->setTextVisible(false);
    progress_->setAccessibleName(tr("Progress"));
    QSizePolicy keep = progress_->sizePolicy();
    keep.setRetainSizeWhenHidden(true);  // or the panel jumps whenever a run begins
    progress_->setSizePolicy(keep);
    status_->setObjectName(QStringLiteral("status"));
    status_->setTextFormat(Qt::PlainText);
    status_->setWordWrap(true);
    status_->setTextInteractionFlags(Qt::TextSelectableByMouse);

    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(12, 10, 12, 12);
    column->setSpacing(6);
    column->addWidget(muted(tr("Prompt"), this));
    column->addWidget(text_, 1);
    column->addWidget(setName_);
    column->addWidget(list_, 1);
    column->addSpacing(4);
    column->addWidget(policy_);
    auto* tokens = new QHBoxLayout;
    tokens->addWidget(muted(tr("Most new tokens"), this));
    tokens->addStretch(1);
    tokens->addWidget(maxNew_);
    column->addLayout(tokens);
    column->addWidget(more_);
    column->addSpacing(2);
    column->addWidget(memory_);
    column->addSpacing(4);
    auto* buttons = new QHBoxLayout;
    buttons->addWidget(run_, 1);
    buttons->addWidget(cancel_);
    buttons->addWidget(restart_);
    column->addLayout(buttons);
    column->addWidget(progress_);
    column->addWidget(status_);

    connect(run_, &QPushButton::clicked, this, [this] {
        if (const auto wanted = request()) emit runRequested(*wanted);
    });
    connect(cancel_, &QPushButton::clicked, this, &RunPanel::cancelRequested);
    connect(restart_, &QPushButton::clicked, this, &RunPanel::restartRequested);
    connect(text_, &QPlainTextEdit::textChanged, this, &RunPanel::edit);
    connect(policy_, &PolicyEdit::changed, this, &RunPanel::edit);
    connect(prompts_, &QAbstractItemModel::dataChanged, this, &RunPanel::edit);
    connect(prompts_, &QAbstractItemModel::modelReset, this, &RunPanel::edit);
    connect(maxNew_, &QSpinBox::valueChanged, this, &RunPanel::edit);
    connect(more_, &MoreOptions::changed, this, &RunPanel::edit);
    refresh();
}

void RunPanel::setPromptSet(const QString& name, const PromptSet& set) {
    prompts_->setPrompts(set.prompts);
    setName_->setText(name);
    setName_->setVisible(!set.prompts.empty());
    list_->setVisible(!set.prompts.empty());
}

void RunPanel::setPromptText(const QString& text) { text_->setPlainText(text); }

void RunPanel::setPolicy(const QString& shortForm) { policy_->setText(shortForm); }

void RunPanel::setWorkerState(const WorkerState& state) {
    state_ = state;
    refresh();
}

void RunPanel::setModel(bool hasRouters, const std::optional<SamplingOptions>& recommended) {
    more_->setModel(hasRouters, recommended);
}

void RunPanel::setForecast(const Forecast& forecast) {
    const ForecastLine line = lineOf(forecast);
    sayMemory(line.text, line.details, line.fits ? "muted" : "warning");
}

void RunPanel::setNoForecast(const QString& why) { sayMemory(why, {}, "muted"); }

void RunPanel::sayMemory(const QString& text, const QString& details, const char* role) {
    setRole(*memory_, role);
    memory_->setText(text);
    memory_->setToolTip(details);
    memory_->setVisible(!text.isEmpty());
}

bool RunPanel::hasPrompts() const { return !text_->document()->isEmpty() || !prompts_->ticked().empty(); }

std::optional<RunRequest> RunPanel::request() const {
    if (!hasPrompts() || !policy_->policy()) return std::nullopt;
    RunRequest request;
    request.prompts = prompts_->ticked();
    request.policy = *policy_->policy();
    request.maxNew = maxNew_->value();
    more_->fill(request);
    const std::string typed = text_->toPlainText().toStdString();
    if (!typed.empty()) {
        Prompt prompt;
        prompt.kind = kTyped;
        prompt.id = kTyped;
        // Ids are unique within a run; a set may have one of its own by this name.
        for (int n = 2; std::any_of(request.prompts.begin(), request.prompts.end(),
                                    [&](const Prompt& other) { return other.id == prompt.id; });
             ++n)
            prompt.id = kTyped + std::string("-") + std::to_string(n);
        prompt.content = typed;
        request.prompts.push_back(std::move(prompt));
    }
    return request;
}

void RunPanel::edit() {
    refresh();
    emit edited();
}

void RunPanel::refresh() {
    const bool anything = hasPrompts();
    const bool bad = state_.kind == Kind::Lost || state_.kind == Kind::Failed;
    // After a run that failed the worker is still there; after a lost one it is not.
    run_->setEnabled((state_.kind == Kind::Ready || state_.kind == Kind::Failed) && anything &&
                     policy_->policy());
    cancel_->setEnabled(state_.kind == Kind::Running);
    cancel_->setVisible(state_.kind != Kind::Lost);
    restart_->setVisible(state_.kind == Kind::Lost);
    run_->setToolTip(anything ? QString() : tr("Type a prompt or tick one"));

    progress_->setVisible(isBusy(state_.kind));
    if (state_.share && state_.kind != Kind::Cancelling) {
        progress_->setRange(0, 1000);
        progress_->setValue(static_cast<int>(*state_.share * 1000));
    } else {
        // Busy without a known share: a full bar, not Qt's moving one, which would repaint an idle window for ever.
        progress_->setRange(0, 1000);
        progress_->setValue(isBusy(state_.kind) ? 1000 : 0);
    }
    setRole(*status_, bad ? "warning" : "muted");
    status_->setText(sentenceOf(state_));
}

}  // namespace fluxscope
