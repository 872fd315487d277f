#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "io/folder_lock.h"
#include "riffle/error.h"
#include "riffle/fit.h"
#include "riffle/spec.h"

namespace riffle {

/// The names of the files of a run's folder.
namespace run_files {
inline constexpr const char* spec = "spec.toml";
inline constexpr const char* inputs = "inputs.json";
inline constexpr const char* summary = "summary.json";
inline constexpr const char* model = "model.riffle";
inline constexpr const char* checkpoint = "checkpoint.riffle";
inline constexpr const char* loss = "loss.csv";
inline constexpr const char* draws = "draws.csv";
inline constexpr const char* samples = "samples.csv";
inline constexpr const char* diagnosis = "diagnose.json";
inline constexpr std::array all{spec, inputs, summary, model,    checkpoint,
                                loss, draws,  samples, diagnosis};
}  // namespace run_files

/// Makes the folder of a run, which must be new, empty, or given up by `force`: then the files of
/// the run that was there are removed, and nothing else. It is the caller's alone while the lock
/// lasts. Throws Error{cannot_create}, also where another process is at work in it; what is told
/// names the folder as `named`.
[[nodiscard]] FolderLock claim_folder(const std::filesystem::path& folder, bool force,
                                      const std::filesystem::path& named);

/// Removes what a killed run may have left half-written.
void remove_temporaries(const std::filesystem::path& folder);

/// What --resume of a run that is complete ends with.
Error nothing_to_resume(const std::filesystem::path& folder);

/// Whether the run in a folder is figure 3. Throws as spec_of_run does, but for a folder without a
/// run, where it is false.
bool is_figure3(const std::filesystem::path& folder);

/// The model that `where` names, the folder of a run or a model file itself. Throws Error{usage}
/// for the folder of a figure, which has several.
std::filesystem::path model_of(const std::filesystem::path& where);

/// The effective spec of the run in a folder. Throws Error{no_input} where there is no run, and
/// Error{usage} for a folder without a name.
Spec spec_of_run(const std::filesystem::path& folder);

/// What a fit left in its folder.
struct RunOutcome {
  std::filesystem::path folder;
  FitReport report;
  std::vector<std::filesystem::path> pictures;  ///< relative to the folder
};

/// Fits `spec` into `folder`: writes the effective spec first, a checkpoint now and then, and in
/// the end model, losses, draws, pictures and, last, the summary. Every file appears complete or
/// not at all. Throws Error{cannot_create} where the folder holds something and spec.run.force is
/// not set, or where another process is at work in it. What is wrong with the spec, or with the
/// files that its target is made of, is thrown before anything in the folder is touched: also
/// Error{usage} where the new run would take the place of one of them.
RunOutcome run_in_folder(const Spec& spec, const std::filesystem::path& folder,
                         const FitCallbacks& callbacks,
                         const std::function<void()>& on_drawing = {});

/// Goes on with the run in `folder` from its last checkpoint, or from the start where there is none
/// yet; ends with the same bits as a run that was never stopped. `change` may alter what
/// does not change the bits (threads, plots, quiet). Throws Error{no_input} where there is no run,
/// Error{usage} where it is complete already, and as check_inputs does.
RunOutcome resume_in_folder(const std::filesystem::path& folder,
                            const std::function<void(Spec&)>& change, const FitCallbacks& callbacks,
                            const std::function<void()>& on_drawing = {});

enum class Coordinates { parameters, unconstrained };

/// Writes n draws of the flow in `where` (model_of) as CSV to `file`, or to standard output where
/// that is empty. Of the folder of a posterior's run they are laid out as its draws.csv is, unless
/// `coordinates` are unconstrained: then, and of all else, the columns are lp_approx__ (ln q) and
/// the flow's coordinates, by the names of the points that it was fitted to, or z.1, z.2, ...
/// Warnings go to `warnings`. Throws also as open_posterior_run does.
void sample_folder(const std::filesystem::path& where, std::uint64_t n, std::uint64_t seed,
                   Coordinates coordinates, const std::filesystem::path& file,
                   std::vector<std::string>& warnings);

}  // namespace riffle
