#include "profiler/analysis/router_health.h"

#include "profiler/figure/number.h"
#include "tests/analysis/snapshot_builder.h"

#include <gtest/gtest.h>

namespace fluxscope {
namespace {

using testing::rows;
using testing::SnapshotBuilder;

std::string table(const RouterHealth& health) {
    std::string text =
        "layer prompts full collapse entropy route margin undecided apart probes flips turned\n";
    for (const LayerHealth& l : health.layers)
        text += std::to_string(l.layer.value()) + " " + std::to_string(l.prompts) + " " +
                std::to_string(l.full) + " " + std::string(nameOf(l.collapse)) + " " +
                withDecimals(l.entropy, 2) + " " + withDecimals(l.routeEntropy, 2) + " " +
                withDecimals(l.margins.median, 2) + " " + std::to_string(l.undecided) + " " +
                (l.kindDisagreement ? withDecimals(*l.kindDisagreement, 2) : "-") + " " +
                std::to_string(l.probes) + " " + std::to_string(l.flips) + " " + std::to_string(l.turned) +
                "\n";
    return rows(text);
}

SnapshotBuilder fourPrompts() {
    return SnapshotBuilder()
        .layers(3)
        .sequences("sequence prompt kind\n 0 a needle\n 1 b needle\n 2 c prose\n 3 d prose")
        .decisions(R"(
            sequence  step  layer  decision  p     threshold  by
            0         0     0      full      0.9   0.5        router
            1         0     0      full      0.9   0.5        router
            2         0     0      full      0.8   0.5        router
            3         0     0      full      0.52  0.5        router
            0         0     1      full      0.9   0.5        router
            1         0     1      full      0.9   0.5        router
            2         0     1      sparse    0.1   0.5        router
            3         0     1      sparse    0.1   0.5        router
            0         0     2      sparse    -     -          policy
            1         0     2      sparse    -     -          policy
        )");
}

TEST(RouterHealth, tellsCollapseIndecisionAndKindsByLayer) {
    const RouterHealth health = routerHealth(fourPrompts().build(), RunIndex{1});
    EXPECT_EQ(table(health), rows(R"(
        layer  prompts  full  collapse  entropy  route  margin  undecided  apart  probes  flips  turned
        0      4        4     all-full  0.66     0.00   1.79    1          0.00   0       0      0
        1      4        2     no        0.47     1.00   0.00    0          1.00   0       0      0
    )"));
    EXPECT_EQ(
        health.findings,
        (std::vector<std::string>{
            "1 of 2 layers give every one of 4 prompts the same route: layer 0 always full.",
            "12.5 % of 8 decisions lie within 0.05 of their threshold, most of them in layer 0 (25.0 %).",
            "Kinds are told apart most in layer 1: 100.0 % between 'needle' (fullest) and 'prose'."}));
}

TEST(RouterHealth, saysWhenAModelsRoutersHaveCollapsed) {
    const Snapshot s = SnapshotBuilder()
                           .layers(2)
                           .sequences("sequence prompt kind\n 0 a x\n 1 b x\n 2 c y")
                           .decisions(R"(
                               sequence  layer  decision  p    threshold
                               0         0      full      0.9  0.5
                               1         0      full      0.9  0.5
                               2         0      full      0.9  0.5
                               0         1      sparse    0.2  0.5
                               1         1      sparse    0.2  0.5
                               2         1      sparse    0.2  0.5
                           )")
                           .build();
    const RouterHealth health = routerHealth(s, RunIndex{1});
    EXPECT_TRUE(health.collapsed);
    EXPECT_EQ(health.findings, (std::vector<std::string>{
                                   "The routers have collapsed: all 2 layers give each of 3 prompts the same "
                                   "route (1 full, 1 sparse); a static policy does the same without routers.",
                                   "No layer treats the 2 kinds of prompts differently."}));
}

// A probe's row repeats the mode that a layer has; its margin says what the router would do.
TEST(RouterHealth, countsFlapsOfProbesAndLeavesTheRoutingAsItWas) {
    SnapshotBuilder probed = fourPrompts();
    probed.decisions(R"(
        sequence  step  layer  decision  p     threshold  by
        0         4     1      full      0.4   0.5        probe
        0         8     1      full      0.6   0.5        probe
        0         12    1      full      0.7   0.5        probe
        2         4     1      sparse    0.1   0.5        probe
        1         4     1      sparse    0.2   0.5        probe
    )");
    const RouterHealth health = routerHealth(probed.build(), RunIndex{1});
    EXPECT_EQ(table(health), rows(R"(
        layer  prompts  full  collapse  entropy  route  margin  undecided  apart  probes  flips  turned
        0      4        4     all-full  0.66     0.00   1.79    1          0.00   0       0      0
        1      4        2     no        0.47     1.00   0.00    0          1.00   5       3      1
    )"));
    EXPECT_EQ(health.findings.back(),
              "3 of 5 probes changed what the router had said before, most often in layer "
              "1 (3 of 5); 1 turned a layer sparse.");
}

TEST(RouterHealth, saysLittleOfFewPromptsAndNothingOfNone) {
    const RouterHealth two =
        routerHealth(SnapshotBuilder()
                         .layers(1)
                         .sequences("sequence prompt\n 0 a\n 1 b")
                         .decisions("sequence layer decision p threshold\n 0 0 full 0.9 0.5\n "
                                    "1 0 full 0.9 0.5")
                         .build(),
                     RunIndex{1});
    EXPECT_EQ(two.layers.front().collapse, Collapse::TooFewPrompts);
    EXPECT_FALSE(two.collapsed);
    EXPECT_EQ(
        two.findings,
        (std::vector<std::string>{"With 2 prompts nothing can be said about collapse; record 3 or more."}));
    const RouterHealth none = routerHealth(SnapshotBuilder().build(), RunIndex{1});
    EXPECT_EQ(none.findings, (std::vector<std::string>{"No decision of a router is recorded in this run."}));
}

TEST(BinaryEntropy, isOneBitForACoinAndNothingForWhatIsCertainOrNoProbability) {
    EXPECT_DOUBLE_EQ(binaryEntropy(0.5), 1);
    for (const double p : {0.0, 1.0, -1.0, 2.0, std::nan("")}) EXPECT_EQ(binaryEntropy(p), 0) << p;
}

}  // namespace
}  // namespace fluxscope
