#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bases/base.h"
#include "core/aligned.h"
#include "support/failures.h"
#include "support/mutation.h"

namespace riffle::test {

/// A registered base with one of its variants.
struct BaseCase {
  const BaseEntry* entry;
  std::string_view variant;

  std::string text() const;
  std::string name() const;  // as GoogleTest allows it
  template <class T>
  std::unique_ptr<Base<T>> make(std::size_t dim,
                                InstructionSet set = InstructionSet::best()) const {
    return make_base<T>(text(), dim, set);
  }
  /// Where the density ends, in every coordinate; of bases of bounded support.
  std::optional<std::pair<double, double>> support() const;

  friend void PrintTo(const BaseCase& c, std::ostream* out);
};

/// Every registered base with each of its variants.
std::vector<BaseCase> base_cases();

struct BaseParameters {
  std::string name;
  std::vector<double> values;
};
/// The initial values, and others around them at several scales. Of a base without parameters one
/// set, which is empty.
std::vector<BaseParameters> parameter_sets(const BaseCase& base, std::size_t dim);

template <class T>
std::vector<T> as(const std::vector<double>& values) {
  std::vector<T> result;
  for (const double v : values) result.push_back(static_cast<T>(v));
  return result;
}

/// Where, with which weights and with which cotangents a base is looked at.
template <class T>
struct BaseInput {
  std::vector<T> params;
  TileBuffer<T> z;  // draws, not all of them the base's
  AlignedVector<T> weight;
  TileBuffer<T> g;  // of draws
  std::size_t count;
  std::uint64_t first;  // sample, from which on `sample` draws
};
template <class T>
BaseInput<T> make_input(const BaseCase& base, std::size_t dim, const std::vector<double>& params,
                        std::size_t count, std::uint64_t seed);

/// What the methods of a base make of an input; gradients are added to nothing.
template <class T>
struct BaseOutput {
  TileBuffer<T> draws;         // sample
  std::vector<T> sample_grad;  // sample_vjp of these draws
  AlignedVector<T> log_density;
  TileBuffer<T> score;  // log_density_vjp
  std::vector<T> density_grad;
};
template <class T>
BaseOutput<T> run(const Base<T>& base, const BaseInput<T>& in);

inline constexpr RandomStream base_stream{20, Purpose::evaluation, 9};

// Checks of the double maths. `out` is what is judged; it may have been broken on purpose.

/// score and density_grad are the derivatives of log_density, by dual numbers.
Failures check_density_gradient(const BaseCase& base, const BaseInput<double>& in,
                                const BaseOutput<double>& out);
/// sample_grad is the derivative of the draws, by dual numbers. Of bases that are not implicit.
Failures check_sample_gradient(const BaseCase& base, const BaseInput<double>& in,
                               const BaseOutput<double>& out);

/// The velocities ∂z/∂θ_i that sample_vjp claims, for draws at points that are given: v[i][d].
std::vector<std::vector<double>> velocities(const Base<double>& base,
                                            const std::vector<double>& params,
                                            const std::vector<double>& point);
/// Draws that move with these velocities follow the density as it changes:
///   ∂ln q/∂θ + Σ_d (v_d ∂ln q/∂z_d + ∂v_d/∂z_d) = 0,
/// by finite differences. Of implicit bases. `breakage` is what is done to the velocities: null, or
/// something that should make the check fail.
Failures check_transport(const BaseCase& base, std::size_t dim, const std::vector<double>& params,
                         std::uint64_t seed, const Mutation* breakage = nullptr);

}  // namespace riffle::test
