#include "profiler/exchange/import.h"

#include "engine/contract/error.h"
#include "profiler/exchange/detail/input_stream.h"
#include "profiler/exchange/detail/trace_tables.h"

#include <array>
#include <istream>
#include <string>
#include <string_view>
#include <system_error>

namespace fluxscope {
namespace {

// Its first bytes; of a gzip file those inside.
std::string beginningOf(const std::filesystem::path& file) {
    InputStream in(file, InputStream::Unit::Text);
    std::array<char, 4096> bytes{};
    const auto got = in.sgetn(bytes.data(), bytes.size());
    return {bytes.data(), static_cast<std::size_t>(got)};
}

// A line of its own that names the format: decisions. A brace and no such line: a Chrome trace, which begins with one or a bracket.
bool beginsWithDecisions(std::string_view beginning) {
    return beginning.substr(0, beginning.find('\n')).find("\"fluxscope-decisions\"") !=
           std::string_view::npos;
}

}  // namespace

ExchangeSummary importFile(const std::filesystem::path& file, const std::filesystem::path& capture,
                           const ExchangeOptions& options) {
    const std::string beginning = beginningOf(file);
    std::error_code unknown;
    if (std::filesystem::equivalent(file, capture, unknown))
        throw InputError{capture.string(), "", "is the file to import itself", "give another name"};
    if (beginning.starts_with("SQLite format 3")) {
        TraceTables trace = readNsys(file, options);
        return importTrace(trace, file, capture, options);
    }
    if (beginsWithDecisions(beginning)) return importDecisions(file, capture, options);
    const std::size_t first = beginning.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    if (first != std::string::npos && (beginning[first] == '{' || beginning[first] == '[')) {
        TraceTables trace = readKineto(file, options);
        return importTrace(trace, file, capture, options);
    }
    throw InputError{
        file.string(), "",
        "is neither an SQLite export of Nsight Systems, nor a Chrome trace, nor decisions as JSON lines",
        "see docs/importing.md for how to make one"};
}

}  // namespace fluxscope
