#include "io/cmdstan.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <stdlib.h>

#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "io/csv.h"
#include "riffle/version.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace riffle {
namespace {

using test::contains;
using test::message_of;

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// A scalar, a vector, a matrix of 2 × 3 in column-major order, and one that is computed.
const std::vector<std::string> names{"mu",    "a.1",   "a.2",   "b.1.1", "b.2.1",
                                     "b.1.2", "b.2.2", "b.1.3", "b.2.3", "total"};

DrawsOrigin origin() {
  DrawsOrigin origin;
  origin.model = "eight schools = 8";
  origin.draws = 4;
  origin.paths = 2;
  origin.seed = 17;
  origin.fit_seconds = 1.25;
  origin.draw_seconds = 0.5;
  return origin;
}

/// Value of draw i in column j.
double value(std::size_t i, std::size_t j) {
  return 10 * static_cast<double>(j) + static_cast<double>(i) / 3;
}

std::string four_draws(DrawsFormat format) {
  DrawsCsv csv(format, names, origin());
  for (std::size_t i = 0; i < 4; ++i) {
    std::vector<double> row;
    for (std::size_t j = 0; j < names.size(); ++j) row.push_back(value(i, j));
    csv.add(row, -1 - static_cast<double>(i), -2.5 - static_cast<double>(i), 1 + i / 2);
  }
  csv.finish();
  return csv.take();
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) all.push_back(line);
  return all;
}

