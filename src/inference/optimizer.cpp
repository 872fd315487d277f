#include "inference/optimizer.h"

#include <array>
#include <cassert>
#include <cmath>

#include "core/whole_lanes.h"

#define RIFFLE_MATHS "inference/optimizer.inc"
#define RIFFLE_CLASS OptimizerMaths
#define RIFFLE_KERNELS OptimizerKernels
#include "lanes/instantiate.h"

namespace riffle {

namespace {

constexpr Option first_rate{"learning_rate", "0.01",
                            "of the first iteration; the schedule goes on from it"};
constexpr Option clipping{"clip_norm", "inf", "longest gradient, to which longer ones are scaled"};
constexpr Option epsilon{"epsilon", "1e-8", "added outside the root"};
constexpr Option of_rmsprop[] = {
    first_rate,
    {"smoothing", "0.99", "of the mean of squares"},
    {"momentum", "0", "share of a step that the next one keeps"},
    {"centered", "false", "by the variance instead of the second moment"},
    epsilon,
    clipping,
};
constexpr Option of_adam[] = {
    first_rate,
    {"beta1", "0.9", "of the mean of gradients"},
    {"beta2", "0.999", "of the mean of squares"},
    epsilon,
    clipping,
};
constexpr Option of_sgd[] = {
    first_rate, {"momentum", "0", "share of a step that the next one keeps"}, clipping};

}  // namespace

std::span<const OptimizerEntry> optimizer_registry() {
  static const std::array<OptimizerEntry, 3> registry{{
      {"rmsprop", "RMSprop with PyTorch's semantics; momentum and centring as options",
       OptimizerKind::rmsprop, of_rmsprop},
      {"adam", "Adam (Kingma & Ba 2015)", OptimizerKind::adam, of_adam},
      {"sgd", "gradient descent with momentum", OptimizerKind::sgd, of_sgd},
  }};
  return registry;
}

template <class T>
Optimizer<T>::Optimizer(const OptimizerOptions& options, std::size_t parameters, InstructionSet set)
    : options_(options),
      kernels_(kernels_for<T>(set)),
      first_(whole_lanes(parameters)),
      second_(first_.size()),
      velocity_(first_.size()) {}

template <class T>
bool Optimizer<T>::step(double rate, std::span<T> params, std::span<T> grad) {
  assert(params.size() == padded_size() && grad.size() == padded_size());
  const T norm2 = kernels_.norm2(grad.data(), grad.size());
  if (!std::isfinite(norm2)) {
    // The squares of large finite numbers may overflow; only elements that are not finite count.
    for (const T g : grad) {
      if (!std::isfinite(g)) return false;
    }
  }
  const double norm = std::sqrt(static_cast<double>(norm2));
  if (norm > options_.clip_norm) {
    // Where the sum of squares overflowed, it is taken again in long double.
    long double exact = norm;
    if (!std::isfinite(norm)) {
      exact = 0;
      for (const T g : grad) exact += static_cast<long double>(g) * g;
      exact = std::sqrt(exact);
    }
    const T factor = static_cast<T>(options_.clip_norm / exact);
    for (T& g : grad) g *= factor;
  }

  ++steps_;
  StepConstants<T> c{};
  c.rate = static_cast<T>(rate);
  c.epsilon = static_cast<T>(options_.epsilon);
  c.centered = options_.centered;
  const StepVectors<T> vectors{grad.size(),   params.data(),  grad.data(),
                               first_.data(), second_.data(), velocity_.data()};
  switch (options_.kind) {
    case OptimizerKind::rmsprop:
      c.beta1 = static_cast<T>(options_.momentum);
      c.beta2 = static_cast<T>(options_.smoothing);
      kernels_.rmsprop(vectors, c);
      break;
    case OptimizerKind::adam: {
      const auto t = static_cast<double>(steps_);
      c.beta1 = static_cast<T>(options_.beta1);
      c.beta2 = static_cast<T>(options_.beta2);
      c.correction1 = static_cast<T>(1 - std::pow(options_.beta1, t));
      c.correction2 = static_cast<T>(1 - std::pow(options_.beta2, t));
      kernels_.adam(vectors, c);
      break;
    }
    case OptimizerKind::sgd:
      c.beta1 = static_cast<T>(options_.momentum);
      kernels_.sgd(vectors, c);
      break;
  }
  return true;
}

template class Optimizer<float>;
template class Optimizer<double>;

}  // namespace riffle
