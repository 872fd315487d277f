#include "calibration/calibration.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "calibration/calibration_plot.h"
#include "calibration/ranks.h"
#include "calibration/simulation.h"
#include "fit/external_target.h"
#include "io/digest.h"
#include "io/files.h"
#include "riffle/error.h"
#include "riffle/fit.h"
#include "riffle/tile.h"
#include "run/summary_json.h"

namespace riffle {
namespace {

using Json = nlohmann::ordered_json;

/// Test quantities at one point, from the target that was fitted.
class Quantities {
 public:
  explicit Quantities(const Target& target, std::uint64_t seed)
      : target_(target), generator_(target.generator(seed)), names_(target.parameter_names()) {
    const auto generated = target.generated_names();
    for (std::size_t i = 0; i < generated.size(); ++i) {
      if (generated[i] == "log_lik" || generated[i].starts_with("log_lik.")) {
        likelihoods_.push_back(i);
      }
    }
    generated_.resize(generated.size());
    names_.emplace_back("log_density");
    if (!likelihoods_.empty()) names_.emplace_back("log_likelihood");
  }

  const std::vector<std::string>& names() const { return names_; }

  /// From the parameters; those that cannot be computed are NaN.
  std::vector<double> at(std::span<const double> parameters) {
    std::vector<double> z(target_.dim());
    if (!target_.unconstrain(parameters, z)) {
      throw Error(ErrorKind::data,
                  "calibration needs a model whose parameters can be unconstrained");
    }
    std::vector<double> values(target_.parameter_names().size());
    target_.constrain(z, values);
    std::vector<double> point(target_.dim() * tile_stride);
    std::vector<double> slope(point.size());
    double density = 0;
    for (std::size_t d = 0; d < z.size(); ++d) point[d * tile_stride] = z[d];
    target_.evaluate(Tile<const double>(point.data(), z.size(), 1), std::span(&density, 1),
                     Tile<double>(slope.data(), z.size(), 1));
    values.push_back(density);
    if (!likelihoods_.empty()) {
      generator_->generate(z, generated_);
      double sum = 0;
      for (const auto i : likelihoods_) sum += generated_[i];
      values.push_back(sum);
    }
    return values;
  }

 private:
  const Target& target_;
  std::unique_ptr<Generator> generator_;
  std::vector<std::string> names_;
  std::vector<std::size_t> likelihoods_;
  std::vector<double> generated_;
};

Json ranks_of(const Spec& own, const Simulation& simulation, const PosteriorReport& report,
              std::size_t draws) {
  Spec whole = own;
  whole.target.generated_quantities = true;
  const auto target = external_target(whole);
  Quantities quantities(*target, own.run.seed);
  const auto chosen = equal_weight_draws(report, draws, own.run.seed);
  if (chosen.empty()) throw Error(ErrorKind::data, "no draw of the fit has a finite weight");
  const auto truth = quantities.at(simulation.parameters);
  std::vector<std::vector<double>> values(truth.size());
  const std::size_t width = report.values.size() / draws;
  for (const auto i : chosen) {
    const auto here =
        quantities.at(std::span(report.values).subspan(i * width, simulation.parameters.size()));
    for (std::size_t q = 0; q < here.size(); ++q) values[q].push_back(here[q]);
  }
  Json ranks;
  for (std::size_t q = 0; q < truth.size(); ++q) {
    ranks[quantities.names()[q]] =
        rank_of(truth[q], values[q], own.run.seed, static_cast<std::uint32_t>(q));
  }
  return ranks;
}

}  // namespace

CalibrationOutcome run_calibration(const Spec& spec, std::size_t count,
                                   const std::filesystem::path& folder, Shard shard,
                                   const BatchCallbacks& callbacks, bool pictures) {
  compile_target(spec, callbacks.stop);
  const auto simulations = simulate(spec, count);
  std::vector<BatchItem> items;
  for (std::size_t i = 0; i < count; ++i) {
    items.push_back({fmt::format("simulation {}", i),
                     {{"target.data", simulations[i].data},
                      {"run.seed", std::to_string(seed_of_simulation(spec, i))}},
                     digest_of(simulations[i].data)});
  }
  Spec fitted = spec;
  fitted.target.generated_quantities = false;  // ranks need them at few draws alone
  BatchCallbacks own = callbacks;
  own.on_report = [&](std::size_t number, const Spec& item, const FitReport& report, Json& row) {
    if (!report.posterior) throw Error(ErrorKind::usage, "calibration is of staged fits alone");
    row["ranks"] =
        ranks_of(item, simulations[number], *report.posterior, report.draws.log_q.size());
  };
  CalibrationOutcome outcome;
  outcome.batch = run_batch(fitted, items, folder, shard, own);
  if (!outcome.batch.complete) return outcome;
  const auto rows = batch_rows(folder);
  outcome.report = calibration_report(rows);
  write_file(folder / "ranks.csv", ranks_table(rows));
  write_file(folder / "summary.json", text_of(json_of(*outcome.report)));
  if (pictures) outcome.warnings = draw_calibration(*outcome.report, folder);
  return outcome;
}

}  // namespace riffle
