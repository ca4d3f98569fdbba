#include "app/protocol/messages.h"

#include "app/protocol/lines.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace fluxscope::protocol {
namespace {

using testing::HasSubstr;

ModelFacts someModel() {
    ModelFacts facts;
    facts.name = "tiny \"quoted\"";
    facts.path = "/models/tiny\n";
    facts.architecture = "Qwen3ForCausalLM";
    facts.hash = "00ff";
    facts.layers = 4;
    facts.heads = 8;
    facts.kvHeads = 2;
    facts.headDim = 32;
    facts.hidden = 256;
    facts.vocabulary = 1024;
    facts.parameters = 9'800'000'000;
    facts.routerParameters = 450'000;
    facts.poolSize = 100;
    facts.untrained = true;
    return facts;
}

std::string refusalOf(std::string_view line) {
    try {
        parseRequest(line);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "(accepted)";
}

std::string eventRefusalOf(std::string_view line) {
    try {
        parseEvent(line);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "(accepted)";
}

TEST(Messages, readsBackEveryRequest) {
    RunRequest run;
    run.prompts = {
        Prompt{"a", "needle", PromptSplit::Test, std::string("Where?\n\u00e9\u4e16"), "7313", "contains"},
        Prompt{"b", "prompt", PromptSplit::Unsplit, std::vector<TokenId>{TokenId{3}, TokenId{5}}, "", ""},
        Prompt{"c", "chat", PromptSplit::Tune, std::vector<ChatMessage>{{"user", "hi"}}, "", ""}};
    run.policy = RoutedPolicy{0.25, {{LayerIndex{3}, 0.75}}};
    run.sparse = SparseForm{};
    run.sparse->window = 64;
    run.maxNew = 7;
    run.seed = 1234567890123;
    run.capture = "/tmp/a b.fluxdb";
    const std::vector<Request> requests{
        {1, LoadRequest{"/models/x", "cuda", "off"}}, {2, run}, {3, CancelRequest{}}, {4, StatusRequest{}}};
    for (const Request& request : requests) {
        const std::string line = toLine(request);
        EXPECT_THAT(line, testing::Not(HasSubstr("\n")));
        const Request back = parseRequest(line);
        EXPECT_EQ(back.id, request.id);
        EXPECT_EQ(back.what.index(), request.what.index());
        EXPECT_EQ(toLine(back), line);
    }
    const auto back = std::get<RunRequest>(parseRequest(toLine(requests[1])).what);
    EXPECT_EQ(back.prompts, run.prompts);
    EXPECT_EQ(back.policy, run.policy);
    EXPECT_EQ(back.sparse, run.sparse);
    EXPECT_EQ(back.seed, run.seed);
    EXPECT_EQ(back.capture, run.capture);
}

TEST(Messages, readsBackEveryEvent) {
    const std::vector<Event> events{
        {0, ReadyEvent{"fluxscope-cli 0.1.0 cpu", 4711}},
        {1, ProgressEvent{"loading", 10, 40, "bytes", 0, 0}},
        {1, LoadedEvent{someModel(), "streaming:sink=1", "cpu", "fp32"}},
        {2, CaptureEvent{"/tmp/x.fluxdb"}},
        {2, ProgressEvent{"prefill", 3, 12, "layers", 2, 6}},
        {2, TokenEvent{5, "\u00e9\n\x01"}},
        {2, RunDoneEvent{17}},
        {3, CancelDoneEvent{}},
        {4, StatusEvent{std::nullopt, false}},
        {4, StatusEvent{someModel(), true}},
        {2, FailedEvent{ErrorFamily::Cancelled, "run: was cancelled"}},
    };
    for (const Event& event : events) {
        const std::string line = toLine(event);
        EXPECT_THAT(line, testing::Not(HasSubstr("\n")));
        const Event back = parseEvent(line);
        EXPECT_EQ(back.re, event.re) << line;
        EXPECT_EQ(back.what.index(), event.what.index()) << line;
        EXPECT_EQ(toLine(back), line);
    }
    const Event loaded = parseEvent(toLine(events[2]));
    EXPECT_EQ(std::get<LoadedEvent>(loaded.what).model.path, someModel().path);
    EXPECT_EQ(std::get<LoadedEvent>(loaded.what).model.parameters, someModel().parameters);
}

TEST(Messages, writesBytesThatAreNotUtf8AsReplacementCharacters) {
    EXPECT_EQ(std::get<TokenEvent>(parseEvent(toLine(Event{1, TokenEvent{0, "a\xff"}})).what).text,
              "a\uFFFD");
}

TEST(Messages, refusesAnotherVersion) {
    EXPECT_THAT(refusalOf(R"({"v":2,"id":1,"do":"teleport","where":"far"})"),
                HasSubstr("request: v is 2, and this program speaks version 1"));
    EXPECT_THAT(eventRefusalOf(R"({"v":7,"re":1,"event":"done"})"), HasSubstr("event: v is 7"));
    EXPECT_THAT(refusalOf(R"({"id":1,"do":"status"})"), HasSubstr("request: v is missing"));
}

TEST(Messages, saysInOneSentenceWhatIsWrong) {
    EXPECT_THAT(refusalOf("garbage"), HasSubstr("request: garbage is not JSON"));
    EXPECT_THAT(refusalOf(""), HasSubstr("is not JSON"));
    EXPECT_THAT(refusalOf(std::string_view("\0\xff\x01", 3)), HasSubstr("\\x00\\xFF\\x01 is not JSON"));
    EXPECT_THAT(refusalOf("[1]"), HasSubstr("is a JSON array, not an object"));
    EXPECT_THAT(refusalOf(R"({"v":1,"id":0,"do":"status"})"), HasSubstr("id is 0, outside 1 to"));
    EXPECT_THAT(refusalOf(R"({"v":1,"id":1.5,"do":"status"})"), HasSubstr("id is not a whole number"));
    EXPECT_THAT(refusalOf(R"({"v":1,"id":18446744073709551615,"do":"status"})"),
                HasSubstr("id is 18446744073709551615"));
    EXPECT_THAT(refusalOf(R"({"v":1,"id":1,"do":"fly"})"),
                HasSubstr("do is 'fly', none of load, run, cancel, status"));
    EXPECT_THAT(refusalOf(R"({"v":1,"id":1,"do":"load"})"), HasSubstr("model is missing"));
    EXPECT_THAT(refusalOf(R"({"v":1,"id":1,"do":"load","model":3})"),
                HasSubstr("model is a JSON number, not a string"));
    EXPECT_THAT(refusalOf(R"({"v":1,"id":1,"do":"status","polcy":1})"),
                HasSubstr("polcy is not a field of this message"));
    EXPECT_THAT(refusalOf(R"({"v":1,"id":1,"do":"run","prompts":[],"policy":{"kind":"full"},"capture":"x"})"),
                HasSubstr("prompts is empty"));
    EXPECT_THAT(
        refusalOf(
            R"({"v":1,"id":1,"do":"run","prompts":[{"id":"a"}],"policy":{"kind":"full"},"capture":"x"})"),
        HasSubstr("request: prompts"));
    EXPECT_THAT(
        refusalOf(
            R"({"v":1,"id":1,"do":"run","prompts":[{"id":"a","text":"t"}],"policy":{"kind":"odd"},"capture":"x"})"),
        HasSubstr("request: policy"));
    EXPECT_THAT(
        refusalOf(
            R"({"v":1,"id":1,"do":"run","prompts":[{"id":"a","text":"t"}],"policy":{"kind":"full"},"capture":"x","max_new":0})"),
        HasSubstr("max_new is 0, outside 1 to 2147483647"));
    EXPECT_THAT(eventRefusalOf(R"({"v":1,"re":1,"event":"failed","family":"odd","message":""})"),
                HasSubstr("family is 'odd'"));
}

TEST(Messages, refusesDeepNestingBeforeItCostsAnything) {
    const std::string deep(1'000'000, '[');
    EXPECT_THAT(refusalOf(R"({"v":1,"id":1,"do":"run","prompts":)" + deep),
                HasSubstr("nests deeper than 16 levels"));
    EXPECT_EQ(refusalOf(R"({"v":1,"id":1,"do":"status","note":")" + deep + "\"}").find("nests"),
              std::string::npos);
}

TEST(Messages, refusesALineThatIsTooLong) {
    EXPECT_THAT(refusalOf(std::string(kLongestLine + 1, ' ')), HasSubstr("a line may have 67108864"));
}

TEST(Messages, findsTheIdOfALineItRefuses) {
    EXPECT_EQ(requestIdOf(R"({"v":1,"id":12,"do":"fly"})"), 12);
    EXPECT_EQ(requestIdOf(R"({"v":1,"id":"x","do":"fly"})"), 0);
    EXPECT_EQ(requestIdOf("garbage"), 0);
}

}  // namespace
}  // namespace fluxscope::protocol
