#include "engine/train/mix_source.h"

#include "engine/checkpoint/json_file.h"
#include "engine/contract/error.h"
#include "engine/tasks/random.h"
#include "engine/train/piece_counter.h"
#include "engine/train/random.h"

#include <algorithm>
#include <exception>
#include <functional>

namespace fluxscope::train {
namespace {

constexpr int kTries = 12;
constexpr std::int64_t kAnswerRoom = 24;                        // tokens: a first guess
constexpr std::int64_t kMostFileBytes = std::int64_t{1} << 32;  // what an encoder takes
constexpr std::size_t kCalibration = std::size_t{1} << 16;      // bytes

// A text and what of it is an answer, before it is a sample.
struct WeighedText {
    std::string text;
    std::vector<ByteRange> answers;  // rising
    std::int64_t promptBytes = 0;    // 0: all of it
};

Sample sampleOf(const WeighedText& text, const MixPart& part, const Tokenizer& tokenizer,
                std::optional<TokenId> end) {
    Encoding encoding = tokenizer.encode(text.text, false);
    Sample sample{.ids = std::move(encoding.ids), .weights = {}, .promptTokens = 0};
    sample.weights.reserve(sample.ids.size() + 1);
    auto answer = text.answers.begin();
    for (const ByteRange& range : encoding.ranges) {
        while (answer != text.answers.end() && answer->end <= range.begin) ++answer;
        const bool answers = answer != text.answers.end() && range.end > answer->begin;
        sample.weights.push_back(static_cast<float>(answers ? part.answerWeight : part.textWeight));
        if (range.end <= text.promptBytes) ++sample.promptTokens;
    }
    if (end) {
        sample.ids.push_back(*end);
        sample.weights.push_back(static_cast<float>(part.textWeight));
    }
    return sample;
}

WeighedText textOf(const tasks::TaskSample& sample, MixForm form) {
    tasks::TaskSample asked = sample;
    if (form == MixForm::Prompt && asked.questions.size() > 1) asked.questions.resize(1);
    tasks::TrainingText training = trainingText(asked);
    WeighedText text{.text = std::move(training.text), .answers = std::move(training.answers)};
    if (form == MixForm::Prompt && !text.answers.empty()) text.promptBytes = text.answers.front().begin;
    return text;
}

Sample generated(const MixPart& part, const GeneratedPart& content, std::int64_t length, std::uint64_t seed,
                 const tasks::TokenCounter& counter, const Tokenizer& tokenizer, std::optional<TokenId> end) {
    Random random(seed);
    const TaskVariants& variants = content.at(length);
    tasks::TaskSpec spec = variants.specs[random.next() % variants.specs.size()];
    spec.seed = random.next();
    spec.form = content.form == MixForm::Training ? tasks::TextForm::Training : tasks::TextForm::Prompt;
    spec.length = length - (end ? 1 : 0) - (content.form == MixForm::Prompt ? kAnswerRoom : 0);
    // Lengths are counted nearly: what turns out too long is made again, shorter by what it was too long. A task of about the stage's
    // length has draws that do not fit at all: then another one is taken.
    const std::int64_t wanted = spec.length;
    std::exception_ptr unfit;
    for (int i = 0; i < kTries; ++i) {
        try {
            Sample sample = sampleOf(textOf(generate(spec, counter), content.form), part, tokenizer, end);
            const std::int64_t over = std::ssize(sample.ids) - length;
            if (over <= 0) return sample;
            spec.length -= over + 1;
        } catch (const UsageError&) {
            unfit = std::current_exception();
            spec.seed = random.next();
            spec.length = wanted;
        }
    }
    if (unfit) std::rethrow_exception(unfit);
    throw InputError("training data", part.name,
                     "gives " + shortForm(spec) + " no text of at most " + std::to_string(length) + " tokens",
                     "ask for less in it, or give the stage longer prompts");
}

bool isText(std::string_view bytes) { return bytes.substr(0, kCalibration).find('\0') == bytes.npos; }

std::vector<std::string> textsIn(const FolderPart& part, const std::string& name) {
    std::error_code failed;
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(part.folder, failed))
        if (entry.is_regular_file()) files.push_back(entry.path());
    if (failed)
        throw InputError(part.folder.string(), name, "cannot be read (" + failed.message() + ")",
                         "name a folder of text files");
    std::sort(files.begin(), files.end());  // a folder's own order is any
    std::vector<std::string> texts;
    for (const std::filesystem::path& file : files) {
        std::string text = readWholeFile(file, kMostFileBytes);
        if (!text.empty() && isText(text)) texts.push_back(std::move(text));
    }
    if (texts.empty())
        throw InputError(part.folder.string(), name, "has no file with text in it",
                         "name a folder of text files");
    return texts;
}

const std::string& rawTextOf(const Prompt& prompt, const std::string& where) {
    if (const auto* text = std::get_if<std::string>(&prompt.content)) return *text;
    throw InputError(where, printable(prompt.id, 80), "is no plain text",
                     "train on prompts that have \"text\": messages and ids belong to one model's template");
}

// A prompt as it is asked, then its answer.
WeighedText textOf(const Prompt& prompt, const std::string& where) {
    WeighedText text{.text = rawTextOf(prompt, where), .answers = {}};
    if (prompt.answer.empty()) return text;
    text.promptBytes = std::ssize(text.text);
    text.text += ' ' + prompt.answer + '\n';
    text.answers.push_back({text.promptBytes, std::ssize(text.text)});
    return text;
}

std::vector<Prompt> promptsOf(const PromptsPart& part) {
    std::vector<Prompt> prompts = readPromptSet(part.file).prompts;
    if (part.split) std::erase_if(prompts, [&](const Prompt& p) { return p.split != *part.split; });
    if (prompts.empty())
        throw InputError(part.file.string(), "", "has no prompt to train on",
                         "name another file, or another split of it");
    return prompts;
}

}  // namespace

