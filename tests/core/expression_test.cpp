#include "core/expression.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>

#include "riffle/error.h"

namespace riffle::test {
namespace {

TEST(ParseExpressions, ReadsNamesCountsArgumentsAndWhatIsInside) {
  const auto all = parse_expressions(
      " actnorm+coupling( hidden = 64x64,bins=8 ) : 3 + inverse(a : 2 + b(x=-1.5e3)):4", "flow");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].name, "actnorm");
  EXPECT_EQ(all[0].count, 1u);
  EXPECT_TRUE(all[0].arguments.empty() && all[0].inner.empty());
  EXPECT_EQ(all[1].name, "coupling");
  EXPECT_EQ(all[1].count, 3u);
  ASSERT_EQ(all[1].arguments.size(), 2u);
  EXPECT_EQ(all[1].arguments[0], (std::pair<std::string, std::string>("hidden", "64x64")));
  EXPECT_EQ(all[1].arguments[1], (std::pair<std::string, std::string>("bins", "8")));
  EXPECT_EQ(all[2].count, 4u);
  ASSERT_EQ(all[2].inner.size(), 2u);
  EXPECT_EQ(all[2].inner[0].count, 2u);
  EXPECT_EQ(all[2].inner[1].arguments.at(0).second, "-1.5e3");
  EXPECT_TRUE(parse_expressions("f()", "flow").at(0).inner.empty());
}

TEST(ParseExpressions, RefusesAnythingElse) {
  std::string deep = "a";
  for (int i = 0; i < 100; ++i) deep = "f(" + deep + ")";
  for (const std::string text :
       {"",        " ",     "+",      "a+",      "+a",         "a b",
        "a:0",     "a:-1",  "a:1.5",  "a:",      "a:100001",   "f(",
        "f(a",     "f(a=)", "f(=1)",  "f(a=1,)", "f(a=1,b)",   "f(a=1 b=2)",
        "f(a)(b)", "a)",    "f(a,b)", "a\n",     "f(a=\"x\")", deep.c_str()}) {
    try {
      parse_expressions(text, "flow");
      ADD_FAILURE() << "\"" << text << "\" was read";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::usage) << text;
    }
  }
}

constexpr std::array<Option, 4> options{{{"hidden", "64x64", "widths", Values::widths()},
                                         {"bins", "8", "of the spline", Values::whole(2, 64)},
                                         {"slope", "0.5", "of the far side"},
                                         {"learn", "yes", "or no", Values::flag()}}};

Arguments arguments(const std::string& text) {
  return Arguments(parse_expressions("layer(" + text + ")", "flow").at(0), options);
}

TEST(Arguments, AreTheDefaultsButForWhatIsGiven) {
  const Arguments defaults(Expression{"layer", 1, {}, {}}, options);
  EXPECT_EQ(defaults.widths("hidden"), (std::vector<std::size_t>{64, 64}));
  EXPECT_EQ(defaults.whole("bins"), 8u);
  EXPECT_EQ(defaults.number("slope"), 0.5);
  EXPECT_TRUE(defaults.flag("learn"));
  const auto given = arguments("learn=no, hidden=none, slope=-2e-3");
  EXPECT_FALSE(given.flag("learn"));
  EXPECT_TRUE(given.widths("hidden").empty());
  EXPECT_EQ(given.number("slope"), -2e-3);
  EXPECT_EQ(arguments("hidden=7").widths("hidden"), std::vector<std::size_t>{7});
}

TEST(Arguments, RefuseUnknownNamesAndValues) {
  const auto message = [](auto&& f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(message([] { arguments("hiden=3"); }),
            "no argument of layer named \"hiden\"; did you mean \"hidden\"?");
  EXPECT_EQ(message([] { arguments("bins=1"); }),
            "layer(bins=1): it must be a whole number from 2 to 64");
  for (const auto* text : {"0", "64x", "x64", "64x0", "64y64", "65537", "-1"}) {
    EXPECT_NE(message([&] { arguments(std::string("hidden=") + text); }), "") << text;
  }
  EXPECT_NE(message([] { arguments("slope=steep"); }), "");
  EXPECT_NE(message([] { arguments("slope=nan"); }), "");
  EXPECT_NE(message([] { arguments("learn=true"); }), "");
}

TEST(Arguments, AreInTheRangeOfTheirOption) {
  static constexpr std::string_view words[] = {"red", "green"};
  static constexpr std::array<Option, 6> all{{{"share", "0.5", "", Values::fraction()},
                                              {"rate", "1", "", Values::number_above(0)},
                                              {"angle", "1", "", Values::number_from(-1, 1)},
                                              {"bound", "1", "", Values::number_above(0, 20)},
                                              {"steps", "1", "", {.least = 0, .most = HUGE_VAL}},
                                              {"colour", "red", "", Values::one_of(words)}}};
  const auto given = [](const std::string& text) {
    return Arguments(parse_choice("it(" + text + ")", "thing"), all);
  };
  for (const auto* good : {"share=0", "share=0.999", "rate=1e-300", "rate=1e300", "angle=-1",
                           "angle=1", "bound=20", "steps=inf", "steps=1e+3", "colour=green"}) {
    EXPECT_NO_THROW(given(good)) << good;
  }
  EXPECT_EQ(given("steps=1e+3").number("steps"), 1000);
  EXPECT_EQ(given("colour=green").word("colour"), 1u);
  const std::vector<std::pair<std::string, std::string>> bad{
      {"share=1", "0 or more and below 1"},
      {"share=-0.1", "0 or more and below 1"},
      {"rate=0", "above 0"},
      {"rate=inf", "above 0"},
      {"angle=1.1", "from -1 to 1"},
      {"bound=20.1", "above 0 and at most 20"},
      {"bound=0", "above 0 and at most 20"},
      {"steps=-1", "0 or more"},
      {"colour=blue", "one of red, green"},
      {"share=half", "a number"},
  };
  for (const auto& [text, wanted] : bad) {
    try {
      given(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.what(), fmt::format("it({}): it must be {}", text, wanted));
    }
  }
  EXPECT_THROW(given("share=0.1, share=0.2"), Error);
}

TEST(Arguments, AreWrittenAsTheyAreRead) {
  Arguments changed = arguments("bins=9");
  changed.set("slope", 2.5e20);
  EXPECT_EQ(changed.text(), "layer(hidden=64x64, bins=9, slope=2.5e20, learn=yes)");
  const Arguments again(parse_choice(changed.text(), "flow"), options);
  EXPECT_EQ(again.number("slope"), 2.5e20);
  EXPECT_EQ(Arguments(Expression{"plain", 1, {}, {}}, {}).text(), "plain");
}

TEST(ParseChoice, IsOfOneThing) {
  EXPECT_EQ(parse_choice(" adam ( beta1 = 0.9 ) ", "optimizer").name, "adam");
  for (const auto* text :
       {"", "adam:2", "adam+sgd", "adam(sgd)", "adam(0.9)", "adam(beta1=", "adam)"}) {
    EXPECT_THROW(parse_choice(text, "optimizer"), Error) << text;
  }
  EXPECT_EQ(name_in("annealed(beta_steps=3)"), "annealed");
  EXPECT_EQ(name_in("annealed (beta_steps=3)"), "annealed");
  EXPECT_EQ(name_in("annealed"), "annealed");
}

}  // namespace
}  // namespace riffle::test
