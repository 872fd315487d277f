#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "capi/call.h"
#include "capi/callback_target.h"
#include "capi/handles.h"
#include "core/aligned.h"
#include "core/rows.h"
#include "riffle/diagnostics.h"
#include "riffle/formula.h"
#include "riffle/spec.h"
#include "riffle/targets.h"

namespace riffle::capi {
namespace {

using nlohmann::ordered_json;

int make(riffle_target** out, char** error, auto&& target) {
  return guarded(error, [&] {
    auto*& handle = emptied(out, "target");
    auto made = std::make_unique<riffle_target>();
    made->target = target();
    handle = made.release();
  });
}

std::vector<std::string> names_in(std::string_view joined) {
  std::vector<std::string> names;
  while (!joined.empty()) {
    const auto comma = joined.find(',');
    auto name = joined.substr(0, comma);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    names.emplace_back(name);
    joined.remove_prefix(comma == std::string_view::npos ? joined.size() : comma + 1);
  }
  return names;
}

/// As JSON has no NaN.
ordered_json number(double x) {
  return std::isfinite(x) ? ordered_json(x) : ordered_json(nullptr);
}

}  // namespace
}  // namespace riffle::capi

using namespace riffle;
using namespace riffle::capi;

extern "C" {

int riffle_target_built_in(const char* name, const char* options, riffle_target** target,
                           char** error) {
  return make(target, error, [&] {
    // A string of JSON is one of TOML; the name decides which other keys there are.
    auto spec =
        parse_spec(fmt::format("[target]\nname = {}\n{}", nlohmann::json(text(name, "name")).dump(),
                               text_or_none(options, "options")),
                   "options");
    const BuiltInTargetOptions given{spec.target.dim, spec.target.numbers, spec.target.data};
    return built_in_target(spec.target.name, given);
  });
}

int riffle_target_formula(const char* formula, int is_log, const char* coordinates,
                          riffle_target** target, char** error) {
  return make(target, error, [&] {
    return formula_target(text(formula, "formula"),
                          is_log != 0 ? FormulaKind::log_density : FormulaKind::density,
                          names_in(text_or_none(coordinates, "coordinates")));
  });
}

int riffle_target_stan(const char* path, const char* data, uint64_t seed, unsigned flags,
                       riffle_target** target, char** error) {
  return make(target, error, [&] {
    StanModelOptions options;
    options.seed = seed;
    options.assume_thread_safe = (flags & RIFFLE_THREAD_SAFE) != 0;
    options.generated_quantities = (flags & RIFFLE_NO_GENERATED) == 0;
    options.quiet = (flags & RIFFLE_QUIET) != 0;
    options.assume_constants = (flags & RIFFLE_KEEPS_CONSTANTS) != 0;
    return load_stan_model(&needed(path, "path"), std::string(text_or_none(data, "data")), options);
  });
}

int riffle_target_plugin(const char* path, const char* data, unsigned flags, riffle_target** target,
                         char** error) {
  return make(target, error, [&] {
    return load_plugin(&needed(path, "path"), std::string(text_or_none(data, "data")),
                       {(flags & RIFFLE_THREAD_SAFE) != 0});
  });
}

int riffle_target_batch(size_t dim, riffle_batch_function evaluate, void* user,
                        const riffle_target_options* options, riffle_target** target,
                        char** error) {
  return make(target, error,
              [&] { return callback_target(dim, evaluate, nullptr, user, options); });
}

int riffle_target_point(size_t dim, riffle_point_function evaluate, void* user,
                        const riffle_target_options* options, riffle_target** target,
                        char** error) {
  return make(target, error,
              [&] { return callback_target(dim, nullptr, evaluate, user, options); });
}

void riffle_target_free(riffle_target* target) {
  delete target;
}

size_t riffle_target_dim(const riffle_target* target) {
  return target == nullptr ? 0 : target->target->dim();
}

int riffle_target_evaluate(const riffle_target* target, size_t n, const double* z, double* logp,
                           double* grad, char** error) {
  return guarded(error, [&] {
    const auto& t = *needed(target, "target").target;
    const std::size_t dim = t.dim();
    check_numbers(z, n, dim, "z");
    check_numbers(logp, n, 1, "logp");
    check_numbers(grad, n, dim, "grad");
    TileBuffer<double> points(dim);
    TileBuffer<double> slopes(dim);
    for (std::size_t first = 0; first < n; first += tile_size) {
      const auto count = std::min(tile_size, n - first);
      rows_to_tile(std::span(z + first * dim, count * dim), points.view(count));
      t.evaluate(points.view(count), {logp + first, count}, slopes.view(count));
      tile_to_rows<double>(slopes.view(count), {grad + first * dim, count * dim});
    }
  });
}

int riffle_check_gradient(const riffle_target* target, size_t points, uint64_t seed, char** json,
                          char** error) {
  if (json != nullptr) *json = nullptr;
  return guarded(error, [&] {
    GradientCheckOptions options;
    options.points = points;
    options.seed = seed;
    const auto check = check_gradient(*needed(target, "target").target, options);
    auto faults = ordered_json::array();
    for (const auto& f : check.faults) {
      faults.push_back({{"coordinate", f.coordinate},
                        {"at", number(f.at)},
                        {"given", number(f.given)},
                        {"difference", number(f.difference)}});
    }
    const ordered_json all{{"passed", check.passed()},   {"compared", check.compared},
                           {"wrong", check.wrong},       {"points", check.points},
                           {"outside", check.outside},   {"not_finite", check.not_finite},
                           {"faults", std::move(faults)}};
    if (json != nullptr) *json = new_text(all.dump(2) + "\n");
  });
}
}
