#include <fmt/format.h>

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bench_gradient.h"
#include "cli/bench_peak.h"
#include "cli/commands.h"
#include "cli/say.h"
#include "cli/timing.h"
#include "core/aligned.h"
#include "core/executor.h"
#include "core/names.h"
#include "inference/gradient_estimator.h"
#include "inference/objective.h"
#include "io/output.h"
#include "model/flow_model.h"
#include "riffle/error.h"
#include "targets/target_registry.h"

namespace riffle {
namespace {

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
  const auto seconds = time_call([&] {
    estimator.estimate(params, {1, Purpose::training, step++}, {}, grad);
  });
  return seconds.median * 1e9 / static_cast<double>(ladder_layers * dim * ladder_batch);
}

template <class T>
void ladder_rows(std::string_view flow_name, std::string_view precision) {
  for (const auto set : InstructionSet::available()) {
    say("{:<22} {:<7} {:<7}", flow_name, precision, set.name());
    for (const std::size_t dim : {2UL, 8UL, 64UL}) {
      say(" {:>8.3f}", ladder_step<T>(flow_name, dim, set));
      std::fflush(standard_output());
    }
    say("\n");
  }
}

void ladder() {
  say("nanoseconds per layer, dimension and sample; one gradient of the free energy,\n"
      "{} layers, batch {}, one thread, base and target included; medians\n\n",
      ladder_layers, ladder_batch);
  say("{:<22} {:<7} {:<7} {:>8} {:>8} {:>8}\n", "flow", "", "", "D = 2", "D = 8", "D = 64");
  for (const auto& entry : flow_registry()) {
    if (entry.of_layers) continue;
    ladder_rows<float>(entry.name, "float");
    ladder_rows<double>(entry.name, "double");
  }
}

struct Benchmark {
  std::string_view name;
  std::string_view summary;
  void (*run)(const GradientBenchmark&);
};

constexpr std::array<Benchmark, 3> benchmarks{{
    {"ladder", "cost of each flow, scalar against each instruction set, D = 2, 8, 64",
     [](const GradientBenchmark&) { ladder(); }},
    {"gradient", "one gradient of the free energy of the flow that the options tell",
     &bench_gradient},
    {"peak", "multiply-adds on registers alone, on each instruction set",
     [](const GradientBenchmark&) { bench_peak(); }},
}};

struct BenchArguments {
  std::string name;
  GradientBenchmark gradient;
};

}  // namespace

void add_bench(CommandLine& line) {
  auto a = std::make_shared<BenchArguments>();
  auto& bench = line.add("bench", "time the engine on this machine");
  bench.option("NAME", a->name, "one of the benchmarks below [all]");
  auto group = bench.group("gradient");
  auto& g = a->gradient;
  const std::array<CommandOption, 6> of_gradient{
      group.option("--flow", g.flow, "NAME:COUNT, several joined by '+' [planar:16]"),
      group.option("--dim", g.dim, "dimensions [2]"),
      group.option("--batch", g.batch, "draws in each step [256]"),
      group.option("--threads", g.threads, "threads [1]"),
      group.option("--precision", g.precision, "float or double [float]"),
      group.option("--rounds", g.rounds, "how often to measure, for the median [9]")};
  std::string footer = "Benchmarks:";
  for (const auto& b : benchmarks) footer += fmt::format("\n  {:<10}{}", b.name, b.summary);
  bench.footer(footer);
  bench.does([a, of_gradient] {
    if (!a->name.empty()) {
      find_by_name(std::span<const Benchmark>(benchmarks), a->name, "benchmark");
    }
    for (const auto& option : of_gradient) {
      if (a->name != "gradient" && option.given()) {
        throw Error(ErrorKind::usage,
                    fmt::format("{} goes with `riffle bench gradient`", option.name()));
      }
    }
    for (const auto& b : benchmarks) {
      if (a->name.empty() || a->name == b.name) b.run(a->gradient);
    }
    return 0;
  });
}

}  // namespace riffle
