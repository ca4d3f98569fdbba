#include "profiler/capture/pack.h"

#include "engine/contract/error.h"
#include "profiler/capture/detail/capture_file.h"
#include "profiler/capture/journal.h"

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/Database.h>

#include <system_error>

namespace fluxscope {
namespace fs = std::filesystem;

std::vector<std::string> packCapture(const fs::path& from, const fs::path& to) {
    std::error_code error;
    if (fs::exists(to, error))
        throw InputError{to.string(), "", "is there already", "give another name, or remove it first"};
    SQLite::Database source = openCapture(from);
    std::vector<std::string> notes;
    for (const std::string& loss : lossesOf(from)) notes.push_back(from.string() + ": " + loss);
    try {
        SQLite::Database packed(fs::absolute(to).string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        SQLite::Backup(packed, source).executeStep(-1);
        packed.exec("PRAGMA journal_mode = DELETE");
    } catch (const SQLite::Exception& e) {
        for (const char* end : {"", "-wal", "-shm", "-journal"}) fs::remove(to.string() + end, error);
        if (isBusy(e)) throw busyError(from);
        throw MachineError{to.string(), "", "could not be written (" + printable(e.what()) + ")",
                           "look at the disk's space, or choose a folder you may write to"};
    }
    return notes;
}

}  // namespace fluxscope
