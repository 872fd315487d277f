#include "pictures/gnuplot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "io/files.h"
#include "riffle/error.h"

extern char** environ;  // POSIX declares it in no header

namespace riffle {
namespace {

namespace fs = std::filesystem;

/// gnuplot shows the line it failed on, a caret, and then `"script" line 7: what is wrong`; here
/// only the last of these is wanted.
std::string main_line(std::string_view text) {
  std::string_view found;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.find_first_not_of(" \t^") != std::string_view::npos) found = line;
  }
  found.remove_prefix(std::min(found.find_first_not_of(" \t"), found.size()));
  return std::string(found.substr(0, 300));
}

/// The length of the UTF-8 character that `text` starts with; 0 where it is not a valid one.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF5   ? 0
                             : first >= 0xF0 ? 4
                             : first >= 0xE0 ? 3
                             : first >= 0xC2 ? 2
                                             : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool surrogate = first == 0xED && byte(1) >= 0xA0;
  const bool too_large = first == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || too_large ? 0 : length;
}

/// The file actions of posix_spawn, freed at the end of their scope.
struct FileActions {
  FileActions() { ::posix_spawn_file_actions_init(&actions); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  posix_spawn_file_actions_t actions;
};

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::error_code error;
  const auto parent = fs::temp_directory_path(error);
  if (error) {
    throw Error(ErrorKind::cannot_create,
                fmt::format("no folder for temporary files: {}", error.message()));
  }
  auto name = (parent / "riffle-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw Error(ErrorKind::cannot_create,
                fmt::format("cannot create {}: {}", name, std::strerror(errno)));
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::optional<fs::path> find_gnuplot() {
  const char* path = std::getenv("PATH");
  if (path == nullptr) return {};
  for (std::string_view rest = path;;) {
    const auto colon = rest.find(':');
    const fs::path folder(rest.substr(0, colon));
    std::error_code error;
    // gnuplot starts in another folder than ours, so a relative entry must be resolved here.
    const auto program = fs::absolute(folder / "gnuplot", error);
    if (!error && fs::is_regular_file(program, error) && ::access(program.c_str(), X_OK) == 0) {
      return program;
    }
    if (colon == std::string_view::npos) return {};
    rest.remove_prefix(colon + 1);
  }
}

Gnuplot::Gnuplot(const fs::path& program, fs::path folder, std::string name)
    : folder_(std::move(folder)), name_(std::move(name)) {
  FileActions files;
  ::posix_spawn_file_actions_addchdir_np(&files.actions, folder_.c_str());
  ::posix_spawn_file_actions_addopen(&files.actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&files.actions, 1, "/dev/null", O_WRONLY, 0);
  const auto errors_path = errors();
  ::posix_spawn_file_actions_addopen(&files.actions, 2, errors_path.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);

  auto program_name = program.string();
  auto no_user_settings = std::string("-d");
  auto script = name_;
  const std::array<char*, 4> arguments = {program_name.data(), no_user_settings.data(),
                                          script.data(), nullptr};
  const int error =
      ::posix_spawn(&process_, program.c_str(), &files.actions, nullptr, arguments.data(), environ);
  if (error != 0) {
    process_ = -1;
    throw Error(ErrorKind::io,
                fmt::format("cannot start {}: {}", program.string(), std::strerror(error)));
  }
}

Gnuplot::~Gnuplot() {
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

fs::path Gnuplot::errors() const {
  return folder_ / (name_ + ".errors");
}

std::optional<std::string> Gnuplot::wait() {
  int status = 0;
  pid_t waited = 0;
  do {
    waited = ::waitpid(process_, &status, 0);
  } while (waited < 0 && errno == EINTR);
  process_ = -1;
  if (waited < 0) return {};  // the program ignores SIGCHLD, so nobody knows; the files will tell
  if (WIFSIGNALED(status)) return fmt::format("gnuplot was ended by signal {}", WTERMSIG(status));
  if (WEXITSTATUS(status) == 0) return {};
  const auto said = main_line(read_file(errors()));
  return said.empty() ? fmt::format("gnuplot failed with exit status {}", WEXITSTATUS(status))
                      : fmt::format("gnuplot failed: {}", said);
}

std::string gnuplot_string(std::string_view text) {
  std::string quoted = "'";
  while (!text.empty()) {
    const auto length = character_length(text);
    const auto character = text.substr(0, std::max<std::size_t>(length, 1));
    text.remove_prefix(character.size());
    if (length == 0) {
      quoted += "\uFFFD";
    } else if (character[0] == '\'') {
      quoted += "''";
    } else if (static_cast<unsigned char>(character[0]) < 0x20 || character[0] == 0x7F) {
      quoted += ' ';
    } else {
      quoted += character;
    }
  }
  return quoted + "'";
}

}  // namespace riffle
