#include "engine/chat/chat_template.h"
#include "engine/chat/detail/value.h"
#include "engine/contract/error.h"
#include "engine/engine.h"
#include "engine/tokenizer/tokenizer.h"
#include "tests/engine/support.h"
#include "tests/fixture/safetensors_writer.h"
#include "tests/fixture/tiny_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace fluxscope {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

const char* const kTagged =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

std::string rendered(std::string_view text, const Json& variables = Json::object(),
                     const jinja::RenderLimits& limits = {}) {
    return jinja::Template::parse(text).render(variables, limits);
}

// "LINE: what is wrong", or the text when nothing is.
std::string problemOf(std::string_view text, const jinja::RenderLimits& limits = {}) {
    try {
        return rendered(text, {{"x", 7}, {"l", {3, 1, 2}}}, limits);
    } catch (const jinja::TemplateError& error) {
        return std::to_string(error.line) + ": " + error.problem + (error.overLimit ? " (limit)" : "");
    }
}

TEST(Jinja, rendersWhatTheLanguageIsMadeOf) {
    EXPECT_EQ(rendered("{% for i in l if i > 1 %}{{ loop.index }}{{ i }}{% else %}none{% endfor %}",
                       {{"l", {3, 1, 2}}}),
              "1322");
    EXPECT_EQ(rendered("{% set ns = namespace(n=0) %}{% for c in 'añb' %}{% set ns.n = ns.n + 1 %}{% endfor "
                       "%}{{ ns.n }}"),
              "3");
    EXPECT_EQ(rendered("  {%- macro f(a, b='x') %}{{ a ~ b }}{% endmacro -%}  {{ f(1) }}{{ f(2, b=none) }}"),
              "1x2None");
    EXPECT_EQ(rendered("{{ d | tojson }} {{ d.b[::-1] }} {{ d.zzz is defined }}",
                       {{"d", {{"b", {1, 2}}, {"a", nullptr}}}}),
              R"({"b": [1, 2], "a": null} [2, 1] False)");
}

TEST(Jinja, mistakesNameTheirLine) {
    EXPECT_EQ(problemOf("a\n\n{{ x + 'b' }}"), "3: unsupported operand type(s) for +: 'int' and 'str'");
    EXPECT_EQ(problemOf("{{\n x\n .y.z }}"), "3: 'int object' has no attribute 'y'");
    EXPECT_EQ(problemOf("{% macro m() %}\n{{ nobody.home }}{% endmacro %}\n\n{{ m() }}"),
              "2: 'nobody' is undefined");
    EXPECT_EQ(problemOf("{% if x %}\n{{ 1 }"), "2: unexpected '}'");
    EXPECT_EQ(problemOf("\n{% if x %}"), "2: the template ends where 'endif' was expected");
    EXPECT_EQ(problemOf("\n\n{{ x | shout }}"), "3: no filter is named 'shout'");
    EXPECT_EQ(problemOf("{{ raise_exception('no ' ~ x) }}"), "1: no 7");
    EXPECT_EQ(problemOf("\xFF"), "1: is not UTF-8");
}

TEST(Jinja, nothingOutsideCanBeReached) {
    for (const char* attempt : {"{% include '/etc/passwd' %}", "{% import 'os' as os %}", "{% extends 'a' %}",
                                "{% from 'os' import path %}"})
        EXPECT_THAT(problemOf(attempt), HasSubstr("is not understood: a template here is one text"))
            << attempt;
    for (const char* attempt :
         {"{{ ''.__class__.__mro__ }}", "{{ l.append(4) }}", "{{ {}.update({'a': 1}) }}", "{{ l.sort() }}",
          "{{ cycler.__init__.__globals__ }}"})
        EXPECT_THAT(problemOf(attempt), HasSubstr("1: ")) << attempt;
}

