#include "targets/shared_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include "io/plain_text.h"
#include "riffle/error.h"

namespace riffle {

SharedLibrary::SharedLibrary(const std::filesystem::path& path)
    // A name without a slash would be looked for among the system's libraries.
    : path_(std::filesystem::absolute(path)) {
  std::error_code error;
  if (!std::filesystem::exists(path_, error)) {
    throw Error(ErrorKind::no_input, fmt::format("{} does not exist", path.string()));
  }
  if (std::filesystem::is_directory(path_, error)) {
    throw Error(ErrorKind::no_input, fmt::format("{} is a folder, not a library", path.string()));
  }
  handle_.reset(::dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE));
  if (!handle_) {
    throw Error(ErrorKind::data,
                fmt::format("{} cannot be loaded: {}", path.string(), one_line(::dlerror())));
  }
}

void SharedLibrary::Close::operator()(void* handle) const {
  ::dlclose(handle);
}

void* SharedLibrary::find(const char* name) const {
  return ::dlsym(handle_.get(), name);
}

void* SharedLibrary::required(const char* name, const char* kind) const {
  void* const address = find(name);
  if (address == nullptr) {
    throw Error(ErrorKind::data,
                fmt::format("{} has no function {}: it is no {}", path_.string(), name, kind));
  }
  return address;
}

}  // namespace riffle
