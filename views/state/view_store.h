// Owns the ViewState. Intents come in, the new value goes out; back and forward walk the list of places one has been at.
//
// A place is worth coming back to when somebody chose it with one act. Stepping a selection with the arrow keys is one
// act however many layers it passes: such changes are Passing and, in a row, leave one place behind, the last.
#pragma once

#include "views/state/view_state.h"

#include <QObject>
#include <optional>
#include <vector>

namespace fluxscope {

enum class Move : std::uint8_t { Chosen, Passing };

class ViewStore : public QObject {
    Q_OBJECT

public:
    static constexpr std::size_t kMostPlaces = 200;  // the oldest are forgotten

    explicit ViewStore(QObject* parent = nullptr) : QObject(parent) {}

    const ViewState& state() const { return places_[here_]; }
    const std::optional<Hover>& hover() const { return hover_; }

    // Another capture starts without a selection: the keys of one mean nothing in another.
    void openCapture(const CaptureKey& capture);
    void closeCapture();
    void select(const Selection& selection, Move move = Move::Chosen);
    void colourRoutingBy(RoutingColouring colouring);
    void colourCostBy(CostMeasure measure);
    void show(MainView view, Move move = Move::Chosen);
    void smoothTraining(bool smooth);
    void hoverOver(const std::optional<Hover>& hover);

    bool canGoBack() const { return here_ > 0; }
    bool canGoForward() const { return here_ + 1 < places_.size(); }
    void back();
    void forward();

signals:
    void changed(const fluxscope::ViewState& now, const fluxscope::ViewState& before);
    void hoverChanged(const std::optional<fluxscope::Hover>& hover);

private:
    void go(ViewState next, Move move);
    void announce(const ViewState& before);

    std::vector<ViewState> places_{ViewState{}};
    std::size_t here_ = 0;
    bool passing_ = false;  // the place we are at was reached by passing
    std::optional<Hover> hover_;
};

}  // namespace fluxscope
