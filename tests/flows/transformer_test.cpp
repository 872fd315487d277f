// The transformers of coupling and autoregressive layers, where the layers' tests seldom come: at
// knots, at the ends of the box and beyond, and at extreme numbers.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/aligned.h"
#include "core/instruction_set.h"
#include "flows/transformers/settings.h"
#include "riffle/error.h"
#include "support/failures.h"
#include "support/random.h"

namespace riffle {
namespace {

/// The arrays of one call: theta and theta_again start with the same numbers.
template <class T>
struct Row {
  const T* x;
  T* theta;
  T* theta_again;
  T* kept;
  T* y;
  T* log_slope;
  const T* g_y;
  const T* g_log_slope;
  T* g_x;
  T* g_theta;
  T* pushed;
  T* back;
  T* log_slope_back;
};

template <class T>
struct ProbeKernels {
  void (*additive)(const AdditiveSettings&, const Row<T>&);
  void (*affine)(const AffineSettings&, const Row<T>&);
  void (*rqs)(const RqsSettings&, const Row<T>&);

  template <class Maths>
  static ProbeKernels of() {
    return {&Maths::additive, &Maths::affine, &Maths::rqs};
  }
};

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "flows/transformer_probe.inc"
#define RIFFLE_CLASS TransformerProbe
#define RIFFLE_KERNELS ProbeKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

using test::none;
using test::Random;

template <class T>
constexpr double eps = std::numeric_limits<T>::epsilon();

template <class Settings>
Settings settings_of(const std::string& text) {
  const auto expression = text.empty() ? "it" : "it(" + text + ")";
  return Settings(Arguments(parse_expressions(expression, "flow").at(0), Settings::options));
}

void apply(const auto& kernels, const AdditiveSettings& settings, const auto& row) {
  kernels.additive(settings, row);
}
void apply(const auto& kernels, const AffineSettings& settings, const auto& row) {
  kernels.affine(settings, row);
}
void apply(const auto& kernels, const RqsSettings& settings, const auto& row) {
  kernels.rqs(settings, row);
}

/// tile_size samples through a transformer and back.
template <class T>
struct Samples {
  AlignedVector<T> x, y, log_slope, g_y, g_log_slope, g_x, pushed, back, log_slope_back;
  TileBuffer<T> theta, g_theta;

  explicit Samples(std::size_t numbers) : theta(numbers), g_theta(numbers) {
    for (auto* row :
         {&x, &y, &log_slope, &g_y, &g_log_slope, &g_x, &pushed, &back, &log_slope_back}) {
      row->assign(tile_size, T(0));
    }
  }

  template <class Settings>
  void run(const Settings& settings, InstructionSet set) {
    auto first = theta;
    auto second = theta;
    TileBuffer<T> kept(std::max<std::size_t>(1, settings.kept()));
    apply(kernels_for<T>(set), settings,
          Row<T>{x.data(), first.row(0), second.row(0), kept.row(0), y.data(), log_slope.data(),
                 g_y.data(), g_log_slope.data(), g_x.data(), g_theta.row(0), pushed.data(),
                 back.data(), log_slope_back.data()});
  }
  void set_numbers(const std::vector<double>& numbers) {
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      std::fill_n(theta.row(k), tile_size, static_cast<T>(numbers[k]));
    }
  }
};

/// The spline of one sample, written plainly in double from the paper's equations: the knots.
struct Knots {
  std::vector<double> x, y, d;

  Knots(const RqsSettings& settings, const std::vector<double>& raw) {
    const auto positions = [&](std::size_t from) {
      const auto bins = static_cast<double>(settings.bins);
      double most = raw[from];
      for (std::size_t j = 0; j < settings.bins; ++j) most = std::max(most, raw[from + j]);
      double total = 0;
      for (std::size_t j = 0; j < settings.bins; ++j) total += std::exp(raw[from + j] - most);
      std::vector<double> at{-settings.bound};
      for (std::size_t j = 0; j < settings.bins; ++j) {
        const double part = settings.least_bin + (1 - settings.least_bin * bins) *
                                                     std::exp(raw[from + j] - most) / total;
        at.push_back(at.back() + 2 * settings.bound * part);
      }
      return at;
    };
    x = positions(0);
    y = positions(settings.bins);
    d.push_back(1);
    for (std::size_t j = 0; j + 1 < settings.bins; ++j) {
      const double u = raw[2 * settings.bins + j] + settings.zero_slope;
      d.push_back(settings.least_slope + std::max(u, 0.0) + std::log1p(std::exp(-std::abs(u))));
    }
    d.push_back(1);
  }

