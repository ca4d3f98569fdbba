#include "profiler/record/detail/recording_place.h"

#include "engine/contract/error.h"

#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace fluxscope {
namespace fs = std::filesystem;
namespace {

// statfs(2); what linux/magic.h does not name is in each file system's own sources.
constexpr std::array<std::uint32_t, 15> kRemote{
    0x6969,      // NFS
    0x517B,      // SMB
    0xFF534D42,  // CIFS
    0xFE534D42,  // SMB2
    0x01021997,  // 9P
    0x65735546,  // FUSE: sshfs, object stores
    0x00C36400,  // Ceph
    0x0BD00BD0,  // Lustre
    0x47504653,  // GPFS
    0x19830326,  // BeeGFS
    0x5346414F,  // AFS
    0x73757245,  // Coda
    0x7461636F,  // OCFS2
    0x01161970,  // GFS2
    0x20030528,  // OrangeFS
};

fs::path folderOf(const fs::path& file) { return fs::absolute(file).parent_path(); }

// What is renamed over a file must be there in full before.
std::error_code copyThrough(const fs::path& from, const fs::path& to) {
    std::error_code error;
    fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
    if (error) return error;
    const int descriptor = ::open(to.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || ::fsync(descriptor) != 0) error = std::error_code(errno, std::generic_category());
    if (descriptor >= 0) ::close(descriptor);
    return error;
}

}  // namespace

bool isOnNetwork(const fs::path& folder) {
    struct statfs facts{};
    if (::statfs(folder.c_str(), &facts) != 0) return false;  // opening says why
    return std::ranges::find(kRemote, static_cast<std::uint32_t>(facts.f_type)) != kRemote.end();
}

RecordingPlace::RecordingPlace(fs::path wanted, const std::function<bool(const fs::path&)>& isRemote)
    : wanted_(std::move(wanted)), file_(wanted_) {
    if (isRemote && isRemote(folderOf(wanted_))) fetch();
}

RecordingPlace::~RecordingPlace() {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove(folder_, ignored);  // if it is empty
}

void RecordingPlace::fetch() {
    if (auto lock = WritingLock::tryHold(wanted_))
        lock_.emplace(std::move(*lock));
    else
        throw InputError{wanted_.string(), "", "is being written by another process",
                         "wait until it has ended, or record into another file"};
    std::error_code error;
    std::string pattern = (fs::temp_directory_path(error) / "fluxscope-recording-XXXXXX").string();
    if (error || ::mkdtemp(pattern.data()) == nullptr)
        throw MachineError{wanted_.string(), "",
                           "lies on another machine, and this one has no folder for temporary files",
                           "set TMPDIR to a folder of this machine"};
    folder_ = pattern;
    file_ = folder_ / wanted_.filename();
    if (!fs::exists(wanted_, error)) return;
    if (const std::error_code failed = copyThrough(wanted_, file_)) {
        fs::remove_all(folder_, error);
        throw MachineError{wanted_.string(), "",
                           "cannot be fetched to be written on (" + failed.message() + ")",
                           "record into another file"};
    }
}

void RecordingPlace::forget() {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

std::optional<std::string> RecordingPlace::settle() {
    if (folder_.empty() || file_ == wanted_) return std::nullopt;
    const fs::path part = wanted_.string() + "-moving";
    std::error_code error = copyThrough(file_, part);
    if (!error) fs::rename(part, wanted_, error);
    lock_.reset();
    std::error_code ignored;
    if (error) {
        fs::remove(part, ignored);
        return MachineError{
            wanted_.string(), "",
            "could not be moved there (" + error.message() + ") and stays in " + file_.string(),
            "move it by hand"}
            .what();
    }
    fs::remove(file_, ignored);
    file_ = wanted_;
    return std::nullopt;
}

}  // namespace fluxscope