TEST(DrawsCsv, Plain) {
  const auto text = four_draws(DrawsFormat::plain);
  EXPECT_FALSE(contains(text, "#"));
  const auto table = parse_csv(text, "draws", CsvNames::required);
  std::vector<std::string> header{"lp__", "lp_approx__"};
  header.insert(header.end(), names.begin(), names.end());
  EXPECT_EQ(table.header, header);
  ASSERT_EQ(table.rows(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(table.at(i, 0), -1 - static_cast<double>(i));
    EXPECT_EQ(table.at(i, 1), -2.5 - static_cast<double>(i));
    for (std::size_t j = 0; j < names.size(); ++j) EXPECT_EQ(table.at(i, 2 + j), value(i, j));
  }
}

TEST(DrawsCsv, CmdStan) {
  const auto all = lines(four_draws(DrawsFormat::cmdstan));
  std::string comments;
  std::string table_text;
  bool table_begun = false;
  bool table_ended = false;
  std::string closing;
  for (const auto& line : all) {
    const bool is_comment = line.starts_with('#');
    if (!is_comment) {
      EXPECT_FALSE(table_ended);
      table_begun = true;
      table_text += line + "\n";
    } else if (table_begun) {
      table_ended = true;
      closing += line + "\n";
    } else {
      comments += line + "\n";
    }
  }
  for (const auto& line :
       {fmt::format("# riffle_version = {}\n", version()),
        std::string("# model = eight_schools___8\n"), std::string("# method = pathfinder\n"),
        std::string("#     num_draws = 4\n"), std::string("#     num_paths = 2\n"),
        std::string("#     psis_resample = 0\n"), std::string("#   seed = 17\n"),
        std::string("# iter = 4\n"), std::string("# warmup = 0\n"), std::string("# thin = 1\n"),
        std::string("# save_warmup = 0\n")}) {
    EXPECT_TRUE(contains(comments, line)) << line << "is not in\n" << comments;
  }
  EXPECT_TRUE(contains(closing,
                       "#  Elapsed Time: 1.25 seconds (Fit)\n"
                       "#                0.5 seconds (Draws)\n"
                       "#                1.75 seconds (Total)\n"))
      << closing;
  const auto table = parse_csv(table_text, "draws", CsvNames::required);
  std::vector<std::string> header{"lp_approx__", "lp__", "path__"};
  header.insert(header.end(), names.begin(), names.end());
  EXPECT_EQ(table.header, header);
  ASSERT_EQ(table.rows(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(table.at(i, 0), -2.5 - static_cast<double>(i));
    EXPECT_EQ(table.at(i, 1), -1 - static_cast<double>(i));
    EXPECT_EQ(table.at(i, 2), 1 + std::floor(static_cast<double>(i) / 2));
    for (std::size_t j = 0; j < names.size(); ++j) EXPECT_EQ(table.at(i, 3 + j), value(i, j));
  }
}

TEST(DrawsCsv, ResampledDrawsSaySo) {
  auto from = origin();
  from.resampled = true;
  EXPECT_TRUE(contains(DrawsCsv(DrawsFormat::cmdstan, names, from).take(), "psis_resample = 1\n"));
}

TEST(DrawsCsv, PieceByPieceIsTheSame) {
  for (const auto format : {DrawsFormat::plain, DrawsFormat::cmdstan}) {
    DrawsCsv csv(format, names, origin());
    auto text = csv.take();
    for (std::size_t i = 0; i < 4; ++i) {
      std::vector<double> row;
      for (std::size_t j = 0; j < names.size(); ++j) row.push_back(value(i, j));
      csv.add(row, -1 - static_cast<double>(i), -2.5 - static_cast<double>(i), 1 + i / 2);
      text += csv.take();
    }
    csv.finish();
    text += csv.take();
    EXPECT_EQ(text, four_draws(format));
  }
}

TEST(DrawsCsv, IsReadBackInEitherLayout) {
  const test::TemporaryFolder folder;
  const auto path = folder / "draws.csv";
  for (const auto format : {DrawsFormat::plain, DrawsFormat::cmdstan}) {
    test::spill(path, four_draws(format));
    const auto draws = read_draws(path);
    EXPECT_EQ(draws.names, names);
    ASSERT_EQ(draws.values.size(), 4 * names.size());
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(draws.log_p[i], -1 - static_cast<double>(i));
      EXPECT_EQ(draws.log_q[i], -2.5 - static_cast<double>(i));
      for (std::size_t j = 0; j < names.size(); ++j) {
        EXPECT_EQ(draws.values[i * names.size() + j], value(i, j));
      }
    }
  }
  test::spill(path, "# a comment\nlp__,x\n1,2\n");
  EXPECT_TRUE(contains(message_of(ErrorKind::data, [&] { read_draws(path); }),
                       "it has no column lp_approx__"));
  test::spill(path, "# a comment\nlp__,lp_approx__,x\n1,2,three\n");
  EXPECT_TRUE(contains(message_of(ErrorKind::data, [&] { read_draws(path); }), "draws.csv:3: "));
}

TEST(DrawsCsv, NumbersReadBackTheSame) {
  const std::vector<std::string> one{"x"};
  DrawsCsv csv(DrawsFormat::plain, one, {});
  const std::vector<double> values{0.1,  1.0 / 3, 5e-324, 1.7976931348623157e308,
                                   -0.0, inf,     -inf,   nan};
  for (const double x : values) csv.add(std::vector<double>{x}, x, -x);
  const auto table = parse_csv(csv.take(), "draws", CsvNames::required);
  ASSERT_EQ(table.rows(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) {
      EXPECT_TRUE(std::isnan(table.at(i, 2)));
    } else {
      EXPECT_EQ(table.at(i, 2), values[i]);
      EXPECT_EQ(std::signbit(table.at(i, 1)), !std::signbit(values[i]));
    }
  }
}

TEST(DrawsCsv, NamesThatBreakATableAreRefused) {
  for (const std::string name : {"", "a,b", "say \"a\"", "a\nb", "#a"}) {
    const std::vector<std::string> bad{"mu", name};
    std::string message;
    try {
      DrawsCsv(DrawsFormat::plain, bad, {});
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_EQ(exit_code(error.kind()), 65);
      EXPECT_TRUE(contains(error.what(), name));
    }
  }
}

TEST(DrawsCsv, NamesOfFormats) {
  EXPECT_EQ(choice_named<DrawsFormat>("plain"), DrawsFormat::plain);
  EXPECT_EQ(choice_named<DrawsFormat>("cmdstan"), DrawsFormat::cmdstan);
  const auto message = message_of(ErrorKind::usage, [] { choice_named<DrawsFormat>("cmdstn"); });
  EXPECT_TRUE(contains(message, "cmdstan")) << message;
}

TEST(Inits, ArraysFromNames) {
  std::vector<double> values;
  for (std::size_t j = 0; j < names.size(); ++j) values.push_back(static_cast<double>(j) + 0.1);
  const auto inits = nlohmann::json::parse(inits_json(names, names.size() - 1, values));
  EXPECT_EQ(inits, nlohmann::json::parse(R"({"mu": 0.1, "a": [1.1, 2.1],
      "b": [[3.1, 5.1, 7.1], [4.1, 6.1, 8.1]]})"));
}

TEST(Inits, TuplesAndNumbersThatAreNone) {
  const std::vector<std::string> odd{"t:1", "t:2.1", "t:2.2", "u.1:1", "u.2:1", "x", "y", "z"};
  const std::vector<double> values{1, 2, 3, 4, 5, nan, inf, -inf};
  const auto inits = nlohmann::json::parse(inits_json(odd, odd.size(), values));
  EXPECT_EQ(inits, nlohmann::json::parse(R"({"t": {"1": 1.0, "2": [2.0, 3.0]},
      "u": [{"1": 4.0}, {"1": 5.0}], "x": "NaN", "y": "Inf", "z": "-Inf"})"));
}

TEST(Inits, ComplexNumbersAreTwoElements) {
  const std::vector<std::string> odd{"z.real",     "z.imag",     "m.1.1.real", "m.1.1.imag",
                                     "m.2.1.real", "m.2.1.imag", "t:1",        "t:2.real",
                                     "t:2.imag",   "a.real.1",   "b.realm"};
  const std::vector<double> values{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const auto inits = nlohmann::json::parse(inits_json(odd, odd.size(), values));
  EXPECT_EQ(inits, nlohmann::json::parse(R"({"z": [1.0, 2.0], "m": [[[3.0, 4.0]], [[5.0, 6.0]]],
      "t": {"1": 7.0, "2": [8.0, 9.0]}, "a.real.1": 10.0, "b.realm": 11.0})"));
}

TEST(Inits, NamesThatAreNoPlacesAreTakenWhole) {
  const std::vector<std::string> odd{"a.b", "c.0", "d.1.", "e.1000000000000", "f", "f.1", "g.-1"};
  const std::vector<double> values{1, 2, 3, 4, 5, 6, 7};
  const auto inits = nlohmann::json::parse(inits_json(odd, odd.size(), values));
  EXPECT_EQ(inits, nlohmann::json::parse(R"({"a.b": 1.0, "c.0": 2.0, "d.1.": 3.0,
      "e.1000000000000": 4.0, "f": 5.0, "f.1": 6.0, "g.-1": 7.0})"));
}

TEST(DrawsCsv, ArraysThatAreNotWholeOrInOrderAreRefusedInCmdStansLayout) {
  using Names = std::vector<std::string>;
  for (const Names& these :
       {Names{"a.1", "a.3", "b"}, Names{"a.1", "b", "a.2"}, Names{"a", "a.1"},
        Names{"a.1.1", "a.1"}, Names{"a.2", "a.1"}, Names{"m.1.1", "m.1.2", "m.2.1", "m.2.2"}}) {
    const auto told =
        message_of(ErrorKind::data, [&] { DrawsCsv(DrawsFormat::cmdstan, these, {}); });
    EXPECT_TRUE(contains(told, "--output-format plain")) << told;
    EXPECT_NO_THROW(DrawsCsv(DrawsFormat::plain, these, {}));
  }
  for (const Names& these : {Names{"a.1", "a.2", "b"}, Names{"m.1.1", "m.2.1", "m.1.2", "m.2.2"},
                             Names{"z.1.real", "z.1.imag", "z.2.real", "z.2.imag"},
                             Names{"t:1", "t:2.1", "t:2.2"}, Names{"a b", "a[1]", "1"}}) {
    EXPECT_NO_THROW(DrawsCsv(DrawsFormat::cmdstan, these, {})) << these[0];
  }
}

TEST(Inits, NamesThatMakeNoWholeArrayAreKeysThemselves) {
  const std::vector<double> values{1, 2, 3};
  using Names = std::vector<std::string>;
  for (const Names& these :
       {Names{"a.1", "a.3", "b"}, Names{"a", "a.1", "b"}, Names{"a.1", "a", "b"},
        Names{"a.1.1", "a.1", "b"}, Names{"a.1", "a.1.1", "b"}, Names{"t:1", "t.1", "b"}}) {
    const auto inits = nlohmann::json::parse(inits_json(these, 3, values));
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(inits.at(these[i]), values[i]) << these[0];
  }
  // An index beyond the number of names, too.
  const Names far{"a.1", "a.3"};
  EXPECT_EQ(nlohmann::json::parse(inits_json(far, 2, values)),
            nlohmann::json::parse(R"({"a.1": 1, "a.3": 2})"));
  // Elements of one array may be apart.
  const Names apart{"a.1", "b", "a.2"};
  EXPECT_EQ(nlohmann::json::parse(inits_json(apart, 3, values)),
            nlohmann::json::parse(R"({"a": [1, 3], "b": 2})"));
}

TEST(Inits, AreReadBack) {
  using Names = std::vector<std::string>;
  for (const Names& these :
       {Names{"mu", "m.1.1", "m.2.1", "m.1.2", "m.2.2", "t:1", "t:2.1", "z.real", "z.imag"},
        Names{"a.1", "a.3", "b"}, Names{"a", "a.1", "b"}, Names{"a.1", "b", "a.2"}}) {
    std::vector<double> values;
    for (std::size_t i = 0; i < these.size(); ++i) {
      values.push_back(static_cast<double>(i) / 3 - 1);
    }
    const auto back =
        read_inits(inits_json(these, these.size(), values), "x", these, these.size(), {});
    ASSERT_EQ(back.size(), values.size());
    for (std::size_t i = 0; i < these.size(); ++i) EXPECT_EQ(back[i], values[i]) << these[i];
  }
}

TEST(Inits, OfSomeParametersAlone) {
  const std::vector<std::string> model{"mu", "a.1", "a.2", "computed"};
  const std::vector<std::string> also{"y_rep.1"};
  const auto values = read_inits(R"({"a": [1, -2.5], "computed": 7, "y_rep": [3], "empty": []})",
                                 "x", model, 3, also);
  EXPECT_EQ(values, (std::vector<std::optional<double>>{std::nullopt, 1, -2.5}));
  EXPECT_EQ(read_inits("{}", "x", model, 3, {}), std::vector<std::optional<double>>(3));
}

TEST(Inits, ThatDoNotGoWithTheModelAreRefused) {
  const std::vector<std::string> model{"mu", "m.1.1", "m.2.1", "m.1.2", "m.2.2", "m.1.3", "m.2.3"};
  const auto refusal = [&](const char* text) {
    return message_of(
        ErrorKind::data, [&] { read_inits(text, "file.json", model, 7, {}); }, text);
  };
  EXPECT_TRUE(contains(refusal(R"({"muu": 1})"), "did you mean \"mu\"?"));
  EXPECT_TRUE(contains(refusal(R"({"muu": 1})"), "file.json"));
  EXPECT_TRUE(contains(refusal(R"({"mu": [1, 2]})"), "mu has 2 values, but the parameter has 1"));
  EXPECT_TRUE(contains(refusal(R"({"mu": [1]})"), "mu is missing"));
  EXPECT_TRUE(contains(refusal(R"({"m": [[1, 2], [3, 4], [5, 6]]})"), "m.1.3"));
  EXPECT_TRUE(contains(refusal(R"({"m": [1, 2, 3, 4, 5, 6]})"), "m.1.1"));
  for (const char* value : {"\"Inf\"", "null", "true", "\"1\"", "{}"}) {
    EXPECT_TRUE(contains(refusal(fmt::format("{{\"mu\": {}}}", value).c_str()), "mu")) << value;
  }
  EXPECT_TRUE(contains(refusal(R"({"mu": NaN})"), "must be finite"));
  EXPECT_TRUE(contains(refusal(R"({"mu": 1e400})"), "1e400"));
  EXPECT_TRUE(contains(refusal(R"({"mu": 1, "mu": 2})"), "\"mu\" is there twice"));
  EXPECT_TRUE(contains(refusal("[1]"), "must be a JSON object"));
  refusal("");
}

TEST(Inits, ARadiusIsANumberAndNothingElse) {
  EXPECT_EQ(init_radius("0"), 0);
  EXPECT_EQ(init_radius("0.5"), 0.5);
  EXPECT_EQ(init_radius("-1"), -1);
  for (const char* text : {"", "2.json", "inits.json", " 2", "2 "}) {
    EXPECT_TRUE(std::isnan(init_radius(text))) << text;
  }
}

TEST(Inits, NumbersReadBackTheSame) {
  const std::vector<std::string> three{"x", "y", "z"};
  const std::vector<double> values{0.1 + 0.2, 5e-324, -1.0 / 3};
  const auto inits = nlohmann::json::parse(inits_json(three, 3, values));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(inits[three[i]].get<double>(), values[i]);
}

TEST(Inits, OneFileForEachChain) {
  const test::TemporaryFolder folder;
  const std::vector<std::string> two{"x", "twice"};
  const std::vector<double> values{1, 2, 3, 6, 5, 10};
  const auto one = write_inits(folder.path(), two, 1, std::span(values).first(2));
  EXPECT_EQ(one, std::vector{folder / "inits.json"});
  EXPECT_EQ(nlohmann::json::parse(test::slurp(one[0])), nlohmann::json::parse(R"({"x": 1.0})"));
  const auto three = write_inits(folder.path(), two, 1, values);
  EXPECT_EQ(three, (std::vector{folder / "inits_1.json", folder / "inits_2.json",
                                folder / "inits_3.json"}));
  EXPECT_EQ(nlohmann::json::parse(test::slurp(three[2])), nlohmann::json::parse(R"({"x": 5.0})"));
}

// Other people's readers, where they are installed.

struct Result {
  int status = 0;
  std::string output;
};

Result run(const std::string& command) {
  Result result;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return {-1, "popen failed"};
  std::array<char, 4096> buffer{};
  while (const auto got = ::fread(buffer.data(), 1, buffer.size(), pipe)) {
    result.output.append(buffer.data(), got);
  }
  result.status = ::pclose(pipe);
  return result;
}

/// The Python that has the readers: RIFFLE_PYTHON, or python3.
std::string python() {
  const char* chosen = ::getenv("RIFFLE_PYTHON");
  return chosen == nullptr ? "python3" : chosen;
}

class Readers : public ::testing::Test {
 protected:
  void write_draws() { test::spill(folder_ / "draws.csv", four_draws(DrawsFormat::cmdstan)); }
  /// What a script prints; $FILE is the file of draws.
  std::string said_by(const std::string& program, const std::string& script, const char* name) {
    write_draws();
    test::spill(folder_ / name, script);
    const auto result = run(fmt::format("FILE='{}' {} '{}'", (folder_ / "draws.csv").string(),
                                        program, (folder_ / name).string()));
    EXPECT_EQ(result.status, 0) << result.output;
    const auto at = result.output.find("FOUND ");
    return at == std::string::npos ? result.output : result.output.substr(at);
  }
  test::TemporaryFolder folder_;
};

TEST_F(Readers, ArviZ) {
  if (run(python() +
          " -c 'from importlib.metadata import version; assert version(\"arviz\")[0] == \"0\"'")
          .status != 0) {
    GTEST_SKIP() << "no arviz 0.x for " << python() << " (set RIFFLE_PYTHON)";
  }
  EXPECT_EQ(said_by(python(), R"(
import os, warnings
warnings.simplefilter("ignore")
import arviz
data = arviz.from_cmdstan(os.environ["FILE"])
p, s = data.posterior, data.sample_stats
print("FOUND", sorted(p.data_vars), p.sizes["draw"], p.b.shape, float(p.mu[0, 3]), float(p.a[0, 3, 1]),
      float(p.b[0, 3, 1, 2]), sorted(s.data_vars), float(s.lp[0, 3]), float(s.lp_approx[0, 3]))
)",
                    "read.py"),
            "FOUND ['a', 'b', 'mu', 'total'] 4 (1, 4, 2, 3) 1.0 21.0 81.0 ['lp', 'lp_approx', "
            "'path'] -4.0 -5.5\n");
}

TEST_F(Readers, ArviZ1) {
  if (run(python() + " -c 'from importlib.metadata import version; "
                     "assert int(version(\"arviz\").split(\".\")[0]) >= 1'")
          .status != 0) {
    GTEST_SKIP() << "no arviz 1.x for " << python() << " (set RIFFLE_PYTHON)";
  }
  // As docs/posteriors_output.md has it.
  EXPECT_EQ(said_by(python(), R"(
import os
import arviz, pandas as pd
draws = pd.read_csv(os.environ["FILE"], comment="#")
def parameter(name):
    columns = [c for c in draws if c.split(".")[0] == name]
    shape = [int(i) for i in columns[-1].split(".")[1:]]
    values = draws[columns].to_numpy().reshape([1, len(draws)] + shape[::-1])
    return values.transpose([0, 1] + list(range(len(shape) + 1, 1, -1)))
names = dict.fromkeys(c.split(".")[0] for c in draws if not c.endswith("__"))
data = arviz.from_dict({
    "posterior": {name: parameter(name) for name in names},
    "sample_stats": {"lp": parameter("lp__"), "lp_approx": parameter("lp_approx__")},
})
p, s = data["posterior"], data["sample_stats"]
print("FOUND", sorted(p.data_vars), p.sizes["draw"], p.b.shape, float(p.mu[0, 3]), float(p.a[0, 3, 1]),
      float(p.b[0, 3, 1, 2]), sorted(s.data_vars), float(s.lp[0, 3]), float(s.lp_approx[0, 3]))
)",
                    "read.py"),
            "FOUND ['a', 'b', 'mu', 'total'] 4 (1, 4, 2, 3) 1.0 21.0 81.0 ['lp', 'lp_approx'] "
            "-4.0 -5.5\n");
}

