// What keeps the reading of a file that nobody vouches for finite.
#pragma once

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <cstdint>
#include <optional>

namespace fluxscope::snapshot {

inline constexpr std::int32_t kMostLayers = 4096;  // of any model; a file that says more is not believed

// The rows of a damaged tree may come round again and again: keys that do not rise end the reading.
template <class Key>
class Rising {
public:
    void require(const Key& key) {
        if (last_ && !(*last_ < key)) throw SQLite::Exception("its rows are out of order", SQLITE_CORRUPT);
        last_ = key;
    }

private:
    std::optional<Key> last_;
};

}  // namespace fluxscope::snapshot
