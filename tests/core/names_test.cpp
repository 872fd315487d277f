#include "core/names.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "riffle/choices.h"

namespace riffle {
namespace {

constexpr std::array<std::string_view, 5> names{"planar", "planar-free", "radial", "sylvester",
                                                "real-nvp"};

TEST(NearestName, FindsWhatWasMeant) {
  EXPECT_EQ(nearest_name("planar", names), "planar");
  EXPECT_EQ(nearest_name("palnar", names), "planar");   // a swap is one step
  EXPECT_EQ(nearest_name("plannar", names), "planar");  // insertion
  EXPECT_EQ(nearest_name("radal", names), "radial");    // deletion
  EXPECT_EQ(nearest_name("sylvestor", names), "sylvester");
  EXPECT_EQ(nearest_name("REAL_NVP", names), "real-nvp");  // neither case nor '_' counts
  EXPECT_EQ(nearest_name("planarfree", names), "planar-free");
}

TEST(NearestName, IsEmptyWhereNothingIsNear) {
  EXPECT_EQ(nearest_name("neural-spline", names), "");
  EXPECT_EQ(nearest_name("xq", std::array<std::string_view, 1>{"planar"}), "");
  EXPECT_EQ(nearest_name("planar", {}), "");
  EXPECT_EQ(nearest_name(std::string(1'000'000, 'p'), names), "");
}

TEST(NearestName, TakesTheFirstOfEquallyNearOnes) {
  EXPECT_EQ(nearest_name("U5", std::array<std::string_view, 3>{"U2", "U3", "U4"}), "U2");
}

TEST(UnknownName, SuggestsTheNearestOrListsAll) {
  EXPECT_EQ(unknown_name_message("flow", "planr", names),
            "no flow \"planr\"; did you mean \"planar\"?");
  EXPECT_EQ(unknown_name_message("flow", "neural-spline", names),
            "no flow \"neural-spline\"; there are: planar, planar-free, radial, sylvester, "
            "real-nvp");
  const auto message = unknown_name_message("flow", std::string(1000, 'x'), names);
  EXPECT_LT(message.size(), 200u);
  EXPECT_NE(message.find(std::string(64, 'x') + "..."), std::string::npos) << message;
}

TEST(FindByName, FindsOrThrowsAUsageError) {
  struct Entry {
    std::string_view name;
  };
  static constexpr std::array<Entry, 2> registry{{{"adam"}, {"rmsprop"}}};
  EXPECT_EQ(&find_by_name<Entry>(registry, "rmsprop", "optimizer"), &registry[1]);
  try {
    find_by_name<Entry>(registry, "adaam", "optimizer");
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::usage);
    EXPECT_STREQ(e.what(), "no optimizer \"adaam\"; did you mean \"adam\"?");
  }
}

template <class E>
class Choices : public ::testing::Test {};
using AllChoices = ::testing::Types<Method, Precision, Resampling, DrawsFormat, StopReason, Grade>;
TYPED_TEST_SUITE(Choices, AllChoices);

TYPED_TEST(Choices, AreFoundByTheirNamesAndNoOthers) {
  for (std::size_t i = 0; i < ChoiceNames<TypeParam>::all.size(); ++i) {
    const auto value = static_cast<TypeParam>(i);
    const std::string name(name_of(value));
    EXPECT_EQ(choice_named<TypeParam>(name), value) << name;
    try {
      choice_named<TypeParam>(name + "x");
      ADD_FAILURE() << name;
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::usage);
      EXPECT_NE(std::string(e.what()).find("did you mean \"" + name + "\"?"), std::string::npos)
          << e.what();
    }
  }
}

TEST(NamesOfChoices, AreThoseOfFiles) {
  EXPECT_EQ(name_of(Method::flow), "flow");
  EXPECT_EQ(name_of(Method::staged), "staged");
  EXPECT_EQ(name_of(Method::figure3), "figure3");
  EXPECT_EQ(name_of(Precision::float32), "float");
  EXPECT_EQ(name_of(Precision::float64), "double");
  EXPECT_EQ(name_of(Resampling::none), "none");
  EXPECT_EQ(name_of(Resampling::psis), "psis");
  EXPECT_EQ(name_of(DrawsFormat::plain), "plain");
  EXPECT_EQ(name_of(DrawsFormat::cmdstan), "cmdstan");
  EXPECT_EQ(name_of(StopReason::completed), "completed");
  EXPECT_EQ(name_of(StopReason::early_stopped), "early-stopped");
  EXPECT_EQ(name_of(StopReason::interrupted), "interrupted");
  EXPECT_EQ(name_of(StopReason::diverged), "diverged");
  EXPECT_EQ(name_of(StopReason::out_of_budget), "out-of-budget");
  EXPECT_EQ(name_of(Grade::reliable), "reliable");
  EXPECT_EQ(name_of(Grade::reliable_after_reweighting), "reliable-after-reweighting");
  EXPECT_EQ(name_of(Grade::unreliable), "unreliable");
}

}  // namespace
}  // namespace riffle
