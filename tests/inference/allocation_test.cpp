// A training step takes no memory.

#include <gtest/gtest.h>

#include <atomic>
#include <new>
#include <thread>
#include <vector>

#include "inference/estimator_setup.h"
#include "inference/likelihood_estimator.h"
#include "inference/optimizer.h"
#include "inference/trainer.h"
#include "support/counting_new.h"
#include "support/flow_text.h"

namespace riffle::test {
namespace {

/// Keeps the compiler from leaving out an allocation that nothing looks at.
void look_at(const void* p) {
  static std::atomic<const void*> seen;
  seen.store(p);
}

TEST(CountingNew, CountsEveryFormOnEveryThread) {
  const auto counted = [](auto&& f) {
    const auto before = allocations();
    f();
    return allocations() - before;
  };
  constexpr std::align_val_t line{64};
  const auto plain = [] {
    void* p = ::operator new(8);
    look_at(p);
    ::operator delete(p);
  };
  EXPECT_EQ(counted([] {}), 0u);
  EXPECT_EQ(counted(plain), 1u);
  EXPECT_EQ(counted([] {
              void* p = ::operator new[](8);
              look_at(p);
              ::operator delete[](p);
            }),
            1u);
  EXPECT_EQ(counted([] {
              void* p = ::operator new(8, std::nothrow);
              look_at(p);
              ::operator delete(p, std::nothrow);
            }),
            1u);
  EXPECT_EQ(counted([] {
              void* p = ::operator new(8, line);
              EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % 64, 0u);
              ::operator delete(p, line);
            }),
            1u);
  EXPECT_GE(counted([] {
              const std::vector<double> v(100);
              look_at(v.data());
            }),
            1u);
  EXPECT_GE(counted([] {
              const AlignedVector<float> v(100);
              look_at(v.data());
            }),
            1u);
  EXPECT_GE(counted([] {
              const TileBuffer<double> t(2);
              look_at(t.view().data());
            }),
            1u);
  EXPECT_GE(counted([&] {
              std::thread([&] {
                for (int i = 0; i < 10; ++i) plain();
              }).join();
            }),
            10u);
}

struct Case {
  std::size_t threads;
  std::size_t batch;
  bool faulty;
};

template <class T>
std::unique_ptr<Problem<T>> problem_of(const Case& c) {
  const auto flow = every_layer(2);
  if (!c.faulty) return std::make_unique<Problem<T>>(flow, 2, "U2");
  return std::make_unique<Problem<T>>(flow, 2,
                                      std::make_unique<FaultyNormal<T>>(2, Fault::nan, 0.5));
}

// Gradients of the path and of maximum likelihood, which go through inverses.
template <class T>
void check_inverses() {
  const Problem<T> problem(every_layer(2, true), 2, "gaussian");
  Executor executor(2);
  GradientEstimator<T> path(problem.model, *problem.target, 300, executor, problem.set);
  const std::vector<double> rows(100, 0.5);
  LikelihoodEstimator<T> likelihood(problem.model, rows, 300, executor, problem.set);
  AlignedVector<T> params(problem.model.parameters().size());
  AlignedVector<T> grad(params.size());
  problem.model.initialise({1, Purpose::initial_values, 0}, params);
  const auto before = allocations();
  for (std::uint64_t t = 0; t < 20; ++t) {
    const RandomStream stream{1, Purpose::training, t};
    EXPECT_EQ(path.estimate(params, stream, {.path = true}, grad).invalid, 0u);
    EXPECT_EQ(likelihood.estimate(params, stream, {}, grad).invalid, 0u);
  }
  EXPECT_EQ(allocations() - before, 0u);
}

TEST(AllocationOfInverses, EstimatesTakeNoMemory) {
  check_inverses<float>();
  check_inverses<double>();
}

// A thread's first use of a base may take memory to work in, but no later one does.
TEST(AllocationOfBases, EstimatesTakeNoMemory) {
  for (const auto& entry : base_registry()) {
    const Problem<double> problem("planar:2", 3, "gaussian", InstructionSet::best(), entry.name);
    Executor executor(1);
    GradientEstimator<double> estimator(problem.model, *problem.target, 300, executor, problem.set);
    AlignedVector<double> params(problem.model.parameters().size());
    AlignedVector<double> grad(params.size());
    problem.model.initialise({1, Purpose::initial_values, 0}, params);
    for (const auto& terms : {ObjectiveTerms{}, ObjectiveTerms{.path = true}}) {
      estimator.estimate(params, {1, Purpose::training, 0}, terms, grad);
      const auto before = allocations();
      for (std::uint64_t t = 1; t < 20; ++t) {
        estimator.estimate(params, {1, Purpose::training, t}, terms, grad);
      }
      EXPECT_EQ(allocations() - before, 0u) << entry.name;
    }
  }
}

class AllocationTest : public ::testing::TestWithParam<Case> {
 protected:
  template <class T>
  void check_steps() {
    const auto& c = GetParam();
    const auto problem = problem_of<T>(c);
    Executor executor(c.threads);
    GradientEstimator<T> estimator(problem->model, *problem->target, c.batch, executor,
                                   problem->set);
    for (const auto& entry : optimizer_registry()) {
      const bool plain = entry.name == "rmsprop";
      const auto optimizer =
          make_optimizer<T>(plain ? "rmsprop(momentum=0.5, centered=yes)" : entry.name,
                            {problem->flow->parameters().size(), problem->set, 1e-3});
      AlignedVector<T> params(optimizer->padded_size());
      AlignedVector<T> grad(optimizer->padded_size());
      problem->flow->initialise({1, Purpose::initial_values, 0},
                                std::span<T>(params).first(problem->flow->parameters().size()));
      std::uint64_t invalid = 0;
      const auto before = allocations();
      for (std::uint64_t t = 0; t < 20; ++t) {
        invalid += estimator.estimate(params, {1, Purpose::training, t}, {}, grad).invalid;
        optimizer->step(0.01, params, grad);
      }
      EXPECT_EQ(allocations() - before, 0u) << entry.name;
      EXPECT_EQ(invalid > 0, c.faulty);
    }
  }

