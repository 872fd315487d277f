#include "posterior/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "diagnostics/convergence.h"
#include "diagnostics/importance.h"
#include "diagnostics/parameter_summary.h"
#include "posterior/affine_parameters.h"
#include "posterior/normal.h"
#include "sampling/annealing.h"

namespace riffle {
namespace {

using Eigen::Index;

constexpr std::size_t per_tile = 16;  ///< chains, so that a few threads have work

/// Mean and covariance of rows, drawn to the diagonal the more the fewer rows count.
std::optional<Normal> normal_to(std::span<const double> rows, std::size_t dim, double effective) {
  const auto n = static_cast<Index>(rows.size() / dim);
  const auto d = static_cast<Index>(dim);
  const Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> x(
      rows.data(), n, d);
  const Eigen::VectorXd mean = x.colwise().mean().transpose();
  const Eigen::MatrixXd off = x.rowwise() - mean.transpose();
  Eigen::MatrixXd covariance = off.transpose() * off / static_cast<double>(n);
  const double kept = effective / (effective + static_cast<double>(dim));
  const Eigen::VectorXd diagonal = covariance.diagonal();
  covariance *= kept;
  covariance.diagonal() = diagonal;
  return make_normal(mean, covariance);
}

/// Adds ln q0 at points of the base's coordinates, row-major [n][dim].
void add_base_density(const FlowModel<double>& model, std::span<const double> params,
                      std::span<const double> points, std::span<double> log_density) {
  TileBuffer<double> tile(model.dim());
  alignas(64) std::array<double, tile_size> found{};
  for (std::size_t first = 0; first < log_density.size(); first += tile_size) {
    const std::size_t count = std::min(tile_size, log_density.size() - first);
    for (std::size_t d = 0; d < model.dim(); ++d) {
      for (std::size_t s = 0; s < tile_size; ++s) {
        tile.row(d)[s] = points[(first + std::min(s, count - 1)) * model.dim() + d];
      }
    }
    model.base().log_density(model.base_part(params), tile.view(count), found.data());
    for (std::size_t s = 0; s < count; ++s) log_density[first + s] += found[s];
  }
}

/// The worst figures over coordinates.
VerdictEvidence::Sampler worst_convergence(const Chains& chains) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  VerdictEvidence::Sampler worst{.chains = chains.chains,
                                 .length = chains.length,
                                 .r_hat = 0,
                                 .ess_bulk = infinity,
                                 .ess_tail = infinity};
  const std::size_t dim = chains.draws.dim;
  std::vector<double> column(chains.draws.log_q.size());
  for (std::size_t d = 0; d < dim; ++d) {
    for (std::size_t i = 0; i < column.size(); ++i) column[i] = chains.draws.z[i * dim + d];
    const auto c = convergence(column, chains.chains);
    const double r_hat = std::isnan(c.r_hat) ? infinity : c.r_hat;
    if (r_hat > worst.r_hat) {
      worst.r_hat = r_hat;
      worst.coordinate = d;
    }
    worst.ess_bulk = std::min(worst.ess_bulk, std::isnan(c.ess_bulk) ? 0 : c.ess_bulk);
    worst.ess_tail = std::min(worst.ess_tail, std::isnan(c.ess_tail) ? 0 : c.ess_tail);
  }
  worst.failed =
      static_cast<double>(chains.kept.failed) / static_cast<double>(chains.kept.proposals);
  return worst;
}

class Sampler {
 public:
  Sampler(const TrainedModel<double>& q, const Density<double>& target,
          const SamplerOptions& options, Executor& executor)
      : q_(q),
        target_(target),
        options_(options),
        executor_(executor),
        can_whiten_(has_normal_like_base(q)),
        stream_{options.seed, Purpose::sampler, options.number << 32} {}

  std::optional<Sampled> run() {
    if (!begin()) return std::nullopt;
    for (std::size_t length = options_.first_length; length <= options_.most_length; length *= 2) {
      if (!round(length)) break;
      if (found_.rounds > 1 && found_.converged) break;
      if (is_stuck()) break;
    }
    if (found_.rounds == 0) return std::nullopt;
    return std::move(found_);
  }

