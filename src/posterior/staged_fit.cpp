#include "posterior/staged_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <mutex>
#include <utility>

#include "diagnostics/importance.h"
#include "diagnostics/parameter_summary.h"
#include "model/draws.h"
#include "model/log_density.h"
#include "posterior/affine_parameters.h"
#include "posterior/mixture_fit.h"
#include "posterior/phases.h"
#include "posterior/sampler.h"
#include "posterior/teaching.h"
#include "riffle/error.h"

namespace riffle {
namespace {

using Eigen::Index;

std::string percent(double fraction) {
  return fraction >= 0.1 ? fmt::format("{:.0f} %", 100 * fraction)
                         : fmt::format("{:.2g} %", 100 * fraction);
}

std::string told_of(const ModeSearch& found) {
  auto told = fmt::format("{} climbs from near and far", found.climbs);
  if (found.modes.empty()) {
    told +=
        " found no maximum of ln p that counts: starting from the best normal along their paths";
  } else if (found.modes.size() == 1) {
    told += fmt::format(" found one maximum of ln p, {} of them", found.modes.front().found);
  } else {
    told += fmt::format(" found {} maxima of ln p that count", found.modes.size());
    const double unseen = found.unseen();
    told += unseen > 0
                ? fmt::format("; {} of the climbs ended at one that no other met", percent(unseen))
                : ", each more than once";
  }
  return told;
}

class Recipe {
 public:
  Recipe(const MeteredDensity& target, const StagedOptions& options, Executor& executor,
         const std::function<void(const StagedFit&)>& on_stage)
      : target_(target),
        options_(options),
        executor_(executor),
        on_stage_(on_stage),
        budget_(target, {options.max_seconds, options.max_gradients, options.final_draws},
                executor.threads()) {}

  StagedFit run() {
    find_start();
    evaluation_draws_ = std::clamp<std::uint64_t>(budget_.left() / 16, 512, evaluation_draws_);
    if (result_.search.modes.size() > 1) {
      several_modes();
    } else {
      one_mode();
    }
    if (result_.flow.layers.empty()) keep_start();
    result_.elbo = kept_.elbo;
    result_.trimmed_elbo = kept_.trimmed_elbo;
    result_.lost_in_rounding = kept_.lost_in_rounding;
    result_.interrupted = options_.interrupted();
    result_.out_of_budget = !result_.interrupted && cut_short_;
    result_.budget = budget_;
    return std::move(result_);
  }

 private:
  using Flow = TrainedModel<double>;

  /// Whether so many more evaluations are too many; that a budget was too small for what was wanted
  /// is remembered.
  bool stop(std::uint64_t next) {
    show_life();
    if (options_.interrupted()) return true;
    if (budget_.allows(next)) return false;
    cut_short_ = true;
    return true;
  }
  /// Whether what is begun is to be cut short: after a stop, or where it takes longer than
  /// foretold.
  bool hurry() const { return options_.interrupted() || !budget_.has_time(); }
  /// stop() for a training, which evaluates its start and its end.
  bool stop_training() { return stop(2 * evaluation_draws_); }
  /// Whether the draws can be used with their weights: no need for what is dear.
  bool usable() const { return kept_.ess_fraction >= enough_ && covered_; }
  /// Whether they can be used as they are.
  bool good_enough() const { return usable() && kept_.reliable; }
  /// Where weights mean nothing, no work helps.
  bool done() { return good_enough() || kept_.lost_in_rounding || stop_training(); }
  /// Whether chains from the normal have no neck to enter, or are all that is affordable.
  bool may_sample() const {
    return kept_.ess_fraction > worth_sampling || target_.dim() > most_dim_of_taught;
  }
  /// A normal of the chains' moments may just do; a flow of their draws is better, at no gradient.
  bool learns_for_nothing() {
    return kept_.ess_fraction < worth_no_flow && !kept_.lost_in_rounding && !stop_training();
  }
  bool has_to_do() { return usable() || done(); }

