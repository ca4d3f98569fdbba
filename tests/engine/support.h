// What the engine's tests share: a folder that goes away, and the one sentence of an error.
#pragma once

#include "engine/contract/error.h"

#include <filesystem>
#include <string>

namespace fluxscope {

class TempFolder {
public:
    TempFolder();
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

// What the work complains about, "" when it does not. Anything but our own error with where, problem and remedy fails the test.
template <class Expected, class Work>
std::string complaintOf(Work work) {
    try {
        work();
    } catch (const Expected& e) {
        if (e.where().empty() || e.problem().empty() || e.remedy().empty())
            return std::string("not helpful: ") + e.what();
        return e.what();
    } catch (const std::exception& e) {
        return std::string("another exception: ") + e.what();
    }
    return "";
}

}  // namespace fluxscope
