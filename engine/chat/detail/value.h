// What a template computes with: Python's values, as far as templates can see them.
//
// Texts are UTF-8 and are counted in code points, as Python counts them. Whole numbers are 64 bits wide where Python's are
// endless: an operation that leaves them is an error, never a wrapped number. Lists, tuples and dictionaries are never changed
// after they are made (templates may not), so they are shared freely; what does change is an Object.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace fluxscope::jinja {

class Value;
class Runtime;  // runtime.h: the budgets of one rendering

// A template that cannot be read or rendered. The line is that of the template's text, from 1.
struct TemplateError {
    int line = 0;
    std::string problem;          // "'foo' is undefined"
    bool raisedByIt = false;      // by the template itself, through raise_exception
    bool overLimit = false;       // one of the limits of this house, which Python does not have
    std::string_view limit = {};  // which one
};

// A mistake inside an operation; whoever evaluates knows the line.
[[noreturn]] void fail(const std::string& problem);

class Text {
public:
    Text() = default;
    explicit Text(std::string bytes, bool markup = false);

    const std::string& bytes() const { return *bytes_; }
    bool markup() const { return markup_; }  // marked safe: what is joined to it gets escaped
    bool ascii() const { return ascii_; }    // one byte a character
    std::int64_t length() const;             // code points

private:
    std::shared_ptr<const std::string> bytes_ = std::make_shared<const std::string>();
    bool markup_ = false;
    bool ascii_ = true;
};

struct Undefined {
    std::shared_ptr<const std::string> message;  // what an operation on it says
};
struct None {};

// A list or a tuple. Depth is how deep containers nest in it: it is limited, so that recursion over values is.
struct Sequence {
    std::vector<Value> items;
    int depth = 1;
};

struct Dict;

struct Range {
    std::int64_t start = 0;
    std::int64_t stop = 0;
    std::int64_t step = 1;
    std::int64_t length() const;
    std::int64_t at(std::int64_t index) const { return start + index * step; }
};

struct Arguments {
    std::vector<Value> positional;
    std::vector<std::pair<std::string, Value>> named;
};

// Values come out of it one by one, computed when they are asked for.
class Iterator {
public:
    Iterator() = default;
    virtual ~Iterator() = default;
    Iterator(const Iterator&) = delete;
    Iterator& operator=(const Iterator&) = delete;
    virtual std::optional<Value> next(Runtime& runtime) = 0;
};

// Everything else: functions, macros, namespaces, loops, generators. What it cannot do stays with these defaults.
class Object : public std::enable_shared_from_this<Object> {
public:
    Object() = default;
    virtual ~Object() = default;
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;

    virtual std::string typeName() const = 0;
    virtual std::optional<std::string> repr(Runtime&) { return std::nullopt; }
    virtual std::optional<Value> attribute(const std::string& name, Runtime&);
    virtual bool callable() const { return false; }
    virtual Value call(Runtime&, const Arguments&);
    virtual std::shared_ptr<Iterator> iterator(Runtime&) { return nullptr; }
    virtual std::optional<std::int64_t> length(Runtime&) { return std::nullopt; }
    virtual std::optional<Value> item(const Value& key, Runtime&);
    virtual int depth() const { return 1; }
    virtual void forget() {}  // drop what may lead back here, so that it can be freed
};

enum class Kind : std::uint8_t { Undefined, None, Bool, Int, Float, Text, List, Tuple, Dict, Range, Object };

class Value {
public:
    Value() : data_(None{}) {}
    Value(Undefined undefined) : data_(std::move(undefined)) {}
    Value(bool value) : data_(value) {}
    Value(std::int64_t value) : data_(value) {}
    Value(int value) : data_(std::int64_t{value}) {}
    Value(double value) : data_(value) {}
    Value(Text text) : data_(std::move(text)) {}
    Value(std::string text) : data_(Text(std::move(text))) {}
    Value(const char* text) : data_(Text(text)) {}
    Value(Range range) : data_(range) {}
    Value(std::shared_ptr<Object> object) : data_(std::move(object)) {}
    template <class Derived>
        requires std::is_base_of_v<Object, Derived>
    Value(std::shared_ptr<Derived> object) : data_(std::shared_ptr<Object>(std::move(object))) {}
    explicit Value(std::shared_ptr<const Dict> dict) : data_(std::move(dict)) {}
    static Value list(std::vector<Value> items);
    static Value tuple(std::vector<Value> items);
    static Value undefined(std::string message);

    Kind kind() const { return static_cast<Kind>(data_.index()); }
    bool is(Kind kind) const { return this->kind() == kind; }
    bool isNumber() const { return is(Kind::Int) || is(Kind::Float) || is(Kind::Bool); }
    bool isWhole() const { return is(Kind::Int) || is(Kind::Bool); }  // what Python takes for an index
    bool isSequence() const { return is(Kind::List) || is(Kind::Tuple); }

    const Undefined& asUndefined() const { return std::get<Undefined>(data_); }
    bool asBool() const { return std::get<bool>(data_); }
    std::int64_t asInt() const;  // of a Bool too
    double asNumber() const;     // of Int and Bool too
    const Text& asText() const { return std::get<Text>(data_); }
    const std::vector<Value>& items() const;  // of a List or a Tuple
    const Dict& asDict() const { return *std::get<std::shared_ptr<const Dict>>(data_); }
    const Range& asRange() const { return std::get<Range>(data_); }
    const std::shared_ptr<Object>& asObject() const { return std::get<std::shared_ptr<Object>>(data_); }
    template <class Derived>
    Derived* object() const {
        return is(Kind::Object) ? dynamic_cast<Derived*>(asObject().get()) : nullptr;
    }

    const void* identity() const;  // of what is shared, else nullptr
    int depth() const;
    std::string typeName() const;  // Python's: "str"

private:
    struct List {
        std::shared_ptr<const Sequence> sequence;
    };
    struct Tuple {
        std::shared_ptr<const Sequence> sequence;
    };
    std::variant<Undefined, None, bool, std::int64_t, double, Text, List, Tuple, std::shared_ptr<const Dict>,
                 Range, std::shared_ptr<Object>>
        data_;  // in the order of Kind
};

// A dictionary keeps the order in which its keys came. Keys are found by a text that equal keys share: 1, 1.0 and true do.
struct Dict {
    std::vector<std::pair<Value, Value>> entries;
    std::unordered_map<std::string, std::size_t> places;
    int depth = 1;

    void set(const Value& key, const Value& value);  // fails when the key cannot be hashed
    const Value* find(const Value& key) const;
    const Value* find(const std::string& name) const;
};

std::string hashKey(const Value& value);  // fails for lists and dictionaries

inline constexpr int kDeepestValue = 100;

}  // namespace fluxscope::jinja
