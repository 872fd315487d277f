#pragma once

#include <cstdint>
#include <vector>

#include "inference/trainer.h"
#include "posterior/spent.h"
#include "riffle/fit.h"

namespace riffle {

/// The parameters that were best on held-out data; without any while there was no check.
struct BestSoFar {
  double value = 0;
  std::uint64_t iteration = 0;
  std::vector<double> params;
  std::uint64_t checks_since = 0;  ///< that found nothing better
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

}  // namespace riffle
