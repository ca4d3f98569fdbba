#include "engine/chat/detail/filters.h"

#include "engine/chat/detail/attributes.h"
#include "engine/chat/detail/binding.h"
#include "engine/chat/detail/operations.h"
#include "engine/chat/detail/python_text.h"

#include <algorithm>

namespace fluxscope::jinja {
namespace {

Value folded(const Value& value, bool caseSensitive, Runtime& runtime) {
    if (caseSensitive || !value.is(Kind::Text)) return value;
    return runtime.text(toLower(value.asText().bytes()));
}

Value length(Runtime& runtime, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "length", 0, 0);
    const std::optional<std::int64_t> length = lengthOf(value, runtime);
    if (!length) fail("object of type '" + value.typeName() + "' has no len()");
    return *length;
}

Value first(Runtime& runtime, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "first", 0, 0);
    const std::optional<Value> item = iterate(value, runtime)->next(runtime);
    return item ? *item : Value::undefined("No first item, sequence was empty.");
}

// Only what has an order to be read from its end.
std::optional<std::vector<Value>> backwards(const Value& value, Runtime& runtime) {
    const bool reversible = value.is(Kind::Undefined) || value.is(Kind::Text) || value.isSequence() ||
                            value.is(Kind::Dict) || value.is(Kind::Range) ||
                            (value.is(Kind::Object) && value.typeName().starts_with("dict_"));
    if (!reversible) return std::nullopt;
    std::vector<Value> items = collected(value, runtime);
    std::reverse(items.begin(), items.end());
    return items;
}

Value last(Runtime& runtime, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "last", 0, 0);
    if (value.isSequence() && !value.items().empty()) return value.items().back();
    const std::optional<std::vector<Value>> items = backwards(value, runtime);
    if (!items) fail("'" + value.typeName() + "' object is not reversible");
    return items->empty() ? Value::undefined("No last item, sequence was empty.") : items->front();
}

// What reversed() gives: its items come once.
class Reversed : public Object {
public:
    Reversed(std::vector<Value> items, Runtime& runtime)
        : items_(Value::list(std::move(items))), iterator_(iterate(items_, runtime)) {}
    std::string typeName() const override { return "list_reverseiterator"; }
    std::shared_ptr<Iterator> iterator(Runtime& /*runtime*/) override { return iterator_; }
    int depth() const override { return items_.depth() + 1; }

private:
    Value items_;
    std::shared_ptr<Iterator> iterator_;
};

Value reverse(Runtime& runtime, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "reverse", 0, 0);
    if (value.is(Kind::Text)) return *sliced(value, Value(), Value(), Value(-1), runtime);
    if (std::optional<std::vector<Value>> items = backwards(value, runtime))
        return std::make_shared<Reversed>(std::move(*items), runtime);
    if (!canIterate(value, runtime)) fail("argument must be iterable");
    std::vector<Value> items = collected(value, runtime);
    std::reverse(items.begin(), items.end());
    return Value::list(std::move(items));
}

Value list(Runtime& runtime, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "list", 0, 0);
    return Value::list(collected(value, runtime));
}

Value fallback(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "default", {"default_value", "boolean"}, 0);
    const bool absent =
        value.is(Kind::Undefined) || (bound.flag(1, false, runtime) && !truthOf(value, runtime));
    return absent ? bound.get(0, Value("")) : value;
}

Value join(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "join", {"d", "attribute"}, 0);
    const std::string between = bound.has(0) ? textOf(bound.at(0), runtime) : "";
    std::string joined;
    bool begun = false;
    const std::shared_ptr<Iterator> items = iterate(value, runtime);
    while (const std::optional<Value> item = items->next(runtime)) {
        if (begun) runtime.output(joined, between);
        begun = true;
        const bool whole = !bound.has(1) || bound.at(1).is(Kind::None);
        runtime.output(joined, textOf(whole ? *item : attributePath(*item, bound.at(1), runtime), runtime));
    }
    return Text(std::move(joined));
}

// Sorts by keys that Python's < can order, stably in both directions.
std::vector<Value> sortedBy(std::vector<std::pair<Value, Value>> keyed, bool reverse, Runtime& runtime) {
    std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
        return reverse ? less(b.first, a.first, "<", runtime) : less(a.first, b.first, "<", runtime);
    });
    std::vector<Value> items;
    items.reserve(keyed.size());
    for (auto& [key, item] : keyed) items.push_back(std::move(item));
    return items;
}

