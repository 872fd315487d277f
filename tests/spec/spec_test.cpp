#include "riffle/spec.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "bases/base.h"
#include "flows/interface/flow_registry.h"
#include "inference/objective.h"
#include "inference/optimizer.h"
#include "inference/schedule.h"
#include "support/effort.h"
#include "support/expect_error.h"
#include "support/flow_text.h"
#include "support/random.h"
#include "support/temporary_folder.h"
#include "targets/target_registry.h"

namespace riffle {
namespace {

using test::contains;
using test::message_of;

enum class Type { text, choice, names, whole, number, yes_no };

struct Key {
  std::string_view section;
  std::string_view name;
  Type type;

  std::string full() const { return fmt::format("{}.{}", section, name); }
};

// The keys that are promised, written out once more.
constexpr std::array<Key, 44> keys{{
    {"target", "name", Type::text},
    {"target", "dim", Type::whole},
    {"target", "log_floor", Type::number},
    {"base", "name", Type::text},
    {"flow", "layers", Type::text},
    {"flow", "log_det_floor", Type::number},
    {"objective", "name", Type::text},
    {"optimizer", "name", Type::text},
    {"optimizer", "learning_rate", Type::number},
    {"optimizer", "clip_norm", Type::number},
    {"target", "samples", Type::text},
    {"target", "columns", Type::names},
    {"target", "stan", Type::text},
    {"target", "plugin", Type::text},
    {"target", "density", Type::text},
    {"target", "log_density", Type::text},
    {"target", "init", Type::text},
    {"target", "coordinates", Type::text},
    {"target", "data", Type::text},
    {"target", "thread_safe", Type::yes_no},
    {"target", "generated_quantities", Type::yes_no},
    {"schedule", "name", Type::text},
    {"run", "method", Type::choice},
    {"run", "max_seconds", Type::number},
    {"run", "max_gradients", Type::whole},
    {"run", "fits", Type::whole},
    {"run", "resample", Type::choice},
    {"run", "output_format", Type::choice},
    {"run", "strict", Type::yes_no},
    {"run", "iterations", Type::whole},
    {"run", "batch", Type::whole},
    {"run", "seed", Type::whole},
    {"run", "threads", Type::whole},
    {"run", "precision", Type::choice},
    {"run", "simd", Type::text},
    {"run", "log_every", Type::whole},
    {"run", "snapshot_every", Type::whole},
    {"run", "evaluation_draws", Type::whole},
    {"run", "draws", Type::whole},
    {"run", "checkpoint_seconds", Type::number},
    {"run", "plots", Type::yes_no},
    {"run", "quiet", Type::yes_no},
    {"run", "force", Type::yes_no},
    {"run", "out", Type::text},
}};

/// Every field that a spec file holds, by other means than the code under test.
auto fields(const Spec& s) {
  return std::make_tuple(
      std::tie(s.target.name, s.target.dim, s.target.log_floor, s.target.numbers, s.base.name,
               s.flow.layers, s.flow.log_det_floor, s.objective.name, s.target.samples,
               s.target.columns, s.target.stan, s.target.plugin, s.target.density,
               s.target.log_density, s.target.coordinates, s.target.init, s.target.data,
               s.target.thread_safe, s.target.generated_quantities),
      std::tie(s.optimizer.name, s.optimizer.learning_rate, s.optimizer.clip_norm, s.schedule.name),
      std::tie(s.run.iterations, s.run.batch, s.run.seed, s.run.threads, s.run.precision,
               s.run.simd, s.run.log_every, s.run.snapshot_every, s.run.evaluation_draws,
               s.run.draws, s.run.checkpoint_seconds, s.run.plots, s.run.quiet, s.run.method,
               s.run.max_seconds, s.run.max_gradients, s.run.resample, s.run.output_format,
               s.run.strict, s.run.fits));
}

class Sampler {
 public:
  explicit Sampler(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_.bits() % n); }
  std::uint64_t whole() { return random_.bits() >> (1 + below(63)); }
  bool yes() { return below(2) == 0; }
  double number() {
    switch (below(5)) {
      case 0:
        return std::numeric_limits<double>::infinity();
      case 1:
        return static_cast<double>(whole());
      case 2:
        return std::ldexp(random_.normal(), static_cast<int>(below(2000)) - 1000);
      case 3:
        return 0;
      default:
        return random_.normal();
    }
  }
  std::string text() {
    static constexpr std::array<std::string_view, 16> pieces{
        "a", "Z", "9", " ", "'", "\"", "\\", "\n", "\t", "\x01", "#", "=", "û", "→", "𝛻", "''"};
    std::string all;
    for (std::size_t n = below(12); n > 0; --n) all += pieces[below(pieces.size())];
    return all;
  }
  template <NamedEnum E>
  void choose(E& choice) {
    choice = static_cast<E>(below(ChoiceNames<E>::all.size()));
  }
  Spec spec() {
    Spec s;
    const auto targets = target_registry();
    const auto& target = targets[below(targets.size())];
    s.target.name = target.name;
    if (yes()) s.target.dim = whole();
    for (const auto& option : target.options) {
      if (yes()) s.target.numbers[std::string(option.name)] = number();
    }
    for (double* x : {&s.target.log_floor, &s.flow.log_det_floor, &s.optimizer.learning_rate,
                      &s.optimizer.clip_norm, &s.run.checkpoint_seconds}) {
      *x = number();
    }
    for (std::string* x : {&s.target.samples, &s.target.data, &s.base.name, &s.flow.layers,
                           &s.objective.name, &s.optimizer.name, &s.schedule.name, &s.run.simd}) {
      *x = text();
    }
    choose(s.run.precision);
    choose(s.run.resample);
    choose(s.run.output_format);
    for (auto n = below(3); n > 0; --n) s.target.columns.push_back(text());
    for (std::uint64_t* x :
         {&s.run.iterations, &s.run.batch, &s.run.seed, &s.run.threads, &s.run.log_every,
          &s.run.snapshot_every, &s.run.evaluation_draws, &s.run.draws}) {
      *x = whole();
    }
    for (bool* x : {&s.target.generated_quantities, &s.run.plots, &s.run.quiet}) {
      *x = yes();
    }
    return s;
  }

