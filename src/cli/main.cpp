#include <fmt/format.h>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/say.h"
#include "core/names.h"
#include "io/output.h"
#include "riffle/error.h"
#include "riffle/version.h"
#include "targets/formula/formula.h"

namespace riffle {
namespace {

constexpr int software_error = 70;

/// The words of a command line that look like options but are none, in the words of the nearest.
std::string unknown_option_message(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  return unknown_name_message("option", word, views);
}

/// Text of one line: what a file or an argument smuggles in must not break lines or steer the
/// terminal.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      line += fmt::format("\\x{:02x}", byte);
    } else {
      line += c;
    }
  }
  return line;
}

/// A command's own help, in full even where it was not the one chosen.
std::string help_of(const CLI::App& app) {
  const auto* parent = app.get_parent();
  const auto name =
      parent != nullptr ? fmt::format("{} {}", parent->get_name(), app.get_name()) : app.get_name();
  return app.get_formatter()->make_help(&app, name, CLI::AppFormatMode::Normal);
}

/// The subcommand that was being read when parsing failed.
const CLI::App& deepest(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : *chosen.front();
}

/// The command of that name; throws Error{usage} with the nearest one.
const CLI::App& find_command(CLI::App& app, const std::string& name) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == name) return *command;
    names.push_back(command->get_name());
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  throw Error(ErrorKind::usage, unknown_name_message("command", name, views));
}

/// Throws Error{usage} for a first word that is neither a command nor an option of riffle itself:
/// of the latter the parser would say no more than that a command is missing.
void check_first_word(CLI::App& app, const std::string& word) {
  if (!word.starts_with('-')) {
    find_command(app, word);
    return;
  }
  const auto name = word.substr(0, word.find('='));
  const bool is_name = name.size() > (name.starts_with("--") ? 2U : 1U);
  if (is_name && app.get_option_no_throw(name) == nullptr) {
    throw Error(ErrorKind::usage, unknown_option_message(app, name));
  }
}

int run(int argc, char** argv) {
  CLI::App app("Riffle: variational inference with normalizing flows.");
  app.name("riffle");
  app.set_version_flag("--version", fmt::format("riffle {}", version()));
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer("`riffle help COMMAND` says more of one. `riffle fit tutorial` is a good start.");
  std::vector<Command> commands;
  for (const auto add : {&add_fit, &add_sample, &add_logdensity, &add_check, &add_diagnose,
                         &add_summary, &add_compare, &add_plot, &add_list, &add_bench}) {
    commands.push_back(add(app));
  }
  std::string topic;
  auto* help = app.add_subcommand("help", "say what a command does and takes");
  help->add_option("COMMAND", topic, "one of the commands");

  try {
    if (argc > 1) check_first_word(app, argv[1]);
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    say("{}", help_of(deepest(app)));
    return 0;
  } catch (const CLI::CallForVersion& version_text) {
    say("{}\n", version_text.what());
    return 0;
  } catch (const CLI::ExtrasError& error) {
    std::string word = error.what();
    for (int i = 1; i < argc; ++i) {
      const std::string given(argv[i]);
      if (given.starts_with("--") &&
          deepest(app).get_option_no_throw(given.substr(0, given.find('='))) == nullptr) {
        throw Error(ErrorKind::usage, unknown_option_message(deepest(app), given));
      }
    }
    throw Error(ErrorKind::usage, word);
  } catch (const CLI::ParseError& error) {
    const auto& at = deepest(app);
    throw Error(ErrorKind::usage,
                fmt::format("{} (see `riffle help{}`)", error.what(),
                            &at == &app ? "" : fmt::format(" {}", at.get_name())));
  }
  if (help->parsed()) {
    say("{}", help_of(topic.empty() ? app : find_command(app, topic)));
    return 0;
  }
  for (const auto& command : commands) {
    if (command.app->parsed()) return command.run();
  }
  return 0;
}

}  // namespace
}  // namespace riffle

int main(int argc, char** argv) {
  riffle::open_standard_streams();
  riffle::keep_standard_output();
  // A file that hits its size limit is then an error of the write, which is reported.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    const int code = riffle::run(argc, argv);
    if (std::fflush(riffle::standard_output()) == 0 && std::ferror(riffle::standard_output()) == 0)
      return code;
    const riffle::Error error(riffle::ErrorKind::io, "cannot write to standard output");
    riffle::complain("riffle: {}\n", error.what());
    return code != 0 ? code : riffle::exit_code(error.kind());
  } catch (const riffle::FormulaError& error) {
    riffle::complain("riffle: {}\n", riffle::one_line(error.what()));
    if (isatty(STDERR_FILENO) != 0) riffle::complain("{}\n", error.excerpt());
    return riffle::exit_code(error.kind());
  } catch (const riffle::Error& error) {
    riffle::complain("riffle: {}\n", riffle::one_line(error.what()));
    return riffle::exit_code(error.kind());
  } catch (const std::bad_alloc&) {
    riffle::complain("riffle: out of memory; try a smaller run.batch, flow or dimension\n");
    return riffle::software_error;
  } catch (const std::exception& error) {
    riffle::complain("riffle: {}\n", riffle::one_line(error.what()));
    return riffle::software_error;
  }
}