  struct Value {
    double y, log_slope;
  };
  /// Equations 4 and 5, at a place in bin k.
  Value at(double where, std::size_t k) const {
    const double w = x[k + 1] - x[k];
    const double h = y[k + 1] - y[k];
    const double s = h / w;
    const double xi = (where - x[k]) / w;
    const double below = s + (d[k + 1] + d[k] - 2 * s) * xi * (1 - xi);
    const double above = h * (s * xi * xi + d[k] * xi * (1 - xi));
    const double slope = s * s *
                         (d[k + 1] * xi * xi + 2 * s * xi * (1 - xi) + d[k] * (1 - xi) * (1 - xi)) /
                         (below * below);
    return {y[k] + above / below, std::log(slope)};
  }
  Value at(double where) const {
    if (!(x.front() < where && where < x.back())) return {where, 0};
    const auto next = std::upper_bound(x.begin() + 1, x.end() - 1, where);
    return at(where, static_cast<std::size_t>(next - x.begin()) - 1);
  }
};

std::vector<double> random_numbers(Random& random, std::size_t n, double scale) {
  std::vector<double> numbers(n);
  for (double& v : numbers) v = scale * random.normal();
  return numbers;
}

const std::vector<std::string> spline_kinds{"", "bins=2, bound=1",
                                            "bins=3, bound=0.5, least-bin=0.2, least-slope=0.5",
                                            "bins=40, bound=30, least-slope=1e-6"};

TEST(Transformers, ZerosGiveTheIdentity) {
  const auto run = [&]<class T, class Settings>(T, const Settings& settings) {
    for (const auto set : InstructionSet::available()) {
      Samples<T> samples(settings.parameters());
      for (std::size_t s = 0; s < tile_size; ++s) {
        samples.x[s] = static_cast<T>((static_cast<double>(s) - 63.7) / 9);
        samples.g_y[s] = T(1);
      }
      samples.run(settings, set);
      for (std::size_t s = 0; s < tile_size; ++s) {
        const auto x = static_cast<double>(samples.x[s]);
        const double allowed = 16 * eps<T> * 10;
        EXPECT_NEAR(static_cast<double>(samples.y[s]), x, allowed) << set.name();
        EXPECT_NEAR(static_cast<double>(samples.back[s]), x, allowed) << set.name();
        EXPECT_NEAR(static_cast<double>(samples.log_slope[s]), 0, allowed) << set.name();
        EXPECT_NEAR(static_cast<double>(samples.g_x[s]), 1, allowed) << set.name();
      }
    }
  };
  const auto both = [&](const auto& settings) {
    run(double(), settings);
    run(float(), settings);
  };
  both(settings_of<AdditiveSettings>(""));
  both(settings_of<AffineSettings>(""));
  for (const auto& kind : spline_kinds) both(settings_of<RqsSettings>(kind));
}

TEST(Transformers, ScalesStayWithinTheirBound) {
  const auto settings = settings_of<AffineSettings>("bound=1.5");
  Samples<float> samples(2);
  for (std::size_t s = 0; s < tile_size; ++s) {
    samples.x[s] = 2;
    samples.theta.row(0)[s] = 1;
    samples.theta.row(1)[s] =
        static_cast<float>(std::ldexp(s % 2 == 0 ? 1 : -1, static_cast<int>(s) - 64));
  }
  for (const auto set : InstructionSet::available()) {
    samples.run(settings, set);
    for (std::size_t s = 0; s < tile_size; ++s) {
      const double raw = std::ldexp(s % 2 == 0 ? 1 : -1, static_cast<int>(s) - 64);
      const double scale = 1.5 * std::tanh(raw / 1.5);
      EXPECT_NEAR(samples.log_slope[s], scale, 1e-6) << raw;
      EXPECT_NEAR(samples.y[s], 2 * std::exp(scale) + 1, 1e-5) << raw;
      EXPECT_NEAR(samples.back[s], 2, 1e-5) << raw;
    }
  }
}

// At every knot and just beside it, on both sides, and at places between: values, slopes, inverse,
// and agreement of neighbouring bins.
TEST(Rqs, FollowsTheEquationsAtKnotsAndBetween) {
  const auto run = [&]<class T>(T) {
    Random random(3);
    for (const auto& kind : spline_kinds) {
      const auto settings = settings_of<RqsSettings>(kind);
      for (const double scale : {0.5, 1.0, 3.0, 3.0, 10.0}) {
        const auto raw = random_numbers(random, settings.parameters(), scale);
        // What the layer sees is rounded.
        std::vector<double> rounded;
        for (const double r : raw) rounded.push_back(static_cast<double>(static_cast<T>(r)));
        const Knots knots(settings, rounded);
        Samples<T> samples(settings.parameters());
        samples.set_numbers(raw);
        for (std::size_t s = 0; s < tile_size; ++s) {
          double at = random.uniform(-1.2, 1.2) * settings.bound;
          if (s % 4 != 0) {
            at = knots.x[s / 4 % knots.x.size()] +
                 (static_cast<double>(s % 4) - 2) * 2 * eps<T> * settings.bound;
          }
          samples.x[s] = static_cast<T>(at);
        }
        for (const auto set : InstructionSet::available()) {
          samples.run(settings, set);
          for (std::size_t s = 0; s < tile_size; ++s) {
            const auto x = static_cast<double>(samples.x[s]);
            const auto due = knots.at(x);
            const auto where = fmt::format("{} scale {} x {} on {}", kind, scale, x, set.name());
            // Knots are placed to some ε B, which is a part ε B/w of a bin. Within it slopes change
            // by factors, of which (5) holds up to four.
            const double least = 2 * settings.bound * settings.least_bin;
            const double steep = std::max(1.0, std::exp(due.log_slope));
            const double off = 64 * eps<T> * settings.bound * steep;
            double rate = 0;
            for (const double dx : {-1e-4, 1e-4}) {
              const auto near = knots.at(x + dx * least);
              rate = std::max(rate, std::abs(near.log_slope - due.log_slope) / (1e-4 * least));
            }
            const double log_off = 64 * eps<T> * settings.bound * (1 / least + rate);
            EXPECT_NEAR(static_cast<double>(samples.y[s]), due.y, off) << where;
            EXPECT_NEAR(static_cast<double>(samples.log_slope[s]), due.log_slope, log_off) << where;
            const double back = off * std::max(1.0, std::exp(-due.log_slope));
            EXPECT_NEAR(static_cast<double>(samples.back[s]), x, back) << where;
          }
        }
      }
    }
  };
  run(double());
  run(float());
}

// Neither value nor slope jumps where one bin ends and the next begins, nor at the ends of the box.
TEST(Rqs, IsSmoothAcrossKnots) {
  const auto settings = settings_of<RqsSettings>("bins=6, bound=2");
  Random random(4);
  for (int trial = 0; trial < 20; ++trial) {
    const auto raw = random_numbers(random, settings.parameters(), 1.5);
    const Knots knots(settings, raw);
    Samples<double> samples(settings.parameters());
    samples.set_numbers(raw);
    constexpr double step = 1e-12;
    for (std::size_t s = 0; s < 14; ++s) {
      samples.x[s] = knots.x[s / 2] + (s % 2 == 0 ? -step : step);
      samples.g_y[s] = 1;
    }
    for (const auto set : InstructionSet::available()) {
      samples.run(settings, set);
      for (std::size_t k = 0; k < 7; ++k) {
        const double slope = knots.d[k];
        EXPECT_NEAR(samples.y[2 * k], knots.y[k] - step * slope, 1e-13);
        EXPECT_NEAR(samples.y[2 * k + 1], knots.y[k] + step * slope, 1e-13);
        for (std::size_t side = 0; side < 2; ++side) {
          EXPECT_NEAR(samples.g_x[2 * k + side], slope, 1e-7 * slope);
          EXPECT_NEAR(samples.log_slope[2 * k + side], std::log(slope), 1e-7);
        }
      }
    }
  }
}

TEST(Rqs, KeepsToItsBoxAndItsOrderWhateverTheNumbers) {
  const auto run = [&]<class T>(T) {
    Random random(5);
    for (const auto& kind : spline_kinds) {
      const auto settings = settings_of<RqsSettings>(kind);
      const auto box = static_cast<T>(settings.bound);
      for (const double scale : {0.1, 3.0, 30.0, 1e3, 1e6, 1e12}) {
        const auto raw = random_numbers(random, settings.parameters(), scale);
        Samples<T> samples(settings.parameters());
        samples.set_numbers(raw);
        for (std::size_t s = 0; s < tile_size; ++s) {
          samples.x[s] = box * static_cast<T>(static_cast<double>(s) - 63.5) / T(60);
          samples.g_y[s] = T(1);
          samples.g_log_slope[s] = T(1);
        }
        samples.x[tile_size - 1] = std::numeric_limits<T>::max();
        for (const auto set : InstructionSet::available()) {
          samples.run(settings, set);
          for (std::size_t s = 0; s < tile_size; ++s) {
            const auto where =
                fmt::format("{} scale {} x {} on {}", kind, scale, samples.x[s], set.name());
            if (std::abs(samples.x[s]) > box) {
              EXPECT_EQ(samples.y[s], samples.x[s]) << where;
              EXPECT_EQ(samples.back[s], samples.x[s]) << where;
              EXPECT_EQ(samples.log_slope[s], T(0)) << where;
              EXPECT_EQ(samples.g_x[s], T(1)) << where;
            } else {
              EXPECT_LE(std::abs(samples.y[s]), box) << where;
              EXPECT_LE(std::abs(samples.back[s]), box) << where;
            }
            EXPECT_TRUE(std::isfinite(samples.log_slope[s])) << where;
            EXPECT_TRUE(std::isfinite(samples.log_slope_back[s])) << where;
            EXPECT_TRUE(std::isfinite(samples.g_x[s])) << where;
            EXPECT_TRUE(std::isfinite(samples.pushed[s])) << where;
            for (std::size_t k = 0; k < settings.parameters(); ++k) {
              EXPECT_TRUE(std::isfinite(samples.g_theta.row(k)[s])) << where;
            }
            if (s > 0) {
              EXPECT_GE(samples.y[s], samples.y[s - 1] - T(4) * T(eps<T>) * box) << where;
            }
          }
        }
      }
    }
  };
  run(double());
  run(float());
}

// push takes back what vjp does to a cotangent.
TEST(Transformers, PushUndoesVjp) {
  const auto run = [&](const auto& settings) {
    Random random(6);
    for (const auto set : InstructionSet::available()) {
      Samples<double> samples(settings.parameters());
      for (std::size_t k = 0; k < settings.parameters(); ++k) {
        for (std::size_t s = 0; s < tile_size; ++s) samples.theta.row(k)[s] = random.normal();
      }
      for (std::size_t s = 0; s < tile_size; ++s) {
        samples.x[s] = 2 * random.normal();
        samples.g_y[s] = random.normal();
        samples.g_log_slope[s] = random.normal();
      }
      samples.run(settings, set);
      for (std::size_t s = 0; s < tile_size; ++s) {
        EXPECT_NEAR(samples.pushed[s], samples.g_y[s], 1e-10) << set.name();
        EXPECT_NEAR(samples.back[s], samples.x[s], 1e-10) << set.name();
        EXPECT_NEAR(samples.log_slope_back[s], samples.log_slope[s], 1e-9) << set.name();
      }
    }
  };
  run(settings_of<AdditiveSettings>(""));
  run(settings_of<AffineSettings>(""));
  for (const auto& kind : spline_kinds) run(settings_of<RqsSettings>(kind));
}

TEST(Transformers, RefuseSettingsOutOfRange) {
  for (const std::string bad : {"bound=0", "bound=-1", "bound=21", "bound=x"}) {
    EXPECT_THROW(settings_of<AffineSettings>(bad), Error) << bad;
  }
  for (const std::string bad : {"bins=1", "bins=65", "bound=0", "least-bin=0", "least-bin=0.2",
                                "least-slope=0", "least-slope=1", "bound=1e7"}) {
    EXPECT_THROW(settings_of<RqsSettings>(bad), Error) << bad;
  }
}

}  // namespace
}  // namespace riffle