 private:
  test::Random random_;
};

/// Gives every entry of a registry its own defaults as options, and each option values that it
/// tells are out of range.
template <class Registry>
void check_options(std::string_view section, const Registry& registry) {
  const auto spec_with = [&](std::string_view text) {
    Spec spec;
    set_key(spec, fmt::format("{}.name", section), fmt::format("'{}'", text));
    if (text.starts_with("maximum-likelihood")) spec.target.samples = "points.csv";
    return spec;
  };
  for (const auto& entry : registry) {
    for (const auto& option : entry.options) {
      const auto with = [&](std::string_view value) {
        return fmt::format("{}({}={})", entry.name, option.name, value);
      };
      EXPECT_NO_THROW(spec_with(with(option.value)).validate()) << with(option.value);
      for (const auto* bad : {"nan", "-1", "1e400", "word"}) {
        const auto message = message_of(
            ErrorKind::usage, [&] { spec_with(with(bad)).validate(); }, with(bad));
        EXPECT_TRUE(contains(message, with(bad))) << message;
      }
      // As a key, which each was before.
      Spec spec;
      const auto value = option.value == "yes"  ? "true"
                         : option.value == "no" ? "false"
                                                : option.value;
      const auto named = fmt::format("{}({}={})", entry.name, option.name, option.value);
      const auto told = message_of(ErrorKind::usage, [&] {
        parse_spec(
            fmt::format("[{}]\n{} = {}\nname = '{}'\n", section, option.name, value, entry.name),
            "a.toml");
      });
      const auto write = told.substr(std::min(told.size(), told.find('"') + 1));
      Spec again;
      set_key(again, fmt::format("{}.name", section), write.substr(0, write.find('"')));
      if (entry.name == "maximum-likelihood") again.target.samples = "points.csv";
      EXPECT_NO_THROW(again.validate()) << told;
      EXPECT_TRUE(
          contains(told, fmt::format("{}.{} is an option of {}", section, option.name, entry.name)))
          << told;
      EXPECT_TRUE(
          contains(told, fmt::format("write {}.name = \"{}({}=", section, entry.name, option.name)))
          << told;
    }
  }
}

TEST(Spec, OptionsStandInTheParenthesesOfWhatHasThem) {
  check_options("objective", objective_registry());
  check_options("optimizer", optimizer_registry());
  check_options("schedule", schedule_registry());
}

TEST(Spec, KeysOfBeforeAreToldAsTheyAreWrittenNow) {
  const auto told = [](std::string_view toml) {
    return message_of(ErrorKind::usage, [&] { parse_spec(toml, "a.toml"); });
  };
  EXPECT_EQ(told("[optimizer]\nname = 'adam'\nbeta1 = 0.95\nbeta2 = 1e-20\n"),
            "a.toml: optimizer.beta1, optimizer.beta2 are options of adam: write optimizer.name = "
            "\"adam(beta1=0.95, beta2=1e-20)\"");
  EXPECT_EQ(told("[optimizer]\nname = 'rmsprop(momentum=0.5)'\ncentered = true\nbeta1 = 0.9\n"),
            "a.toml: optimizer.centered is an option of rmsprop: write optimizer.name = "
            "\"rmsprop(momentum=0.5, centered=yes)\", and leave out optimizer.beta1, which rmsprop "
            "does not have");
  EXPECT_EQ(told("[objective]\nname = 'annealed'\nbeta_steps = 500\n"),
            "a.toml: objective.beta_steps is an option of annealed: write objective.name = "
            "\"annealed(beta_steps=500)\"");
  EXPECT_EQ(told("[objective]\nalpha = 3e30\n"),
            "a.toml: objective.alpha is an option of renyi: write objective.name = "
            "\"renyi(alpha=3e30)\"");
  Spec spec;
  EXPECT_EQ(message_of(ErrorKind::usage, [&] { set_key(spec, "schedule.decay", "0.5"); }),
            "schedule.decay is an option of exponential: write schedule.name = "
            "\"exponential(decay=0.5)\"");
  EXPECT_EQ(message_of(ErrorKind::usage, [&] { set_key(spec, "objective.whiten", "false"); }),
            "objective.whiten is an option of maximum-likelihood: write objective.name = "
            "\"maximum-likelihood(whiten=no)\"");
}

TEST(Spec, ASectionMayBeWhatItIsAbout) {
  const auto spec = parse_spec(
      "target = 'U2'\nbase = 'diagonal-normal'\nflow = 'radial:3'\n"
      "objective = 'annealed(beta_steps=50)'\noptimizer = 'adam(beta1=0.8)'\n"
      "schedule = 'constant'\n",
      "a.toml");
  EXPECT_EQ(spec.target.name, "U2");
  EXPECT_EQ(spec.base.name, "diagonal-normal");
  EXPECT_EQ(spec.flow.layers, "radial:3");
  EXPECT_EQ(spec.objective.name, "annealed(beta_steps=50)");
  EXPECT_EQ(spec.optimizer.name, "adam(beta1=0.8)");
  EXPECT_EQ(spec.schedule.name, "constant");
  EXPECT_NO_THROW(spec.validate());
  Spec set;
  set_key(set, "optimizer", "adam(beta1=0.8)");
  EXPECT_EQ(set.optimizer.name, spec.optimizer.name);
  message_of(ErrorKind::usage, [&] { set_key(set, "run", "3"); });
  message_of(ErrorKind::usage, [&] { set_key(set, "optimizer", "3"); });
}

TEST(Spec, TheBatchIsOfWholeGroups) {
  Spec spec;
  spec.objective.name = "importance-weighted(importance_samples=64)";
  EXPECT_NO_THROW(spec.validate());
  spec.run.batch = 96;
  const auto message = message_of(ErrorKind::usage, [&] { spec.validate(); });
  EXPECT_TRUE(contains(message, "run.batch is 96") && contains(message, "64")) << message;
  spec.objective.name = "renyi(importance_samples=48)";
  message_of(ErrorKind::usage, [&] { spec.validate(); });
}

TEST(Spec, DefaultsAreValid) {
  Spec().validate();
}

TEST(Spec, PrintedIsReadBackTheSame) {
  Sampler sampler(1);
  for (int i = 0; i < test::repetitions(2000); ++i) {
    const auto spec = sampler.spec();
    const auto text = to_toml(spec);
    const auto again = parse_spec(text, "test");
    ASSERT_EQ(fields(again), fields(spec)) << text;
    ASSERT_EQ(to_toml(again), text);
  }
}

TEST(Spec, OfAFormulaNamesNoOtherTarget) {
  const auto spec = parse_spec(
      "[target]\nlog_density = \"\"\"\nr = hypot(x, y);  # the radius\n-(r-4)^2/2\"\"\"\n"
      "coordinates = \"y, x\"\n[run]\nmethod = \"staged\"\n",
      "test");
  spec.validate();
  for (const auto& text : {to_toml(spec), effective_toml(spec)}) {
    EXPECT_EQ(parse_spec(text, "again").target.log_density, spec.target.log_density);
    EXPECT_EQ(text.find("crescents"), std::string::npos) << text;
  }
}

TEST(Spec, AValidOneNeverHoldsWhatCannotBeWritten) {
  // TOML's whole numbers end at 2^63 - 1, those of a spec at 2^64 - 1.
  constexpr auto huge = std::numeric_limits<std::uint64_t>::max();
  for (const auto member : {&Spec::Run::iterations, &Spec::Run::batch, &Spec::Run::seed,
                            &Spec::Run::threads, &Spec::Run::log_every, &Spec::Run::snapshot_every,
                            &Spec::Run::evaluation_draws, &Spec::Run::draws}) {
    Spec spec;
    spec.run.*member = huge;
    message_of(ErrorKind::usage, [&] { spec.validate(); });
  }
}

TEST(Spec, PrintsEveryKeyButThoseOfOneRun) {
  Spec spec;
  spec.target.dim = 2;
  spec.run.out = "somewhere";
  spec.run.force = true;
  const auto text = to_toml(spec);
  for (const auto& key : keys) {
    const bool one_run = key.section == "run" && (key.name == "out" || key.name == "force");
    EXPECT_EQ(contains(text, fmt::format("\n{} = ", key.name)), !one_run) << key.full();
  }
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = text.find(" = ", at)) != std::string::npos; ++at) ++lines;
  EXPECT_EQ(lines, keys.size() - 2) << "a key is missing from the test's own list";
}

