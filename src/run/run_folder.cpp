#include "run/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "core/names.h"
#include "fit/check_model.h"
#include "fit/density_fit.h"
#include "fit/external_target.h"
#include "fit/resumable_fit.h"
#include "fit/target_options.h"
#include "fit/training.h"
#include "fit/warnings.h"
#include "io/cmdstan.h"
#include "io/csv.h"
#include "io/files.h"
#include "io/output.h"
#include "model/draws.h"
#include "pictures/pictures.h"
#include "posterior/deadline.h"
#include "posterior/draw_values.h"
#include "riffle/error.h"
#include "run/checkpoint_file.h"
#include "run/inputs.h"
#include "run/outputs.h"
#include "run/posterior_run.h"
#include "run/summary.h"
#include "targets/target_registry.h"
#include "targets/user_target.h"

namespace riffle {
namespace {

namespace fs = std::filesystem;

/// Those of the points that the flow was fitted to, or what the spec calls them.
std::vector<std::string> names_of(const TrainedFlow& flow, const Spec& spec) {
  const auto& columns = flow.definition().columns;
  return columns.empty() ? coordinate_names(spec, flow.dim()) : columns;
}

/// lp__, lp_approx__ and the coordinates, as CmdStan names them.
std::vector<std::string> draws_header(const std::vector<std::string>& names, bool with_target) {
  std::vector<std::string> header;
  if (with_target) header.emplace_back("lp__");
  header.emplace_back("lp_approx__");
  header.insert(header.end(), names.begin(), names.end());
  return header;
}

/// A coordinate, with as many digits as the precision of the run has.
void add_coordinate(CsvText& csv, double z, bool single) {
  if (single) {
    csv.add(static_cast<float>(z));
  } else {
    csv.add(z);
  }
}

void add_draws(CsvText& csv, const FlowDraws& draws, const std::vector<double>& log_p,
               bool single) {
  for (std::size_t i = 0; i < draws.log_q.size(); ++i) {
    if (!log_p.empty()) csv.add(log_p[i]);
    csv.add(draws.log_q[i]);
    for (std::size_t d = 0; d < draws.dim; ++d) {
      add_coordinate(csv, draws.z[i * draws.dim + d], single);
    }
    csv.end_row();
  }
}

/// The loss on points held out stands where it was taken; of a fit without any there is no column.
std::string loss_csv(const FitReport& report) {
  std::vector<std::string> header{"iteration", "loss"};
  auto check = report.held_out_losses.begin();
  if (!report.held_out_losses.empty()) header.emplace_back("held_out");
  CsvText csv(header);
  for (std::size_t i = 0; i < report.losses.size(); ++i) {
    const std::uint64_t iteration = (i + 1) * report.loss_every;
    csv.add(iteration);
    csv.add(report.losses[i]);
    if (!report.held_out_losses.empty()) {
      while (check != report.held_out_losses.end() && check->iteration < iteration) ++check;
      if (check != report.held_out_losses.end() && check->iteration == iteration) {
        csv.add(check->loss);
      } else {
        csv.add(std::string_view());
      }
    }
    csv.end_row();
  }
  return csv.take();
}

std::string samples_csv(std::vector<std::string> header, const std::vector<Snapshot>& snapshots,
                        bool single) {
  header.insert(header.begin(), "iteration");
  CsvText csv(header);
  for (const auto& snapshot : snapshots) {
    for (std::size_t i = 0; i < snapshot.x.size(); ++i) {
      csv.add(snapshot.iteration);
      add_coordinate(csv, snapshot.x[i], single);
      add_coordinate(csv, snapshot.y[i], single);
      csv.end_row();
    }
  }
  return csv.take();
}

/// Of a run that is replaced: the new one may draw fewer, or none.
void remove_pictures(const fs::path& folder) {
  std::error_code ignored;
  for (const char* name : pictures_of_runs) {
    for (const char* type : {".png", ".svg", ".gif"}) {
      fs::remove(folder / (std::string(name) + type), ignored);
    }
  }
  for (const auto& entry : fs::directory_iterator(folder / "samples", ignored)) {
    if (entry.path().filename().string().starts_with("flow_result_")) {
      fs::remove(entry.path(), ignored);
    }
  }
  // Only where nothing else is in them.
  fs::remove(folder / "samples", ignored);
  fs::remove(folder / "distributions", ignored);
}

/// How many rows of draws make one piece of text to write: the whole table may be large where there
/// are many generated quantities, and a row alone is little where there are few columns.
std::size_t rows_at_once(std::size_t columns) {
  constexpr std::size_t values = 100'000;
  return std::max<std::size_t>(1, values / (columns + 1));
}

/// The values of the report's draws, one row after another; those that it does not hold are made
/// again.
class KeptRows {
 public:
  KeptRows(const FitReport& report, const Spec& spec, const Target* own)
      : report_(report), columns_(report.posterior->parameters.size()) {
    if (!report.posterior->values.empty() || report.draws.log_q.empty()) return;
    if (own == nullptr) {
      made_ = posterior_target(spec);
      own = made_.get();
    }
    if (own != nullptr) values_.emplace(*own, spec.run.seed);
    row_.resize(columns_);
  }

