#include "diagnostics/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>

#include "diagnostics/dense_log_det.h"
#include "diagnostics/normalisation.h"
#include "diagnostics/passage.h"
#include "model/draws.h"
#include "model/log_density.h"

namespace riffle {
namespace {

// Steps of the audit's stream; those of disturbances lie above.
constexpr std::uint64_t draws_step = 0;
constexpr std::uint64_t importance_step = 1;
constexpr std::uint64_t extremes_step = 2;

/// How much of the spread under disturbances is taken for rounding.
constexpr double spread_factor = 32;
/// Where rounding alone may be off by this much, relative, nothing can be told.
constexpr double doubtful = 1e-2;

template <class T>
constexpr double tolerance = std::is_same_v<T, float> ? 1e-4 : 1e-10;
template <class T>
constexpr double mass_tolerance = std::is_same_v<T, float> ? 1e-3 : 1e-4;

template <class T>
std::span<const double> radii() {
  static constexpr std::array<double, 5> of_float{30, 1e3, 1e8, 1e18, 1e37};
  static constexpr std::array<double, 6> of_double{30, 1e3, 1e8, 1e16, 1e150, 1e300};
  if constexpr (std::is_same_v<T, float>) {
    return of_float;
  } else {
    return of_double;
  }
}

/// Of errors, each with what is taken of it, the one that exceeds it most or comes nearest to it.
class Worst {
 public:
  explicit Worst(double relative) : relative_(relative), allowed_(relative) {}

  /// Returns whether the error is taken, or cannot be judged. `size` is that of the figure.
  bool add(double error, double size, double spread) {
    const double scale = 1 + std::abs(size);
    const double allowed = relative_ + spread_factor * (spread / scale);
    if (!(allowed <= doubtful)) {
      ++left_out_;
      return true;
    }
    ++judged_;
    double relative = error / scale;
    if (std::isnan(relative)) relative = std::numeric_limits<double>::infinity();
    const double ratio = relative / allowed;
    if (ratio > ratio_) {
      ratio_ = ratio;
      error_ = relative;
      allowed_ = allowed;
    }
    return ratio <= 1;
  }

  std::uint64_t judged() const { return judged_; }
  double error() const { return error_; }

  /// As a result; `found` is the text before the error, `what` were looked at.
  AuditResult result(std::string name, std::string_view found, std::string_view what) const {
    AuditResult result{
        std::move(name), fmt::format("{}{:.1e}, {} {}", found, error_, judged_, what),
        fmt::format("{:.1e}", allowed_), ratio_ <= 1 ? AuditOutcome::ok : AuditOutcome::failed, ""};
    if (left_out_ > 0) {
      result.note = fmt::format("{} left out: there rounding alone may come to 1 %", left_out_);
    }
    if (judged_ == 0) {
      result.found = fmt::format("no {} that stand out from rounding", what);
      result.outcome = AuditOutcome::not_checked;
    }
    return result;
  }

 private:
  double relative_;
  double allowed_;
  double error_ = 0;
  double ratio_ = -1;
  std::uint64_t judged_ = 0;
  std::uint64_t left_out_ = 0;
};

AuditResult not_checked(std::string name, std::string found, std::string note = {}) {
  return {std::move(name), std::move(found), "", AuditOutcome::not_checked, std::move(note)};
}

/// A determinant, and how far rounding may have moved its logarithm.
struct Determinant {
  double log_abs;
  double spread;
  int sign;
};

template <class T>
class Audit {
 public:
  Audit(const FlowModel<T>& model, const FlowModel<double>& exact, std::span<const T> params,
        const AuditOptions& options, Executor& executor)
      : dim_(model.dim()),
        options_(options),
        executor_(executor),
        exact_params_(params.begin(), params.end()),
        flow_(model, params, options.seed),
        exact_(exact, exact_params_, options.seed + 1),
        injective_(model.injective(params)),
        invertible_(injective_ && model.flow().has_inverse()) {}

