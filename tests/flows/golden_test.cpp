// Values of layers computed by other implementations: where it says nothing else, by dense matrices
// in NumPy, written from the formulas of docs/flows.md and not from the code.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/aligned.h"
#include "flows/flow_registry.h"

namespace riffle {
namespace {

struct Golden {
  std::string flow;
  std::vector<double> params;
  std::vector<double> z;
  std::vector<double> y;
  double log_det;
};

const std::vector<Golden> golden{
    {"affine",
     {0.3, -0.7, 1.1, 0.2, -0.4, 2.5},
     {0.5, -1.2, 0.8},
     {0.8749294037880016, -0.9959023645496914, 4.903332819157147},
     0.7},
    {"affine-full",
     {0.3, -0.7, 1.1, -1.5, 0.4, 2.2, 0.2, -0.4, 2.5},
     {0.5, -1.2, 0.8},
     {0.8749294037880015, -1.7459023645496914, 2.463332819157147},
     0.7},
    {"affine-low-rank(rank=2)",
     {0.3, -0.7, 1.1, 0.5, -1.0, 2.0, 0.3, -0.4, 0.9, 0.2, -0.4, 2.5},
     {0.5, -1.2, 0.8},
     {-0.6031659905077218, -3.4698903480384935, 7.492923931798973},
     3.4486417690763087},
    {"permutation(seed=1)", {}, {0.5, -1.2, 0.8, 2.0, -0.3}, {2.0, -0.3, -1.2, 0.5, 0.8}, 0.0},
    {"reverse", {}, {0.5, -1.2, 0.8, 2.0, -0.3}, {-0.3, 2.0, 0.8, -1.2, 0.5}, 0.0},
    {"lu-linear(seed=5)",
     {0.3, -0.7, 1.1, 0.2, -1.5, 0.4, 2.2, 0.9, -0.6, 0.1, 0.7, -1.1, 0.25, -0.35, 1.3, 0.45},
     {0.5, -1.2, 0.8, 2.0},
     {-1.7450705962119986, 7.454319378663027, -0.1198833196249296, 4.821703529768306},
     0.9000000000000001},
};

template <class T>
void check(const Golden& g, double tolerance) {
  const std::size_t dim = g.z.size();
  for (const auto set : InstructionSet::available()) {
    SCOPED_TRACE(g.flow + " on " + std::string(set.name()));
    const auto flow = make_flow<T>(parse_flow(g.flow), {dim, 0, set});
    const std::vector<T> params(g.params.begin(), g.params.end());
    ASSERT_EQ(flow->parameters().size(), params.size());
    TileBuffer<T> in(dim);
    TileBuffer<T> out(dim);
    AlignedVector<T> log_det(tile_size, T(0));
    AlignedVector<T> cache(flow->cache_size());
    for (std::size_t d = 0; d < dim; ++d) in.row(d)[0] = static_cast<T>(g.z[d]);
    flow->forward(params, in.view(1), out.view(1), log_det.data(), cache.data());
    EXPECT_NEAR(static_cast<double>(log_det[0]), g.log_det, tolerance);
    for (std::size_t d = 0; d < dim; ++d) {
      EXPECT_NEAR(static_cast<double>(out.row(d)[0]), g.y[d], tolerance) << d;
    }
  }
}

TEST(Golden, LayersGiveTheValuesOfOtherImplementations) {
  for (const auto& g : golden) {
    check<double>(g, 1e-12);
    check<float>(g, 1e-5);
  }
}

}  // namespace
}  // namespace riffle