  template <class T>
  void check_trainer() {
    const auto& c = GetParam();
    const auto problem = problem_of<T>(c);
    Executor executor(c.threads);
    TrainerOptions options;
    options.iterations = 50;
    options.batch = c.batch;
    options.objective = objective_terms("bound");
    options.log_every = 1;
    options.snapshot_every = 2;
    OwnTrainer<T> trainer(options, *problem, executor);
    std::uint64_t calls = 0;
    std::uint64_t before = 0;
    std::uint64_t taken = 0;
    const auto count = [&] {
      const auto now = allocations();
      if (calls++ > 0) taken += now - before;
      before = now;
    };
    TrainerCallbacks<T> callbacks;
    callbacks.on_log = [&](std::uint64_t, double) { count(); };
    callbacks.on_snapshot = [&](std::uint64_t, std::span<const T>) { count(); };
    callbacks.on_tick = [&](std::uint64_t, double, double) { count(); };
    trainer.run(callbacks);
    EXPECT_GE(calls, 75u);
    EXPECT_EQ(taken, 0u);
  }
};

template <class T>
void check_refused_steps() {
  const Problem<T> problem("affine:2", 2,
                           std::make_unique<Steep<T>>(2, std::numeric_limits<T>::max()));
  Executor executor(2);
  TrainerOptions options;
  options.iterations = 50;
  options.batch = 300;
  options.objective = objective_terms("bound");
  options.log_every = 1;
  OwnTrainer<T> trainer(options, problem, executor);
  auto state = trainer.state();
  std::fill(state.params.begin(), state.params.end(), T(10));
  trainer.restore(state);
  std::uint64_t before = 0;
  std::uint64_t taken = 0;
  TrainerCallbacks<T> callbacks;
  callbacks.on_log = [&](std::uint64_t done, double) {
    const auto now = allocations();
    if (done > 1) taken += now - before;
    before = now;
  };
  trainer.run(callbacks);
  EXPECT_EQ(taken, 0u);
  EXPECT_EQ(trainer.state().refusals, (std::vector<std::uint64_t>{0, 50, 0}));
}

TEST(AllocationOfRefusedSteps, TakesNoMemory) {
  check_refused_steps<float>();
  check_refused_steps<double>();
}

TEST_P(AllocationTest, EstimateAndStepTakeNoMemory) {
  check_steps<float>();
  check_steps<double>();
}

TEST_P(AllocationTest, TrainingTakesNoMemoryBetweenCallbacks) {
  check_trainer<float>();
  check_trainer<double>();
}

INSTANTIATE_TEST_SUITE_P(Runs, AllocationTest,
                         ::testing::Values(Case{1, 100, false}, Case{1, 300, false},
                                           Case{2, 100, false}, Case{2, 1000, false},
                                           Case{1, 300, true}, Case{2, 300, true}),
                         [](const auto& test) {
                           return fmt::format("{}_threads_batch_{}{}", test.param.threads,
                                              test.param.batch,
                                              test.param.faulty ? "_with_invalid_draws" : "");
                         });

}  // namespace
}  // namespace riffle::test