  std::vector<AuditResult> run() {
    const auto z = base_draws();
    const auto passage = pass(flow_, z, invertible_, executor_);
    const auto n = std::min<std::size_t>(dense_points(), passage.each.size());
    const auto dense = determinants(std::span(z).first(n * dim_));
    return {injectivity(dense),
            by_inverse("round trip", [&] { return round_trip(passage); }),
            log_det(passage, dense),
            by_inverse("ln q both ways", [&] { return log_q_both_ways(passage); }),
            by_inverse("normalisation", [&] { return normalisation(passage); }),
            extremes()};
  }

 private:
  const FlowModel<T>& model() const { return flow_.model(); }

  std::vector<double> base_draws() const {
    std::vector<double> rows;
    TileBuffer<T> z(dim_);
    AlignedVector<T> cache(model().base().cache_size());
    const RandomStream stream{options_.seed, Purpose::audit, draws_step};
    for (std::uint64_t first = 0; first < options_.draws; first += tile_size) {
      const auto count =
          static_cast<std::size_t>(std::min<std::uint64_t>(tile_size, options_.draws - first));
      model().base().sample(model().base_part(flow_.params()), stream, first, z.view(count),
                            cache.data());
      for (std::size_t s = 0; s < count; ++s) {
        for (std::size_t d = 0; d < dim_; ++d) rows.push_back(static_cast<double>(z.row(d)[s]));
      }
    }
    return rows;
  }

  /// At how many points the cost of a dense determinant, of order D³, allows one; 0 for none.
  std::size_t dense_points() const {
    constexpr double most = 512;
    constexpr double operations = 4e7;
    constexpr std::size_t largest_dim = 600;
    if (dim_ > largest_dim) return 0;
    const auto d = static_cast<double>(dim_);
    return static_cast<std::size_t>(std::clamp(operations / (d * d * d), 1.0, most));
  }

  std::vector<Determinant> determinants(std::span<const double> z) const {
    std::vector<Determinant> all;
    for (const auto& d : dense_log_det(exact_.model(), exact_.params(), z)) {
      all.push_back({d.log_abs, 0, d.sign});
    }
    std::vector<double> other_z(z.size());
    for (std::size_t k = 0; k < exact_.disturbances(); ++k) {
      for (std::size_t i = 0; i < z.size(); ++i) {
        other_z[i] = exact_.disturb(z[i], k, i / dim_, i % dim_);
      }
      const auto other = dense_log_det(exact_.model(), exact_.disturbed(k), other_z);
      for (std::size_t i = 0; i < all.size(); ++i) {
        const double moved = std::abs(other[i].log_abs - all[i].log_abs);
        all[i].spread = std::max(
            all[i].spread, std::isnan(moved) ? std::numeric_limits<double>::infinity() : moved);
      }
    }
    return all;
  }

  template <class Check>
  AuditResult by_inverse(std::string name, Check&& check) const {
    if (!injective_) return not_checked(std::move(name), "the map folds, and has no inverse");
    if (!invertible_) {
      return not_checked(std::move(name), "there is no inverse",
                         std::string(model().flow().no_inverse_reason()));
    }
    return check();
  }

  AuditResult injectivity(const std::vector<Determinant>& dense) const {
    AuditResult result{"injectivity", "no layer folds", "one sign", AuditOutcome::ok, ""};
    std::array<std::size_t, 2> signs{};
    for (const auto& d : dense) {
      if (d.sign != 0 && d.spread <= doubtful) ++signs[d.sign > 0 ? 0 : 1];
    }
    if (!injective_) {
      result.outcome = AuditOutcome::failed;
      result.found = "the map is not injective";
      const auto& chain = model().flow();
      const auto params = model().flow_part(flow_.params());
      for (std::size_t k = 0; k < chain.length(); ++k) {
        if (chain.layer(k).injective(chain.part(params, k))) continue;
        result.found = fmt::format("layer {} folds", k);
        break;
      }
    } else if (signs[0] > 0 && signs[1] > 0) {
      result.outcome = AuditOutcome::failed;
      result.found = "det changes its sign";
    }
    const auto points = signs[0] + signs[1];
    if (signs[0] == 0 || signs[1] == 0) {
      if (points > 0) {
        result.found += fmt::format("; det {} 0, {} draws", signs[0] > 0 ? '>' : '<', points);
      }
    } else {
      result.note = fmt::format("det > 0 at {} draws, < 0 at {}", signs[0], signs[1]);
    }
    return result;
  }

