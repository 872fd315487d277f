#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <utility>

#include "cli/say.h"
#include "core/names.h"
#include "riffle/error.h"

namespace riffle {
namespace {

/// The words of a command line that look like options but are none, in the words of the nearest.
std::string unknown_option_message(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  return unknown_name_message("option", word, views);
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
const CLI::App& find_command(const CLI::App& app, const std::string& name) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == name) return *command;
    names.push_back(command->get_name());
  }
  const std::vector<std::string_view> views(names.begin(), names.end());
  throw Error(ErrorKind::usage, unknown_name_message("command", name, views));
}

/// Throws Error{usage} for a first word that is neither a command nor an option of the program's:
/// of the latter the parser would say no more than that a command is missing.
void check_first_word(const CLI::App& app, const std::string& word) {
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

}  // namespace

bool CommandOption::given() const {
  return option_ != nullptr && option_->count() > 0;
}

std::string CommandOption::name() const {
  return option_->get_name();
}

CommandOption& CommandOption::required() {
  option_->required();
  return *this;
}

CommandOption& CommandOption::delimiter(char separator) {
  option_->delimiter(separator);
  return *this;
}

CommandOption& CommandOption::one_at_a_time() {
  option_->allow_extra_args(false);
  return *this;
}

CommandOption OptionGroup::option(const std::string& name, std::string& value,
                                  const std::string& help) {
  return CommandOption(*app_->add_option(name, value, help));
}

CommandOption OptionGroup::option(const std::string& name, std::size_t& value,
                                  const std::string& help) {
  return CommandOption(*app_->add_option(name, value, help));
}

CommandOption OptionGroup::option(const std::string& name, std::vector<std::string>& values,
                                  const std::string& help) {
  return CommandOption(*app_->add_option(name, values, help));
}

CommandOption OptionGroup::flag(const std::string& name, bool& value, const std::string& help) {
  return CommandOption(*app_->add_flag(name, value, help));
}

OptionGroup Command::group(const std::string& name) {
  return OptionGroup(*app_->add_option_group(name));
}

void Command::footer(const std::string& text) {
  app_->footer(text);
}

CommandLine::CommandLine(const Program& program)
    : app_(std::make_unique<CLI::App>(program.summary)) {
  app_->name(program.name);
  app_->set_version_flag("--version", fmt::format("{} {}", program.name, program.version));
  app_->require_subcommand(1);
  app_->get_formatter()->column_width(34);
  app_->footer(program.footer);
}

CommandLine::~CommandLine() = default;

Command& CommandLine::add(const std::string& name, const std::string& summary) {
  commands_.push_back(std::make_unique<Command>(*app_->add_subcommand(name, summary)));
  return *commands_.back();
}

int CommandLine::run(int argc, char** argv) {
  std::string topic;
  auto& help = add("help", "say what a command does and takes");
  help.option("COMMAND", topic, "one of the commands");
  help.does([&] {
    say("{}", help_of(topic.empty() ? *app_ : find_command(*app_, topic)));
    return 0;
  });
  try {
    if (argc > 1) check_first_word(*app_, argv[1]);
    app_->parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    say("{}", help_of(deepest(*app_)));
    return 0;
  } catch (const CLI::CallForVersion& version_text) {
    say("{}\n", version_text.what());
    return 0;
  } catch (const CLI::ExtrasError& error) {
    for (int i = 1; i < argc; ++i) {
      const std::string given(argv[i]);
      if (given.starts_with("--") &&
          deepest(*app_).get_option_no_throw(given.substr(0, given.find('='))) == nullptr) {
        throw Error(ErrorKind::usage, unknown_option_message(deepest(*app_), given));
      }
    }
    throw Error(ErrorKind::usage, error.what());
  } catch (const CLI::ParseError& error) {
    const auto& at = deepest(*app_);
    throw Error(ErrorKind::usage,
                fmt::format("{} (see `{} help{}`)", error.what(), app_->get_name(),
                            &at == app_.get() ? "" : fmt::format(" {}", at.get_name())));
  }
  for (const auto& command : commands_) {
    if (command->app_->parsed()) return command->run_();
  }
  return 0;
}

}  // namespace riffle
