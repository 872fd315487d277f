#include "flows/interface/flow_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/names.h"
#include "flows/additive_coupling.h"
#include "flows/affine.h"
#include "flows/affine_coupling.h"
#include "flows/affine_full.h"
#include "flows/affine_low_rank.h"
#include "flows/householder.h"
#include "flows/iaf.h"
#include "flows/lu_linear.h"
#include "flows/maf.h"
#include "flows/parts/compose.h"
#include "flows/parts/inverse.h"
#include "flows/permutation.h"
#include "flows/planar.h"
#include "flows/planar_leaky.h"
#include "flows/radial.h"
#include "flows/rqs.h"
#include "flows/rqs_autoregressive.h"
#include "flows/rqs_coupling.h"
#include "flows/sylvester.h"
#include "flows/tails.h"

namespace riffle {

std::span<const FlowEntry> flow_registry() {
  static const std::array registry{
      planar_entry,
      planar_free_entry,
      planar_leaky_entry,
      radial_entry,
      sylvester_orthogonal_entry,
      sylvester_householder_entry,
      sylvester_triangular_entry,
      householder_entry,
      affine_entry,
      actnorm_entry,
      affine_full_entry,
      affine_low_rank_entry,
      lu_linear_entry,
      permutation_entry,
      reverse_entry,
      rqs_entry,
      tails_entry,
      additive_coupling_entry,
      affine_coupling_entry,
      rqs_coupling_entry,
      iaf_entry,
      maf_entry,
      rqs_autoregressive_entry,
      compose_entry,
      inverse_entry,
  };
  return registry;
}

namespace {

void check_names(std::span<const Expression> flow) {
  for (const auto& layer : flow) {
    if (layer.name == "repeat") {
      throw Error(ErrorKind::usage,
                  "no flow \"repeat\": a count behind a layer repeats it, as in planar:3 or "
                  "compose(planar + reverse):3");
    }
    const auto& entry = find_by_name(flow_registry(), layer.name, "flow");
    if (entry.of_layers != !layer.inner.empty()) {
      throw Error(ErrorKind::usage,
                  entry.of_layers
                      ? fmt::format("{} needs layers, such as {}(planar:4)", entry.name, entry.name)
                      : fmt::format("{} is not made of layers: write {}(KEY=VALUE), see `riffle "
                                    "list flows`",
                                    entry.name, entry.name));
    }
    check_names(layer.inner);
  }
}

}  // namespace

std::vector<Expression> parse_flow(std::string_view text) {
  auto flow = parse_expressions(text, "flow");
  check_names(flow);
  return flow;
}

bool takes_log_det_floor(std::span<const Expression> flow) {
  return std::all_of(flow.begin(), flow.end(), [](const Expression& layer) {
    const auto& entry = find_by_name(flow_registry(), layer.name, "flow");
    return entry.of_layers ? takes_log_det_floor(layer.inner) : entry.log_det_floor;
  });
}

template <class T>
std::unique_ptr<Chain<T>> make_flow(std::span<const Expression> flow, const LayerOptions& common) {
  typename Chain<T>::Layers layers;
  for (const auto& run : flow) {
    const auto& entry = find_by_name(flow_registry(), run.name, "flow");
    if (common.dim < entry.least_dim) {
      throw Error(ErrorKind::usage, fmt::format("{} needs at least {} dimensions, not {}", run.name,
                                                entry.least_dim, common.dim));
    }
    LayerOptions options = common;
    options.arguments = Arguments(run, entry.options);
    options.inner = run.inner;
    std::vector<std::shared_ptr<const FlowLayer<T>>> kinds;
    for (std::size_t k = 0; k < run.count; ++k) {
      options.index = common.index + k;
      if (entry.period == 0 || k < entry.period) kinds.push_back(entry.make<T>(options));
      layers.push_back(entry.period == 0 ? kinds.back() : kinds[k % entry.period]);
    }
  }
  return std::make_unique<Chain<T>>(common.dim, std::move(layers));
}

template <class T>
std::unique_ptr<Chain<T>> make_inner_flow(const LayerOptions& options) {
  LayerOptions common = options;
  common.arguments = {};
  common.inner = {};
  return make_flow<T>(options.inner, common);
}

#define RIFFLE_INSTANTIATE(T)                                                                     \
  template std::unique_ptr<Chain<T>> make_flow(std::span<const Expression>, const LayerOptions&); \
  template std::unique_ptr<Chain<T>> make_inner_flow(const LayerOptions&);

RIFFLE_INSTANTIATE(float)
RIFFLE_INSTANTIATE(double)
RIFFLE_INSTANTIATE(Dual)
#undef RIFFLE_INSTANTIATE

}  // namespace riffle
