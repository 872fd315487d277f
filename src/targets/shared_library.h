#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace riffle {

/// A shared library of another's making, open while this lives. Its code stays mapped to the end of
/// the process all the same: it may have left threads, or destructors of thread-local objects.
class SharedLibrary {
 public:
  /// Throws Error{no_input} where there is no such file, and Error{data} with the loader's own
  /// words where it is no shared library of this machine, or needs what is not there.
  explicit SharedLibrary(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }

  /// The address of a symbol, or null.
  void* find(const char* name) const;

  /// The same, typed.
  template <class Function>
  void find(const char* name, Function*& function) const {
    function = reinterpret_cast<Function*>(find(name));  // NOLINT: POSIX has it so
  }
  /// Throws Error{data} where there is none; `kind` says what a library with it would be.
  template <class Function>
  void require(const char* name, const char* kind, Function*& function) const {
    function = reinterpret_cast<Function*>(required(name, kind));  // NOLINT: as above
  }

 private:
  struct Close {
    void operator()(void* handle) const;
  };
  void* required(const char* name, const char* kind) const;

  std::filesystem::path path_;
  std::unique_ptr<void, Close> handle_;
};

}  // namespace riffle
