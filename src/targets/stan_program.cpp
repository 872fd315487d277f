#include "targets/stan_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>
#include <vector>

#include "riffle/error.h"

extern char** environ;  // POSIX declares it in no header

namespace riffle {
namespace {

namespace fs = std::filesystem;

constexpr const char* script_name = "stan_model.sh";

/// Where the script lies: beside an installed program, or in the tree that this was built from.
fs::path find_script() {
  if (const char* given = std::getenv("RIFFLE_STAN_COMPILER"); given != nullptr && *given != '\0') {
    return given;
  }
  std::error_code error;
  const auto program = fs::read_symlink("/proc/self/exe", error).parent_path();
  const std::array<fs::path, 4> folders = {program / "../share/riffle",    // PREFIX/bin
                                           program / "../../tools",        // build/PRESET
                                           fs::path(RIFFLE_SOURCE_TOOLS),  // a build elsewhere
                                           fs::path(RIFFLE_INSTALLED_TOOLS)};
  for (const auto& folder : folders) {
    if (fs::is_regular_file(folder / script_name, error)) {
      return (folder / script_name).lexically_normal();
    }
  }
  throw Error(ErrorKind::no_input,
              fmt::format("there is no {}, which compiles Stan programs: let RIFFLE_STAN_COMPILER "
                          "name it, or give --stan a library that is compiled",
                          script_name));
}

/// A pipe whose reading end is ours.
class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) {
      throw Error(ErrorKind::io, fmt::format("cannot make a pipe: {}", std::strerror(errno)));
    }
  }
  ~Pipe() {
    ::close(ends_[0]);
    close_writing_end();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  int reading_end() const { return ends_[0]; }
  int writing_end() const { return ends_[1]; }
  void close_writing_end() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

/// What posix_spawn is told, freed at the end of its scope.
struct SpawnSettings {
  SpawnSettings() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

struct Said {
  int status = 0;  ///< as waitpid has it
  bool stopped = false;
  std::string output;
};

/// Runs a script until it ends, or `stop` is set: then the script and all that it has started are
/// ended.
Said run_script(const std::vector<std::string>& words, const std::atomic<bool>* stop) {
  Pipe pipe;
  SpawnSettings settings;
  ::posix_spawn_file_actions_addopen(&settings.actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&settings.actions, pipe.writing_end(), 1);
  // What we ignore or handle is not the script's affair.
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&settings.attributes, &defaults);
  short flags = POSIX_SPAWN_SETSIGDEF;
  if (stop != nullptr) {
    // A group of its own, that can be ended as a whole: Ctrl-C reaches it by `stop`.
    ::posix_spawnattr_setpgroup(&settings.attributes, 0);
    flags |= POSIX_SPAWN_SETPGROUP;
  }
  ::posix_spawnattr_setflags(&settings.attributes, flags);
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t process = -1;
  if (const int error = ::posix_spawn(&process, arguments[0], &settings.actions,
                                      &settings.attributes, arguments.data(), environ);
      error != 0) {
    throw Error(ErrorKind::no_input,
                fmt::format("cannot run {}: {}", words.front(), std::strerror(error)));
  }
  pipe.close_writing_end();
  Said said;
  std::array<char, 4096> part;
  for (;;) {
    if (stop != nullptr && !said.stopped && stop->load(std::memory_order_relaxed)) {
      said.stopped = true;
      ::kill(-process, SIGTERM);
    }
    pollfd readable{pipe.reading_end(), POLLIN, 0};
    constexpr int look_again_ms = 100;
    if (::poll(&readable, 1, look_again_ms) <= 0) continue;
    const auto got = ::read(pipe.reading_end(), part.data(), part.size());
    if (got == 0) break;
    if (got > 0) said.output.append(part.data(), static_cast<std::size_t>(got));
  }
  while (::waitpid(process, &said.status, 0) < 0 && errno == EINTR) {
  }
  return said;
}

}  // namespace

bool is_stan_program(const fs::path& path) {
  return path.extension() == ".stan";
}

fs::path compile_stan_program(const fs::path& program, const StanCompilerOptions& options) {
  std::error_code error;
  if (!fs::is_regular_file(program, error)) {
    throw Error(ErrorKind::no_input, fmt::format("{} does not exist", program.string()));
  }
  const auto script = find_script();
  std::vector<std::string> words = {"/bin/sh", script.string(), "--cached"};
  if (options.quiet) words.emplace_back("--quiet");
  // What begins with a dash would be an option.
  const auto name = program.string();
  words.push_back(name.starts_with('-') ? "./" + name : name);
  auto said = run_script(words, options.stop);
  if (said.stopped) {
    throw Error(ErrorKind::data, fmt::format("{} was not compiled: interrupted", program.string()));
  }
  const int code = WIFEXITED(said.status) ? WEXITSTATUS(said.status) : -1;
  while (said.output.ends_with('\n')) said.output.pop_back();
  if (code == 0 && fs::is_regular_file(said.output, error)) return said.output;
  constexpr int has_no_stan = 69;
  constexpr int has_no_cache = 73;
  const auto kind = code == has_no_stan    ? ErrorKind::no_input
                    : code == has_no_cache ? ErrorKind::cannot_create
                                           : ErrorKind::data;
  const auto why = code < 0    ? std::string("its compiler was killed")
                   : code == 0 ? fmt::format("{} says of no library", script.string())
                               : std::string("the lines above say why");
  throw Error(kind, fmt::format("{} was not compiled: {}", program.string(), why));
}

}  // namespace riffle
