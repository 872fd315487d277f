#include "cli/bench_gradient.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "cli/say.h"
#include "cli/timing.h"
#include "core/aligned.h"
#include "core/executor.h"
#include "core/names.h"
#include "inference/gradient_estimator.h"
#include "model/flow_model.h"
#include "riffle/choices.h"
#include "riffle/error.h"
#include "riffle/version.h"
#include "targets/target_registry.h"

namespace riffle {
namespace {

template <class T>
std::unique_ptr<Density<T>> standard_normal_target(std::size_t dim, InstructionSet set) {
  const auto& entry = find_by_name(target_registry(), "gaussian", "target");
  auto options = default_options(entry, set);
  options.dim = dim;
  return entry.make<T>(options);
}

template <class T>
struct Job {
  FlowModel<T> model;
  std::unique_ptr<Density<T>> target;
  GradientEstimator<T> estimator;
  AlignedVector<T> params;
  AlignedVector<T> grad;

  Job(const GradientBenchmark& what, Executor& executor, InstructionSet set)
      : model(make_model<T>("standard-normal", parse_expressions(what.flow, "flow"),
                            {what.dim, 0, set})),
        target(standard_normal_target<T>(what.dim, set)),
        estimator(model, *target, what.batch, executor, set),
        params(model.parameters().size()),
        grad(model.parameters().size()) {
    model.initialise({1, Purpose::initial_values, 0}, std::span<T>(params));
  }

  double step(std::uint64_t number) {
    return estimator.estimate(params, {1, Purpose::training, number}, {}, grad).value;
  }
};

/// A vector of numbers between -1 and 1.
std::vector<double> uniforms(std::size_t size, std::uint64_t step) {
  const RandomStream stream{2, Purpose::evaluation, step};
  std::vector<double> values(size);
  for (std::size_t i = 0; i < size; ++i) {
    values[i] = 2 * stream.uniform(static_cast<std::uint32_t>(i), 0) - 1;
  }
  return values;
}

/// What is known of a right answer: of the fresh flow, the free energy; away from it, that the
/// gradient is the derivative.
struct Check {
  double fresh = 0;
  double moved = 0;
  double gradient_norm = 0;
  double derivative = 0;  ///< along a random direction, by the gradient
  double difference = 0;  ///< the same by central differences
};

/// Leaves the parameters away from the fresh ones.
template <class T>
Check check(Job<T>& job) {
  Check found;
  const auto fresh = job.params;
  const std::size_t size = fresh.size();
  const auto offset = uniforms(size, 0);
  const auto direction = uniforms(size, 1);
  const auto value_at = [&](double along) {
    for (std::size_t i = 0; i < size; ++i) {
      job.params[i] = T(static_cast<double>(fresh[i]) + 0.02 * offset[i] + along * direction[i]);
    }
    return job.step(0);
  };
  found.fresh = job.step(0);
  found.moved = value_at(0);
  double squares = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const auto g = static_cast<double>(job.grad[i]);
    squares += g * g;
    found.derivative += g * direction[i];
  }
  found.gradient_norm = std::sqrt(squares);
  constexpr double width = 1e-7;
  found.difference = (value_at(width) - value_at(-width)) / (2 * width);
  value_at(0);
  return found;
}

template <class T>
void run(const GradientBenchmark& what) {
  const auto set = InstructionSet::best();
  Executor executor(what.threads);
  Job<T> job(what, executor, set);
  const auto in_precision = check(job);
  Job<double> doubles(what, executor, set);
  const auto in_double = check(doubles);

  std::uint64_t steps = 0;
  const auto cpu_begin = std::clock();
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = time_call([&] { job.step(steps++); }, what.rounds, 0.02);
  const double cpu = static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC;
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();

  say("{} in {} dimensions, batch {}, {} {}, {}, {}: {:.4g} ms for a gradient of the free energy\n",
      what.flow, what.dim, what.batch, what.threads, what.threads == 1 ? "thread" : "threads",
      what.precision, set.name(), 1e3 * seconds.median);
  say("{{\"ms_per_step\": {}, \"least\": {}, \"most\": {}, "
      "\"cpu_ms_per_step\": {}, \"core_share\": {}, \"parameters\": {}, "
      "\"fresh\": {}, \"moved\": {}, \"gradient_norm\": {}, \"derivative\": {}, \"difference\": "
      "{}, "
      "\"simd\": \"{}\", \"version\": \"{}\"}}\n",
      1e3 * seconds.median, 1e3 * seconds.least, 1e3 * seconds.most,
      1e3 * cpu / static_cast<double>(steps), cpu / wall / static_cast<double>(what.threads),
      job.params.size(), in_precision.fresh, in_precision.moved, in_precision.gradient_norm,
      in_double.derivative, in_double.difference, set.name(), version());
}

}  // namespace

void bench_gradient(const GradientBenchmark& what) {
  const auto within = [](std::string_view option, std::size_t value, std::size_t most) {
    if (value == 0 || value > most) {
      throw Error(ErrorKind::usage,
                  fmt::format("{} {}: it must be from 1 to {}", option, value, most));
    }
  };
  within("--dim", what.dim, 65536);
  within("--batch", what.batch, 1 << 24);
  within("--threads", what.threads, 1024);
  within("--rounds", what.rounds, 1000);
  choice_named<Precision>(what.precision) == Precision::float32 ? run<float>(what)
                                                                : run<double>(what);
}

}  // namespace riffle
