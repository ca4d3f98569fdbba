// decisions.jsonl: what another engine's routers decided, a JSON object a line. docs/importing.md has the schema.
#include "engine/contract/cancel.h"
#include "engine/contract/error.h"
#include "profiler/exchange/detail/imported_run.h"
#include "profiler/exchange/detail/input_stream.h"
#include "profiler/exchange/detail/place_name.h"
#include "profiler/exchange/detail/trace_tables.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <istream>
#include <limits>
#include <map>
#include <string>
#include <utility>

namespace fluxscope {
namespace {

using Json = nlohmann::json;

constexpr const char* kFormat = "fluxscope-decisions";
constexpr std::int64_t kVersion = 1;
constexpr int kDeepest = 8;
constexpr std::int64_t kLinesBetweenLooks = 1 << 10;
constexpr std::int64_t kMost32 = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t kMostPromptBytes = std::size_t{1} << 30;

// A line, and where it stands.
struct Line {
    std::string file;
    std::int64_t number = 0;
    Json json;

    InputError wrong(const std::string& field, const std::string& problem, const std::string& remedy) const {
        return {file, "line " + std::to_string(number) + (field.empty() ? "" : ", " + field), problem,
                remedy};
    }
    bool has(const char* field) const { return json.contains(field) && !json[field].is_null(); }

    std::string text(const char* field, const char* otherwise = "") const {
        if (!has(field)) return otherwise;
        if (!json[field].is_string()) throw wrong(field, "is no text", "write it in quotation marks");
        return json[field].get<std::string>();
    }
    std::int64_t integer(const char* field, std::int64_t least, std::int64_t most,
                         std::int64_t otherwise) const {
        if (!has(field)) return otherwise;
        if (!json[field].is_number_integer() || json[field] < least || json[field] > most)
            throw wrong(field,
                        "is no whole number from " + std::to_string(least) + " to " + std::to_string(most),
                        "write the one that the engine used");
        return json[field].get<std::int64_t>();
    }
    std::int32_t small(const char* field, std::int64_t otherwise = 0) const {
        return static_cast<std::int32_t>(integer(field, 0, kMost32, otherwise));
    }
    std::optional<double> real(const char* field) const {
        if (!has(field)) return std::nullopt;
        if (!json[field].is_number() || !std::isfinite(json[field].get<double>()))
            throw wrong(field, "is no number", "write a number, or leave it out");
        return json[field].get<double>();
    }
    void require(const char* field) const {
        if (!has(field)) throw wrong(field, "is missing", "docs/importing.md says what each line has");
    }
};

// Every line of the file that is not empty.
void eachLine(const std::filesystem::path& file, const ExchangeOptions& options, const char* what,
              const std::function<void(const Line&)>& tell) {
    InputStream in(file, InputStream::Unit::Line);
    std::istream stream(&in);
    stream.exceptions(std::istream::badbit);  // what the buffer throws is thrown on
    Line line{.file = file.string(), .number = 0, .json = {}};
    for (std::string text; std::getline(stream, text);) {
        ++line.number;
        if (line.number % kLinesBetweenLooks == 0) {
            if (options.cancel != nullptr && options.cancel->cancelled()) throw CancelledError{file.string()};
            if (options.progress) options.progress(what, in.share());
        }
        if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
        try {
            line.json = Json::parse(text, [&line](int depth, Json::parse_event_t, Json&) {
                if (depth > kDeepest)
                    throw line.wrong("", "is nested deeper than " + std::to_string(kDeepest) + " levels",
                                     "docs/importing.md says what each line has");
                return true;
            });
        } catch (const Json::exception& e) {
            throw line.wrong("", "is not JSON (" + printable(e.what(), 120) + ")",
                             "write one JSON object a line, as docs/importing.md says");
        }
        if (!line.json.is_object())
            throw line.wrong("", "is no JSON object",
                             "write one JSON object a line, as docs/importing.md says");
        tell(line);
    }
}

RouterLogits logitsOf(const Line& line) {
    const Json& values = line.json["logits"];
    const auto good = [](const Json& value) {
        return value.is_number() && std::isfinite(value.get<float>());
    };
    if (!values.is_array() || values.empty() || values.size() > 2 || !std::ranges::all_of(values, good))
        throw line.wrong("logits", "is neither [sparse, full] nor, of a router with one logit, [z]",
                         "write the router's logits as numbers");
    if (values.size() == 1) return {.sparse = 0, .full = values[0].get<float>()};
    return {.sparse = values[0].get<float>(), .full = values[1].get<float>()};
}

class DecisionsImport {
public:
    DecisionsImport(const std::filesystem::path& file, const ExchangeOptions& options)
        : file_(file), options_(options) {}

