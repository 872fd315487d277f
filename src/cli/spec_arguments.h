#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command_line.h"
#include "riffle/spec.h"

namespace riffle {

/// The options of a command that say what is fitted, and how: WHAT, a formula, a file, and keys of
/// the spec.
class SpecArguments {
 public:
  /// Adds them to a command; `what` is WHAT's help. This must outlive the command line.
  void add_to(Command& command, const std::string& what_help);

  /// The spec that was asked for, valid. Throws Error{usage} where nothing is named, or two targets
  /// are, and as find_spec and set_key do.
  Spec spec() const;
  /// Changes a spec by what was given.
  void apply(Spec& spec) const;

  /// WHAT as it was given, or empty.
  const std::string& what() const { return what_; }
  /// What names the run's folder.
  std::string name() const;
  /// Throws Error{usage} where an option is there that would change a run that is resumed: any but
  /// WHAT and
  /// --threads.
  void refuse_in_resume() const;

 private:
  /// Another spelling of a key.
  struct Shorthand {
    const char* name;
    const char* key;
    const char* help;
    std::string value{};
    CommandOption option{};
  };

  bool named() const { return what_option_.given(); }
  bool has_formula() const { return density_option_.given() || log_density_option_.given(); }
  /// The file that takes the place of WHAT; empty where there is none.
  const std::string& file() const {
    return !samples_.empty() ? samples_ : !stan_.empty() ? stan_ : plugin_;
  }
  /// Whether the option of a key was given.
  bool given(std::string_view key) const;
  void apply_formula(Spec& spec) const;
  void refuse_two_targets() const;
  void refuse_with_figure3() const;

  std::string what_;
  CommandOption what_option_;
  std::string samples_;
  std::string stan_;
  std::string plugin_;
  std::string density_;
  CommandOption density_option_;
  std::string log_density_;
  CommandOption log_density_option_;
  std::string coordinates_;
  std::string data_;
  std::string init_;
  std::vector<std::string> set_;
  std::vector<Shorthand> shorthands_;
};

}  // namespace riffle
