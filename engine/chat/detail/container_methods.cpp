// The methods of lists, tuples and dictionaries that change nothing.
#include "engine/chat/detail/attributes.h"
#include "engine/chat/detail/binding.h"
#include "engine/chat/detail/operations.h"

#include <algorithm>
#include <map>

namespace fluxscope::jinja {
namespace {

enum class Part : std::uint8_t { Keys, Values, Items };

// What dict.keys(), values() and items() give: a view, which has a length and an order but no places.
class DictView : public Object {
public:
    DictView(Value dict, Part part) : dict_(std::move(dict)), part_(part) {}

    std::string typeName() const override {
        return part_ == Part::Keys ? "dict_keys" : part_ == Part::Values ? "dict_values" : "dict_items";
    }
    std::optional<std::string> repr(Runtime& runtime) override {
        return typeName() + "(" + reprOf(Value::list(all(runtime)), runtime) + ")";
    }
    std::optional<std::int64_t> length(Runtime& /*runtime*/) override {
        return static_cast<std::int64_t>(dict_.asDict().entries.size());
    }
    std::shared_ptr<Iterator> iterator(Runtime& runtime) override {
        return iterate(Value::list(all(runtime)), runtime);
    }
    int depth() const override { return dict_.depth() + 1; }

private:
    std::vector<Value> all(Runtime& runtime) const {
        runtime.bytes(dict_.asDict().entries.size() * sizeof(Value));
        std::vector<Value> items;
        for (const auto& [key, value] : dict_.asDict().entries)
            items.push_back(part_ == Part::Keys     ? key
                            : part_ == Part::Values ? value
                                                    : Value::tuple({key, value}));
        return items;
    }

    Value dict_;
    Part part_;
};

template <Part Wanted>
Value view(Runtime& /*runtime*/, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "the method", 0, 0);
    return std::make_shared<DictView>(self, Wanted);
}

Value get(Runtime& /*runtime*/, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "get", 1, 2);
    if (const Value* const found = self.asDict().find(arguments.positional[0])) return *found;
    return arguments.positional.size() == 2 ? arguments.positional[1] : Value();
}

Value copy(Runtime& /*runtime*/, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "copy", 0, 0);
    return self;  // nothing can change it
}

Value index(Runtime& runtime, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "index", 1, 3);
    const std::vector<Value>& items = self.items();
    const auto length = static_cast<std::int64_t>(items.size());
    const auto end = [&](std::size_t argument, std::int64_t otherwise) {
        if (arguments.positional.size() <= argument) return otherwise;
        const Value& given = arguments.positional[argument];
        if (!given.isWhole()) fail("slice indices must be integers or have an __index__ method");
        return std::clamp(given.asInt() < 0 ? given.asInt() + length : given.asInt(), std::int64_t{0},
                          length);
    };
    for (std::int64_t i = end(1, 0); i < end(2, length); ++i) {
        const Value& item = items[static_cast<std::size_t>(i)];
        if (same(item, arguments.positional[0]) || equal(item, arguments.positional[0], runtime)) return i;
    }
    fail("the value is not in the list");
}

Value count(Runtime& runtime, const Value& self, const Arguments& arguments) {
    requirePositional(arguments, "count", 1, 1);
    return std::count_if(self.items().begin(), self.items().end(), [&](const Value& item) {
        return same(item, arguments.positional[0]) || equal(item, arguments.positional[0], runtime);
    });
}

const std::map<std::string_view, Method> kDictMethods = {{"keys", view<Part::Keys>},
                                                         {"values", view<Part::Values>},
                                                         {"items", view<Part::Items>},
                                                         {"get", get},
                                                         {"copy", copy}};
const std::map<std::string_view, Method> kListMethods = {{"index", index}, {"count", count}, {"copy", copy}};

}  // namespace

Method containerMethod(Kind kind, std::string_view name) {
    const bool isDict = kind == Kind::Dict;
    if (!isDict && kind != Kind::List && kind != Kind::Tuple) return nullptr;
    if (kind == Kind::Tuple && name == "copy") return nullptr;
    const auto& methods = isDict ? kDictMethods : kListMethods;
    const auto found = methods.find(name);
    return found == methods.end() ? nullptr : found->second;
}

}  // namespace fluxscope::jinja
