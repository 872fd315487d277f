#include "targets/waves.h"

#include <cmath>
#include <numbers>

#include "targets/target_kernels.h"

namespace riffle {
namespace {

enum class SecondBand { none, bump, step };

struct WaveSettings {
  double width_a;
  double width_b;
  SecondBand second;
  bool wall;
};

template <class T>
using WaveKernels = TargetKernels<T, WaveSettings>;

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "targets/waves.inc"
#define RIFFLE_CLASS Wave
#define RIFFLE_KERNELS WaveKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

constexpr WaveSettings u2{0.4, 0.4, SecondBand::none, true};
constexpr WaveSettings u3{0.35, 0.35, SecondBand::bump, true};
constexpr WaveSettings u4{0.4, 0.35, SecondBand::step, true};
constexpr WaveSettings u2_improper{0.4, 0.4, SecondBand::none, false};
constexpr WaveSettings u3_improper{0.35, 0.35, SecondBand::bump, false};
constexpr WaveSettings u4_improper{0.4, 0.35, SecondBand::step, false};

template <class T, const WaveSettings& settings>
std::unique_ptr<Density<T>> make(const TargetOptions& options) {
  return std::make_unique<KernelDensity<T, WaveSettings>>(2, settings, kernels_for<T>(options.set));
}

/// The bands integrate over z2 to the sum of their widths times √(2π), for every z1; the wall's
/// envelope integrates to 8 + 0.4 √(2π) over z1.
template <const WaveSettings& settings>
std::optional<double> log_z(const TargetOptions&) {
  if (!settings.wall) return std::nullopt;
  const double root_two_pi = std::sqrt(2 * std::numbers::pi);
  const double widths =
      settings.width_a + (settings.second == SecondBand::none ? 0 : settings.width_b);
  return std::log(widths * root_two_pi * (8 + 0.4 * root_two_pi));
}

template <const WaveSettings& settings>
constexpr TargetEntry entry(std::string_view name, std::string_view summary) {
  return {name,
          summary,
          2,
          false,
          !settings.wall,
          {},
          &log_z<settings>,
          &make<float, settings>,
          &make<double, settings>,
          &make<Dual, settings>};
}

}  // namespace

const TargetEntry u2_entry =
    entry<u2>("U2", "a sine-shaped band, walled at |z1| = 4 (Rezende & Mohamed 2015, table 1)");
const TargetEntry u3_entry = entry<u3>("U3", "two bands that part and meet again, walled");
const TargetEntry u4_entry = entry<u4>("U4", "two bands that part, walled");
const TargetEntry u2_improper_entry =
    entry<u2_improper>("U2-improper", "U2 as published: its integral is infinite");
const TargetEntry u3_improper_entry =
    entry<u3_improper>("U3-improper", "U3 as published: its integral is infinite");
const TargetEntry u4_improper_entry =
    entry<u4_improper>("U4-improper", "U4 as published: its integral is infinite");

}  // namespace riffle
