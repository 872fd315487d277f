#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// The parser's header is large: one unit includes it.
namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace riffle {

/// An option of a command, or an argument that is told by its place.
class CommandOption {
 public:
  CommandOption() = default;  // of no command
  explicit CommandOption(CLI::Option& option) : option_(&option) {}

  /// Whether it was there; false until the command line is read.
  bool given() const;
  std::string name() const;

  CommandOption& required();
  /// The values of one word are told apart by this.
  CommandOption& delimiter(char separator);
  /// Takes one value each time, where a list would take all words that follow.
  CommandOption& one_at_a_time();

 private:
  CLI::Option* option_ = nullptr;
};

/// Options that help shows together. What is read goes to the variables, which must outlive the
/// command line.
class OptionGroup {
 public:
  explicit OptionGroup(CLI::App& app) : app_(&app) {}

  /// `name` is "--long", "-s", or a word in capitals for an argument that is told by its place.
  CommandOption option(const std::string& name, std::string& value, const std::string& help);
  CommandOption option(const std::string& name, std::size_t& value, const std::string& help);
  CommandOption option(const std::string& name, std::vector<std::string>& values,
                       const std::string& help);
  CommandOption flag(const std::string& name, bool& value, const std::string& help);

 protected:
  CLI::App* app_;
};

/// A subcommand: its options, and what it does once they are read.
class Command : public OptionGroup {
 public:
  using OptionGroup::OptionGroup;

  OptionGroup group(const std::string& name);
  /// Lines below the options in the command's help.
  void footer(const std::string& text);
  /// `run` returns the exit code.
  void does(std::function<int()> run) { run_ = std::move(run); }

 private:
  friend class CommandLine;
  std::function<int()> run_;
};

/// The program's commands; `help COMMAND` and `COMMAND --help` are among them.
class CommandLine {
 public:
  struct Program {
    std::string name;
    std::string summary;
    std::string version;
    std::string footer;
  };

  explicit CommandLine(const Program& program);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  Command& add(const std::string& name, const std::string& summary);

  /// Does what the words ask for, and returns the exit code. Throws Error{usage} for what is no
  /// option or command, with the nearest one.
  int run(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> app_;
  std::vector<std::unique_ptr<Command>> commands_;
};

}  // namespace riffle