    ExchangeSummary into(const std::filesystem::path& capture) {
        eachLine(file_, options_, "looking through the prompts", [this](const Line& line) { learn(line); });
        if (!sawHeader_)
            throw InputError{file_.string(), "line 1", "is missing: the file is empty",
                             "write the line that names the format first, as docs/importing.md says"};
        if (facts_.sequences.empty())
            throw InputError{file_.string(), "", "has no decisions",
                             "record some: docs/importing.md has an example"};
        if (facts_.model.layers < layers_) facts_.model.layers = layers_;
        facts_.model.hash =
            "imported " + file_.filename().string() + " " + std::to_string(facts_.model.layers);
        ImportedRun run(file_, capture, facts_, {});
        run_ = &run;
        eachLine(file_, options_, "importing decisions", [this](const Line& line) { write(line); });
        run.finish({});
        ExchangeSummary summary{.events = run.rows(), .notices = {}};
        if (!facts_.promptText)
            summary.notices.emplace_back("no prompt has a text or ids: they are known by their names alone");
        return summary;
    }

private:
    void header(const Line& line) {
        if (line.text("format") != kFormat)
            throw line.wrong("format", "is not '" + std::string(kFormat) + "'",
                             "begin with the line that docs/importing.md describes");
        line.require("version");
        if (line.integer("version", 1, kMost32, 0) != kVersion)
            throw line.wrong("version", "is not " + std::to_string(kVersion),
                             "import it with a newer FluxScope");
        facts_.tool = printable(line.text("engine", "another engine"));
        facts_.utc = Nanoseconds(line.integer("utc_ns", 0, std::int64_t{1} << 62, 0));
        ModelFacts& model = facts_.model;
        model.name = line.text("model");
        model.architecture = line.text("architecture");
        model.layers = static_cast<std::int32_t>(line.integer("layers", 0, kMostLayersOfAName, 0));
        model.heads = line.small("heads");
        model.kvHeads = line.small("kv_heads");
        model.headDim = line.small("head_dim");
        model.hidden = line.small("hidden");
        model.vocabulary = line.small("vocabulary");
        model.poolSize = line.small("pool_size");
        facts_.device = line.text("device");
        facts_.dtype = line.text("dtype");
        facts_.seed = static_cast<std::uint64_t>(line.integer("seed", 0, std::int64_t{1} << 62, 0));
        threshold_ = line.real("threshold");
        if (threshold_ && (*threshold_ < 0 || *threshold_ > 1))
            throw line.wrong("threshold", "is not between 0 and 1",
                             "write it as a probability of full attention");
        const auto parsed = [&](const char* field, auto parse) {
            try {
                return parse(line.text(field));
            } catch (const Error& e) {
                throw line.wrong(field, e.problem(), "write it as on the command line, or leave it out");
            }
        };
        if (line.has("policy")) {
            facts_.policy = parsed("policy", [](const std::string& text) { return parsePolicy(text); });
        } else if (threshold_) {
            facts_.policy = RoutedPolicy{.threshold = *threshold_, .layerThresholds = {}};
        }
        if (line.has("sparse"))
            facts_.sparse = parsed("sparse", [](const std::string& text) { return parseSparseForm(text); });
        sawHeader_ = true;
    }

    void learn(const Line& line) {
        if (!sawHeader_) return header(line);
        line.require("type");
        const std::string type = line.text("type");
        if (type != "prompt" && type != "decision" && type != "kv" && type != "token")
            throw line.wrong("type", "is '" + printable(type, 40) + "'",
                             "write prompt, decision, kv or token, as docs/importing.md says");
        SequenceFacts& sequence = facts_.sequences[sequenceOf(line)];
        if (type == "prompt") learnPrompt(line, sequence);
        if (type == "decision" || type == "kv") {
            line.require("layer");
            layers_ = std::max(
                layers_, 1 + static_cast<std::int32_t>(line.integer("layer", 0, kMostLayersOfAName - 1, 0)));
        }
    }

