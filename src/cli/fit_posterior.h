#pragma once

#include "riffle/posterior.h"
#include "run/run_folder.h"

namespace riffle {

/// One stage of a staged fit, as it ends.
void show_stage(const PosteriorStage& stage);

/// Evidence, parameters and verdict. `folder` is where more can be read.
void show_posterior(const PosteriorReport& posterior);

}  // namespace riffle
