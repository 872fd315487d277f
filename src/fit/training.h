#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "core/aligned.h"
#include "fit/resumable_fit.h"
#include "inference/trainer.h"
#include "model/flow_model.h"
#include "riffle/fit.h"

namespace riffle {

/// What a spec says of training.
TrainerOptions trainer_options(const Spec& spec);

/// As many as the spec says, or one for each core, as far as the batch has work for them.
std::size_t threads_of(const Spec& spec);
/// The same, but one where the target may be used from one thread alone.
std::size_t threads_of(const Spec& spec, const Target& target);

/// What is trained, and by what.
template <class T>
struct Training {
  const FlowModel<T>& model;
  const FlowModel<T>& exact_model;  ///< the same without floors, for snapshots
  GradientSource<T>& source;
  /// Full tiles of what enters the flow, for layers that start from data.
  std::span<TileBuffer<T>> first_batch;
  /// The objective on data that is held out; where it does not get better any more, training ends
  /// with the parameters that were best. May be empty.
  std::function<double(std::span<const T> params)> held_out{};
  /// What was asked of the target so far, for checkpoints; may be empty.
  std::function<Spent()> spent{};
};

template <class T>
struct Trained {
  StopReason reason;
  std::vector<T> params;
  TrainerState<T> state;
  std::vector<Snapshot> snapshots{};
  std::vector<HeldOutLoss> held_out{};  ///< of each check, the first before training
  bool untrained = false;               ///< whether no check was better than that one
  double seconds = 0;
  double us_per_iteration = 0;
};

/// Trains from the start, or from hooks.resume, telling callbacks and hooks. Throws Error{data}
/// where the checkpoint does not fit.
template <class T>
Trained<T> train(const Spec& spec, const TrainerOptions& options, Training<T> training,
                 const FitCallbacks& callbacks, const FitHooks& hooks);

/// What a report says of training, whatever was trained: all that is not said here is left at its
/// default. Draws that were not finite behind all layers of `flow` are put down to `last`.
template <class T>
FitFigures training_figures(const Trained<T>& trained, std::span<const Expression> flow,
                            std::string_view last, std::size_t threads, InstructionSet set);

}  // namespace riffle