    void learnPrompt(const Line& line, SequenceFacts& sequence) {
        sequence.kind = line.text("kind");
        const std::string split = line.text("split");
        if (split == "tune")
            sequence.split = PromptSplit::Tune;
        else if (split == "test")
            sequence.split = PromptSplit::Test;
        else if (!split.empty())
            throw line.wrong("split", "is neither tune nor test", "leave it out otherwise");
        sequence.text = line.text("text");
        sequence.answer = line.text("answer");
        if (line.has("ids")) {
            const Json& ids = line.json["ids"];
            const auto good = [](const Json& id) {
                return id.is_number_integer() && id >= 0 && id <= kMost32;
            };
            if (!ids.is_array() || !std::ranges::all_of(ids, good))
                throw line.wrong("ids", "is no list of token ids", "write whole numbers from 0 on");
            for (const Json& id : ids) sequence.promptIds.emplace_back(id.get<std::int32_t>());
        }
        promptBytes_ += sequence.text.size() + sequence.promptIds.size() * sizeof(TokenId);
        if (promptBytes_ > kMostPromptBytes)
            throw line.wrong("", "brings the prompts to more than 1 GiB",
                             "split the file, or leave the texts out");
        facts_.promptText |= !sequence.text.empty() || !sequence.promptIds.empty();
    }

    std::size_t sequenceOf(const Line& line) {
        line.require("prompt");
        const std::string id = line.text("prompt");
        const auto [found, isNew] = sequences_.try_emplace(id, facts_.sequences.size());
        if (isNew) {
            SequenceFacts sequence;
            sequence.promptId = id;
            facts_.sequences.push_back(std::move(sequence));
        }
        return found->second;
    }

    void write(const Line& line) {
        if (line.has("format")) return;
        const std::string type = line.text("type");
        const auto sequence = SequenceIndex::of(sequenceOf(line));
        const auto turn = TurnIndex(line.small("turn"));
        const auto step = StepIndex(line.small("step"));
        if (type == "decision") {
            run_->write(DecisionRecord{.sequence = sequence,
                                       .turn = turn,
                                       .step = step,
                                       .layer = LayerIndex(line.small("layer")),
                                       .decision = decisionOf(line)});
        } else if (type == "kv") {
            const std::int64_t most = std::int64_t{1} << 62;
            line.require("bytes_kept");
            run_->write(KvRecord{.sequence = sequence,
                                 .turn = turn,
                                 .step = step,
                                 .layer = LayerIndex(line.small("layer")),
                                 .kv = {.bytesKept = line.integer("bytes_kept", 0, most, 0),
                                        .bytesFreed = line.integer("bytes_freed", 0, most, 0)}});
        } else if (type == "token") {
            line.require("token");
            TokenRecord record{.sequence = sequence, .turn = turn, .step = step, .token = {}, .emitted = {}};
            record.token.id = TokenId(line.small("token"));
            record.token.text = line.text("text");
            record.token.logprob = static_cast<float>(line.real("logprob").value_or(0));
            run_->write(record);
        }
    }

    Decision decisionOf(const Line& line) const {
        Decision decision;
        if (line.has("logits")) decision.logits = logitsOf(line);
        decision.threshold = line.has("threshold") ? line.real("threshold") : threshold_;
        const std::string by = line.text("by", decision.logits ? "router" : "policy");
        if (by == "router")
            decision.by = DecidedBy::Router;
        else if (by == "policy")
            decision.by = DecidedBy::Policy;
        else if (by == "probe")
            decision.by = DecidedBy::Probe;
        else
            throw line.wrong("by", "is none of router, policy and probe",
                             "leave it out where it is not known");
        if (decision.by == DecidedBy::Policy) decision.threshold.reset();
        if (line.has("kv_head")) decision.kvHead = KvHeadIndex(line.small("kv_head"));
        line.require("full");
        if (!line.json["full"].is_boolean())
            throw line.wrong("full", "is neither true nor false", "write true for full attention");
        decision.attention = line.json["full"].get<bool>() ? Attention::Full : Attention::Sparse;
        return decision;
    }

    const std::filesystem::path file_;
    const ExchangeOptions& options_;
    ImportedFacts facts_;
    std::map<std::string, std::size_t> sequences_;  // by prompt id
    std::optional<double> threshold_;
    std::int32_t layers_ = 0;
    std::size_t promptBytes_ = 0;
    bool sawHeader_ = false;
    ImportedRun* run_ = nullptr;
};

}  // namespace

ExchangeSummary importDecisions(const std::filesystem::path& file, const std::filesystem::path& capture,
                                const ExchangeOptions& options) {
    return DecisionsImport(file, options).into(capture);
}

}  // namespace fluxscope