/// One that is not the default.
std::string_view other_choice(std::string_view key) {
  return key == "method"      ? "'figure3'"
         : key == "resample"  ? "'psis'"
         : key == "precision" ? "'float'"
                              : "'cmdstan'";
}

TEST(Spec, TakesEveryKeyInAFileAndOnTheCommandLine) {
  for (const auto& key : keys) {
    const std::string_view value = key.type == Type::text     ? "'U1'"
                                   : key.type == Type::choice ? other_choice(key.name)
                                   : key.type == Type::names  ? "['a', 'b, c']"
                                   : key.type == Type::whole  ? "7"
                                   : key.type == Type::number ? "0.375"
                                                              : "true";
    const auto from_file =
        parse_spec(fmt::format("[{}]\n{} = {}\n", key.section, key.name, value), "test");
    // Its own defaults has what is fitted.
    const auto full = key.full();
    Spec set = full == "target.samples"                           ? samples_spec()
               : full == "target.stan" || full == "target.plugin" ? posterior_spec()
                                                                  : Spec();
    set_key(set, full, value);
    EXPECT_EQ(fields(set), fields(from_file)) << full;
    if (key.section == "run" && key.name == "out") {
      EXPECT_EQ(set.run.out, "U1");
    } else if (key.section == "run" && key.name == "force") {
      EXPECT_TRUE(set.run.force);
    } else if (key.full() != "run.plots" && key.full() != "target.generated_quantities") {
      // Those two are true already.
      EXPECT_NE(fields(set), fields(Spec())) << key.full() << " changes nothing";
    }
  }
}