  void begin(std::string what) {
    {
      const std::lock_guard lock(telling_);
      doing_ = {std::move(what), 0, 0};
      last_told_ = {};
    }
    show_life();
  }
  /// Tells what is being done, a few times a second. May be called by several threads at once, of
  /// which one tells.
  void show_life() {
    using Clock = std::chrono::steady_clock;
    constexpr auto often = std::chrono::milliseconds(50);
    if (!options_.on_activity) return;
    const std::unique_lock lock(telling_, std::try_to_lock);
    if (!lock || Clock::now() - last_told_ < often) return;
    last_told_ = Clock::now();
    doing_.gradients = target_.evaluations();
    doing_.seconds = budget_.seconds();
    options_.on_activity(doing_);
  }

  void one_mode() {
    // A spline in one dimension costs next to nothing, and mends tails that a normal has not.
    if (target_.dim() == 1) enough_ = 0.95;
    if (!stop_training()) fit_normal();
    if (!done()) mend_moments();
    if (target_.dim() > 1) {
      if (!done() && may_sample()) sample();
      if (result_.answered_by_chains) return;
      // What was left to chains is for training, then.
      if (!result_.sampled && gave_up_ && !done()) fit_normal();
      if (teacher_ && (!done() || learns_for_nothing())) teach_flow();
    }
    if (!has_to_do()) fit_flow(2, 32);
    if (!done()) mend_moments();
    if (has_to_do()) return;
    fit_flow(4, 64);
    if (!done()) mend_moments();
  }

  void several_modes() {
    if (!stop(evaluation_draws_)) fit_modes();
    // Modes that are known, but are not normal, or run into each other.
    if (!usable() && !done()) fit_along_ridges();
    if (covered_ && !done()) fit_flow_on_mixture();
    // What is dear finds no more along a ridge.
    if (lined_ && covered_ && kept_.ess_fraction > 0.1) return;
    // A flow may lose a mode while it learns, the sooner the faster it has to.
    for (std::size_t attempt = 1; attempt <= 3 && !has_to_do(); ++attempt) {
      fit_margins(attempt);
      if (attempt > 1 && covered_) break;
    }
    if (has_to_do()) return;
    normal_ = around_all_modes();
    fit_flow(4, 64);
  }

  /// Keeps a fit where it is better than what there is. The stage is told either way; what follows
  /// from it is said here.
  void offer(std::string name, const std::string& what, Flow flow, const PhaseResult& quality) {
    const bool first = result_.flow.layers.empty();
    auto before = std::exchange(result_.flow, std::move(flow));
    const auto quality_before = std::exchange(kept_, quality);
    const bool covered_before = std::exchange(covered_, result_.covers(quality.trimmed_elbo));
    // Draws between modes make a bound noisy; a mode that is lost is worse.
    const double gain = quality.trimmed_elbo - quality_before.trimmed_elbo;
    const bool better =
        first || covered_ > covered_before ||
        (covered_ == covered_before && (gain > 0 || (quality.reliable && gain > -worth_moments)));
    auto told =
        fmt::format("{}: {} of the draws are effective", what, percent(quality.ess_fraction));
    if (!better) {
      result_.flow = std::move(before);
      kept_ = quality_before;
      covered_ = covered_before;
      told += ", no better than before";
    } else if (!covered_) {
      told += ", but it has lost modes";
    } else {
      told += good_enough() ? ", which is enough"
              : !usable()   ? ", too few"
              : kept_.reliable_but_for_moments
                  ? "; they do with their weights, which move means or sds"
                  : "; they do with their weights";
    }
    result_.stages.push_back({std::move(name), std::move(told), target_.evaluations(),
                              budget_.seconds(), quality.elbo, quality.elbo_se,
                              quality.ess_fraction});
    if (on_stage_) on_stage_(result_);
  }

