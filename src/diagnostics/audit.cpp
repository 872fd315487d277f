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
#include "diagnostics/round_trip.h"
#include "model/draws.h"
#include "model/log_density.h"

namespace riffle {
namespace {

// Steps of the audit's stream; those of disturbances lie above.
constexpr std::uint64_t draws_step = 0;
constexpr std::uint64_t importance_step = 1;
constexpr std::uint64_t extremes_step = 2;

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

/// Errors of one kind of figure, each with how much of it is taken for rounding: of those that can
/// be judged the one that exceeds it most or comes nearest to it, and how many cannot.
class ErrorsInBounds {
 public:
  explicit ErrorsInBounds(double relative) : relative_(relative), allowed_(relative) {}

  /// Returns whether the error is taken, or cannot be judged. `size` is that of the figure;
  /// `indistinct`: where it is not taken, it cannot be judged.
  bool add(double error, double size, double spread, bool indistinct = false) {
    const double scale = 1 + std::abs(size);
    const double allowed = relative_ + spread_factor * (spread / scale);
    double relative = error / scale;
    if (std::isnan(relative)) relative = std::numeric_limits<double>::infinity();
    const double ratio = relative / allowed;
    if (!(allowed <= doubtful) || (indistinct && ratio > 1)) {
      ++left_out_;
      return true;
    }
    ++judged_;
    if (ratio > ratio_) {
      ratio_ = ratio;
      error_ = relative;
      allowed_ = allowed;
    }
    return ratio <= 1;
  }

  void leave_out() { ++left_out_; }

  std::uint64_t judged() const { return judged_; }
  std::uint64_t left_out() const { return left_out_; }
  double error() const { return error_; }

