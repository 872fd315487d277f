#include "riffle/trained_flow.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <variant>

#include "core/executor.h"
#include "model/draws.h"
#include "model/log_density.h"
#include "model/trained_model.h"
#include "riffle/error.h"

namespace riffle {
namespace {

template <class T>
TrainedModel<T> build(const TrainedFlow::Definition& d) {
  const auto set = InstructionSet::best();
  TrainedModel<T> typed{make_model<T>(d.base, parse_flow(d.layers), {d.dim, 0, set}), {}};
  const auto wanted = typed.model.parameters().size();
  if (d.params.size() != wanted) {
    throw Error(ErrorKind::usage,
                fmt::format("flow {} on {} in dimension {} has {} parameters, not {}", d.layers,
                            d.base, d.dim, wanted, d.params.size()));
  }
  for (const double p : d.params) {
    if (!std::isfinite(static_cast<T>(p))) {
      throw Error(ErrorKind::data, "a parameter of the flow is not finite");
    }
    typed.params.push_back(static_cast<T>(p));
  }
  return typed;
}

}  // namespace

TrainedFlow::TrainedFlow(Definition definition) {
  constexpr std::size_t largest_dim = 1'000'000;
  if (definition.dim == 0 || definition.dim > largest_dim) {
    throw Error(ErrorKind::usage,
                fmt::format("dimension {} must be from 1 to {}", definition.dim, largest_dim));
  }
  const auto& columns = definition.columns;
  if (!columns.empty() && columns.size() != definition.dim) {
    throw Error(ErrorKind::usage, fmt::format("{} names of coordinates are not one for each of {}",
                                              columns.size(), definition.dim));
  }
  using Either = std::variant<TrainedModel<float>, TrainedModel<double>>;
  auto typed = definition.precision == Precision::float32 ? Either(build<float>(definition))
                                                          : Either(build<double>(definition));
  implementation_ = std::make_shared<const Implementation>(
      Implementation{std::move(definition), std::move(typed)});
}

const TrainedFlow::Definition& TrainedFlow::definition() const {
  return implementation_->definition;
}

std::size_t TrainedFlow::dim() const {
  return definition().dim;
}

std::vector<NamedTensor> TrainedFlow::parameters() const {
  std::vector<NamedTensor> tensors;
  std::visit(
      [&](const auto& typed) {
        for (const auto& view : typed.model.parameters().views()) {
          const auto begin = definition().params.begin() + static_cast<std::ptrdiff_t>(view.offset);
          tensors.push_back(
              {view.name, view.shape, {begin, begin + static_cast<std::ptrdiff_t>(view.size())}});
        }
      },
      implementation_->trained);
  return tensors;
}

bool TrainedFlow::injective() const {
  return std::visit([](const auto& typed) { return typed.model.injective(typed.all()); },
                    implementation_->trained);
}

FlowDraws TrainedFlow::sample(std::uint64_t n, std::uint64_t seed, std::uint64_t first) const {
  if (first % tile_size != 0) {
    throw Error(ErrorKind::usage, fmt::format("the first draw is {}, but must be a multiple of {}",
                                              first, tile_size));
  }
  // Draws are counted in 32 bits of the generator's counter.
  constexpr std::uint64_t most_draws = std::uint64_t{1} << 32;
  if (n > most_draws || first > most_draws - n) {
    throw Error(ErrorKind::usage,
                fmt::format("one seed has {} draws, and draws {} to {} were asked "
                            "for: take the rest from another seed",
                            most_draws, first, first + n));
  }
  return std::visit(
      [&]<class T>(const TrainedModel<T>& typed) {
        auto drawn =
            draw<T>(typed.model, nullptr, typed.params, {seed, Purpose::draws, 0}, first, n);
        return FlowDraws{drawn.dim, std::move(drawn.z), std::move(drawn.log_q)};
      },
      implementation_->trained);
}

std::vector<double> TrainedFlow::log_density(std::span<const double> points) const {
  if (points.size() % dim() != 0) {
    throw Error(ErrorKind::usage, fmt::format("{} numbers are no whole points of dimension {}",
                                              points.size(), dim()));
  }
  if (!injective()) {
    throw Error(ErrorKind::usage, "the flow is not injective, so it has no density to invert");
  }
  return std::visit(
      [&](const auto& typed) {
        const auto& flow = typed.model.flow();
        if (!flow.has_inverse()) {
          throw Error(ErrorKind::usage, fmt::format("the flow {} has no inverse: {}",
                                                    definition().layers, flow.no_inverse_reason()));
        }
        Executor executor(1);
        return log_density_at(typed.model, typed.all(), points, executor);
      },
      implementation_->trained);
}

}  // namespace riffle