Value sort(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "sort", {"reverse", "case_sensitive", "attribute"}, 0);
    const bool caseSensitive = bound.flag(1, false, runtime);
    std::vector<Value> paths = {bound.get(2, Value())};
    if (paths[0].is(Kind::Text)) {
        const std::string attributes = paths[0].asText().bytes();
        paths.clear();
        for (const std::string_view path : splitAt(attributes, ",", kNoLimit))
            paths.emplace_back(std::string(path));
    }
    std::vector<std::pair<Value, Value>> keyed;
    for (Value& item : collected(value, runtime)) {
        std::vector<Value> key;
        for (const Value& path : paths)
            key.push_back(folded(attributePath(item, path, runtime), caseSensitive, runtime));
        keyed.emplace_back(Value::list(std::move(key)), std::move(item));
    }
    return Value::list(sortedBy(std::move(keyed), bound.flag(0, false, runtime), runtime));
}

Value dictsort(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "dictsort", {"case_sensitive", "by", "reverse"}, 0);
    const std::string by = bound.has(1) ? bound.text(1).bytes() : "key";
    if (by != "key" && by != "value") fail("You can only sort by either \"key\" or \"value\"");
    requireDefined(value);
    if (!value.is(Kind::Dict)) fail("'" + value.typeName() + "' object has no attribute 'items'");
    const bool caseSensitive = bound.flag(0, false, runtime);
    std::vector<std::pair<Value, Value>> keyed;
    for (const auto& [key, entry] : value.asDict().entries)
        keyed.emplace_back(folded(by == "key" ? key : entry, caseSensitive, runtime),
                           Value::tuple({key, entry}));
    return Value::list(sortedBy(std::move(keyed), bound.flag(2, false, runtime), runtime));
}

template <bool Largest>
Value extreme(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, Largest ? "max" : "min", {"case_sensitive", "attribute"}, 0);
    std::optional<std::pair<Value, Value>> best;
    const std::shared_ptr<Iterator> items = iterate(value, runtime);
    while (std::optional<Value> item = items->next(runtime)) {
        Value key = folded(attributePath(*item, bound.get(1, Value()), runtime),
                           bound.flag(0, false, runtime), runtime);
        if (!best || (Largest ? less(best->first, key, ">", runtime) : less(key, best->first, "<", runtime)))
            best.emplace(std::move(key), std::move(*item));
    }
    return best ? best->second : Value::undefined("No aggregated item, sequence was empty.");
}

Value sum(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "sum", {"attribute", "start"}, 0);
    Value total = bound.get(1, Value(0));
    if (total.is(Kind::Text)) fail("sum() can't sum strings [use ''.join(seq) instead]");
    const std::shared_ptr<Iterator> items = iterate(value, runtime);
    while (const std::optional<Value> item = items->next(runtime))
        total = add(total, attributePath(*item, bound.get(0, Value()), runtime), runtime);
    return total;
}

Value attribute(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "attr", {"name"}, 1);
    const std::string name = bound.text(0).bytes();
    requireDefined(value);
    return ownAttribute(value, name, runtime)
        .value_or(Value::undefined("'" + value.typeName() + " object' has no attribute '" + name + "'"));
}

const FilterTable kFilters = {
    {"attr", attribute},    {"count", length}, {"d", fallback},        {"default", fallback},
    {"dictsort", dictsort}, {"first", first},  {"join", join},         {"last", last},
    {"length", length},     {"list", list},    {"max", extreme<true>}, {"min", extreme<false>},
    {"reverse", reverse},   {"sort", sort},    {"sum", sum},
};

}  // namespace

FilterFunction findFilter(std::string_view name) {
    for (const FilterTable* const table : {&kFilters, &textFilters(), &selectingFilters()})
        if (const auto found = table->find(name); found != table->end()) return found->second;
    return nullptr;
}

std::string unknownFilter(const std::string& name) {
    return "no filter is named '" + name.substr(0, 60) + "'";
}

Value attributePath(const Value& value, const Value& path, Runtime& runtime) {
    if (path.is(Kind::None)) return value;
    if (!path.is(Kind::Text)) return itemOf(value, path, runtime);
    Value found = value;
    const std::string& names = path.asText().bytes();
    for (const std::string_view part : splitAt(names, ".", kNoLimit)) {
        const bool isPlace = !part.empty() && part.size() < 18 &&
                             part.find_first_not_of("0123456789") == std::string_view::npos;
        found = itemOf(
            found,
            isPlace ? Value(std::int64_t{std::stoll(std::string(part))}) : Value(Text(std::string(part))),
            runtime);
    }
    return found;
}

}  // namespace fluxscope::jinja
