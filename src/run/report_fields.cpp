#include "run/report_fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <tuple>

#include "riffle/version.h"
#include "run/summary_json.h"

namespace riffle {
namespace {

using Json = nlohmann::ordered_json;

/// A member of something that is an object in the file.
template <class S, class T>
struct Part {
  const char* name;
  T S::*member;
};
template <class S, class T>
Part(const char*, T S::*) -> Part<S, T>;

auto parts(const PosteriorStage*) {
  using S = PosteriorStage;
  return std::tuple(Part{"name", &S::name}, Part{"told", &S::told},
                    Part{"gradients", &S::gradients}, Part{"seconds", &S::seconds},
                    Part{"elbo", &S::elbo}, Part{"elbo_se", &S::elbo_se},
                    Part{"ess_fraction", &S::ess_fraction});
}
auto parts(const BoundPoint*) {
  using S = BoundPoint;
  return std::tuple(Part{"gradients", &S::gradients}, Part{"elbo", &S::elbo},
                    Part{"stage", &S::stage});
}
auto parts(const PosteriorStart*) {
  using S = PosteriorStart;
  return std::tuple(Part{"log_z", &S::log_z}, Part{"log_z_se", &S::log_z_se},
                    Part{"elbo", &S::elbo}, Part{"elbo_se", &S::elbo_se},
                    Part{"verdict", &S::verdict});
}
auto parts(const PosteriorParameter*) {
  using S = PosteriorParameter;
  return std::tuple(Part{"mean", &S::mean}, Part{"sd", &S::sd}, Part{"mcse", &S::mcse},
                    Part{"q5", &S::q5}, Part{"q50", &S::q50}, Part{"q95", &S::q95});
}
auto parts(const MissingValues*) {
  using S = MissingValues;
  return std::tuple(Part{"draws", &S::count}, Part{"of", &S::name}, Part{"nowhere", &S::nowhere});
}

template <class T>
concept HasParts = requires(const T* x) {
  parts(x);
};

template <class T>
Json json_value(const T& x) {
  if constexpr (std::is_same_v<T, double> || std::is_same_v<T, std::optional<double>>) {
    return number(x);
  } else if constexpr (NamedEnum<T>) {
    return name_of(x);
  } else if constexpr (HasParts<T>) {
    auto json = Json::object();
    std::apply([&](const auto&... part) { ((json[part.name] = json_value(x.*part.member)), ...); },
               parts(&x));
    return json;
  } else {
    return x;
  }
}
Json json_value(const std::vector<Blame>& all) {
  auto json = Json::object();
  for (const auto& one : all) json[one.on] = one.count;
  return json;
}
Json json_value(const std::vector<PosteriorParameter>& all) {
  auto json = Json::object();
  for (const auto& one : all) json[one.name] = json_value(one);
  return json;
}
template <HasParts T>
Json json_value(const std::vector<T>& all) {
  auto json = Json::array();
  for (const auto& one : all) json.push_back(json_value(one));
  return json;
}

template <class T>
void take(const Json& json, T& x) {
  if constexpr (std::is_same_v<T, double>) {
    x = number_of(json);
  } else if constexpr (std::is_same_v<T, std::optional<double>>) {
    x = json.is_null() ? std::nullopt : std::optional(json.get<double>());
  } else if constexpr (NamedEnum<T>) {
    x = choice_named<T>(json.get<std::string>());
  } else if constexpr (HasParts<T>) {
    std::apply([&](const auto&... part) { (take(json.at(part.name), x.*part.member), ...); },
               parts(&x));
  } else {
    x = json.get<T>();
  }
}
void take(const Json& json, std::vector<Blame>& all) {
  for (const auto& [on, count] : json.items()) all.push_back({on, count.get<std::uint64_t>()});
}
void take(const Json& json, std::vector<PosteriorParameter>& all) {
  for (const auto& [name, figures] : json.items()) {
    all.push_back({.name = name});
    take(figures, all.back());
  }
}
template <HasParts T>
void take(const Json& json, std::vector<T>& all) {
  for (const auto& one : json) take(one, all.emplace_back());
}

/// A field with how it is written and read.
struct Field : ReportField {
  std::function<Json(const ReportSource&)> write;
  std::function<void(const Json&, Summary&)> read;
  /// Whether it is there; by default, where reports of its kind are.
  std::function<bool(const ReportSource&)> when{};
  std::string_view label{};  ///< on the screen
  std::function<double(const PosteriorReport&)> figure{};

