#include "io/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "riffle/error.h"

namespace riffle {
namespace {

constexpr std::string_view temporary_mark = ".part-";

Error failure(ErrorKind kind, std::string_view what, const std::filesystem::path& path, int error) {
  return {kind, fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(error))};
}

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  constexpr std::size_t largest = std::size_t{1} << 30;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) throw failure(ErrorKind::no_input, "read", path, errno);
  std::string text;
  std::array<char, 65536> buffer;
  while (const auto n = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    text.append(buffer.data(), n);
    if (text.size() > largest) {
      throw Error(ErrorKind::data, fmt::format("{} is larger than 1 GiB", path.string()));
    }
  }
  if (std::ferror(file.get()) != 0) throw failure(ErrorKind::io, "read", path, errno);
  return text;
}

void make_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw failure(ErrorKind::cannot_create, "make the folder", path, error.value());
}

NewFile::NewFile(std::filesystem::path path) : path_(std::move(path)) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path_, ignored);
  if (std::filesystem::is_directory(status)) {
    throw failure(ErrorKind::cannot_create, "create", path_, EISDIR);
  }
  // A rename would put a plain file in the place of a device or a pipe.
  const bool in_place =
      std::filesystem::exists(status) && !std::filesystem::is_regular_file(status);
  // A target that changes the working folder must not take the file elsewhere.
  whole_path_ = std::filesystem::absolute(path_, ignored);
  if (!in_place) {
    temporary_ = whole_path_.parent_path() /
                 fmt::format(".{}{}{}", path_.filename().string(), temporary_mark, ::getpid());
  }
  file_.reset(std::fopen((in_place ? whole_path_ : temporary_).c_str(), "wb"));
  if (!file_) throw failure(ErrorKind::cannot_create, "create", path_, errno);
  // A target may have closed the standard streams, and then prints into what takes their place.
  if (::fileno(file_.get()) <= STDERR_FILENO) {
    const int moved = ::fcntl(::fileno(file_.get()), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    file_.reset(moved < 0 ? nullptr : ::fdopen(moved, "wb"));
    if (!file_) throw failure(ErrorKind::cannot_create, "create", path_, errno);
  }
}

NewFile::~NewFile() {
  file_.reset();
  if (committed_ || temporary_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void NewFile::write(std::string_view text) {
  if (text.empty()) return;  // its pointer may be null
  if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) {
    throw failure(ErrorKind::io, "write", path_, errno);
  }
}

void NewFile::commit() {
  if (std::fclose(file_.release()) != 0 ||
      (!temporary_.empty() && std::rename(temporary_.c_str(), whole_path_.c_str()) != 0)) {
    throw failure(ErrorKind::io, "write", path_, errno);
  }
  committed_ = true;
}

bool NewFile::is_temporary(const std::filesystem::path& path) {
  const auto name = path.filename().string();
  return name.starts_with('.') && name.find(temporary_mark) != std::string::npos;
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  NewFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace riffle