  /// As a result; `found` is the text before the error, `what` were looked at. One error beyond its
  /// bound is a fault, however few can be judged; where most cannot, the others say nothing.
  AuditResult result(std::string name, std::string_view found, std::string_view what) const {
    AuditResult result{
        std::move(name), fmt::format("{}{:.1e}, {} {}", found, error_, judged_, what),
        fmt::format("{:.1e}", allowed_), ratio_ <= 1 ? AuditOutcome::ok : AuditOutcome::failed, ""};
    if (left_out_ > 0) {
      result.note =
          fmt::format("cannot tell of {} of {} {}: rounding may come to 1 %, or leave z open",
                      left_out_, judged_ + left_out_, what);
    }
    if (judged_ == 0) {
      result.found = fmt::format("no {} that stand out from rounding", what);
      result.bound = "";
    }
    if (result.outcome == AuditOutcome::ok && judged_ <= left_out_) {
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
    const auto trips = round_trips(flow_, z, invertible_, executor_);
    const auto n = std::min<std::size_t>(dense_points(), trips.each.size());
    const auto dense = determinants(std::span(z).first(n * dim_));
    const bool one_sign = have_one_sign(dense);
    return {injectivity(dense),
            by_inverse("round trip", [&] { return round_trip(trips, one_sign); }),
            log_det(trips, dense),
            by_inverse("ln q both ways", [&] { return log_q_both_ways(trips, one_sign); }),
            by_inverse("normalisation", [&] { return normalisation(trips); }),
            extremes(z)};
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

  /// How many determinants are positive and negative beyond doubt.
  static std::array<std::size_t, 2> signs_of(const std::vector<Determinant>& dense) {
    std::array<std::size_t, 2> signs{};
    for (const auto& d : dense) {
      if (d.sign != 0 && d.spread <= doubtful) ++signs[d.sign > 0 ? 0 : 1];
    }
    return signs;
  }

  /// Whether determinants tell that the map does not fold: a single one cannot, nor can none.
  static bool have_one_sign(const std::vector<Determinant>& dense) {
    const auto signs = signs_of(dense);
    return std::min(signs[0], signs[1]) == 0 && signs[0] + signs[1] > 1;
  }

  AuditResult injectivity(const std::vector<Determinant>& dense) const {
    AuditResult result{"injectivity", "no layer folds", "one sign", AuditOutcome::ok, ""};
    const auto signs = signs_of(dense);
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

  /// Whether y leaves open from which z it came; `injective`: as far as determinants tell.
  static bool open(const RoundTrip& p, bool injective) {
    return injective ? p.same_y : p.indistinct;
  }

  AuditResult round_trip(const RoundTrips& trips, bool one_sign) const {
    ErrorsInBounds errors(tolerance<T>);
    for (const auto& p : trips.each) {
      if (!p.finite) continue;
      // A draw that does not come back is an error, however its neighbours in rounding fare.
      errors.add(p.error, p.z_size, p.returned ? p.error_spread : 0, open(p, one_sign));
    }
    return with_lost(errors.result("round trip", "|f⁻¹(f(z)) - z|: ", "draws"), trips);
  }

  /// The result, with a word of the draws that were not finite.
  static AuditResult with_lost(AuditResult result, const RoundTrips& trips) {
    const auto lost = std::count_if(trips.each.begin(), trips.each.end(),
                                    [](const RoundTrip& p) { return !p.finite; });
    if (lost > 0) {
      result.note +=
          fmt::format("{}{} draws were not finite", result.note.empty() ? "" : "; ", lost);
    }
    return result;
  }

  AuditResult log_det(const RoundTrips& trips, const std::vector<Determinant>& dense) const {
    if (dense.empty()) {
      return not_checked("log-det",
                         fmt::format("a dense determinant in D = {} costs too much", dim_));
    }
    ErrorsInBounds errors(tolerance<T>);
    for (std::size_t i = 0; i < dense.size(); ++i) {
      const auto& p = trips.each[i];
      if (!p.finite) continue;
      errors.add(std::abs(p.log_det - dense[i].log_abs), dense[i].log_abs,
                 p.log_det_spread + dense[i].spread);
    }
    return errors.result("log-det", "dense Jacobian: ", "draws");
  }

  /// Between ln q forward and by inverse. Where y does not tell which z it came from, forward may
  /// start from the one that the inverse gives.
  static double log_q_error(const RoundTrip& p, bool is_open) {
    const double error = std::abs(p.log_q_back - p.log_q);
    const double other = std::abs(p.log_q_back - p.log_q_returned);
    return is_open && other < error ? other : error;
  }

  AuditResult log_q_both_ways(const RoundTrips& trips, bool one_sign) const {
    ErrorsInBounds errors(tolerance<T>);
    for (const auto& p : trips.each) {
      if (!p.finite) continue;
      errors.add(log_q_error(p, open(p, one_sign)), p.log_q,
                 p.returned ? p.log_q_spread + p.log_q_back_spread : 0);
    }
    return with_lost(errors.result("ln q both ways", "forward - inverse: ", "draws"), trips);
  }

  AuditResult normalisation(const RoundTrips& trips) const {
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
    const double rounding = mass_in_doubt(trips);
    return dim_ <= 2 ? by_quadrature(draws, log_q, rounding)
                     : by_importance(draws, log_q, rounding);
  }

  /// By how much rounding of ln q may change ∫q: ∫ q |δ ln q|, over the draws.
  static double mass_in_doubt(const RoundTrips& trips) {
    double sum = 0;
    for (const auto& p : trips.each) sum += std::min(1.0, spread_factor * p.log_q_back_spread);
    return sum / static_cast<double>(trips.each.size());
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
    // The estimated error of cells that are still too coarse was seen to be four times too small.
    constexpr double unresolved = 10;
    const double doubt =
        rounding + (q.cut_short ? unresolved : 1) * q.error +
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

  /// Whether a draw of the base may come to lie at this distance from the origin, along any axis:
  /// its density there, by that of a draw, times the distance, which is about the mass beyond for
  /// tails of any kind, is above what a uniform number of 64 bits resolves. For the normal base
  /// that is at 9.6.
  bool reached(double radius, std::span<const double> draws) const {
    constexpr std::size_t most_draws = 8;
    constexpr std::size_t most_axes = 64;
    constexpr double log_resolution = -44.4;
    const std::size_t n = std::min(most_draws, draws.size() / dim_);
    const std::size_t stride = (dim_ + most_axes - 1) / most_axes;
    TileBuffer<T> z(dim_);
    AlignedVector<T> log_q0(tile_size);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t axis = 0; axis < dim_; axis += stride) {
        for (std::size_t d = 0; d < dim_; ++d) {
          for (std::size_t s = 0; s < 3; ++s) z.row(d)[s] = static_cast<T>(draws[i * dim_ + d]);
        }
        z.row(axis)[1] = static_cast<T>(radius);
        z.row(axis)[2] = static_cast<T>(-radius);
        model().base().log_density(model().base_part(flow_.params()), z.view(3), log_q0.data());
        const auto farther = static_cast<double>(std::max(log_q0[1], log_q0[2]));
        if (farther - static_cast<double>(log_q0[0]) + std::log(radius) >= log_resolution) {
          return true;
        }
      }
    }
    return false;
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

  /// What is wrong far out, where draws get and up to |z| = 1000, where a flow must have numbers,
  /// is a fault. Beyond, it may have none, and where those that it has disagree, no more is told
  /// than that: what rounding does to numbers of 1e150 on their way through cancellations is not
  /// measured by a few disturbances.
  AuditResult extremes(std::span<const double> draws) const {
    constexpr double always_right = 1e3;
    ErrorsInBounds errors(tolerance<T>);
    ErrorsInBounds beyond(tolerance<T>);
    std::optional<std::string> wrong;
    std::optional<std::string> apart;
    double right_to = 0;
    double finite_to = 0;
    bool all_finite = true;
    for (const double radius : radii<T>()) {
      const bool near = radius <= always_right || reached(radius, draws);
      const auto z = far_points(radius);
      const auto trips = round_trips(flow_, z, invertible_, executor_);
      const auto reference = round_trips(exact_, z, false, executor_);
      const auto dense = dense_points() > 0 ? determinants(z) : std::vector<Determinant>();
      for (std::size_t s = 0; s < trips.each.size(); ++s) {
        all_finite = all_finite && trips.each[s].finite;
        auto what = wrong_number(trips, reference, dense, s, near, near ? errors : beyond);
        if (what.empty() && radius <= always_right) what = no_number(trips.each[s]);
        auto& first = near ? wrong : apart;
        if (!what.empty() && !first) first = fmt::format("|z| = {:.0e}: {}", radius, what);
      }
      if (all_finite) finite_to = radius;
      if (!wrong && !apart) right_to = radius;
    }
    auto result = errors.result("extremes", "", "figures");
    const auto last = radii<T>().back();
    if (wrong) {
      result.outcome = AuditOutcome::failed;
      result.found = *wrong;
    } else if (errors.judged() > 0) {
      result.found = fmt::format("|z| to {:.0e}: {:.1e}", apart ? right_to : last, errors.error());
      if (finite_to < last) add_note(result, fmt::format("all finite to {:.0e}", finite_to));
      if (apart) {
        result.outcome = AuditOutcome::not_checked;
        add_note(result, "cannot tell of " + *apart + ", where no draw gets: it may be rounding");
      }
    }
    if (beyond.left_out() > 0) {
      const auto share =
          fmt::format("{} of {}", beyond.left_out(), beyond.left_out() + beyond.judged());
      add_note(result, errors.left_out() > 0
                           ? fmt::format("nor of {} where no draw gets", share)
                           : fmt::format("where no draw gets, rounding leaves {} open", share));
    }
    return result;
  }

  static void add_note(AuditResult& result, const std::string& note) {
    result.note += (result.note.empty() ? "" : "; ") + note;
  }

  /// Of a point from which a flow must have a way there and back.
  std::string_view no_number(const RoundTrip& p) const {
    if (!p.y_finite) return "f(z) is not finite";
    if (!p.finite) return "the log-det is not finite";
    return invertible_ && !p.returned ? "the inverse is not finite" : "";
  }

  /// What is wrong of one far point, in words; empty where nothing is. `near`: where draws get, a
  /// map that folds is told from one that is flat to rounding.
  std::string_view wrong_number(const RoundTrips& trips, const RoundTrips& reference,
                                const std::vector<Determinant>& dense, std::size_t s, bool near,
                                ErrorsInBounds& errors) const {
    const auto& p = trips.each[s];
    const auto& exact = reference.each[s];
    if (!p.finite) return p.has_nan && std::isfinite(p.log_q) ? "ln q of what is no number" : "";
    double y_error = 0;
    for (std::size_t d = 0; d < dim_; ++d) {
      const double error = std::abs(trips.y[s * dim_ + d] - reference.y[s * dim_ + d]);
      y_error =
          std::isnan(error) ? std::numeric_limits<double>::infinity() : std::max(y_error, error);
    }
    if (!errors.add(y_error, p.y_size, p.y_spread + (exact.finite ? exact.y_spread : 0))) {
      return "f(z) is wrong";
    }
    const bool has_dense = !dense.empty() && std::isfinite(dense[s].log_abs);
    const double log_det = has_dense ? dense[s].log_abs : exact.log_det;
    const double log_det_spread = has_dense ? dense[s].spread : exact.log_det_spread;
    if (!errors.add(std::abs(p.log_det - log_det), log_det, p.log_det_spread + log_det_spread)) {
      return "the log-det is wrong";
    }
    // Far out an inverse may have none to give; what it gives must be right.
    if (!invertible_ || !p.returned) return "";
    const bool is_open = open(p, !near);
    const auto left_out = errors.left_out();
    if (!errors.add(p.error, p.z_size, p.error_spread, is_open)) return "the inverse is wrong";
    if (errors.left_out() > left_out) {  // as is which z it was, so is ln q
      errors.leave_out();
      return "";
    }
    if (std::isfinite(p.log_q)) {
      if (!errors.add(log_q_error(p, is_open), p.log_q, p.log_q_spread + p.log_q_back_spread)) {
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
