// The loader of Stan models, on libraries that have BridgeStan's interface but no Stan.

#include "riffle/targets.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <numbers>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "core/aligned.h"
#include "io/model_data.h"
#include "io/plain_text.h"
#include "riffle/riffle.h"
#include "riffle/run.h"
#include "run/run_folder.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"
#include "targets/shared_library.h"

namespace riffle {
namespace {

using test::contains;
using test::message_of;
using test::TemporaryFolder;

const std::filesystem::path fakes = RIFFLE_FAKES;
const auto fake = fakes / "fake_bridgestan.so";

std::unique_ptr<Target> load(const std::string& data = {}) {
  return load_stan_model(fake, data);
}

/// How many models, and messages nobody freed, the fake counts.
int count(const char* what) {
  const SharedLibrary library(fake);
  int (*function)() = nullptr;
  library.require(what, "fake", function);
  return function();
}

struct Values {
  std::vector<double> log_density;
  std::vector<double> gradient;  // row-major
};

/// At points (mu, ln tau), row-major.
Values evaluate(const Target& target, const std::vector<double>& points) {
  const auto dim = target.dim();
  const auto n = points.size() / dim;
  TileBuffer<double> z(dim);
  TileBuffer<double> gradient(dim);
  Values values{std::vector<double>(n), {}};
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t d = 0; d < dim; ++d) z.row(d)[s] = points[s * dim + d];
  }
  target.evaluate(z.view(n), values.log_density, gradient.view(n));
  for (std::size_t s = 0; s < n; ++s) {
    for (std::size_t d = 0; d < dim; ++d) values.gradient.push_back(gradient.row(d)[s]);
  }
  return values;
}

double fake_log_density(double mu, double log_tau) {
  return -mu * mu / 8 - log_tau * log_tau / 2 - std::log(2 * std::numbers::pi) - std::log(2);
}

TEST(StanModel, EvaluatesEveryPointWithItsConstants) {
  const auto target = load();
  EXPECT_EQ(target->dim(), 2U);
  EXPECT_TRUE(target->keeps_constants());
  const auto values = evaluate(*target, {0.5, -1, 3, 0.25, -2, 2});
  EXPECT_DOUBLE_EQ(values.log_density[0], fake_log_density(0.5, -1));
  EXPECT_DOUBLE_EQ(values.log_density[1], fake_log_density(3, 0.25));
  EXPECT_DOUBLE_EQ(values.log_density[2], fake_log_density(-2, 2));
  EXPECT_EQ(values.gradient, (std::vector<double>{-0.125, 1, -0.75, -0.25, 0.5, -2}));
  EXPECT_EQ(target->failures().count, 0U);
}

TEST(StanModel, HasNamesAndValues) {
  const auto target = load();
  EXPECT_EQ(target->name(), "fake_model");
  EXPECT_EQ(target->parameter_names(), (std::vector<std::string>{"mu", "tau", "product"}));
  EXPECT_EQ(target->parameter_count(), 2U);
  const std::vector<double> z{3, std::log(2.0)};
  std::vector<double> theta(3);
  target->constrain(z, theta);
  EXPECT_DOUBLE_EQ(theta[0], 3);
  EXPECT_DOUBLE_EQ(theta[1], 2);
  EXPECT_DOUBLE_EQ(theta[2], 6);
  load(R"({"fail_constrain": true})")->constrain(z, theta);
  for (const double x : theta) EXPECT_TRUE(std::isnan(x));
  EXPECT_EQ(count("fake_messages"), 0);
}

TEST(StanModel, LeadsParametersBack) {
  const auto target = load();
  std::vector<double> z(2);
  ASSERT_TRUE(target->unconstrain(std::vector<double>{3, 2}, z));
  EXPECT_EQ(z, (std::vector<double>{3, std::log(2.0)}));
  ASSERT_TRUE(target->unconstrain(std::vector<double>{3, -2}, z));
  EXPECT_TRUE(std::isnan(z[0]) && std::isnan(z[1]));
  EXPECT_EQ(count("fake_messages"), 0);
}

