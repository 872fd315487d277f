#include <nlohmann/json.hpp>

#include "capi/call.h"
#include "capi/handles.h"
#include "riffle/diagnostics.h"
#include "riffle/run.h"
#include "run/summary.h"

namespace riffle::capi {
namespace {

using nlohmann::ordered_json;

constexpr auto replace = ordered_json::error_handler_t::replace;

/// An evaluator for one call, given back in the end.
class Lease {
 public:
  explicit Lease(const riffle_flow& flow) : flow_(flow) {
    {
      const std::scoped_lock lock(flow.mutex);
      if (!flow.idle.empty()) {
        evaluator_ = std::move(flow.idle.back());
        flow.idle.pop_back();
      }
    }
    if (evaluator_ == nullptr) evaluator_ = std::make_unique<Evaluator>(flow.flow);
  }
  ~Lease() {
    try {
      const std::scoped_lock lock(flow_.mutex);
      flow_.idle.push_back(std::move(evaluator_));
    } catch (...) {  // no memory to keep it
    }
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  Evaluator* operator->() { return evaluator_.get(); }

 private:
  const riffle_flow& flow_;
  std::unique_ptr<Evaluator> evaluator_;
};

std::string json_of(const TrainedFlow& flow) {
  const auto& d = flow.definition();
  const Evaluator evaluator(flow);
  const ordered_json json{{"dim", d.dim},
                          {"base", d.base},
                          {"flow", d.layers},
                          {"precision", name_of(d.precision)},
                          {"columns", d.columns},
                          {"parameters", d.params.size()},
                          {"injective", flow.injective()},
                          {"has_density", evaluator.has_density()},
                          {"no_density_reason", evaluator.no_density_reason()}};
  return json.dump(2, ' ', false, replace) + "\n";
}

std::span<double> wanted(double* out, std::size_t size) {
  return out == nullptr ? std::span<double>() : std::span(out, size);
}

}  // namespace
}  // namespace riffle::capi

using namespace riffle;
using namespace riffle::capi;

riffle_flow::riffle_flow(TrainedFlow trained) : flow(std::move(trained)), json(json_of(flow)) {}

extern "C" {

int riffle_flow_load(const char* path, riffle_flow** flow, char** error) {
  return guarded(error, [&] {
    auto*& handle = emptied(flow, "flow");
    handle = std::make_unique<riffle_flow>(TrainedFlow::load(&needed(path, "path"))).release();
  });
}

int riffle_flow_save(const riffle_flow* flow, const char* path, char** error) {
  return guarded(error, [&] { needed(flow, "flow").flow.save(&needed(path, "path")); });
}

void riffle_flow_free(riffle_flow* flow) {
  delete flow;
}

size_t riffle_flow_dim(const riffle_flow* flow) {
  return flow == nullptr ? 0 : flow->flow.dim();
}

const char* riffle_flow_json(const riffle_flow* flow) {
  return flow == nullptr ? nullptr : flow->json.c_str();
}

int riffle_flow_draw(const riffle_flow* flow, uint64_t seed, uint64_t first, size_t n, double* z,
                     double* log_q, double* score, char** error) {
  return guarded(error, [&] {
    const std::size_t dim = needed(flow, "flow").flow.dim();
    check_numbers(z, n, dim, "z");
    Lease(*flow)->sample(seed, first, std::span(z, n * dim), wanted(log_q, n),
                         wanted(score, n * dim));
  });
}

int riffle_flow_log_density(const riffle_flow* flow, size_t n, const double* z, double* log_q,
                            double* score, char** error) {
  return guarded(error, [&] {
    const std::size_t dim = needed(flow, "flow").flow.dim();
    check_numbers(z, n, dim, "z");
    const std::span points(z, n * dim);
    if (score != nullptr) {
      Lease(*flow)->score(points, {score, n * dim}, wanted(log_q, n));
    } else {
      check_numbers(log_q, n, 1, "log_q");
      Lease(*flow)->log_density(points, {log_q, n});
    }
  });
}

int riffle_flow_to_sample(const riffle_flow* flow, size_t n, const double* base, double* z,
                          double* log_det, char** error) {
  return guarded(error, [&] {
    const std::size_t dim = needed(flow, "flow").flow.dim();
    check_numbers(base, n, dim, "base");
    check_numbers(z, n, dim, "z");
    Lease(*flow)->to_sample(std::span(base, n * dim), {z, n * dim}, wanted(log_det, n));
  });
}

int riffle_flow_to_base(const riffle_flow* flow, size_t n, const double* z, double* base,
                        double* log_det, char** error) {
  return guarded(error, [&] {
    const std::size_t dim = needed(flow, "flow").flow.dim();
    check_numbers(z, n, dim, "z");
    check_numbers(base, n, dim, "base");
    Lease(*flow)->to_base(std::span(z, n * dim), {base, n * dim}, wanted(log_det, n));
  });
}

int riffle_diagnose(const riffle_flow* flow, const riffle_target* target, uint64_t draws,
                    uint64_t seed, char** json, char** error) {
  return guarded(error, [&] {
    auto*& out = emptied(json, "json");
    const auto& f = needed(flow, "flow").flow;
    const auto& t = *needed(target, "target").target;
    DiagnosisOptions options;
    options.seed = seed;
    if (draws > 0) options.draws = draws;
    const Diagnosis diagnosis{t.name(), f, seed, t.log_z(), diagnose(f, t, options), {}};
    out = new_text(diagnosis_json(diagnosis));
  });
}

int riffle_audit(const riffle_flow* flow, uint64_t draws, uint64_t seed, char** json,
                 char** error) {
  return guarded(error, [&] {
    auto*& out = emptied(json, "json");
    AuditOptions options;
    options.seed = seed;
    if (draws > 0) options.draws = draws;
    auto all = ordered_json::array();
    for (const auto& r : audit(needed(flow, "flow").flow, options)) {
      all.push_back({{"name", r.name},
                     {"found", r.found},
                     {"bound", r.bound},
                     {"outcome", name_of(r.outcome)},
                     {"note", r.note}});
    }
    out = new_text(all.dump(2, ' ', false, replace) + "\n");
  });
}
}
