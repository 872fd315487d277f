#include "fit/one_dimension.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <vector>

#include "core/aligned.h"
#include "flows/interface/flow_registry.h"

namespace riffle {
namespace {

/// Whether a flow is affine at parameters that are as good as any.
bool is_affine(const std::string& layers) {
  const auto flow = make_flow<double>(parse_flow(layers), {1, 0, InstructionSet::scalar()});
  std::vector<double> params(flow->parameters().size());
  flow->initialise({1, Purpose::initial_values, 0}, params);
  for (std::size_t k = 0; k < params.size(); ++k) {
    params[k] += 0.3 * std::sin(1 + static_cast<double>(k));
  }
  constexpr std::array<double, 9> at{-8, -4, -2, -1, 0, 1, 2, 4, 8};
  TileBuffer<double> in(1);
  TileBuffer<double> out(1);
  AlignedVector<double> cache(flow->cache_size());
  alignas(64) std::array<double, tile_size> log_det{};
  for (std::size_t s = 0; s < tile_size; ++s) in.row(0)[s] = at[s % at.size()];
  flow->forward(params, in.view(), out.view(), log_det.data(), cache.data());
  const double slope = out.row(0)[5] - out.row(0)[4];
  for (std::size_t s = 0; s < at.size(); ++s) {
    const double line = out.row(0)[4] + slope * at[s];
    if (!(std::abs(out.row(0)[s] - line) <= 1e-9 * (1 + std::abs(line)))) return false;
  }
  return true;
}

}  // namespace

std::string flow_for_points(std::size_t dim) {
  return dim == 1 ? "rqs(bins=32,bound=12):2 + actnorm" : "maf:5 + actnorm";
}

std::string affine_in_one_dimension(const Spec& spec, std::size_t dim) {
  if (dim != 1 || spec.run.method == Method::staged || !is_affine(spec.flow.layers)) return {};
  const auto what = spec.base.name.starts_with("standard-normal") ||
                            spec.base.name.starts_with("diagonal-normal") ||
                            spec.base.name.starts_with("full-normal")
                        ? std::string("a normal distribution")
                        : fmt::format("the base {}, moved and scaled", spec.base.name);
  return fmt::format(
      "in one dimension the flow {} is a shift and a scale: all that it can be is {}; {} bends",
      spec.flow.layers, what, flow_for_points(1));
}

}  // namespace riffle
