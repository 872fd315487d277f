#pragma once

#include <filesystem>

namespace riffle {

/// Keeps other processes from a folder while they ask for this too. It is the folder itself that is
/// locked, whatever path leads to it: nothing is written, and the lock ends with the process
/// however that ends. Where the file system has no such locks, there is none.
class FolderLock {
 public:
  enum class Kind {
    shared,  ///< beside others that are shared
    sole,
  };

  /// Throws Error{cannot_create}, with the folder as `named`, where another has a lock that does
  /// not go with it. A folder that cannot be opened is not locked: whoever uses it will say why.
  FolderLock(const std::filesystem::path& folder, Kind kind, const std::filesystem::path& named);
  ~FolderLock();
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int folder_ = -1;
};

}  // namespace riffle
