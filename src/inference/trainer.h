#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/aligned.h"
#include "core/instruction_set.h"
#include "inference/gradient_source.h"
#include "inference/objective.h"
#include "inference/optimizer.h"
#include "inference/schedule.h"
#include "model/flow_model.h"
#include "riffle/choices.h"

namespace riffle {

struct TrainerOptions {
  std::uint64_t iterations = 10'000;
  std::uint64_t batch = 256;
  std::uint64_t seed = 1;
  double learning_rate = 0.01;
  TermsAt objective;
  std::string optimizer = "adam";  ///< as make_optimizer() reads it
  double clip_norm = std::numeric_limits<double>::infinity();
  Schedule schedule = [](std::uint64_t) { return 1.0; };
  std::uint64_t log_every = 0;       ///< iterations between two calls of on_log; 0: never
  std::uint64_t snapshot_every = 0;  ///< and of on_snapshot
  std::uint64_t check_every = 0;     ///< and of on_check
};

/// Everything that a run carries from one iteration to the next: what a checkpoint holds. With the
/// same options, training from a state goes on with the same bits as if it had never stopped.
template <class T>
struct TrainerState {
  std::uint64_t iteration = 0;  ///< iterations done
  std::vector<T> params;
  std::uint64_t optimizer_steps = 0;
  std::vector<T> first, second, velocity;
  std::uint64_t loss_every = 1;
  std::vector<double> losses;       ///< of iterations loss_every, 2 loss_every, ...
  std::uint64_t refused_steps = 0;  ///< whose gradient was not finite
  std::uint64_t refused_in_a_row = 0;
  std::vector<std::uint64_t> blame;  ///< invalid draws, by layer, and last by the target
  /// Refused steps, by the layer that made their gradient so, and last by the base. Those in which
  /// every draw was invalid are in `blame` alone.
  std::vector<std::uint64_t> refusals;
};

/// What training tells while it runs. Iterations are counted from 1.
template <class T>
struct TrainerCallbacks {
  std::function<void(std::uint64_t iteration, double loss)> on_log;
  std::function<void(std::uint64_t iteration, std::span<const T> params)> on_snapshot;
  /// Returns true to end the training.
  std::function<bool(std::uint64_t iteration, std::span<const T> params)> on_check;
  /// Called some hundred times a second, with the latest loss and learning rate.
  std::function<void(std::uint64_t iteration, double loss, double rate)> on_tick;
  /// Training ends after the current iteration once this is true; may be set by a signal handler.
  const std::atomic<bool>* stop = nullptr;
};

/// Minimises an objective over the parameters of a model. Between callbacks nothing is allocated.
template <class T>
class Trainer {
 public:
  /// `source` is asked for the gradient of `model`; both must outlive the trainer.
  Trainer(const TrainerOptions& options, const FlowModel<T>& model, GradientSource<T>& source,
          InstructionSet set);

  /// Lets layers that start from data do so, from what enters the flow in the source's direction;
  /// see FlowLayer::adapt.
  void adapt(std::span<TileBuffer<T>> batch);
  /// The state to start or go on from; its vectors must fit the flow.
  void restore(const TrainerState<T>& state);
  TrainerState<T> state();

  /// Runs until the iterations are done, `stop` is set, `on_check` says so, or `refused_limit`
  /// steps in a row were refused because their gradient was not finite.
  StopReason run(const TrainerCallbacks<T>& callbacks);

  std::span<const T> params() const {
    return std::span<const T>(params_).first(model_.parameters().size());
  }

  static constexpr std::uint64_t refused_limit = 100;
  /// Losses kept of a run, at most about; longer runs keep every second, third, ... one.
  static constexpr std::uint64_t losses_kept = 100'000;

 private:
  std::size_t culprit() const;

  TrainerOptions options_;
  const FlowModel<T>& model_;
  GradientSource<T>& source_;
  std::unique_ptr<Optimizer<T>> optimizer_;
  AlignedVector<T> params_;
  AlignedVector<T> grad_;
  TrainerState<T> progress_;  // its vectors of parameters and moments are only filled by state()
  std::vector<std::uint64_t> earlier_blame_;
};

}  // namespace riffle
