#include "io/output.h"

#include <cstdio>

#include "riffle/error.h"

namespace riffle {
namespace {

Error no_standard_output() {
  return {ErrorKind::io, "cannot write to standard output"};
}

}  // namespace

Output::Output(const std::filesystem::path& file) {
  if (!file.empty()) file_.emplace(file);
}

void Output::write(std::string_view text) {
  if (file_) {
    file_->write(text);
  } else if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
    throw no_standard_output();
  }
}

void Output::commit() {
  if (file_) {
    file_->commit();
  } else if (std::fflush(stdout) != 0) {
    throw no_standard_output();
  }
}

}  // namespace riffle