  void find_start() {
    begin("climbing to the maxima of ln p");
    ModeSearchOptions search;
    search.set = options_.set;
    search.reach = options_.reach;
    search.most_unsettled = 400 + 10 * target_.dim();  // several times what a climb mostly takes
    search.given = options_.given_starts;
    search.abandon = [this] {
      show_life();
      if (options_.interrupted()) return true;
      if (budget_.has_time()) return false;
      cut_short_ = true;
      return true;
    };
    // Of a round for which time is too short, the climbs that it does for are made.
    search.stop = [&](std::uint64_t next) {
      if (search.abandon()) return true;
      if (budget_.has_evaluations(next)) return false;
      cut_short_ = true;
      return true;
    };
    search.climb.abandon = search.abandon;
    // Climbs that go up a spike without end are not to take all there is.
    search.climb.most_evaluations =
        std::max<std::uint64_t>(100, options_.max_gradients / (search.starts + search.wide_starts));
    result_.search = search_modes(PointDensity(target_), search, options_.seed, executor_);
    const auto& found = result_.search;
    if (!found.start && !search.abandon()) {
      throw Error(ErrorKind::data, no_start(found));
    }
    result_.stages.push_back({"modes", told_of(found), target_.evaluations(), budget_.seconds()});
    if (on_stage_) on_stage_(result_);
    const auto dim = static_cast<Index>(target_.dim());
    normal_ = found.start.value_or(
        Normal{Eigen::VectorXd::Zero(dim), Eigen::MatrixXd::Identity(dim, dim)});
  }

  std::string no_start(const ModeSearch& found) const {
    const bool given = !options_.given_starts.empty();
    std::string how;
    const auto add = [&](std::size_t count, const char* what) {
      if (count > 0) how += fmt::format("{}{} at {}", how.empty() ? "" : ", ", what, count);
    };
    add(found.nan, "NaN");
    add(found.nothing, "-inf");
    add(found.infinite, "+inf");
    add(found.impossible - found.nan - found.nothing - found.infinite,
        "finite, but its gradient not,");
    const auto where = given ? std::string("that --init gives")
                             : fmt::format("in (-{0:g}, {0:g})^{1}", options_.reach, target_.dim());
    const auto said = options_.first_failure();
    return fmt::format("ln p is finite at none of {} starts {}: {}{}{}", found.impossible, where,
                       how, said.empty() ? "" : fmt::format("; the first failed with: {}", said),
                       given ? "" : "; --init FILE or --init RADIUS gives others");
  }

  void keep_start() {
    result_.flow = normal_flow();
    kept_.elbo = kept_.trimmed_elbo = result_.search.start_elbo;
  }

  PhasedTraining train(const Flow& start, PhaseOptions phases) {
    phases.seed = options_.seed;
    phases.number = result_.stages.size();
    phases.evaluation_draws = evaluation_draws_;
    phases.stop = [this](std::uint64_t next) { return stop(next); };
    phases.hurry = [this] { return hurry(); };
    auto trained = train_in_phases(
        *start.model, target_, start.params, phases, executor_, options_.set,
        [this](const PhaseResult& phase) {
          result_.trace.push_back({target_.evaluations(), phase.elbo, result_.stages.size()});
          doing_.elbo = phase.elbo;
        });
    if (!trained.phases.empty()) result_.steps += trained.phases.back().steps;
    return trained;
  }

