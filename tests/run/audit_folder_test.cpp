#include "riffle/run.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "io/sealed_json.h"
#include "riffle/error.h"
#include "support/random.h"
#include "support/temporary_folder.h"

namespace riffle {
namespace {

class AuditFolder : public ::testing::Test {
 protected:
  void save(const std::string& layers, Precision precision, std::vector<double> params) {
    TrainedFlow({"standard-normal", layers, precision, 2, std::move(params)})
        .save(folder_ / "model.riffle");
  }
  std::vector<std::string> failed() {
    std::vector<std::string> names;
    for (const auto& r : audit_folder(folder_.path(), {1, 512}).results) {
      if (r.outcome == AuditOutcome::failed) names.push_back(r.name);
    }
    return names;
  }

  test::TemporaryFolder folder_;
};

using Names = std::vector<std::string>;

TEST_F(AuditFolder, OfASoundFlow) {
  for (const auto precision : {Precision::float32, Precision::float64}) {
    save("planar:2", precision, {1, 0.5, -0.25, 2, 0.125, 0.5, 0.5, 1, -1, 0});
    EXPECT_EQ(failed(), Names{}) << name_of(precision);
    EXPECT_EQ(audit_folder(folder_.path(), {}).results.size(), 7U);
  }
}

TEST_F(AuditFolder, AParameterThatWasChangedDoesNotGiveTheCheckVectors) {
  save("planar:2", Precision::float64, {1, 0.5, -0.25, 2, 0.125, 0.5, 0.5, 1, -1, 0});
  auto content = read_sealed(folder_ / "model.riffle", "riffle-model-1");
  content["parameters"][0]["values"][0] = 1.25;
  write_sealed(folder_ / "model.riffle", "riffle-model-1", content);
  EXPECT_EQ(failed(), Names{"check vectors"});
}

TEST_F(AuditFolder, AParameterThatMakesTheMapFold) {
  for (const auto precision : {Precision::float32, Precision::float64}) {
    save("planar-free:1", precision, {1, 0, -0.5, 0, 0});
    EXPECT_EQ(failed(), Names{}) << name_of(precision);
    save("planar-free:1", precision, {1, 0, -3, 0, 0});
    EXPECT_EQ(failed(), Names{"injectivity"}) << name_of(precision);
  }
}

TEST_F(AuditFolder, WithoutAModelOrWithADamagedOne) {
  EXPECT_THROW(audit_folder(folder_.path(), {}), Error);
  test::spill(folder_ / "model.riffle", "{}");
  EXPECT_THROW(audit_folder(folder_.path(), {}), Error);
  save("planar:1", Precision::float64, {1, 0, 1, 0, 0});
  EXPECT_THROW(audit_folder(folder_.path(), {1, 0}), Error);
  EXPECT_THROW(audit_folder(folder_.path(), {1, most_audit_draws + 1}), Error);
}

}  // namespace
}  // namespace riffle