TEST(Jinja, whatNeverEndsIsEnded) {
    const char* const kForever =
        "{% for a in range(99999) %}{% for b in range(99999) %}{{ '' }}{% endfor %}{% endfor %}";
    EXPECT_THAT(problemOf(kForever), HasSubstr("takes more than 10000000 steps (limit)"));
    EXPECT_THAT(problemOf("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
                HasSubstr("deeper than 800 levels (limit)"));
    const jinja::RenderLimits small{.bytes = 1 << 20, .outputBytes = 1 << 16};
    EXPECT_THAT(
        problemOf(
            "{% set n = namespace(s='ab') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
            small),
        HasSubstr("(limit)"));
    EXPECT_THAT(problemOf("{{ 'ab' * 4000000000000 }}"), HasSubstr("(limit)"));
    EXPECT_THAT(problemOf("{{ [1] * 4000000000000 }}"), HasSubstr("(limit)"));
    EXPECT_THAT(problemOf("{{ '%4000s' % x }}{{ '{:4000}'.format(x) }}"), HasSubstr("7"));
    EXPECT_THAT(problemOf("{{ '%5000s' % x }}"), HasSubstr("wider than 4096"));
    EXPECT_THAT(problemOf("{% for i in range(99999) %}{{ 'abcdefgh' * 10 }}{% endfor %}", small),
                HasSubstr("(limit)"));
    EXPECT_THAT(problemOf("{{ 9223372036854775807 + 1 }}"), HasSubstr("beyond 64 bits (limit)"));
    EXPECT_THAT(
        problemOf("{% set n = namespace(v=[]) %}{% for i in range(9999) %}{% set n.v = [n.v] %}{% endfor %}"),
        HasSubstr("deeper than 100 levels (limit)"));
    EXPECT_THAT(problemOf("{% set n = namespace(v=[]) %}{% for i in range(9999) %}{% set n.v = n.v | "
                          "map('upper') %}{% endfor %}"),
                HasSubstr("deeper than 100 levels (limit)"));
}

TEST(Jinja, deepTextsAreNoAttack) {
    for (const char* piece :
         {"(", "[", "{{ [", "{% if x %}", "{% for i in l %}", "not ", "-", "x.", "x|upper|", "{'a':", "1 if ",
          "{% macro m() %}", "f(", "x[", "{% set a %}", "'a' ~ "}) {
        std::string nested = std::string("{{ ").substr(piece[0] == '{' && piece[1] != '\'' ? 3 : 0);
        for (int i = 0; i < 50'000; ++i) nested += piece;
        EXPECT_THAT(problemOf(nested), HasSubstr("1: ")) << piece;
    }
    std::string sum = "{{ x";
    for (int i = 0; i < 100; ++i) sum += " + 1";
    EXPECT_EQ(problemOf(sum + " }}"), "107") << "what people write is not deep";
}

TEST(Jinja, searchesTakeLinearTime) {
    const auto began = std::chrono::steady_clock::now();
    const Json variables{{"a", std::string(1'000'000, 'a')}, {"b", std::string(500'000, 'a') + "b"}};
    EXPECT_EQ(
        rendered(
            "{{ b in a }}{{ a.find(b) }}{{ a.rfind('b' ~ b) }}{{ a.count(b) }}{{ (a.rsplit(b)) | length }}"
            "{{ a.replace(b, '') == a }}",
            variables),
        "False-1-101True");
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10));
}

// What may hold itself is freed all the same: leaks are what a sanitized build would tell of.
TEST(Jinja, whatHoldsItselfIsFreed) {
    EXPECT_EQ(problemOf("{% set n = namespace() %}{% set n.me = n %}{{ n.me.me is sameas n }}"), "True");
    EXPECT_EQ(problemOf("{% set n = namespace() %}{% macro m() %}{{ n.f is defined }}{% endmacro %}{% set "
                        "n.f = m %}{{ m() }}"),
              "True");
    EXPECT_EQ(problemOf("{% for i in l %}{{ loop.changed(loop) }}{% endfor %}"), "TrueFalseFalse");
    EXPECT_EQ(
        problemOf("{% set n = namespace() %}{% for i in l %}{% set n.l = loop %}{% endfor %}{{ n.l.index }}"),
        "3");
    EXPECT_THAT(problemOf("{% set n = namespace() %}{% set n.me = n %}{{ n }}"), HasSubstr("(limit)"));
    EXPECT_THAT(problemOf("{% for i in l %}{{ loop.changed(loop) }}{{ 1 / 0 }}{% endfor %}"),
                HasSubstr("division by zero"));
}

class ChatTemplateTest : public testing::Test {
protected:
    void config(const Json& json) const { writeText(folder_ / "tokenizer_config.json", json.dump()); }
    std::string render(const std::vector<ChatMessage>& messages, const ChatOptions& options = {}) const {
        return ChatTemplate::load(folder_.path())->render(messages, options);
    }
    std::string complaint() const {
        return complaintOf<InputError>([&] { render({{"user", "hi", ""}}); });
    }

    TempFolder folder_;
};

TEST_F(ChatTemplateTest, isFoundInEitherFile) {
    EXPECT_FALSE(ChatTemplate::load(folder_.path()));
    config({{"bos_token", "<s>"}});
    EXPECT_FALSE(ChatTemplate::load(folder_.path()));
    config({{"chat_template", "config {{ messages[0].content }}"}});
    EXPECT_EQ(render({{"user", "hi", ""}}), "config hi");
    config({{"chat_template",
             {{{"name", "tool_use"}, {"template", "tools"}}, {{"name", "default"}, {"template", "usual"}}}}});
    EXPECT_EQ(render({{"user", "hi", ""}}), "usual");
    writeText(folder_ / "chat_template.jinja", "file");
    EXPECT_EQ(render({{"user", "hi", ""}}), "file") << "the file of its own goes first";
}

TEST_F(ChatTemplateTest, seesTokensOptionsAndFields) {
    config(
        {{"bos_token", "<s>"},
         {"eos_token", {{"content", "</s>"}, {"lstrip", false}}},
         {"pad_token", nullptr},
         {"chat_template",
          "{{ bos_token }}{{ eos_token }}{{ pad_token is defined }}{{ tools is none }}{{ "
          "add_generation_prompt }}"
          "{{ think }}{{ strftime_now('%Y') }}{{ messages[0].name }}{{ messages[0].reasoning_content }}"}});
    std::tm now{};
    now.tm_year = 126;
    EXPECT_EQ(render({{"user", "hi", R"({"name": "ann", "thinking": "hm"})"}},
                     {.addGenerationPrompt = false, .variables = {{"think", true}}, .now = now}),
              "<s></s>FalseTrueFalseTrue2026annhm");
}

TEST_F(ChatTemplateTest, mistakesAreOneSentence) {
    writeText(folder_ / "chat_template.jinja", "a\n{{ messages[0].content + 1 }}");
    EXPECT_THAT(complaint(),
                AllOf(HasSubstr("chat_template.jinja: line 2 cannot be rendered: can only concatenate"),
                      HasSubstr("; use --raw")));
    writeText(folder_ / "chat_template.jinja", "{% if %}");
    EXPECT_THAT(complaint(),
                HasSubstr("chat_template.jinja: line 1 cannot be rendered: expected an expression"));
    writeText(folder_ / "chat_template.jinja", "{{ raise_exception('roles\x1b[2J must alternate') }}");
    EXPECT_THAT(complaint(),
                HasSubstr("line 1 refuses these messages: roles\\x1B[2J must alternate; give messages"));
    writeText(folder_ / "chat_template.jinja",
              "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}");
    EXPECT_THAT(complaint(), HasSubstr("line 1 needs more than a template may take: it takes more than"));
    std::filesystem::remove(folder_ / "chat_template.jinja");
    config({{"chat_template", "{{ nobody.home }}"}});
    EXPECT_THAT(
        complaint(),
        HasSubstr("tokenizer_config.json: chat_template line 1 cannot be rendered: 'nobody' is undefined"));
    config({{"chat_template", 7}});
    EXPECT_THAT(complaint(), HasSubstr("chat_template is neither a text nor a list with one named default"));
    config({{"chat_template", std::string((1 << 20) + 1, 'x')}});
    EXPECT_THAT(complaint(), HasSubstr("is longer than 1 MiB"));
    writeText(folder_ / "tokenizer_config.json", "{");
    EXPECT_THAT(complaint(), HasSubstr("tokenizer_config.json: is not JSON"));
}

class ChatRunTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        folder = new TempFolder;
        writeTinyModel(folder->path(),
                       {.layers = 2, .hidden = 64, .heads = 2, .kvHeads = 1, .inner = 64, .context = 512});
    }
    static void TearDownTestSuite() {
        delete folder;
        folder = nullptr;
    }

    static TurnResult lastTurn(const PromptContent& content, bool raw,
                               std::vector<std::string> followUps = {}) {
        RunRequest request;
        request.prompts = {
            Prompt{.id = "p", .kind = "", .split = {}, .content = content, .answer = "", .scorer = ""}};
        request.policy = FullPolicy{};
        request.maxNew = 5;
        request.raw = raw;
        request.followUps = std::move(followUps);
        Observer nobody;
        return Model::load(folder->path())
            ->run(request, nobody, CancelToken{})
            .sequences.front()
            .turns.back();
    }
    static std::string spelled(const std::vector<TokenId>& ids) {
        return Tokenizer::load(*folder / "tokenizer.json").decode(ids);
    }

    static inline TempFolder* folder = nullptr;
};

TEST_F(ChatRunTest, textsAndMessagesGoThroughTheTemplateOnce) {
    writeText(*folder / "chat_template.jinja", kTagged);
    const std::string chat = "<|im_start|>user\nthe river<|im_end|>\n<|im_start|>assistant\n";
    EXPECT_EQ(spelled(lastTurn("the river", false).promptIds), chat);
    EXPECT_EQ(spelled(lastTurn("the river", true).promptIds), "the river");
    const std::vector<ChatMessage> messages = {{"system", "be brief", ""}, {"user", "the river", ""}};
    for (const bool raw : {false, true})
        EXPECT_EQ(spelled(lastTurn(messages, raw).promptIds),
                  "<|im_start|>system\nbe brief<|im_end|>\n" + chat);
    EXPECT_EQ(lastTurn(std::vector<TokenId>{TokenId(5)}, false).promptIds, std::vector<TokenId>{TokenId(5)});
}

TEST_F(ChatRunTest, followUpsContinueTheConversation) {
    writeText(*folder / "chat_template.jinja", kTagged);
    const TurnResult next = lastTurn("the river", false, {"and then"});
    EXPECT_TRUE(next.keptCache) << next.redoneWhy;
    EXPECT_THAT(
        spelled(next.promptIds),
        testing::EndsWith("<|im_end|>\n<|im_start|>user\nand then<|im_end|>\n<|im_start|>assistant\n"));

    // A template that writes earlier turns otherwise: what has been computed does not stand.
    writeText(*folder / "chat_template.jinja", "{{ messages | length }}" + std::string(kTagged));
    const TurnResult redone = lastTurn("the river", false, {"and then"});
    EXPECT_FALSE(redone.keptCache);
    EXPECT_THAT(redone.redoneWhy, HasSubstr("writes what was said before differently"));
    EXPECT_THAT(spelled(redone.promptIds),
                testing::StartsWith("3<|im_start|>user\nthe river<|im_end|>\n<|im_start|>assistant\n"));
}

TEST_F(ChatRunTest, messagesNeedATemplate) {
    std::filesystem::remove(*folder / "chat_template.jinja");
    EXPECT_THAT(
        complaintOf<UsageError>([] { lastTurn(std::vector<ChatMessage>{{"user", "hi", ""}}, false); }),
        HasSubstr("prompt p: messages need a chat template, and this model has none; give a text instead"));
    EXPECT_EQ(spelled(lastTurn("the river", false).promptIds), "the river");
    writeText(*folder / "chat_template.jinja", "{% broken");
    EXPECT_EQ(spelled(lastTurn("the river", true).promptIds), "the river") << "with --raw nobody reads it";
    EXPECT_THAT(complaintOf<InputError>([] { lastTurn("the river", false); }),
                HasSubstr("chat_template.jinja: line 1"));
}

}  // namespace
}  // namespace fluxscope