  bool is_there(const ReportSource& s) const {
    if (of == FieldOf::likelihood && !s.fit.log_likelihood) return false;
    if (of == FieldOf::posterior && !s.fit.posterior) return false;
    return !when || when(s);
  }
};

constexpr bool diagnosed = true;

/// A member of the figures that every report has; a posterior may have it once more.
template <class T>
Field field(T FitFigures::*member, const ReportField& about, T PosteriorReport::*too = nullptr) {
  return {about, [=](const ReportSource& s) { return json_value(s.fit.*member); },
          [=](const Json& json, Summary& s) {
            take(json, s.fit.*member);
            if (too != nullptr && s.fit.posterior) (*s.fit.posterior).*too = s.fit.*member;
          }};
}

/// A member of the flow's definition.
template <class T>
Field field(T TrainedFlow::Definition::*member, const ReportField& about,
            T Summary::*read = nullptr) {
  Field f{about, [=](const ReportSource& s) { return json_value(s.flow.*member); }, {}};
  if (read != nullptr) f.read = [=](const Json& json, Summary& s) { take(json, s.*read); };
  return f;
}

/// A key of the spec.
template <class T>
Field field(T Spec::Run::*member, const ReportField& about) {
  return {about, [=](const ReportSource& s) { return json_value(s.spec->run.*member); }, {}};
}

/// A member of those of a posterior; with a label it is shown.
template <class T>
Field field(T PosteriorReport::*member, ReportField about, std::string_view label = {}) {
  about.of = FieldOf::posterior;
  Field f{about, [=](const ReportSource& s) { return json_value((*s.fit.posterior).*member); },
          [=](const Json& json, Summary& s) { take(json, (*s.fit.posterior).*member); }};
  f.label = label;
  if constexpr (std::is_constructible_v<std::optional<double>, T>) {
    f.figure = [=](const PosteriorReport& p) {
      return std::optional<double>(p.*member).value_or(std::numeric_limits<double>::quiet_NaN());
    };
  }
  return f;
}

/// What is known without the figures, or made of several; nobody reads it unless `read` says so.
Field field(std::function<Json(const ReportSource&)> write, ReportField about,
            std::function<void(const Json&, Summary&)> read = {}) {
  return {about, std::move(write), std::move(read)};
}

Field only(std::function<bool(const ReportSource&)> when, Field f) {
  f.when = std::move(when);
  return f;
}

/// A figure of the sampler.
Field sampled(Field f) {
  return only([](const ReportSource& s) { return s.fit.posterior && s.fit.posterior->chains > 0; },
              std::move(f));
}

/// Of any, though old files may lack it.
bool always(const ReportSource&) {
  return true;
}
bool trains_as_told(const ReportSource& s) {
  return s.spec->run.method != Method::staged;
}
bool counts_evaluations(const ReportSource& s) {
  return s.fit.evaluations > 0;
}

/// The largest difference in log Z; null where there is nothing to compare.
Json disagreement(const PosteriorReport& p) {
  if (p.starts.size() < 2) return nullptr;
  const auto [least, most] = std::ranges::minmax_element(p.starts, {}, &PosteriorStart::log_z);
  return number(most->log_z - least->log_z);
}

template <NamedEnum E>
std::string names_of() {
  return fmt::format("`{}`", fmt::join(ChoiceNames<E>::all, "`, `"));
}

std::vector<Field> made_fields() {
  using enum FieldOf;
  using Fit = FitFigures;
  using Post = PosteriorReport;
  using Definition = TrainedFlow::Definition;
  using Source = ReportSource;
  return {
      field(&Fit::target,
            {"target", all, "", "of the target, or of the file of points", diagnosed}),
      only([](const Source& s) { return !s.fit.target_description.empty(); },
           field(&Fit::target_description,
                 {"target_description", all, "", "one's own target in a line"})),
      field(&Definition::dim, {"dim", all, "", "coordinates", diagnosed}),
      only([](const Source& s) { return !s.flow.columns.empty(); },
           field(&Definition::columns, {"columns", likelihood, "", "their names, if any"})),
      field(&Definition::base, {"base", all, "", "the base, as `base.name`", diagnosed}),
      field(&Definition::layers, {"flow", all, "", "the layers, as `flow.layers`", diagnosed},
            &Summary::flow),
      only([](const Source& s) { return !s.fit.posterior.has_value(); },
           field([](const Source& s) -> Json { return s.flow.params.size(); },
                 {"parameters", all, "", "numbers that the flow has"})),
      field([](const Source& s) -> Json { return s.flow.params.size(); },
            {"flow_parameters", posterior, "", "numbers that the flow has"}),
      only(trains_as_told, field([](const Source& s) -> Json { return s.spec->objective.name; },
                                 {"objective", all, "", "what was trained; not of a staged fit"})),
      field(&Fit::iterations, {"iterations", all, "", "steps of the optimizer, done"}),
      only(trains_as_told,
           field(&Spec::Run::batch, {"batch", all, "", "of draws or points; not of a staged fit"})),
      field([](const Source& s) -> Json { return s.seed; },
            {"seed", all, "", "of all random numbers", diagnosed}),
      field(&Fit::threads, {"threads", all, "", "that it ran on"}),
      field(&Spec::Run::precision, {"precision", all, "", names_of<Precision>()}),
      field(&Fit::simd, {"simd", all, "", "the instruction set"}),
      field([](const Source&) -> Json { return version(); },
            {"version", all, "", "of Riffle", diagnosed}),
      field(&Fit::stop_reason, {"stop_reason", all, "", names_of<StopReason>()}),
      field(&Spec::Run::method, {"method", all, "", "`flow` or `staged`"}),
      field(
          [](const Source& s) {
            return number(s.fit.posterior ? s.fit.posterior->seconds : s.fit.seconds);
          },
          {"seconds", all, "s", "of training; of a posterior all in all", diagnosed},
          [](const Json& json, Summary& s) {
            take(json, s.fit.seconds);
            if (s.fit.posterior) s.fit.posterior->seconds = s.fit.seconds;
          }),
      field(&Fit::us_per_iteration,
            {"us_per_iteration", all, "µs", "of training, without snapshots and checkpoints"}),
      field(
          [](const Source& s) -> Json {
            return s.fit.posterior ? s.fit.posterior->draws : s.spec->run.evaluation_draws;
          },
          {"evaluation_draws", all, "", "fresh draws behind the figures", diagnosed},
          [](const Json& json, Summary& s) {
            if (s.fit.posterior) take(json, s.fit.posterior->draws);
          }),
      field(&Fit::bound, {"bound", all, "nats", "the objective on fresh draws or held-out points"}),
      field(&Fit::bound_se, {"bound_se", all, "nats", "its standard error"}),
      field(&Fit::elbo,
            {"elbo", variational, "nats", "E[ln p − ln q], exact: no floors", diagnosed},
            &Post::elbo),
      field(&Fit::elbo_se, {"elbo_se", variational, "nats", "its standard error", diagnosed},
            &Post::elbo_se),
      field(&Fit::log_z_true,
            {"log_z_true", variational, "nats", "ln ∫p, where it is known", diagnosed}),
      field(&Fit::kl,
            {"kl", variational, "nats", "KL(q‖p) = log_z_true − elbo, where it is known"}),
      field(&Fit::kl_se, {"kl_se", variational, "nats", "its standard error"}),
      // One that is no number is there all the same.
      field([](const Source& s) { return number(s.fit.log_likelihood); },
            {"log_likelihood", likelihood, "nats",
             "mean ln q of a point that was held out, of all where none was"},
            [](const Json& json, Summary& s) { take(json, s.fit.log_likelihood.emplace()); }),
      field(&Fit::log_likelihood_se,
            {"log_likelihood_se", likelihood, "nats", "its standard error"}),
      field(&Fit::samples, {"samples", likelihood, "", "points that were trained on"}),
      field(&Fit::held_out, {"held_out", likelihood, "", "points that were not"}),
      field(&Fit::far_off, {"far_off", likelihood, "", "points with a number far off the others"}),
      field(&Fit::far_off_judged,
            {"far_off_judged", likelihood, "", "of these, those that log_likelihood leaves out"}),
      field(&Fit::invalid_draws,
            {"invalid_draws", all, "", "outside the support or not finite, of evaluation_draws"}),
      field(&Fit::invalid_training_draws,
            {"invalid_training_draws", all, "", "the same in training"}),
      field(&Fit::invalid_training_draws_by,
            {"invalid_training_draws_by", all, "", "what made them so, and how many"}),
      field(&Fit::refused_steps, {"refused_steps", all, "", "steps whose gradient was not finite"}),
      field(&Fit::refused_steps_by,
            {"refused_steps_by", all, "", "what made it so, and how often"}),
      only(counts_evaluations,
           field(&Fit::evaluations, {"evaluations", all, "", "of one's own target"})),
      only(counts_evaluations, field(&Fit::failed_evaluations,
                                     {"failed_evaluations", all, "",
                                      "of these, those that the target says failed", diagnosed})),
      only([](const Source& s) { return s.fit.failed_evaluations > 0; },
           field(&Fit::first_failure,
                 {"first_failure", all, "", "what the target said of the first", diagnosed})),
      field(&Fit::injective,
            {"injective", all, "",
             "whether the map is; where not, ln q is not the density of the draws"}),
      field(&Post::log_z,
            {"log_z", posterior, "nats",
             "evidence, by importance sampling, or by the bridge where "
             "a sampler's draws are kept",
             diagnosed},
            "log Z"),
      field(&Post::log_z_se, {"log_z_se", posterior, "nats", "its standard error", diagnosed}),
      field([](const Source& s) -> Json { return !s.fit.posterior->keeps_constants; },
            {"log_z_up_to_a_constant", posterior, "", "whether the target leaves constants out",
             diagnosed},
            [](const Json& json, Summary& s) {
              s.fit.posterior->keeps_constants = !json.get<bool>();
            }),
      field(&Post::wider_draws,
            {"wider_draws", posterior, "",
             "draws that reach wider than q's, for log_z and parameters", diagnosed}),
      field(&Post::khat, {"khat", posterior, "",
                          "Pareto k̂ of the weights; null where it could not be fitted", diagnosed}),
      field(&Post::ess, {"ess", posterior, "", "effective draws by the weights", diagnosed}),
      field(&Post::ess_fraction,
            {"ess_fraction", posterior, "", "their share of evaluation_draws", diagnosed}),
      only(always, field(&Post::draws_by,
                         {"draws_by", posterior, "",
                          names_of<DrawsBy>() + ": what made draws.csv and the parameters' figures",
                          diagnosed})),
      sampled(field(&Post::chains, {"chains", posterior, "", "of the sampler", diagnosed})),
      sampled(field(&Post::chain_length,
                    {"chain_length", posterior, "", "draws of each of them", diagnosed})),
      sampled(field(&Post::temperatures,
                    {"temperatures", posterior, "", "from q to p, where they started", diagnosed})),
      sampled(field(&Post::acceptance,
                    {"acceptance", posterior, "", "of their transitions, mean", diagnosed})),
      sampled(field(&Post::r_hat, {"r_hat", posterior, "",
                                   "R̂, the largest over unconstrained coordinates", diagnosed})),
      sampled(field(&Post::ess_bulk, {"ess_bulk", posterior, "",
                                      "effective draws for the bulk, the least", diagnosed})),
      sampled(field(&Post::ess_tail, {"ess_tail", posterior, "", "and for the tails", diagnosed})),
      sampled(field(&Post::log_z_importance, {"log_z_importance", posterior, "nats",
                                              "log Z by weights of q's draws", diagnosed})),
      sampled(field(&Post::log_z_importance_se,
                    {"log_z_importance_se", posterior, "nats", "its standard error", diagnosed})),
      sampled(field(&Post::log_z_bridge, {"log_z_bridge", posterior, "nats",
                                          "log Z by draws of q and of the sampler", diagnosed})),
      sampled(field(&Post::log_z_bridge_se,
                    {"log_z_bridge_se", posterior, "nats", "its standard error", diagnosed})),
      sampled(field(&Post::eubo, {"eubo", posterior, "nats",
                                  "upper bound on log Z, by the sampler's draws", diagnosed})),
      sampled(
          field(&Post::eubo_se, {"eubo_se", posterior, "nats", "its standard error", diagnosed})),
      field(&Post::verdict, {"verdict", posterior, "",
                             names_of<Grade>() + " ([verdict.md](verdict.md))", diagnosed}),
      field(&Post::verdict_reasons, {"verdict_reasons", posterior, "", "in sentences", diagnosed}),
      field(&Post::climbs, {"climbs", posterior, "", "searches of a mode", diagnosed}),
      field(&Post::modes, {"modes", posterior, "", "that they found", diagnosed}),
      field(&Post::unseen_modes, {"unseen_modes", posterior, "",
                                  "share of the climbs whose mode no other reached", diagnosed}),
      field(&Post::modes_left_out, {"modes_left_out", posterior, "",
                                    "whether some mode that counts is not covered", diagnosed}),
      field(&Post::out_of_budget,
            {"out_of_budget", posterior, "", "whether time or gradients ran out", diagnosed}),
      field(&Post::gradients,
            {"gradients", posterior, "", "evaluations of the target, all in all", diagnosed}),
      field(&Post::seconds_in_target,
            {"seconds_in_target", posterior, "s", "of all threads together", diagnosed}),
      field(&Post::starts, {"fits", posterior, "",
                            "independent fits, the kept one first: `log_z`, `elbo`, `verdict`"}),
      field([](const Source& s) { return disagreement(*s.fit.posterior); },
            {"disagreement", posterior, "nats",
             "largest difference of their log_z; null where there was one fit"}),
      field(&Post::stages, {"stages", posterior, "", "what was done and what came of it"}),
      field(&Post::trace,
            {"trace", posterior, "", "the bound against the gradients spent, by stage"}),
      field(&Post::resampled,
            {"resampled", posterior, "", "whether the draws are, by their weights"}),
      field(&Post::weighted, {"weighted", posterior, "",
                              "whether the parameters' figures use the draws' weights", diagnosed}),
      only(always,
           field(
               [](const Source& s) -> Json {
                 const auto& p = *s.fit.posterior;
                 return p.parameters.size() - p.parameter_count - p.generated_count;
               },
               {"transformed_parameters", posterior, "",
                "of `parameters`, those that are computed from others"},
               [](const Json& json, Summary& s) { take(json, s.fit.posterior->parameter_count); })),
      field(&Post::kept_ess_fraction, {"kept_ess_fraction", posterior, "",
                                       "share of the draws in draws.csv that is effective"}),
      field(&Post::kept_khat, {"kept_khat", posterior, "", "their k̂"}),
      only(always,
           field(&Post::generated_count, {"generated_quantities", posterior, "",
                                          "of `parameters`, the last ones, which are generated"})),
      only(
          [](const Source& s) {
            return s.fit.posterior->missing_values.count > 0 ||
                   !s.fit.posterior->missing_values.nowhere.empty();
          },
          field(&Post::missing_values,
                {"missing_values", posterior, "", "values that are nan at some draws, or at all"})),
      field(&Post::parameters,
            {"parameters", posterior, "",
             "the model's, each with `mean`, `sd`, `mcse`, `q5`, `q50`, `q95`", diagnosed}),
      field(&Fit::warnings, {"warnings", all, "", "in sentences"})};
}

const std::vector<Field>& fields() {
  static const auto all = made_fields();
  return all;
}

}  // namespace

std::vector<ReportField> report_fields() {
  return {fields().begin(), fields().end()};
}

std::string report_fields_table() {
  std::string text = "| key | reports | unit | meaning |\n|---|---|---|---|\n";
  for (const auto& f : fields()) {
    text += fmt::format("| `{}` | {}{} | {} | {} |\n", f.name, name_of(f.of),
                        f.diagnosed ? ", diagnosis" : "", f.unit, f.meaning);
  }
  return text;
}

Json json_of(const ReportSource& source) {
  Json json;
  for (const auto& f : fields()) {
    if ((source.spec != nullptr || f.diagnosed) && f.is_there(source)) {
      json[std::string(f.name)] = f.write(source);
    }
  }
  return json;
}

Summary summary_of(const Json& json) {
  Summary s;
  if (json.contains("verdict")) s.fit.posterior.emplace();
  const bool points = json.contains("log_likelihood");
  for (const auto& f : fields()) {
    if (!f.read || (f.of == FieldOf::posterior && !s.fit.posterior) ||
        (f.of == FieldOf::likelihood && !points)) {
      continue;
    }
    const auto at = json.find(std::string(f.name));
    // What is there under conditions may be missing.
    if (at == json.end() && f.when) continue;
    f.read(at == json.end() ? json.at(std::string(f.name)) : *at, s);
  }
  if (auto& p = s.fit.posterior) {
    // Read as how many are generated, and how many are computed otherwise.
    const auto n = p->parameters.size();
    p->generated_count = std::min(p->generated_count, n);
    p->parameter_count =
        n - p->generated_count - std::min(p->parameter_count, n - p->generated_count);
  }
  return s;
}

std::vector<ShownFigure> shown_figures(const PosteriorReport& report) {
  std::vector<ShownFigure> all;
  for (const auto& f : fields()) {
    if (f.label.empty()) continue;
    const auto error = std::ranges::find(fields(), std::string(f.name) + "_se", &ReportField::name);
    all.push_back({f.name, f.label, f.figure(report),
                   error == fields().end() ? std::numeric_limits<double>::quiet_NaN()
                                           : error->figure(report)});
  }
  return all;
}

}  // namespace riffle
