#include "profiler/exchange/detail/staged_trace.h"

#include "profiler/exchange/detail/rows.h"

#include <utility>

namespace fluxscope {
namespace {

constexpr std::size_t kMostTexts = 200'000;
constexpr std::size_t kLongestText = 4096;

constexpr const char* kTables = R"(
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -32768;
CREATE TABLE text (id INTEGER PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE kernel ("begin", "end", device, context, stream, correlation, external, graph, node, name,
                     gx, gy, gz, bx, by, bz, registers, shared);
CREATE TABLE copy ("begin", "end", device, context, stream, correlation, external, node, kind, pinned, bytes);
CREATE TABLE fill ("begin", "end", device, context, stream, correlation, external, node, bytes);
CREATE TABLE call (thread, "begin", "end", key, correlation, name);
CREATE TABLE range (thread, "begin", "end", name);
BEGIN;
)";

void put(SQLite::Statement& statement, std::initializer_list<std::int64_t> values) {
    statement.tryReset();
    int at = 0;
    for (const std::int64_t value : values) statement.bind(++at, value);
    statement.exec();
}

}  // namespace

StagedTrace::StagedTrace(const CancelToken* cancel) {
    database_.emplace("", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database_->exec(kTables);
    stopWhenCancelled(*database_, cancel);
    kernel_.emplace(*database_,
                    "INSERT INTO kernel VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    copy_.emplace(*database_, "INSERT INTO copy VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    fill_.emplace(*database_, "INSERT INTO fill VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    call_.emplace(*database_, "INSERT INTO call VALUES (?, ?, ?, ?, ?, ?)");
    range_.emplace(*database_, "INSERT INTO range VALUES (?, ?, ?, ?)");
    text_.emplace(*database_, "INSERT INTO text VALUES (?, ?)");
}

std::int64_t StagedTrace::textOf(std::string_view text) {
    std::string key(text.substr(0, kLongestText));
    if (const auto known = texts_.find(key); known != texts_.end()) return known->second;
    if (texts_.size() == kMostTexts) key = "(one of too many names)";
    if (texts_.size() > kMostTexts) return static_cast<std::int64_t>(kMostTexts) + 1;
    const auto number = static_cast<std::int64_t>(texts_.size()) + 1;
    text_->tryReset();
    text_->bind(1, number);
    text_->bind(2, key);
    text_->exec();
    texts_.emplace(std::move(key), number);
    return number;
}

void StagedTrace::kernel(const StagedWork& w, std::string_view name) {
    put(*kernel_, {w.begin, w.end, w.device, w.context, w.stream, w.correlation, w.externalId, w.graph,
                   w.node, textOf(name), w.grid[0], w.grid[1], w.grid[2], w.block[0], w.block[1], w.block[2],
                   w.registers, w.sharedBytes});
}

void StagedTrace::copy(const StagedWork& w) {
    put(*copy_, {w.begin, w.end, w.device, w.context, w.stream, w.correlation, w.externalId, w.node,
                 w.copyKind, w.pinned ? 1 : 0, w.bytes});
}

void StagedTrace::fill(const StagedWork& w) {
    put(*fill_,
        {w.begin, w.end, w.device, w.context, w.stream, w.correlation, w.externalId, w.node, w.bytes});
}

void StagedTrace::call(std::int64_t thread, std::int64_t begin, std::int64_t end, std::int64_t key,
                       std::int64_t correlation, std::string_view name) {
    put(*call_, {thread, begin, end, key, correlation, textOf(name)});
}

void StagedTrace::range(std::int64_t thread, std::int64_t begin, std::int64_t end, std::string_view name) {
    put(*range_, {thread, begin, end, textOf(name)});
}

TraceTables StagedTrace::finish() {
    database_->exec("COMMIT");
    for (auto* statement : {&kernel_, &copy_, &fill_, &call_, &range_, &text_}) statement->reset();
    const auto any = [this](const char* table) {
        Rows row(*database_, "SELECT 1 FROM " + std::string(table) + " LIMIT 1");
        return row.next();
    };
    const bool kernels = any("kernel"), copies = any("copy"), fills = any("fill"), calls = any("call"),
               ranges = any("range");
    TraceTables trace(std::move(*database_));
    database_.reset();
    const std::string work =
        "SELECT \"begin\", \"end\", device, context, stream, correlation AS key, external, correlation, ";
    if (kernels)
        trace.kernels =
            work +
            "graph, node, x.value AS name, gx, gy, gz, bx, by, bz, 0, 0, 0, registers, 0, shared FROM "
            "kernel AS t JOIN text AS x ON x.id = t.name";
    if (copies) trace.copies = work + "node, kind, pinned, bytes FROM copy";
    if (fills) trace.fills = work + "node, bytes FROM fill";
    if (calls)
        trace.calls =
            "SELECT thread, \"begin\", \"end\", key, correlation, x.value AS name FROM call AS t JOIN text "
            "AS "
            "x ON x.id = t.name";
    if (ranges)
        trace.ranges =
            "SELECT thread, \"begin\", \"end\", x.value AS text FROM range AS t JOIN text AS x ON x.id = "
            "t.name";
    return trace;
}

}  // namespace fluxscope