/// Rows of generated quantities at points (mu, ln tau) of these mu.
std::vector<double> generate(Generator& generator, std::initializer_list<double> mus) {
  std::vector<double> rows;
  for (const double mu : mus) {
    std::vector<double> row(2);
    generator.generate(std::vector<double>{mu, 0}, row);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  return rows;
}

TEST(StanModel, GeneratesQuantitiesInTheOrderOfTheDraws) {
  const auto target = load(R"({"generated": true})");
  EXPECT_EQ(target->parameter_names(), (std::vector<std::string>{"mu", "tau", "product"}));
  EXPECT_EQ(target->parameter_count(), 2U);
  EXPECT_EQ(target->generated_names(), (std::vector<std::string>{"square", "noise"}));
  const auto generator = target->generator(5);
  EXPECT_EQ(count("fake_generators"), 1);
  const auto rows = generate(*generator, {3, -2, 3});
  EXPECT_EQ(rows[0], 9);
  EXPECT_EQ(rows[2], 4);
  EXPECT_NE(rows[1], rows[5]) << "one generator serves all draws";
  EXPECT_EQ(generator->failures().count, 0U);
  EXPECT_EQ(generate(*target->generator(5), {3, -2, 3}), rows);
  EXPECT_NE(generate(*target->generator(6), {3, -2, 3}), rows);
  EXPECT_NE(generate(*target->generator(5 + (std::uint64_t{1} << 32)), {3, -2, 3}), rows);
  // The parameters stay what they are without.
  std::vector<double> theta(3);
  target->constrain(std::vector<double>{3, 0}, theta);
  EXPECT_EQ(theta, (std::vector<double>{3, 1, 3}));
}

TEST(StanModel, HasNoGeneratedQuantitiesWhereNoneAreThereOrWanted) {
  EXPECT_TRUE(load()->generated_names().empty());
  EXPECT_EQ(load()->generator(1), nullptr);
  StanModelOptions options;
  options.generated_quantities = false;
  const auto without = load_stan_model(fake, R"({"generated": true})", options);
  EXPECT_TRUE(without->generated_names().empty());
  EXPECT_EQ(without->generator(1), nullptr);
  // A library with no random numbers.
  const auto minimal =
      load_stan_model(fakes / "fake_bridgestan_minimal.so", R"({"generated": true})");
  EXPECT_TRUE(minimal->generated_names().empty());
  EXPECT_EQ(minimal->parameter_names().size(), 3U);
}

TEST(StanModel, GeneratedQuantitiesThatFailAreNanAndCounted) {
  const auto target = load(
      R"({"generated": true, "generated_fail_above": 1, "generated_nan_above": 0.5,
          "generated_throw_above": 2})");
  {
    const auto generator = target->generator(1);
    const auto rows = generate(*generator, {0, 1.5, 0.75, 3, 0});
    for (const std::size_t i : {2U, 3U, 5U, 6U, 7U}) EXPECT_TRUE(std::isnan(rows[i])) << i;
    EXPECT_EQ(rows[4], 0.75 * 0.75);
    EXPECT_FALSE(std::isnan(rows[9]));
    EXPECT_EQ(generator->failures().count, 3U);
    EXPECT_EQ(generator->failures().first_message, "rate is too large");
  }
  const auto generator = target->generator(1);
  generate(*generator, {0.75, 1.5});
  EXPECT_EQ(generator->failures().first_message, "noise is nan");
  const auto throwing = target->generator(1);
  generate(*throwing, {3});
  EXPECT_EQ(throwing->failures().first_message, "thrown by generated quantities");
  EXPECT_EQ(target->failures().count, 0U) << "no evaluation failed";
  EXPECT_EQ(count("fake_generators"), 2) << "and those that are gone are destroyed";
  EXPECT_EQ(count("fake_messages"), 0);

  const auto refusing = load(R"({"generated": true, "refuse_generators": true})");
  EXPECT_TRUE(contains(message_of(ErrorKind::data, [&] { refusing->generator(1); }),
                       "no random numbers today"));
  EXPECT_EQ(count("fake_messages"), 0);
}