TEST_F(Readers, CmdStanPy) {
  if (run(python() + " -c 'from importlib.metadata import version; version(\"cmdstanpy\")'")
          .status != 0) {
    GTEST_SKIP() << "no cmdstanpy for " << python() << " (set RIFFLE_PYTHON)";
  }
  EXPECT_EQ(said_by(python(), R"(
import os, cmdstanpy
fit = cmdstanpy.from_csv(os.environ["FILE"])
b = fit.stan_variable("b")
print("FOUND", type(fit).__name__, b.shape, float(b[3, 1, 2]), float(fit.stan_variable("mu")[3]),
      float(fit.method_variables()["lp__"][3]))
)",
                    "read.py"),
            "FOUND CmdStanPathfinder (4, 2, 3) 81.0 1.0 -4.0\n");
}

TEST_F(Readers, RStan) {
  if (run("Rscript -e 'find.package(\"rstan\")'").status != 0) {
    GTEST_SKIP() << "no R package rstan (apt install r-cran-rstan)";
  }
  EXPECT_EQ(said_by("Rscript", R"(
suppressPackageStartupMessages(library(rstan))
options(warn = 2)
fit <- read_stan_csv(Sys.getenv("FILE"))
draws <- rstan::extract(fit, permuted = FALSE)
e <- rstan::extract(fit, "b", permuted = TRUE)$b
options(warn = 1)
table <- summary(fit)$summary
cat("FOUND", dim(draws), dim(e), draws[4, 1, c("mu", "a[2]", "b[2,3]", "lp__")], max(e),
    nrow(table) == length(dimnames(draws)$parameters),
    round(table["mu", "mean"], 4), rstan::get_elapsed_time(fit), "\n")
)",
                    "read.R"),
            "FOUND 4 1 13 4 2 3 1 21 81 -4 81 TRUE 0.5 1.25 0.5 \n");
}

}  // namespace
}  // namespace riffle
