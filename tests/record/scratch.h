// A folder of its own for each test, gone afterwards; and the rows of a capture as text.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace fluxscope::testing {

class Scratch {
public:
    Scratch() {
        std::string pattern = (std::filesystem::current_path() / "scratch-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        folder_ = pattern;
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    std::filesystem::path file(const std::string& name = "run.fluxdb") const { return folder_ / name; }
    const std::filesystem::path& folder() const { return folder_; }

private:
    std::filesystem::path folder_;
};

// With SQLite itself and none of our code: what another tool would see. A line a row, columns by one space, NULL as "-".
inline std::string rowsOf(const std::filesystem::path& file, const std::string& sql) {
    sqlite3* database = nullptr;
    std::string text = "\n";
    int result = sqlite3_open(file.c_str(), &database);
    if (result == SQLITE_OK) {
        result = sqlite3_exec(
            database, sql.c_str(),
            [](void* out, int columns, char** values, char**) {
                auto& lines = *static_cast<std::string*>(out);
                for (int i = 0; i < columns; ++i) {
                    lines += (i > 0 ? " " : "");
                    lines += values[i] == nullptr ? "-" : values[i];
                }
                lines += "\n";
                return 0;
            },
            &text, nullptr);
    }
    if (result != SQLITE_OK) text += std::string("error: ") + sqlite3_errmsg(database) + "\n";
    sqlite3_close(database);
    return text;
}

}  // namespace fluxscope::testing
