#include "io/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "riffle/error.h"

namespace riffle {
namespace {

Error no_standard_output() {
  return {ErrorKind::io, "cannot write to standard output"};
}

/// As standard output itself, it is one for the process.
std::FILE*& own_output() {
  static std::FILE* output = stdout;
  return output;
}

}  // namespace

std::FILE* standard_output() {
  return own_output();
}

void keep_standard_output() {
  // Far from the numbers that careless programs close.
  constexpr int far = 200;
  int own = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, far);
  if (own < 0) own = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  std::FILE* const output = own < 0 ? nullptr : ::fdopen(own, "w");
  if (output == nullptr) {  // it is closed or can be read only: nothing of value gets there
    if (own >= 0) ::close(own);
    return;
  }
  own_output() = output;
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
}

Output::Output(const std::filesystem::path& file) {
  if (!file.empty()) file_.emplace(file);
}

void Output::write(std::string_view text) {
  if (file_) {
    file_->write(text);
  } else if (std::fwrite(text.data(), 1, text.size(), standard_output()) != text.size()) {
    throw no_standard_output();
  }
}

void Output::commit() {
  if (file_) {
    file_->commit();
  } else if (std::fflush(standard_output()) != 0) {
    throw no_standard_output();
  }
}

}  // namespace riffle
