#include "core/expression.h"

#include <gtest/gtest.h>

#include <array>
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

constexpr std::array<Option, 4> options{{{"hidden", "64x64", "widths"},
                                         {"bins", "8", "of the spline"},
                                         {"slope", "0.5", "of the far side"},
                                         {"learn", "yes", "or no"}}};

Arguments arguments(const std::string& text) {
  return Arguments(parse_expressions("layer(" + text + ")", "flow").at(0), options);
}

TEST(Arguments, AreTheDefaultsButForWhatIsGiven) {
  const Arguments defaults(Expression{"layer", 1, {}, {}}, options);
  EXPECT_EQ(defaults.widths("hidden"), (std::vector<std::size_t>{64, 64}));
  EXPECT_EQ(defaults.whole("bins", 2, 64), 8u);
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
  EXPECT_EQ(message([] { arguments("bins=1").whole("bins", 2, 64); }),
            "layer(bins=1): it must be a whole number from 2 to 64");
  for (const auto* text : {"0", "64x", "x64", "64x0", "64y64", "65537", "-1"}) {
    EXPECT_NE(message([&] { arguments(std::string("hidden=") + text).widths("hidden"); }), "")
        << text;
  }
  EXPECT_NE(message([] { arguments("slope=steep").number("slope"); }), "");
  EXPECT_NE(message([] { arguments("slope=nan").number("slope"); }), "");
  EXPECT_NE(message([] { arguments("learn=true").flag("learn"); }), "");
}

}  // namespace
}  // namespace riffle::test
