// code: text like a program's. A question asks what a function returns, which is recall of a name, or which block a closing brace
// belongs to, which is matching braces and then recall.
#include "engine/tasks/detail/filler.h"
#include "engine/tasks/detail/generator.h"
#include "engine/tasks/detail/keys.h"

#include <algorithm>
#include <cmath>

namespace fluxscope::tasks {
namespace {

constexpr std::array kParameters = {
    choiceParameter("ask", {"both", "returns", "braces"},
                    "what a function returns, which block a brace closes, or both in turn"),
    wholeParameter("nesting", 3, 1, 8, "blocks within blocks of a function, at most"),
    placeParameter("depth", kAnyPlace,
                   "where the function of the first question stands: 0 at the beginning, 1 at the end"),
    kQueries,
};

struct Block {
    std::string name;
    std::int64_t mark = 0;
    ByteRange opens;
    ByteRange closes;
};

struct Function {
    std::string name;
    std::string returns;
    ByteRange head;
    ByteRange tail;
    std::vector<Block> blocks;
};

// Writes one function after the other behind a text and remembers where what stands.
class Program {
public:
    Program(std::string& out, std::int64_t expected, std::int64_t nesting, Random& random)
        : out_(out), random_(random), names_(random, expected), nesting_(nesting) {}

    Function function() {
        Function made{.name = names_.draw().camel(),
                      .returns = names_.draw().camel(),
                      .head = {},
                      .tail = {},
                      .blocks = {}};
        made.head = line(0, "function " + made.name + "() {");
        const std::int64_t blocks = random_.between(1, 2);
        statement(1);
        for (std::int64_t i = 0; i < blocks; ++i) block(1, made.blocks);
        made.tail = line(1, "return " + made.returns + ";");
        line(0, "}");
        return made;
    }
    void statement(std::int64_t indent) {
        constexpr std::array<std::string_view, 6> kVariables = {"count", "total", "index",
                                                                "left",  "size",  "step"};
        constexpr std::array<std::string_view, 4> kOperators = {" + ", " - ", " * ", " % "};
        std::string text(random_.of(kVariables));
        text.append(" = ").append(random_.of(kVariables)).append(random_.of(kOperators));
        text +=
            random_.oneIn(2) ? std::string(random_.of(kVariables)) : std::to_string(random_.between(1, 9));
        line(indent, text + ";");
    }

private:
    static std::int64_t sizeOf(const std::string& text) { return static_cast<std::int64_t>(text.size()); }

    ByteRange line(std::int64_t indent, std::string_view text) {
        const std::int64_t begin = sizeOf(out_);
        out_.append(static_cast<std::size_t>(indent * 2), ' ').append(text).append(1, '\n');
        return {begin + indent * 2, sizeOf(out_) - 1};
    }
    void block(std::int64_t indent, std::vector<Block>& blocks) {
        constexpr std::array<std::string_view, 3> kWords = {"loop ", "when ", "with "};
        Block made{.name = names_.draw().camel(), .mark = 0, .opens = {}, .closes = {}};
        made.opens = line(indent, std::string(random_.of(kWords)) + made.name + " {");
        statement(indent + 1);
        if (indent < nesting_) {
            const std::int64_t inner = random_.between(0, 2);
            for (std::int64_t i = 0; i < inner; ++i) block(indent + 1, blocks);
        }
        if (random_.oneIn(2)) statement(indent + 1);
        made.mark = ++marks_;
        made.closes = line(indent, "} // mark " + std::to_string(made.mark));
        blocks.push_back(std::move(made));
    }

    std::string& out_;
    Random& random_;
    Keys names_;
    std::int64_t nesting_;
    std::int64_t marks_ = 0;
};

Question ask(const Function& function, bool braces, Random& random) {
    if (!braces)
        return {.text = questionText("What does " + function.name + " return?"),
                .answer = function.returns,
                .evidence = {function.head, function.tail}};
    const Block& block = function.blocks[random.below(function.blocks.size())];
    return {.text = questionText("Which block does mark " + std::to_string(block.mark) + " close?"),
            .answer = block.name,
            .evidence = {block.opens, block.closes}};
}

TaskSample compose(const Draft& draft) {
    constexpr std::string_view kHead =
        "// This program will be asked about: what functions return, which blocks marks close.\n";
    Random random(draft.seed, "program");
    Random questions(draft.seed, "questions");
    Random place(draft.seed, "place");
    const double depth = draft.place("depth", place);
    // Questions are about as long as this, and a last comment makes up for what they are not.
    const std::int64_t room =
        draft.bytes - draft.queries() * (draft.form == TextForm::Training ? 80 : 56) - 24;
    TaskSample sample{.scorer = Scorer::Exact};
    sample.document = kHead;
    sample.document.reserve(static_cast<std::size_t>(std::max<std::int64_t>(0, draft.bytes)) + 2048);
    Program program(sample.document, draft.bytes / 24, draft.whole("nesting"), random);
    std::vector<Function> functions;
    std::size_t before = 0;
    do {
        before = sample.document.size();
        functions.push_back(program.function());
    } while (static_cast<std::int64_t>(sample.document.size()) < room);
    if (functions.size() > 1 && static_cast<std::int64_t>(sample.document.size()) > room) {
        sample.document.resize(before);
        functions.pop_back();
    }

    const bool onlyReturns = draft.parameters.isWord("ask", "returns");
    const bool onlyBraces = draft.parameters.isWord("ask", "braces");
    const bool bracesFirst = questions.oneIn(2);
    for (std::int64_t q = 0; q < draft.queries(); ++q) {
        const auto last = static_cast<double>(functions.size() - 1);
        const std::size_t chosen =
            q == 0 ? static_cast<std::size_t>(std::lround(depth * last)) : questions.below(functions.size());
        const bool braces = onlyBraces || (!onlyReturns && (q % 2 == 0) == bracesFirst);
        sample.questions.push_back(ask(functions[chosen], braces, questions));
    }
    const std::int64_t end = draft.documentBytes(sample.questions);
    while (static_cast<std::int64_t>(sample.document.size()) + 64 < end) program.statement(0);
    const std::int64_t left = end - static_cast<std::int64_t>(sample.document.size());
    if (left > 8) {
        sample.document += "// ";
        Random closing(draft.seed, "closing");
        listSentence(sample.document, left - 4, closing);
        sample.document += '\n';
    }
    return sample;
}

}  // namespace

const Generator kCodeTask{
    {"code", "a program: what functions return, which blocks braces close", Scorer::Exact, kParameters},
    compose};

}  // namespace fluxscope::tasks