 private:
  /// Chains at particles, which are chosen by their weights.
  bool begin() {
    ParticleOptions how;
    how.particles = options_.particles;
    how.islands = 1;
    how.stop = stop_;
    if (stop_(how.particles * (1 + how.moves * how.transition.steps))) return false;
    const auto particles =
        anneal(*q_.model, q_.all(), target_, how, stream_, executor_, options_.set);
    stream_.step += std::uint64_t{1} << 24;
    found_.gradients += particles.gradients;
    found_.temperatures = particles.steps.size();
    if (!(particles.beta == 1)) return false;
    const auto weights = normalised_weights(particles.log_weights);
    if (weights.empty()) return false;
    // Systematic, in the order of the particles, whose siblings are neighbours.
    double upto = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      upto += weights[i] * static_cast<double>(options_.chains);
      while (chosen() + 0.5 < upto) {
        const auto row = particles.u.begin() + static_cast<std::ptrdiff_t>(i * dim());
        at_.insert(at_.end(), row, row + static_cast<std::ptrdiff_t>(dim()));
      }
    }
    while (chosen() < static_cast<double>(options_.chains)) {
      at_.insert(at_.end(), particles.u.end() - static_cast<std::ptrdiff_t>(dim()),
                 particles.u.end());
    }
    if (can_whiten_ && q_.base != "standard-normal") {
      next_ = normal_to(particles.u, dim(), static_cast<double>(how.particles));
    }
    steps_.narrow.step_size = particles.steps.empty() ? 1 : particles.steps.back().step_size;
    found_.model = q_;
    return true;
  }

  /// Chains that a round twice as long brings no nearer to each other are in different modes.
  bool is_stuck() {
    constexpr double apart = 1.2;
    constexpr double far_apart = 1.7;
    const double now = found_.found.r_hat;
    const double before = std::exchange(r_hat_before_, now);
    const bool no_nearer = now - 1 > 0.7 * (before - 1);
    return no_nearer &&
           ((found_.rounds > 2 && now > apart) || (found_.rounds > 1 && now > far_apart));
  }

  std::size_t dim() const { return q_.model->dim(); }
  double chosen() const { return static_cast<double>(at_.size() / dim()); }

  bool round(std::size_t length) {
    if (next_) {
      whitened_ = std::exchange(next_, std::nullopt);
      found_.model = whitened_model();
    }
    const auto& model = *found_.model.model;
    Ensemble now(dim(), options_.chains, per_tile);
    for (std::size_t c = 0; c < options_.chains; ++c) {
      const auto u = inward(std::span(at_).subspan(c * dim(), dim()));
      for (std::size_t d = 0; d < dim(); ++d) now.tile_of(c).u.row(d)[now.place(c)] = u[d];
    }
    Transitions(model, found_.model.all(), target_, executor_, options_.set).evaluate(now);
    ChainOptions how;
    how.warmup = std::max<std::size_t>(8, length / 4);
    how.length = length;
    how.stop = stop_;
    auto chains = run_chains(now, model, found_.model.all(), target_, how, steps_, stream_,
                             executor_, options_.set);
    stream_.step += std::uint64_t{1} << 24;
    found_.gradients += options_.chains + chains.moves.gradients;
    if (chains.length < length) return false;
    found_.chains = std::move(chains);
    ++found_.rounds;
    go_on_from_here();
    found_.found = worst_convergence(found_.chains);
    found_.converged = found_.found.r_hat <= options_.most_r_hat &&
                       std::min(found_.found.ess_bulk, found_.found.ess_tail) >= options_.least_ess;
    return true;
  }

  /// Where the chains are, in q's own coordinates, and what ln q is there: of the affine layer that
  /// stands before q everything is known.
  void go_on_from_here() {
    const auto& chains = found_.chains;
    std::vector<double> outward = chains.u;
    found_.log_q = chains.draws.log_q;
    if (whitened_) {
      const auto normal = 0.5 * static_cast<double>(dim()) * std::log(2 * std::numbers::pi) +
                          whitened_->lower.diagonal().array().log().sum();
      for (std::size_t i = 0; i < found_.log_q.size(); ++i) {
        const Eigen::Map<const Eigen::VectorXd> u(&chains.u[i * dim()], static_cast<Index>(dim()));
        Eigen::Map<Eigen::VectorXd> to(&outward[i * dim()], static_cast<Index>(dim()));
        to = whitened_->mean + whitened_->lower * u;
        found_.log_q[i] += normal + 0.5 * u.squaredNorm();
      }
      add_base_density(*q_.model, q_.all(), outward, found_.log_q);
    }
    for (std::size_t c = 0; c < options_.chains; ++c) {
      const auto last =
          outward.begin() + static_cast<std::ptrdiff_t>(((c + 1) * chains.length - 1) * dim());
      std::copy_n(last, dim(), at_.begin() + static_cast<std::ptrdiff_t>(c * dim()));
    }
    if (!can_whiten_) return;
    const auto effective =
        static_cast<double>(options_.chains * std::max<std::size_t>(1, chains.length / 10));
    next_ = normal_to(outward, dim(), effective);
  }

  std::vector<double> inward(std::span<const double> u) const {
    const Eigen::Map<const Eigen::VectorXd> from(u.data(), static_cast<Index>(u.size()));
    Eigen::VectorXd to = from;
    if (whitened_)
      to = whitened_->lower.triangularView<Eigen::Lower>().solve(from - whitened_->mean);
    return {to.begin(), to.end()};
  }

