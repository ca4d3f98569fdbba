#include "app/cli/overhead_measurement.h"

#include "app/cli/terminal.h"
#include "engine/contract/error.h"
#include "profiler/capture/capture_feed.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <random>
#include <vector>

namespace fluxscope::cli {
namespace {

namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

constexpr std::uint64_t kPromptSeed = 20'240'607;
const std::string kCommand = "overhead";

// Goes with everything in it.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (fs::temp_directory_path() / "fluxscope-overhead-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr)
            throw MachineError{kCommand, "", "cannot make " + name + ": " + std::strerror(errno),
                               "name another folder for temporary files with TMPDIR"};
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

struct Taken {
    double prefill = 0;
    double decode = 0;
    double token = 0;
};

class Measurement {
public:
    Measurement(const OverheadPlan& plan, const CancelToken& cancel,
                const std::function<void(const std::string&)>& progress)
        : plan_(plan), cancel_(cancel), progress_(progress) {}

    MeasuredOverhead measure() {
        begin_ = SteadyClock::now();
        while (pairs() < plan_.pairs) {
            const auto ready = SteadyClock::now();
            begin();
            const auto toBegin = SteadyClock::now() - ready;
            const auto since = SteadyClock::now();
            do {
                measurePair();
            } while (pairs() < plan_.pairs && SteadyClock::now() - since < toBegin);
        }
        return result();
    }

private:
    std::int64_t pairs() const { return std::ssize(whole_); }

    // Two processes that run the same program differ by several percent, for as long as they live: where their memory came to lie.
    void begin() {
        without_.emplace(kCommand, "the worker that does not record");
        with_.emplace(kCommand, "the worker that records");
        load(*without_, "off");
        load(*with_, plan_.collect);
        // One each that does not count: memory, threads and, on a GPU, graphs are there afterwards.
        run(*without_, false);
        run(*with_, true);
    }

    void measurePair() {
        Taken without;
        if (pairs() % 2 == 0) without = run(*without_, false);
        const Taken with = run(*with_, true);
        if (pairs() % 2 != 0) without = run(*without_, false);
        prefill_.push_back({without.prefill, with.prefill});
        token_.push_back({without.token, with.token});
        whole_.push_back({without.prefill + without.decode, with.prefill + with.decode});
    }

    void load(Worker& worker, const std::string& collect) {
        const protocol::LoadRequest request{
            .model = plan_.model, .device = plan_.device, .collect = collect, .dtype = plan_.dtype};
        worker.ask(request, cancel_, [this](const protocol::ProgressEvent& at) {
            if (at.total > 0) say("loading the model, " + std::to_string(100 * at.done / at.total) + " %");
        });
    }

    Taken run(Worker& worker, bool recorded) {
        const fs::path capture = folder_.path() / ("run-" + std::to_string(done_) + ".fluxdb");
        const double elapsed = std::chrono::duration<double>(SteadyClock::now() - begin_).count();
        std::string text = "pair " + std::to_string(pairs() + 1) + " of " + std::to_string(plan_.pairs);
        if (pairs() > 0)
            text += ", " + remainingText(elapsed / static_cast<double>(pairs()) *
                                         static_cast<double>(plan_.pairs - pairs()));
        const protocol::Event last =
            worker.ask(protocol::RunRequest{.wanted = plan_.request,
                                            .capture = recorded ? capture.string() : std::string{}},
                       cancel_, [&](const protocol::ProgressEvent&) { say(text); });
        ++done_;
        const auto* took = std::get_if<protocol::RunDoneEvent>(&last.what);
        if (took == nullptr)
            throw FaultError{kCommand, "", "was answered with something else than a run", "report this"};
        if (recorded) {
            if (collector_.empty()) collector_ = collectorOf(capture);
            std::error_code ignored;
            fs::remove(capture, ignored);  // a hundred runs need the room of one
        }
        return {.prefill = took->prefillSeconds, .decode = took->decodeSeconds, .token = took->tokenSeconds};
    }

    static std::string collectorOf(const fs::path& capture) {
        const SnapshotPtr snapshot = readCapture(capture);
        return snapshot->processes.empty() ? std::string{} : snapshot->processes.back().collector;
    }

    MeasuredOverhead result() const {
        const auto prefill = pairedRatio(prefill_);
        const auto whole = pairedRatio(whole_);
        if (!prefill || !whole)
            throw MachineError{kCommand, "", "took no time that this clock can see",
                               "give a greater --length"};
        return {.overhead = {.prefill = *prefill,
                             .token = pairedRatio(token_),
                             .whole = *whole,
                             .promptTokens = std::ssize(
                                 std::get<std::vector<TokenId>>(plan_.request.prompts.front().content)),
                             .newTokens = plan_.request.maxNew,
                             .policy = shortForm(plan_.request.policy),
                             .when = utcNowText()},
                .collector = collector_};
    }

    void say(const std::string& text) const {
        if (progress_) progress_(text);
    }

    const OverheadPlan& plan_;
    const CancelToken& cancel_;
    const std::function<void(const std::string&)>& progress_;
    TemporaryFolder folder_;
    std::optional<Worker> without_;
    std::optional<Worker> with_;
    std::int64_t done_ = 0;
    SteadyClock::time_point begin_;
    std::string collector_;
    std::vector<Pair> prefill_;
    std::vector<Pair> token_;
    std::vector<Pair> whole_;
};

}  // namespace

std::vector<TokenId> syntheticPrompt(std::int64_t count, std::int32_t vocabulary) {
    std::mt19937_64 random(kPromptSeed);  // NOLINT(bugprone-random-generator-seed): the same tokens each time
    std::vector<TokenId> ids;
    for (std::int64_t i = 0; i < count; ++i)
        ids.push_back(TokenId::of(
            static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(std::max(vocabulary, 1)))));
    return ids;
}

MeasuredOverhead measureOverhead(const OverheadPlan& plan, const CancelToken& cancel,
                                 const std::function<void(const std::string&)>& progress) {
    return Measurement(plan, cancel, progress).measure();
}

}  // namespace fluxscope::cli
