// Filters whose values come one by one, when they are asked for: map, select, unique, batch and their like. As in Jinja2 even what
// is wrong with their arguments shows only then.
#include "engine/chat/detail/binding.h"
#include "engine/chat/detail/filters.h"
#include "engine/chat/detail/generator.h"
#include "engine/chat/detail/operations.h"
#include "engine/chat/detail/python_text.h"
#include "engine/chat/detail/tests.h"

#include <algorithm>
#include <set>

namespace fluxscope::jinja {
namespace {

int deepest(const Value& value, const Arguments& arguments) {
    int depth = value.depth();
    for (const Value& argument : arguments.positional) depth = std::max(depth, argument.depth());
    for (const auto& [name, argument] : arguments.named) depth = std::max(depth, argument.depth());
    return depth;
}

// `begin` is called at the first value that is asked for, with the iterator to draw on.
template <class Begin>
Value lazily(const Value& value, const Arguments& arguments, const Begin& begin) {
    return Generator::of(deepest(value, arguments),
                         [value, begin, started = Generator::Next()](Runtime& runtime) mutable {
                             if (!started) started = begin(runtime);
                             return started(runtime);
                         });
}

Generator::Next nothing() {
    return [](Runtime&) { return std::optional<Value>(); };
}

const std::string& nameIn(const Value& value) {
    if (!value.is(Kind::Text))
        fail("the name of a filter or test must be a text, not '" + value.typeName() + "'");
    return value.asText().bytes();
}

using Change = std::function<Value(Runtime&, const Value&)>;

// map(attribute="a.b", default=x), or map("filter", its arguments).
Change changeOf(const Arguments& arguments) {
    const auto named = [&](std::string_view name) {
        return std::find_if(arguments.named.begin(), arguments.named.end(),
                            [&](const auto& n) { return n.first == name; });
    };
    if (arguments.positional.empty() && named("attribute") != arguments.named.end()) {
        const Bound bound(arguments, "map", {"attribute", "default"}, 1);
        const Value otherwise = bound.get(1, Value());
        if (otherwise.is(Kind::None))
            return [path = bound.at(0)](Runtime& runtime, const Value& item) {
                return attributePath(item, path, runtime);
            };
        return [path = bound.at(0), otherwise](Runtime& runtime, const Value& item) {
            Value found = item;
            const std::string names = path.is(Kind::Text) ? path.asText().bytes() : std::string();
            if (!path.is(Kind::Text)) {
                found = attributePath(found, path, runtime);
                return found.is(Kind::Undefined) ? otherwise : found;
            }
            for (const std::string_view part : splitAt(names, ".", kNoLimit)) {
                found = attributePath(found, Text(std::string(part)), runtime);
                if (found.is(Kind::Undefined)) found = otherwise;
            }
            return found;
        };
    }
    if (arguments.positional.empty()) fail("map requires a filter argument");
    const std::string& name = nameIn(arguments.positional[0]);
    const FilterFunction filter = findFilter(name);
    if (filter == nullptr) fail(unknownFilter(name));
    Arguments rest = arguments;
    rest.positional.erase(rest.positional.begin());
    return [filter, rest](Runtime& runtime, const Value& item) { return filter(runtime, item, rest); };
}

Value map(Runtime& /*runtime*/, const Value& value, const Arguments& arguments) {
    return lazily(value, arguments, [value, arguments](Runtime& runtime) -> Generator::Next {
        if (!truthOf(value, runtime)) return nothing();
        return [items = iterate(value, runtime), change = changeOf(arguments)](Runtime& within) {
            std::optional<Value> item = items->next(within);
            if (item) item = change(within, *item);
            return item;
        };
    });
}

// select("test", its arguments), and with Attribute selectattr("a.b", "test", its arguments).
template <bool Attribute>
std::function<bool(Runtime&, const Value&)> choiceOf(const Arguments& arguments) {
    const std::size_t skipped = Attribute ? 1 : 0;
    if (arguments.positional.size() < skipped) fail("Missing parameter for attribute name");
    const Value path = Attribute ? arguments.positional[0] : Value();
    if (arguments.positional.size() == skipped)
        return [path](Runtime& runtime, const Value& item) {
            return truthOf(attributePath(item, path, runtime), runtime);
        };
    const std::string& name = nameIn(arguments.positional[skipped]);
    const TestFunction test = findTest(name);
    if (test == nullptr) fail(unknownTest(name));
    Arguments rest = arguments;
    rest.positional.erase(rest.positional.begin(),
                          rest.positional.begin() + static_cast<std::ptrdiff_t>(skipped) + 1);
    return [path, test, rest](Runtime& runtime, const Value& item) {
        return test(runtime, attributePath(item, path, runtime), rest);
    };
}

template <bool Wanted, bool Attribute>
Value select(Runtime& /*runtime*/, const Value& value, const Arguments& arguments) {
    return lazily(value, arguments, [value, arguments](Runtime& runtime) -> Generator::Next {
        if (!truthOf(value, runtime)) return nothing();
        return [choice = choiceOf<Attribute>(arguments), items = iterate(value, runtime)](Runtime& within) {
            while (std::optional<Value> item = items->next(within)) {
                within.step();
                if (choice(within, *item) == Wanted) return item;
            }
            return std::optional<Value>();
        };
    });
}

Value unique(Runtime& runtime, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "unique", {"case_sensitive", "attribute"}, 0);
    const bool caseSensitive = bound.flag(0, false, runtime);
    const Value path = bound.get(1, Value());
    return lazily(value, arguments, [value, caseSensitive, path](Runtime& begun) -> Generator::Next {
        return [items = iterate(value, begun), caseSensitive, path,
                seen = std::set<std::string>()](Runtime& within) mutable {
            while (std::optional<Value> item = items->next(within)) {
                const Value key = attributePath(*item, path, within);
                std::string hash = hashKey(
                    key.is(Kind::Text) && !caseSensitive ? Value(toLower(key.asText().bytes())) : key);
                within.bytes(hash.size());
                if (seen.insert(std::move(hash)).second) return item;
            }
            return std::optional<Value>();
        };
    });
}

Value items(Runtime& /*runtime*/, const Value& value, const Arguments& arguments) {
    requirePositional(arguments, "items", 0, 0);
    return lazily(value, arguments, [value](Runtime& /*runtime*/) -> Generator::Next {
        if (value.is(Kind::Undefined)) return nothing();
        if (!value.is(Kind::Dict)) fail("Can only get item pairs from a mapping.");
        return [value, place = std::size_t{0}](Runtime& /*within*/) mutable -> std::optional<Value> {
            const auto& entries = value.asDict().entries;
            if (place == entries.size()) return std::nullopt;
            const auto& [key, entry] = entries[place++];
            return Value::tuple({key, entry});
        };
    });
}

void fill(std::vector<Value>& row, std::size_t wanted, const Value& with, Runtime& runtime) {
    if (with.is(Kind::None) || row.size() >= wanted) return;
    runtime.bytes((wanted - row.size()) * sizeof(Value));
    row.resize(wanted, with);
}

Value batch(Runtime& /*runtime*/, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "batch", {"linecount", "fill_with"}, 1);
    return lazily(
        value, arguments,
        [value, size = bound.at(0), with = bound.get(1, Value())](Runtime& begun) -> Generator::Next {
            return [items = iterate(value, begun), size, with](Runtime& within) -> std::optional<Value> {
                if (!size.isWhole() || size.asInt() < 1) fail("batch wants a number of items from 1");
                std::vector<Value> row;
                while (static_cast<std::int64_t>(row.size()) < size.asInt()) {
                    std::optional<Value> item = items->next(within);
                    if (!item) break;
                    row.push_back(std::move(*item));
                }
                if (row.empty()) return std::nullopt;
                fill(row, static_cast<std::size_t>(size.asInt()), with, within);
                return within.list(std::move(row));
            };
        });
}

