#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace riffle {

/// The whole content of a file. Throws Error{no_input} where it cannot be opened, Error{io} where
/// reading fails, Error{data} where it is larger than any file of ours (1 GiB).
std::string read_file(const std::filesystem::path& path);

/// Makes a folder and its parents; throws Error{cannot_create}.
void make_folder(const std::filesystem::path& path);

/// A file that appears under its name only when it is complete: text is written to a temporary file
/// beside it, which `commit` renames. Without `commit` nothing is left. What is there already and
/// is no regular file, such as a device or a pipe, is written to as it is.
class NewFile {
 public:
  /// Throws Error{cannot_create} where the file cannot be made.
  explicit NewFile(std::filesystem::path path);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  /// Throws Error{io}, such as on a full disk.
  void write(std::string_view text);
  /// Throws Error{io}.
  void commit();

  /// Whether a file name is that of such a temporary file, which a killed process may leave behind.
  static bool is_temporary(const std::filesystem::path& path);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::filesystem::path path_;        // as given
  std::filesystem::path whole_path_;  // the same from the root
  std::filesystem::path temporary_;   // empty where the file is written in place
  std::unique_ptr<std::FILE, Close> file_;
  bool committed_ = false;
};

/// NewFile, write and commit in one.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace riffle