TEST(Spec, RefusesEveryWrongType) {
  struct Literal {
    std::string_view text;
    std::set<Type> good;
  };
  const std::vector<Literal> literals{
      {"'word'", {Type::text, Type::names}},
      {"\"\"\"two\nlines\"\"\"", {Type::text, Type::names}},
      {"7", {Type::whole, Type::number, Type::names}},
      {"-7", {Type::number}},
      {"0.5", {Type::number}},
      {"7.0", {Type::number}},
      {"nan", {Type::number}},
      {"inf", {Type::number}},
      {"true", {Type::yes_no}},
      {"[]", {Type::names}},
      {"[1, 2]", {}},
      {"{}", {}},
      {"{ a = 1 }", {}},
      {"1979-05-27", {}},
      {"07:32:00", {}},
      {"1979-05-27T07:32:00Z", {}},
  };
  for (const auto& key : keys) {
    for (const auto& literal : literals) {
      const auto what = fmt::format("{} = {}", key.full(), literal.text);
      const auto parse = [&] {
        parse_spec(fmt::format("[{}]\n{} = {}\n", key.section, key.name, literal.text), "a.toml");
      };
      if (literal.good.contains(key.type)) {
        // 'word' is no target; but then the keys of the target are not asked for.
        EXPECT_NO_THROW(parse()) << what;
        continue;
      }
      const auto message = message_of(ErrorKind::usage, parse, what);
      EXPECT_TRUE(contains(message, key.full())) << message;
      EXPECT_TRUE(contains(message, "a.toml")) << message;
    }
  }
}

