#include "riffle/trained_flow.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bases/base.h"
#include "core/instruction_set.h"
#include "flows/interface/flow_registry.h"
#include "io/sealed_json.h"
#include "model/flow_model.h"
#include "riffle/tile.h"
#include "support/expect_error.h"
#include "support/flow_text.h"
#include "support/random.h"
#include "support/temporary_folder.h"

namespace riffle {
namespace {

using test::contains;
using test::message_of;

std::size_t parameter_count(const std::string& base, const std::string& layers, std::size_t dim) {
  return make_model<double>(base, parse_flow(layers), {dim, 0, InstructionSet::scalar()})
      .parameters()
      .size();
}

TrainedFlow random_flow(const std::string& layers, std::size_t dim, Precision precision,
                        double scale = 0.3, const std::string& base = "standard-normal") {
  test::Random random(dim);
  TrainedFlow::Definition d{base, layers, precision, dim, {}};
  d.params.resize(parameter_count(base, layers, dim));
  for (double& p : d.params) p = static_cast<float>(scale * random.normal());
  return TrainedFlow(d);
}

TEST(TrainedFlow, KeepsTheNamesOfItsCoordinates) {
  test::TemporaryFolder folder;
  auto d = random_flow("affine", 2, Precision::float64).definition();
  EXPECT_TRUE(d.columns.empty());
  TrainedFlow(d).save(folder / "without");
  EXPECT_FALSE(contains(test::slurp(folder / "without"), "columns"));
  EXPECT_TRUE(TrainedFlow::load(folder / "without").definition().columns.empty());
  d.columns = {"height, m", "Gr\xC3\xB6\xC3\x9F\x65"};
  TrainedFlow(d).save(folder / "with");
  EXPECT_EQ(TrainedFlow::load(folder / "with").definition().columns, d.columns);
  d.columns.pop_back();
  message_of(ErrorKind::usage, [&] { TrainedFlow{d}; });
}

template <class Check>
void for_each_flow(Check&& check) {
  for (const auto& entry : flow_registry()) {
    for (const std::size_t dim : {1U, 2U, 7U}) {
      for (const auto precision : {Precision::float32, Precision::float64}) {
        if (dim < entry.least_dim) continue;
        SCOPED_TRACE(fmt::format("{}, D = {}, {}", entry.name, dim, name_of(precision)));
        check(random_flow(fmt::format("{}:2", test::flow_text(entry)), dim, precision));
      }
    }
  }
  for (const auto& entry : base_registry()) {
    for (const auto variant : entry.variants) {
      for (const auto precision : {Precision::float32, Precision::float64}) {
        const auto base = fmt::format("{}({})", entry.name, variant);
        SCOPED_TRACE(fmt::format("{}, {}", base, name_of(precision)));
        check(random_flow("planar:2", 3, precision, 0.3, base));
      }
    }
  }
}

TEST(TrainedFlow, IsSavedAndLoadedToTheBit) {
  for_each_flow([](const TrainedFlow& flow) {
    test::TemporaryFolder folder;
    flow.save(folder / "m");
    EXPECT_EQ(folder.size(), 1);
    const auto again = TrainedFlow::load(folder / "m");
    const auto& d = flow.definition();
    EXPECT_EQ(again.definition().base, d.base);
    EXPECT_EQ(again.definition().layers, d.layers);
    EXPECT_EQ(again.definition().precision, d.precision);
    EXPECT_EQ(again.definition().dim, d.dim);
    EXPECT_EQ(again.definition().params, d.params);
    const auto before = flow.sample(300, 5);
    const auto after = again.sample(300, 5);
    EXPECT_EQ(before.z, after.z);
    EXPECT_EQ(before.log_q, after.log_q);
    again.save(folder / "m2");
    EXPECT_EQ(test::slurp(folder / "m"), test::slurp(folder / "m2"));
  });
}

TEST(TrainedFlow, DensityOfDrawsIsTheirDensity) {
  for_each_flow([](const TrainedFlow& flow) {
    if (!flow.injective()) return;
    const auto draws = flow.sample(500);
    std::vector<double> log_q;
    try {
      log_q = flow.log_density(draws.z);
    } catch (const Error& error) {
      GTEST_SKIP() << error.what();
    }
    ASSERT_EQ(log_q.size(), draws.log_q.size());
    const double tolerance = flow.definition().precision == Precision::float32 ? 2e-3 : 1e-9;
    for (std::size_t i = 0; i < log_q.size(); ++i) {
      EXPECT_NEAR(log_q[i], draws.log_q[i], tolerance * (1 + std::abs(draws.log_q[i])));
    }
  });
}

TEST(TrainedFlow, DrawsDoNotDependOnWhereTheStreamIsEntered) {
  for_each_flow([](const TrainedFlow& flow) {
    const auto all = flow.sample(3 * tile_size + 5, 9);
    const auto rest = flow.sample(tile_size + 5, 9, 2 * tile_size);
    const auto dim = static_cast<std::ptrdiff_t>(flow.dim());
    const auto skipped = static_cast<std::ptrdiff_t>(2 * tile_size);
    EXPECT_EQ(rest.z, std::vector<double>(all.z.begin() + skipped * dim, all.z.end()));
    EXPECT_EQ(rest.log_q, std::vector<double>(all.log_q.begin() + skipped, all.log_q.end()));
    EXPECT_NE(flow.sample(10, 1).z, flow.sample(10, 2).z);
  });
}

TEST(TrainedFlow, NamesItsParameters) {
  const auto flow = random_flow("planar:2+planar-free:1", 3, Precision::float64);
  std::vector<double> flat;
  for (const auto& tensor : flow.parameters()) {
    std::size_t size = 1;
    for (const auto n : tensor.shape) size *= n;
    EXPECT_EQ(tensor.values.size(), size) << tensor.name;
    flat.insert(flat.end(), tensor.values.begin(), tensor.values.end());
  }
  EXPECT_EQ(flat, flow.definition().params);
  EXPECT_TRUE(flow.parameters().back().name.starts_with("2."));
}

TEST(TrainedFlow, RefusesWhatDoesNotFitTogether) {
  const auto good = random_flow("planar:2", 2, Precision::float64).definition();
  const auto refused = [&](ErrorKind kind, auto&& change, const char* what) {
    auto d = good;
    change(d);
    message_of(
        kind, [&] { TrainedFlow flow(d); }, what);
  };
  using D = TrainedFlow::Definition;
  refused(
      ErrorKind::usage, [](D& d) { d.base = "nobody"; }, "base");
  refused(
      ErrorKind::usage, [](D& d) { d.layers = "planr:2"; }, "layers");
  refused(
      ErrorKind::usage, [](D& d) { d.layers = "planar:3"; }, "length");
  refused(
      ErrorKind::usage, [](D& d) { d.dim = 0; }, "no dimension");
  refused(
      ErrorKind::usage, [](D& d) { d.dim = 3; }, "dimension");
  refused(
      ErrorKind::usage, [](D& d) { d.dim = std::size_t(-1); }, "huge dimension");
  refused(
      ErrorKind::usage, [](D& d) { d.params.pop_back(); }, "parameters");
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  refused(
      ErrorKind::data, [&](D& d) { d.params[1] = nan; }, "NaN");
  refused(
      ErrorKind::data,
      [&](D& d) {
        d.precision = Precision::float32;
        d.params[1] = 1e300;
      },
      "too large for float");
}

TEST(TrainedFlow, RefusesWhatItCannotAnswer) {
  const auto flow = random_flow("planar:2", 2, Precision::float64);
  message_of(ErrorKind::usage, [&] { flow.log_density(std::vector<double>(3)); });
  message_of(ErrorKind::usage, [&] { flow.sample(1, 1, 1); });
  // The generator counts draws in 32 bits: past that they would repeat.
  message_of(ErrorKind::usage, [&] { flow.sample(tile_size, 1, std::uint64_t{1} << 32); });
  message_of(ErrorKind::usage, [&] { flow.sample(std::uint64_t{1} << 33); });
  EXPECT_EQ(flow.sample(tile_size, 1, (std::uint64_t{1} << 32) - tile_size).log_q.size(),
            tile_size);
  EXPECT_TRUE(flow.sample(0).z.empty());
  EXPECT_TRUE(flow.log_density({}).empty());
}

TEST(TrainedFlow, AFoldedMapHasNoDensityToInvert) {
  const TrainedFlow flow(
      {"standard-normal", "planar-free:1", Precision::float64, 2, {1, 0, -2, 0, 0}});
  EXPECT_FALSE(flow.injective());
  const auto message =
      message_of(ErrorKind::usage, [&] { flow.log_density(std::vector<double>(2)); });
  EXPECT_TRUE(contains(message, "injective")) << message;
  EXPECT_EQ(flow.sample(10).log_q.size(), 10U);
}

class ModelFile : public ::testing::Test {
 protected:
  ModelFile() { random_flow("planar:2", 2, Precision::float64).save(path_); }
  void refused(const std::string& what) {
    const auto message = message_of(
        ErrorKind::data, [&] { TrainedFlow::load(path_); }, what);
    EXPECT_TRUE(contains(message, path_.string())) << message;
  }
  /// Changes the content and seals it again, as one who means it would.
  template <class Change>
  void forged(const std::string& what, Change&& change) {
    random_flow("planar:2", 2, Precision::float64).save(path_);
    auto content = read_sealed(path_, "riffle-model-1");
    change(content);
    write_sealed(path_, "riffle-model-1", content);
    refused(what);
  }

  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "model.riffle";
};

TEST_F(ModelFile, EveryChangedOrLostByteIsRefused) {
  const auto good = test::slurp(path_);
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    test::spill(path_, bad);
    refused(fmt::format("byte {}", i));
    test::spill(path_, good.substr(0, i));
    refused(fmt::format("cut to {}", i));
  }
}

TEST_F(ModelFile, AForgedOneFailsItsCheckVectors) {
  using json = nlohmann::json;
  forged("a parameter", [](json& c) { c["parameters"][0]["values"][0] = 9.0; });
  forged("the layer", [](json& c) { c["flow"] = "planar-free:2"; });
  forged("precision", [](json& c) {
    c["precision"] = "float";
    c["check"]["z"][0] = 99;
  });
  forged("no precision", [](json& c) { c["precision"] = "half"; });
  forged("no check", [](json& c) { c.erase("check"); });
  forged("short check", [](json& c) { c["check"]["z"].erase(0); });
  forged("no parameters", [](json& c) { c["parameters"] = json::array(); });
  forged("parameters of another kind", [](json& c) { c["parameters"] = "none"; });
  forged("null", [](json& c) { c["parameters"][0]["values"][0] = nullptr; });
  for (const json& dim : {json(0), json(-2), json(2.5), json(1e300), json(true), json("2"),
                          json(nullptr), json(3), json(1'000'000)}) {
    forged("dim " + dim.dump(), [&](json& c) { c["dim"] = dim; });
  }
}

TEST_F(ModelFile, OfAnotherKindOrMissing) {
  write_sealed(path_, "riffle-checkpoint-1", {{"spec", "x"}});
  refused("a checkpoint");
  message_of(ErrorKind::no_input, [&] { TrainedFlow::load(folder_ / "none"); });
}

TEST_F(ModelFile, CannotBeSavedWhereNothingCan) {
  const auto flow = TrainedFlow::load(path_);
  message_of(ErrorKind::cannot_create, [&] { flow.save(folder_ / "no/such/m"); });
  message_of(ErrorKind::cannot_create, [&] { flow.save(path_ / "under a file"); });
}

}  // namespace
}  // namespace riffle
