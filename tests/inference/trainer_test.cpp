#include "inference/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "inference/estimator_setup.h"
#include "inference/likelihood_estimator.h"

namespace riffle::test {
namespace {

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

template <class T>
void expect_same(const TrainerState<T>& a, const TrainerState<T>& b) {
  EXPECT_EQ(a.iteration, b.iteration);
  EXPECT_TRUE(same(a.params, b.params));
  EXPECT_EQ(a.optimizer_steps, b.optimizer_steps);
  EXPECT_TRUE(same(a.first, b.first));
  EXPECT_TRUE(same(a.second, b.second));
  EXPECT_TRUE(same(a.velocity, b.velocity));
  EXPECT_EQ(a.loss_every, b.loss_every);
  EXPECT_TRUE(same(a.losses, b.losses));
  EXPECT_EQ(a.refused_steps, b.refused_steps);
  EXPECT_EQ(a.refused_in_a_row, b.refused_in_a_row);
  EXPECT_EQ(a.blame, b.blame);
  EXPECT_EQ(a.refusals, b.refusals);
}

TrainerOptions short_run(std::uint64_t iterations = 60) {
  TrainerOptions options;
  options.iterations = iterations;
  options.batch = 140;
  options.seed = 9;
  options.learning_rate = 0.02;
  options.objective = objective_terms("annealed(beta_start=0.1, beta_steps=40)");
  return options;
}

/// Every optimizer by default, and with all that it may keep from step to step.
std::vector<std::string> optimizers() {
  std::vector<std::string> all{"rmsprop(momentum=0.8, centered=yes)", "sgd(momentum=0.8)"};
  for (const auto& entry : optimizer_registry()) all.emplace_back(entry.name);
  return all;
}

std::vector<Schedule> schedules(std::uint64_t iterations) {
  std::vector<Schedule> all;
  for (const auto& text :
       {"constant", "exponential(decay=0.9)", "cosine", "steps(decay=0.9, step_every=7)"}) {
    all.push_back(make_schedule(text, iterations));
  }
  EXPECT_EQ(all.size(), schedule_registry().size());
  return all;
}

/// Runs until that many iterations are done, by the stop flag.
template <class T>
StopReason run_until(Trainer<T>& trainer, std::uint64_t iteration) {
  std::atomic<bool> stop{false};
  TrainerCallbacks<T> callbacks;
  callbacks.stop = &stop;
  callbacks.on_log = [&](std::uint64_t done, double) { stop = done == iteration; };
  return trainer.run(callbacks);
}

template <class T>
class TrainerTest : public ::testing::Test {
 protected:
  /// With some invalid draws, so that there is blame to be kept.
  const Problem<T> problem_{"planar:2+planar-free:1", 2,
                            std::make_unique<FaultyNormal<T>>(2, Fault::nan, 1.5)};
  Executor executor_{1};

