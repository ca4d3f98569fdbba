// The parts of export and import that are pure.
#include "profiler/exchange/detail/decimal.h"
#include "profiler/exchange/detail/json_text.h"
#include "profiler/exchange/detail/lanes.h"
#include "profiler/exchange/detail/launches.h"
#include "profiler/exchange/detail/place_name.h"
#include "profiler/exchange/detail/protobuf.h"
#include "profiler/exchange/detail/range_sweep.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fluxscope {
namespace {

std::string shown(const NamedPlace& place) {
    std::string text;
    const auto add = [&text](const char* name, const std::string& value) {
        text += (text.empty() ? "" : " ") + std::string(name) + value;
    };
    if (place.phase) add("", std::string(nameOf(*place.phase)));
    if (place.step) add("step ", std::to_string(*place.step));
    if (place.layer) add("layer ", std::to_string(*place.layer));
    if (place.chunk) add("chunk ", std::to_string(*place.chunk));
    if (place.op) add("", std::string(nameOf(*place.op)));
    return text;
}

TEST(PlaceName, isReadFromOurNamesAndFromWhatPeopleWrite) {
    const std::vector<std::pair<const char*, const char*>> names{
        {"decode/step 3/layer 7/attention", "decode step 3 layer 7 attention"},
        {"prefill/step 0/layer 7/chunk 2/mlp", "prefill step 0 layer 7 chunk 2 mlp"},
        {"decode/3/7/attention", "decode step 3 layer 7 attention"},
        {"prefill", "prefill step 0"},
        {"decode", "decode"},
        {"decode step 17", "decode step 17"},
        {"Decode 17", "decode step 17"},
        {"layer 12", "layer 12"},
        {"layer_12", "layer 12"},
        {"Layer12", "layer 12"},
        {"model.layers.12.self_attn", "layer 12 attention"},
        {"model.layers.12.self_attn.q_proj", "layer 12 qkv"},
        {"model.layers.3.self_attn.mask_allocator", "layer 3 router"},
        {"model.layers.3.input_layernorm", "layer 3 norm"},
        {"layer 4/kv-write", "layer 4 kv-write"},
        {"layer 4/output", "layer 4 output"},
        {"lm_head", "head"},
        {"attention", "attention"},
        {"attention head 4", "attention"},
        {"layer", ""},
        {"layer 99999999999999", ""},
        {"layer 5000", ""},
        {"DROP TABLE scope; --", ""},
        {"forward", ""},
        {"", ""},
    };
    for (const auto& [name, expected] : names) EXPECT_EQ(shown(placeOfName(name)), expected) << name;
    EXPECT_TRUE(placeOfName(std::string(1'000'000, 'a') + " layer 3").saysNothing());
}

// Ranges as "begin end name", calls as "begin"; what each is told, and the scopes as they close.
std::string swept(const std::vector<std::tuple<int, int, const char*>>& events) {
    RangeSweep sweep;
    std::string text = "\n";
    const auto closed = [&text](const RangeSweep::Closed& scope) {
        NamedPlace place{.phase = scope.key.phase,
                         .step = scope.key.step.value(),
                         .layer = {},
                         .chunk = {},
                         .op = scope.key.op};
        if (scope.key.layer) place.layer = scope.key.layer->value();
        text += "scope " + std::to_string(scope.begin.count()) + "-" + std::to_string(scope.end.count()) +
                " " + shown(place) + "\n";
    };
    for (const auto& [begin, end, name] : events) {
        sweep.closeUntil(Nanoseconds(begin), closed);
        if (name != nullptr) {
            EXPECT_TRUE(sweep.open(placeOfName(name), Nanoseconds(begin), Nanoseconds(end)));
            continue;
        }
        const auto key = sweep.place().key();
        NamedPlace place;
        if (key)
            place = {.phase = key->phase, .step = key->step.value(), .layer = {}, .chunk = {}, .op = key->op};
        if (key && key->layer) place.layer = key->layer->value();
        text += "call " + std::to_string(begin) + " " + (key ? shown(place) : "nobody's") + "\n";
    }
    sweep.closeUntil(std::nullopt, closed);
    return text;
}

TEST(RangeSweep, foldsTheNamesOfTheRangesAroundACall) {
    EXPECT_EQ(swept({{0, 100, "prefill"},
                     {10, 60, "layer 3"},
                     {20, 30, "attention"},
                     {25, 26, nullptr},
                     {40, 41, nullptr},
                     {60, 61, nullptr},
                     {100, 101, nullptr}}),
              R"(
call 25 prefill step 0 layer 3 attention
scope 20-30 prefill step 0 layer 3 attention
call 40 prefill step 0 layer 3
scope 10-60 prefill step 0 layer 3
call 60 prefill step 0
scope 0-100 prefill step 0
call 100 nobody's
)");
}

TEST(RangeSweep, countsPassesWhereNothingSaysTheStep) {
    EXPECT_EQ(swept({{0, 5, "layer 0"},
                     {5, 9, "layer 1"},
                     {10, 15, "layer 0"},
                     {12, 13, nullptr},
                     {15, 19, "layer 1"},
                     {20, 25, "layer 0"}}),
              R"(
scope 0-5 prefill step 0 layer 0
scope 5-9 prefill step 0 layer 1
call 12 decode step 1 layer 0
scope 10-15 decode step 1 layer 0
scope 15-19 decode step 1 layer 1
scope 20-25 decode step 2 layer 0
)");
}

TEST(RangeSweep, countsTheStepsInsideARangeNamedDecode) {
    EXPECT_EQ(swept({{0, 9, "prefill"},
                     {1, 2, "layer 0"},
                     {3, 4, "layer 1"},
                     {10, 90, "decode"},
                     {11, 12, "layer 0"},
                     {13, 14, "layer 1"},
                     {21, 22, "layer 0"}}),
              R"(
scope 1-2 prefill step 0 layer 0
scope 3-4 prefill step 0 layer 1
scope 0-9 prefill step 0
scope 11-12 decode step 1 layer 0
scope 13-14 decode step 1 layer 1
scope 21-22 decode step 2 layer 0
)");
}

TEST(RangeSweep, leavesOutWhatLiesTooDeep) {
    RangeSweep sweep;
    int opened = 0;
    for (int i = 0; i < 10'000; ++i)
        opened += sweep.open(placeOfName("layer 1"), Nanoseconds(i), Nanoseconds(1'000'000)) ? 1 : 0;
    EXPECT_EQ(opened, 4096);
}

TEST(PackedPlace, holdsAScope) {
    const ScopeKey key{.phase = Phase::Decode,
                       .step = StepIndex(2'000'000'000),
                       .layer = LayerIndex(4095),
                       .chunk = ChunkIndex(16'000),
                       .op = Op::Sample};
    EXPECT_EQ(PackedPlace(key).key(), key);
    EXPECT_EQ(PackedPlace(ScopeKey{}).key(), ScopeKey{});
    EXPECT_FALSE(PackedPlace().key());
}

TEST(Lanes, nestWhatLiesInsideAndSpillWhatOverlaps) {
    Lanes scopes(Nesting::Yes);
    EXPECT_EQ(scopes.place(Nanoseconds(0), Nanoseconds(100)), 0U);
    EXPECT_EQ(scopes.place(Nanoseconds(10), Nanoseconds(50)), 0U);
    EXPECT_EQ(scopes.place(Nanoseconds(40), Nanoseconds(60)), 1U);
    EXPECT_EQ(scopes.place(Nanoseconds(50), Nanoseconds(100)), 0U);
    EXPECT_EQ(scopes.place(Nanoseconds(100), Nanoseconds(110)), 0U);
    Lanes kernels(Nesting::No);
    EXPECT_EQ(kernels.place(Nanoseconds(0), Nanoseconds(100)), 0U);
    EXPECT_EQ(kernels.place(Nanoseconds(10), Nanoseconds(50)), 1U);
    EXPECT_EQ(kernels.place(Nanoseconds(100), Nanoseconds(120)), 0U);
}

TEST(FirstOfLaunch, isTheFirstKernelOfAGraph) {
    FirstOfLaunch launches;
    EXPECT_TRUE(launches.isFirst(5));
    EXPECT_FALSE(launches.isFirst(5));
    EXPECT_FALSE(launches.isFirst(0));
    for (int i = 6; i < 100'000; ++i) EXPECT_TRUE(launches.isFirst(i));
    EXPECT_FALSE(launches.isFirst(99'999));
}

TEST(Microseconds, keepEveryNanosecond) {
    EXPECT_EQ(nanosecondsOf("1700000000000000.123"), 1'700'000'000'000'000'123);
    EXPECT_EQ(nanosecondsOf("12"), 12'000);
    EXPECT_EQ(nanosecondsOf("0.0019"), 1);
    EXPECT_EQ(nanosecondsOf("-3.5"), -3'500);
    for (const char* wrong : {"", "1e300", "nan", "1.2.3", "99999999999999999999", "0x10"})
        EXPECT_EQ(nanosecondsOf(wrong), std::nullopt) << wrong;
}

TEST(JsonText, saysWhateverBytesThereAre) {
    std::string text;
    appendJsonText(text, std::string("a\"\\\n\x01") + '\0' + "\xC3\xA4\xFF<script>");
    EXPECT_EQ(text, "\"a\\\"\\\\\\u000a\\u0001\\u0000\xC3\xA4\xEF\xBF\xBD<script>\"");
}

TEST(Protobuf, writesTheWireFormat) {
    proto::Message inner;
    inner.text(2, "hi");
    proto::Message message;
    message.varint(1, 300);
    message.message(3, inner);
    message.integer(4, -1);
    message.fixed(5, 0x0102030405060708);
    EXPECT_EQ(message.bytes(), std::string("\x08\xAC\x02\x1A\x04\x12\x02hi\x20\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
                                           "\xFF\xFF\x01\x29\x08\x07\x06\x05\x04\x03\x02\x01"));
}

}  // namespace
}  // namespace fluxscope
