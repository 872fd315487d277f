// Deterministic mutations of valid files: each is read, or refused by riffle::Error, and nothing
// else happens.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/aligned.h"
#include "fit/resumable_fit.h"
#include "io/cmdstan.h"
#include "io/csv.h"
#include "io/model_data.h"
#include "io/points.h"
#include "io/sealed_json.h"
#include "riffle/error.h"
#include "riffle/spec.h"
#include "riffle/trained_flow.h"
#include "run/checkpoint_file.h"
#include "support/effort.h"
#include "support/npy_text.h"
#include "support/random.h"
#include "support/temporary_folder.h"
#include "targets/formula/formula.h"

namespace riffle {
namespace {

using nlohmann::json;

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) {
    return n == 0 ? 0 : static_cast<std::size_t>(random_.bits() % n);
  }

  std::string text(std::string text, std::string_view other) {
    static constexpr std::array<std::string_view, 24> tokens{
        "nan",    "inf",      "-inf",      "1e999", "-1", "0",  "18446744073709551616",
        "true",   "[",        "]",         "{",     "}",  "\"", "'",
        "\"\"\"", "=",        "\\u00",     ".",     ",",  "\n", "\r\n#",
        "\x00",   "\xC3\x28", "1979-05-27"};
    for (std::size_t n = 1 + below(4); n > 0; --n) {
      const auto at = below(text.size() + 1);
      switch (below(6)) {
        case 0:
          if (at < text.size()) text[at] = static_cast<char>(random_.bits());
          break;
        case 1:
          text.insert(at, tokens[below(tokens.size())]);
          break;
        case 2:
          text.erase(at, below(8));
          break;
        case 3:
          text.resize(at);
          break;
        case 4: {
          // A piece of another file of the same kind.
          const auto from = below(other.size());
          text.insert(at, other.substr(from, below(60)));
          break;
        }
        default: {
          const auto length = below(40);
          const std::string piece = text.substr(at, length);
          text.insert(below(text.size() + 1), piece);
        }
      }
    }
    return text;
  }

  /// Changes one value, anywhere.
  void tree(json& value) {
    if (value.is_structured() && !value.empty() && below(5) != 0) {
      auto item = value.begin();
      std::advance(item, static_cast<std::ptrdiff_t>(below(value.size())));
      if (below(12) == 0) {
        value.erase(item);
      } else {
        tree(*item);
      }
      return;
    }
    const std::array<json, 20> values{nullptr,
                                      true,
                                      0,
                                      -1,
                                      1,
                                      3,
                                      2.5,
                                      1e300,
                                      -1e300,
                                      1e-320,
                                      std::numeric_limits<std::uint64_t>::max(),
                                      std::numeric_limits<std::int64_t>::min(),
                                      "",
                                      "planar:1000",
                                      "float",
                                      "\u0000\u2192",
                                      json::array(),
                                      json::object(),
                                      json::array({1, "x", nullptr}),
                                      json::array({json::array({json::array()})})};
    value = values[below(values.size())];
  }

 private:
  test::Random random_;
};

/// Whether the call went well; any exception but riffle::Error fails the test.
bool survives(const std::function<void()>& call, const std::string& input) {
  try {
    call();
    return true;
  } catch (const Error& error) {
    EXPECT_STRNE(error.what(), "");
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another exception: " << error.what() << "\n" << input.substr(0, 4000);
  }
  return false;
}

