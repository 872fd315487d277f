#include "targets/value_names.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "riffle/riffle.h"
#include "support/expect_error.h"
#include "targets/user_target.h"

namespace riffle {
namespace {

using test::contains;
using test::message_of;
using Names = std::vector<std::string>;

std::string refusal(const Names& parameters, const Names& generated = {}) {
  return message_of(ErrorKind::data, [&] { check_value_names(parameters, generated, "m.so"); });
}

TEST(ValueNames, ThatTablesCanHave) {
  EXPECT_NO_THROW(check_value_names(
      Names{"a", "a.1.2", "t:1.2", "a b", "a[1]", "1", "\xCE\xB1", "\xF0\x9F\x90\x9F", "lp"},
      Names{"y.1", "y.2"}, "m.so"));
  EXPECT_NO_THROW(check_value_names({}, {}, "m.so"));
}

TEST(ValueNames, ThatTablesCannotHaveAreRefused) {
  EXPECT_TRUE(contains(refusal({"a", ""}), "m.so: the name of value 2, \"\", is empty"));
  EXPECT_TRUE(contains(refusal({"a,b"}), "a comma"));
  EXPECT_TRUE(contains(refusal({"say \"a\""}), "a quotation mark"));
  EXPECT_TRUE(contains(refusal({"#a"}), "a '#'"));
  EXPECT_TRUE(contains(refusal({"a\nb"}), "a\\x0ab"));
  EXPECT_TRUE(contains(refusal({"a\x1B[31m"}), "a\\x1b[31m"));
  for (const char* own : {"lp__", "lp_approx__", "path__"}) {
    EXPECT_TRUE(contains(refusal({"a", own}), "a column of log densities")) << own;
  }
  EXPECT_TRUE(contains(refusal({"a"}, {"lp__"}), "value 2, \"lp__\""));
  EXPECT_TRUE(contains(refusal({"a", "b", "a"}), "values 1 and 3 have the same name, \"a\""));
  EXPECT_TRUE(contains(refusal({"a"}, {"a"}), "values 1 and 2"));
  for (const char* bad : {"\xCE\xB1\xFF", "\xC0\x80", "\xE2\x82", "\xED\xA0\x80",
                          "\xF5\x80\x80\x80", "\xF0\x80\x80\x80", "\xE0\x80\x80", "\x80"}) {
    EXPECT_TRUE(contains(refusal({bad}), "not UTF-8")) << shown_name(bad);
  }
}

TEST(ValueNames, AreCheckedBeforeAFit) {
  class Named final : public Target {
   public:
    explicit Named(Names names) : names_(std::move(names)) {}
    std::size_t dim() const override { return 1; }
    void evaluate(Tile<const double>, std::span<double>, Tile<double>) const override {
      ADD_FAILURE() << "the fit began";
    }
    Names parameter_names() const override { return names_; }

   private:
    Names names_;
  };
  for (const auto method : {Method::staged, Method::flow}) {
    Spec spec = posterior_spec();
    spec.run.method = method;
    const auto told = message_of(ErrorKind::data, [&] { fit(spec, Named({"lp__"})); });
    EXPECT_TRUE(contains(told, "lp__")) << name_of(method);
  }
}

TEST(CheckTarget, WithNothingToInferIsRefused) {
  const LogDensity nothing = [](std::span<const double>, std::span<double>) { return 0.0; };
  EXPECT_TRUE(
      contains(message_of(ErrorKind::usage, [&] { make_target(0, nothing); }), "dimension 0"));
  message_of(ErrorKind::usage, [] { make_target(2, LogDensity{}); });
  message_of(ErrorKind::usage, [] {
    make_constrained_target({{"x", {}, Constraint::real()}}, {});
  });
  class Empty final : public Target {
   public:
    std::size_t dim() const override { return 0; }
    void evaluate(Tile<const double>, std::span<double>, Tile<double>) const override {}
  };
  const auto told = message_of(ErrorKind::usage, [] { fit(posterior_spec(), Empty()); });
  EXPECT_TRUE(contains(told, "dimension is 0"));
}

}  // namespace
}  // namespace riffle
