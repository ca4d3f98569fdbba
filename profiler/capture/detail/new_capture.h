// A capture that is made of others. It is written under another name, which it sheds when all of it is there.
//
// The others are attached one at a time as `source`: read-only, as of one moment, and nothing that is planted in them runs. What does not
// fit our schema ends the whole with a sentence: a damaged capture is to be read with `info` and `check`, not to be handed on.
#pragma once

#include "profiler/capture/work.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fluxscope {

// INSERT INTO table (all columns) SELECT ... FROM source.table AS t: each column as it is, or the expression that is there instead.
struct CopiedTable {
    std::string table;
    std::map<std::string, std::string> instead{};  // a column, and an expression over t
    std::string joined{};                          // behind FROM source.table AS t: CROSS JOIN ... ON ...
    std::string where = "true";
    std::string behind{};  // ON CONFLICT ...
};

class NewCapture {
public:
    // Throws InputError when `into` is there.
    NewCapture(std::filesystem::path into, CaptureWork work);
    ~NewCapture();  // takes away what was not finished
    NewCapture(const NewCapture&) = delete;
    NewCapture& operator=(const NewCapture&) = delete;

    // A file of an older version is read through a copy that was brought up to date. Returns what the reader should know.
    std::vector<std::string> attach(const std::filesystem::path& file);
    void detach();

    void copy(const CopiedTable& what);
    void exec(const std::string& sql);
    std::int64_t number(const std::string& sql);
    std::string text(const std::string& sql);
    // Anything else; a failure of SQLite is told as theirs are.
    template <class Work>
    void with(Work work) {
        try {
            work(*database_);
        } catch (const SQLite::Exception& e) {
            explain(e);
        }
    }
    void say(const std::string& what) const;

    void finish();  // all attached files have been detached

private:
    [[noreturn]] void explain(const SQLite::Exception& e) const;
    void requireOrdinaryTables();
    std::filesystem::path upToDate(const std::filesystem::path& file);
    void removeUnfinished() const;

    std::filesystem::path into_;
    std::filesystem::path unfinished_;  // empty: finished
    std::filesystem::path older_;       // the copy of an older file
    CaptureWork work_;
    std::vector<std::string> tables_;  // of our schema
    std::filesystem::path source_;     // that is attached
    std::unique_ptr<SQLite::Database> database_;
};

}  // namespace fluxscope
