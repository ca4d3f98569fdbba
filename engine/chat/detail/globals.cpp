#include "engine/chat/detail/globals.h"

#include "engine/chat/detail/attributes.h"
#include "engine/chat/detail/binding.h"
#include "engine/chat/detail/operations.h"

#include <array>
#include <ctime>
#include <functional>
#include <iomanip>
#include <locale>
#include <sstream>

namespace fluxscope::jinja {
namespace {

constexpr std::int64_t kLongestRange = 100'000;  // the sandbox's own
constexpr std::int64_t kFurthestEnd = std::int64_t{1} << 62;

// dict(other, a=1): from a dictionary, from pairs, and from names.
void fillFrom(const Arguments& arguments, const char* function, Runtime& runtime,
              const std::function<void(const Value&, const Value&)>& set) {
    if (arguments.positional.size() > 1) fail(std::string(function) + " expected at most 1 argument");
    for (const Value& given : arguments.positional) {
        requireDefined(given);
        if (given.is(Kind::Dict)) {
            for (const auto& [key, value] : given.asDict().entries) set(key, value);
            continue;
        }
        for (const Value& pair : collected(given, runtime)) {
            const std::vector<Value> two = collected(pair, runtime);
            if (two.size() != 2)
                fail("a dictionary is made of pairs, and one has " + std::to_string(two.size()) + " values");
            set(two[0], two[1]);
        }
    }
    for (const auto& [name, value] : arguments.named) set(Text(name), value);
}

Value makeDict(Runtime& runtime, const Value& /*self*/, const Arguments& arguments) {
    const auto dict = std::make_shared<Dict>();
    fillFrom(arguments, "dict", runtime, [&](const Value& key, const Value& value) {
        runtime.bytes(2 * sizeof(Value));
        dict->set(key, value);
    });
    return Value(std::shared_ptr<const Dict>(dict));
}

Value makeNamespace(Runtime& runtime, const Value& /*self*/, const Arguments& arguments) {
    const auto made = std::make_shared<Namespace>();
    fillFrom(arguments, "namespace", runtime, [&](const Value& key, const Value& value) {
        if (!key.is(Kind::Text)) fail("a namespace has texts for names");
        runtime.bytes(2 * sizeof(Value));
        made->set(key.asText().bytes(), value);
    });
    runtime.keep(made);
    return made;
}

Value makeRange(Runtime& /*runtime*/, const Value& /*self*/, const Arguments& arguments) {
    requirePositional(arguments, "range", 1, 3);
    std::array<std::int64_t, 3> numbers{};
    for (std::size_t i = 0; i < arguments.positional.size(); ++i) {
        const Value& given = arguments.positional[i];
        requireDefined(given);
        if (!given.isWhole()) fail("'" + given.typeName() + "' object cannot be interpreted as an integer");
        numbers[i] = given.asInt();
        if (numbers[i] > kFurthestEnd / 2 || numbers[i] < -kFurthestEnd / 2) fail("Range too big.");
    }
    Range range{numbers[0], numbers[1], arguments.positional.size() == 3 ? numbers[2] : 1};
    if (arguments.positional.size() == 1) range = {0, numbers[0], 1};
    if (range.step == 0) fail("range() arg 3 must not be zero");
    if (range.length() > kLongestRange) fail("Range too big. The sandbox blocks ranges larger than 100000.");
    return range;
}

Value raiseException(Runtime& runtime, const Value& /*self*/, const Arguments& arguments) {
    const Bound bound(arguments, "raise_exception", {"message"}, 1);
    throw TemplateError{.line = runtime.line, .problem = textOf(bound.at(0), runtime), .raisedByIt = true};
}

Value strftimeNow(Runtime& runtime, const Value& /*self*/, const Arguments& arguments) {
    const std::string form = Bound(arguments, "strftime_now", {"format"}, 1).text(0).bytes();
    if (form.size() > 1000) fail("the format of a date is longer than 1000 bytes");
    const std::tm now = runtime.now();
    std::ostringstream text;
    text.imbue(std::locale::classic());
    text << std::put_time(&now, form.c_str());
    return runtime.text(std::move(text).str());
}

Value lipsum(Runtime& /*runtime*/, const Value& /*self*/, const Arguments& /*arguments*/) {
    fail("lipsum, which makes up text, is not understood");
}

// Gives its items in turn, again and again.
class Cycler : public Object {
public:
    explicit Cycler(Value items) : items_(std::move(items)) {}
    std::string typeName() const override { return "Cycler"; }
    int depth() const override { return items_.depth() + 1; }
    std::optional<Value> attribute(const std::string& name, Runtime& /*runtime*/) override {
        if (name == "current") return current();
        if (name == "items") return items_;
        if (name == "pos") return Value(static_cast<std::int64_t>(place_));
        if (name == "next") return Value(functionOf("next", shared_from_this(), next));
        if (name == "reset") return Value(functionOf("reset", shared_from_this(), reset));
        return std::nullopt;
    }

private:
    const Value& current() const { return items_.items()[place_]; }
    static Value next(Runtime& /*runtime*/, const Value& self, const Arguments& arguments) {
        requirePositional(arguments, "next", 0, 0);
        auto& cycler = *self.object<Cycler>();
        Value value = cycler.current();
        cycler.place_ = (cycler.place_ + 1) % cycler.items_.items().size();
        return value;
    }
    static Value reset(Runtime& /*runtime*/, const Value& self, const Arguments& arguments) {
        requirePositional(arguments, "reset", 0, 0);
        self.object<Cycler>()->place_ = 0;
        return {};
    }

