#include "run/score_points.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <system_error>

#include "core/aligned.h"
#include "core/names.h"
#include "core/rows.h"
#include "fit/external_target.h"
#include "fit/target_options.h"
#include "io/csv.h"
#include "io/output.h"
#include "io/points.h"
#include "riffle/error.h"
#include "run/inputs.h"
#include "run/outputs.h"
#include "run/posterior_run.h"
#include "targets/built_in_target.h"
#include "targets/target_registry.h"

namespace riffle {
namespace {

namespace fs = std::filesystem;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// ln q of the flow's own draws, from the lowest: always the same ones, so that figures of several
/// files can be compared.
class OwnDraws {
 public:
  explicit OwnDraws(const TrainedFlow& flow) {
    constexpr std::uint64_t draws = 10'000;
    constexpr std::uint64_t seed = 0x73636f7265;  // none that a user would take
    for (const double log_q : flow.sample(draws, seed).log_q) {
      if (!std::isnan(log_q)) log_q_.push_back(log_q);
    }
    std::sort(log_q_.begin(), log_q_.end());
  }

  /// The share of them that are less likely.
  double percentile(double log_q) const {
    if (std::isnan(log_q) || log_q_.empty()) return nan;
    const auto below = std::lower_bound(log_q_.begin(), log_q_.end(), log_q) - log_q_.begin();
    return static_cast<double>(below) / static_cast<double>(log_q_.size());
  }

