#pragma once

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string_view>

#include "io/files.h"

namespace riffle {

/// Where the program's own output goes: standard output, or what keep_standard_output() made of it.
std::FILE* standard_output();

/// Keeps standard output for the program itself, through a descriptor that nobody else knows. What
/// other code of the process prints, such as a user's model through whatever language's library,
/// goes to standard error from now on: not into the middle of a table. For the beginning of main.
void keep_standard_output();

/// Where a command writes what it makes: a file, which appears when it is complete, or standard
/// output.
class Output {
 public:
  /// Standard output where `file` is empty; else as NewFile.
  explicit Output(const std::filesystem::path& file);
  /// Throws Error{io}.
  void write(std::string_view text);
  /// Throws Error{io}.
  void commit();

 private:
  std::optional<NewFile> file_;
};

}  // namespace riffle