TEST(StanModel, TellsWhatMadeIt) {
  EXPECT_EQ(load()->description(),
            "Stan model fake_model, BridgeStan 2.8.9; Stan version: 0.0.0 Stan C++ Defines: "
            "STAN_THREADS=false");
  const auto minimal = load_stan_model(fakes / "fake_bridgestan_minimal.so", "");
  EXPECT_EQ(minimal->name(), "fake_bridgestan_minimal");
  EXPECT_TRUE(contains(minimal->description(), "unknown version"));
  EXPECT_FALSE(minimal->thread_safe());
}

TEST(StanModel, IsThreadSafeWhereTheLibraryOrTheUserSaysSo) {
  EXPECT_FALSE(load()->thread_safe());
  EXPECT_TRUE(load(R"({"threads": true})")->thread_safe());
  EXPECT_TRUE(load_stan_model(fake, "", {1, true})->thread_safe());
}

TEST(StanModel, GoesWithoutConstantsOnlyWhereTheLibraryHasNone) {
  const auto without = load(R"({"refuse_constants": true})");
  EXPECT_FALSE(without->keeps_constants());
  EXPECT_DOUBLE_EQ(evaluate(*without, {2, 1}).log_density[0], -1);
  EXPECT_EQ(without->failures().count, 0U) << "trial points are nobody's failures";
  // A point that fails for another reason decides nothing.
  EXPECT_TRUE(load(R"({"fail_at_0": true})")->keeps_constants());
  EXPECT_FALSE(load(R"({"fail_at_0": true, "refuse_constants": true})")->keeps_constants());
  EXPECT_TRUE(load(R"({"fail_always": true})")->keeps_constants());
  EXPECT_EQ(count("fake_messages"), 0);
}

TEST(StanModel, CountsFailuresAndKeepsTheFirstMessage) {
  const auto target = load(R"({"fail_above": 1, "throw_above": 5})");
  const auto values = evaluate(*target, {0, 0, 2, 0, 0.5, 0, 3, 0});
  EXPECT_DOUBLE_EQ(values.log_density[0], fake_log_density(0, 0));
  EXPECT_DOUBLE_EQ(values.log_density[2], fake_log_density(0.5, 0));
  EXPECT_TRUE(std::isnan(values.log_density[1]));
  EXPECT_TRUE(std::isnan(values.log_density[3]));
  EXPECT_TRUE(std::isnan(values.gradient[2]) && std::isnan(values.gradient[3]));
  EXPECT_EQ(values.gradient[4], -0.125);
  EXPECT_EQ(target->failures().count, 2U);
  EXPECT_EQ(target->failures().first_message, "mu is too large");
  EXPECT_EQ(count("fake_messages"), 0) << "messages must be freed";

  const auto throwing = load(R"({"throw_above": 1})");
  EXPECT_TRUE(std::isnan(evaluate(*throwing, {2, 0}).log_density[0]));
  EXPECT_EQ(throwing->failures().first_message, "thrown by the density");

  const auto silent = load(R"({"fail_in_silence_above": 1})");
  EXPECT_TRUE(std::isnan(evaluate(*silent, {2, 0}).log_density[0]));
  EXPECT_EQ(silent->failures().first_message, "no message");

  const auto chatty = load(R"({"needless_message": true})");
  EXPECT_DOUBLE_EQ(evaluate(*chatty, {1, 0}).log_density[0], fake_log_density(1, 0));
  EXPECT_EQ(chatty->failures().count, 0U);
  EXPECT_EQ(count("fake_messages"), 0);
}

TEST(StanModel, ANumberThatIsNotFiniteIsNoFailureButNoNumberEither) {
  const auto target = load(R"({"nan_above": 1})");
  EXPECT_TRUE(std::isnan(evaluate(*target, {2, 0}).log_density[0]));
  EXPECT_EQ(target->failures().count, 0U);
}