  OwnTrainer<T> trainer(const TrainerOptions& options) {
    return trainer_of(options, problem_, executor_);
  }
  static OwnTrainer<T> trainer_of(const TrainerOptions& options, const Problem<T>& problem,
                                  Executor& executor) {
    return OwnTrainer<T>(options, problem, executor);
  }
};

using Precisions = ::testing::Types<float, double>;
struct PrecisionName {
  template <class T>
  static std::string GetName(int) {
    return std::is_same_v<T, float> ? "float" : "double";
  }
};
TYPED_TEST_SUITE(TrainerTest, Precisions, PrecisionName);

TYPED_TEST(TrainerTest, GoesOnFromAnyStateWithTheSameBits) {
  using T = TypeParam;
  for (const auto& optimizer : optimizers()) {
    for (const auto& schedule : schedules(60)) {
      auto options = short_run();
      options.optimizer = optimizer;
      options.clip_norm = optimizer.ends_with(')') ? 0.5 : options.clip_norm;
      options.schedule = schedule;
      options.log_every = 1;
      auto whole = this->trainer(options);
      ASSERT_EQ(whole.run({}), StopReason::completed);
      const auto end = whole.state();
      EXPECT_EQ(end.iteration, 60u);
      EXPECT_EQ(end.optimizer_steps, 60u);
      EXPECT_GT(end.blame.back(), 0u);
      for (const std::uint64_t at : {1U, 17U, 59U}) {
        auto first = this->trainer(options);
        ASSERT_EQ(run_until(first, at), StopReason::interrupted);
        const TrainerState<T> state = first.state();
        EXPECT_EQ(state.iteration, at);
        auto second = this->trainer(options);
        second.restore(state);
        expect_same(second.state(), state);
        ASSERT_EQ(second.run({}), StopReason::completed);
        expect_same(second.state(), end);
        // And the one that was only stopped.
        ASSERT_EQ(first.run({}), StopReason::completed);
        expect_same(first.state(), end);
      }
    }
  }
}

TYPED_TEST(TrainerTest, GoesOnFromTheStartAndTheEnd) {
  auto fresh = this->trainer(short_run());
  const auto start = fresh.state();
  EXPECT_EQ(start.iteration, 0u);
  EXPECT_TRUE(start.losses.empty());
  ASSERT_EQ(fresh.run({}), StopReason::completed);
  const auto end = fresh.state();
  auto again = this->trainer(short_run());
  again.restore(start);
  ASSERT_EQ(again.run({}), StopReason::completed);
  expect_same(again.state(), end);
  auto over = this->trainer(short_run());
  over.restore(end);
  EXPECT_EQ(over.run({}), StopReason::completed);
  expect_same(over.state(), end);
}

TYPED_TEST(TrainerTest, GoesBackToAnEarlierState) {
  auto options = short_run();
  options.log_every = 1;
  auto trainer = this->trainer(options);
  run_until(trainer, 20);
  const auto state = trainer.state();
  ASSERT_EQ(trainer.run({}), StopReason::completed);
  const auto end = trainer.state();
  trainer.restore(state);
  expect_same(trainer.state(), state);
  ASSERT_EQ(trainer.run({}), StopReason::completed);
  expect_same(trainer.state(), end);
}

TYPED_TEST(TrainerTest, ThreadsChangeNoBit) {
  using T = TypeParam;
  auto options = short_run(20);
  options.batch = 700;
  auto one = this->trainer(options);
  one.run({});
  for (const std::size_t threads : {2U, 4U}) {
    Executor executor(threads);
    auto many = TestFixture::trainer_of(options, this->problem_, executor);
    many.run({});
    expect_same<T>(one.state(), many.state());
  }
}

// One iteration by hand: estimate, rate, step, and what each depends on.
TYPED_TEST(TrainerTest, IteratesAsWritten) {
  using T = TypeParam;
  auto options = short_run(12);
  options.schedule = schedules(12)[1];
  options.optimizer = "adam";
  options.clip_norm = 0.7;
  auto trainer = this->trainer(options);
  const auto& flow = *this->problem_.flow;
  const std::size_t size = flow.parameters().size();

  GradientEstimator<T> estimator(this->problem_.model, *this->problem_.target, options.batch,
                                 this->executor_, this->problem_.set);
  const auto optimizer =
      make_optimizer<T>(options.optimizer, {size, this->problem_.set, options.clip_norm});
  AlignedVector<T> params(optimizer->padded_size());
  AlignedVector<T> grad(optimizer->padded_size());
  flow.initialise({options.seed, Purpose::initial_values, 0}, std::span<T>(params).first(size));
  EXPECT_TRUE(std::equal(trainer.params().begin(), trainer.params().end(), params.begin()));
  std::vector<double> losses;
  for (std::uint64_t t = 0; t < options.iterations; ++t) {
    const ObjectiveTerms terms{1, std::min(1.0, 0.1 + static_cast<double>(t) / 40)};
    losses.push_back(
        estimator.estimate(params, {options.seed, Purpose::training, t}, terms, grad).value);
    optimizer->step(options.learning_rate * std::pow(0.9, static_cast<double>(t)), params, grad);
  }
  ASSERT_EQ(trainer.run({}), StopReason::completed);
  EXPECT_TRUE(std::equal(trainer.params().begin(), trainer.params().end(), params.begin()));
  EXPECT_TRUE(same(trainer.state().losses, losses));
}

TYPED_TEST(TrainerTest, ASeedMakesARun) {
  auto options = short_run(5);
  auto one = this->trainer(options);
  one.run({});
  options.seed = 10;
  auto two = this->trainer(options);
  two.run({});
  EXPECT_FALSE(same(one.state().params, two.state().params));
}

// ------------------------------------------------------------------------------------------------
// Callbacks and the stop flag

TYPED_TEST(TrainerTest, CallsBackAsOftenAsAsked) {
  using T = TypeParam;
  for (const std::uint64_t every : {1U, 7U, 30U, 60U, 61U}) {
    auto options = short_run();
    options.log_every = every;
    options.snapshot_every = every + 1;
    auto trainer = this->trainer(options);
    std::vector<std::uint64_t> logs;
    std::vector<std::uint64_t> snapshots;
    std::vector<std::uint64_t> ticks;
    std::vector<double> logged;
    TrainerCallbacks<T> callbacks;
    callbacks.on_log = [&](std::uint64_t done, double loss) {
      logs.push_back(done);
      logged.push_back(loss);
    };
    callbacks.on_snapshot = [&](std::uint64_t done, std::span<const T> params) {
      snapshots.push_back(done);
      EXPECT_EQ(params.data(), trainer.params().data());
      EXPECT_EQ(params.size(), trainer.params().size());
    };
    callbacks.on_tick = [&](std::uint64_t done, double loss, double rate) {
      ticks.push_back(done);
      EXPECT_TRUE(std::isfinite(loss));
      EXPECT_EQ(rate, 0.02);
    };
    ASSERT_EQ(trainer.run(callbacks), StopReason::completed);
    EXPECT_EQ(logs.size(), 60 / every);
    for (std::size_t i = 0; i < logs.size(); ++i) EXPECT_EQ(logs[i], (i + 1) * every);
    EXPECT_EQ(snapshots.size(), 60 / (every + 1));
    for (std::size_t i = 0; i < snapshots.size(); ++i) {
      EXPECT_EQ(snapshots[i], (i + 1) * (every + 1));
    }
    const auto losses = trainer.state().losses;
    for (std::size_t i = 0; i < logs.size(); ++i) EXPECT_EQ(logged[i], losses[logs[i] - 1]);
    ASSERT_FALSE(ticks.empty());
    EXPECT_EQ(ticks.front(), 1u);
    EXPECT_EQ(std::adjacent_find(ticks.begin(), ticks.end(), std::greater_equal<>()), ticks.end());
  }
}

TYPED_TEST(TrainerTest, CallsNothingBackUnlessAsked) {
  using T = TypeParam;
  auto trainer = this->trainer(short_run());
  TrainerCallbacks<T> callbacks;
  callbacks.on_log = [](std::uint64_t, double) { ADD_FAILURE(); };
  callbacks.on_snapshot = [](std::uint64_t, std::span<const T>) { ADD_FAILURE(); };
  EXPECT_EQ(trainer.run(callbacks), StopReason::completed);
  auto options = short_run();
  options.log_every = 1;
  options.snapshot_every = 1;
  auto silent = this->trainer(options);
  EXPECT_EQ(silent.run({}), StopReason::completed);
}

TYPED_TEST(TrainerTest, CallbacksChangeNoBit) {
  using T = TypeParam;
  auto plain = this->trainer(short_run());
  plain.run({});
  auto options = short_run();
  options.log_every = 3;
  options.snapshot_every = 4;
  auto watched = this->trainer(options);
  TrainerCallbacks<T> callbacks;
  callbacks.on_log = [&](std::uint64_t, double) { watched.state(); };
  callbacks.on_snapshot = [](std::uint64_t, std::span<const T>) {};
  watched.run(callbacks);
  expect_same(plain.state(), watched.state());
}

TYPED_TEST(TrainerTest, StopsBeforeTheFirstIterationWhereTheFlagIsUp) {
  using T = TypeParam;
  const std::atomic<bool> stop{true};
  auto trainer = this->trainer(short_run());
  const auto before = trainer.state();
  TrainerCallbacks<T> callbacks;
  callbacks.stop = &stop;
  EXPECT_EQ(trainer.run(callbacks), StopReason::interrupted);
  expect_same(trainer.state(), before);
}

TYPED_TEST(TrainerTest, ARunThatIsDoneIsCompletedWhateverTheFlag) {
  using T = TypeParam;
  std::atomic<bool> stop{false};
  auto options = short_run();
  options.log_every = 60;
  auto trainer = this->trainer(options);
  TrainerCallbacks<T> callbacks;
  callbacks.stop = &stop;
  callbacks.on_log = [&](std::uint64_t, double) { stop = true; };
  EXPECT_EQ(trainer.run(callbacks), StopReason::completed);
}

// ------------------------------------------------------------------------------------------------
// Refused steps

/// The standard normal, but nothing at all while it is broken.
template <class T>
class Breakable final : public Density<T> {
 public:
  explicit Breakable(const std::atomic<bool>& broken) : Density<T>(2), broken_(broken) {}

