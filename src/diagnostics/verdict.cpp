#include "diagnostics/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <utility>

#include "riffle/diagnostics.h"

namespace riffle {
namespace {

constexpr double least_ess = 400;
constexpr double least_fraction = 0.01;
constexpr double most_log_z_se = 0.1;
constexpr double most_share = 0.05;
constexpr double most_half_gap = 4;  // standard errors
constexpr double most_invalid = 0.1;
constexpr double some_invalid = 0.01;
constexpr double most_unseen = 0.25;
constexpr double most_fit_gap = 0.1;       // nats
constexpr double most_fit_gap_errors = 3;  // standard errors; a gap must be beyond both

constexpr double good_fraction = 0.5;
constexpr double excellent_fraction = 0.9;
constexpr double most_shift = 0.1;
constexpr double shift_errors = 2;      // a shift within so many standard errors may be chance
constexpr double most_gap = 0.5;        // nats
constexpr double most_outside = 0.01;   // likewise
constexpr double most_rounding = 0.1;   // nats
constexpr double some_rounding = 1e-3;  // nats
constexpr double most_failures = 0.5;   // of all evaluations
constexpr double some_failures = 0.1;
constexpr double most_r_hat_heard = 1.1;  // of those that are compared
constexpr double most_failed_proposals = 0.1;
constexpr double most_sampler_gap = 0.02;        // nats
constexpr double most_sampler_gap_errors = 3;    // a gap must be beyond both
constexpr double most_sampler_shift = 0.1;       // sds, and beyond
constexpr double most_sampler_shift_errors = 4;  // as the largest of many coordinates is compared
// Fewer draws than this, where few of them are effective, miss the weights that would show why.
constexpr double least_draws = 10'000;

/// The largest k̂ that weights may have of which a fraction is effective.
double most_khat(double fraction) {
  struct Step {
    double fraction;
    double khat;
  };
  constexpr std::array<Step, 3> steps{{{good_fraction, 1}, {0.2, 0.6}, {0, 0.5}}};
  if (fraction >= excellent_fraction) return std::numeric_limits<double>::infinity();
  return std::ranges::find_if(steps, [&](const Step& s) { return fraction >= s.fraction; })->khat;
}

std::string percent(double fraction) {
  return fmt::format("{:.3g} %", 100 * fraction);
}

/// Whether two evidences may be those of one density. What is no number agrees with none.
bool agree(const Evidence& a, const Evidence& b) {
  const double gap = std::abs(a.log_z - b.log_z);
  return gap <= most_fit_gap || gap <= most_fit_gap_errors * std::hypot(a.log_z_se, b.log_z_se);
}

/// ": what the model said", where it said something.
std::string because(const VerdictEvidence& evidence) {
  return evidence.first_failure.empty() ? "" : "; the first said: " + evidence.first_failure;
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// Modes that are not covered, as far as the search knows of them.
void look_at_modes(const VerdictEvidence& evidence, std::vector<std::string>& wrong) {
  if (evidence.modes_left_out) {
    wrong.emplace_back("modes that hold part of the posterior were found and are not covered");
  }
  if (evidence.unseen_modes && *evidence.unseen_modes > most_unseen) {
    wrong.push_back(
        fmt::format("{} of the starts ended in a mode that no other start met (at most "
                    "{}): there may be more modes",
                    percent(*evidence.unseen_modes), percent(most_unseen)));
  }
}

/// Where ln p says less than a weight needs.
void look_at_numbers(const VerdictEvidence& evidence, std::vector<std::string>& wrong) {
  const double failed = share(evidence.failed_evaluations, evidence.evaluations);
  if (failed > most_failures) {
    wrong.push_back(fmt::format(
        "the target gave no number at {} of all {} evaluations (at most {}): what it is there is "
        "not known{}",
        percent(failed), evidence.evaluations, percent(most_failures), because(evidence)));
  }
  const auto& i = evidence.importance;
  if (lost_in_rounding(i)) {
    wrong.push_back(fmt::format(
        "ln p is near {:.2g}, where numbers are {:.2g} nats apart (at most {}): differences of "
        "ln p are lost, and weights are rounding; subtract a constant from ln p",
        i.log_z, i.rounding, most_rounding));
  }
  if (!evidence.value_of_none.empty()) {
    wrong.push_back(fmt::format("{} is nan at all of the draws: the model gives it no value",
                                evidence.value_of_none));
  }
  if (const double without = share(evidence.without_value, i.draws); without > most_invalid) {
    wrong.push_back(fmt::format("{} is nan at {} of the draws ({}), which figures leave out",
                                evidence.value, evidence.without_value, percent(without)));
  }
}

/// Mass that q's own draws do not reach.
void look_beyond(const VerdictEvidence& evidence, std::vector<std::string>& wrong) {
  if (!evidence.reached) return;
  const auto& i = evidence.importance;
  const auto& [all, reached] = *evidence.reached;
  if (!agree(reached, {i.log_z, i.log_z_se})) {
    wrong.push_back(fmt::format(
        "with draws that reach wider than those of q log Z is {:.2f} ± {:.2f}, without {:.2f} ± "
        "{:.2f}: q misses mass",
        reached.log_z, reached.log_z_se, i.log_z, i.log_z_se));
  }
  if (all.khat && *all.khat > most_khat(all.ess_fraction)) {
    wrong.push_back(fmt::format(
        "with draws that reach wider than those of q the weights have too heavy a tail: k̂ = {:.2f} "
        "where {} of the draws are effective (at most {}); q is likely too narrow",
        *all.khat, percent(all.ess_fraction), most_khat(all.ess_fraction)));
  }
}

/// Whether chains are good enough to be heard against q.
bool is_heard(const VerdictEvidence::Sampler& sampler) {
  return sampler.r_hat <= most_r_hat_heard &&
         std::min(sampler.ess_bulk, sampler.ess_tail) >= least_ess;
}

/// Mass beside the draws: particles from further out find more of it.
void hear_particles(const VerdictEvidence& evidence, const Evidence& own,
                    std::vector<std::string>& wrong) {
  const double more = evidence.wide.log_z - own.log_z;
  if (more > most_fit_gap / 2 &&
      more > most_sampler_gap_errors * std::hypot(evidence.wide.log_z_se, own.log_z_se)) {
    wrong.push_back(
        fmt::format("particles from a normal wider than the draws find log Z {:.2f} ± {:.2f}, not "
                    "{:.2f} ± {:.2f}: "
                    "there is mass beside the draws",
                    evidence.wide.log_z, evidence.wide.log_z_se, own.log_z, own.log_z_se));
  }
}

/// What draws of p know better.
void hear_sampler(const VerdictEvidence& evidence, std::vector<std::string>& wrong) {
  const Evidence own = evidence.reached
                           ? evidence.reached->evidence
                           : Evidence{evidence.importance.log_z, evidence.importance.log_z_se};
  hear_particles(evidence, own, wrong);
  if (!evidence.sampler) return;
  const auto& sampler = *evidence.sampler;
  const double gap = std::abs(sampler.bridge.log_z - own.log_z);
  if (sampler.bridge_holds && gap > most_sampler_gap &&
      gap > most_sampler_gap_errors * std::hypot(own.log_z_se, sampler.bridge.log_z_se)) {
    wrong.push_back(fmt::format(
        "with draws of a sampler log Z is {:.2f} ± {:.2f}, by those of q {:.2f} ± {:.2f}: q misses "
        "mass",
        sampler.bridge.log_z, sampler.bridge.log_z_se, own.log_z, own.log_z_se));
  }
  if (sampler.long_enough && !VerdictEvidence::converged(sampler)) {
    wrong.push_back(fmt::format(
        "chains of a sampler in the coordinates of q do not converge (R̂ = {:.2f}, {:.0f} effective "
        "draws), as they would where q is nearly p",
        sampler.r_hat, std::min(sampler.ess_bulk, sampler.ess_tail)));
  }
  // The error of the bridge knows of chains that do not agree. Moments say less by themselves.
  if (!is_heard(sampler)) return;
  const auto most = [](const VerdictEvidence::Shift& shift) {
    return most_sampler_shift + most_sampler_shift_errors * shift.se;
  };
  if (!(sampler.mean_shift.off <= most(sampler.mean_shift))) {
    wrong.push_back(
        fmt::format("a mean differs from that of a sampler by {:.2f} sd (at most {:.2f})",
                    sampler.mean_shift.off, most(sampler.mean_shift)));
  }
  if (!(sampler.sd_shift.off <= most(sampler.sd_shift))) {
    wrong.push_back(
        fmt::format("an sd differs from that of a sampler by a factor of {:.2f} (at most {:.2f})",
                    std::exp(sampler.sd_shift.off), std::exp(most(sampler.sd_shift))));
  }
}

/// What makes a sampler's draws useless.
std::vector<std::string> faults_of_sampler(const VerdictEvidence& evidence) {
  std::vector<std::string> wrong;
  const auto& sampler = *evidence.sampler;
  look_at_modes(evidence, wrong);
  look_at_numbers(evidence, wrong);
  if (sampler.bridge_holds) hear_particles(evidence, sampler.bridge, wrong);
  if (!(sampler.r_hat <= evidence.most_r_hat)) {
    wrong.push_back(
        fmt::format("the sampler's chains do not agree: R̂ = {:.3f} for coordinate {} "
                    "(at most {})",
                    sampler.r_hat, sampler.coordinate + 1, evidence.most_r_hat));
  }
  if (!(std::min(sampler.ess_bulk, sampler.ess_tail) >= evidence.least_ess_of_chains)) {
    wrong.push_back(
        fmt::format("only {:.3g} of the sampler's draws are effective for the bulk of some "
                    "coordinate, {:.3g} for the tails; {} are needed",
                    sampler.ess_bulk, sampler.ess_tail, evidence.least_ess_of_chains));
  }
  if (sampler.failed > most_failed_proposals) {
    wrong.push_back(
        fmt::format("{} of the sampler's proposals met points without a number (at "
                    "most {})",
                    percent(sampler.failed), percent(most_failed_proposals)));
  }
  return wrong;
}

/// The widest disagreement of two fits, in reasons.
void compare_fits(const std::vector<Evidence>& fits, std::vector<std::string>& wrong) {
  double widest = 0;
  std::string worst;
  for (std::size_t i = 0; i < fits.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (agree(fits[i], fits[j])) continue;
      const double gap = std::abs(fits[i].log_z - fits[j].log_z);
      if (gap <= widest) continue;
      widest = gap;
      worst = fmt::format(
          "independent fits disagree: log Z {:.2f} ± {:.2f} and {:.2f} ± {:.2f}, so at least one "
          "of "
          "them misses mass",
          fits[j].log_z, fits[j].log_z_se, fits[i].log_z, fits[i].log_z_se);
    }
  }
  if (!worst.empty()) wrong.push_back(std::move(worst));
}

/// What makes draws useless, weighted or not.
std::vector<std::string> faults(const VerdictEvidence& evidence) {
  std::vector<std::string> wrong;
  const auto& i = evidence.importance;
  const auto draws = static_cast<double>(i.draws);
  if (!evidence.injective) {
    wrong.emplace_back(
        "the flow folds: ln q is not the density of its draws, and neither weights "
        "nor log Z mean anything");
  }
  look_at_modes(evidence, wrong);
  compare_fits(evidence.fits, wrong);
  look_at_numbers(evidence, wrong);
  if (i.collapsed || !std::isfinite(i.log_z)) {
    wrong.push_back(fmt::format("no importance weight of {} draws is a positive number", i.draws));
    return wrong;
  }
  const double invalid = static_cast<double>(i.invalid) / draws;
  if (invalid > most_invalid) {
    wrong.push_back(fmt::format("the target gave no number at {} of the draws ({}){}", i.invalid,
                                percent(invalid), because(evidence)));
  }
  if (!(i.ess >= least_ess)) {
    wrong.push_back(fmt::format("only {:.3g} effective draws of {} ({}); {} are needed", i.ess,
                                i.draws, percent(i.ess_fraction), least_ess));
  } else if (!(i.ess_fraction >= least_fraction)) {
    wrong.push_back(fmt::format("only {} of the draws are effective; {} are needed",
                                percent(i.ess_fraction), percent(least_fraction)));
  }
  if (i.khat && *i.khat > most_khat(i.ess_fraction)) {
    wrong.push_back(
        fmt::format("the weights have too heavy a tail: k̂ = {:.2f} where {} of the draws are "
                    "effective (at most "
                    "{}); q is likely too narrow, and mass that it misses shows in no figure",
                    *i.khat, percent(i.ess_fraction), most_khat(i.ess_fraction)));
  }
  look_beyond(evidence, wrong);
  hear_sampler(evidence, wrong);
  if (i.largest_share > most_share) {
    wrong.push_back(fmt::format("one draw holds {} of the weight (at most {})",
                                percent(i.largest_share), percent(most_share)));
  }
  if (!(i.log_z_se <= most_log_z_se)) {
    wrong.push_back(
        fmt::format("log Z is known to ± {:.2g} only (at most {})", i.log_z_se, most_log_z_se));
  }
  if (!(std::abs(i.half_gap) <= most_half_gap)) {
    wrong.push_back(
        fmt::format("the halves of the draws disagree on log Z by {:.1f} standard errors",
                    std::abs(i.half_gap)));
  }
  if (draws < least_draws && i.ess_fraction < good_fraction) {
    wrong.push_back(fmt::format(
        "{} draws are too few to tell where only {} of them are effective; draw {:.0f} or more",
        i.draws, percent(i.ess_fraction), least_draws));
  }
  return wrong;
}

/// Why the draws cannot be used without their weights.
std::vector<std::string> reservations(const VerdictEvidence& evidence) {
  std::vector<std::string> reasons;
  const auto& i = evidence.importance;
  if (!(i.ess_fraction >= good_fraction)) {
    reasons.push_back(
        fmt::format("{:.0f} of {} draws are effective ({}): weights correct what q "
                    "gets wrong",
                    i.ess, i.draws, percent(i.ess_fraction)));
  }
  if (!(i.log_z - i.trimmed_elbo <= most_gap)) {
    reasons.push_back(fmt::format("the bound is {:.2f} nats below log Z (at most {})",
                                  i.log_z - i.trimmed_elbo, most_gap));
  }
  const double outside = i.outside - share(i.invalid, i.draws);
  if (outside - shift_errors * std::sqrt(std::max(0.0, outside) / static_cast<double>(i.draws)) >
      most_outside) {
    reasons.push_back(
        fmt::format("{} of the draws lie where p is all but zero (at most {}); the weights leave "
                    "them out",
                    percent(outside), percent(most_outside)));
  }
  if (std::isnan(evidence.mean_shift) || std::isnan(evidence.sd_shift)) {
    reasons.emplace_back("weighted and plain draws were not compared");
  } else {
    if (!(evidence.mean_shift - shift_errors * evidence.mean_shift_se <= most_shift)) {
      reasons.push_back(fmt::format("weights move a mean by {:.2f} sd (at most {})",
                                    evidence.mean_shift, most_shift));
    }
    if (!(evidence.sd_shift - shift_errors * evidence.sd_shift_se <= most_shift)) {
      reasons.push_back(fmt::format("weights change an sd by a factor of {:.2f} (at most {:.2f})",
                                    std::exp(evidence.sd_shift), std::exp(most_shift)));
    }
  }
  const double threshold = khat_threshold(i.draws);
  if (i.khat && *i.khat > threshold && i.ess_fraction < excellent_fraction) {
    reasons.push_back(
        fmt::format("the weights have a heavy tail: k̂ = {:.2f} (at most {:.2f} where fewer than {} "
                    "of the draws are effective)",
                    *i.khat, threshold, percent(excellent_fraction)));
  }
  const double invalid = static_cast<double>(i.invalid) / static_cast<double>(i.draws);
  if (invalid > some_invalid) {
    reasons.push_back(
        fmt::format("the target gave no number at {} of {} draws; the weights leave "
                    "them out{}",
                    i.invalid, i.draws, because(evidence)));
  }
  if (share(evidence.without_value, i.draws) > some_invalid) {
    reasons.push_back(fmt::format("{} is nan at {} of {} draws, which figures leave out",
                                  evidence.value, evidence.without_value, i.draws));
  }
  return reasons;
}

/// What a sampler adds, but no grade.
void note_sampler(const VerdictEvidence& evidence, std::vector<std::string>& reasons) {
  const auto& sampler = *evidence.sampler;
  if (evidence.draws_by_sampler) {
    if (std::isnan(sampler.bridge.log_z)) {
      reasons.emplace_back("log Z is not known: draws of p and of q do not overlap");
    } else if (!sampler.bridge_holds || !(sampler.bridge.log_z_se <= most_log_z_se)) {
      reasons.push_back(fmt::format("log Z is not for comparisons: {:.2f} ± {:.2f} by the bridge{}",
                                    sampler.bridge.log_z, sampler.bridge.log_z_se,
                                    sampler.bridge_holds ? "" : ", of few effective terms"));
    }
    return;
  }
  if (!is_heard(sampler)) {
    if (sampler.long_enough) return;
    reasons.push_back(fmt::format("a sampler that was to confirm it did not converge: R̂ = {:.2f}",
                                  sampler.r_hat));
    return;
  }
  reasons.push_back(
      sampler.bridge_holds
          ? fmt::format(
                "a sampler of p agrees: log Z is {:.3f} ± {:.3f} by the bridge, and no mean "
                "is more than {:.2f} sd off",
                sampler.bridge.log_z, sampler.bridge.log_z_se, sampler.mean_shift.off)
          : fmt::format("a sampler of p agrees: no mean is more than {:.2f} sd off",
                        sampler.mean_shift.off));
}

/// What changes no grade: of the search and of the target.
void add_notes_on_search(const VerdictEvidence& evidence, std::vector<std::string>& reasons) {
  if (evidence.budget_exhausted) {
    reasons.emplace_back("the budget ran out before the fit was done: more may make it better");
  }
  if (!evidence.keeps_constants) {
    reasons.emplace_back(
        "ln p leaves out constants: log Z is known up to an unknown constant, and "
        "is no evidence to compare models by");
  }
  if (evidence.fits.size() < 2 && evidence.unseen_modes != 0.0) {
    reasons.emplace_back(evidence.reached || evidence.sampler
                             ? "one fit alone: modes far from its draws would not be seen"
                             : "one fit alone: modes and mass where it has no draws would not be "
                               "seen");
  } else if (evidence.fits.size() < 2) {
    reasons.emplace_back("one fit alone, but starts from near and far met no mode that it has not");
  }
  if (evidence.unseen_modes && *evidence.unseen_modes > 0 &&
      *evidence.unseen_modes <= most_unseen) {
    reasons.push_back(fmt::format("{} of the starts ended in a mode that no other start met",
                                  percent(*evidence.unseen_modes)));
  }
  const double failed = share(evidence.failed_evaluations, evidence.evaluations);
  if (failed > some_failures && failed <= most_failures) {
    reasons.push_back(fmt::format("the target gave no number at {} of all {} evaluations{}",
                                  percent(failed), evidence.evaluations, because(evidence)));
  }
}

/// And of the weights.
void add_notes_on_weights(const VerdictEvidence& evidence, std::vector<std::string>& reasons) {
  const auto& i = evidence.importance;
  if (evidence.draws_wanted > i.draws) {
    reasons.push_back(fmt::format("the budget ran out: {} draws judge the fit, where {} were to",
                                  i.draws, evidence.draws_wanted));
  }
  const double invalid = static_cast<double>(i.invalid) / static_cast<double>(i.draws);
  if (i.invalid > 0 && invalid <= some_invalid) {
    reasons.push_back(
        fmt::format("the target gave no number at {} of {} draws", i.invalid, i.draws));
  }
  if (evidence.without_value > 0 && share(evidence.without_value, i.draws) <= some_invalid) {
    reasons.push_back(fmt::format("{} is nan at {} of {} draws", evidence.value,
                                  evidence.without_value, i.draws));
  }
  if (i.outside > 0 && i.trimmed_elbo > i.elbo) {
    reasons.push_back(fmt::format(
        "{} of the draws lie where p is all but zero: without them the bound is {:.2f} nats below "
        "log Z, with them {:.3g}",
        percent(i.outside), i.log_z - i.trimmed_elbo, i.log_z - i.elbo));
  }
  if (i.rounding > some_rounding && i.rounding < most_rounding) {
    reasons.push_back(fmt::format(
        "ln p is near {:.2g}, where numbers are {:.2g} nats apart: log Z is known no better",
        i.log_z, i.rounding));
  }
  const auto& weighed = evidence.reached ? evidence.reached->importance : i;
  if (!i.collapsed && !weighed.log_z_se_holds) {
    reasons.emplace_back("the standard error of log Z is itself uncertain: it may be too small");
  }
}

Verdict judge_sampler(const VerdictEvidence& evidence) {
  Verdict verdict;
  const auto& sampler = *evidence.sampler;
  verdict.reasons = faults_of_sampler(evidence);
  if (verdict.reasons.empty()) {
    verdict.grade = Grade::reliable;
    verdict.reasons.push_back(fmt::format(
        "{} chains of a sampler, with {} draws each, agree: R̂ is at most {:.3f}, and {:.0f} draws "
        "are effective for the bulk of each coordinate, {:.0f} for the tails",
        sampler.chains, sampler.length, sampler.r_hat, sampler.ess_bulk, sampler.ess_tail));
    auto of_q = evidence;
    of_q.draws_by_sampler = false;
    of_q.sampler.reset();
    const auto why = faults(of_q);
    if (!why.empty()) verdict.reasons.push_back("draws of q alone would not do: " + why.front());
  }
  note_sampler(evidence, verdict.reasons);
  add_notes_on_search(evidence, verdict.reasons);
  return verdict;
}

}  // namespace

bool lost_in_rounding(const Importance& importance) {
  return importance.rounding >= most_rounding;
}

Verdict judge(const VerdictEvidence& evidence) {
  if (evidence.draws_by_sampler) return judge_sampler(evidence);
  Verdict verdict;
  verdict.reasons = faults(evidence);
  if (verdict.reasons.empty()) {
    verdict.grade = Grade::reliable_after_reweighting;
    verdict.reasons = reservations(evidence);
  }
  if (verdict.reasons.empty()) {
    const auto& i = evidence.importance;
    verdict.grade = Grade::reliable;
    verdict.reasons.push_back(fmt::format(
        "{} of {} draws are effective, the bound is {:.2g} nats below log Z, and weights move no "
        "mean by more than {:.2g} sd and no sd by more than {}",
        percent(i.ess_fraction), i.draws, std::max(0.0, i.log_z - i.trimmed_elbo),
        evidence.mean_shift, percent(std::expm1(evidence.sd_shift))));
  }
  if (evidence.sampler) note_sampler(evidence, verdict.reasons);
  add_notes_on_search(evidence, verdict.reasons);
  add_notes_on_weights(evidence, verdict.reasons);
  return verdict;
}

}  // namespace riffle
