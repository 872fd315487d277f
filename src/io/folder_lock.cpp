#include "io/folder_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "riffle/error.h"

namespace riffle {

FolderLock::FolderLock(const std::filesystem::path& folder, Kind kind,
                       const std::filesystem::path& named)
    : folder_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (folder_ < 0) return;
  const int wanted = kind == Kind::sole ? LOCK_EX : LOCK_SH;
  int locked = 0;
  do {
    locked = ::flock(folder_, wanted | LOCK_NB);
  } while (locked != 0 && errno == EINTR);
  if (locked == 0 || errno != EWOULDBLOCK) return;
  ::close(folder_);
  throw Error(ErrorKind::cannot_create,
              fmt::format("another riffle is at work in {}: wait until it has ended, or choose "
                          "another folder",
                          named.string()));
}

// Closed, not unlocked: a process that a target forked off has this file too, and its end must not
// end the lock.
FolderLock::~FolderLock() {
  if (folder_ >= 0) ::close(folder_);
}

FolderLock::FolderLock(FolderLock&& other) noexcept : folder_(std::exchange(other.folder_, -1)) {}

}  // namespace riffle
