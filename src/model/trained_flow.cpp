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
void refuse_not_finite(const TrainedModel<T>& trained) {
  if (std::ranges::all_of(trained.params, [](T p) { return std::isfinite(p); })) return;
  throw Error(ErrorKind::data, "a parameter of the flow is not finite");
}

template <class T>
TrainedModel<T> build(const TrainedFlow::Definition& d) {
  const auto set = InstructionSet::best();
  auto typed = make_trained_model<T>(d.base, d.layers, {d.dim, 0, set});
  const auto wanted = typed.model->parameters().size();
  if (d.params.size() != wanted) {
    throw Error(ErrorKind::usage,
                fmt::format("flow {} on {} in dimension {} has {} parameters, not {}", d.layers,
                            d.base, d.dim, wanted, d.params.size()));
  }
  for (const double p : d.params) {
    typed.params.push_back(static_cast<T>(p));
  }
  refuse_not_finite(typed);
  return typed;
}

}  // namespace

template <class T>
TrainedFlow trained_flow(const TrainedModel<T>& trained, std::vector<std::string> columns) {
  TrainedFlow::Definition d{trained.base,
                            trained.layers,
                            std::is_same_v<T, float> ? Precision::float32 : Precision::float64,
                            trained.model->dim(),
                            {trained.params.begin(), trained.params.end()},
                            std::move(columns)};
  // As when it is read from its file.
  if (trained.set != InstructionSet::best()) return TrainedFlow(std::move(d));
  refuse_not_finite(trained);
  return TrainedFlowAccess::make(std::make_shared<const TrainedFlowAccess::Implementation>(
      TrainedFlowAccess::Implementation{std::move(d), trained}));
}

template <class T>
TrainedModel<T> trained_model(const TrainedFlow& flow, InstructionSet set) {
  const auto& all = TrainedFlowAccess::of(flow);
  if (const auto* same = std::get_if<TrainedModel<T>>(&all.trained); same && same->set == set) {
    return *same;
  }
  const auto& d = all.definition;
  auto made = make_trained_model<T>(d.base, d.layers, {d.dim, 0, set});
  for (const double p : d.params) made.params.push_back(static_cast<T>(p));
  return made;
}

template TrainedFlow trained_flow(const TrainedModel<float>&, std::vector<std::string>);
template TrainedFlow trained_flow(const TrainedModel<double>&, std::vector<std::string>);
template TrainedModel<float> trained_model(const TrainedFlow&, InstructionSet);
template TrainedModel<double> trained_model(const TrainedFlow&, InstructionSet);

TrainedFlow::TrainedFlow(std::shared_ptr<const Implementation> implementation)
    : implementation_(std::move(implementation)) {}

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
        for (const auto& view : typed.model->parameters().views()) {
          const auto begin = definition().params.begin() + static_cast<std::ptrdiff_t>(view.offset);
          tensors.push_back(
              {view.name, view.shape, {begin, begin + static_cast<std::ptrdiff_t>(view.size())}});
        }
      },
      implementation_->trained);
  return tensors;
}

bool TrainedFlow::injective() const {
  return std::visit([](const auto& typed) { return typed.model->injective(typed.all()); },
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
            draw<T>(*typed.model, nullptr, typed.params, {seed, Purpose::draws, 0}, first, n);
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
        const auto& flow = typed.model->flow();
        if (!flow.has_inverse()) {
          throw Error(ErrorKind::usage, fmt::format("the flow {} has no inverse: {}",
                                                    definition().layers, flow.no_inverse_reason()));
        }
        Executor executor(1);
        return log_density_at(*typed.model, typed.all(), points, executor);
      },
      implementation_->trained);
}

}  // namespace riffle
