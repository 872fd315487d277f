#include "cli/bench_peak.h"

#include <fmt/format.h>

#include <string_view>

#include "cli/say.h"
#include "cli/timing.h"
#include "lanes/dual.h"

namespace riffle {
namespace {

template <class T>
struct PeakKernels {
  std::size_t (*flops_per_round)();
  T (*run)(std::size_t rounds);

  template <class Maths>
  static PeakKernels of() {
    return {&Maths::flops_per_round, &Maths::run};
  }
};

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "cli/bench_peak.inc"
#define RIFFLE_CLASS Peak
#define RIFFLE_KERNELS PeakKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

template <class T>
double gigaflops(InstructionSet set) {
  const auto kernels = kernels_for<T>(set);
  constexpr std::size_t rounds = 10000;
  volatile T sink = 0;
  const auto seconds = time_call([&] { sink = kernels.run(rounds); });
  return static_cast<double>(rounds * kernels.flops_per_round()) / seconds.least * 1e-9;
}

}  // namespace

void bench_peak() {
  say("GFLOP/s of multiply-adds on registers, one core; the best of several rounds\n\n");
  say("{:<8} {:>8} {:>8}\n", "", "float", "double");
  for (const auto set : InstructionSet::available()) {
    say("{:<8} {:>8.1f} {:>8.1f}\n", set.name(), gigaflops<float>(set), gigaflops<double>(set));
  }
}

}  // namespace riffle
