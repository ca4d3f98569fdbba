#include "views/theme/appearance.h"

#include <QApplication>
#include <QPalette>
#include <QStyleHints>
#include <QToolTip>
#include <cmath>

// As in fonts.cpp: outside any namespace, and asked for, or the linker drops it.
static void initialiseIconResource() { Q_INIT_RESOURCE(icons); }

namespace fluxscope {
namespace {

Color mixed(Color a, Color b, double share) {
    const auto part = [share](std::uint8_t x, std::uint8_t y) {
        return static_cast<std::uint8_t>(std::lround(x + (y - x) * share));
    };
    return {part(a.r, b.r), part(a.g, b.g), part(a.b, b.b), 255};
}

QString css(Color c) { return toQColor(c).name(QColor::HexRgb); }

}  // namespace

QPalette paletteOf(const Theme& theme) {
    QPalette palette;
    const auto all = [&](QPalette::ColorRole role, Color c) { palette.setColor(role, toQColor(c)); };
    all(QPalette::Window, theme.surface);
    all(QPalette::WindowText, theme.text);
    all(QPalette::Base, theme.background);
    all(QPalette::AlternateBase, mixed(theme.background, theme.surface, 0.6));
    all(QPalette::ToolTipBase, theme.surface);
    all(QPalette::ToolTipText, theme.text);
    all(QPalette::PlaceholderText, theme.textMuted);
    all(QPalette::Text, theme.text);
    all(QPalette::Button, mixed(theme.surface, theme.border, 0.15));
    all(QPalette::ButtonText, theme.text);
    all(QPalette::BrightText, theme.warning);
    all(QPalette::Light, mixed(theme.surface, theme.background, 0.5));
    all(QPalette::Midlight, theme.grid);
    all(QPalette::Mid, theme.border);
    all(QPalette::Dark, mixed(theme.border, theme.text, 0.2));
    all(QPalette::Shadow, mixed(theme.border, theme.text, 0.4));
    all(QPalette::Highlight, theme.accent);
    all(QPalette::HighlightedText, readableOn(theme.accent));
    all(QPalette::Link, theme.accent);
    all(QPalette::LinkVisited, theme.accent);
    const Color faint = mixed(theme.textMuted, theme.surface, 0.45);
    for (const QPalette::ColorRole role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        palette.setColor(QPalette::Disabled, role, toQColor(faint));
    palette.setColor(QPalette::Disabled, QPalette::Highlight, toQColor(theme.border));
    return palette;
}

// Only what a palette cannot say. Names in [] are dynamic properties of our own widgets.
QString styleSheetOf(const Theme& theme) {
    QString sheet = QStringLiteral(R"(
QToolTip { color: @text; background: @surface; border: 1px solid @border; padding: 6px 8px; }
QLabel[role="title"] { font-weight: 600; }
QLabel[role="muted"] { color: @muted; }
QLabel[role="warning"] { color: @warning; }
QPushButton, QToolButton[role="button"] { background: @button; color: @text; border: 1px solid @border; border-radius: 4px; padding: 5px 14px; }
QPushButton:hover { border-color: @muted; }
QPushButton:focus { border-color: @accent; }
QPushButton:pressed { background: @border; }
QPushButton:disabled { color: @faint; border-color: @grid; }
QPushButton[role="primary"] { background: @accent; color: @onAccent; border-color: @accent; font-weight: 600; }
QPushButton[role="primary"]:hover { background: @accentHover; }
QPushButton[role="primary"]:focus { border-color: @text; }
QPushButton[role="primary"]:disabled { background: @grid; color: @faint; border-color: @grid; font-weight: 600; }
QLineEdit, QPlainTextEdit, QSpinBox, QDoubleSpinBox, QComboBox, QListView, QTableView { border: 1px solid @border; border-radius: 4px; background: @background; }
QLineEdit, QPlainTextEdit, QSpinBox, QDoubleSpinBox { padding: 3px 5px; selection-background-color: @accent; selection-color: @onAccent; }
QLineEdit:focus, QPlainTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QListView:focus, QTableView:focus { border-color: @accent; }
QSpinBox::up-button, QDoubleSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::down-button { width: 0; border: none; }
QComboBox { padding: 4px 8px; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: url(:/fluxscope/icons/chevron-@name.svg); width: 10px; height: 10px; }
QComboBox QLineEdit { border: none; padding: 0; }
QListView::item { padding: 3px 4px; }
QTableView { gridline-color: @grid; border-radius: 0; border: none; }
QTableView::item { padding: 3px; }
QHeaderView::section { background: @surface; color: @muted; border: none; border-bottom: 1px solid @border; padding: 4px 3px; }
QProgressBar { border: none; border-radius: 3px; background: @grid; max-height: 6px; min-height: 6px; }
QProgressBar::chunk { background: @accent; border-radius: 3px; }
QSplitter::handle { background: @border; }
QSplitter::handle:horizontal { width: 1px; }
QSplitter::handle:vertical { height: 1px; }
QFrame[role="banner"] { background: @warningSoft; border: none; border-bottom: 1px solid @warning; }
QFrame[role="banner"] QLabel { color: @text; }
QFrame[role="bar"] { background: @surface; border: none; border-bottom: 1px solid @border; }
)");
    const auto put = [&](const char* name, Color color) { sheet.replace(QLatin1String(name), css(color)); };
    sheet.replace(QLatin1String("@name"),
                  QString::fromUtf8(theme.name.data(), static_cast<qsizetype>(theme.name.size())));
    // Longer names first: each is replaced as text.
    put("@accentHover", mixed(theme.accent, theme.text, 0.15));
    put("@accent", theme.accent);
    put("@onAccent", readableOn(theme.accent));
    put("@background", theme.background);
    put("@border", theme.border);
    put("@button", mixed(theme.surface, theme.background, 0.6));
    put("@faint", mixed(theme.textMuted, theme.surface, 0.45));
    put("@grid", theme.grid);
    put("@muted", theme.textMuted);
    put("@surface", theme.surface);
    put("@text", theme.text);
    put("@warningSoft", mixed(theme.surface, theme.warning, 0.12));
    put("@warning", theme.warning);
    return sheet;
}

bool isDark(const QPalette& palette) {
    return palette.color(QPalette::Window).lightness() < palette.color(QPalette::WindowText).lightness();
}

Appearance::Appearance(QApplication& application, ThemeChoice choice)
    : application_(application),
      startedDark_(isDark(QApplication::palette())),
      choice_(choice),
      theme_(&lightTheme()) {
    initialiseIconResource();
    QApplication::setStyle(QStringLiteral("Fusion"));  // the same on every desktop, and it obeys a palette
#if QT_VERSION >= QT_VERSION_CHECK(6, 5, 0)
    connect(QGuiApplication::styleHints(), &QStyleHints::colorSchemeChanged, this, [this] {
        if (choice_ == ThemeChoice::System) apply();
    });
#endif
    apply();
}

void Appearance::choose(ThemeChoice choice) {
    if (choice == choice_) return;
    choice_ = choice;
    apply();
}

void Appearance::apply() {
    const bool dark = choice_ == ThemeChoice::Dark || (choice_ == ThemeChoice::System && systemIsDark());
    theme_ = dark ? &darkTheme() : &lightTheme();
    const QPalette palette = paletteOf(*theme_);
    QApplication::setPalette(palette);
    QToolTip::setPalette(palette);
    application_.setStyleSheet(styleSheetOf(*theme_));
    emit changed(*theme_);
}

bool Appearance::systemIsDark() const {
#if QT_VERSION >= QT_VERSION_CHECK(6, 5, 0)
    switch (QGuiApplication::styleHints()->colorScheme()) {
        case Qt::ColorScheme::Dark: return true;
        case Qt::ColorScheme::Light: return false;
        case Qt::ColorScheme::Unknown: break;
    }
#endif
    return startedDark_;
}

}  // namespace fluxscope
