// listops: nested lists of digits under MIN, MAX, MED and SM, by the rules of the Long Range Arena: digits from 0 to 9, from two to ten
// arguments, nesting up to ten; MED is the median, of an even number of arguments the mean of the middle two cut to a whole number;
// SM is the sum modulo 10.
//
// There, trees are drawn until one has a length between 500 and 2000. Here a tree grows to the length that was asked for:
// leaves, drawn at random, become lists until there are enough.
#include "engine/tasks/detail/document.h"
#include "engine/tasks/detail/generator.h"
#include "engine/tasks/detail/prose.h"

#include <algorithm>

namespace fluxscope::tasks {
namespace {

constexpr int kMostArguments = 16;

constexpr std::array kParameters = {
    wholeParameter("nesting", 10, 1, 16, "lists within lists, at most"),
    wholeParameter("arguments", 10, 2, kMostArguments, "of a list, at most; at least two"),
    kQueries,
};

constexpr std::array<std::string_view, 4> kOperators = {"MIN", "MAX", "MED", "SM"};

struct Node {
    int value = -1;          // of a digit; a list has none
    std::uint32_t op = 0;    // of a list
    std::int32_t depth = 0;  // lists it stands in
    std::int32_t count = 0;  // of a list: its arguments, and the first and last of them
    std::size_t first = 0;
    std::size_t last = 0;
    std::size_t next = 0;  // the argument after this one; 0: none, as node 0 is nobody's
};

std::int64_t listBytes(std::uint32_t op) {
    return static_cast<std::int64_t>(kOperators[op].size()) + 4;
}  // "[MIN", " ]" and a space

class Tree {
public:
    Tree(std::int64_t bytes, std::int64_t nesting, std::int64_t arguments, Random& random)
        : random_(random), nesting_(nesting), arguments_(arguments) {
        addList(0);
        std::vector<std::size_t> open;  // leaves that may become lists
        fill(0, bytes, open);
        while (size_ + 12 <= bytes && !open.empty()) {
            const std::size_t pick = random_.below(open.size());
            const std::size_t leaf = open[pick];
            open[pick] = open.back();
            open.pop_back();
            size_ -= 2;
            const std::int32_t depth = nodes_[leaf].depth;
            makeList(leaf, depth);
            fill(leaf, bytes, open);
        }
        // What is left takes digits, two bytes each, where a list has room for one.
        for (std::size_t i = 0; i < nodes_.size() && size_ + 2 <= bytes; ++i)
            while (nodes_[i].value < 0 && nodes_[i].count < arguments_ && size_ + 2 <= bytes) addDigit(i);
    }

    std::string text() const {
        std::string out;
        write(0, out);
        return out;
    }
    int value() const { return valueOf(0); }

private:
    void addList(std::int32_t depth) {
        nodes_.emplace_back();
        makeList(nodes_.size() - 1, depth);
    }
    void makeList(std::size_t node, std::int32_t depth) {
        nodes_[node].value = -1;
        nodes_[node].depth = depth;
        nodes_[node].op = random_.below(kOperators.size());
        size_ += listBytes(nodes_[node].op);
    }
    std::size_t addDigit(std::size_t list) {
        const std::size_t digit = nodes_.size();
        nodes_.push_back({.value = static_cast<int>(random_.below(10)), .depth = nodes_[list].depth + 1});
        Node& parent = nodes_[list];
        if (parent.count++ == 0)
            parent.first = digit;
        else
            nodes_[parent.last].next = digit;
        parent.last = digit;
        size_ += 2;
        return digit;
    }
    void fill(std::size_t list, std::int64_t bytes, std::vector<std::size_t>& open) {
        const std::int64_t count = random_.between(2, arguments_);
        for (std::int64_t i = 0; i < count && (i < 2 || size_ + 2 <= bytes); ++i) {
            const std::size_t digit = addDigit(list);
            if (nodes_[digit].depth < nesting_) open.push_back(digit);
        }
    }
    void write(std::size_t index, std::string& out) const {
        const Node& node = nodes_[index];
        if (node.value >= 0) {
            out += static_cast<char>('0' + node.value);
            return;
        }
        out.append(1, '[').append(kOperators[node.op]);
        for (std::size_t child = node.first; child != 0; child = nodes_[child].next) {
            out += ' ';
            write(child, out);
        }
        out += " ]";
    }
    int valueOf(std::size_t index) const {
        const Node& node = nodes_[index];
        if (node.value >= 0) return node.value;
        std::array<int, kMostArguments> held{};
        std::size_t count = 0;
        for (std::size_t child = node.first; child != 0; child = nodes_[child].next)
            held.at(count++) = valueOf(child);
        const std::span<int> values(held.data(), count);
        std::sort(values.begin(), values.end());
        const std::size_t middle = count / 2;
        switch (node.op) {
            case 0: return values.front();
            case 1: return values.back();
            case 2: return count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
            default: break;
        }
        int sum = 0;
        for (const int value : values) sum += value;
        return sum % 10;
    }

    Random& random_;
    std::int64_t nesting_;
    std::int64_t arguments_;
    std::int64_t size_ = 0;
    std::vector<Node> nodes_;
};

TaskSample compose(const Draft& draft) {
    constexpr std::string_view kHead =
        "Work out the lists: MIN is the smallest, MAX the largest, MED the median, SM the sum modulo 10.\n";
    constexpr std::int64_t kAround = 18;  // "Question: ", "\nAnswer:"
    Random random(draft.seed, "lists");
    const std::int64_t queries = draft.queries();
    const std::int64_t bytes = (draft.bytes - static_cast<std::int64_t>(kHead.size()) - 1) / queries -
                               kAround - (draft.form == TextForm::Training ? 3 : 0);
    TaskSample sample{.scorer = Scorer::Numeric};
    for (std::int64_t q = 0; q < queries; ++q) {
        const Tree tree(bytes, draft.whole("nesting"), draft.whole("arguments"), random);
        sample.questions.push_back(
            {.text = questionText(tree.text()), .answer = std::to_string(tree.value())});
    }
    // Trees that may not nest or widen enough leave room: prose takes it.
    Prose prose(Random(draft.seed, "prose"));
    sample.document = plant(kHead, {}, draft.documentBytes(sample.questions), prose, draft.seed).text;
    return sample;
}

}  // namespace

const Generator kListOpsTask{
    {"listops", "nested lists under MIN, MAX, MED and SM, by the Long Range Arena's rules", Scorer::Numeric,
     kParameters},
    compose};

}  // namespace fluxscope::tasks
