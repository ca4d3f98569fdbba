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
    RunRequest request;
    fluxscope::RunRequest& run = request.wanted;
    run.prompts = {
        Prompt{"a", "needle", PromptSplit::Test, std::string("Where?\n\u00e9\u4e16"), "7313", "contains"},
        Prompt{"b", "prompt", PromptSplit::Unsplit, std::vector<TokenId>{TokenId{3}, TokenId{5}}, "", ""},
        Prompt{"c", "chat", PromptSplit::Tune, std::vector<ChatMessage>{{"user", "hi"}}, "", ""}};
    run.policy = RoutedPolicy{0.25, {{LayerIndex{3}, 0.75}}};
    run.sparse = SparseForm{};
    run.sparse->window = 64;
    run.maxNew = 7;
    run.seed = 1234567890123;
    run.batch = 3;
    run.raw = true;
    run.sampling = {.temperature = 0.7,
                    .topK = 20,
                    .topP = 0.9,
                    .minP = 0.05,
                    .repetitionPenalty = 1.1,
                    .stop = {"###", "\n\n"}};
    run.followUps = {"And then?", "Why \"that\"?"};
    run.turns = TurnMode::Redo;
    run.probe = ProbeOptions{.every = 16, .act = true};
    run.fidelity = true;
    run.stopAtEos = false;
    request.capture = "/tmp/a b.fluxdb";
    request.promptText = false;
    request.recordBudget = 1000;
    const std::vector<Request> requests{{1, LoadRequest{"/models/x", "cuda", "off", "bf16"}},
                                        {2, request},
                                        {3, CancelRequest{}},
                                        {4, StatusRequest{}},
                                        {5, ForecastRequest{run}}};
    for (const Request& sent : requests) {
        const std::string line = toLine(sent);
        EXPECT_THAT(line, testing::Not(HasSubstr("\n")));
        const Request back = parseRequest(line);
        EXPECT_EQ(back.id, sent.id);
        EXPECT_EQ(back.what.index(), sent.what.index());
        EXPECT_EQ(toLine(back), line);
    }
    EXPECT_EQ(std::get<RunRequest>(parseRequest(toLine(requests[1])).what).capture, request.capture);
    EXPECT_FALSE(std::get<RunRequest>(parseRequest(toLine(requests[1])).what).promptText);
    EXPECT_EQ(std::get<RunRequest>(parseRequest(toLine(requests[1])).what).recordBudget, 1000);
    for (const auto& back : {std::get<RunRequest>(parseRequest(toLine(requests[1])).what).wanted,
                             std::get<ForecastRequest>(parseRequest(toLine(requests[4])).what).wanted}) {
        EXPECT_EQ(back.prompts, run.prompts);
        EXPECT_EQ(back.policy, run.policy);
        EXPECT_EQ(back.sparse, run.sparse);
        EXPECT_EQ(back.maxNew, run.maxNew);
        EXPECT_EQ(back.seed, run.seed);
        EXPECT_EQ(back.batch, run.batch);
        EXPECT_EQ(back.raw, run.raw);
        EXPECT_EQ(back.sampling, run.sampling);
        EXPECT_EQ(back.followUps, run.followUps);
        EXPECT_EQ(back.turns, run.turns);
        ASSERT_TRUE(back.probe);
        EXPECT_EQ(back.probe->every, 16);
        EXPECT_TRUE(back.probe->act);
        EXPECT_TRUE(back.fidelity);
        EXPECT_FALSE(back.stopAtEos);
    }
}

TEST(Messages, ofARunMayLeaveOutAllButPromptsAndPolicy) {
    const auto run = std::get<RunRequest>(
        parseRequest(
            R"({"v":1,"id":1,"do":"run","prompts":[{"id":"a","text":"t"}],"policy":{"kind":"full"}})")
            .what);
    const fluxscope::RunRequest plain;
    EXPECT_EQ(run.wanted.maxNew, plain.maxNew);
    EXPECT_EQ(run.wanted.sampling, plain.sampling);
    EXPECT_EQ(run.wanted.turns, TurnMode::Keep);
    EXPECT_FALSE(run.wanted.probe);
    EXPECT_FALSE(run.wanted.raw);
    EXPECT_FALSE(run.wanted.fidelity);
    EXPECT_TRUE(run.promptText);
    EXPECT_TRUE(run.wanted.stopAtEos);
    EXPECT_EQ(run.capture, "");
}

TEST(Messages, forcedIdsDoNotTravel) {
    RunRequest request;
    request.wanted.forcedIds = {{TokenId{3}}};
    EXPECT_THROW(toLine(Request{1, request}), FaultError);
}

