#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "inference/trainer.h"
#include "riffle/fit.h"

namespace riffle {

/// The parameters that were best on held-out data; without any while there was no check.
struct BestSoFar {
  double value = 0;
  std::uint64_t iteration = 0;
  std::vector<double> params;
  std::uint64_t checks_since = 0;  ///< that found nothing better
};

/// What was asked of a target, as a run has it that was stopped and resumed.
struct Spent {
  std::uint64_t evaluations = 0;
  std::uint64_t failed_evaluations = 0;
  std::string first_failure;
  double seconds_in_target = 0;  ///< of all threads together
  double seconds = 0;            ///< all in all; of a checkpoint, which has its own, 0
};

/// All that a run needs to go on where it was: the trainer's state, in double whatever the
/// precision (which holds every float exactly), and what was gathered besides.
struct Checkpoint {
  TrainerState<double> trainer;
  double seconds = 0;
  std::vector<Snapshot> snapshots;
  BestSoFar best;
  std::vector<HeldOutLoss> held_out;  ///< of each check, the first before training
  Spent spent;
};

/// Writes and reads a checkpoint; `spec` is the text of the effective spec, which must be the same
/// on reading. Reading throws Error{data} for a file that is damaged or of another run.
void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint,
                     const std::string& spec);
Checkpoint load_checkpoint(const std::filesystem::path& path, const std::string& spec);

}  // namespace riffle