Value slice(Runtime& /*runtime*/, const Value& value, const Arguments& arguments) {
    const Bound bound(arguments, "slice", {"slices", "fill_with"}, 1);
    return lazily(
        value, arguments,
        [value, slices = bound.at(0), with = bound.get(1, Value())](Runtime& begun) -> Generator::Next {
            if (!slices.isWhole() || slices.asInt() < 1) fail("slice wants a number of slices from 1");
            return [all = collected(value, begun), count = slices.asInt(), with, place = std::int64_t{0},
                    from = std::size_t{0}](Runtime& within) mutable -> std::optional<Value> {
                if (place == count) return std::nullopt;
                const auto length = static_cast<std::int64_t>(all.size());
                const bool extra = place++ < length % count;
                const auto size = static_cast<std::size_t>(length / count + (extra ? 1 : 0));
                std::vector<Value> row(all.begin() + static_cast<std::ptrdiff_t>(from),
                                       all.begin() + static_cast<std::ptrdiff_t>(from + size));
                from += size;
                if (!with.is(Kind::None) && !extra) row.push_back(with);
                return within.list(std::move(row));
            };
        });
}

const FilterTable kFilters = {
    {"batch", batch},
    {"items", items},
    {"map", map},
    {"reject", select<false, false>},
    {"rejectattr", select<false, true>},
    {"select", select<true, false>},
    {"selectattr", select<true, true>},
    {"slice", slice},
    {"unique", unique},
};

}  // namespace

const FilterTable& selectingFilters() { return kFilters; }

}  // namespace fluxscope::jinja
