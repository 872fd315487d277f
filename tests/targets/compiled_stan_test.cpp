// Models that Stan compiled, against formulas written down here. stan_test.sh compiles them and
// runs this, with the folder of the libraries in RIFFLE_STAN_MODELS, that of the examples in
// RIFFLE_EXAMPLES and Stan's version, as 2.21, in RIFFLE_STAN_VERSION.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <numbers>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/aligned.h"
#include "io/cmdstan.h"
#include "riffle/targets.h"
#include "support/expect_error.h"
#include "targets/shared_library.h"

namespace riffle {
namespace {

using test::contains;
using test::message_of;

std::filesystem::path folder(const char* variable) {
  const char* const value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

const auto models = folder("RIFFLE_STAN_MODELS");
const auto data = (folder("RIFFLE_EXAMPLES") / "stan/eight_schools.json").string();

class CompiledStan : public ::testing::Test {
 protected:
  void SetUp() override {
    if (models.empty()) GTEST_SKIP() << "run by stan_test.sh, which compiles the models";
  }
};

double log_normal(double x, double mean, double sd) {
  const double scaled = (x - mean) / sd;
  return -0.5 * scaled * scaled - std::log(sd) - 0.5 * std::log(2 * std::numbers::pi);
}

/// The whole Cauchy, which is what Stan takes for tau > 0.
double log_cauchy(double x, double scale) {
  return -std::log(std::numbers::pi * scale * (1 + x * x / (scale * scale)));
}

/// ln p of the eight schools at (mu, ln tau, theta or what it is made of).
double eight_schools(const std::vector<double>& z, bool centred) {
  const double y[] = {28, 8, -3, 7, -1, 1, 18, 12};
  const double sigma[] = {15, 10, 16, 11, 9, 11, 10, 18};
  const double tau = std::exp(z[1]);
  double sum = log_normal(z[0], 0, 5) + log_cauchy(tau, 5) + z[1];
  for (std::size_t j = 0; j < 8; ++j) {
    const double theta = centred ? z[2 + j] : z[0] + tau * z[2 + j];
    sum += centred ? log_normal(theta, z[0], tau) : log_normal(z[2 + j], 0, 1);
    sum += log_normal(y[j], theta, sigma[j]);
  }
  return sum;
}

/// Points that reach from a narrow tau to a wide one.
std::vector<std::vector<double>> points() {
  std::vector<std::vector<double>> all;
  for (int i = 0; i < 40; ++i) {
    std::vector<double> z;
    for (int d = 0; d < 10; ++d) z.push_back(3 * std::sin(1 + i * 1.7 + d * 0.9 + i * d * 0.31));
    all.push_back(z);
  }
  return all;
}

struct Values {
  std::vector<double> log_density;
  std::vector<std::vector<double>> gradient;
};

Values evaluate(const Target& target, const std::vector<std::vector<double>>& at) {
  TileBuffer<double> z(target.dim());
  TileBuffer<double> gradient(target.dim());
  Values values{std::vector<double>(at.size()), {}};
  for (std::size_t s = 0; s < at.size(); ++s) {
    for (std::size_t d = 0; d < target.dim(); ++d) z.row(d)[s] = at[s][d];
  }
  target.evaluate(z.view(at.size()), values.log_density, gradient.view(at.size()));
  for (std::size_t s = 0; s < at.size(); ++s) {
    values.gradient.emplace_back();
    for (std::size_t d = 0; d < target.dim(); ++d) {
      values.gradient.back().push_back(gradient.row(d)[s]);
    }
  }
  return values;
}

TEST_F(CompiledStan, EightSchoolsAgreesWithTheFormula) {
  for (const bool centred : {true, false}) {
    const auto target = load_stan_model(
        models / (centred ? "eight_schools_centered.so" : "eight_schools_noncentered.so"), data);
    ASSERT_EQ(target->dim(), 10U);
    EXPECT_TRUE(target->keeps_constants());
    EXPECT_TRUE(target->thread_safe());
    const auto at = points();
    const auto values = evaluate(*target, at);
    for (std::size_t s = 0; s < at.size(); ++s) {
      const double expected = eight_schools(at[s], centred);
      EXPECT_NEAR(values.log_density[s], expected, 1e-10 * (1 + std::abs(expected)));
      for (std::size_t d = 0; d < 10; ++d) {
        constexpr double h = 1e-3;
        const auto moved = [&](double by) {
          auto z = at[s];
          z[d] += by;
          return eight_schools(z, centred);
        };
        const double slope =
            (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h);
        EXPECT_NEAR(values.gradient[s][d], slope,
                    1e-7 * (1 + std::abs(slope) + std::abs(expected)));
      }
    }
    EXPECT_EQ(target->failures().count, 0U);
  }
}

TEST_F(CompiledStan, EightSchoolsHasNamesAndValues) {
  const auto target = load_stan_model(models / "eight_schools_noncentered.so", data);
  EXPECT_EQ(target->name(), "eight_schools_noncentered");
  const char* const version = std::getenv("RIFFLE_STAN_VERSION");
  ASSERT_NE(version, nullptr);
  EXPECT_TRUE(contains(target->description(), std::string("Stan version: ") + version + '.'))
      << target->description();
  const auto names = target->parameter_names();
  ASSERT_EQ(names.size(), 18U);
  EXPECT_EQ(target->parameter_count(), 10U);
  EXPECT_EQ(names[1], "tau");
  EXPECT_EQ(names[2], "theta_raw.1");
  EXPECT_EQ(names[17], "theta.8");
  std::vector<double> z(10, 0.0);
  z[0] = 4;
  z[1] = std::log(3.0);
  z[9] = -2;
  std::vector<double> theta(18);
  target->constrain(z, theta);
  EXPECT_NEAR(theta[1], 3, 1e-14);
  EXPECT_NEAR(theta[10], 4, 1e-14);
  EXPECT_NEAR(theta[17], 4 - 2 * 3, 1e-14);
}

TEST_F(CompiledStan, FailuresAreToldAndLeaveNothingBehind) {
  const auto target = load_stan_model(models / "eight_schools_centered.so", data);
  auto at = points();
  const auto before = evaluate(*target, at);
  auto bad = at[0];
  bad[1] = -1000;  // tau is 0
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(std::isnan(evaluate(*target, {bad}).log_density[0]));
  EXPECT_EQ(target->failures().count, 100U);
  EXPECT_TRUE(contains(target->failures().first_message, "normal_lpdf: Scale parameter is 0"))
      << target->failures().first_message;
  const auto after = evaluate(*target, at);
  EXPECT_EQ(after.log_density, before.log_density);
  EXPECT_EQ(after.gradient, before.gradient);
}

TEST_F(CompiledStan, DataThatDoNotFitAreRefusedInStansWords) {
  const auto refusal = [](const std::string& text) {
    return message_of(
        ErrorKind::data, [&] { load_stan_model(models / "eight_schools_centered.so", text); },
        text);
  };
  EXPECT_TRUE(contains(refusal(R"({"J": 1, "sigma": [1]})"), "variable name=y"));
  EXPECT_TRUE(contains(refusal(R"({"J": 1.5, "y": [1], "sigma": [1]})"), "non-int"));
  EXPECT_TRUE(contains(refusal(R"({"J": 2, "y": [1, 2, 3], "sigma": [1, 1]})"), "dims"));
  EXPECT_TRUE(contains(refusal(R"({"J": 1, "y": [1], "sigma": [-1]})"), "sigma"));
  EXPECT_TRUE(contains(refusal(R"({"J": 2, "y": [1, [2]], "sigma": [1, 1]})"), "ragged"));
  EXPECT_TRUE(contains(refusal(R"({"J": 1, "y": ["one"], "sigma": [1]})"), "no number"));
  EXPECT_TRUE(contains(refusal(""), "variable name=J"));
}

std::map<std::string, double> paired(const std::vector<std::string>& names,
                                     const std::vector<double>& values) {
  std::map<std::string, double> pairs;
  for (std::size_t i = 0; i < names.size(); ++i) pairs[names[i]] = values[i];
  return pairs;
}

/// The unconstrained values that the library itself makes of initial values in JSON.
std::vector<double> unconstrained(const std::filesystem::path& path, const std::string& inits,
                                  std::size_t dim) {
  const SharedLibrary library(path);
  void* (*construct)(const char*, unsigned, char**) = nullptr;
  void (*destruct)(void*) = nullptr;
  int (*unconstrain)(const void*, const char*, double*, char**) = nullptr;
  library.require("bs_model_construct", "test", construct);
  library.require("bs_model_destruct", "test", destruct);
  library.require("bs_param_unconstrain_json", "test", unconstrain);
  char* error = nullptr;
  void* const model = construct("{}", 1, &error);
  std::vector<double> z(dim, std::nan(""));
  EXPECT_EQ(unconstrain(model, inits.c_str(), z.data(), &error), 0) << error;
  destruct(model);
  return z;
}

TEST_F(CompiledStan, ArraysOfConstrainedVectorsHaveTheirNamesAndPlaces) {
  const auto path = models / "nested.so";
  const auto target = load_stan_model(path, "");
  const auto names = target->parameter_names();
  const auto parameters = target->parameter_count();
  ASSERT_EQ(parameters, 3U * 4 + 2 * 9 + 6 * 2 + 2 * 6 + 6 + 1);
  ASSERT_EQ(target->dim(), 3U * 3 + 2 * 3 + 6 * 2 + 2 * 6 + 6 + 1);
  std::vector<double> z;
  for (std::size_t d = 0; d < target->dim(); ++d) {
    z.push_back(std::sin(1 + 1.3 * static_cast<double>(d)));
  }
  std::vector<double> values(names.size());
  target->constrain(z, values);
  const auto by_name = paired(names, values);
  // By Stan's own indexing.
  for (const char* element : {"p_3_2", "L_2_3_1", "o_1_3_2", "m_2_1_3", "x_2_1", "one_1"}) {
    std::string name = element;
    std::replace(name.begin(), name.end(), '_', '.');
    EXPECT_EQ(by_name.at(name), by_name.at(element)) << name;
  }
  const auto json = inits_json(names, parameters, values);
  const auto inits = nlohmann::json::parse(json);
  EXPECT_EQ(inits.size(), 6U);
  for (std::size_t i = 0; i < parameters; ++i) {
    auto pointer = '/' + names[i];  // a.1.2 is at /a/0/1
    for (auto& c : pointer) {
      if (c == '.') c = '/';
      if (c >= '1' && c <= '9') --c;
    }
    EXPECT_EQ(inits.at(nlohmann::json::json_pointer(pointer)).get<double>(), values[i]) << names[i];
  }
  for (const auto& simplex : inits.at("p")) {
    double sum = 0;
    for (const auto& x : simplex) sum += x.get<double>();
    EXPECT_NEAR(sum, 1, 1e-14);
  }
  for (const auto& factor : inits.at("L")) {
    for (std::size_t row = 0; row < 3; ++row) {
      double square = 0;
      for (std::size_t k = 0; k < 3; ++k) {
        const double x = factor.at(row).at(k).get<double>();
        square += x * x;
        if (k > row) {
          EXPECT_EQ(x, 0);
        }
      }
      EXPECT_NEAR(square, 1, 1e-14);
    }
  }
  for (const auto& row : inits.at("o")) {
    for (const auto& pair : row) EXPECT_LT(pair.at(0).get<double>(), pair.at(1).get<double>());
  }
  const auto back = unconstrained(path, json, z.size());
  for (std::size_t d = 0; d < z.size(); ++d) EXPECT_NEAR(back[d], z[d], 1e-10) << d;
}

TEST_F(CompiledStan, ArraysAreColumnMajorAndWordsAreNumbers) {
  const auto target = load_stan_model(
      models / "arrays.so",
      R"({"x": [[11, 12, 13], [21, NaN, -Inf]], "m": [[11, 12, 13], [21, 22, "Inf"]],
          "k": [[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[9, 10], [11, 12]]], "none": [],
          "n_rows": 0, "no_rows": [], "no_vectors": [], "nothing": [],
          "edges": ["-inf", "+Infinity", "nan"]})");
  const auto names = target->parameter_names();
  std::vector<double> values(names.size());
  target->constrain(std::vector<double>{0.5}, values);
  const auto by_name = paired(names, values);
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(by_name.at("a"), 0.5);
  EXPECT_EQ(by_name.at("x_copy.1.3"), 13);
  EXPECT_EQ(by_name.at("x_copy.2.1"), 21);
  EXPECT_TRUE(std::isnan(by_name.at("x_copy.2.2")));
  EXPECT_EQ(by_name.at("x_copy.2.3"), -inf);
  EXPECT_EQ(by_name.at("m_copy.1.2"), 12);
  EXPECT_EQ(by_name.at("m_copy.2.1"), 21);
  EXPECT_EQ(by_name.at("m_copy.2.3"), inf);
  EXPECT_EQ(by_name.at("edges_copy.1"), -inf);
  EXPECT_EQ(by_name.at("edges_copy.2"), inf);
  EXPECT_TRUE(std::isnan(by_name.at("edges_copy.3")));
  for (int i = 1; i <= 3; ++i) {
    for (int j = 1; j <= 2; ++j) {
      for (int l = 1; l <= 2; ++l) {
        const auto name =
            "k_copy." + std::to_string(i) + '.' + std::to_string(j) + '.' + std::to_string(l);
        EXPECT_EQ(by_name.at(name), 4 * (i - 1) + 2 * (j - 1) + l) << name;
      }
    }
  }
}

TEST_F(CompiledStan, GeneratesQuantities) {
  const auto target = load_stan_model(models / "generated.so", R"({"N": 2, "y": [1.5, -2]})");
  EXPECT_EQ(target->parameter_names(), (std::vector<std::string>{"mu", "sigma", "twice"}));
  EXPECT_EQ(target->parameter_count(), 2U);
  EXPECT_EQ(target->generated_names(),
            (std::vector<std::string>{"standard", "log_lik.1", "log_lik.2", "y_rep.1", "y_rep.2",
                                      "m.1.1", "m.2.1", "m.1.2", "m.2.2", "m.1.3", "m.2.3", "count",
                                      "data_noise"}));
  constexpr std::size_t columns = 13;
  constexpr std::size_t n = 20'000;
  const auto generated = [&](std::uint64_t seed) {
    const auto generator = target->generator(seed);
    std::vector<double> rows(n * columns);
    for (std::size_t i = 0; i < n; ++i) {
      const auto row = std::span(rows).subspan(i * columns, columns);
      generator->generate(std::vector<double>{2, std::log(3.0)}, row);
    }
    EXPECT_EQ(generator->failures().count, 0U);
    return rows;
  };
  const auto rows = generated(1);
  for (std::size_t i = 0; i < n; i += 1000) {
    const auto* const row = &rows[i * columns];
    EXPECT_NEAR(row[1], log_normal(1.5, 2, 3), 1e-12);
    EXPECT_NEAR(row[2], log_normal(-2, 2, 3), 1e-12);
    const double expected[] = {11, 21, 12, 22, 13, 23};
    for (std::size_t k = 0; k < 6; ++k) EXPECT_NEAR(row[5 + k], expected[k] * 2 + 4, 1e-12);
  }
  const auto moments = [&](std::size_t column) {
    double mean = 0;
    double square = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double x = rows[i * columns + column];
      mean += x / n;
      square += x * x / n;
    }
    return std::pair{mean, std::sqrt(square - mean * mean)};
  };
  const double five_errors = 5 / std::sqrt(static_cast<double>(n));
  struct Expected {
    std::size_t column;
    double mean;
    double sd;
  };
  for (const auto& [column, mean, sd] :
       {Expected{0, 0, 1}, {3, 2, 3}, {4, 2, 3}, {11, 3, std::sqrt(3.0)}}) {
    const auto [found_mean, found_sd] = moments(column);
    EXPECT_NEAR(found_mean, mean, five_errors * sd) << column;
    EXPECT_NEAR(found_sd, sd, five_errors * sd) << column;
  }
  // Numbers of different draws and variables have nothing to do with each other.
  double between_draws = 0;
  double between_variables = 0;
  for (std::size_t i = 1; i < n; ++i) {
    const auto standard = [&](std::size_t j) { return (rows[j * columns + 3] - 2) / 3; };
    between_draws += standard(i) * standard(i - 1) / n;
    between_variables += standard(i) * rows[i * columns] / n;
  }
  EXPECT_NEAR(between_draws, 0, five_errors);
  EXPECT_NEAR(between_variables, 0, five_errors);
  // Nor with those of the transformed data, whose seed is 1 too.
  EXPECT_NE(rows[0], rows[columns - 1]);
  EXPECT_EQ(generated(1), rows);
  EXPECT_NE(generated(2), rows);
}

TEST_F(CompiledStan, GeneratedQuantitiesThatThrowAreNanInThatDraw) {
  const auto target = load_stan_model(models / "generated.so", R"({"N": 0, "y": []})");
  const auto generator = target->generator(1);
  std::vector<double> row(target->generated_names().size());
  ASSERT_EQ(row.size(), 9U);
  generator->generate(std::vector<double>{6, 0}, row);
  for (const double x : row) EXPECT_TRUE(std::isnan(x));
  EXPECT_EQ(generator->failures().count, 1U);
  EXPECT_TRUE(contains(generator->failures().first_message, "poisson_rng: Rate parameter is -1"))
      << generator->failures().first_message;
  generator->generate(std::vector<double>{1, 0}, row);
  EXPECT_NEAR(row[1], 13, 1e-12);
  EXPECT_EQ(generator->failures().count, 1U);
}

TEST_F(CompiledStan, GivesTheSameBitsFromManyThreads) {
  const auto one = load_stan_model(models / "eight_schools_centered.so", data);
  const auto other = load_stan_model(models / "eight_schools_noncentered.so", data);
  auto at = points();
  at[7][1] = -1000;  // some fail
  const auto same = [](const Values& a, const Values& b) {
    for (std::size_t s = 0; s < a.log_density.size(); ++s) {
      const bool failed = std::isnan(a.log_density[s]);
      if (failed != std::isnan(b.log_density[s])) return false;
      if (!failed && (a.log_density[s] != b.log_density[s] || a.gradient[s] != b.gradient[s])) {
        return false;
      }
    }
    return true;
  };
  const auto expected_one = evaluate(*one, at);
  const auto expected_other = evaluate(*other, at);
  // Threads that come and go, each with an autodiff stack of its own.
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    std::vector<int> wrong(4, 0);
    for (std::size_t t = 0; t < wrong.size(); ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 100; ++i) {
          wrong[t] += same(evaluate(*one, at), expected_one) ? 0 : 1;
          wrong[t] += same(evaluate(*other, at), expected_other) ? 0 : 1;
        }
      });
    }
    for (auto& thread : threads) thread.join();
    for (const int n : wrong) ASSERT_EQ(n, 0);
  }
}

TEST_F(CompiledStan, IsTimed) {
  for (const char* name : {"eight_schools_centered", "eight_schools_noncentered"}) {
    const auto target = load_stan_model(models / (std::string(name) + ".so"), data);
    const auto at = points();
    double best = 1e9;
    for (int round = 0; round < 200; ++round) {
      const auto start = std::chrono::steady_clock::now();
      evaluate(*target, at);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      best = std::min(best, took.count() / static_cast<double>(at.size()));
    }
    std::printf("%s: %.2f µs a gradient\n", name, 1e6 * best);
    EXPECT_LT(best, 1e-3);
  }
}

}  // namespace
}  // namespace riffle