  std::span<const double> next() {
    const auto i = at_++;
    if (!values_) return std::span(report_.posterior->values).subspan(i * columns_, columns_);
    const auto dim = report_.draws.dim;
    values_->next(std::span(report_.draws.z).subspan(i * dim, dim), row_);
    return row_;
  }

 private:
  const FitReport& report_;
  std::size_t columns_;
  std::size_t at_ = 0;
  std::unique_ptr<Target> made_;
  std::optional<DrawValues> values_;
  std::vector<double> row_;
};

/// Draws of the model's parameters, and some of them as initial values for a sampler. Where the
/// deadline comes first, the draws that are not written are no longer of the report.
void write_posterior(const Spec& spec, FitReport& report, const Target* own, const fs::path& folder,
                     const Deadline& deadline) {
  constexpr std::size_t inits = 4;
  auto& posterior = *report.posterior;
  std::vector<std::string> names;
  for (const auto& parameter : posterior.parameters) names.push_back(parameter.name);
  std::size_t n = report.draws.log_q.size();
  // Draws are spaced evenly over all of the chains', one chain after another.
  const bool by_sampler = posterior.draws_by == DrawsBy::sampler;
  const auto chain_of = [chains = posterior.chains, all = n](std::size_t i) {
    return 1 + i * chains / all;
  };
  DrawsCsv csv(spec.run.output_format, names,
               {.model = report.target,
                .draws = n,
                .seed = spec.run.seed,
                .resampled = posterior.resampled,
                .chains = by_sampler ? posterior.chains : 0,
                .fit_seconds = report.seconds,
                .draw_seconds = posterior.seconds - report.seconds});
  KeptRows rows(report, spec, own);
  std::vector<double> starts;
  NewFile file(folder / run_files::draws);
  for (std::size_t i = 0; i < n; ++i) {
    if (i >= inits && i % 16 == 0 && deadline.over(Deadline::files_after_stop)) {
      report.warnings.push_back(
          fmt::format("stopped: {} has {} of the {} draws", run_files::draws, i, n));
      report.stop_reason = StopReason::interrupted;
      n = i;
      break;
    }
    const auto row = rows.next();
    if (i < inits) starts.insert(starts.end(), row.begin(), row.end());
    csv.add(row, report.log_p[i], report.draws.log_q[i], by_sampler ? chain_of(i) : 1);
    if ((i + 1) % rows_at_once(names.size()) == 0) file.write(csv.take());
  }
  csv.finish();
  file.write(csv.take());
  file.commit();
  report.draws.z.resize(n * report.draws.dim);
  report.draws.log_q.resize(n);
  report.log_p.resize(n);
  posterior.log_weights.resize(n);
  if (!posterior.values.empty()) posterior.values.resize(n * names.size());
  write_inits(folder, names, posterior.parameter_count, starts);
}

/// The report of some first parameters, for the page of a posterior, where that of all does not
/// hold the values of its draws.
std::optional<PosteriorReport> shown_on_a_page(const FitReport& report, const Spec& spec,
                                               const Target* own) {
  constexpr std::size_t most_columns = 256;
  const std::size_t n = report.draws.log_q.size();
  if (!report.posterior || !report.posterior->values.empty() || n == 0) return std::nullopt;
  auto shown = *report.posterior;
  const auto first = std::min(most_columns, shown.parameters.size() - shown.generated_count);
  shown.parameters.resize(first);
  shown.generated_count = 0;
  KeptRows rows(report, spec, own);
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = rows.next().first(first);
    shown.values.insert(shown.values.end(), row.begin(), row.end());
  }
  return shown;
}

/// What a fit into a folder starts with.
struct Start {
  std::optional<Checkpoint> resume;
  std::string spec_text;
  std::vector<std::string> warnings;
  std::optional<SplitPoints> points;   ///< of a fit to samples
  std::function<void()> on_drawing{};  ///< told before pictures are drawn
  Spent earlier{};                     ///< of a staged fit that was stopped
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
};

/// The points of a fit to samples; throws what is wrong with the input of such a fit.
/// What the spec leaves to the points it is told.
std::optional<SplitPoints> points_of(Spec& spec) {
  return spec.target.samples.empty() ? std::nullopt : std::optional(split_points(spec));
}

RunOutcome fit_into(const Spec& spec, const Target* own, const fs::path& folder,
                    const FitCallbacks& callbacks, const Start& start) {
  FitHooks hooks;
  hooks.resume = start.resume ? &*start.resume : nullptr;
  hooks.on_flow = [&](const TrainedFlow& flow) { flow.save(folder / run_files::model); };
  hooks.on_checkpoint = [&](const Checkpoint& checkpoint) {
    save_checkpoint(folder / run_files::checkpoint, checkpoint, start.spec_text);
  };
  hooks.earlier = start.earlier;
  hooks.began = start.began;
  const Deadline deadline(callbacks.stop);
  RunOutcome outcome{folder,
                     start.points ? density_fit(spec, *start.points, callbacks, hooks)
                                  : resumable_fit(spec, own, callbacks, hooks),
                     {}};
  auto& report = outcome.report;
  report.warnings.insert(report.warnings.begin(), start.warnings.begin(), start.warnings.end());
  const bool single = spec.run.precision == Precision::float32;
  report.flow.save(folder / run_files::model);
  write_file(folder / run_files::loss, loss_csv(report));
  if (report.posterior) {
    write_posterior(spec, report, own, folder, deadline);
  } else {
    CsvText draws(draws_header(names_of(report.flow, spec), !report.log_p.empty()));
    add_draws(draws, report.draws, report.log_p, single);
    write_file(folder / run_files::draws, draws.text());
  }
  if (!report.snapshots.empty()) {
    write_file(folder / run_files::samples,
               samples_csv(names_of(report.flow, spec), report.snapshots, single));
  }
  const bool too_late = deadline.stopped() && report.posterior && report.posterior->values.empty();
  if (spec.run.plots && !too_late) {
    if (start.on_drawing) start.on_drawing();
    const auto few = shown_on_a_page(report, spec, own);
    auto plotted = draw_pictures(
        {spec, report.flow, report.snapshots, report.loss_every, report.losses, report.target,
         few                ? &*few
         : report.posterior ? &*report.posterior
                            : nullptr,
         report.held_out_losses},
        folder);
    outcome.pictures = std::move(plotted.files);
    report.warnings.insert(report.warnings.end(), plotted.warnings.begin(), plotted.warnings.end());
  }
  write_file(folder / run_files::summary, summary_json(spec, report));
  if (report.stop_reason != StopReason::interrupted) {
    std::error_code ignored;
    fs::remove(folder / run_files::checkpoint, ignored);
  }
  return outcome;
}

}  // namespace

