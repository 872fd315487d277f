#include "diagnostics/verdict.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include "diagnostics/parameter_summary.h"
#include "support/effort.h"
#include "support/random.h"

namespace riffle {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double pi = std::numbers::pi;

/// A fit that nothing is wrong with.
VerdictEvidence good() {
  VerdictEvidence evidence;
  auto& i = evidence.importance;
  i.draws = 10'000;
  i.log_z = -10;
  i.log_z_se = 0.005;
  i.log_z_se_holds = true;
  i.elbo = -10.1;
  i.elbo_se = 0.005;
  i.trimmed_elbo = -10.1;
  i.ess = 8000;
  i.ess_fraction = 0.8;
  i.largest_share = 0.001;
  i.khat = 0.3;
  i.half_gap = 1;
  evidence.mean_shift = 0.02;
  evidence.sd_shift = 0.02;
  evidence.fits = {{-10, 0.005}, {-10.01, 0.005}};
  evidence.unseen_modes = 0;
  return evidence;
}

std::string all_reasons(const Verdict& verdict) {
  std::string text;
  for (const auto& reason : verdict.reasons) text += reason + "\n";
  return text;
}

TEST(Verdict, AGoodFit) {
  const auto verdict = judge(good());
  EXPECT_EQ(verdict.grade, Grade::reliable) << all_reasons(verdict);
  ASSERT_EQ(verdict.reasons.size(), 1U) << all_reasons(verdict);
  EXPECT_NE(verdict.reasons[0].find("80 % of 10000 draws are effective"), std::string::npos)
      << verdict.reasons[0];
}

struct Change {
  const char* what;
  Grade grade;
  const char* reason;  ///< part of what must be said
  std::function<void(VerdictEvidence&)> make;
};

class VerdictOf : public ::testing::TestWithParam<Change> {};

TEST_P(VerdictOf, OneThing) {
  auto evidence = good();
  GetParam().make(evidence);
  const auto verdict = judge(evidence);
  EXPECT_EQ(name_of(verdict.grade), name_of(GetParam().grade)) << all_reasons(verdict);
  EXPECT_NE(all_reasons(verdict).find(GetParam().reason), std::string::npos)
      << all_reasons(verdict);
}

void set_ess(VerdictEvidence& e, double draws, double fraction) {
  e.importance.draws = static_cast<std::uint64_t>(draws);
  e.importance.ess_fraction = fraction;
  e.importance.ess = draws * fraction;
}

/// Weights and evidence with draws that reach wider, as good as those of q.
VerdictEvidence::Reached reached(const VerdictEvidence& e) {
  return {e.importance, {e.importance.log_z, e.importance.log_z_se}};
}

/// Chains that agree with the rest.
VerdictEvidence::Sampler sampler(const VerdictEvidence& e) {
  return {.chains = 64,
          .length = 80,
          .r_hat = 1.01,
          .ess_bulk = 3000,
          .ess_tail = 2000,
          .bridge = {e.importance.log_z + 0.01, 0.01},
          .bridge_holds = true,
          .mean_shift = {0.03, 0.02},
          .sd_shift = {0.02, 0.02}};
}

/// Draws of chains from a q that is of no use.
void judge_sampler(VerdictEvidence& e) {
  e.sampler = sampler(e);
  e.draws_by_sampler = true;
  set_ess(e, 10'000, 0.001);
}

const std::array changes{
    Change{"sampler_agrees", Grade::reliable, "a sampler of p agrees: log Z is -9.990 ± 0.010",
           [](auto& e) { e.sampler = sampler(e); }},
    Change{"sampler_sees_more_mass", Grade::unreliable,
           "with draws of a sampler log Z is -9.90 ± 0.01, by those of q -10.00 ± 0.01",
           [](auto& e) {
             e.sampler = sampler(e);
             e.sampler->bridge.log_z = -9.9;
           }},
    Change{"sampler_sees_a_little_more", Grade::reliable, "effective",
           [](auto& e) {
             e.sampler = sampler(e);
             e.sampler->bridge = {-9.985, 0.001};
           }},
    Change{"sampler_is_not_sure", Grade::reliable, "no mean is more than",
           [](auto& e) {
             e.sampler = sampler(e);
             e.sampler->bridge = {-9.5, 0.01};
             e.sampler->bridge_holds = false;
           }},
    Change{"sampler_has_another_mean", Grade::unreliable, "a mean differs from that of a sampler",
           [](auto& e) {
             e.sampler = sampler(e);
             e.sampler->mean_shift.off = 0.19;
           }},
    Change{"sampler_may_have_another_mean", Grade::reliable, "effective",
           [](auto& e) {
             e.sampler = sampler(e);
             e.sampler->mean_shift.off = 0.17;
           }},
    Change{"sampler_has_another_sd", Grade::unreliable, "by a factor of 1.22",
           [](auto& e) {
             e.sampler = sampler(e);
             e.sampler->sd_shift.off = 0.2;
           }},
    Change{"sampler_did_not_converge", Grade::reliable, "did not converge: R̂ = 1.30",
           [](auto& e) {
             e.sampler = sampler(e);
             e.sampler->r_hat = 1.3;
             e.sampler->mean_shift.off = 3;
           }},
    Change{"long_chains_did_not_converge", Grade::unreliable, "do not converge (R̂ = 1.30",
           [](auto& e) {
             e.sampler = sampler(e);
             e.sampler->r_hat = 1.3;
             e.sampler->long_enough = true;
           }},
    Change{"long_chains_are_hardly_effective", Grade::unreliable, "do not converge",
           [](auto& e) {
             e.sampler = sampler(e);
             e.sampler->ess_tail = 900;
             e.sampler->long_enough = true;
           }},
    Change{"particles_find_more", Grade::unreliable,
           "find log Z -9.80 ± 0.03, not -10.00 ± 0.01: there is mass beside",
           [](auto& e) {
             e.wide = {-9.8, 0.03};
           }},
    Change{"particles_may_find_more", Grade::reliable, "effective",
           [](auto& e) {
             e.wide = {-9.8, 0.07};
           }},
    Change{"particles_find_less", Grade::reliable, "effective",
           [](auto& e) {
             e.wide = {-10.5, 0.03};
           }},
    Change{"particles_find_more_than_the_sampler", Grade::unreliable,
           "find log Z -9.80 ± 0.03, not -9.99",
           [](auto& e) {
             judge_sampler(e);
             e.wide = {-9.8, 0.03};
           }},
    Change{"by_sampler", Grade::reliable, "draws of q alone would not do: only 10 effective draws",
           [](auto& e) { judge_sampler(e); }},
    Change{"by_sampler_that_did_not_converge", Grade::unreliable, "R̂ = 1.040 for coordinate 3",
           [](auto& e) {
             judge_sampler(e);
             e.sampler->r_hat = 1.04;
             e.sampler->coordinate = 2;
           }},
    Change{"by_sampler_of_few_effective_draws", Grade::unreliable, "900 for the tails; 1000 are",
           [](auto& e) {
             judge_sampler(e);
             e.sampler->ess_tail = 900;
           }},
    Change{"by_sampler_that_fails", Grade::unreliable, "12 % of the sampler's proposals",
           [](auto& e) {
             judge_sampler(e);
             e.sampler->failed = 0.12;
           }},
    Change{"by_sampler_that_leaves_modes_out", Grade::unreliable, "not covered",
           [](auto& e) {
             judge_sampler(e);
             e.modes_left_out = true;
           }},
    Change{"by_sampler_with_unseen_modes", Grade::unreliable, "there may be more modes",
           [](auto& e) {
             judge_sampler(e);
             e.unseen_modes = 0.5;
           }},
    Change{"by_sampler_without_evidence", Grade::reliable, "log Z is not known",
           [](auto& e) {
             judge_sampler(e);
             e.sampler->bridge = {nan, nan};
             e.sampler->bridge_holds = false;
           }},
    Change{"by_sampler_with_vague_evidence", Grade::reliable, "log Z is not for comparisons",
           [](auto& e) {
             judge_sampler(e);
             e.sampler->bridge.log_z_se = 0.3;
           }},
    Change{"folds", Grade::unreliable, "folds", [](auto& e) { e.injective = false; }},
    Change{"left_out", Grade::unreliable, "not covered", [](auto& e) { e.modes_left_out = true; }},
    Change{"collapsed", Grade::unreliable, "no importance weight of 10000",
           [](auto& e) { e.importance = importance(std::vector<double>(10'000, nan)); }},
    Change{"no_draws", Grade::unreliable, "no importance weight",
           [](auto& e) { e.importance = importance({}); }},
    Change{"disagree", Grade::unreliable, "-10.00 ± 0.01 and -10.50 ± 0.01",
           [](auto& e) {
             e.fits = {{-10, 0.005}, {-10.2, 0.005}, {-10.5, 0.01}};
           }},
    Change{"disagree_within_error", Grade::reliable, "effective",
           [](auto& e) {
             e.fits = {{-10, 0.005}, {-10.5, 0.2}};
           }},
    Change{"disagree_by_little", Grade::reliable, "effective",
           [](auto& e) {
             e.fits = {{-10, 0.001}, {-10.09, 0.001}};
           }},
    Change{"no_number_disagrees", Grade::unreliable, "disagree",
           [](auto& e) {
             e.fits = {{-10, 0.001}, {nan, nan}};
           }},
    Change{"reaches", Grade::reliable, "effective", [](auto& e) { e.reached = reached(e); }},
    Change{"misses_mass", Grade::unreliable, "log Z is -9.80 ± 0.02, without -10.00 ± 0.01",
           [](auto& e) {
             e.reached = reached(e);
             e.reached->evidence = {-9.8, 0.02};
           }},
    Change{"may_miss_mass", Grade::reliable, "effective",
           [](auto& e) {
             e.reached = reached(e);
             e.reached->evidence = {-9.8, 0.07};
           }},
    Change{"misses_little_mass", Grade::reliable, "effective",
           [](auto& e) {
             e.reached = reached(e);
             e.reached->evidence = {-9.91, 0.001};
           }},
    Change{"reaches_no_number", Grade::unreliable, "log Z is nan",
           [](auto& e) {
             e.reached = reached(e);
             e.reached->evidence = {nan, nan};
           }},
    Change{"heavy_tail_beyond", Grade::unreliable,
           "wider than those of q the weights have too heavy",
           [](auto& e) {
             e.reached = reached(e);
             e.reached->importance.ess_fraction = 0.15;
             e.reached->importance.khat = 0.55;
           }},
    Change{"error_of_error_beyond", Grade::reliable, "itself uncertain",
           [](auto& e) {
             e.reached = reached(e);
             e.reached->importance.log_z_se_holds = false;
           }},
    Change{"alone_but_reaching", Grade::reliable, "modes far from its draws would not be seen",
           [](auto& e) {
             e.reached = reached(e);
             e.fits.clear();
             e.unseen_modes.reset();
           }},
    Change{"alone", Grade::reliable, "one fit alone", [](auto& e) { e.fits.clear(); }},
    Change{"unseen", Grade::unreliable, "there may be more modes",
           [](auto& e) { e.unseen_modes = 0.5; }},
    Change{"unseen_few", Grade::reliable, "12.5 % of the starts",
           [](auto& e) { e.unseen_modes = 0.125; }},
    Change{"failed_many", Grade::unreliable, "2000 of the draws (20 %)",
           [](auto& e) { e.importance.invalid = 2000; }},
    Change{"failed_some", Grade::reliable_after_reweighting, "300 of 10000 draws",
           [](auto& e) { e.importance.invalid = 300; }},
    Change{"failed_few", Grade::reliable, "3 of 10000 draws",
           [](auto& e) { e.importance.invalid = 3; }},
    Change{"ess_few", Grade::unreliable, "only 300 effective draws of 10000 (3 %)",
           [](auto& e) { set_ess(e, 10'000, 0.03); }},
    Change{"ess_fraction_small", Grade::unreliable, "only 0.5 % of the draws",
           [](auto& e) { set_ess(e, 1e6, 0.005); }},
    Change{"ess_enough", Grade::reliable_after_reweighting, "1500 of 10000 draws are effective",
           [](auto& e) { set_ess(e, 10'000, 0.15); }},
    Change{"few_draws", Grade::unreliable, "4000 draws are too few",
           [](auto& e) { set_ess(e, 4'000, 0.4); }},
    Change{"few_draws_that_are_good", Grade::reliable, "effective",
           [](auto& e) { set_ess(e, 4'000, 0.8); }},
    Change{"khat_alone", Grade::reliable, "effective",
           [](auto& e) {
             set_ess(e, 10'000, 0.95);
             e.importance.khat = 1.2;
           }},
    Change{"khat_unknown", Grade::reliable, "effective",
           [](auto& e) { e.importance.khat.reset(); }},
    Change{"khat_high", Grade::reliable_after_reweighting, "k̂ = 0.85",
           [](auto& e) { e.importance.khat = 0.85; }},
    Change{"khat_too_high", Grade::unreliable, "k̂ = 1.10",
           [](auto& e) { e.importance.khat = 1.1; }},
    Change{"khat_at_low_ess", Grade::unreliable, "k̂ = 0.55",
           [](auto& e) {
             set_ess(e, 10'000, 0.15);
             e.importance.khat = 0.55;
           }},
    Change{"khat_at_some_ess", Grade::reliable_after_reweighting, "30 %",
           [](auto& e) {
             set_ess(e, 10'000, 0.3);
             e.importance.khat = 0.55;
           }},
    Change{"one_draw", Grade::unreliable, "one draw holds 7 %",
           [](auto& e) { e.importance.largest_share = 0.07; }},
    Change{"log_z_se", Grade::unreliable, "± 0.2 only",
           [](auto& e) { e.importance.log_z_se = 0.2; }},
    Change{"halves", Grade::unreliable, "6.0 standard errors",
           [](auto& e) { e.importance.half_gap = -6; }},
    Change{"halves_unknown", Grade::unreliable, "halves",
           [](auto& e) { e.importance.half_gap = nan; }},
    Change{"gap", Grade::reliable_after_reweighting, "0.70 nats below",
           [](auto& e) { e.importance.elbo = e.importance.trimmed_elbo = -10.7; }},
    Change{"gap_of_few_draws", Grade::reliable, "with them 590",
           [](auto& e) {
             e.importance.elbo = -600;
             e.importance.outside = 0.002;
           }},
    Change{"outside", Grade::reliable_after_reweighting, "2 % of the draws lie where p is all but",
           [](auto& e) { e.importance.outside = 0.02; }},
    Change{"outside_failed", Grade::reliable, "effective",
           [](auto& e) {
             e.importance.invalid = 90;
             e.importance.outside = 0.0095;
           }},
    Change{"rounding", Grade::unreliable, "numbers are 0.12 nats apart",
           [](auto& e) { e.importance.rounding = 0.125; }},
    Change{"rounding_a_little", Grade::reliable, "log Z is known no better",
           [](auto& e) { e.importance.rounding = 0.0156; }},
    Change{"evaluations_failed", Grade::unreliable,
           "no number at 74 % of all 587000 evaluations (at most 50 %): what it is there is not "
           "known; the first said: scale is nan",
           [](auto& e) {
             e.evaluations = 587'000;
             e.failed_evaluations = 434'380;
             e.first_failure = "scale is nan";
           }},
    Change{"evaluations_failed_some", Grade::reliable, "at 20 % of all 1000 evaluations",
           [](auto& e) {
             e.evaluations = 1'000;
             e.failed_evaluations = 200;
           }},
    Change{"draws_failed_message", Grade::unreliable, "(20 %); the first said: out of range",
           [](auto& e) {
             e.importance.invalid = 2000;
             e.first_failure = "out of range";
           }},
    Change{"no_value_many", Grade::unreliable, "tau is nan at 2000 of the draws (20 %)",
           [](auto& e) {
             e.without_value = 2000;
             e.value = "tau";
           }},
    Change{"no_value_some", Grade::reliable_after_reweighting, "tau is nan at 300 of 10000 draws",
           [](auto& e) {
             e.without_value = 300;
             e.value = "tau";
           }},
    Change{"no_value_few", Grade::reliable, "tau is nan at 3 of 10000 draws",
           [](auto& e) {
             e.without_value = 3;
             e.value = "tau";
           }},
    Change{"no_value_ever", Grade::unreliable, "tau is nan at all of the draws",
           [](auto& e) { e.value_of_none = "tau"; }},
    Change{"mean", Grade::reliable_after_reweighting, "a mean by 0.30 sd",
           [](auto& e) { e.mean_shift = 0.3; }},
    Change{"mean_by_chance", Grade::reliable, "effective",
           [](auto& e) {
             e.mean_shift = 0.11;
             e.mean_shift_se = 0.006;
           }},
    Change{"mean_beyond_chance", Grade::reliable_after_reweighting, "a mean by 0.11 sd",
           [](auto& e) {
             e.mean_shift = 0.11;
             e.mean_shift_se = 0.004;
           }},
    Change{"sd_by_chance", Grade::reliable, "effective",
           [](auto& e) {
             e.sd_shift = 0.11;
             e.sd_shift_se = 0.006;
           }},
    Change{"sd", Grade::reliable_after_reweighting, "a factor of 1.35",
           [](auto& e) { e.sd_shift = 0.3; }},
    Change{"not_compared", Grade::reliable_after_reweighting, "not compared",
           [](auto& e) { e.mean_shift = nan; }},
    Change{"budget", Grade::reliable, "budget", [](auto& e) { e.budget_exhausted = true; }},
    Change{"draws", Grade::reliable, "where 1000000 were to",
           [](auto& e) { e.draws_wanted = 1'000'000; }},
    Change{"constants", Grade::reliable, "unknown constant",
           [](auto& e) { e.keeps_constants = false; }},
    Change{"error_of_error", Grade::reliable, "itself uncertain",
           [](auto& e) { e.importance.log_z_se_holds = false; }},
};

INSTANTIATE_TEST_SUITE_P(Rules, VerdictOf, ::testing::ValuesIn(changes),
                         [](const auto& test) { return std::string(test.param.what); });

// Simulated fits. Whatever the rules are, they must give these their due.

using Density = std::function<double(std::span<const double>)>;

/// A normal with independent coordinates as q.
struct MeanField {
  std::vector<double> mean;
  std::vector<double> spread;

  VerdictEvidence evidence(const Density& log_p, std::size_t n, std::uint64_t seed) const {
    test::Random random(seed);
    const std::size_t dim = mean.size();
    std::vector<double> z(n * dim);
    std::vector<double> weights(n);
    for (std::size_t i = 0; i < n; ++i) {
      const auto x = std::span(z).subspan(i * dim, dim);
      for (std::size_t d = 0; d < dim; ++d) {
        const double e = random.normal();
        x[d] = mean[d] + spread[d] * e;
        weights[i] += 0.5 * e * e + 0.5 * std::log(2 * pi) + std::log(spread[d]);
      }
      weights[i] += log_p(x);
    }
    VerdictEvidence evidence;
    evidence.importance = importance(weights);
    const auto shift =
        largest_shift(summarise(z, dim), summarise(z, dim, normalised_weights(weights)));
    evidence.mean_shift = shift.mean;
    evidence.sd_shift = shift.sd;
    return evidence;
  }
  static MeanField standard(std::size_t dim, double spread) {
    return {std::vector<double>(dim, 0.0), std::vector<double>(dim, spread)};
  }
};

double log_normal(double x, double mean, double log_sd) {
  const double u = (x - mean) * std::exp(-log_sd);
  return -0.5 * u * u - log_sd - 0.5 * std::log(2 * pi);
}

double normals(std::span<const double> z) {
  double sum = 0;
  for (const double x : z) sum += log_normal(x, 0, 0);
  return sum;
}

/// Neal's funnel, ln Z = 0.
double funnel(std::span<const double> z) {
  double sum = log_normal(z[0], 0, std::log(3));
  for (const double x : z.subspan(1)) sum += log_normal(x, 0, z[0] / 2);
  return sum;
}

/// Eight schools, centred, on (μ, ln τ, θ), ln Z = -32.0045 by quadrature over μ and ln τ.
double eight_schools(std::span<const double> z) {
  constexpr std::array<double, 8> y{28, 8, -3, 7, -1, 1, 18, 12};
  constexpr std::array<double, 8> sigma{15, 10, 16, 11, 9, 11, 10, 18};
  const double tau = std::exp(z[1]);
  double sum =
      log_normal(z[0], 0, std::log(5)) - std::log(5 * pi) - std::log1p(tau * tau / 25) + z[1];
  for (std::size_t j = 0; j < 8; ++j) {
    sum += log_normal(z[2 + j], z[0], z[1]) + log_normal(y[j], z[2 + j], std::log(sigma[j]));
  }
  return sum;
}

/// The mean-field normal of the greatest ELBO for eight schools, centred.
MeanField eight_schools_fit() {
  return {{4.26, 1.77, 7.08, 5.35, 3.71, 4.81, 2.66, 3.72, 7.49, 4.95},
          {1.81, 0.24, 5.57, 4.66, 5.12, 5.08, 4.87, 4.94, 4.59, 5.22}};
}

/// The same for the funnel, in closed form.
MeanField funnel_fit(std::size_t dim) {
  auto fit = MeanField::standard(dim, 0);
  const double variance = 1 / (1.0 / 9 + 0.5 * static_cast<double>(dim - 1));
  for (double& s : fit.spread) s = std::exp(-variance / 4);
  fit.spread[0] = std::sqrt(variance);
  return fit;
}

/// How often each grade was given.
std::map<Grade, int> grades(const MeanField& q, const Density& log_p, std::size_t n, int runs) {
  std::map<Grade, int> count;
  for (int run = 0; run < runs; ++run) {
    ++count[judge(q.evidence(log_p, n, static_cast<std::uint64_t>(run))).grade];
  }
  return count;
}

TEST(SimulatedVerdict, AnUnderDispersedNormalOnEightSchoolsIsNeverReliable) {
  for (const std::size_t n : {4'000UL, 10'000UL, 20'000UL}) {
    const int runs = test::repetitions(20);
    auto count = grades(eight_schools_fit(), eight_schools, n, runs);
    EXPECT_EQ(count[Grade::unreliable], runs) << n;
  }
}

TEST(SimulatedVerdict, NorOnAFunnelWhoseNeckItMisses) {
  for (const std::size_t dim : {2UL, 5UL, 10UL}) {
    for (const std::size_t n : {4'000UL, 10'000UL}) {
      const int runs = test::repetitions(10);
      auto count = grades(funnel_fit(dim), funnel, n, runs);
      EXPECT_EQ(count[Grade::unreliable], runs) << dim << " dimensions, " << n << " draws";
    }
  }
}

TEST(SimulatedVerdict, ANormalThatIsRightIsReliable) {
  auto count = grades(MeanField::standard(10, 1.02), normals, 4'000, 20);
  EXPECT_EQ(count[Grade::reliable], 20);
  count = grades(MeanField::standard(10, 1), normals, 4'000, 5);
  EXPECT_EQ(count[Grade::reliable], 5);
}

TEST(SimulatedVerdict, AWideNormalIsReliableAfterReweighting) {
  const int runs = test::repetitions(20);
  auto count = grades(MeanField::standard(10, 1.5), normals, 10'000, runs);
  EXPECT_EQ(count[Grade::reliable_after_reweighting], runs);
}

TEST(SimulatedVerdict, ANarrowNormalIsNotReliable) {
  for (const double spread : {0.5, 0.7, 0.8}) {
    auto count = grades(MeanField::standard(5, spread), normals, 10'000, test::repetitions(20));
    EXPECT_EQ(count[Grade::reliable], 0) << spread;
  }
}

/// A mode without draws shows in no weight; other fits find it, and say so by their evidence.
TEST(SimulatedVerdict, AMissedModeShowsInOtherFitsOnly) {
  const Density two_modes = [](std::span<const double> z) {
    const double a = std::log(0.5) + log_normal(z[0], 0, 0);
    const double b = std::log(0.5) + log_normal(z[0], 20, std::log(2));
    return std::max(a, b) + std::log1p(std::exp(-std::abs(a - b)));
  };
  auto evidence = MeanField::standard(1, 1).evidence(two_modes, 10'000, 1);
  const auto alone = judge(evidence);
  EXPECT_EQ(alone.grade, Grade::reliable);
  EXPECT_NE(all_reasons(alone).find("one fit alone"), std::string::npos);

  const auto other = MeanField{{20}, {1.8}}.evidence(two_modes, 10'000, 2).importance;
  EXPECT_NEAR(other.log_z, std::log(0.5), 0.05);
  evidence.fits = {{evidence.importance.log_z, evidence.importance.log_z_se},
                   {std::log(1.0), 0.01}};  // a fit that covers both
  EXPECT_EQ(judge(evidence).grade, Grade::unreliable);
}

}  // namespace
}  // namespace riffle
