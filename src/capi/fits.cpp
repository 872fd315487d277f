#include <fmt/format.h>

#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>

#include "capi/call.h"
#include "capi/handles.h"
#include "riffle/fit.h"
#include "riffle/samples.h"
#include "riffle/spec.h"
#include "run/summary.h"

namespace riffle::capi {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// The caller's callbacks as those of a fit.
class Calls {
 public:
  explicit Calls(const riffle_fit_callbacks* given)
      : given_(options_over<riffle_fit_callbacks>(RIFFLE_FIT_CALLBACKS_INIT, given,
                                                  sizeof(riffle_fit_callbacks), "callbacks")) {}

  FitCallbacks callbacks() {
    FitCallbacks all;
    all.stop = &stop_;
    if (given_.on_progress != nullptr) {
      all.on_progress = [this](const FitProgress& p) {
        progress({p.iteration, p.iterations, p.loss, 0, unknown, p.seconds, "training"});
      };
      all.on_activity = [this](const PosteriorActivity& a) {
        progress({0, 0, unknown, a.gradients, a.elbo, a.seconds, a.what.c_str()});
      };
    }
    if (given_.on_stage != nullptr) {
      all.on_stage = [this](const PosteriorStage& s) {
        const riffle_stage stage{s.name.c_str(), s.told.c_str(), s.gradients,   s.seconds,
                                 s.elbo,         s.elbo_se,      s.ess_fraction};
        call([&] { return given_.on_stage(&stage, given_.user); });
      };
    }
    return all;
  }
  bool stopped() const { return stop_; }

 private:
  void progress(const riffle_progress& p) {
    call([&] { return given_.on_progress(&p, given_.user); });
  }
  template <class F>
  void call(F&& f) {
    const std::scoped_lock lock(mutex_);
    if (stop_) return;
    try {
      if (f() != 0) stop_ = true;
    } catch (const std::exception& e) {
      throw CallbackFailure(fmt::format("a callback threw: {}", e.what()));
    } catch (...) {
      throw CallbackFailure("a callback threw");
    }
  }

  riffle_fit_callbacks given_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
};

int report_of(riffle_report** out, const riffle_fit_callbacks* callbacks, char** error,
              auto&& fit_it) {
  return guarded(error, [&] {
    auto*& handle = emptied(out, "report");
    Calls calls(callbacks);
    try {
      auto [spec, report] = fit_it(calls.callbacks());
      auto json = summary_json(spec, report);
      handle = std::make_unique<riffle_report>(std::move(report), std::move(json)).release();
    } catch (const Error& e) {
      // Interrupted before there was anything to report.
      if (!calls.stopped()) throw;
      throw Cancelled(fmt::format("a callback ended the fit: {}", e.what()));
    }
  });
}

struct Outcome {
  Spec spec;
  FitReport report;
};

}  // namespace
}  // namespace riffle::capi

using namespace riffle;
using namespace riffle::capi;

riffle_report::riffle_report(FitReport found, std::string summary)
    : report(std::move(found)), json(std::move(summary)) {
  coordinates = report.flow.definition().columns;
  for (std::size_t d = coordinates.size(); d < report.flow.dim(); ++d) {
    coordinates.push_back(fmt::format("z.{}", d + 1));
  }
  if (report.posterior) {
    log_weights = report.posterior->log_weights;
  } else {
    for (std::size_t i = 0; i < report.log_p.size(); ++i) {
      log_weights.push_back(report.log_p[i] - report.draws.log_q[i]);
    }
  }
  for (std::size_t i = 0; i < report.losses.size(); ++i) {
    loss.push_back(static_cast<double>((i + 1) * report.loss_every));
    loss.push_back(report.losses[i]);
  }
  for (const auto& check : report.held_out_losses) {
    held_out_loss.push_back(static_cast<double>(check.iteration));
    held_out_loss.push_back(check.loss);
  }
}

extern "C" {

int riffle_fit(const riffle_target* target, const char* toml, const riffle_fit_callbacks* callbacks,
               riffle_report** report, char** error) {
  return report_of(report, callbacks, error, [&](const FitCallbacks& calls) {
    const auto settings = text_or_none(toml, "toml");
    if (target == nullptr) {
      auto spec = parse_spec(settings, "toml", Fitted::as_told);
      auto found = fit(spec, calls);
      return Outcome{std::move(spec), std::move(found)};
    }
    auto spec = parse_spec(settings, "toml", Fitted::library);
    auto found = fit(spec, *target->target, calls);
    return Outcome{std::move(spec), std::move(found)};
  });
}

int riffle_fit_samples(size_t n, size_t dim, const double* points, const char* const* names,
                       const char* toml, const riffle_fit_callbacks* callbacks,
                       riffle_report** report, char** error) {
  return report_of(report, callbacks, error, [&](const FitCallbacks& calls) {
    if (dim == 0) refuse("dim is 0, which leaves nothing to learn");
    if (n == 0) refuse("n is 0: there are no points to learn from");
    check_numbers(points, n, dim, "points");
    Samples samples{dim, {}, {points, n * dim}};
    for (std::size_t d = 0; names != nullptr && d < dim; ++d) {
      samples.names.emplace_back(text(names[d], "a name"));
    }
    auto spec = parse_spec(text_or_none(toml, "toml"), "toml", Fitted::samples);
    auto found = fit(spec, samples, calls);
    return Outcome{std::move(spec), std::move(found)};
  });
}

const char* riffle_report_json(const riffle_report* report) {
  return report == nullptr ? nullptr : report->json.c_str();
}

int riffle_report_array(const riffle_report* report, const char* name, riffle_array* array,
                        char** error) {
  return guarded(error, [&] {
    auto& out = needed(array, "array");
    out = {nullptr, 0, 0};
    const auto& r = needed(report, "report");
    const auto wanted = text(name, "name");
    const auto give = [&](const std::vector<double>& v, std::size_t columns) {
      if (!v.empty() && columns > 0) out = {v.data(), v.size() / columns, columns};
    };
    if (wanted == "draws") {
      give(r.report.draws.z, r.report.draws.dim);
    } else if (wanted == "log_q") {
      give(r.report.draws.log_q, 1);
    } else if (wanted == "log_p") {
      give(r.report.log_p, 1);
    } else if (wanted == "log_weights") {
      give(r.log_weights, 1);
    } else if (wanted == "values") {
      if (r.report.posterior) {
        give(r.report.posterior->values, r.report.posterior->parameters.size());
      }
    } else if (wanted == "loss") {
      give(r.loss, 2);
    } else if (wanted == "held_out_loss") {
      give(r.held_out_loss, 2);
    } else {
      refuse(
          fmt::format("a report has no array \"{}\": there are draws, log_q, log_p, log_weights, "
                      "values, loss and held_out_loss",
                      wanted));
    }
  });
}

const char* riffle_report_name(const riffle_report* report, int values, size_t i) {
  if (report == nullptr) return nullptr;
  if (values == 0) {
    return i < report->coordinates.size() ? report->coordinates[i].c_str() : nullptr;
  }
  const auto& posterior = report->report.posterior;
  if (!posterior || i >= posterior->parameters.size()) return nullptr;
  return posterior->parameters[i].name.c_str();
}

int riffle_report_flow(const riffle_report* report, riffle_flow** flow, char** error) {
  return guarded(error, [&] {
    auto*& handle = emptied(flow, "flow");
    handle = std::make_unique<riffle_flow>(needed(report, "report").report.flow).release();
  });
}

void riffle_report_free(riffle_report* report) {
  delete report;
}
}