TEST(StanModel, CountsFailuresOfAllThreads) {
  const auto target = load(R"({"fail_in_silence_above": 1})");
  const auto work = [&] {
    for (int i = 0; i < 2000; ++i) evaluate(*target, {2, 0, 0, 0});
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_EQ(target->failures().count, 4000U);
}

TEST(StanModel, IsDestroyedWithItsTarget) {
  {
    const auto one = load();
    const auto two = load();
    EXPECT_EQ(count("fake_models"), 2);
  }
  EXPECT_EQ(count("fake_models"), 0);
  EXPECT_ANY_THROW(load(R"({"dim": 0})"));
  EXPECT_EQ(count("fake_models"), 0);
}

TEST(StanModel, PrintsToStandardError) {
  const auto target = load(R"({"print": true})");
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  evaluate(*target, {0, 0});
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "printed\n");
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
}

TEST(StanModel, RefusesWhatTheModelRefuses) {
  const auto refusal = [](const std::string& data) {
    return message_of(
        ErrorKind::data, [&] { load(data); }, data);
  };
  EXPECT_TRUE(contains(refusal(R"({"refuse": "variable y\ndoes not exist"})"),
                       "refuses its data: variable y does not exist"));
  EXPECT_TRUE(contains(refusal(R"({"null_in_silence": true})"), "no message"));
  EXPECT_TRUE(contains(refusal(R"({"throw": true})"), "thrown by the constructor"));
  EXPECT_TRUE(contains(refusal(R"({"dim": 0})"), "no parameters"));
  EXPECT_TRUE(contains(refusal(R"({"dim": -3})"), "contradicts itself"));
  EXPECT_TRUE(contains(refusal(R"({"names": "mu,tau"})"), "2 names"));
  EXPECT_TRUE(contains(refusal(R"({"parameters": -1})"), "contradicts itself"));
  EXPECT_TRUE(contains(refusal(R"({"generated": true, "generated_count": 3})"), "5 names"));
  EXPECT_TRUE(contains(refusal(R"({"generated": true, "generated_count": -1})"), "contradicts"));
  EXPECT_EQ(count("fake_messages"), 0);
}

TEST(StanModel, ReadsItsDataFromAFile) {
  const TemporaryFolder folder;
  test::spill(folder / "data.json", R"({"threads": true, "x": [1, NaN, -Inf]})");
  // The fake's own reader knows no NaN; what matters is that it was handed the path.
  EXPECT_TRUE(contains(message_of(ErrorKind::data, [&] { load((folder / "data.json").string()); }),
                       "refuses"));
  test::spill(folder / "data.json", R"({"threads": true})");
  EXPECT_TRUE(load((folder / "data.json").string())->thread_safe());
  const auto missing = (folder / "missing.json").string();
  EXPECT_TRUE(contains(message_of(ErrorKind::no_input, [&] { load(missing); }), missing));
}

TEST(ModelData, IsCheckedBeforeALibrarySeesIt) {
  for (const char* good :
       {"", "{}", " {\"a\": NaN, \"b\": [-Inf, Inf, +Inf, Infinity, -Infinity], \"c\": \"NaN\"}",
        R"({"a \" Inf": [[1, 2], [3, 4]], "b": []})"}) {
    EXPECT_NO_THROW(check_model_data(good)) << good;
  }
  const auto refusal = [](const std::string& data) {
    return message_of(
        ErrorKind::data, [&] { check_model_data(data); }, data);
  };
  EXPECT_TRUE(contains(refusal("{\"a\": 1,\n \"b\": NaN,\n \"c\": x}"), "line 3, column 7"));
  EXPECT_TRUE(contains(refusal(R"({"a": Na})"), "line 1, column 7"));
  EXPECT_TRUE(contains(refusal(R"({"a": 1)"), "line 1"));
  EXPECT_TRUE(contains(refusal("[1, 2]"), "must be a JSON object"));
  EXPECT_TRUE(contains(refusal(R"({"a": 1} {"b": 2})"), "line 1"));
  EXPECT_TRUE(contains(refusal(R"({"N": 1, "y": 2, "N": 3})"), "the key \"N\" is there twice"));
  EXPECT_TRUE(contains(refusal(R"({"t": {"1": 1, "1": 2}})"), "the key \"1\" is there twice"));
  EXPECT_TRUE(contains(refusal("{\"a\": 1,\n \"b\": [2, 1e400]}"), "1e400 at line 2, column 15"));
  EXPECT_TRUE(contains(refusal(R"({"a": -1e999})"), "-1e999 at line 1"));
  message_of(ErrorKind::usage, [] { check_model_data("data.csv"); });
  message_of(ErrorKind::no_input, [] { check_model_data("/nowhere/data.json"); });
}