// What lies in files, in memory from the start: a training reads it in any order.
struct MixSource::Read {
    std::vector<Sample> samples;  // of a prompt set, the shortest first
    std::vector<std::string> texts;
    std::vector<std::int64_t> ends;  // of each text, in all of them one after the other
    double bytesPerToken = 4;

    Sample prompt(const MixPart& part, std::int64_t length, std::uint64_t seed) const {
        const auto fitting =
            std::partition_point(samples.begin(), samples.end(),
                                 [length](const Sample& sample) { return std::ssize(sample.ids) <= length; });
        if (fitting == samples.begin())
            throw InputError("training data", part.name,
                             "has no prompt of at most " + std::to_string(length) + " tokens",
                             "give the stage longer prompts, or leave this part out");
        return samples[Random(seed).next() % static_cast<std::uint64_t>(fitting - samples.begin())];
    }

    // From the beginning of a line, as many tokens as are wanted or are left of that file.
    Sample stretch(const MixPart& part, const Tokenizer& tokenizer, std::int64_t length,
                   std::uint64_t seed) const {
        Random random(seed);
        Sample sample;
        for (int i = 0; i < kTries && sample.ids.size() < 2; ++i) {
            const auto at =
                static_cast<std::int64_t>(random.next() % static_cast<std::uint64_t>(ends.back()));
            const auto file = std::upper_bound(ends.begin(), ends.end(), at) - ends.begin();
            const std::string& text = texts[static_cast<std::size_t>(file)];
            const std::int64_t within = at - (ends[static_cast<std::size_t>(file)] - std::ssize(text));
            const std::size_t line = text.rfind('\n', static_cast<std::size_t>(within));
            const std::size_t begin = line == std::string::npos ? 0 : line + 1;
            const auto bytes = static_cast<std::size_t>(double(length) * bytesPerToken * 1.3) + 64;
            sample = sampleOf({.text = text.substr(begin, bytes), .answers = {}}, part, tokenizer, {});
        }
        if (sample.ids.size() < 2)
            throw InputError("training data", part.name, "has too little text in its files",
                             "name a folder with longer texts");
        const auto kept = std::min<std::size_t>(sample.ids.size(), static_cast<std::size_t>(length));
        sample.ids.resize(kept);
        sample.weights.resize(kept);
        return sample;
    }
};