  void fit_normal() {
    begin("training a normal");
    const auto frozen = affine_parameters(normal_);
    auto start = model_of("affine-full:2");
    start.params.assign(frozen.size(), 0.0);
    start.params.insert(start.params.end(), frozen.begin(), frozen.end());
    PhaseOptions phases;
    phases.frozen = frozen.size();
    phases.rate = 0.05;
    phases.least_steps = 100;
    phases.most_steps = 500;
    // Chains find moments for less, and a normal of many dimensions is not to take all there is.
    if (target_.dim() > most_dim_of_taught && !gave_up_) phases.hopeless = 0.5;
    phases.batch = 128;
    phases.worthwhile = 0.02;  // where it is not near already, a flow gains more for the same work
    const auto trained = train(start, phases);
    gave_up_ = trained.quality.ess_fraction < phases.hopeless;
    const auto dim = static_cast<Index>(target_.dim());
    const auto own = normal_of(std::span(trained.params).first(frozen.size()), dim);
    normal_ = {normal_.mean + normal_.lower * own.mean, normal_.lower * own.lower};
    offer("normal", "a normal distribution with a full covariance", normal_flow(), trained.quality);
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

  /// Splines that bend each coordinate by itself, over a normal as wide as all modes, while ln p
  /// comes in slowly; more slowly and with more draws at each further attempt.
  void fit_margins(std::size_t attempt) {
    const std::string flow = "rqs(bins=16) + affine-full";
    normal_ = around_all_modes();
    PhaseOptions phases;
    phases.rate = 0.05;
    phases.batch = 256 * attempt;
    phases.least_steps = 1000 * attempt;
    phases.most_steps = phases.least_steps;
    phases.most_phases = 5;
    phases.beta = [attempt](std::uint64_t step) {
      return std::min(1.0, 0.02 + static_cast<double>(step) / static_cast<double>(800 * attempt));
    };
    train_on_normal("margins", flow + " over all modes", flow, phases);
  }

  void fit_modes() {
    MixtureFitOptions options{
        .seed = options_.seed, .number = result_.stages.size(), .set = options_.set};
    options.hurry = [this] { return hurry(); };
    while (options.rounds > 0 && stop(options.rounds * options.draws + evaluation_draws_)) {
      --options.rounds;
    }
    begin("fitting a normal to each mode");
    auto flow = fit_mixture(target_, result_.search.modes, options, executor_);
    const auto quality = mixture_quality(flow, options);
    offer("mixture",
          fmt::format("normals for each of {} modes",
                      std::min(result_.search.modes.size(), options.most_components)),
          std::move(flow), quality);
  }

  PhaseResult mixture_quality(const Flow& flow, const MixtureFitOptions& options) {
    return evaluate_quality(*flow.model, target_, flow.params,
                            {options_.seed, Purpose::evaluation, options.number << 32},
                            evaluation_draws_, executor_, options.hurry);
  }

  /// More normals than modes, where there is some of p between these.
  void fit_along_ridges() {
    if (result_.flow.base == "standard-normal") return;
    MixtureFitOptions options{.seed = options_.seed,
                              .number = result_.stages.size(),
                              .most_components = 96,
                              .rounds = 16,
                              .draws = 16384,
                              .set = options_.set};
    if (result_.search.modes.size() > 64) return;
    options.hurry = [this] { return hurry(); };
    while (options.rounds > 0 && stop(options.rounds * options.draws + evaluation_draws_)) {
      --options.rounds;
    }
    if (options.rounds < 2) return;
    begin("placing more normals where p is");
    auto flow = fit_many_normals(target_, result_.search.modes, result_.flow, options, executor_);
    if (flow.base == result_.flow.base) return;
    const auto quality = mixture_quality(flow, options);
    const auto what = fmt::format("{}, placed where weighted draws are", flow.base);
    offer("mixture", what, std::move(flow), quality);
    lined_ = kept_.ess_fraction == quality.ess_fraction;
  }

  /// Trains a flow in the coordinates in which `normal_` is standard, and offers it.
  void train_on_normal(std::string name, const std::string& what, const std::string& layers,
                       PhaseOptions phases) {
    begin("training " + layers);
    const auto fixed = affine_parameters(normal_);
    auto flow = initialised(layers, "standard-normal", fixed);
    phases.frozen = fixed.size();
    const auto trained = train(flow, phases);
    flow.params = trained.params;
    offer(std::move(name), what, std::move(flow), trained.quality);
  }

  /// Where draws can be used already, the rest is done as far as it is cheap.
  static void polish(PhaseOptions& phases) {
    phases.until_reliable = true;
    phases.most_phases = 4;
  }

  /// Chains of p, from the normal on, which is moved to where they are.
  void sample() {
    begin("sampling");
    SamplerOptions how{.seed = options_.seed, .number = 2 + result_.stages.size()};
    how.stop = [this](std::uint64_t next) { return stop(next + evaluation_draws_); };
    how.set = options_.set;
    if (target_.dim() <= most_dim_of_taught) {
      // To teach, not to answer.
      how.most_r_hat = 1.05;
      how.most_length = 160;
    }
    auto sampled = sample_from(normal_flow(), target_, how, executor_);
    if (!sampled) return;
    const auto& found = sampled->found;
    const auto what = fmt::format(
        "{} chains of {} draws (R̂ {:.3f}, {:.0f} effective at least); their normal", found.chains,
        found.length, found.r_hat, std::min(found.ess_bulk, found.ess_tail));
    // What has not converged may still have been where a flow is to go: weights tell how good that
    // is.
    if (sampled->converged || found.r_hat < worth_teaching) teacher_ = sampled->chains;
    if (!sampled->converged) {
      result_.stages.push_back({"sampler", what + " does not count: they have not converged",
                                target_.evaluations(), budget_.seconds()});
      if (on_stage_) on_stage_(result_);
      return;
    }
    const auto dim = static_cast<Index>(target_.dim());
    auto q = sampled->model;
    if (q.layers != "affine-full") {
      const auto size = affine_parameters(normal_).size();
      const auto own = normal_of(std::span(q.params).first(size), dim);
      normal_ = {normal_.mean + normal_.lower * own.mean, normal_.lower * own.lower};
      q = normal_flow();
    }
    const RandomStream fresh{options_.seed, Purpose::evaluation, result_.stages.size() << 32};
    const auto drawn = draw_until([this] { return hurry(); }, *q.model, &target_, q.params, fresh,
                                  evaluation_draws_, executor_);
    const auto quality = quality_of(drawn);
    result_.trace.push_back({target_.evaluations(), quality.elbo, result_.stages.size()});
    const auto& chains = sampled->chains;
    const auto both =
        bridge({drawn.log_p, drawn.log_q}, {chains.draws.log_p, chains.draws.log_q}, chains.chains);
    // A flow of many dimensions is dear, and tells no more than the evidence.
    result_.answered_by_chains =
        target_.dim() > most_dim_of_taught && both.log_z_se_holds && both.log_z_se <= worth_a_flow;
    result_.sampled = std::move(sampled);
    offer("sampler", what, q, quality);
  }

  /// A flow learns from the chains' draws, by maximum likelihood: that takes no gradient of the
  /// target. A gradient of the path goes on where that is not enough.
  void teach_flow() {
    if (target_.dim() > most_dim_of_taught) return;
    const auto layers = fmt::format("iaf(hidden={},activation=silu,bound=8):3 + affine-full",
                                    std::max<std::size_t>(32, target_.dim()));
    begin("teaching " + layers);
    const auto frozen = affine_parameters(normal_);
    auto flow = initialised(layers, "standard-normal", frozen);
    const auto& chains = *teacher_;
    const auto rows = std::span<const double>(chains.draws.z);
    const std::size_t held_out = chains.chains / 8 * chains.length * target_.dim();
    TeachingOptions teaching{
        .seed = options_.seed, .number = result_.stages.size(), .frozen = frozen.size()};
    teaching.hurry = [this] {
      show_life();
      return hurry();
    };
    auto taught = teach(*flow.model, flow.params, rows.first(rows.size() - held_out),
                        rows.last(held_out), teaching, executor_, options_.set);
    flow.params = std::move(taught.params);
    result_.steps += taught.steps;
    const auto quality =
        evaluate_quality(*flow.model, target_, flow.params,
                         {options_.seed, Purpose::evaluation, result_.stages.size() << 32},
                         evaluation_draws_, executor_, [this] { return hurry(); });
    result_.trace.push_back({target_.evaluations(), quality.elbo, result_.stages.size()});
    offer("taught", layers + ", taught by these", flow, quality);
    if (done() || quality.ess_fraction < worth_a_polish) return;
    PhaseOptions phases;
    phases.rate = 0.005;
    phases.least_steps = 100;
    phases.most_steps = 200;
    phases.most_phases = 4;
    phases.until_reliable = true;
    begin("training " + layers);
    phases.frozen = frozen.size();
    const auto trained = train(flow, phases);
    flow.params = trained.params;
    offer("flow", layers, std::move(flow), trained.quality);
  }

  void fit_flow(std::size_t layers, std::size_t hidden) {
    // A single coordinate has none before it to depend on: iaf would be no more than the normal.
    // Splines bend it, out to where e^-12 of an exponential tail is.
    const auto flow = target_.dim() == 1
                          ? fmt::format("rqs(bins={},bound=12):{} + affine-full", hidden, layers)
                          : fmt::format("iaf(hidden={},activation=silu,bound=8):{} + affine-full",
                                        std::max(hidden, target_.dim()), layers);
    PhaseOptions phases;
    phases.rate = 0.02;
    if (usable()) polish(phases);
    train_on_normal("flow", flow, flow, phases);
  }

  /// A normal for each mode, bent. What it learns from is all modes from the start.
  void fit_flow_on_mixture() {
    const auto mixture = result_.flow;
    const auto layers = fmt::format("iaf(hidden={},activation=silu,bound=8):2 + affine-full",
                                    std::max<std::size_t>(32, target_.dim()));
    begin("training " + layers);
    // The mixture's own are its layer's and then its base's.
    auto flow = initialised(layers, mixture.base, mixture.params);
    PhaseOptions phases;
    phases.rate = 0.02;
    phases.frozen = mixture.params.size() - flow.model->base().parameters().size();
    phases.frozen_base = true;
    if (usable()) polish(phases);
    const auto trained = train(flow, phases);
    flow.params = trained.params;
    offer("flow", layers + " on that mixture", std::move(flow), trained.quality);
  }

  /// A q of the greatest bound is not one of the right means and sds, where p is skewed. Weights
  /// tell these; a last affine layer can be given them for the price of a few thousand draws.
  void mend_moments() {
    if (!usable() || kept_.reliable || !kept_.reliable_but_for_moments) return;
    auto kept = result_.flow;
    if (kept.base != "standard-normal") return;
    begin("mending means and sds");
    const auto dim = target_.dim();
    const RandomStream fresh{options_.seed, Purpose::evaluation, result_.stages.size() << 32};
    const auto drawn =
        draw<double>(*kept.model, &target_, kept.params, fresh, 0, evaluation_draws_, executor_);
    const auto from = summarise(drawn.z, dim);
    const auto to =
        summarise(drawn.z, dim, normalised_weights(log_weights(drawn.log_p, drawn.log_q)));
    const auto last = std::span(kept.params).last(affine_parameters(normal_).size());
    auto normal = normal_of(last, static_cast<Index>(dim));
    for (std::size_t d = 0; d < dim; ++d) {
      const auto row = static_cast<Index>(d);
      const double scale = to[d].sd / from[d].sd;
      if (!(scale > 0) || !std::isfinite(scale + to[d].mean)) return;
      normal.mean[row] = to[d].mean + scale * (normal.mean[row] - from[d].mean);
      normal.lower.row(row) *= scale;
    }
    std::ranges::copy(affine_parameters(normal), last.begin());
    // By other draws than those that told.
    const auto quality =
        evaluate_quality(*kept.model, target_, kept.params,
                         {options_.seed, Purpose::evaluation, (result_.stages.size() << 32) + 1},
                         evaluation_draws_, executor_);
    result_.trace.push_back({target_.evaluations(), quality.elbo, result_.stages.size()});
    if (kept.layers == "affine-full") normal_ = quality.reliable ? normal : normal_;
    offer("moments", "means and sds as the weights have them", std::move(kept), quality);
  }

  Flow model_of(std::string layers, std::string base = "standard-normal") const {
    return make_trained_model<double>(std::move(base), std::move(layers),
                                      {target_.dim(), 0, options_.set});
  }
  Flow normal_flow() const {
    auto flow = model_of("affine-full");
    flow.params = affine_parameters(normal_);
    return flow;
  }
  /// With initial values, of which the last are given.
  Flow initialised(const std::string& layers, const std::string& base,
                   const std::vector<double>& last) const {
    auto flow = model_of(layers, base);
    flow.params.resize(flow.model->parameters().size());
    flow.model->initialise({options_.seed, Purpose::initial_values, result_.stages.size()},
                           flow.params);
    std::ranges::copy(last, flow.params.end() - static_cast<std::ptrdiff_t>(last.size()));
    return flow;
  }

  static constexpr std::size_t most_dim_of_taught = 64;  ///< an inverse takes as many passes
  static constexpr double worth_teaching = 1.2;          ///< R̂ at most
  static constexpr double worth_no_flow = 0.9;           ///< efficiency of a normal
  static constexpr double worth_sampling =
      0.1;  ///< efficiency at which chains have no neck to enter
  static constexpr double worth_a_polish =
      0.1;                                      ///< efficiency that a short training may bring home
  static constexpr double worth_a_flow = 0.05;  ///< error of log Z, in nats, that one would mend
  static constexpr double worth_moments = 0.1;  ///< nats of the bound that right ones may cost

  const MeteredDensity& target_;
  const StagedOptions& options_;
  Executor& executor_;
  const std::function<void(const StagedFit&)>& on_stage_;
  std::uint64_t evaluation_draws_ = PhaseOptions{}.evaluation_draws;  ///< fewer of a small budget
  Budget budget_;
  bool gave_up_ = false;  ///< the training of a normal, as hopeless
  std::optional<Chains> teacher_;
  std::atomic<bool> cut_short_{false};
  StagedFit result_;
  PhaseResult kept_;      ///< quality of result_.flow
  bool lined_ = false;    ///< whether that is of normals along ridges
  bool covered_ = false;  ///< whether it covers the modes
  double enough_ = 0.5;   ///< efficiency at which there is no need of a further stage
  Normal normal_;         ///< in whose coordinates flows are trained
  PosteriorActivity doing_;
  std::mutex telling_;
  std::chrono::steady_clock::time_point last_told_{};
};

}  // namespace

double StagedFit::left_out(double log_z) const {
  if (search.modes.empty()) return 0;
  std::vector<double> tops;
  for (const auto& mode : search.modes) {
    tops.insert(tops.end(), mode.normal.mean.begin(), mode.normal.mean.end());
  }
  Executor alone(1);
  const auto log_q = log_density_at(*flow.model, flow.all(), tops, alone);
  const auto dim = static_cast<double>(flow.model->dim());
  const double heaviest = search.modes.front().log_mass;
  const auto deficit = [&](std::size_t k) {
    return std::isnan(log_q[k]) ? std::numeric_limits<double>::infinity()
                                : search.modes[k].log_p - log_z - log_q[k];
  };
  // A q that is a little wider in each of many dimensions is much lower at the top, but so it is at
  // all modes that it covers alike.
  double best = std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < search.modes.size(); ++k) {
    if (search.modes[k].log_mass > heaviest - 5) best = std::min(best, deficit(k));
  }
  const double most = std::min(3 + 0.25 * dim, best + 3 + 0.5 * std::sqrt(dim));
  double all = 0;
  double without = 0;
  for (std::size_t k = 0; k < search.modes.size(); ++k) {
    const auto& mode = search.modes[k];
    const double mass = std::exp(mode.log_mass - heaviest);
    all += mass;
    if (!(deficit(k) < most)) without += mass;
  }
  return without / all;
}

bool StagedFit::covers(double log_z) const {
  constexpr double little = 0.01;
  return search.modes.size() < 2 || left_out(log_z) <= little;
}

StagedFit staged_fit(const MeteredDensity& target, const StagedOptions& options, Executor& executor,
                     const std::function<void(const StagedFit&)>& on_stage) {
  return Recipe(target, options, executor, on_stage).run();
}

}  // namespace riffle
