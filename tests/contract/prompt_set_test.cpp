#include "engine/contract/prompt_set.h"

#include "engine/contract/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fluxscope {
namespace {

using testing::HasSubstr;

std::string refusalOf(std::string_view jsonl) {
    try {
        parsePromptSet(jsonl, "set.jsonl");
    } catch (const InputError& error) {
        return error.what();
    }
    return "accepted";
}

TEST(PromptSet, readsTextsMessagesAndIds) {
    const PromptSet set = parsePromptSet(
        "{\"id\":\"a\",\"kind\":\"needle\",\"split\":\"test\",\"text\":\"x\",\"answer\":\"7\",\"scorer\":"
        "\"contains\"}\n"
        "\n"
        "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}\r\n"
        "{\"id\":\"c\",\"ids\":[1,2]}",
        "set.jsonl");
    ASSERT_EQ(set.prompts.size(), 3U);
    EXPECT_EQ(set.prompts[0], (Prompt{.id = "a",
                                      .kind = "needle",
                                      .split = PromptSplit::Test,
                                      .content = "x",
                                      .answer = "7",
                                      .scorer = "contains"}));
    EXPECT_EQ(set.prompts[1].id, "prompt-3") << "an absent id is the line's number";
    EXPECT_EQ(std::get<std::vector<ChatMessage>>(set.prompts[1].content).front().content, "hi");
    EXPECT_EQ(std::get<std::vector<TokenId>>(set.prompts[2].content).size(), 2U);
}

TEST(PromptSet, survivesItsOwnJsonl) {
    const PromptSet set{
        {{.id = "a", .kind = "k", .split = PromptSplit::Tune, .content = "line\nbreak \"quoted\" é"},
         {.id = "b", .kind = "k", .content = std::vector<TokenId>{TokenId(5)}},
         {.id = "c", .kind = "k", .content = std::vector<ChatMessage>{{"user", "hi"}}},
         {.id = "d",
          .kind = "k",
          .content = std::vector<ChatMessage>{
              {"user", "hi", R"({"name":"ann"})"},
              {"assistant", "",
               R"({"tool_calls":[{"function":{"name":"f","arguments":{"z":1,"a":[null,2.5]}}}]})"}}}}};
    EXPECT_EQ(parsePromptSet(toJsonl(set), "again").prompts, set.prompts);
}

TEST(PromptSet, refusalsNameFileLineAndField) {
    EXPECT_THAT(refusalOf("{\"text\":\"ok\"}\n{\"text\":7}"), HasSubstr("set.jsonl:2: text is not a text"));
    EXPECT_THAT(refusalOf("{\"text\":\"a\",\"ids\":[1]}"),
                HasSubstr("exactly one of text, messages and ids"));
    EXPECT_THAT(refusalOf("{\"ids\":[-1]}"), HasSubstr("ids has an entry that is not a token id"));
    EXPECT_THAT(refusalOf("{\"text\":\"a\",\"split\":\"train\"}"), HasSubstr("split is 'train'"));
    EXPECT_THAT(refusalOf("{\"id\":\"a\",\"text\":\"1\"}\n{\"id\":\"a\",\"text\":\"2\"}"),
                HasSubstr("'a' stands twice"));
    EXPECT_THAT(refusalOf("not json"), HasSubstr("set.jsonl:1: is not JSON"));
    EXPECT_THAT(refusalOf(R"({"messages":[{"role":"user"}]})"), HasSubstr("without a role and a content"));
    EXPECT_THAT(refusalOf(R"({"messages":[{"role":"user","content":"a","weight":1}]})"),
                HasSubstr("has a message with the field 'weight', which is not understood"));
    EXPECT_THAT(refusalOf("{\"text\":\"\xFF\"}"), HasSubstr("is not JSON in UTF-8"));
    EXPECT_THAT(refusalOf("\n \n"), HasSubstr("holds no prompt"));
    EXPECT_THAT(refusalOf(std::string(100'000, '[')), HasSubstr("is not JSON"));
}

}  // namespace
}  // namespace fluxscope