MixSource::MixSource(Mix mix, const Tokenizer& tokenizer, std::optional<TokenId> end)
    : mix_(std::move(mix)),
      tokenizer_(tokenizer),
      end_(end),
      counter_(tasks::calibrated([this](std::string_view text) { return nearCount(tokenizer_, text); })) {
    for (const MixPart& part : mix_.parts) {
        names_.push_back(part.name);
        read_.emplace_back();
        if (const auto* prompts = std::get_if<PromptsPart>(&part.content)) {
            read_.back() = std::make_unique<Read>();
            for (const Prompt& prompt : promptsOf(*prompts))
                read_.back()->samples.push_back(
                    sampleOf(textOf(prompt, prompts->file.string()), part, tokenizer_, end_));
            std::stable_sort(read_.back()->samples.begin(), read_.back()->samples.end(),
                             [](const Sample& a, const Sample& b) { return a.ids.size() < b.ids.size(); });
        } else if (const auto* folder = std::get_if<FolderPart>(&part.content)) {
            read_.back() = std::make_unique<Read>();
            Read& read = *read_.back();
            read.texts = textsIn(*folder, part.name);
            std::int64_t bytes = 0;
            for (const std::string& text : read.texts) read.ends.push_back(bytes += std::ssize(text));
            const std::string some = read.texts.front().substr(0, kCalibration);
            read.bytesPerToken = double(some.size()) /
                                 double(std::max<std::size_t>(1, tokenizer_.encode(some, false).ids.size()));
        }
    }
}

MixSource::~MixSource() = default;

Sample MixSource::draw(std::int32_t task, std::int64_t length, std::uint64_t seed) const {
    const auto at = static_cast<std::size_t>(task);
    const MixPart& part = mix_.parts[at];
    if (const auto* content = std::get_if<GeneratedPart>(&part.content))
        return generated(part, *content, length, seed, counter_, tokenizer_, end_);
    return std::holds_alternative<PromptsPart>(part.content)
               ? read_[at]->prompt(part, length, seed)
               : read_[at]->stretch(part, tokenizer_, length, seed);
}

std::string MixSource::fingerprint() const {
    std::string text = mix_.text;
    for (std::size_t i = 0; i < read_.size(); ++i) {
        if (!read_[i]) continue;
        std::int64_t tokens = 0;
        for (const Sample& sample : read_[i]->samples) tokens += std::ssize(sample.ids);
        text += ' ' + names_[i] + ": " +
                (read_[i]->texts.empty() ? std::to_string(tokens) + " tokens"
                                         : std::to_string(read_[i]->ends.back()) + " bytes");
    }
    return text;
}

void readTextOf(const Mix& mix, std::int64_t bytes, std::uint64_t seed,
                const std::function<void(std::string_view)>& read) {
    constexpr std::int64_t kTokens = 1024;  // of a generated text, at four bytes each
    const tasks::TokenCounter counter{
        .count = [](std::string_view text) { return (std::ssize(text) + 3) / 4; }, .bytesPerToken = 4};
    const std::int64_t each = bytes / std::ssize(mix.parts);
    for (const MixPart& part : mix.parts) {
        std::int64_t done = 0;
        const auto take = [&](std::string_view text) {
            text = text.substr(0, static_cast<std::size_t>(each - done));
            read(text);
            done += std::ssize(text);
        };
        if (const auto* content = std::get_if<GeneratedPart>(&part.content)) {
            Random random(seedOf(seed, tasks::Random::hashOf(part.name)));
            while (done < each) {
                const std::vector<tasks::TaskSpec>& specs = content->variants.back().specs;
                tasks::TaskSpec spec = specs[random.next() % specs.size()];
                spec.length = kTokens;
                spec.seed = random.next();
                spec.form = tasks::TextForm::Training;
                take(trainingText(generate(spec, counter)).text);
            }
        } else if (const auto* prompts = std::get_if<PromptsPart>(&part.content)) {
            for (const Prompt& prompt : promptsOf(*prompts))
                if (done < each) take(textOf(prompt, prompts->file.string()).text);
        } else {
            for (const std::string& text : textsIn(std::get<FolderPart>(part.content), part.name))
                if (done < each) take(text);
        }
    }
}

}  // namespace fluxscope::train
