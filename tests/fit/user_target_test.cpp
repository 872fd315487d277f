#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <string>

#include "riffle/riffle.h"

namespace riffle {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double normal(std::span<const double> z, std::span<double> gradient) {
  double square = 0;
  for (std::size_t d = 0; d < z.size(); ++d) {
    gradient[d] = -z[d];
    square += z[d] * z[d];
  }
  return -0.5 * square;
}

Spec small(std::uint64_t threads = 2) {
  Spec spec;
  spec.flow.layers = "planar:4";
  spec.objective.name = "free-energy";
  spec.run.iterations = 300;
  spec.run.batch = 300;
  spec.run.threads = threads;
  spec.run.evaluation_draws = 5000;
  spec.run.draws = 200;
  return spec;
}

bool warns_of(const FitReport& report, std::string_view text) {
  return std::any_of(report.warnings.begin(), report.warnings.end(),
                     [&](const auto& w) { return w.find(text) != std::string::npos; });
}

TEST(UserTarget, IsLearned) {
  const double log_z = std::log(2 * std::numbers::pi);
  const auto report = fit(small(), *make_target(2, normal, log_z));
  EXPECT_EQ(report.target, "user");
  EXPECT_EQ(report.log_z_true, log_z);
  EXPECT_LT(*report.kl, 0.02);
  EXPECT_TRUE(report.warnings.empty());
}

TEST(UserTarget, WithoutLogZHasNoKl) {
  const auto report = fit(small(), *make_target(3, normal));
  EXPECT_EQ(report.draws.dim, 3U);
  EXPECT_FALSE(report.kl);
  EXPECT_FALSE(report.log_z_true);
  EXPECT_NEAR(report.elbo, 1.5 * std::log(2 * std::numbers::pi), 0.05);
}

TEST(UserTarget, ItsExceptionReachesTheCaller) {
  struct Mine : std::runtime_error {
    using std::runtime_error::runtime_error;
  };
  for (const std::uint64_t threads : {1U, 2U}) {
    std::atomic<int> calls{0};
    const auto target = make_target(2, [&](auto z, auto gradient) {
      if (++calls > 20'000) throw Mine("enough");
      return normal(z, gradient);
    });
    EXPECT_THROW(fit(small(threads), *target), Mine);
  }
}

TEST(UserTarget, ThatIsNeverFiniteEndsTheRun) {
  for (const double value : {nan, inf, -inf}) {
    const auto report = fit(small(), *make_target(2, [&](auto z, auto gradient) {
                              normal(z, gradient);
                              return value;
                            }));
    EXPECT_EQ(report.stop_reason, StopReason::diverged) << value;
    EXPECT_EQ(report.invalid_draws, 5000U);
    EXPECT_EQ(report.invalid_training_draws, report.refused_steps * 300);
    EXPECT_EQ(report.invalid_training_draws_by,
              (std::vector<Blame>{{"the target", report.invalid_training_draws}}));
    EXPECT_TRUE(report.refused_steps_by.empty());
    EXPECT_TRUE(warns_of(report, "because of the target")) << value;
    EXPECT_TRUE(warns_of(report, "none of their draws was finite")) << value;
    EXPECT_TRUE(warns_of(report, "diverged")) << value;
    EXPECT_FALSE(std::isfinite(report.elbo));
  }
}

TEST(UserTarget, WhoseGradientIsNotFiniteIsFoundOut) {
  const auto report = fit(small(), *make_target(2, [](auto z, auto gradient) {
                            const double value = normal(z, gradient);
                            gradient[1] = nan;
                            return value;
                          }));
  EXPECT_EQ(report.stop_reason, StopReason::diverged);
  EXPECT_TRUE(warns_of(report, "because of the target"));
}

TEST(UserTarget, OutsideItsSupportIsCountedAndLeftOut) {
  // A half-plane; what lies outside fails in every way in turn.
  std::atomic<unsigned> turn{0};
  const auto target = make_target(2, [&](auto z, auto gradient) {
    const double value = normal(z, gradient);
    if (z[0] > -1) return value;
    const unsigned which = turn++ % 3;
    gradient[0] = nan;
    return which == 0 ? nan : which == 1 ? -inf : inf;
  });
  const auto report = fit(small(), *target);
  EXPECT_EQ(report.stop_reason, StopReason::completed);
  EXPECT_GT(report.invalid_training_draws, 0U);
  EXPECT_EQ(report.refused_steps, 0U);
  EXPECT_TRUE(std::isfinite(report.elbo));
  EXPECT_TRUE(warns_of(report, "because of the target"));
  EXPECT_EQ(report.invalid_draws > 0, warns_of(report, "final draws"));
  for (const double p : report.flow.definition().params) EXPECT_TRUE(std::isfinite(p));
}

TEST(UserTarget, ThatIsFlatLooksImproper) {
  EXPECT_TRUE(warns_of(fit(small(), *make_target(2,
                                                 [](auto z, auto gradient) {
                                                   gradient[0] = -z[0];
                                                   gradient[1] = 0;
                                                   return -0.5 * z[0] * z[0];
                                                 })),
                       "improper"));
}

// From where the draws are it cannot be told from a flat one.
TEST(UserTarget, WhoseEvidenceIsKnownIsNotImproper) {
  const auto wide = [](auto z, auto gradient) {
    gradient[0] = gradient[1] = 0;
    return -0.5 * (z[0] * z[0] + z[1] * z[1]) * 1e-18;
  };
  EXPECT_TRUE(warns_of(fit(small(), *make_target(2, wide)), "improper"));
  EXPECT_FALSE(warns_of(fit(small(), *make_target(2, wide, 43.284)), "improper"));
}

TEST(UserTarget, ComputesInDouble) {
  auto spec = small();
  spec.run.precision = Precision::float32;
  EXPECT_THROW(fit(spec, *make_target(2, normal)), Error);
}

}  // namespace
}  // namespace riffle
