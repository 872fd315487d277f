#include "inference/trainer.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>

namespace riffle {

template <class T>
Trainer<T>::Trainer(const TrainerOptions& options, const FlowModel<T>& model,
                    GradientSource<T>& source, InstructionSet set)
    : options_(options),
      model_(model),
      source_(source),
      optimizer_(make_optimizer<T>(options.optimizer,
                                   {model.parameters().size(), set, options.clip_norm})),
      params_(optimizer_->padded_size()),
      grad_(optimizer_->padded_size()),
      earlier_blame_(model.flow().length() + 1, 0) {
  const RandomStream initial{options.seed, Purpose::initial_values, 0};
  model.initialise(initial, std::span<T>(params_).first(model.parameters().size()));
  progress_.loss_every = 1 + (options.iterations > 0 ? options.iterations - 1 : 0) / losses_kept;
  progress_.losses.reserve(options.iterations / progress_.loss_every);
  progress_.refusals.assign(model.flow().length() + 1, 0);
}

template <class T>
void Trainer<T>::adapt(std::span<TileBuffer<T>> batch) {
  model_.flow().adapt(source_.direction(), batch, model_.flow_part(std::span<T>(params_)));
}

template <class T>
void Trainer<T>::restore(const TrainerState<T>& state) {
  assert(state.params.size() == model_.parameters().size());
  std::copy(state.params.begin(), state.params.end(), params_.begin());
  const auto moments = optimizer_->state();
  std::copy(state.first.begin(), state.first.end(), moments.first.begin());
  std::copy(state.second.begin(), state.second.end(), moments.second.begin());
  std::copy(state.velocity.begin(), state.velocity.end(), moments.velocity.begin());
  optimizer_->set_steps(state.optimizer_steps);
  progress_.iteration = state.iteration;
  progress_.losses.assign(state.losses.begin(), state.losses.end());
  progress_.refused_steps = state.refused_steps;
  progress_.refused_in_a_row = state.refused_in_a_row;
  progress_.refusals = state.refusals;
  earlier_blame_ = state.blame;
  source_.forget_blame();
}

template <class T>
TrainerState<T> Trainer<T>::state() {
  TrainerState<T> all = progress_;
  const auto size = model_.parameters().size();
  const auto moments = optimizer_->state();
  const auto copy = [size](std::span<const T> from) {
    return std::vector<T>(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(size));
  };
  all.params = copy(params_);
  all.first = copy(moments.first);
  all.second = copy(moments.second);
  all.velocity = copy(moments.velocity);
  all.optimizer_steps = moments.steps;
  all.blame = source_.blame();
  for (std::size_t k = 0; k < all.blame.size(); ++k) all.blame[k] += earlier_blame_[k];
  return all;
}

/// The place of what made the gradient so that it is not finite: a layer's, or last the base's.
/// Cotangents come back against the way of the samples, and one that is not finite spoils the
/// gradients of all that it still comes through: the first one met is to blame.
template <class T>
std::size_t Trainer<T>::culprit() const {
  const auto& flow = model_.flow();
  const std::span<const T> grad(grad_);
  const auto is_finite = [](std::span<const T> part) {
    return std::all_of(part.begin(), part.end(), [](T g) { return std::isfinite(g); });
  };
  const std::size_t base = flow.length();
  if (source_.direction() == Direction::forward) {
    for (std::size_t k = base; k-- > 0;) {
      if (!is_finite(flow.part(model_.flow_part(grad), k))) return k;
    }
    return base;
  }
  if (!is_finite(model_.base_part(grad))) return base;
  std::size_t k = 0;
  while (k < base && is_finite(flow.part(model_.flow_part(grad), k))) ++k;
  return k;
}

template <class T>
StopReason Trainer<T>::run(const TrainerCallbacks<T>& callbacks) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds tick{5};
  std::uint64_t tick_every = 1;
  std::uint64_t next_tick = progress_.iteration + 1;
  auto last_tick = Clock::now();

  while (progress_.iteration < options_.iterations) {
    if (callbacks.stop != nullptr && callbacks.stop->load(std::memory_order_relaxed)) {
      return StopReason::interrupted;
    }
    const std::uint64_t t = progress_.iteration;
    const RandomStream stream{options_.seed, Purpose::training, t};
    const auto terms = options_.objective(t);
    const Estimate estimate = source_.estimate(params_, stream, terms, grad_);
    const double rate = options_.learning_rate * options_.schedule(t);
    const bool some_valid = estimate.invalid < options_.batch;
    if (some_valid && optimizer_->step(rate, params_, grad_)) {
      progress_.refused_in_a_row = 0;
    } else {
      if (some_valid) ++progress_.refusals[culprit()];
      ++progress_.refused_steps;
      ++progress_.refused_in_a_row;
    }
    const std::uint64_t done = ++progress_.iteration;
    if (done % progress_.loss_every == 0) progress_.losses.push_back(estimate.value);
    if (progress_.refused_in_a_row >= refused_limit) return StopReason::diverged;
    if (options_.log_every != 0 && done % options_.log_every == 0 && callbacks.on_log) {
      callbacks.on_log(done, estimate.value);
    }
    if (options_.snapshot_every != 0 && done % options_.snapshot_every == 0 &&
        callbacks.on_snapshot) {
      callbacks.on_snapshot(done, params());
    }
    if (options_.check_every != 0 && done % options_.check_every == 0 && callbacks.on_check &&
        callbacks.on_check(done, params())) {
      return StopReason::early_stopped;
    }
    if (done == next_tick) {
      // Ticks follow the clock, but a clock is not read at every step of some microseconds.
      const auto now = Clock::now();
      if (now - last_tick < tick / 2) tick_every *= 2;
      if (now - last_tick > tick * 2 && tick_every > 1) tick_every /= 2;
      last_tick = now;
      next_tick = done + tick_every;
      if (callbacks.on_tick) callbacks.on_tick(done, estimate.value, rate);
    }
  }
  return StopReason::completed;
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace riffle