TEST(Messages, readsBackEveryEvent) {
    const std::vector<Event> events{
        {0, ReadyEvent{"fluxscope-cli 0.1.0 cpu", 4711}},
        {1, ProgressEvent{"loading", 10, 40, "bytes", 0, 0}},
        {1, LoadedEvent{someModel(), "streaming:sink=1", "cpu", "fp32", 16'000'000'000, 2.5, std::nullopt}},
        {2, CaptureEvent{"/tmp/x.fluxdb"}},
        {2, ProgressEvent{"prefill", 3, 12, "layers", 2, 6}},
        {2, TokenEvent{5, "\u00e9\n\x01"}},
        {2, RunDoneEvent{.run = 17, .prefillSeconds = 0.25, .decodeSeconds = 1.5, .tokenSeconds = 0.03125}},
        {3, CancelDoneEvent{}},
        {4, StatusEvent{std::nullopt, false}},
        {4, StatusEvent{someModel(), true}},
        {2, FailedEvent{ErrorFamily::Cancelled, "run: was cancelled"}},
        {1, LoadedEvent{someModel(), "", "cpu", "fp32", 4, 0.0,
                        SamplingOptions{.temperature = 0.6, .topK = 20}}},
        {5, ForecastEvent{Forecast{
                .weights = 5, .activations = 4, .kvAllSparse = 1, .kvAllFull = 2, .available = 9}}},
        {2, RestartEvent{"this process has traced 20000000 kernels"}},
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
    EXPECT_EQ(std::get<LoadedEvent>(loaded.what).bytes, 16'000'000'000);
    EXPECT_EQ(std::get<LoadedEvent>(loaded.what).seconds, 2.5);
    EXPECT_EQ(std::get<RunDoneEvent>(parseEvent(R"({"v":1,"re":2,"event":"done","run":3})").what).run, 3);
    const Event ran = parseEvent(toLine(events[6]));
    EXPECT_EQ(std::get<RunDoneEvent>(ran.what).run, 17);
    EXPECT_EQ(std::get<RunDoneEvent>(ran.what).prefillSeconds, 0.25);
    EXPECT_EQ(std::get<RunDoneEvent>(ran.what).decodeSeconds, 1.5);
    EXPECT_EQ(std::get<RunDoneEvent>(ran.what).tokenSeconds, 0.03125);
    EXPECT_FALSE(std::get<LoadedEvent>(loaded.what).recommended);
    EXPECT_EQ(std::get<LoadedEvent>(parseEvent(toLine(events[11])).what).recommended->topK, 20);
    const Forecast forecast = std::get<ForecastEvent>(parseEvent(toLine(events[12])).what).forecast;
    EXPECT_EQ(std::vector({forecast.weights, forecast.activations, forecast.kvAllSparse, forecast.kvAllFull,
                           forecast.available}),
              std::vector<std::int64_t>({5, 4, 1, 2, 9}));
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
                HasSubstr("do is 'fly', none of load, run, forecast, cancel, status"));
    EXPECT_THAT(refusalOf(R"({"v":1,"id":1,"do":"load"})"), HasSubstr("model is missing"));
    EXPECT_THAT(refusalOf(R"({"v":1,"id":1,"do":"load","model":3})"),
                HasSubstr("model is a JSON number, not a string"));
    EXPECT_THAT(refusalOf(R"({"v":1,"id":1,"do":"status","polcy":1})"),
                HasSubstr("polcy is not a field of this message"));
    EXPECT_THAT(
        refusalOf(
            R"({"v":1,"id":1,"do":"run","prompts":[{"id":"a","text":"t"}],"policy":{"kind":"full"},"capture":""})"),
        HasSubstr("capture is empty"));
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
    const auto refusalWith = [](const std::string& field) {
        return refusalOf(
            R"({"v":1,"id":1,"do":"forecast","prompts":[{"id":"a","text":"t"}],"policy":{"kind":"full"},)" +
            field + "}");
    };
    EXPECT_THAT(refusalWith(R"("sampling":{"temperature":-1})"),
                HasSubstr("request: sampling: temperature is -1"));
    EXPECT_THAT(refusalWith(R"("turns":"forget")"), HasSubstr("turns is 'forget', neither keep nor redo"));
    EXPECT_THAT(refusalWith(R"("follow_ups":"x")"), HasSubstr("follow_ups is a JSON string, not an array"));
    EXPECT_THAT(refusalWith(R"("follow_ups":[1])"), HasSubstr("follow_ups has a JSON number among"));
    EXPECT_THAT(refusalWith(R"("probe":{"every":0})"), HasSubstr("request: probe: every is 0"));
    EXPECT_THAT(refusalWith(R"("probe":{"every":2,"acts":true})"), HasSubstr("acts is not a field"));
    EXPECT_THAT(refusalWith(R"("batch":0)"), HasSubstr("batch is 0"));
    EXPECT_THAT(refusalWith(R"("capture":"x.fluxdb")"), HasSubstr("capture is not a field"));
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
