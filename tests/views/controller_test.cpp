#include "views/canvas/canvas_controller.h"

#include <gtest/gtest.h>

#include <iomanip>
#include <sstream>

namespace fluxscope {
namespace {

struct Words {
    std::ostringstream& out;
    void operator()(const HoverIntent& i) const {
        if (i.at)
            out << "hover " << i.at->x << "," << i.at->y;
        else
            out << "hover nothing";
    }
    void operator()(const PickIntent& i) const {
        out << "pick " << i.at.x << "," << i.at.y << (i.modifiers.control ? " with control" : "");
    }
    void operator()(const PanIntent& i) const { out << "pan " << i.dx << "," << i.dy; }
    void operator()(const ZoomIntent& i) const {
        out << "zoom " << std::setprecision(4) << i.factor << " around " << i.around.x << "," << i.around.y;
    }
    void operator()(const BrushIntent& i) const {
        out << (i.finished ? "brushed " : "brush ") << i.area.x << "," << i.area.y << " " << i.area.width
            << "x" << i.area.height;
    }
    void operator()(const BrushCancelledIntent&) const { out << "brush cancelled"; }
    void operator()(const StepIntent& i) const { out << "step " << i.dx << "," << i.dy; }
    void operator()(const StepToEndIntent& i) const { out << (i.last ? "step to last" : "step to first"); }
    void operator()(const ResetIntent&) const { out << "reset"; }
    void operator()(const ClearIntent&) const { out << "clear"; }
};

std::string play(CanvasController& controller, const std::vector<CanvasInput>& inputs) {
    std::ostringstream out;
    for (const CanvasInput& input : inputs) {
        for (const CanvasIntent& intent : controller.handle(input)) {
            std::visit(Words{out}, intent);
            out << "\n";
        }
    }
    return out.str();
}

std::string play(LeftDrag leftDrag, const std::vector<CanvasInput>& inputs) {
    CanvasController controller(leftDrag);
    controller.setSize({400, 200});
    return play(controller, inputs);
}

constexpr auto kLeft = PointerButton::Left;
constexpr auto kMiddle = PointerButton::Middle;
constexpr auto kRight = PointerButton::Right;
constexpr Modifiers kShift{.shift = true};
constexpr Modifiers kControl{.control = true};

TEST(CanvasController, followsThePointerUntilItLeaves) {
    EXPECT_EQ(play(LeftDrag::Pan, {PointerMoved{{10, 20}, {}}, PointerMoved{{11, 20}, {}}, PointerLeft{}}),
              "hover 10,20\nhover 11,20\nhover nothing\n");
}

TEST(CanvasController, takesAShakyClickForAClickAtItsEnd) {
    EXPECT_EQ(play(LeftDrag::Brush, {PointerPressed{{10, 20}, kLeft, kControl}, PointerMoved{{12, 22}, {}},
                                     PointerReleased{{12, 22}, kLeft, {}}}),
              "pick 12,22 with control\n");
}

TEST(CanvasController, brushesAnAreaInWhicheverDirectionItIsDrawn) {
    EXPECT_EQ(play(LeftDrag::Brush, {PointerPressed{{50, 40}, kLeft, {}}, PointerMoved{{30, 60}, {}},
                                     PointerReleased{{20, 70}, kLeft, {}}, PointerMoved{{21, 70}, {}}}),
              "brush 30,40 20x20\nbrushed 20,40 30x30\nhover 21,70\n");
}

TEST(CanvasController, pansByWhatThePointerMoved) {
    const std::vector<CanvasInput> drag{PointerPressed{{50, 40}, kLeft, {}}, PointerMoved{{56, 40}, {}},
                                        PointerMoved{{57, 45}, {}}, PointerReleased{{57, 45}, kLeft, {}}};
    EXPECT_EQ(play(LeftDrag::Pan, drag), "pan 6,0\npan 1,5\nhover 57,45\n");
}

TEST(CanvasController, shiftTakesTheOtherDragAndTheMiddleButtonAlwaysPans) {
    EXPECT_EQ(play(LeftDrag::Brush, {PointerPressed{{0, 0}, kLeft, kShift}, PointerMoved{{9, 0}, {}}}),
              "pan 9,0\n");
    EXPECT_EQ(play(LeftDrag::Pan, {PointerPressed{{0, 0}, kLeft, kShift}, PointerMoved{{9, 0}, {}}}),
              "brush 0,0 9x0\n");
    EXPECT_EQ(play(LeftDrag::Brush, {PointerPressed{{0, 0}, kMiddle, {}}, PointerMoved{{9, 0}, {}}}),
              "pan 9,0\n");
}

TEST(CanvasController, leavesTheRightButtonToMenus) {
    EXPECT_EQ(play(LeftDrag::Pan, {PointerPressed{{0, 0}, kRight, {}}, PointerMoved{{90, 0}, {}},
                                   PointerReleased{{90, 0}, kRight, {}}}),
              "");
}

TEST(CanvasController, endsAGestureOnlyWithTheButtonThatBeganIt) {
    EXPECT_EQ(play(LeftDrag::Pan, {PointerPressed{{0, 0}, kLeft, {}}, PointerPressed{{0, 0}, kRight, {}},
                                   PointerReleased{{0, 0}, kRight, {}}, PointerReleased{{1, 0}, kLeft, {}}}),
              "pick 1,0\n");
}

TEST(CanvasController, wheelPansAndWithControlZoomsWhereThePointerIs) {
    EXPECT_EQ(
        play(LeftDrag::Pan, {WheelTurned{{5, 6}, 0, -1, {}}, WheelTurned{{5, 6}, 0, 1, kShift},
                             WheelTurned{{5, 6}, 0, 1, kControl}, WheelTurned{{5, 6}, 0, -2, kControl}}),
        "pan 0,-48\npan 48,0\nzoom 1.2 around 5,6\nzoom 0.6944 around 5,6\n");
}

TEST(CanvasController, zoomsByKeysAroundThePointerOrElseTheMiddle) {
    EXPECT_EQ(play(LeftDrag::Pan,
                   {KeyPressed{CanvasKey::W, {}}, PointerMoved{{7, 8}, {}}, KeyPressed{CanvasKey::S, {}},
                    KeyPressed{CanvasKey::A, {}}, KeyPressed{CanvasKey::D, {}}}),
              "zoom 1.2 around 200,100\nhover 7,8\nzoom 0.8333 around 7,8\npan 40,0\npan -40,0\n");
}

TEST(CanvasController, stepsTheSelection) {
    EXPECT_EQ(play(LeftDrag::Pan, {KeyPressed{CanvasKey::Left, {}}, KeyPressed{CanvasKey::Down, {}},
                                   KeyPressed{CanvasKey::Home, {}}, KeyPressed{CanvasKey::End, {}}}),
              "step -1,0\nstep 0,1\nstep to first\nstep to last\n");
}

TEST(CanvasController, resetsOnADoubleClickWithoutASecondPick) {
    EXPECT_EQ(play(LeftDrag::Pan, {PointerPressed{{5, 5}, kLeft, {}}, PointerReleased{{5, 5}, kLeft, {}},
                                   PointerDoubleClicked{{5, 5}, kLeft}, PointerReleased{{5, 5}, kLeft, {}}}),
              "pick 5,5\nreset\n");
}

TEST(CanvasController, escapeEndsTheGestureFirstAndOnlyThenClears) {
    EXPECT_EQ(play(LeftDrag::Brush, {PointerPressed{{0, 0}, kLeft, {}}, PointerMoved{{30, 0}, {}},
                                     KeyPressed{CanvasKey::Escape, {}}, PointerReleased{{30, 0}, kLeft, {}},
                                     KeyPressed{CanvasKey::Escape, {}}}),
              "brush 0,0 30x0\nbrush cancelled\nclear\n");
}

TEST(CanvasController, aLostFocusEndsTheGesture) {
    EXPECT_EQ(play(LeftDrag::Brush, {PointerPressed{{0, 0}, kLeft, {}}, PointerMoved{{30, 0}, {}},
                                     FocusLost{}, PointerReleased{{30, 0}, kLeft, {}}}),
              "brush 0,0 30x0\nbrush cancelled\n");
}

}  // namespace
}  // namespace fluxscope