  AuditResult round_trip(const Passage& passage) const {
    Worst worst(tolerance<T>);
    for (const auto& p : passage.each) {
      if (!p.finite) continue;
      // A draw that does not come back is an error, however its neighbours in rounding fare.
      worst.add(p.round_trip, p.z_size, p.returned ? p.round_trip_spread : 0);
    }
    return with_lost(worst.result("round trip", "|f⁻¹(f(z)) - z|: ", "draws"), passage);
  }

  /// The result, with a word of the draws that were not finite.
  static AuditResult with_lost(AuditResult result, const Passage& passage) {
    const auto lost = std::count_if(passage.each.begin(), passage.each.end(),
                                    [](const Passed& p) { return !p.finite; });
    if (lost > 0) {
      result.note +=
          fmt::format("{}{} draws were not finite", result.note.empty() ? "" : "; ", lost);
    }
    return result;
  }

  AuditResult log_det(const Passage& passage, const std::vector<Determinant>& dense) const {
    if (dense.empty()) {
      return not_checked("log-det",
                         fmt::format("a dense determinant in D = {} costs too much", dim_));
    }
    Worst worst(tolerance<T>);
    for (std::size_t i = 0; i < dense.size(); ++i) {
      const auto& p = passage.each[i];
      if (!p.finite) continue;
      worst.add(std::abs(p.log_det - dense[i].log_abs), dense[i].log_abs,
                p.log_det_spread + dense[i].spread);
    }
    return worst.result("log-det", "dense Jacobian: ", "draws");
  }

  AuditResult log_q_both_ways(const Passage& passage) const {
    Worst worst(tolerance<T>);
    for (const auto& p : passage.each) {
      if (!p.finite) continue;
      worst.add(std::abs(p.log_q_back - p.log_q), p.log_q,
                p.returned ? p.log_q_spread + p.log_q_back_spread : 0);
    }
    return with_lost(worst.result("ln q both ways", "forward - inverse: ", "draws"), passage);
  }

  AuditResult normalisation(const Passage& passage) const {
    constexpr std::uint64_t least_draws = 65'536;
    constexpr std::uint64_t times = 16;
    // In one or two dimensions more of them are cheap, and show where to look.
    const auto n = dim_ > 2
                       ? options_.draws
                       : std::max(options_.draws, std::min(times * options_.draws, least_draws));
    const auto drawn = draw<T>(model(), nullptr, flow_.params(),
                               {options_.seed, Purpose::audit, draws_step}, 0, n);
    std::vector<double> draws;
    for (std::size_t first = 0; first < drawn.z.size(); first += dim_) {
      const auto row = std::span(drawn.z).subspan(first, dim_);
      if (!std::all_of(row.begin(), row.end(), [](double x) { return std::isfinite(x); })) continue;
      draws.insert(draws.end(), row.begin(), row.end());
    }
    if (draws.empty()) return not_checked("normalisation", "no draw is finite");
    const LogDensityAtPoints log_q = [this](std::span<const double> points) {
      return log_density_at(model(), flow_.params(), points, executor_);
    };
    const double rounding = mass_in_doubt(passage);
    return dim_ <= 2 ? by_quadrature(draws, log_q, rounding)
                     : by_importance(draws, log_q, rounding);
  }

  /// By how much rounding of ln q may change ∫q: ∫ q |δ ln q|, over the draws.
  static double mass_in_doubt(const Passage& passage) {
    double sum = 0;
    for (const auto& p : passage.each) sum += std::min(1.0, spread_factor * p.log_q_back_spread);
    return sum / static_cast<double>(passage.each.size());
  }