 private:
  std::vector<double> log_q_;
};

std::vector<std::string> numbered_names(std::size_t dim) {
  std::vector<std::string> names;
  for (std::size_t d = 1; d <= dim; ++d) names.push_back(fmt::format("z.{}", d));
  return names;
}

/// The target of a run, whatever it is; null for the model file of one and for a fit to samples.
std::unique_ptr<Target> any_target(const fs::path& folder, std::vector<std::string>& warnings) {
  std::error_code error;
  if (!fs::exists(folder / run_files::spec, error)) return nullptr;
  const auto spec = spec_of_run(folder);
  spec.validate();
  if (!spec.target.samples.empty()) return nullptr;
  check_inputs(folder, spec, warnings);
  if (auto target = posterior_target(spec)) return target;
  if (has_formula(spec)) return formula_target_of(spec);
  const auto& entry = find_by_name(target_registry(), spec.target.name, "target");
  return std::make_unique<BuiltInTarget>(
      entry, target_options(entry, spec, InstructionSet::parse(spec.run.simd)));
}

/// Whether parameters are those of z, apart from rounding.
bool goes_back(const Target& target, std::span<const double> z, std::span<const double> theta,
               std::span<double> again) {
  constexpr double tolerance = 1e-5;  // that of a table of six digits
  target.constrain(z, again);
  for (std::size_t i = 0; i < theta.size(); ++i) {
    const double off = std::abs(again[i] - theta[i]);
    if (off > tolerance * (1 + std::abs(theta[i]))) return false;
  }
  return true;
}

/// Points of the flow's space, some of whose rows may be nan.
struct FlowPoints {
  std::size_t dim = 0;
  std::vector<double> z;
  std::size_t outside = 0;    ///< rows that are nan
  std::size_t first_out = 0;  ///< the first of them, from 1
};

FlowPoints unconstrained(const Target& target, const Points& points, const fs::path& path) {
  const std::size_t n = points.count();
  const std::size_t parameters = points.dim;
  FlowPoints result{target.dim(), std::vector<double>(n * target.dim(), nan)};
  std::vector<double> again(target.parameter_names().size());
  bool same = parameters == target.dim();
  for (std::size_t i = 0; i < n; ++i) {
    const auto theta = std::span(points.values).subspan(i * parameters, parameters);
    const auto z = std::span(result.z).subspan(i * target.dim(), target.dim());
    if (!target.unconstrain(theta, z)) {
      throw Error(
          ErrorKind::usage,
          fmt::format("{} has no map from its parameters to the flow's coordinates{}: give "
                      "these, z.1 ... z.{}, and --unconstrained",
                      target.name(), " (riffle_plugin_unconstrain of a plug-in)", target.dim()));
    }
    same = same && std::equal(theta.begin(), theta.end(), z.begin());
    const bool inside =
        std::all_of(z.begin(), z.end(), [](double x) { return std::isfinite(x); }) &&
        goes_back(target, z, theta, again);
    if (inside) continue;
    std::fill(z.begin(), z.end(), nan);
    if (result.outside++ == 0) result.first_out = i + 1;
  }
  if (!points.has_names && !same) {
    throw Error(
        ErrorKind::data,
        fmt::format("{} has no names, and {} has constrained parameters: name its columns {} "
                    "..., or give the flow's own coordinates and --unconstrained",
                    path.string(), target.name(), target.parameter_names().front()));
  }
  return result;
}

std::vector<double> log_p_at(const Target& target, std::span<const double> z) {
  const std::size_t dim = target.dim();
  const std::size_t n = z.size() / dim;
  TileBuffer<double> points(dim);
  TileBuffer<double> gradient(dim);
  std::vector<double> log_p(n);
  for (std::size_t first = 0; first < n; first += tile_size) {
    const auto count = std::min(tile_size, n - first);
    const auto tile = points.view(count);
    rows_to_tile<double>(z.subspan(first * dim, count * dim), tile);
    target.evaluate(tile, std::span(log_p).subspan(first, count), gradient.view(count));
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (std::isnan(z[i * dim])) log_p[i] = nan;
  }
  return log_p;
}

void check_dim(const ScoreRequest& request, std::size_t have, std::size_t want) {
  if (have == want) return;
  throw Error(ErrorKind::data,
              fmt::format("{}: points of dimension {}, but the flow in {} has {}",
                          request.points.string(), have, request.where.string(), want));
}

/// The points, and in which order they are those of the flow.
FlowPoints read_flow_points(const ScoreRequest& request, const TrainedFlow& flow) {
  const auto& columns = flow.definition().columns;
  const auto numbered = numbered_names(flow.dim());
  auto names = columns;
  std::error_code error;
  if (names.empty()) {
    const bool named = request.coordinates == Coordinates::parameters &&
                       fs::exists(request.where / run_files::spec, error);
    names = named ? coordinate_names(spec_of_run(request.where), flow.dim()) : numbered;
  }
  auto points =
      read_points(request.points,
                  {.chosen = request.columns, .wanted = names, .by_name_only = names != numbered});
  check_dim(request, points.dim, flow.dim());
  return {points.dim, std::move(points.values)};
}

FlowPoints read_parameters(const ScoreRequest& request, const Target& target) {
  auto names = target.parameter_names();
  names.resize(target.parameter_count());
  Points points;
  try {
    points = read_points(request.points, {.chosen = request.columns, .wanted = names});
  } catch (const Error& error) {
    const auto own = numbered_names(target.dim());
    if (names == own || error.kind() != ErrorKind::data) throw;
    bool of_flow = true;
    try {
      read_points(request.points, {.chosen = request.columns, .wanted = own});
    } catch (const Error&) {
      of_flow = false;
    }
    if (!of_flow) throw;
    throw Error(ErrorKind::data, fmt::format("{}; for the flow's own coordinates z.1 ... z.{} give "
                                             "--unconstrained",
                                             error.what(), target.dim()));
  }
  check_dim(request, points.dim, names.size());
  return unconstrained(target, points, request.points);
}

}  // namespace

void score_points(const ScoreRequest& request, const fs::path& file,
                  std::vector<std::string>& warnings) {
  const auto flow = TrainedFlow::load(model_of(request.where));
  refuse_files_of_runs(request.where, file);
  refuse_same_file(request.points, file);
  flow.log_density({});  // refuses a flow that has none, before a large file is read
  std::error_code error;
  std::unique_ptr<Target> target;
  const bool is_run = fs::exists(request.where / run_files::spec, error);
  FlowPoints points;
  std::optional<PosteriorRun> run;
  if (is_run && request.coordinates == Coordinates::parameters) {
    run = open_posterior_run(request.where, warnings);
  }
  if (run) {
    target = std::move(run->target);
  } else if (request.log_p) {
    target = any_target(request.where, warnings);
  }
  if (request.log_p && target == nullptr) {
    throw Error(ErrorKind::usage,
                fmt::format("{} has no ln p: --log-p needs the folder of a fit to a target",
                            request.where.string()));
  }
  points = run ? read_parameters(request, *target) : read_flow_points(request, flow);

  const auto log_q = flow.log_density(points.z);
  const auto log_p = request.log_p ? log_p_at(*target, points.z) : std::vector<double>();
  const OwnDraws own(flow);
  Output out(file);
  std::vector<std::string> header{"lp_approx__", "percentile"};
  if (request.log_p) header.insert(header.begin(), "lp__");
  CsvText csv(header);
  std::size_t without = 0;
  for (std::size_t i = 0; i < log_q.size(); ++i) {
    if (request.log_p) csv.add(log_p[i]);
    csv.add(log_q[i]);
    csv.add(own.percentile(log_q[i]));
    csv.end_row();
    without += std::isfinite(log_q[i]) ? 0 : 1;
  }
  out.write(csv.text());
  out.commit();
  if (points.outside > 0) {
    warnings.push_back(
        fmt::format("{} of {} points are outside the support of the parameters: "
                    "their rows are nan; the first is row {}",
                    points.outside, log_q.size(), points.first_out));
  }
  if (without > points.outside) {
    warnings.push_back(fmt::format("ln q of {} points is not finite", without - points.outside));
  }
}

}  // namespace riffle