  TrainedModel<double> whitened_model() const {
    auto model = make_trained_model<double>("standard-normal", "affine-full + " + q_.layers,
                                            {dim(), 0, q_.set});
    model.params = affine_parameters(*whitened_);
    const auto flow = q_.model->flow_part(q_.all());
    model.params.insert(model.params.end(), flow.begin(), flow.end());
    return model;
  }

  const TrainedModel<double>& q_;
  const Density<double>& target_;
  const SamplerOptions& options_;
  std::function<bool(std::uint64_t)> stop_ = [this](std::uint64_t next) {
    found_.stopped = options_.stop(next);
    return found_.stopped;
  };
  Executor& executor_;
  bool can_whiten_;
  RandomStream stream_;
  ChainSteps steps_;
  std::vector<double> at_;          ///< where each chain is, in q's coordinates
  std::optional<Normal> whitened_;  ///< of this round
  std::optional<Normal> next_;      ///< of the next
  double r_hat_before_ = std::numeric_limits<double>::infinity();
  Sampled found_;
};

/// The coordinate whose mean, and that whose sd, is farther off than chance has it.
void find_shift(const Draws& q, std::span<const double> weights, const Chains& chains,
                VerdictEvidence::Sampler& found) {
  const auto own = summarise(q.z, q.dim, weights);
  double squares = 0;
  for (const double w : weights) squares += w * w;
  std::vector<double> column(chains.draws.log_q.size());
  const auto worse = [](double shift, double error, VerdictEvidence::Shift& worst) {
    constexpr double errors = 4;
    if (shift - errors * error > worst.off - errors * worst.se) worst = {shift, error};
  };
  found.mean_shift = found.sd_shift = {-std::numeric_limits<double>::infinity(), 0};
  for (std::size_t d = 0; d < q.dim; ++d) {
    for (std::size_t i = 0; i < column.size(); ++i) column[i] = chains.draws.z[i * q.dim + d];
    const auto c = convergence(column, chains.chains);
    double fourth = 0;
    for (const double x : column) fourth += std::pow((x - c.mean) / c.sd, 4);
    fourth /= static_cast<double>(column.size());
    worse(std::abs(own[d].mean - c.mean) / c.sd, std::hypot(own[d].mcse, c.mcse_mean) / c.sd,
          found.mean_shift);
    worse(std::abs(std::log(own[d].sd / c.sd)),
          std::hypot(0.5 * std::sqrt(std::max(0.0, fourth - 1) * squares), c.mcse_sd / c.sd),
          found.sd_shift);
  }
}

}  // namespace

bool has_normal_like_base(const TrainedModel<double>& q) {
  return !q.base.starts_with("mixture");
}

std::optional<Sampled> sample_from(const TrainedModel<double>& q, const Density<double>& target,
                                   const SamplerOptions& options, Executor& executor) {
  return Sampler(q, target, options, executor).run();
}

void compare(const Draws& q, const Draws& all, std::span<const double> weights,
             std::span<const double> log_q, Sampled& p) {
  p.bridge = bridge({q.log_p, q.log_q}, {p.chains.draws.log_p, log_q}, p.chains.chains);
  auto& evidence = p.found;
  evidence.bridge = {p.bridge.log_z, p.bridge.log_z_se};
  evidence.bridge_holds = p.bridge.log_z_se_holds;
  find_shift(all, weights, p.chains, evidence);
}

Evidence wide_evidence(std::span<const double> draws, const Density<double>& target,
                       const SamplerOptions& options, Executor& executor) {
  constexpr double wide = 1.5;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const std::size_t dim = target.dim();
  auto normal = normal_to(draws, dim, static_cast<double>(draws.size() / dim));
  if (!normal) return {nan, nan};
  normal->lower *= wide;
  auto q = make_trained_model<double>("standard-normal", "affine-full", {dim, 0, options.set});
  q.params = affine_parameters(*normal);
  ParticleOptions how;
  how.particles = 2 * options.particles;
  how.islands = 16;
  how.stop = options.stop;
  if (options.stop(how.particles * (1 + how.moves * how.transition.steps))) return {nan, nan};
  const auto particles =
      anneal(*q.model, q.all(), target, how, {options.seed, Purpose::sampler, options.number << 32},
             executor, options.set);
  return {particles.log_z, particles.log_z_se};
}

std::vector<std::size_t> spaced(std::size_t draws, std::size_t wanted) {
  const std::size_t n = std::min(draws, wanted);
  std::vector<std::size_t> chosen(n);
  for (std::size_t i = 0; i < n; ++i) chosen[i] = i * draws / n;
  return chosen;
}

}  // namespace riffle
