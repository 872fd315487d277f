#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/csv.h"
#include "riffle/choices.h"

namespace riffle {

/// Where draws come from, for the comments of DrawsFormat::cmdstan.
struct DrawsOrigin {
  std::string model;        ///< name of the target
  std::uint64_t draws = 0;  ///< rows
  std::uint64_t paths = 1;  ///< values that path__ may have: independent fits or modes
  std::uint64_t seed = 0;
  bool resampled = false;  ///< by their importance weights
  /// Of a sampler, whose draws come chain by chain; 0: independent draws. Plain tables have a
  /// column chain__ then, and path__ is the chain.
  std::uint64_t chains = 0;
  double fit_seconds = 0;
  double draw_seconds = 0;
};

/// Throws Error{data} for names that readers of the layout would take for other values than they
/// are: those of CmdStan's need all elements of an array beside each other, in column-major order.
void check_layout(DrawsFormat format, std::span<const std::string> names);

/// Draws as CSV text, row by row. Plain are columns lp__ (ln p), lp_approx__ (ln q) and the
/// parameters, with no comments; CmdStan's pathfinder has comments with the configuration, columns
/// lp_approx__, lp__, path__ and the parameters, and comments with times. Two lines of a sampler's
/// (iter, warmup) are added, as true here as there, because rstan's read_stan_csv does not read a
/// file without them. Readers: ArviZ 0.x from_cmdstan, cmdstanpy from_csv, rstan read_stan_csv.
/// Numbers are in the shortest form that reads back the same; those
/// that are none are nan, inf and -inf.
class DrawsCsv {
 public:
  /// Names of the parameters are Stan's, such as a.1.2. Throws Error{data} for one that would break
  /// the table: empty, or with a comma, a quotation mark, a '#' or a line break in it; and as
  /// check_layout does.
  DrawsCsv(DrawsFormat format, std::span<const std::string> names, DrawsOrigin origin);
  /// One draw: a value for each name, the log densities at its unconstrained values, and which of
  /// the paths or chains it is of (from 1), for tables that have it.
  void add(std::span<const double> values, double log_p, double log_q, std::uint64_t path = 1);
  /// The closing comments, after the last draw.
  void finish();
  /// The text since the last call.
  std::string take();

 private:
  DrawsFormat format_;
  DrawsOrigin origin_;
  std::size_t columns_;
  std::string comments_;
  CsvText csv_;
};

/// Draws of a posterior as they were written.
struct PosteriorDraws {
  std::vector<std::string> names;  ///< of the parameters
  std::vector<double> values;      ///< row-major [n][names]
  std::vector<double> log_p;       ///< [n]
  std::vector<double> log_q;
};

/// Reads draws in either layout. Throws Error{data} for what is none, and as read_file does.
PosteriorDraws read_draws(const std::filesystem::path& path);

/// The values of one draw as CmdStan's JSON for initial values: arrays nested from names such as
/// a.1.2 (row by row, whatever the order of the names), tuples from names such as t:1, complex
/// numbers as [re, im] from names such as z.1.real. Names that make no whole array, such as a.1 and
/// a.3, or a and a.1, are keys themselves. Only the first `parameters` names are taken.
/// Numbers that are none are "NaN", "Inf" and "-Inf".
std::string inits_json(std::span<const std::string> names, std::size_t parameters,
                       std::span<const double> values);

/// The radius that CmdStan's init is, where it is no file; NaN where it is none.
double init_radius(const std::string& init);

/// Reads such values, and those that CmdStan takes: of each of the first `parameters` names its
/// value, or nothing where the text has none of that parameter. Other names of the model, those of
/// the rest and `also`, are passed over. Throws Error{data}, with `origin`, for text that is no
/// JSON object, a name that the model does not have, arrays of other sizes than the parameters
/// have, and values that are no finite numbers.
std::vector<std::optional<double>> read_inits(const std::string& text, const std::string& origin,
                                              std::span<const std::string> names,
                                              std::size_t parameters,
                                              std::span<const std::string> also);

/// Writes inits.json for one draw, and inits_1.json ... inits_N.json for N, which is how CmdStan
/// looks for the initial values of several chains when told init=inits.json. `values` are row-major
/// [n][names]. Returns the paths. Throws as write_file does.
std::vector<std::filesystem::path> write_inits(const std::filesystem::path& folder,
                                               std::span<const std::string> names,
                                               std::size_t parameters,
                                               std::span<const double> values);

}  // namespace riffle