TEST(ModelData, RaggedArraysAreNamed) {
  for (const char* good :
       {R"({"x": [[1, 2], [3, 4]], "y": [[], []], "z": [[[1], [2]], [[3], [4]]]})",
        R"({"t": [{"1": [1, 2]}, {"1": [3]}], "e": [], "v": [[]]})",
        R"({"t": {"1": [[1], [2]]}})"}) {
    EXPECT_NO_THROW(check_model_data(good)) << good;
  }
  for (const char* ragged :
       {R"({"a": 1, "bad": [[1, 2], [3]]})", R"({"bad": [[1], [2, 3]], "a": 1})",
        R"({"bad": [1, [2]]})", R"({"bad": [[1], 2]})", R"({"bad": [[], [1]]})",
        R"({"bad": [[1], []]})", R"({"bad": [[], 1]})", R"({"bad": [1, []]})",
        R"({"bad": [[[1, 2]], [[3]]]})", R"({"bad": [[[1]], [[2], [3]]]})",
        R"({"t": {"bad": [[1], [2, 3]]}})"}) {
    const auto told = message_of(
        ErrorKind::data, [&] { check_model_data(ragged); }, ragged);
    EXPECT_TRUE(contains(told, "\"bad\" is ragged")) << ragged << ": " << told;
  }
}

TEST(SharedLibrary, SaysWhyItCannotBeLoaded) {
  const TemporaryFolder folder;
  const auto refusal = [](ErrorKind kind, const std::filesystem::path& path) {
    return message_of(
        kind, [&] { load_stan_model(path, ""); }, path.string());
  };
  EXPECT_TRUE(contains(refusal(ErrorKind::no_input, folder / "none.so"), "none.so does not exist"));
  EXPECT_TRUE(contains(refusal(ErrorKind::no_input, folder.path()), "is a folder"));
  test::spill(folder / "text.so", "no library\n");
  EXPECT_TRUE(contains(refusal(ErrorKind::data, folder / "text.so"), "cannot be loaded: "));
  test::spill(folder / "empty.so", "");
  EXPECT_TRUE(contains(refusal(ErrorKind::data, folder / "empty.so"), "cannot be loaded: "));
  // Another machine's: e_machine of the ELF header says PA-RISC.
  auto bytes = test::slurp(fake);
  bytes[18] = 15;
  bytes[19] = 0;
  test::spill(folder / "foreign.so", bytes);
  EXPECT_TRUE(contains(refusal(ErrorKind::data, folder / "foreign.so"), "foreign.so: "));
  EXPECT_TRUE(contains(refusal(ErrorKind::data, fakes / "fake_bridgestan_incomplete.so"),
                       "has no function bs_param_constrain"));
  EXPECT_TRUE(contains(refusal(ErrorKind::data, fakes / "fake_bridgestan_3.so"), "BridgeStan 3"));
  EXPECT_TRUE(contains(refusal(ErrorKind::data, fakes / "fake_plugin.so"), "bs_model_construct"));
}

TEST(SharedLibrary, PutsMessagesOnOneLine) {
  EXPECT_EQ(one_line(nullptr), "no message");
  EXPECT_EQ(one_line(" \n"), "no message");
  EXPECT_EQ(one_line("\n a\r\n\tb\x7f\x1b[2J c \n"), "a b [2J c");
  const auto cut = one_line(std::string(499, 'x').append("µµµ").c_str());
  EXPECT_EQ(cut, std::string(499, 'x') + "...");
}

