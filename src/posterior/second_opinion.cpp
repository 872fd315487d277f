#include "posterior/second_opinion.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "model/log_density.h"
#include "posterior/sampler.h"

namespace riffle {
namespace {

bool usable(const Weighed& weighed) {
  return judge(weighed.evidence).grade != Grade::unreliable;
}

/// Draws of a chain by which those have converged, with room to spare, whose coordinates a q made
/// that is nearly p: 80 mostly do.
constexpr std::size_t enough_for_a_good_q = 320;
/// Of more dimensions chains go in the coordinates of a normal as it is.
constexpr std::size_t most_dim_of_wide = 64;

std::string told_of(const Sampled& sampled) {
  const auto& found = sampled.found;
  return fmt::format(
      "{} chains of {} draws from {} temperature{}: R̂ {:.3f} at most, {:.0f} draws "
      "effective at least",
      found.chains, found.length, sampled.temperatures, sampled.temperatures == 1 ? "" : "s",
      found.r_hat, std::min(found.ess_bulk, found.ess_tail));
}

/// Whether weights are so nearly alike, without a tail, that there is nothing next to q to be
/// missed; of what is further away chains would know as little.
bool is_all_but_perfect(const Weighed& weighed) {
  constexpr double nearly_all = 0.98;
  constexpr double no_tail = 0.5;
  const auto& own = weighed.evidence.importance;
  return judge(weighed.evidence).grade == Grade::reliable && own.ess_fraction >= nearly_all &&
         own.khat.value_or(0) < no_tail;
}

/// Whether there is mass beside what can be used, whose coordinates a flow may have closed.
void look_beside(Weighed& weighed, const MeteredDensity& density, SamplerOptions how,
                 Executor& executor) {
  if (!usable(weighed) || density.dim() > most_dim_of_wide) return;
  how.number = 2;
  const auto& kept =
      weighed.evidence.draws_by_sampler ? weighed.sampled->chains.draws.z : weighed.own.z;
  weighed.evidence.wide = wide_evidence(kept, density, how, executor);
}

class SecondOpinion {
 public:
  SecondOpinion(TrainedModel<double>& q, Weighed& weighed, const Target& target,
                const MeteredDensity& density, const SecondOpinionOptions& options,
                Executor& executor)
      : q_(q),
        weighed_(weighed),
        target_(target),
        density_(density),
        options_(options),
        executor_(executor) {}

  std::string run() {
    if (is_all_but_perfect(weighed_)) return "";
    auto told = chains();
    if (!options_.several_modes) {
      options_.on_activity("looking beside the draws");
      look_beside(weighed_, density_, options(), executor_);
    }
    return told;
  }

 private:
  std::string chains() {
    const auto grade = judge(weighed_.evidence).grade;
    const bool answered = options_.prefer_known && has_converged_chains();
    if (grade == Grade::reliable || (grade == Grade::reliable_after_reweighting && !answered)) {
      if (options_.several_modes || !confirm()) return "";
      if (usable(weighed_) && are_heard()) {
        return told_of(*weighed_.sampled) + "; they agree with q";
      }
    }
    return replace();
  }

  SamplerOptions options() const {
    SamplerOptions how;
    how.seed = options_.seed;
    how.stop = options_.stop;
    how.set = options_.set;
    return how;
  }

  bool has_converged_chains() const {
    return options_.known != nullptr && VerdictEvidence::converged(options_.known->found);
  }

  bool are_heard() const {
    const auto& found = weighed_.sampled->found;
    return found.r_hat <= 1.1 && std::min(found.ess_bulk, found.ess_tail) >= 400;
  }

  /// Whether there are chains that say something.
  bool confirm() {
    options_.on_activity("confirming by a sampler");
    auto how = options();
    how.most_length = 160;
    how.most_r_hat = 1.05;
    auto sampled = sample_from(q_, density_, how, executor_);
    if (!sampled) return false;
    const auto log_q = sampled->log_q;
    hear(weighed_, std::move(*sampled), log_q);
    return true;
  }

  std::string replace() {
    options_.on_activity("drawing by a sampler");
    auto how = options();
    how.number = 1;
    // Coordinates that a flow has bent lead nowhere near all of p where they do not so soon.
    if (q_.layers.find("affine-full") != 0) how.most_length = enough_for_a_good_q;
    auto sampled = has_converged_chains() && !weighed_.sampled
                       ? std::optional(*options_.known)
                       : sample_from(q_, density_, how, executor_);
    if (!sampled) return "the sampler was stopped before it had draws";
    const auto told = told_of(*sampled);
    sampled->found.long_enough = has_normal_like_base(q_) && !sampled->stopped;
    if (!VerdictEvidence::converged(sampled->found)) {
      const auto log_q = sampled->log_q;
      hear(weighed_, std::move(*sampled), log_q);
      return told + ": they have not converged";
    }
    auto model = sampled->model;
    auto known = weighed_.evidence;
    known.sampler.reset();
    auto assessment = options_.assessment;
    assessment.number += std::uint64_t{1} << 16;
    auto weighed = weigh(*model.model, model.params, target_, density_, std::move(known),
                         assessment, executor_);
    auto log_q = sampled->chains.draws.log_q;
    // A normal of the greatest bound may be the better one, and the bridge from it the surer.
    if (q_.layers == "affine-full" &&
        weighed_.evidence.importance.ess_fraction > weighed.evidence.importance.ess_fraction) {
      log_q = log_density_at(*q_.model, q_.all(), sampled->chains.draws.z, executor_);
      model = q_;
      weighed = weighed_;
      weighed.evidence.sampler.reset();
    }
    hear(weighed, std::move(*sampled), log_q);
    std::string outcome = ": draws of the normal or flow that they have whitened can be used";
    if (judge(weighed.evidence).grade != Grade::reliable) {
      weighed.evidence.draws_by_sampler = true;
      outcome = ": their draws are what is kept";
    }
    if (usable(weighed)) {
      q_ = std::move(model);
      weighed_ = std::move(weighed);
      return told + outcome;
    }
    return told + ": but what else is known speaks against them";
  }

  TrainedModel<double>& q_;
  Weighed& weighed_;
  const Target& target_;
  const MeteredDensity& density_;
  const SecondOpinionOptions& options_;
  Executor& executor_;
};

}  // namespace

std::string second_opinion(TrainedModel<double>& q, Weighed& weighed, const Target& target,
                           const MeteredDensity& density, const SecondOpinionOptions& options,
                           Executor& executor) {
  return SecondOpinion(q, weighed, target, density, options, executor).run();
}

bool hear_chains(const TrainedModel<double>& q, Weighed& weighed, const MeteredDensity& density,
                 const ChainsHeard& options, Executor& executor) {
  SamplerOptions how{.seed = options.seed, .number = 1, .stop = options.stop, .set = q.set};
  if (!options.judged) how.most_length = enough_for_a_good_q;
  auto sampled = sample_from(q, density, how, executor);
  if (!sampled) return false;
  sampled->found.long_enough = has_normal_like_base(q) && !sampled->stopped;
  const auto log_q = sampled->log_q;
  hear(weighed, std::move(*sampled), log_q);
  weighed.evidence.draws_by_sampler = options.judged;
  // Of a flow that somebody has chosen less is known: errors are to be smaller.
  how.particles = 4096;
  if (has_normal_like_base(q)) look_beside(weighed, density, how, executor);
  return true;
}

}  // namespace riffle