    Value items_;
    std::size_t place_ = 0;
};

Value makeCycler(Runtime& runtime, const Value& /*self*/, const Arguments& arguments) {
    if (!arguments.named.empty()) fail("cycler() takes no keyword arguments");
    if (arguments.positional.empty()) fail("at least one item has to be provided");
    runtime.bytes(arguments.positional.size() * sizeof(Value));
    return std::make_shared<Cycler>(Value::tuple(arguments.positional));
}

// Nothing at its first call, and the separator from then on.
class Joiner : public Object {
public:
    explicit Joiner(Value separator) : separator_(std::move(separator)) {}
    std::string typeName() const override { return "Joiner"; }
    int depth() const override { return separator_.depth() + 1; }
    bool callable() const override { return true; }
    Value call(Runtime& /*runtime*/, const Arguments& arguments) override {
        requirePositional(arguments, "the joiner", 0, 0);
        return std::exchange(used_, true) ? separator_ : Value("");
    }

private:
    Value separator_;
    bool used_ = false;
};

Value makeJoiner(Runtime& /*runtime*/, const Value& /*self*/, const Arguments& arguments) {
    return std::make_shared<Joiner>(Bound(arguments, "joiner", {"sep"}, 0).get(0, Value(", ")));
}

}  // namespace

std::optional<std::string> Namespace::repr(Runtime& runtime) {
    return "<Namespace " + reprOf(Value(std::make_shared<const Dict>(entries_)), runtime) + ">";
}

std::optional<Value> Namespace::attribute(const std::string& name, Runtime& /*runtime*/) {
    const Value* const found = entries_.find(name);
    return found == nullptr ? std::nullopt : std::optional<Value>(*found);
}

void Namespace::set(const std::string& name, const Value& value) {
    if (name.starts_with("_"))
        fail("a namespace cannot hold the name '" + name + "': it begins with an underscore");
    entries_.set(Text(name), value);
}

std::tm Runtime::now() const {
    if (now_) return *now_;
    const std::time_t seconds = std::time(nullptr);
    std::tm local{};
    localtime_r(&seconds, &local);
    return local;
}

const std::map<std::string, Value, std::less<>>& globalFunctions() {
    static const std::map<std::string, Value, std::less<>> kFunctions = [] {
        std::map<std::string, Value, std::less<>> functions;
        const std::pair<const char*, Method> all[] = {
            {"range", makeRange},   {"dict", makeDict},           {"namespace", makeNamespace},
            {"cycler", makeCycler}, {"joiner", makeJoiner},       {"raise_exception", raiseException},
            {"lipsum", lipsum},     {"strftime_now", strftimeNow}};
        for (const auto& [name, method] : all)
            functions.emplace(name, Value(functionOf(name, Value(), method)));
        return functions;
    }();
    return kFunctions;
}

}  // namespace fluxscope::jinja
