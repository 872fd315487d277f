#include "fit/warnings.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "core/figure_text.h"

namespace riffle {
namespace {

/// The one to blame most, the first of equals.
const std::string& culprit(const std::vector<Blame>& all) {
  return std::ranges::max_element(all, {}, &Blame::count)->on;
}

/// 1234567 as 1,234,567.
std::string with_commas(std::uint64_t n) {
  return n < 1000 ? std::to_string(n) : fmt::format("{},{:03}", with_commas(n / 1000), n % 1000);
}

}  // namespace

std::vector<Blame> blamed(std::span<const std::uint64_t> counts, std::span<const Expression> flow,
                          std::string_view last) {
  std::vector<Blame> all;
  std::size_t k = 0;
  for (const auto& run : flow) {
    for (std::size_t i = 0; i < run.count; ++i, ++k) {
      if (counts[k] > 0) all.push_back({fmt::format("layer {} ({})", k, run.name), counts[k]});
    }
  }
  if (counts[k] > 0) all.push_back({std::string(last), counts[k]});
  return all;
}

void add_warnings(FitReport& report, bool improper, double final_beta) {
  auto& warnings = report.warnings;
  if (report.stop_reason == StopReason::completed && final_beta < 1) {
    warnings.push_back(fmt::format(
        "the annealing ended at beta = {:.3g}: the flow fits a flattened target; lower "
        "the objective's beta_steps, raise run.iterations, or take the objective free-energy",
        final_beta));
  }
  if (improper) {
    warnings.push_back(
        "the target looks improper: along some axis its density never falls off, so its integral "
        "is "
        "infinite and no flow can match it");
  }
  if (!report.injective) {
    warnings.push_back(
        "the map is no longer injective (some w·u < -1): it folds, log q is not the density of the "
        "draws, and bound, ELBO and KL mean nothing; a lower learning rate, a schedule that "
        "decays, or "
        "the constrained layer `planar` avoids it");
  }
  if (report.kl && *report.kl + 4 * *report.kl_se < 0) {
    warnings.push_back(
        fmt::format("the bound lies below its floor: KL = {} cannot be negative; the map is not "
                    "injective, or draws were left out",
                    figure_text(*report.kl, *report.kl_se)));
  }
  if (report.invalid_draws > 0) {
    warnings.push_back(fmt::format("{} of the final draws were not finite and were left out",
                                   report.invalid_draws));
  }
  if (report.invalid_training_draws > 0) {
    warnings.push_back(
        fmt::format("{} training draws were not finite and were left out, most because of {}",
                    report.invalid_training_draws, culprit(report.invalid_training_draws_by)));
  }
  if (report.failed_evaluations > 0) {
    warnings.push_back(fmt::format("{} of {} evaluations of the target failed; the first said: {}",
                                   with_commas(report.failed_evaluations),
                                   with_commas(report.evaluations), report.first_failure));
  }
  if (report.refused_steps > 0) {
    warnings.push_back(
        report.refused_steps_by.empty()
            ? fmt::format("{} steps were refused because none of their draws was finite",
                          report.refused_steps)
            : fmt::format("{} steps were refused because their gradient was not finite, most "
                          "because of {}",
                          report.refused_steps, culprit(report.refused_steps_by)));
  }
  if (report.stop_reason == StopReason::diverged) {
    warnings.push_back(
        "training diverged: no finite gradient could be had any more; try a lower learning rate or "
        "optimizer.clip_norm");
  }
}

void add_generation_warning(std::vector<std::string>& warnings, const TargetFailures& failures,
                            std::uint64_t draws) {
  if (failures.count == 0) return;
  warnings.push_back(
      fmt::format("{} of {} draws have generated quantities that are nan; the first: {}",
                  with_commas(failures.count), with_commas(draws), failures.first_message));
}

void add_missing_warning(std::vector<std::string>& warnings, const MissingValues& missing,
                         std::uint64_t draws) {
  if (missing.count > 0) {
    warnings.push_back(
        fmt::format("{} is nan at {} of {} draws: figures leave these out, the model gives it no "
                    "value there",
                    missing.name, with_commas(missing.count), with_commas(draws)));
  }
  if (!missing.nowhere.empty() && draws > 0) {
    const auto more = missing.nowhere.size() - 1;
    warnings.push_back(
        fmt::format("{}{} nan at all draws: the model gives {} no value, and there are no figures",
                    missing.nowhere.front(),
                    more == 0 ? " is" : fmt::format(" and {} more are", with_commas(more)),
                    more == 0 ? "it" : "them"));
  }
}

void warn_of_one_thread(FitReport& report, const Spec& spec, const Target& target) {
  if (target.thread_safe() || spec.run.threads <= 1) return;
  report.warnings.push_back(fmt::format(
      "run.threads is {}, but {} does not say that it may be used from several threads: "
      "it ran on one; where it may, set target.thread_safe = true",
      spec.run.threads, target.name()));
}

}  // namespace riffle
