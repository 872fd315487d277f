#pragma once

#include <filesystem>

#include "riffle/posterior.h"

namespace riffle {

/// One stage of a staged fit, as it ends.
void show_stage(const PosteriorStage& stage);

/// The figures with a label (run/report_fields.h), a line for each.
void show_figures(const PosteriorReport& posterior);

/// Evidence, parameters and verdict of the run in a folder.
void show_posterior(const PosteriorReport& posterior, const std::filesystem::path& folder);

/// Of a command that is strict: 0, or where the verdict is unreliable 65, after a line on standard
/// error.
int exit_code_of(const PosteriorReport& posterior);

}  // namespace riffle
