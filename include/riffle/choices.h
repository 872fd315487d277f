#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

// Choices of a spec and outcomes of a run: each is an enumeration whose names, those of spec files,
// summary.json and the screen, stand beside it and nowhere else.

namespace riffle {

/// Names of an enumeration's values, in their order, and what messages call one of them.
template <class E>
struct ChoiceNames;

template <class E>
concept NamedEnum = requires {
  ChoiceNames<E>::all;
};

/// How a run finds its flow.
enum class Method {
  flow,    ///< trains flow.layers by the objective as the spec says
  staged,  ///< finds out by itself what the target needs
  figure3  ///< fits the targets and flows of figure 3 of Rezende & Mohamed (2015)
};
template <>
struct ChoiceNames<Method> {
  static constexpr std::string_view kind = "run.method";
  static constexpr std::array<std::string_view, 3> all{"flow", "staged", "figure3"};
};

/// What a flow computes in.
enum class Precision { float32, float64 };
template <>
struct ChoiceNames<Precision> {
  static constexpr std::string_view kind = "precision";
  static constexpr std::array<std::string_view, 2> all{"float", "double"};
};

/// Whether the draws of a posterior's report are resampled by their weights.
enum class Resampling { none, psis };
template <>
struct ChoiceNames<Resampling> {
  static constexpr std::string_view kind = "run.resample";
  static constexpr std::array<std::string_view, 2> all{"none", "psis"};
};

/// The layout of a posterior's draws.csv.
enum class DrawsFormat {
  plain,   ///< a header and numbers
  cmdstan  ///< as CmdStan's pathfinder writes them
};
template <>
struct ChoiceNames<DrawsFormat> {
  static constexpr std::string_view kind = "layout of draws";
  static constexpr std::array<std::string_view, 2> all{"plain", "cmdstan"};
};

/// Why a fit ended.
enum class StopReason { completed, early_stopped, interrupted, diverged, out_of_budget };
template <>
struct ChoiceNames<StopReason> {
  static constexpr std::string_view kind = "stop reason";
  static constexpr std::array<std::string_view, 5> all{"completed", "early-stopped", "interrupted",
                                                       "diverged", "out-of-budget"};
};

/// What made the draws of a posterior's report.
enum class DrawsBy {
  flow,    ///< independent, of q
  sampler  ///< chains of p
};
template <>
struct ChoiceNames<DrawsBy> {
  static constexpr std::string_view kind = "draws_by";
  static constexpr std::array<std::string_view, 2> all{"flow", "sampler"};
};

/// What a fit to a posterior is good for; docs/verdict.md has the rules.
enum class Grade {
  reliable,                    ///< the draws can be used as they are
  reliable_after_reweighting,  ///< with their weights, or resampled by them
  unreliable
};
template <>
struct ChoiceNames<Grade> {
  static constexpr std::string_view kind = "verdict";
  static constexpr std::array<std::string_view, 3> all{"reliable", "reliable-after-reweighting",
                                                       "unreliable"};
};

template <NamedEnum E>
constexpr std::string_view name_of(E value) {
  return ChoiceNames<E>::all[static_cast<std::size_t>(value)];
}

/// The place of a name among others; throws Error{usage} naming the nearest one. For choice_named.
std::size_t place_of_name(std::string_view kind, std::string_view name,
                          std::span<const std::string_view> names);

/// The value of that name; throws Error{usage} naming the nearest one.
template <NamedEnum E>
E choice_named(std::string_view name) {
  return static_cast<E>(place_of_name(ChoiceNames<E>::kind, name, ChoiceNames<E>::all));
}

}  // namespace riffle
