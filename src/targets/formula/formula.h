#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/instruction_set.h"
#include "riffle/error.h"
#include "riffle/formula.h"
#include "targets/density.h"
#include "targets/formula/program.h"

namespace riffle {

/// What is wrong with the text of a formula, and where. The message names line and column.
class FormulaError : public Error {
 public:
  FormulaError(std::string_view origin, std::string_view text, std::size_t at,
               const std::string& why);

  /// The line of the text that is at fault, cut to what is near, and below it a caret.
  const std::string& excerpt() const { return excerpt_; }

 private:
  std::string excerpt_;
};

/// A density or log density as a formula in named coordinates.
struct Formula {
  std::vector<std::string> coordinates;
  formula::Program program;  ///< of ln p

  std::size_t dim() const { return coordinates.size(); }
};

/// Reads a formula (docs/formulas.md). Without coordinates, they are the free names in the order
/// they appear in. Throws FormulaError; `origin` is where the text comes from, in its messages.
Formula parse_formula(std::string_view text, FormulaKind kind,
                      std::span<const std::string> coordinates, std::string_view origin);

/// Names of coordinates from a list such as "x, y"; empty for an empty list. Throws Error{usage}
/// for what is no name, or is there twice.
std::vector<std::string> parse_coordinates(std::string_view list, std::string_view origin);

/// ln p of a formula. Thread-safe; evaluations allocate nothing once a thread has made one.
template <class T>
std::unique_ptr<Density<T>> make_formula_density(const Formula& formula, InstructionSet set);

/// The formula as a target, whose parameters are its coordinates. Evaluations that give NaN are
/// counted as failures.
std::unique_ptr<Target> make_formula_target(Formula formula, std::string text, InstructionSet set);

/// A function that formulas can call, or another word that they know.
struct FormulaWord {
  std::string_view name;
  std::string_view arguments;  ///< such as "x, ..."; empty of a constant
  std::string_view meaning;
};

/// All functions and constants.
std::span<const FormulaWord> formula_words();

}  // namespace riffle
