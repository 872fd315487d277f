#include "posterior/staged_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "flows/flow_model.h"
#include "posterior/affine_parameters.h"
#include "posterior/mixture_fit.h"
#include "posterior/phases.h"
#include "riffle/error.h"

namespace riffle {
namespace {

using Eigen::Index;

std::string percent(double fraction) {
  return fraction >= 0.1 ? fmt::format("{:.0f} %", 100 * fraction)
                         : fmt::format("{:.2g} %", 100 * fraction);
}

class Recipe {
 public:
  Recipe(const MeteredDensity& target, const StagedOptions& options, Executor& executor,
         const std::function<void(const StagedFit&)>& on_stage)
      : target_(target), options_(options), executor_(executor), on_stage_(on_stage) {}

  StagedFit run() {
    find_start();
    if (result_.search.modes.size() > 1) {
      fit_modes();
      if (done()) return std::move(result_);
      fit_margins();
      return std::move(result_);
    }
    fit_normal();
    if (done()) return std::move(result_);
    fit_flow(2, 32);
    if (done()) return std::move(result_);
    fit_flow(4, 64);
    return std::move(result_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  bool out_of_budget() const {
    return seconds() > options_.max_seconds || target_.evaluations() >= options_.max_gradients;
  }
  bool stop() const { return options_.interrupted() || out_of_budget(); }
  bool done() {
    result_.interrupted = options_.interrupted();
    result_.out_of_budget = !result_.interrupted && out_of_budget();
    return result_.interrupted || result_.out_of_budget ||
           result_.stages.back().ess_fraction >= enough;
  }

  void tell(std::string name, std::string told, const PhasedTraining* training = nullptr) {
    PosteriorStage stage{std::move(name), std::move(told), target_.evaluations(), seconds()};
    if (training != nullptr) {
      stage.elbo = training->elbo;
      stage.elbo_se = training->elbo_se;
      stage.ess_fraction = training->ess_fraction;
    }
    result_.stages.push_back(std::move(stage));
    if (on_stage_) on_stage_(result_);
  }

  void find_start() {
    ModeSearchOptions search;
    search.stop = [this] { return stop(); };
    result_.search = search_modes(PointDensity(target_), search, options_.seed, executor_);
    const auto& found = result_.search;
    const auto dim = static_cast<Index>(target_.dim());
    if (!found.start && !stop()) {
      throw Error(ErrorKind::data, fmt::format("ln p is finite at none of {} starts in (-2, 2)^{}",
                                               found.impossible, target_.dim()));
    }
    tell("modes", fmt::format("{} climbs from near and far: {} {} of ln p, {} of them unsettled",
                              found.climbs, found.modes.size(),
                              found.modes.size() == 1 ? "maximum" : "maxima", found.unsettled));
    // Where there was no time for a single climb, there is no better guess.
    normal_ = found.start.value_or(
        Normal{Eigen::VectorXd::Zero(dim), Eigen::MatrixXd::Identity(dim, dim)});
  }

  PhasedTraining train(const std::string& layers, std::span<const double> params,
                       PhaseOptions phases) {
    const auto model =
        make_model<double>("standard-normal", parse_flow(layers), {target_.dim(), 0, options_.set});
    phases.seed = options_.seed;
    phases.number = result_.stages.size();
    phases.stop = [this] { return stop(); };
    return train_in_phases(
        model, target_, params, phases, executor_, options_.set, [this](const PhaseResult& phase) {
          result_.trace.push_back({target_.evaluations(), phase.elbo, result_.stages.size()});
        });
  }

  void fit_normal() {
    const auto frozen = affine_parameters(normal_);
    std::vector<double> params(frozen.size(), 0.0);
    params.insert(params.end(), frozen.begin(), frozen.end());
    PhaseOptions phases;
    phases.frozen = frozen.size();
    phases.rate = 0.05;
    phases.least_steps = 100;
    phases.most_steps = 500;
    phases.batch = 128;
    const auto trained = train("affine-full:2", params, phases);
    const auto dim = static_cast<Index>(target_.dim());
    const auto own = normal_of(std::span(trained.params).first(frozen.size()), dim);
    normal_ = {normal_.mean + normal_.lower * own.mean, normal_.lower * own.lower};
    keep("affine-full", affine_parameters(normal_));
    tell("normal",
         fmt::format("a full normal distribution in whitened coordinates: efficiency {}",
                     percent(trained.ess_fraction)),
         &trained);
  }

  /// A normal distribution as wide as all modes together. Correlations that could well be chance
  /// are left out: where modes are combinations of those of many coordinates, they would only mix
  /// these. Climbs start around each other's modes, so that ten of these count for one.
  Normal around_all_modes() const {
    std::vector<Normal> normals;
    for (const auto& mode : result_.search.modes) normals.push_back(mode.normal);
    auto [mean, covariance] = moments_of(normals);
    const Eigen::VectorXd sd = covariance.diagonal().array().sqrt();
    const double chance = 4 / std::sqrt(0.1 * static_cast<double>(normals.size()));
    for (Index i = 0; i < mean.size(); ++i) {
      for (Index j = 0; j < mean.size(); ++j) {
        if (i != j && std::abs(covariance(i, j)) < chance * sd[i] * sd[j]) covariance(i, j) = 0;
      }
    }
    if (auto normal = make_normal(mean, covariance)) return *normal;
    return {mean, sd.asDiagonal()};
  }

  void fit_margins() {
    normal_ = around_all_modes();
    const std::string flow = "rqs(bins=16) + affine-full";
    const auto model =
        make_model<double>("standard-normal", parse_flow(flow), {target_.dim(), 0, options_.set});
    std::vector<double> params(model.parameters().size());
    const auto frozen = affine_parameters(normal_);
    std::copy(frozen.begin(), frozen.end(),
              params.end() - static_cast<std::ptrdiff_t>(frozen.size()));
    // A margin that cools too fast can lose a mode, which the search knows of.
    double best = result_.stages.back().elbo;
    for (const double cooling_steps : {800.0, 4000.0}) {
      PhaseOptions phases;
      phases.frozen = frozen.size();
      phases.rate = 0.05;
      phases.least_steps = static_cast<std::uint64_t>(1.25 * cooling_steps);
      phases.beta = [cooling_steps](std::uint64_t step) {
        return std::min(1.0, 0.02 + static_cast<double>(step) / cooling_steps);
      };
      const auto trained = train(flow, params, phases);
      if (trained.elbo > best) {
        best = trained.elbo;
        keep(flow, trained.params);
      }
      tell("margins",
           fmt::format("{} over all modes: efficiency {}", flow, percent(trained.ess_fraction)),
           &trained);
      if (stop() || result_.left_out(best) <= negligible) break;
    }
  }

  void fit_modes() {
    const MixtureFitOptions options{
        .seed = options_.seed, .number = result_.stages.size(), .set = options_.set};
    result_.flow = fit_mixture(target_, result_.search.modes, options, executor_);
    const auto model = make_model<double>(result_.flow.base, parse_flow(result_.flow.layers),
                                          {target_.dim(), 0, options_.set});
    const auto quality = evaluate_quality(
        model, target_, result_.flow.params,
        {options_.seed, Purpose::evaluation, options.number << 32}, 2048, executor_);
    PhasedTraining like{{}, {}, quality.elbo, quality.elbo_se, quality.ess_fraction, false};
    tell("mixture",
         fmt::format("a normal component for each of {} modes: efficiency {}",
                     std::min(result_.search.modes.size(), options.most_components),
                     percent(quality.ess_fraction)),
         &like);
  }

  void fit_flow(std::size_t layers, std::size_t hidden) {
    hidden = std::max(hidden, target_.dim());
    const auto flow = fmt::format("iaf(hidden={},bound=8):{} + affine-full", hidden, layers);
    const auto model =
        make_model<double>("standard-normal", parse_flow(flow), {target_.dim(), 0, options_.set});
    std::vector<double> params(model.parameters().size());
    model.initialise({options_.seed, Purpose::initial_values, result_.stages.size()}, params);
    const auto frozen = affine_parameters(normal_);
    std::copy(frozen.begin(), frozen.end(),
              params.end() - static_cast<std::ptrdiff_t>(frozen.size()));
    PhaseOptions phases;
    phases.frozen = frozen.size();
    phases.rate = 0.02;
    const auto trained = train(flow, params, phases);
    if (trained.elbo > result_.stages.back().elbo) keep(flow, trained.params);
    tell("flow", fmt::format("{} on top: efficiency {}", flow, percent(trained.ess_fraction)),
         &trained);
  }

  void keep(std::string layers, std::vector<double> params) {
    result_.flow = {"standard-normal", std::move(layers), "double", target_.dim(),
                    std::move(params)};
  }

  static constexpr double enough = 0.6;
  static constexpr double negligible = 0.01;  ///< share of the modes' mass

  const MeteredDensity& target_;
  const StagedOptions& options_;
  Executor& executor_;
  const std::function<void(const StagedFit&)>& on_stage_;
  Clock::time_point start_ = Clock::now();
  StagedFit result_;
  Normal normal_;
};

}  // namespace

double StagedFit::left_out(double log_z) const {
  if (search.modes.empty()) return 0;
  std::vector<double> tops;
  for (const auto& mode : search.modes) {
    tops.insert(tops.end(), mode.normal.mean.begin(), mode.normal.mean.end());
  }
  const auto log_q = TrainedFlow(flow).log_density(tops);
  // A q that is a little wider in each of many dimensions is much lower at the top.
  const double far_below = 3 + 0.25 * static_cast<double>(flow.dim);
  const double heaviest = search.modes.front().log_mass;
  double all = 0;
  double without = 0;
  for (std::size_t k = 0; k < search.modes.size(); ++k) {
    const auto& mode = search.modes[k];
    const double mass = std::exp(mode.log_mass - heaviest);
    all += mass;
    if (!(log_q[k] > mode.log_p - log_z - far_below)) without += mass;
  }
  return without / all;
}

StagedFit staged_fit(const MeteredDensity& target, const StagedOptions& options, Executor& executor,
                     const std::function<void(const StagedFit&)>& on_stage) {
  return Recipe(target, options, executor, on_stage).run();
}

}  // namespace riffle