void remove_temporaries(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (NewFile::is_temporary(entry.path())) fs::remove(entry.path(), error);
  }
}

Error nothing_to_resume(const fs::path& folder) {
  return {ErrorKind::usage,
          fmt::format("the run in {} is complete: there is nothing to resume", folder.string())};
}

FolderLock claim_folder(const fs::path& folder, bool force, const fs::path& named) {
  make_folder(folder);
  FolderLock lock(folder, FolderLock::Kind::sole, named);
  std::error_code error;
  if (fs::is_empty(folder, error) && !error) return lock;
  if (!force) {
    throw Error(
        ErrorKind::cannot_create,
        fmt::format("{} is not empty; choose another folder with --out, replace the run in it "
                    "with --force, or go on with it by `riffle fit {} --resume`",
                    named.string(), named.string()));
  }
  remove_temporaries(folder);
  for (const char* name : run_files::all) fs::remove(folder / name, error);
  remove_pictures(folder);
  return lock;
}

fs::path model_of(const fs::path& where) {
  std::error_code error;
  if (fs::exists(where, error) && !fs::is_directory(where, error)) return where;
  const auto path = where / run_files::model;
  if (!fs::exists(path, error) && is_figure3(where)) {
    std::vector<std::string> models;
    for (const auto& entry : fs::directory_iterator(where, error)) {
      if (entry.path().extension() == ".riffle") models.push_back(entry.path().string());
    }
    const auto first = std::ranges::min_element(models);
    throw Error(ErrorKind::usage,
                fmt::format("{} holds a figure, with a model of each fit: name one of them{}",
                            where.string(), models.empty() ? "" : ", such as " + *first));
  }
  return path;
}