TEST(Fuzz, Specs) {
  Mutator mutator(1);
  Spec gaussian;
  gaussian.target.name = "gaussian";
  gaussian.target.dim = 5;
  gaussian.target.numbers["mean"] = 2;
  const std::vector<std::string> seeds{to_toml(Spec()), to_toml(gaussian),
                                       std::string(recipes().front().toml),
                                       "objective = 'annealed(beta_start=0.1, beta_steps=1e3)'\n"
                                       "schedule = 'steps(decay=0.9, step_every=50)'\n"
                                       "[optimizer]\nname = 'rmsprop(centered=yes, momentum=0)'\n",
                                       "[optimizer]\nname = 'adam'\nbeta1 = 0.95\n"};
  int good = 0;
  for (int i = 0; i < test::repetitions(20'000); ++i) {
    const auto text =
        mutator.text(seeds[mutator.below(seeds.size())], seeds[mutator.below(seeds.size())]);
    good += survives(
        [&] {
          const auto spec = parse_spec(text, "fuzz");
          const auto printed = to_toml(spec);
          ASSERT_EQ(to_toml(parse_spec(printed, "printed")), printed) << printed;
          spec.validate();
        },
        text);
  }
  EXPECT_GT(good, 0) << "the mutations are too wild to tell anything";
}

TEST(Fuzz, KeysAndValues) {
  Mutator mutator(2);
  const std::vector<std::string> seeds{
      "run.seed=12",          "target.name=U1",
      "flow.layers=planar:3", "optimizer.learning_rate=1e-3",
      "run.plots=false",      "optimizer=adam(beta1=0.9, epsilon=1e+3)",
      "schedule.decay=0.5",   "objective=renyi(alpha=0.25)"};
  int good = 0;
  for (int i = 0; i < test::repetitions(20'000); ++i) {
    const auto text =
        mutator.text(seeds[mutator.below(seeds.size())], seeds[mutator.below(seeds.size())]);
    const auto equals = std::min(text.find('='), text.size());
    good += survives(
        [&] {
          Spec spec;
          set_key(spec, text.substr(0, equals), text.substr(std::min(equals + 1, text.size())));
          spec.validate();
        },
        text);
  }
  EXPECT_GT(good, 0);
}

TEST(Fuzz, Models) {
  test::TemporaryFolder folder;
  const auto path = folder / "m";
  TrainedFlow({"standard-normal", "planar:2", Precision::float64, 2, std::vector<double>(10, 0.25)})
      .save(path);
  const auto good_text = test::slurp(path);
  const auto good_content = read_sealed(path, "riffle-model-1");
  Mutator mutator(3);
  int accepted = 0;
  for (int i = 0; i < test::repetitions(2000); ++i) {
    std::string text;
    if (i % 2 == 0) {
      text = mutator.text(good_text, good_text);
      test::spill(path, text);
      const bool read = survives([&] { TrainedFlow::load(path); }, text);
      EXPECT_EQ(read, text == good_text) << "a changed file was read: " << text;
    } else {
      auto content = good_content;
      mutator.tree(content);
      if (!content.is_object()) continue;
      write_sealed(path, "riffle-model-1", content);
      accepted += survives([&] { TrainedFlow::load(path).sample(3); }, content.dump());
    }
  }
  EXPECT_GT(accepted, 0);
}

TEST(Fuzz, Checkpoints) {
  test::TemporaryFolder folder;
  const auto path = folder / "c";
  Spec spec;
  spec.flow.layers = "planar:2";
  spec.run.iterations = 20;
  spec.run.batch = 4;
  spec.run.threads = 1;
  spec.run.evaluation_draws = 1000;
  spec.run.draws = 1;
  std::atomic<bool> stop{false};
  FitCallbacks until_ten;
  until_ten.stop = &stop;
  spec.run.log_every = 1;
  spec.run.snapshot_every = 10;
  until_ten.on_log = [&](std::uint64_t i, double) { stop = i == 10; };
  resumable_fit(spec, nullptr, until_ten,
                {nullptr, [&](const Checkpoint& c) { save_checkpoint(path, c, "spec"); }});
  const auto good_content = read_sealed(path, "riffle-checkpoint-1");
  Mutator mutator(4);
  int accepted = 0;
  for (int i = 0; i < test::repetitions(500); ++i) {
    auto content = good_content;
    mutator.tree(content);
    if (!content.is_object()) continue;
    write_sealed(path, "riffle-checkpoint-1", content);
    accepted += survives(
        [&] {
          const auto checkpoint = load_checkpoint(path, "spec");
          resumable_fit(spec, nullptr, {}, {&checkpoint, {}});
        },
        content.dump());
  }
  EXPECT_GT(accepted, 0);
}

TEST(Fuzz, Tables) {
  test::TemporaryFolder folder;
  const auto path = folder / "t.csv";
  CsvText csv(std::vector<std::string>{"iteration", "loss"});
  for (std::uint64_t i = 1; i < 40; ++i) {
    csv.add(i);
    csv.add(1 / static_cast<double>(i));
    csv.end_row();
  }
  Mutator mutator(5);
  int good = 0;
  for (int i = 0; i < test::repetitions(2000); ++i) {
    const auto text = mutator.text(csv.text(), csv.text());
    test::spill(path, text);
    good += survives(
        [&] {
          const auto table = read_csv(path);
          ASSERT_EQ(table.values.size(), table.rows() * table.header.size());
        },
        text);
  }
  EXPECT_GT(good, 0);
}

TEST(Fuzz, Points) {
  test::TemporaryFolder folder;
  const auto path = folder / "points";
  const std::vector<double> values{1, -2.5, 1e-3, 4, 5e5, 6};
  const auto numbers = test::npy_of<double>(values);
  const std::vector<std::string> seeds{test::npy("<f8", "(3, 2)", numbers),
                                       test::npy("<f8", "(6,)", numbers, 2),
                                       test::npy("<f4", "(2, 3)", test::npy_of<float>(values)),
                                       "lp__,x,y\n1,2,3\n4,5,6\n",
                                       "1,2\n3,4\n",
                                       "# by hand\n\"x, m\";\"y\"\r\n1,5;2D0\r\n+3;4\r\n",
                                       "x\ty\r1.5\tNA\r2\t3\r"};
  Mutator mutator(6);
  int good = 0;
  for (int i = 0; i < test::repetitions(2000); ++i) {
    const auto text =
        mutator.text(seeds[mutator.below(seeds.size())], seeds[mutator.below(seeds.size())]);
    test::spill(path, text);
    good += survives(
        [&] {
          const auto points = read_points(path);
          ASSERT_EQ(points.values.size(), points.count() * points.dim);
          ASSERT_EQ(points.names.size(), points.dim);
        },
        text);
  }
  EXPECT_GT(good, 0);
}

TEST(Fuzz, Formulas) {
  Mutator mutator(7);
  const std::vector<std::string> seeds{
      "exp(-0.5*((sqrt(x^2+y^2)-4)/0.4)^2) * (exp(-0.5*((x-2)/0.8)^2) + exp(-0.5*((x+2)/0.8)^2))",
      "r = hypot(x, y);  # the radius\n-(r - 4)^2/2 + log(1 + exp(-x))",
      "x > 0 && !(y <= 2) || x == 1e-3 ? min(x, -y^2, 2**-x) : where(y < 0, lgamma(3), atan2(y, "
      "x))",
      "exp(-μ^2)*normal_pdf(σ, 0, 1) - 0.1*exp(-2*μ^2 - σ^2) / (1 + cosh(μ))^2.5"};
  int good = 0;
  TileBuffer<double> z(20);
  TileBuffer<double> gradient(20);
  for (std::size_t d = 0; d < 20; ++d) {
    for (std::size_t s = 0; s < 3; ++s) z.row(d)[s] = static_cast<double>(d + s) - 1.5;
  }
  AlignedVector<double> log_p(tile_size);
  for (int i = 0; i < test::repetitions(20'000); ++i) {
    const auto text =
        mutator.text(seeds[mutator.below(seeds.size())], seeds[mutator.below(seeds.size())]);
    good += survives(
        [&] {
          const auto kind = i % 2 == 0 ? FormulaKind::density : FormulaKind::log_density;
          const auto formula = parse_formula(text, kind, {}, "fuzz");
          ASSERT_GE(formula.dim(), 1U);
          if (formula.dim() > 20) return;
          const Tile<const double> points(z.row(0), formula.dim(), 3);
          make_formula_density<double>(formula, InstructionSet::best())
              ->evaluate(points, log_p.data(), Tile<double>(gradient.row(0), formula.dim(), 3));
        },
        text);
  }
  EXPECT_GT(good, 0);
}

TEST(Fuzz, ModelDataAndInitialValues) {
  const std::vector<std::string> seeds{
      R"({"N": 3, "y": [1.5, -2, 3e5], "X": [[1, 2], [3, 4]], "e": [], "s": "-Inf"})",
      R"({"mu": 1, "a": [2, -3], "m": [[1, 2], [3, 4]], "t": {"1": 7}, "z": [0.5, 1]})",
      R"({"a": NaN, "b": [-Infinity, Inf], "c": [{"1": [1]}, {"1": [2, 3]}], "d": 1e300})"};
  const std::vector<std::string> names{"mu",    "a.1",   "a.2", "m.1.1",  "m.2.1",
                                       "m.1.2", "m.2.2", "t:1", "z.real", "z.imag"};
  Mutator mutator(7);
  int data = 0;
  int inits = 0;
  for (int i = 0; i < test::repetitions(10'000); ++i) {
    const auto text =
        mutator.text(seeds[mutator.below(seeds.size())], seeds[mutator.below(seeds.size())]);
    data += survives([&] { check_json(text, "fuzz"); }, text);
    inits += survives(
        [&] {
          const auto values = read_inits(text, "fuzz", names, names.size(), {});
          for (const auto& value : values) ASSERT_TRUE(!value || std::isfinite(*value));
        },
        text);
  }
  EXPECT_GT(data, 0);
  EXPECT_GT(inits, 0);
  for (const std::string& deep :
       {"{\"mu\": " + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}",
        std::string(100'000, '[')}) {
    survives([&] { read_inits(deep, "fuzz", names, names.size(), {}); }, "deep");
  }
}

}  // namespace
}  // namespace riffle
