#pragma once

#include <stdexcept>
#include <string>

namespace riffle {

/// What went wrong, in the classes of BSD's sysexits.h. `exit_code` gives the process exit code.
enum class ErrorKind {
  usage,          ///< 64: the request makes no sense: unknown name, wrong type, value out of range
  data,           ///< 65: a file was read but its content is not valid
  no_input,       ///< 66: an input file does not exist or cannot be read
  cannot_create,  ///< 73: an output file or folder cannot be created
  io,             ///< 74: reading or writing failed half way, such as on a full disk
};

/// The one exception type for errors a user can mend. The message is one line that names the
/// offending value and, where there is one, the way out.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

/// The exit code of sysexits.h that belongs to an error.
constexpr int exit_code(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::usage:
      return 64;
    case ErrorKind::data:
      return 65;
    case ErrorKind::no_input:
      return 66;
    case ErrorKind::cannot_create:
      return 73;
    case ErrorKind::io:
      return 74;
  }
  return 70;
}

}  // namespace riffle
