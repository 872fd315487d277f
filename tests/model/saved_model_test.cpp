// Model files that earlier versions wrote load, and give what they gave: their check vectors are
// verified on the way. A version adds files of its own to tests/model/saved, and none is changed.

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "riffle/evaluator.h"
#include "riffle/trained_flow.h"

namespace riffle {
namespace {

TEST(SavedModels, OfEarlierVersionsLoad) {
  std::set<std::string> seen;
  for (const auto& file : std::filesystem::directory_iterator(RIFFLE_SAVED_MODELS)) {
    SCOPED_TRACE(file.path().filename().string());
    const auto flow = TrainedFlow::load(file.path());
    seen.insert(file.path().filename().string());
    EXPECT_EQ(flow.sample(4).log_q.size(), 4U);
    EXPECT_TRUE(Evaluator(flow).has_density());
  }
  EXPECT_TRUE(seen.contains("0.1.0-float.riffle"));
  EXPECT_TRUE(seen.contains("0.1.0-points.riffle"));
}

TEST(SavedModels, HoldWhatWasSaved) {
  const std::filesystem::path folder(RIFFLE_SAVED_MODELS);
  const auto points = TrainedFlow::load(folder / "0.1.0-points.riffle").definition();
  EXPECT_EQ(points.base, "full-normal");
  EXPECT_EQ(points.precision, Precision::float64);
  EXPECT_EQ(points.dim, 2U);
  EXPECT_EQ(points.columns, (std::vector<std::string>{"length", "width"}));
  const auto single = TrainedFlow::load(folder / "0.1.0-float.riffle").definition();
  EXPECT_EQ(single.layers, "planar:2 + rqs-coupling(hidden=2,bins=2)");
  EXPECT_EQ(single.precision, Precision::float32);
}

}  // namespace
}  // namespace riffle
