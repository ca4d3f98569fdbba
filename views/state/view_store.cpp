#include "views/state/view_store.h"

namespace fluxscope {

void ViewStore::openCapture(const CaptureKey& capture) {
    if (state().capture == capture) return;
    ViewState next = state();
    next.capture = capture;
    next.selection = {};
    next.filter.clear();
    go(std::move(next), Move::Chosen);
}

void ViewStore::closeCapture() {
    if (!state().capture) return;
    ViewState next = state();
    next.capture.reset();
    next.selection = {};
    next.filter.clear();
    go(std::move(next), Move::Chosen);
}

void ViewStore::select(const Selection& selection, Move move) {
    ViewState next = state();
    next.selection = selection;
    go(std::move(next), move);
}

void ViewStore::colourRoutingBy(RoutingColouring colouring) {
    ViewState next = state();
    next.colouring.routing = colouring;
    go(std::move(next), Move::Passing);
}

void ViewStore::colourCostBy(CostMeasure measure) {
    ViewState next = state();
    next.colouring.cost = measure;
    go(std::move(next), Move::Passing);
}

void ViewStore::show(MainView view, Move move) {
    ViewState next = state();
    next.view = view;
    go(std::move(next), move);
}

void ViewStore::smoothTraining(bool smooth) {
    ViewState next = state();
    next.smoothTraining = smooth;
    go(std::move(next), Move::Passing);
}

void ViewStore::hoverOver(const std::optional<Hover>& hover) {
    if (hover == hover_) return;
    hover_ = hover;
    emit hoverChanged(hover_);
}

void ViewStore::back() {
    if (!canGoBack()) return;
    const ViewState before = state();
    --here_;
    passing_ = false;  // what is done from here on starts a place of its own
    announce(before);
}

void ViewStore::forward() {
    if (!canGoForward()) return;
    const ViewState before = state();
    ++here_;
    passing_ = false;
    announce(before);
}

void ViewStore::go(ViewState next, Move move) {
    if (next == state()) return;
    const ViewState before = state();
    places_.resize(here_ + 1);  // a new way makes the old way forward meaningless
    if (move == Move::Passing && passing_) {
        places_[here_] = std::move(next);
    } else {
        places_.push_back(std::move(next));
        if (places_.size() > kMostPlaces) places_.erase(places_.begin());
        here_ = places_.size() - 1;
    }
    passing_ = move == Move::Passing;
    announce(before);
}

void ViewStore::announce(const ViewState& before) {
    const ViewState now = state();  // a copy: who hears it may send the next intent at once
    emit changed(now, before);
}

}  // namespace fluxscope
