#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "io/files.h"

namespace riffle {

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