  AuditResult by_quadrature(std::span<const double> draws, const LogDensityAtPoints& log_q,
                            double rounding) const {
    constexpr std::uint64_t most_evaluations = 400'000;
    constexpr double mass = mass_tolerance<T>;
    const auto q = integrate(draws, dim_, log_q, mass, most_evaluations);
    std::string note = "over ";
    for (const auto& [low, high] : q.box) {
      note += fmt::format("{}[{:.2g}, {:.2g}]", note.ends_with(' ') ? "" : " × ", low, high);
    }
    note += fmt::format(", {} points", q.evaluations);
    if (q.without_number > 0) note += fmt::format(", {} without a number", q.without_number);
    // Of a part of q too narrow to be seen at once, so many draws may say nothing.
    constexpr double overlooked_draws = 10;
    const double doubt =
        rounding + q.error +
        overlooked_draws * static_cast<double>(dim_) / static_cast<double>(draws.size());
    const double allowed = mass + doubt;
    const bool resolved = doubt <= doubtful;
    const bool right = std::abs(q.integral - 1) <= allowed;
    return {"normalisation", fmt::format("∫q = {:.6f} ± {:.0e}", q.integral, q.error),
            fmt::format("1 ± {:.1e}", allowed),
            !resolved ? AuditOutcome::not_checked
            : right   ? AuditOutcome::ok
                      : AuditOutcome::failed,
            resolved ? note : note + ": cannot be told to 1 %"};
  }

  AuditResult by_importance(std::span<const double> draws, const LogDensityAtPoints& log_q,
                            double rounding) const {
    constexpr std::size_t largest_dim = 100;
    constexpr std::size_t points_per_draw = 4;
    constexpr double least_effective = 100;
    constexpr double most_tail = 0.5;  // beyond it the weights have no variance, nor ∫q an error
    constexpr double errors = 5;
    constexpr double mass = 1e-3;
    if (dim_ > largest_dim) {
      return not_checked("normalisation", fmt::format("no reference to weigh by in D = {}", dim_));
    }
    const auto q = integrate_by_importance(
        draws, dim_, log_q, {options_.seed, Purpose::audit, importance_step},
        points_per_draw * static_cast<std::size_t>(options_.draws));
    if (!q.possible) return not_checked("normalisation", "too few draws to fit a reference");
    auto note = fmt::format("{:.0f} effective draws of a Student-t, tail index {:.2f}",
                            q.effective_draws, q.tail_index);
    if (q.without_number > 0) note += fmt::format("; {} without a number", q.without_number);
    const double allowed = mass + rounding + errors * q.standard_error;
    const bool right = std::abs(q.integral - 1) <= allowed;
    const bool covered = q.effective_draws >= least_effective && q.tail_index <= most_tail;
    if (!covered) note += ": it does not cover q";
    return {"normalisation", fmt::format("∫q = {:.4f} ± {:.4f}", q.integral, q.standard_error),
            fmt::format("1 ± {:.1e}", allowed),
            !covered ? AuditOutcome::not_checked
            : right  ? AuditOutcome::ok
                     : AuditOutcome::failed,
            note};
  }

  /// Points at a distance from the origin: in random directions, then along the axes.
  std::vector<double> far_points(double radius) const {
    constexpr std::size_t random_directions = 8;
    constexpr std::size_t on_axes = 8;
    const RandomStream stream{options_.seed, Purpose::audit, extremes_step};
    std::vector<double> rows((random_directions + on_axes) * dim_, 0);
    for (std::size_t s = 0; s < random_directions; ++s) {
      double largest = 0;
      const auto row = std::span(rows).subspan(s * dim_, dim_);
      for (std::size_t d = 0; d < dim_; ++d) {
        row[d] =
            2 * stream.uniform(static_cast<std::uint32_t>(s), static_cast<std::uint32_t>(d)) - 1;
        largest = std::max(largest, std::abs(row[d]));
      }
      for (double& x : row) x *= radius / largest;
    }
    for (std::size_t s = 0; s < on_axes; ++s) {
      rows[(random_directions + s) * dim_ + s / 2 % dim_] = s % 2 == 0 ? radius : -radius;
    }
    for (double& x : rows) x = static_cast<double>(static_cast<T>(x));
    return rows;
  }

