#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "riffle/choices.h"

namespace riffle {

/// Everything that decides a run, in the sections of a spec file. The same spec gives the same bits
/// on the same instruction set, whatever the number of threads.
struct Spec {
  struct Target {
    std::string name = "crescents";
    std::optional<std::uint64_t> dim;  ///< where the target leaves it open
    double log_floor = 0;              ///< ln(p + log_floor) is fitted instead of ln p
    std::map<std::string, double, std::less<>> numbers;  ///< the target's own options
    /// A file of points (CSV or .npy) whose density is learned by maximum likelihood, instead of a
    /// target that is known; `name` is then ignored, and the objective must be maximum-likelihood.
    std::string samples;
    /// Which columns of that file are coordinates, in this order, by name or, where they have none,
    /// by number; empty: all.
    std::vector<std::string> columns;
    /// A shared library, instead of a target that is built in: of a Stan model, with BridgeStan's C
    /// interface, or a plug-in (riffle/plugin.h). `name` is then ignored.
    std::string stan;
    std::string plugin;
    /// A formula (docs/formulas.md) for the density p, or for ln p, instead of a target that is
    /// built in. `name` is then ignored.
    std::string density;
    std::string log_density;
    /// Names of the formula's coordinates, joined by commas; empty: its free names as they appear.
    std::string coordinates;
    /// Data: the library's, as a file or as the data themselves; or the file of a built-in target
    /// that needs some, a table of numbers, separated by commas or by blanks, with a line of names
    /// or none.
    std::string data;
    /// staged: where the search for maxima begins, instead of uniform on (-2, 2) for each
    /// unconstrained coordinate: R for (-R, R), or a JSON file of parameters' values, as CmdStan's
    /// init is. Those that the file leaves out are drawn.
    std::string init;
    /// The library may be used from several threads though it does not say so.
    bool thread_safe = false;
    /// Whether a Stan model's generated quantities are computed for the draws of the report.
    bool generated_quantities = true;
  } target;

  struct Base {
    std::string name = "standard-normal";  ///< NAME or NAME(KEY=VALUE, ...)
  } base;

  struct Flow {
    /// NAME:COUNT or NAME(KEY=VALUE, ...):COUNT, several joined by '+', from the base on. "auto",
    /// with target.samples: what goes with the dimension of the points.
    std::string layers = "planar:32";
    double log_det_floor = 0;  ///< ln(|det| + log_det_floor) in training
  } flow;

  // Objective, optimizer and schedule are NAME or NAME(KEY=VALUE, ...), such as
  // "annealed(beta_steps=5000)": what one of them alone has stands in its parentheses, and what
  // goes with each is a key.

  struct Objective {
    std::string name = "annealed";  ///< see `riffle list objectives`
  } objective;

  struct Optimizer {
    std::string name = "rmsprop";                                ///< see `riffle list optimizers`
    double learning_rate = 0.01;                                 ///< of the first iteration
    double clip_norm = std::numeric_limits<double>::infinity();  ///< longest gradient
  } optimizer;

  struct Schedule {
    std::string name = "cosine";  ///< see `riffle list schedules`
  } schedule;

  struct Run {
    /// staged ignores base, flow, objective, optimizer and schedule; figure3 takes no keys of
    /// target and flow, and is of `riffle fit` alone.
    Method method = Method::flow;
    /// staged: time to end within, the final draws included
    double max_seconds = std::numeric_limits<double>::infinity();
    /// staged: evaluations of the target to end within, those of the final draws included
    std::uint64_t max_gradients = 20'000'000;
    /// staged: independent fits to compare. Where none is of use there are up to 3 all the same.
    std::uint64_t fits = 1;
    std::uint64_t iterations = 20'000;
    std::uint64_t batch = 256;
    std::uint64_t seed = 1;
    std::uint64_t threads = 0;  ///< 0: one for each core
    Precision precision = Precision::float64;
    std::string simd = "auto";
    std::uint64_t log_every = 0;               ///< iterations; 0: a thirtieth of the run
    std::uint64_t snapshot_every = 0;          ///< iterations; 0: a thirtieth; at most 100 are kept
    std::uint64_t evaluation_draws = 100'000;  ///< for the final figures
    std::uint64_t draws = 4000;                ///< rows of draws.csv
    Resampling resample = Resampling::none;    ///< of these (posteriors)
    DrawsFormat output_format = DrawsFormat::plain;  ///< of draws.csv (posteriors)
    bool strict = false;            ///< whether an unreliable fit is a failure of the command
    double checkpoint_seconds = 1;  ///< between two checkpoints
    bool plots = true;
    bool quiet = false;
    bool force = false;
    std::string out;  ///< folder; empty: runs/WHAT-SEED
  } run;

  /// Throws Error{usage} that names the first key whose value is out of range or unknown.
  void validate() const;
};

/// What a spec is for, where it is not the spec that says so.
enum class Fitted {
  as_told,  ///< what its section [target] names
  samples,  ///< points in a file
  library,  ///< a Stan model or a plug-in
};

/// Reads a spec in TOML. Keys that are absent have the defaults of what is fitted: samples_spec()
/// of points, posterior_spec() where run.method is staged and of a library, and otherwise those
/// of Spec. A section may be a string, the key that names what it is about: `optimizer = "adam"`.
/// A library's run.method is flow where a key of base, flow or training is there. Throws
/// Error{data} for text that is not TOML, and Error{usage} for unknown keys (naming the nearest)
/// and wrong types; where a key was one before and is an option now, that says how it is written.
/// `origin` names the text in messages.
Spec parse_spec(std::string_view toml, std::string_view origin, Fitted fitted = Fitted::as_told);

/// The whole spec in TOML, every key with its value, but for `run.out` and `run.force`, which
/// belong to one run alone. parse_spec of it gives the same spec.
std::string to_toml(const Spec& spec);

/// The same without what such a run takes no notice of: of a staged one how a flow is trained, of
/// a target from a file the name of a built-in one, and files that are not there. What is left
/// repeats the run to the bit.
std::string effective_toml(const Spec& spec);

/// Sets one key from text, such as ("optimizer.learning_rate", "0.01") or ("optimizer", "adam");
/// throws as parse_spec does.
void set_key(Spec& spec, std::string_view key, std::string_view value);

/// The spec that WHAT stands for: a spec file, a recipe or a built-in target, in that order. Throws
/// Error{usage} with the nearest name, or Error{no_input} where WHAT looks like a file that is
/// missing. `fitted` is as in parse_spec.
Spec find_spec(const std::string& what, Fitted fitted = Fitted::as_told);

/// The defaults for a target whose draws and evidence are of interest: the staged fit, and a flow
/// of some use in any dimension where spec.run.method is set to flow.
Spec posterior_spec();

/// The defaults for points in a file, whose density is learned by maximum likelihood: a flow whose
/// inverse, which is all that this needs, takes one pass.
Spec samples_spec();

/// A run configuration that comes with Riffle.
struct Recipe {
  std::string_view name;
  std::string_view summary;
  std::string_view toml;
};

/// All recipes.
std::vector<Recipe> recipes();

}  // namespace riffle
