// A run that another tool recorded, on its way into a capture: written into a file of another name, which takes the place of the
// capture when all of it is there.
//
// What the file does not say stays 0, empty or 'unknown'; nothing here looks measured by us: the process is named after the tool, the
// run has its origin, and times have the source 'imported'.
#pragma once

#include "profiler/exchange/exchange.h"
#include "profiler/store/capture_writer.h"

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fluxscope {

inline constexpr std::string_view kImportedTime = "imported";

struct ImportedFacts {
    std::string tool;     // "Nsight Systems"
    std::string version;  // of the tool, or of its format; may be empty
    std::string host;
    std::int64_t pid = 0;
    Nanoseconds utc{};  // when the clock of its times stood at 0; 0: not known
    std::vector<EnvironmentFact> environment;
    ModelFacts model;  // as far as it is known; layers always
    std::string device;
    std::string dtype;
    std::optional<Policy> policy;      // absent: not known
    std::optional<SparseForm> sparse;  // absent: not known
    std::uint64_t seed = 0;
    std::int32_t maxNew = 0;
    std::vector<SequenceFacts> sequences;
    bool promptText = false;  // the file has texts
};

class ImportedRun {
public:
    ImportedRun(const std::filesystem::path& source, std::filesystem::path capture,
                const ImportedFacts& facts, Nanoseconds begin);
    ~ImportedRun();  // takes away what was not finished
    ImportedRun(const ImportedRun&) = delete;
    ImportedRun& operator=(const ImportedRun&) = delete;

    // Committed every so many rows.
    template <class Record>
    void write(const Record& record) {
        writer_->write(record);
        wrote(1);
    }
    template <class Record>
    void writeAll(const std::vector<Record>& records) {
        writer_->write(std::span<const Record>(records));
        wrote(records.size());
    }
    std::int64_t rows() const { return rows_; }
    void finish(Nanoseconds end);

private:
    static constexpr std::size_t kRowsOfACommit = 200'000;

    void wrote(std::size_t rows);
    void markUnknown(const ImportedFacts& facts);
    [[noreturn]] void fail() const;

    std::filesystem::path capture_;
    std::filesystem::path unfinished_;
    ImportedFacts facts_;
    RunIndex run_;
    std::optional<CaptureWriter> writer_;
    std::int64_t rows_ = 0;
};

}  // namespace fluxscope