Spec small() {
  Spec spec;
  spec.target.stan = fake.string();
  spec.flow.layers = "planar:4";
  spec.objective.name = "free-energy";
  spec.run.iterations = 300;
  spec.run.batch = 300;
  spec.run.threads = 2;
  spec.run.evaluation_draws = 5000;
  spec.run.draws = 200;
  return spec;
}

TEST(FitOfALibrary, IsThatOfItsTarget) {
  auto spec = small();
  spec.target.data = R"({"threads": true})";
  const auto report = fit(spec);
  EXPECT_EQ(report.target, "fake_model");
  EXPECT_EQ(report.threads, 2U);
  EXPECT_EQ(report.flow.dim(), 2U);
  EXPECT_NEAR(report.elbo, 0, 0.05);
  EXPECT_TRUE(contains(report.target_description, "BridgeStan 2.8.9"));
  EXPECT_EQ(report.failed_evaluations, 0U);
  EXPECT_GE(report.evaluations, 300U * 300U + 2U * 5000U + 200U);
  EXPECT_TRUE(report.warnings.empty());
}

TEST(FitOfALibrary, TakesOneThreadWhereItMust) {
  auto spec = small();
  auto report = fit(spec);
  EXPECT_EQ(report.threads, 1U);
  ASSERT_EQ(report.warnings.size(), 1U);
  EXPECT_TRUE(contains(report.warnings[0], "target.thread_safe = true"));
  spec.target.thread_safe = true;
  report = fit(spec);
  EXPECT_EQ(report.threads, 2U);
  EXPECT_TRUE(report.warnings.empty());
}

TEST(FitOfALibrary, TellsOfFailures) {
  auto spec = small();
  spec.target.data = R"({"fail_above": 2})";
  spec.run.threads = 1;
  const auto report = fit(spec);
  EXPECT_GT(report.failed_evaluations, 0U);
  EXPECT_LT(report.failed_evaluations, report.evaluations);
  EXPECT_EQ(report.first_failure, "mu is too large");
  bool told = false;
  for (const auto& warning : report.warnings) {
    told = told || (contains(warning,
                             "evaluations of the target failed; the first said: mu is too "
                             "large"));
  }
  EXPECT_TRUE(told);
  // Far out, where whether the target is improper is looked into, failures are no news. Chains try
  // steps that are too long by much less.
  spec.target.data = R"({"fail_above": 5000})";
  EXPECT_EQ(fit(spec).failed_evaluations, 0U);
}

/// With generated quantities that are nan where mu > 4.
Spec generating() {
  auto spec = small();
  spec.target.data = R"({"threads": true, "generated": true, "generated_fail_above": 4})";
  spec.base.name = "full-normal";
  spec.run.draws = 3000;
  spec.run.plots = false;
  return spec;
}

