#include "profiler/store/detail/store_error.h"

#include <sqlite3.h>

namespace fluxscope {

MachineError storeError(const std::string& file, const SQLite::Exception& e) {
    switch (e.getErrorCode()) {
        case SQLITE_FULL:
            return {file, "", "cannot grow, the disk is full",
                    "free some space; what was recorded up to then is kept"};
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
            return {file, "", "cannot be written (" + std::string(e.what()) + ")",
                    "choose a folder you may write to"};
        case SQLITE_IOERR:
            return {file, "", "could not be written to disk (" + std::string(e.what()) + ")",
                    "look at the disk's space and quota; what was recorded up to then is kept"};
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {file, "", "is held by another program",
                    "close what has it open, such as an SQLite shell in a transaction"};
        default:
            return {file, "", "could not be written (" + printable(e.what()) + ")",
                    "record into another file"};
    }
}

}  // namespace fluxscope