 private:
  void evaluate_impl(Tile<const T> z, T* log_density, Tile<T> gradient) const override {
    const T status = broken_ ? std::numeric_limits<T>::quiet_NaN() : T(0);
    for (std::size_t s = 0; s < tile_size; ++s) {
      T squares = 0;
      for (std::size_t d = 0; d < z.dim(); ++d) {
        squares += z(d, s) * z(d, s);
        gradient(d, s) = -z(d, s);
      }
      log_density[s] = T(-0.5) * squares + status;
    }
  }

  const std::atomic<bool>& broken_;
};

TYPED_TEST(TrainerTest, DivergesAfterTooManyRefusedSteps) {
  using T = TypeParam;
  const std::atomic<bool> broken{true};
  const Problem<T> problem("planar:2", 2, std::make_unique<Breakable<T>>(broken));
  auto trainer = TestFixture::trainer_of(short_run(1000), problem, this->executor_);
  const auto before = trainer.state();
  EXPECT_EQ(trainer.run({}), StopReason::diverged);
  const auto after = trainer.state();
  EXPECT_EQ(after.refused_steps, Trainer<T>::refused_limit);
  EXPECT_EQ(after.refused_in_a_row, Trainer<T>::refused_limit);
  EXPECT_EQ(after.optimizer_steps, 0u);
  EXPECT_TRUE(same(after.params, before.params));
  EXPECT_TRUE(same(after.first, before.first));
  EXPECT_TRUE(same(after.second, before.second));
  EXPECT_EQ(after.blame, (std::vector<std::uint64_t>{0, 0, 140 * Trainer<T>::refused_limit}));
  EXPECT_EQ(after.refusals, (std::vector<std::uint64_t>{0, 0, 0}));
}

/// Runs from these parameters until training diverges, and hands back the state.
template <class T>
TrainerState<T> diverged_from(Trainer<T>& trainer, std::span<const T> params) {
  auto state = trainer.state();
  state.params.assign(params.begin(), params.end());
  trainer.restore(state);
  EXPECT_EQ(trainer.run({}), StopReason::diverged);
  EXPECT_TRUE(same(trainer.state().params, state.params));
  return trainer.state();
}

/// All refused steps on one place of so many.
template <class T>
std::vector<std::uint64_t> all_on(std::size_t place, std::size_t places) {
  std::vector<std::uint64_t> refusals(places, 0);
  refusals[place] = Trainer<T>::refused_limit;
  return refusals;
}

// The gradients of the layers below are spoilt as well: only the first on the way back is to blame.
TYPED_TEST(TrainerTest, RefusedStepsAreBlamedOnTheLayerOnAnyNumberOfThreads) {
  using T = TypeParam;
  constexpr T slope = T(1e-10) * std::numeric_limits<T>::max();
  const T large = std::log(T(1e12));
  const Problem<T> problem("affine:3", 2, std::make_unique<Steep<T>>(2, slope));
  auto options = short_run(1000);
  options.batch = 300;
  for (std::size_t culprit = 0; culprit < 3; ++culprit) {
    // The scale of the last layer makes its own gradient overflow; that of another one, whose
    // output the first one keeps small, makes sums of cotangents of the layer below overflow.
    std::vector<T> params(12, T(0));
    const auto scale = [&](std::size_t layer, T log_scale) {
      params[4 * layer] = params[4 * layer + 1] = log_scale;
    };
    if (culprit < 2) {
      scale(0, -large);
      scale(culprit + 1, large);
    } else {
      scale(2, 2 * large);
    }
    for (const std::size_t threads : {1U, 2U, 4U}) {
      Executor executor(threads);
      auto trainer = TestFixture::trainer_of(options, problem, executor);
      const auto state = diverged_from<T>(trainer, params);
      EXPECT_EQ(state.refusals, all_on<T>(culprit, 4)) << threads;
      EXPECT_EQ(state.blame, (std::vector<std::uint64_t>{0, 0, 0, 0}));
    }
  }
}

TYPED_TEST(TrainerTest, RefusedStepsAreBlamedOnTheBase) {
  using T = TypeParam;
  constexpr T slope = T(1e-10) * std::numeric_limits<T>::max();
  const T large = std::log(T(1e18));
  const Problem<T> problem("reverse:2", 2, std::make_unique<Steep<T>>(2, slope),
                           InstructionSet::best(), "diagonal-normal");
  auto trainer = TestFixture::trainer_of(short_run(1000), problem, this->executor_);
  const std::vector<T> params{0, 0, large, large};
  EXPECT_EQ(diverged_from<T>(trainer, params).refusals, all_on<T>(2, 3));
}

// There cotangents come from the base, and the layers above are spoilt.
TYPED_TEST(TrainerTest, RefusedStepsOfMaximumLikelihoodAreBlamedFromTheBaseOn) {
  using T = TypeParam;
  // So that the square of large · 1e-5 is finite, and large² · 1e-5 is not.
  const T log_large = T(0.5) * std::log(std::numeric_limits<T>::max()) + std::log(T(1e4));
  const auto model =
      make_model<T>("diagonal-normal", parse_flow("affine:3"), {1, 0, InstructionSet::best()});
  std::vector<double> rows(50);
  Random random(4);
  for (double& x : rows) x = 1e-5 * random.normal();
  for (std::size_t culprit = 0; culprit < 4; ++culprit) {
    std::vector<T> params(8, T(0));
    params[culprit < 3 ? 2 * culprit : 7] = -log_large;
    LikelihoodEstimator<T> source(model, rows, 140, this->executor_, InstructionSet::best());
    Trainer<T> trainer(short_run(1000), model, source, InstructionSet::best());
    const auto state = diverged_from<T>(trainer, params);
    EXPECT_EQ(state.refusals, all_on<T>(culprit, 4));
    EXPECT_EQ(state.blame, (std::vector<std::uint64_t>{0, 0, 0, 0}));
  }
}

TYPED_TEST(TrainerTest, OneGoodStepForgivesThoseRefused) {
  using T = TypeParam;
  constexpr auto limit = Trainer<T>::refused_limit;
  std::atomic<bool> broken{true};
  const Problem<T> problem("planar:2", 2, std::make_unique<Breakable<T>>(broken));
  auto options = short_run(3 * limit);
  options.log_every = 1;
  auto trainer = TestFixture::trainer_of(options, problem, this->executor_);
  TrainerCallbacks<T> callbacks;
  callbacks.on_log = [&](std::uint64_t done, double loss) {
    EXPECT_EQ(std::isnan(loss), broken.load());
    broken = (done + 1) % limit != 0;
  };
  EXPECT_EQ(trainer.run(callbacks), StopReason::completed);
  const auto state = trainer.state();
  EXPECT_EQ(state.refused_steps, 3 * (limit - 1));
  EXPECT_EQ(state.refused_in_a_row, 0u);
  EXPECT_EQ(state.optimizer_steps, 3u);
}

TYPED_TEST(TrainerTest, RefusedStepsInARowAreCountedAcrossARestore) {
  using T = TypeParam;
  const std::atomic<bool> broken{true};
  const Problem<T> problem("planar:2", 2, std::make_unique<Breakable<T>>(broken));
  auto options = short_run(1000);
  options.log_every = 1;
  auto first = TestFixture::trainer_of(options, problem, this->executor_);
  ASSERT_EQ(run_until(first, 60), StopReason::interrupted);
  EXPECT_EQ(first.state().refused_in_a_row, 60u);
  auto second = TestFixture::trainer_of(options, problem, this->executor_);
  second.restore(first.state());
  EXPECT_EQ(second.run({}), StopReason::diverged);
  EXPECT_EQ(second.state().refused_steps, Trainer<T>::refused_limit);
}

TYPED_TEST(TrainerTest, BlameOfRefusedStepsIsKeptAcrossARestore) {
  using T = TypeParam;
  const Problem<T> problem("affine:2", 1,
                           std::make_unique<Steep<T>>(1, std::numeric_limits<T>::max()));
  auto options = short_run(1000);
  options.log_every = 1;
  options.objective = objective_terms("annealed(beta_start=1)");
  auto first = TestFixture::trainer_of(options, problem, this->executor_);
  auto state = first.state();
  state.params = {0, 0, T(10), 0};
  first.restore(state);
  ASSERT_EQ(run_until(first, 60), StopReason::interrupted);
  EXPECT_EQ(first.state().refusals, (std::vector<std::uint64_t>{0, 60, 0}));
  auto second = TestFixture::trainer_of(options, problem, this->executor_);
  second.restore(first.state());
  EXPECT_EQ(second.run({}), StopReason::diverged);
  EXPECT_EQ(second.state().refusals, all_on<T>(1, 3));
}

// ------------------------------------------------------------------------------------------------
// Losses

TYPED_TEST(TrainerTest, KeepsEveryNthLossOfALongRun) {
  using T = TypeParam;
  const Problem<T> problem("planar-free:1", 1, "gaussian");
  struct Case {
    std::uint64_t iterations;
    std::uint64_t every;
  };
  for (const auto c : {Case{99'999, 1}, Case{100'000, 1}, Case{100'001, 2}, Case{200'001, 3}}) {
    auto options = short_run(c.iterations);
    options.batch = 1;
    options.log_every = 1;
    auto trainer = TestFixture::trainer_of(options, problem, this->executor_);
    std::vector<double> expected;
    TrainerCallbacks<T> callbacks;
    callbacks.on_log = [&](std::uint64_t done, double loss) {
      if (done % c.every == 0) expected.push_back(loss);
    };
    ASSERT_EQ(trainer.run(callbacks), StopReason::completed);
    const auto state = trainer.state();
    EXPECT_EQ(state.loss_every, c.every) << c.iterations;
    EXPECT_LE(state.losses.size(), Trainer<T>::losses_kept);
    EXPECT_EQ(state.losses.size(), c.iterations / c.every);
    EXPECT_TRUE(same(state.losses, expected)) << c.iterations;
  }
}

}  // namespace
}  // namespace riffle::test
