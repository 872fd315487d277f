#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "core/aligned.h"
#include "core/executor.h"
#include "core/names.h"
#include "flows/flow_model.h"
#include "inference/gradient_estimator.h"
#include "inference/objective.h"
#include "targets/target_registry.h"

namespace riffle {
namespace {

/// Median over several rounds of the seconds that one call takes; a round lasts some milliseconds.
template <class F>
double seconds_per_call(F&& call) {
  using Clock = std::chrono::steady_clock;
  constexpr int rounds = 9;
  constexpr double round_seconds = 5e-3;
  const auto time = [&](std::size_t calls) {
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < calls; ++i) call();
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  std::size_t calls = 1;
  while (time(calls) < round_seconds) calls *= 2;
  std::array<double, rounds> each;
  for (double& t : each) t = time(calls) / static_cast<double>(calls);
  std::nth_element(each.begin(), each.begin() + rounds / 2, each.end());
  return each[rounds / 2];
}

constexpr std::size_t ladder_layers = 16;
constexpr std::size_t ladder_batch = 4096;

/// Nanoseconds per layer, dimension and sample of one gradient of the free energy.
template <class T>
double ladder_step(std::string_view flow_name, std::size_t dim, InstructionSet set) {
  const std::array<Expression, 1> layers{{{std::string(flow_name), ladder_layers, {}, {}}}};
  const auto model = make_model<T>("standard-normal", layers, {dim, 0, set});
  const auto& entry = find_by_name(target_registry(), "gaussian", "target");
  auto options = default_options(entry, set);
  options.dim = dim;
  const auto target = entry.make<T>(options);
  Executor executor(1);
  GradientEstimator<T> estimator(model, *target, ladder_batch, executor, set);
  AlignedVector<T> params(model.parameters().size());
  AlignedVector<T> grad(model.parameters().size());
  model.initialise({1, Purpose::initial_values, 0}, std::span<T>(params));
  std::uint64_t step = 0;
  const double seconds = seconds_per_call([&] {
    estimator.estimate(params, {1, Purpose::training, step++}, {}, grad);
  });
  return seconds * 1e9 / static_cast<double>(ladder_layers * dim * ladder_batch);
}

template <class T>
void ladder_rows(std::string_view flow_name, std::string_view precision) {
  for (const auto set : InstructionSet::available()) {
    fmt::print("{:<14} {:<7} {:<7}", flow_name, precision, set.name());
    for (const std::size_t dim : {2UL, 8UL, 64UL}) {
      fmt::print(" {:>8.3f}", ladder_step<T>(flow_name, dim, set));
      std::fflush(stdout);
    }
    fmt::print("\n");
  }
}

void ladder() {
  fmt::print(
      "nanoseconds per layer, dimension and sample; one gradient of the free energy,\n"
      "{} layers, batch {}, one thread, base and target included; medians\n\n",
      ladder_layers, ladder_batch);
  fmt::print("{:<14} {:<7} {:<7} {:>8} {:>8} {:>8}\n", "flow", "", "", "D = 2", "D = 8", "D = 64");
  for (const auto& entry : flow_registry()) {
    if (entry.of_layers) continue;
    ladder_rows<float>(entry.name, "float");
    ladder_rows<double>(entry.name, "double");
  }
}

struct Benchmark {
  std::string_view name;
  std::string_view summary;
  void (*run)();
};

constexpr std::array<Benchmark, 1> benchmarks{{
    {"ladder", "cost of each flow, scalar against each instruction set, D = 2, 8, 64", &ladder},
}};

}  // namespace

Command add_bench(CLI::App& app) {
  auto name = std::make_shared<std::string>();
  auto* bench = app.add_subcommand("bench", "time the engine on this machine");
  bench->add_option("NAME", *name, "ladder [all]");
  return {bench, [name] {
            for (const auto& b : benchmarks) {
              if (name->empty() || *name == b.name) b.run();
            }
            if (!name->empty()) {
              find_by_name(std::span<const Benchmark>(benchmarks), *name, "benchmark");
            }
            return 0;
          }};
}

}  // namespace riffle