  AuditResult extremes() const {
    Worst worst(tolerance<T>);
    std::optional<std::string> wrong;
    double finite_to = 0;
    bool all_finite = true;
    for (const double radius : radii<T>()) {
      const auto z = far_points(radius);
      const auto passage = pass(flow_, z, invertible_, executor_);
      const auto reference = pass(exact_, z, false, executor_);
      const auto dense = dense_points() > 0 ? determinants(z) : std::vector<Determinant>();
      for (std::size_t s = 0; s < passage.each.size(); ++s) {
        all_finite = all_finite && passage.each[s].finite;
        const auto what = wrong_number(passage, reference, dense, s, worst);
        if (!what.empty() && !wrong) wrong = fmt::format("|z| = {:.0e}: {}", radius, what);
      }
      if (all_finite) finite_to = radius;
    }
    auto result = worst.result("extremes", "", "figures");
    if (wrong) {
      result.outcome = AuditOutcome::failed;
      result.found = *wrong;
    } else if (worst.judged() > 0) {
      result.found = fmt::format("|z| to {:.0e}: {:.1e}", radii<T>().back(), worst.error());
      if (finite_to < radii<T>().back()) {
        result.found += finite_to > 0 ? fmt::format(", finite to {:.0e}", finite_to) : "";
      }
    }
    return result;
  }

  /// What is wrong of one far point, in words; empty where nothing is.
  std::string_view wrong_number(const Passage& passage, const Passage& reference,
                                const std::vector<Determinant>& dense, std::size_t s,
                                Worst& worst) const {
    const auto& p = passage.each[s];
    const auto& exact = reference.each[s];
    if (!p.finite) return p.has_nan && std::isfinite(p.log_q) ? "ln q of what is no number" : "";
    double y_error = 0;
    for (std::size_t d = 0; d < dim_; ++d) {
      const double error = std::abs(passage.y[s * dim_ + d] - reference.y[s * dim_ + d]);
      y_error =
          std::isnan(error) ? std::numeric_limits<double>::infinity() : std::max(y_error, error);
    }
    if (!worst.add(y_error, p.y_size, p.y_spread + (exact.finite ? exact.y_spread : 0))) {
      return "f(z) is wrong";
    }
    const bool has_dense = !dense.empty() && std::isfinite(dense[s].log_abs);
    const double log_det = has_dense ? dense[s].log_abs : exact.log_det;
    const double log_det_spread = has_dense ? dense[s].spread : exact.log_det_spread;
    if (!worst.add(std::abs(p.log_det - log_det), log_det, p.log_det_spread + log_det_spread)) {
      return "the log-det is wrong";
    }
    // Far out an inverse may have none to give; what it gives must be right.
    if (!invertible_ || !p.returned) return "";
    if (!worst.add(p.round_trip, p.z_size, p.round_trip_spread)) return "the inverse is wrong";
    if (std::isfinite(p.log_q)) {
      if (!worst.add(std::abs(p.log_q_back - p.log_q), p.log_q,
                     p.log_q_spread + p.log_q_back_spread)) {
        return "ln q by inverse is wrong";
      }
    } else if (std::isinf(p.log_q) && std::isfinite(p.log_q_back) &&
               std::isfinite(p.log_q_back_spread)) {
      return "ln q is finite one way alone";
    }
    return "";
  }

  std::size_t dim_;
  AuditOptions options_;
  Executor& executor_;
  std::vector<double> exact_params_;
  Disturbed<T> flow_;
  Disturbed<double> exact_;
  bool injective_;
  bool invertible_;
};

}  // namespace

template <class T>
std::vector<AuditResult> audit(const FlowModel<T>& model, const FlowModel<double>& exact,
                               std::span<const T> params, const AuditOptions& options,
                               Executor& executor) {
  return Audit<T>(model, exact, params, options, executor).run();
}

template std::vector<AuditResult> audit(const FlowModel<float>&, const FlowModel<double>&,
                                        std::span<const float>, const AuditOptions&, Executor&);
template std::vector<AuditResult> audit(const FlowModel<double>&, const FlowModel<double>&,
                                        std::span<const double>, const AuditOptions&, Executor&);

}  // namespace riffle
