#include "views/state/view_store.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

Selection layer(int index) {
    return {.run = RunIndex(1), .sequence = SequenceIndex(0), .layers = {LayerIndex(index)}};
}

class ViewStoreTest : public ::testing::Test {
protected:
    ViewStoreTest() {
        QObject::connect(&store_, &ViewStore::changed,
                         [this](const ViewState&, const ViewState&) { ++changes_; });
    }
    int selectedLayer() const {
        const auto only = store_.state().selection.onlyLayer();
        return only ? only->value() : -1;
    }

    ViewStore store_;
    int changes_ = 0;
};

TEST_F(ViewStoreTest, tellsTheNewValueAndTheOldOne) {
    std::vector<std::pair<int, int>> told;
    QObject::connect(&store_, &ViewStore::changed, [&](const ViewState& now, const ViewState& before) {
        told.emplace_back(now.selection.layers.size(), before.selection.layers.size());
    });
    store_.select(layer(3));
    EXPECT_EQ(told, (std::vector<std::pair<int, int>>{{1, 0}}));
}

TEST_F(ViewStoreTest, isSilentWhenNothingChanges) {
    store_.select(layer(3));
    store_.select(layer(3));
    store_.colourCostBy(CostMeasure::Time);
    EXPECT_EQ(changes_, 1);
    store_.back();
    EXPECT_FALSE(store_.canGoBack());
}

TEST_F(ViewStoreTest, walksBackAndForwardThroughChosenPlaces) {
    for (const int index : {1, 2, 3}) store_.select(layer(index));
    store_.back();
    store_.back();
    EXPECT_EQ(selectedLayer(), 1);
    store_.forward();
    EXPECT_EQ(selectedLayer(), 2);
    EXPECT_TRUE(store_.canGoForward());
}

TEST_F(ViewStoreTest, aNewChoiceForgetsTheWayForward) {
    store_.select(layer(1));
    store_.select(layer(2));
    store_.back();
    store_.select(layer(7));
    EXPECT_FALSE(store_.canGoForward());
    store_.back();
    EXPECT_EQ(selectedLayer(), 1);
}

TEST_F(ViewStoreTest, stepsInARowAreOnePlaceAndTheChoiceBeforeThemIsKept) {
    store_.select(layer(1));
    for (const int index : {2, 3, 4}) store_.select(layer(index), Move::Passing);
    EXPECT_EQ(changes_, 4);
    store_.back();
    EXPECT_EQ(selectedLayer(), 1);
    store_.forward();
    EXPECT_EQ(selectedLayer(), 4);
}

TEST_F(ViewStoreTest, stepsAfterGoingBackDoNotOverwriteThePlaceOneWentTo) {
    store_.select(layer(1));
    store_.select(layer(2), Move::Passing);
    store_.select(layer(5));
    store_.back();
    store_.select(layer(3), Move::Passing);
    store_.back();
    EXPECT_EQ(selectedLayer(), 2);
}

TEST_F(ViewStoreTest, anotherCaptureStartsWithoutASelectionAndBackReturnsBoth) {
    store_.openCapture({"/a.fluxdb"});
    store_.select(layer(2));
    store_.openCapture({"/b.fluxdb"});
    EXPECT_TRUE(store_.state().selection.empty());
    store_.back();
    EXPECT_EQ(store_.state().capture, CaptureKey{"/a.fluxdb"});
    EXPECT_EQ(selectedLayer(), 2);
}

TEST_F(ViewStoreTest, hoverIsNoPlaceToComeBackTo) {
    int hovers = 0;
    QObject::connect(&store_, &ViewStore::hoverChanged, [&] { ++hovers; });
    store_.hoverOver(Hover{.layer = LayerIndex(1)});
    store_.hoverOver(Hover{.layer = LayerIndex(1)});
    store_.hoverOver(std::nullopt);
    EXPECT_EQ(hovers, 2);
    EXPECT_EQ(changes_, 0);
    EXPECT_FALSE(store_.canGoBack());
}

TEST_F(ViewStoreTest, forgetsTheOldestOfTooManyPlaces) {
    for (int i = 0; i < 500; ++i) store_.select(layer(i));
    int steps = 0;
    for (; store_.canGoBack(); ++steps) store_.back();
    EXPECT_EQ(steps, static_cast<int>(ViewStore::kMostPlaces) - 1);
    EXPECT_EQ(selectedLayer(), 500 - static_cast<int>(ViewStore::kMostPlaces));
}

TEST_F(ViewStoreTest, takesAnIntentFromWhoIsJustBeingTold) {
    QObject::connect(&store_, &ViewStore::changed, [&](const ViewState& now, const ViewState&) {
        if (now.selection == layer(1)) store_.select(layer(2));
    });
    store_.select(layer(1));
    EXPECT_EQ(selectedLayer(), 2);
    store_.back();
    EXPECT_EQ(changes_, 4);  // 1, 2, back to 1, which sends 2 again
}

}  // namespace
}  // namespace fluxscope
