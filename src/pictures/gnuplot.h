#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace riffle {

/// A folder of our own in the system's folder for temporary files; it goes, with all that is in it,
/// when the object does.
class TemporaryFolder {
 public:
  /// Throws Error{cannot_create}.
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The warning where it is missing.
inline constexpr std::string_view gnuplot_is_missing =
    "no pictures: gnuplot is not on PATH; install it, on Debian and Ubuntu with \"apt install "
    "gnuplot-nox\"";

/// The absolute path of the gnuplot on PATH, or nothing.
std::optional<std::filesystem::path> find_gnuplot();

/// A gnuplot at work on a script. It reads and writes files only, so no pipe can fill or break.
class Gnuplot {
 public:
  /// Starts `program` in `folder` on the script `folder/name`. Throws Error{io} where it cannot
  /// start.
  Gnuplot(const std::filesystem::path& program, std::filesystem::path folder, std::string name);
  /// Ends gnuplot where it was not waited for.
  ~Gnuplot();
  Gnuplot(const Gnuplot&) = delete;
  Gnuplot& operator=(const Gnuplot&) = delete;

  /// Waits for the end. Nothing where all went well, otherwise what went wrong, in one line.
  std::optional<std::string> wait();

 private:
  std::filesystem::path errors() const;

  std::filesystem::path folder_;
  std::string name_;
  pid_t process_ = -1;
};

/// The text as a gnuplot string on one line, in which nothing is special. What is not UTF-8 becomes
/// U+FFFD: it would make an SVG file invalid.
std::string gnuplot_string(std::string_view text);

}  // namespace riffle