TEST(Spec, ReadsWordsAndTomlOnTheCommandLine) {
  Spec spec;
  set_key(spec, "target.name", "U3");
  EXPECT_EQ(spec.target.name, "U3");
  set_key(spec, "run.out", "/some/where else");
  EXPECT_EQ(spec.run.out, "/some/where else");
  set_key(spec, "run.out", "'7'");
  EXPECT_EQ(spec.run.out, "7");
  set_key(spec, "run.out", "");
  EXPECT_EQ(spec.run.out, "");
  set_key(spec, "run.seed", "1_000");
  EXPECT_EQ(spec.run.seed, 1000U);
  set_key(spec, "optimizer.learning_rate", "1e-3");
  EXPECT_EQ(spec.optimizer.learning_rate, 1e-3);
  for (const auto& [key, value] :
       std::vector<std::pair<const char*, const char*>>{{"run.seed", "1\nbatch = 2"},
                                                        {"run.seed", "-1"},
                                                        {"run.seed", "1.0"},
                                                        {"run.seed", "one"},
                                                        {"run.seed", ""},
                                                        {"run.seed", "9223372036854775808"},
                                                        {"run.seed", "99999999999999999999999"},
                                                        {"run.plots", "yes"},
                                                        {"seed", "1"},
                                                        {"", "1"},
                                                        {".", "1"},
                                                        {"run.", "1"},
                                                        {".seed", "1"},
                                                        {"run.seed.x", "1"}}) {
    message_of(
        ErrorKind::usage, [&, k = key, v = value] { set_key(spec, k, v); }, key);
  }
}

/// The same word with one more letter is nearest to the word.
std::string misspelt(std::string_view word) {
  return fmt::format("{}x", word);
}
std::string suggestion(std::string_view word) {
  return fmt::format("did you mean \"{}\"?", word);
}

TEST(Spec, NamesTheNearestSectionAndKey) {
  for (const auto& key : keys) {
    const auto bad_key = message_of(ErrorKind::usage, [&] {
      parse_spec(fmt::format("[{}]\n{} = 1\n", key.section, misspelt(key.name)), "a.toml");
    });
    EXPECT_TRUE(contains(bad_key, suggestion(key.name))) << bad_key;
    const auto bad_section = message_of(ErrorKind::usage, [&] {
      parse_spec(fmt::format("[{}]\n{} = 1\n", misspelt(key.section), key.name), "a.toml");
    });
    EXPECT_TRUE(contains(bad_section, suggestion(key.section))) << bad_section;
    Spec spec;
    const auto set = message_of(ErrorKind::usage, [&] {
      set_key(spec, fmt::format("{}.{}", key.section, misspelt(key.name)), "1");
    });
    EXPECT_TRUE(contains(set, suggestion(key.name))) << set;
  }
}

/// What a user writes to choose an entry.
std::string chosen(const auto& entry) {
  return std::string(entry.name);
}
std::string chosen(const FlowEntry& entry) {
  return test::flow_text(entry);
}

template <class Registry, class Set>
void names_the_nearest(const Registry& registry, Set&& set) {
  for (const auto& entry : registry) {
    Spec spec;
    set(spec, misspelt(entry.name));
    const auto message = message_of(ErrorKind::usage, [&] { spec.validate(); });
    EXPECT_TRUE(contains(message, suggestion(entry.name))) << message;
    set(spec, chosen(entry));
    EXPECT_NO_THROW(spec.validate()) << entry.name;
  }
}

