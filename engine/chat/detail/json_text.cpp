#include "engine/chat/detail/json_text.h"

#include "engine/chat/detail/operations.h"
#include "engine/chat/detail/python_text.h"

#include <algorithm>
#include <cmath>

namespace fluxscope::jinja {
namespace {

void appendUnit(std::string& to, char32_t unit) { to += "\\u" + hexDigits(unit, 4); }

std::string quoted(std::string_view text, bool ensureAscii) {
    std::string json = "\"";
    for (const char32_t c : toCodePoints(text)) {
        switch (c) {
            case '"': json += "\\\""; break;
            case '\\': json += "\\\\"; break;
            case '\n': json += "\\n"; break;
            case '\r': json += "\\r"; break;
            case '\t': json += "\\t"; break;
            case '\f': json += "\\f"; break;
            case '\b': json += "\\b"; break;
            default:
                if (c < 0x20 || (ensureAscii && c > 0x7E && c < 0x10000)) {
                    if (c == 0x7F)
                        json += '\x7F';
                    else
                        appendUnit(json, c);
                } else if (ensureAscii && c >= 0x10000) {
                    appendUnit(json, 0xD800 + ((c - 0x10000) >> 10));
                    appendUnit(json, 0xDC00 + ((c - 0x10000) & 0x3FF));
                } else {
                    appendCodePoint(json, c);
                }
        }
    }
    return json + '"';
}

std::string floatJson(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
    return floatRepr(number);
}

class JsonWriter {
public:
    JsonWriter(const JsonStyle& style, Runtime& runtime) : style_(style), runtime_(runtime) {}

    std::string run(const Value& value) {
        write(value, 0);
        return std::move(json_);
    }

private:
    void put(std::string_view text) { runtime_.output(json_, text); }

    void newline(int level) {
        if (!style_.indent) return;
        put("\n");
        for (int i = 0; i < level; ++i) put(*style_.indent);
    }

    void write(const Value& value, int level) {
        const Runtime::Level guard(runtime_);
        switch (value.kind()) {
            case Kind::None: return put("null");
            case Kind::Bool: return put(value.asBool() ? "true" : "false");
            case Kind::Int: return put(std::to_string(value.asInt()));
            case Kind::Float: return put(floatJson(value.asNumber()));
            case Kind::Text: return put(quoted(value.asText().bytes(), style_.ensureAscii));
            case Kind::List:
            case Kind::Tuple: return writeItems(value.items(), level);
            case Kind::Dict: return writeDict(value.asDict(), level);
            default: fail("Object of type " + value.typeName() + " is not JSON serializable");
        }
    }

    void writeItems(const std::vector<Value>& items, int level) {
        if (items.empty()) return put("[]");
        put("[");
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (i > 0) put(style_.itemSeparator);
            newline(level + 1);
            write(items[i], level + 1);
        }
        newline(level);
        put("]");
    }

    void writeDict(const Dict& dict, int level) {
        if (dict.entries.empty()) return put("{}");
        std::vector<const std::pair<Value, Value>*> entries;
        for (const auto& entry : dict.entries) entries.push_back(&entry);
        if (style_.sortKeys)
            std::stable_sort(entries.begin(), entries.end(), [&](const auto* a, const auto* b) {
                return less(a->first, b->first, "<", runtime_);
            });
        put("{");
        for (std::size_t i = 0; i < entries.size(); ++i) {
            if (i > 0) put(style_.itemSeparator);
            newline(level + 1);
            put(quoted(keyText(entries[i]->first), style_.ensureAscii));
            put(style_.keySeparator);
            write(entries[i]->second, level + 1);
        }
        newline(level);
        put("}");
    }

    static std::string keyText(const Value& key) {
        switch (key.kind()) {
            case Kind::Text: return key.asText().bytes();
            case Kind::Bool: return key.asBool() ? "true" : "false";
            case Kind::None: return "null";
            case Kind::Int: return std::to_string(key.asInt());
            case Kind::Float: return floatJson(key.asNumber());
            default: fail("keys must be str, int, float, bool or None, not " + key.typeName());
        }
    }

    const JsonStyle& style_;
    Runtime& runtime_;
    std::string json_;
};

}  // namespace

std::string jsonOf(const Value& value, const JsonStyle& style, Runtime& runtime) {
    return JsonWriter(style, runtime).run(value);
}

Value valueOf(const nlohmann::ordered_json& json, Runtime& runtime) {
    const Runtime::Level level(runtime);
    runtime.bytes(sizeof(Value));
    switch (json.type()) {
        case nlohmann::ordered_json::value_t::null: return {};
        case nlohmann::ordered_json::value_t::boolean: return json.get<bool>();
        case nlohmann::ordered_json::value_t::number_integer: return json.get<std::int64_t>();
        case nlohmann::ordered_json::value_t::number_unsigned:
            if (json.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
                fail("a whole number of the messages is beyond 64 bits");
            return json.get<std::int64_t>();
        case nlohmann::ordered_json::value_t::number_float: return json.get<double>();
        case nlohmann::ordered_json::value_t::string: {
            if (!isUtf8(json.get_ref<const std::string&>())) fail("a text of the messages is not UTF-8");
            return runtime.text(json.get<std::string>());
        }
        case nlohmann::ordered_json::value_t::array: {
            std::vector<Value> items;
            for (const auto& item : json) items.push_back(valueOf(item, runtime));
            return Value::list(std::move(items));
        }
        case nlohmann::ordered_json::value_t::object: {
            const auto dict = std::make_shared<Dict>();
            for (const auto& [key, value] : json.items()) {
                if (!isUtf8(key)) fail("a text of the messages is not UTF-8");
                dict->set(Text(key), valueOf(value, runtime));
            }
            return Value(std::shared_ptr<const Dict>(dict));
        }
        default: fail("the messages hold bytes, which are no text");
    }
}

}  // namespace fluxscope::jinja
