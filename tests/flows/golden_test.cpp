// Values of layers from an independent implementation; tools/golden_*.py say how.

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "core/aligned.h"
#include "flows/interface/flow_registry.h"

namespace riffle {
namespace {

struct Golden {
  std::string_view flow;
  std::vector<double> params;
  std::vector<double> z;
  std::vector<double> y;
  double log_det;
};

const Golden all[] = {
#include "flows/golden_conditioned.inc"
#include "flows/golden_values.inc"
};

template <class T>
void expect(const Golden& golden, InstructionSet set, double tolerance) {
  const std::size_t dim = golden.z.size();
  const auto flow = make_flow<T>(parse_flow(golden.flow), {dim, 0, set});
  const std::vector<T> params(golden.params.begin(), golden.params.end());
  ASSERT_EQ(params.size(), flow->parameters().size()) << golden.flow;
  TileBuffer<T> z(dim);
  TileBuffer<T> y(dim);
  AlignedVector<T> log_det(tile_size, T(0));
  AlignedVector<T> cache(flow->cache_size());
  for (std::size_t d = 0; d < dim; ++d) z.row(d)[0] = static_cast<T>(golden.z[d]);
  flow->forward(params, z.view(1), y.view(1), log_det.data(), cache.data());
  for (std::size_t d = 0; d < dim; ++d) {
    EXPECT_NEAR(y.row(d)[0], golden.y[d], tolerance) << golden.flow << " " << set.name();
  }
  EXPECT_NEAR(log_det[0], golden.log_det, tolerance) << golden.flow << " " << set.name();
}

TEST(Golden, LayersGiveTheValuesOfAnotherImplementation) {
  for (const auto& golden : all) {
    for (const auto set : InstructionSet::available()) {
      expect<double>(golden, set, 1e-12);
      expect<float>(golden, set, 2e-5);
    }
  }
}

}  // namespace
}  // namespace riffle