TEST(Spec, NamesTheNearestOfEveryRegistry) {
  names_the_nearest(target_registry(), [](Spec& s, auto n) {
    s.target.name = n;
    s.target.data = n == "logistic" ? "table.csv" : "";
  });
  names_the_nearest(base_registry(), [](Spec& s, auto n) { s.base.name = n; });
  names_the_nearest(flow_registry(), [](Spec& s, auto n) { s.flow.layers = n + ":3"; });
  names_the_nearest(objective_registry(), [](Spec& s, auto n) {
    s.objective.name = n;
    s.target.samples = n == "maximum-likelihood" ? "points.csv" : "";
  });
  names_the_nearest(optimizer_registry(), [](Spec& s, auto n) { s.optimizer.name = n; });
  names_the_nearest(schedule_registry(), [](Spec& s, auto n) { s.schedule.name = n; });
}

TEST(Spec, ATargetsOwnOptionsAreKeys) {
  for (const auto& entry : target_registry()) {
    for (const auto& option : entry.options) {
      const int value = option.flag ? 0 : 3;
      auto spec = parse_spec(
          fmt::format("[target]\n{} = {}\nname = '{}'\n", option.name, value, entry.name),
          "a.toml");
      ASSERT_EQ(spec.target.numbers.size(), 1U);
      EXPECT_EQ(spec.target.numbers.begin()->second, value);
      if (entry.needs_data()) spec.target.data = "table.csv";
      EXPECT_NO_THROW(spec.validate());
      const auto wrong = message_of(ErrorKind::usage, [&] {
        parse_spec(fmt::format("[target]\n{} = 'x'\nname = '{}'\n", option.name, entry.name),
                   "a.toml");
      });
      EXPECT_TRUE(contains(wrong, option.name)) << wrong;
    }
  }
}

TEST(Spec, FlagsOfATargetAreYesOrNo) {
  Spec spec;
  spec.target.name = "logistic";
  spec.target.data = "table.csv";
  set_key(spec, "target.centered", "false");
  EXPECT_EQ(spec.target.numbers.at("centered"), 0);
  set_key(spec, "target.centered", "true");
  EXPECT_EQ(spec.target.numbers.at("centered"), 1);
  EXPECT_NO_THROW(spec.validate());
  EXPECT_EQ(parse_spec(to_toml(spec), "a.toml").target.numbers, spec.target.numbers);
  set_key(spec, "target.centered", "2");
  const auto message = message_of(ErrorKind::usage, [&] { spec.validate(); });
  EXPECT_TRUE(contains(message, "target.centered is 2")) << message;
  message_of(ErrorKind::usage, [&] { set_key(spec, "target.prior_sd", "true"); });
}

TEST(Spec, DataBelongToTargetsThatNeedThem) {
  Spec spec;
  spec.target.name = "logistic";
  auto message = message_of(ErrorKind::usage, [&] { spec.validate(); });
  EXPECT_TRUE(contains(message, "target.data")) << message;
  set_key(spec, "target.data", "table.csv");
  EXPECT_NO_THROW(spec.validate());
  set_key(spec, "target.dim", "3");
  message = message_of(ErrorKind::usage, [&] { spec.validate(); });
  EXPECT_TRUE(contains(message, "target.dim is 3")) << message;
  spec.target.dim.reset();
  spec.target.name = "U1";
  message = message_of(ErrorKind::usage, [&] { spec.validate(); });
  EXPECT_TRUE(contains(message, "table.csv")) << message;
}

TEST(Spec, SomeDimensionsBelongToNoTarget) {
  const auto accepts = [](std::string_view name, std::uint64_t dim) {
    Spec spec;
    spec.target.name = name;
    spec.target.dim = dim;
    spec.validate();
  };
  EXPECT_NO_THROW(accepts("banana", 2));
  EXPECT_NO_THROW(accepts("many-well", 6));
  EXPECT_NO_THROW(accepts("funnel", 1));
  message_of(ErrorKind::usage, [&] { accepts("banana", 1); });
  const auto message = message_of(ErrorKind::usage, [&] { accepts("many-well", 7); });
  EXPECT_TRUE(contains(message, "target.dim is 7") && contains(message, "multiple of 2"))
      << message;
}

TEST(Spec, AnotherTargetsOptionsAreNone) {
  message_of(ErrorKind::usage, [] { parse_spec("[target]\nname = 'U1'\nmean = 3\n", "a.toml"); });
  Spec spec;
  spec.target.name = "U1";
  spec.target.numbers["mean"] = 3;
  const auto message = message_of(ErrorKind::usage, [&] { spec.validate(); });
  EXPECT_TRUE(contains(message, "mean")) << message;
}