TEST(FitOfALibrary, ReportsGeneratedQuantitiesOfItsDraws) {
  auto spec = generating();
  const auto report = fit(spec);
  const auto& p = *report.posterior;
  EXPECT_EQ(p.generated_count, 2U);
  EXPECT_EQ(p.parameter_count, 2U);
  ASSERT_EQ(p.parameters.size(), 5U);
  EXPECT_EQ(p.parameters[3].name, "square");
  EXPECT_NEAR(p.parameters[3].mean, 4, 0.5);
  EXPECT_NEAR(p.parameters[4].mean, 0.5, 0.03);
  EXPECT_NEAR(p.parameters[4].sd, std::sqrt(1.0 / 12), 0.02);
  EXPECT_NEAR(p.parameters[4].q95, 0.95, 0.02);
  EXPECT_NEAR(p.parameters[4].mcse, std::sqrt(1.0 / 12 / 3000), 0.001);
  ASSERT_EQ(p.values.size(), 3000U * 5);
  std::uint64_t missing = 0;
  for (std::size_t i = 0; i < 3000; ++i) {
    const double mu = p.values[5 * i];
    if (mu > 4) {
      ++missing;
      EXPECT_TRUE(std::isnan(p.values[5 * i + 3]) && std::isnan(p.values[5 * i + 4]));
    } else {
      EXPECT_EQ(p.values[5 * i + 3], mu * mu);
    }
  }
  EXPECT_GT(missing, 10U);
  EXPECT_EQ(p.failed_generations.count, missing);
  ASSERT_EQ(report.warnings.size(), 1U);
  EXPECT_TRUE(contains(report.warnings[0], std::to_string(missing) + " of 3,000 draws"));
  EXPECT_TRUE(contains(report.warnings[0], "rate is too large"));
  EXPECT_EQ(report.failed_evaluations, 0U);

  // One thread, and a report by resampled draws.
  spec.run.threads = 1;
  const auto alone = fit(spec);
  ASSERT_EQ(alone.posterior->values.size(), p.values.size());
  EXPECT_EQ(std::memcmp(alone.posterior->values.data(), p.values.data(), 8 * p.values.size()), 0);
  spec.run.resample = Resampling::psis;
  const auto resampled = fit(spec);
  EXPECT_TRUE(resampled.posterior->resampled);
  EXPECT_NEAR(resampled.posterior->parameters[4].mean, 0.5, 0.03);

  spec.target.generated_quantities = false;
  const auto without = fit(spec);
  EXPECT_EQ(without.posterior->generated_count, 0U);
  EXPECT_EQ(without.posterior->parameters.size(), 3U);
  EXPECT_TRUE(without.warnings.empty());
}

TEST(FitOfALibrary, GeneratedQuantitiesAreInTheDrawsButInNoInitialValues) {
  for (const auto format : {DrawsFormat::plain, DrawsFormat::cmdstan}) {
    const TemporaryFolder folder;
    auto spec = generating();
    spec.run.output_format = format;
    spec.run.draws = 500;
    run_in_folder(spec, folder / "run", {});
    const auto draws = test::slurp(folder / "run/draws.csv");
    EXPECT_TRUE(contains(draws, "mu,tau,product,square,noise\n"));
    EXPECT_FALSE(contains(test::slurp(folder / "run/inits_1.json"), "square"));
    EXPECT_TRUE(contains(test::slurp(folder / "run/summary.json"), "\"noise\": {"));
    // More draws at the same seed begin with these, whatever the chunks; comments aside.
    std::vector<std::string> warnings;
    sample_folder(folder / "run", 20'000, 1, Coordinates::parameters, folder / "more.csv",
                  warnings);
    const auto rows = [](const std::string& text) {
      std::string all;
      std::istringstream lines(text);
      for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with('#')) all += line + '\n';
      }
      return all;
    };
    EXPECT_TRUE(rows(test::slurp(folder / "more.csv")).starts_with(rows(draws))) << name_of(format);
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_TRUE(contains(warnings[0], "of 20,000 draws have generated quantities that are nan"));
    // A diagnosis has no draws to show.
    const auto diagnosis = diagnose_folder(folder / "run", {});
    EXPECT_EQ(diagnosis.posterior.parameters.size(), 3U);
  }
}

TEST(FitOfALibrary, DoesNotGoWithOtherTargets) {
  const auto refusal = [](const Spec& spec) {
    return message_of(ErrorKind::usage, [&] { fit(spec); });
  };
  auto spec = small();
  spec.target.plugin = "x.so";
  EXPECT_TRUE(contains(refusal(spec), "one target"));
  spec = small();
  spec.target.samples = "x.csv";
  spec.objective.name = "maximum-likelihood";
  EXPECT_TRUE(contains(refusal(spec), "one target"));
  spec = small();
  spec.target.dim = 2;
  EXPECT_TRUE(contains(refusal(spec), "target.dim"));
  spec = small();
  spec.run.precision = Precision::float32;
  EXPECT_TRUE(contains(refusal(spec), "target.stan"));
  spec = small();
  spec.target.stan.clear();
  spec.target.data = "x.json";
  EXPECT_TRUE(contains(refusal(spec), "target.data"));
}

}  // namespace
}  // namespace riffle