bool is_figure3(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / run_files::spec, error) &&
         spec_of_run(folder).run.method == Method::figure3;
}

Spec spec_of_run(const fs::path& folder) {
  if (folder.empty())
    throw Error(ErrorKind::usage, "the name of the run's folder is empty: name the DIR of a run");
  const auto path = folder / run_files::spec;
  std::error_code error;
  if (!fs::exists(path, error)) {
    throw Error(ErrorKind::no_input,
                fmt::format("{} holds no run: there is no {}", folder.string(), run_files::spec));
  }
  return parse_spec(read_file(path), path.string());
}

RunOutcome run_in_folder(const Spec& spec, const fs::path& named, const FitCallbacks& callbacks,
                         const std::function<void()>& on_drawing) {
  spec.validate();
  const auto began = std::chrono::steady_clock::now();
  const auto folder = fs::absolute(named);  // whatever working folder the target leaves
  auto effective = spec;
  make_target_paths_absolute(effective);
  refuse_inputs_of_its_own(folder, effective);
  const auto own = external_target(effective);  // what cannot be had leaves no folder behind
  if (own) {
    check_for_fit(effective, *own);
    check_model(effective, own->dim());
  } else {
    check_target(effective);
  }
  auto points = points_of(effective);
  const Start start{std::nullopt, effective_toml(effective), {}, std::move(points), on_drawing, {},
                    began};
  const auto lock = claim_folder(folder, spec.run.force, named);
  write_inputs(folder, effective);
  write_file(folder / run_files::spec, start.spec_text);
  auto outcome = fit_into(effective, own.get(), folder, callbacks, start);
  outcome.folder = named;
  return outcome;
}