TEST(Spec, RefusesWhatIsOutOfRange) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> bad{
      {"target.dim", {"0", "3", "1000001"}},
      {"target.log_floor", {"-1e-9", "nan", "inf", "-inf"}},
      {"flow.layers",
       {"''", "planar:", "planar:0", "planar:-1", "planar:1.5", "planar:100001",
        "planar:99999999999999999999", "planar:2+", "+planar:2", "planar:2++planar:2", ":3",
        "'planar(2)'", "'inverse(planar'"}},
      {"flow.log_det_floor", {"-1e-9", "nan", "inf"}},
      {"optimizer.learning_rate", {"0", "-0.1", "nan", "inf", "-inf"}},
      {"optimizer.clip_norm", {"0", "-1", "nan"}},
      {"run.iterations", {"1000000000001"}},
      {"run.batch", {"0", "100000001"}},
      {"run.threads", {"1025"}},
      {"run.precision", {"half", "''", "Float"}},
      {"run.method", {"stagd", "''", "Staged"}},
      {"run.resample", {"psiss", "''"}},
      {"run.output_format", {"cmdstn", "''"}},
      {"run.simd", {"''", "mmx"}},
      {"run.evaluation_draws", {"0", "999", "100000001"}},
      {"run.draws", {"100000001"}},
      {"run.checkpoint_seconds", {"-1", "nan", "inf"}},
  };
  for (const auto& entry : bad) {
    const auto& key = entry.first;
    for (const auto& value : entry.second) {
      Spec spec;
      spec.target.name = "U1";
      const auto message = message_of(
          ErrorKind::usage,
          [&] {
            set_key(spec, key, value);
            spec.validate();
          },
          key + " = " + value);
      const auto name = key == "flow.layers" ? "flow" : key == "run.simd" ? "set" : key;
      EXPECT_TRUE(contains(message, name)) << message;
    }
  }
  Spec spec;
  spec.target.name = "gaussian";
  set_key(spec, "target.mean", "nan");
  message_of(ErrorKind::usage, [&] { spec.validate(); });
}

TEST(Spec, TextThatIsNoTomlIsBadData) {
  for (const char* text : {"[target", "x", "[target]\nname = \n", "a = 1\na = 2", "\xff\xfe",
                           "[target]\nname = 'U1\n", "[run]\nseed = 9223372036854775808"}) {
    const auto message = message_of(
        ErrorKind::data, [&] { parse_spec(text, "a.toml"); }, text);
    EXPECT_TRUE(contains(message, "a.toml:")) << message;
  }
}

TEST(Spec, SectionsMustBeSections) {
  for (const char* text : {"target = 3", "run = 'U1'", "[[target]]\nname = 'U1'", "run = []",
                           "seed = 1", "[run.seed]\nx = 1"}) {
    message_of(
        ErrorKind::usage, [&] { parse_spec(text, "a.toml"); }, text);
  }
}

TEST(Spec, OfFigure3HasNoTargetAndNoFlow) {
  const auto spec = find_spec("figure3");
  EXPECT_EQ(spec.run.method, Method::figure3);
  const auto text = to_toml(spec);
  EXPECT_FALSE(contains(text, "[target]")) << text;
  EXPECT_FALSE(contains(text, "[flow]")) << text;
  EXPECT_EQ(fields(parse_spec(text, "again")), fields(spec));
  for (const char* section : {"[target]", "[flow]"}) {
    const auto message = message_of(
        ErrorKind::usage, [&] { parse_spec(section + ("\n" + text), "a.toml"); }, text);
    EXPECT_TRUE(contains(message, fmt::format("leave out {}", section))) << message;
  }
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
           {"target.name", "U3"}, {"target.dim", "2"}, {"flow.layers", "planar:2"}}) {
    auto changed = spec;
    set_key(changed, key, value);
    const auto message = message_of(
        ErrorKind::usage, [&] { changed.validate(); }, key);
    EXPECT_TRUE(contains(message, "leave out " + key)) << message;
  }
}

