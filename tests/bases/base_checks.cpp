#include "bases/base_checks.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <ostream>

#include "support/random.h"

namespace riffle::test {

std::string BaseCase::text() const {
  return variant.empty() ? std::string(entry->name) : fmt::format("{}({})", entry->name, variant);
}

std::string BaseCase::name() const {
  std::string safe = text();
  for (char& c : safe) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return safe;
}

std::optional<std::pair<double, double>> BaseCase::support() const {
  if (entry->name != "uniform-box") return std::nullopt;
  const Arguments arguments(parse_expressions(text(), "base").at(0), entry->options);
  return std::pair(arguments.number("low"), arguments.number("high"));
}

void PrintTo(const BaseCase& c, std::ostream* out) {
  *out << c.text();
}

std::vector<BaseCase> base_cases() {
  static constexpr std::string_view plain[] = {""};
  std::vector<BaseCase> all;
  for (const auto& entry : base_registry()) {
    const auto variants = entry.variants.empty() ? std::span(plain) : entry.variants;
    for (const auto variant : variants) all.push_back({&entry, variant});
  }
  return all;
}

std::vector<BaseParameters> parameter_sets(const BaseCase& base, std::size_t dim) {
  const auto made = base.make<double>(dim);
  std::vector<double> start(made->parameters().size());
  made->initialise({5, Purpose::initial_values, 0}, start);
  std::vector<BaseParameters> sets{{"start", start}};
  if (start.empty()) return sets;
  for (const double scale : {0.3, 1.0}) {
    // A triangle of numbers as large as its diagonal would be nearly singular in many dimensions.
    const double shrunk = dim <= 3 ? scale : scale / std::sqrt(static_cast<double>(dim));
    Random random(17);
    auto values = start;
    for (double& v : values) v += shrunk * random.normal();
    sets.push_back({fmt::format("scale {}", scale), values});
  }
  return sets;
}

template <class T>
BaseInput<T> make_input(const BaseCase& base, std::size_t dim, const std::vector<double>& params,
                        std::size_t count, std::uint64_t seed) {
  Random random(seed);
  BaseInput<T> in{as<T>(params),
                  TileBuffer<T>(dim),
                  AlignedVector<T>(tile_size, T(0)),
                  TileBuffer<T>(dim),
                  count,
                  (seed % 1000) * tile_size};
  const auto made = base.make<double>(dim);
  TileBuffer<double> draws(dim);
  AlignedVector<double> cache(made->cache_size());
  made->sample(params, {seed, Purpose::audit, 1}, 0, draws.view(), cache.data());
  for (std::size_t s = 0; s < tile_size; ++s) {
    const double stretch = s % 4 == 0 && !base.support() ? 2.5 : 1;
    if (s < count) in.weight[s] = static_cast<T>(random.normal());
    for (std::size_t d = 0; d < dim; ++d) {
      in.z.row(d)[s] = static_cast<T>(stretch * draws.row(d)[s]);
      if (s < count) in.g.row(d)[s] = static_cast<T>(random.normal());
    }
  }
  return in;
}

template <class T>
BaseOutput<T> run(const Base<T>& base, const BaseInput<T>& in) {
  const std::size_t dim = base.dim();
  BaseOutput<T> out{TileBuffer<T>(dim), std::vector<T>(in.params.size(), T(0)),
                    AlignedVector<T>(tile_size, T(0)), TileBuffer<T>(dim),
                    std::vector<T>(in.params.size(), T(0))};
  AlignedVector<T> cache(base.cache_size());
  base.sample(in.params, base_stream, in.first, out.draws.view(in.count), cache.data());
  base.sample_vjp(in.params, std::as_const(out.draws).view(in.count), cache.data(),
                  in.g.view(in.count), out.sample_grad);
  base.log_density(in.params, in.z.view(in.count), out.log_density.data());
  base.log_density_vjp(in.params, in.z.view(in.count), in.weight.data(), out.score.view(in.count),
                       out.density_grad);
  return out;
}

template BaseInput<float> make_input(const BaseCase&, std::size_t, const std::vector<double>&,
                                     std::size_t, std::uint64_t);
template BaseInput<double> make_input(const BaseCase&, std::size_t, const std::vector<double>&,
                                      std::size_t, std::uint64_t);
template BaseOutput<float> run(const Base<float>&, const BaseInput<float>&);
template BaseOutput<double> run(const Base<double>&, const BaseInput<double>&);

namespace {

constexpr double wanted = 1e-12;

AlignedVector<Dual> dual(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

/// Claimed is what dual numbers say, in units of the sum of the sizes of what was added up.
void compare(Failures& failures, std::string_view what, std::size_t i, double claimed, double exact,
             double size) {
  if (!(std::abs(claimed - exact) <= wanted * size)) {
    failures.push_back(fmt::format("{}[{}]: {:.17g}, by dual numbers {:.17g} ± {:.1g}", what, i,
                                   claimed, exact, wanted * size));
  }
}

}  // namespace

Failures check_density_gradient(const BaseCase& base, const BaseInput<double>& in,
                                const BaseOutput<double>& out) {
  const std::size_t dim = in.z.view().dim();
  const auto oracle = base.make<Dual>(dim, InstructionSet::scalar());
  Failures failures;
  TileBuffer<Dual> z(dim);
  for (std::size_t d = 0; d < dim; ++d) {
    std::copy_n(in.z.view().row(d), tile_size, z.row(d));
  }
  auto params = dual(in.params);
  AlignedVector<Dual> log_density(tile_size);
  for (std::size_t i = 0; i < params.size(); ++i) {
    params[i].tangent = 1;
    oracle->log_density(params, std::as_const(z).view(in.count), log_density.data());
    params[i].tangent = 0;
    double exact = 0;
    double size = 0;
    for (std::size_t s = 0; s < in.count; ++s) {
      exact += in.weight[s] * log_density[s].tangent;
      size += std::abs(in.weight[s]) * (1 + std::abs(log_density[s].tangent));
    }
    compare(failures, "density_grad", i, out.density_grad[i], exact, size);
  }
  for (std::size_t d = 0; d < dim; ++d) {
    for (std::size_t s = 0; s < tile_size; ++s) z.row(d)[s].tangent = 1;
    oracle->log_density(params, std::as_const(z).view(in.count), log_density.data());
    double largest = 0;
    for (std::size_t s = 0; s < in.count; ++s) {
      z.row(d)[s].tangent = 0;
      largest = std::max(largest, std::abs(log_density[s].tangent));
    }
    for (std::size_t s = 0; s < in.count; ++s) {
      compare(failures, fmt::format("score of coordinate {}", d), s, out.score.view()(d, s),
              in.weight[s] * log_density[s].tangent, std::abs(in.weight[s]) * (1 + largest));
      if (d > 0) continue;
      compare(failures, "log_density", s, out.log_density[s], log_density[s].value,
              1 + std::abs(log_density[s].value));
    }
    for (std::size_t s = 0; s < tile_size; ++s) z.row(d)[s].tangent = 0;
  }
  return failures;
}

Failures check_sample_gradient(const BaseCase& base, const BaseInput<double>& in,
                               const BaseOutput<double>& out) {
  const std::size_t dim = in.z.view().dim();
  const auto oracle = base.make<Dual>(dim, InstructionSet::scalar());
  Failures failures;
  TileBuffer<Dual> z(dim);
  AlignedVector<Dual> cache(oracle->cache_size());
  auto params = dual(in.params);
  for (std::size_t i = 0; i < params.size(); ++i) {
    params[i].tangent = 1;
    oracle->sample(params, base_stream, in.first, z.view(in.count), cache.data());
    params[i].tangent = 0;
    double exact = 0;
    double size = 0;
    for (std::size_t d = 0; d < dim; ++d) {
      for (std::size_t s = 0; s < in.count; ++s) {
        const double g = in.g.view()(d, s);
        exact += g * z.row(d)[s].tangent;
        size += std::abs(g) * (1 + std::abs(z.row(d)[s].tangent));
      }
    }
    compare(failures, "sample_grad", i, out.sample_grad[i], exact, size);
  }
  return failures;
}

std::vector<std::vector<double>> velocities(const Base<double>& base,
                                            const std::vector<double>& params,
                                            const std::vector<double>& point) {
  const std::size_t dim = base.dim();
  TileBuffer<double> z(dim);
  for (std::size_t d = 0; d < dim; ++d) std::fill_n(z.row(d), tile_size, point[d]);
  AlignedVector<double> cache(base.cache_size());
  std::vector<std::vector<double>> v(params.size(), std::vector<double>(dim));
  for (std::size_t d = 0; d < dim; ++d) {
    TileBuffer<double> g(dim);
    g.row(d)[0] = 1;
    std::vector<double> grad(params.size(), 0.0);
    base.sample_vjp(params, std::as_const(z).view(1), cache.data(), std::as_const(g).view(1), grad);
    for (std::size_t i = 0; i < params.size(); ++i) v[i][d] = grad[i];
  }
  return v;
}

Failures check_transport(const BaseCase& base, std::size_t dim, const std::vector<double>& params,
                         std::uint64_t seed, const Mutation* breakage) {
  const auto made = base.make<double>(dim);
  const std::size_t n = params.size();
  const auto v_at = [&](const std::vector<double>& point) {
    auto v = velocities(*made, params, point);
    if (breakage == nullptr) return v;
    for (std::size_t d = 0; d < dim; ++d) {
      std::vector<double> column(n);
      for (std::size_t i = 0; i < n; ++i) column[i] = v[i][d];
      mutate<double>(*breakage, column);
      for (std::size_t i = 0; i < n; ++i) v[i][d] = column[i];
    }
    return v;
  };
  Failures failures;
  const auto in = make_input<double>(base, dim, params, tile_size, seed);
  for (std::size_t s = 0; s < 32; ++s) {
    if (s % 4 == 0) continue;  // no draw, see make_input: velocities may be huge
    TileBuffer<double> z(dim);
    TileBuffer<double> score(dim);
    AlignedVector<double> weight(tile_size, 0.0);
    weight[0] = 1;
    std::vector<double> point(dim);
    for (std::size_t d = 0; d < dim; ++d) {
      point[d] = in.z.view()(d, s);
      std::fill_n(z.row(d), tile_size, point[d]);
    }
    std::vector<double> direct(n, 0.0);
    made->log_density_vjp(params, std::as_const(z).view(1), weight.data(), score.view(1), direct);
    const auto v = v_at(point);
    std::vector<double> total = direct;
    std::vector<double> size(n, 0.0);
    std::vector<double> doubt(n, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      size[i] = std::abs(direct[i]);
      for (std::size_t d = 0; d < dim; ++d) {
        total[i] += v[i][d] * score.row(d)[0];
        size[i] += std::abs(v[i][d] * score.row(d)[0]);
      }
    }
    for (std::size_t d = 0; d < dim; ++d) {
      std::vector<double> before(n, std::numeric_limits<double>::quiet_NaN());
      std::vector<double> best(n, 0.0);
      std::vector<double> change(n, std::numeric_limits<double>::infinity());
      for (const double h : {8e-3, 4e-3, 2e-3, 1e-3, 5e-4}) {
        const auto along = [&](double step) {
          auto moved = point;
          moved[d] += step;
          return v_at(moved);
        };
        const auto a = along(h);
        const auto b = along(-h);
        const auto c = along(2 * h);
        const auto e = along(-2 * h);
        for (std::size_t i = 0; i < n; ++i) {
          const double slope = (8 * (a[i][d] - b[i][d]) - (c[i][d] - e[i][d])) / (12 * h);
          if (std::abs(slope - before[i]) < change[i]) {
            change[i] = std::abs(slope - before[i]);
            best[i] = slope;
          }
          before[i] = slope;
        }
      }
      for (std::size_t i = 0; i < n; ++i) {
        total[i] += best[i];
        size[i] += std::abs(best[i]);
        doubt[i] += change[i];
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (!(std::abs(total[i]) <= 4 * doubt[i] + 1e-9 * (1 + size[i]))) {
        failures.push_back(fmt::format("parameter {} at draw {}: {} instead of 0, of terms of {}",
                                       i, s, total[i], size[i]));
      }
    }
  }
  return failures;
}

}  // namespace riffle::test