RunOutcome resume_in_folder(const fs::path& named, const std::function<void(Spec&)>& change,
                            const FitCallbacks& callbacks,
                            const std::function<void()>& on_drawing) {
  auto spec = spec_of_run(named);
  const auto began = std::chrono::steady_clock::now();
  const FolderLock lock(named, FolderLock::Kind::sole, named);
  const auto folder = fs::absolute(named);
  const auto text = read_file(folder / run_files::spec);
  const auto checkpoint_path = folder / run_files::checkpoint;
  std::optional<Checkpoint> checkpoint;
  std::error_code error;
  if (fs::exists(checkpoint_path, error)) {
    checkpoint = load_checkpoint(checkpoint_path, text);
  } else if (const auto reason = read_stop_reason(folder / run_files::summary);
             reason && *reason != StopReason::interrupted) {
    throw nothing_to_resume(named);
  }
  std::vector<std::string> warnings;
  check_inputs(named, spec, warnings);
  remove_temporaries(folder);
  fs::remove(folder / run_files::diagnosis, error);
  if (change) change(spec);
  spec.validate();
  const auto own = external_target(spec);
  auto earlier =
      spec.run.method == Method::staged ? spent_by(folder / run_files::summary) : Spent{};
  auto outcome = fit_into(spec, own.get(), folder, callbacks,
                          {checkpoint, text, std::move(warnings), points_of(spec), on_drawing,
                           std::move(earlier), began});
  outcome.folder = named;
  return outcome;
}

namespace {

constexpr std::uint64_t chunk = 64 * tile_size;

void write_posterior_draws(const PosteriorRun& run, std::uint64_t n, std::uint64_t seed,
                           Output& out, std::vector<std::string>& warnings) {
  const auto& target = *run.target;
  const UserDensity density(target);
  Executor executor(threads_of(run.spec, target));
  DrawValues values(target, seed);
  DrawsCsv csv(run.spec.run.output_format, values.names(),
               {.model = target.name(), .draws = n, .seed = seed});
  std::vector<double> row(values.names().size());
  for (std::uint64_t first = 0; first < n; first += chunk) {
    const auto drawn =
        draw<double>(*run.trained.model, &density, run.trained.params, {seed, Purpose::draws, 0},
                     first, std::min(chunk, n - first), executor);
    for (std::size_t i = 0; i < drawn.log_q.size(); ++i) {
      values.next(std::span(drawn.z).subspan(i * drawn.dim, drawn.dim), row);
      csv.add(row, drawn.log_p[i], drawn.log_q[i]);
      if ((i + 1) % rows_at_once(row.size()) == 0) out.write(csv.take());
    }
    out.write(csv.take());
  }
  csv.finish();
  out.write(csv.take());
  out.commit();
  add_generation_warning(warnings, values.failures(), n);
  add_missing_warning(warnings, values.missing(), n);
}

}  // namespace

void sample_folder(const fs::path& where, std::uint64_t n, std::uint64_t seed,
                   Coordinates coordinates, const fs::path& file,
                   std::vector<std::string>& warnings) {
  constexpr std::uint64_t most_draws = std::uint64_t{1} << 32;
  const auto flow = TrainedFlow::load(model_of(where));
  if (n > most_draws) {
    throw Error(ErrorKind::usage,
                fmt::format("{} draws are more than the {} that one seed has", n, most_draws));
  }
  refuse_files_of_runs(where, file);
  Output out(file);
  std::error_code error;
  // A folder may hold a model and no more.
  const bool is_run = fs::exists(where / run_files::spec, error);
  if (is_run && coordinates == Coordinates::parameters) {
    if (const auto run = open_posterior_run(where, warnings)) {
      const auto summary = read_summary(where / run_files::summary);
      if (summary && summary->fit.posterior &&
          summary->fit.posterior->draws_by == DrawsBy::sampler) {
        warnings.push_back(
            fmt::format("these are draws of the run's flow alone, which are not as good as those "
                        "of the sampler "
                        "in {}: lp__ - lp_approx__ weighs them",
                        (where / run_files::draws).string()));
      }
      write_posterior_draws(*run, n, seed, out, warnings);
      return;
    }
  }
  const bool single = flow.definition().precision == Precision::float32;
  const bool named = is_run && coordinates == Coordinates::parameters;
  CsvText csv(draws_header(names_of(flow, named ? spec_of_run(where) : Spec()), false));
  for (std::uint64_t first = 0; first < n; first += chunk) {
    add_draws(csv, flow.sample(std::min(chunk, n - first), seed, first), {}, single);
    out.write(csv.take());
  }
  if (n == 0) out.write(csv.take());
  out.commit();
}

}  // namespace riffle