TEST(Spec, OfARunHasWhatTheRunTakesNoticeOf) {
  auto staged = find_spec("funnel");
  set_key(staged, "target.dim", "7");
  set_key(staged, "target.sd", "2.5");
  const auto text = effective_toml(staged);
  for (const char* absent : {"[base]", "[flow]", "[objective]", "[optimizer]", "[schedule]",
                             "iterations", "batch", "planar", "stan", "samples", "thread_safe"}) {
    EXPECT_FALSE(contains(text, absent)) << absent << " in " << text;
  }
  EXPECT_TRUE(contains(text, "summary.json says what it chose")) << text;
  EXPECT_EQ(fields(parse_spec(text, "again")), fields(staged)) << text;

  for (const char* key : {"target.stan", "target.plugin", "target.samples"}) {
    auto spec = posterior_spec();
    set_key(spec, key, "file");
    set_key(spec, "run.method", "flow");
    const auto of_file = effective_toml(spec);
    EXPECT_FALSE(contains(of_file, "crescents")) << of_file;
    EXPECT_EQ(contains(of_file, "thread_safe"), std::string_view(key) != "target.samples");
    EXPECT_EQ(fields(parse_spec(of_file, "again")), fields(spec)) << of_file;
  }
  const auto tutorial = find_spec("tutorial");
  EXPECT_EQ(fields(parse_spec(effective_toml(tutorial), "again")), fields(tutorial));
  EXPECT_TRUE(contains(effective_toml(tutorial), "planar-free:16"));
}

TEST(Spec, WhatAFileLeavesOutIsAsWithoutOne) {
  const auto partial = [](std::string_view text, Fitted fitted) {
    return parse_spec(text, "a.toml", fitted);
  };
  for (const char* text :
       {"", "[flow]\nlayers = 'rqs:3'\n", "[optimizer]\nlearning_rate = 0.5\n",
        "[run]\nbatch = 7\n", "[objective]\nname = 'maximum-likelihood(holdout=0.5)'\n"}) {
    SCOPED_TRACE(text);
    auto points = samples_spec();
    auto library = posterior_spec();
    const std::string_view what(text);
    if (contains(what, "flow")) points.flow.layers = library.flow.layers = "rqs:3";
    if (contains(what, "rate")) {
      points.optimizer.learning_rate = library.optimizer.learning_rate = 0.5;
    }
    if (contains(what, "batch")) points.run.batch = library.run.batch = 7;
    if (contains(what, "holdout")) {
      points.objective.name = library.objective.name = "maximum-likelihood(holdout=0.5)";
    }
    // Who says how a flow is trained wants one.
    if (!what.empty()) library.run.method = Method::flow;
    EXPECT_EQ(fields(partial(what, Fitted::samples)), fields(points));
    EXPECT_EQ(fields(partial(what, Fitted::library)), fields(library));
  }
  EXPECT_EQ(partial("[run]\nseed = 3\n", Fitted::library).run.method, Method::staged);
  EXPECT_EQ(
      partial("[run]\nmethod = 'staged'\n[flow]\nlayers = 'rqs'\n", Fitted::library).run.method,
      Method::staged);
  auto spec = samples_spec();
  message_of(ErrorKind::usage, [&] { spec.validate(); });  // without points
  spec.target.samples = "points.csv";
  EXPECT_NO_THROW(spec.validate());
}

TEST(FindSpec, LooksForFileRecipeAndTargetInThisOrder) {
  test::TemporaryFolder folder;
  const auto path = (folder / "mine.toml").string();
  test::spill(path, "[run]\nseed = 77\n");
  EXPECT_EQ(find_spec(path).run.seed, 77U);
  EXPECT_EQ(find_spec("U1").target.name, "U1");
  EXPECT_FALSE(recipes().empty());
  for (const auto& recipe : recipes()) {
    const auto spec = find_spec(std::string(recipe.name));
    EXPECT_EQ(fields(spec), fields(parse_spec(recipe.toml, recipe.name)));
    EXPECT_NO_THROW(spec.validate()) << recipe.name;
    EXPECT_FALSE(recipe.summary.empty()) << recipe.name;
  }
  message_of(ErrorKind::no_input, [&] { find_spec((folder / "none.toml").string()); });
  message_of(ErrorKind::no_input, [&] { find_spec("some/where"); });
  message_of(ErrorKind::usage, [&] { find_spec(folder.path().string()); });
  message_of(ErrorKind::usage, [&] { find_spec(""); });
  message_of(ErrorKind::usage, [&] { find_spec(std::string(10'000, 'a')); });
  const auto message = message_of(ErrorKind::usage, [&] { find_spec("tutoral"); });
  EXPECT_TRUE(contains(message, "did you mean \"tutorial\"?")) << message;
}

}  // namespace
}  // namespace riffle
