// Gradients of the path: the free energy's ("sticking the landing"), the importance-weighted
// bound's and Rényi's, in which the parameters' direct part of ln q is left out.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "inference/estimator_setup.h"
#include "support/failures.h"
#include "support/flow_text.h"
#include "support/mutation.h"

namespace riffle::test {
namespace {

constexpr RandomStream stream{31, Purpose::training, 4};

/// ln q of a model at fixed parameters, at points that are given.
class Frozen {
 public:
  Frozen(const FlowModel<double>& model, std::span<const double> params)
      : model_(model), params_(params.begin(), params.end()), cache_(model.flow().cache_size()) {}

  /// ln q(z) and its gradient, which is the score.
  void evaluate(Tile<const double> z, double* log_q, Tile<double> score) {
    const std::span<const double> all(params_);
    const auto flow_params = model_.flow_part(all);
    TileBuffer<double> z0(model_.dim());
    AlignedVector<double> log_det(tile_size, 0.0);
    AlignedVector<double> ones(tile_size, 1.0);
    model_.flow().inverse(flow_params, z, z0.view(z.count()), log_det.data(), cache_.data());
    model_.base().log_density(model_.base_part(all), z0.view(z.count()), log_q);
    for (std::size_t d = 0; d < z.dim(); ++d) std::fill_n(score.row(d), tile_size, 0.0);
    model_.base().log_density_vjp(model_.base_part(all), z0.view(z.count()), ones.data(), score,
                                  {});
    model_.flow().push_score(flow_params, z0.view(z.count()), cache_.data(), score, ones.data());
    for (std::size_t s = 0; s < z.count(); ++s) log_q[s] += log_det[s];
  }

 private:
  const FlowModel<double>& model_;
  std::vector<double> params_;
  AlignedVector<double> cache_;
};

/// The draws of a model as a target: p = q.
class Itself final : public Density<double> {
 public:
  Itself(const FlowModel<double>& model, std::span<const double> params)
      : Density<double>(model.dim()), model_(model), params_(params.begin(), params.end()) {}

 private:
  void evaluate_impl(Tile<const double> z, double* log_p, Tile<double> gradient) const override {
    TileBuffer<double> padded(z.dim());
    for (std::size_t d = 0; d < z.dim(); ++d) {
      for (std::size_t s = 0; s < tile_size; ++s) {
        padded.row(d)[s] = z(d, std::min(s, z.count() - 1));
      }
    }
    Frozen(model_, params_).evaluate(padded.view(z.count()), log_p, gradient);
  }

  const FlowModel<double>& model_;
  std::vector<double> params_;
};

/// ln w of every draw, one by one, and the draws themselves.
struct Draws {
  std::vector<double> log_weight;
  std::vector<std::vector<double>> z;
};

Draws draws_of(const Problem<double>& problem, std::span<const double> params, std::size_t batch,
               double beta) {
  const auto& model = problem.model;
  const std::size_t dim = model.dim();
  Draws all;
  TileBuffer<double> z0(dim);
  TileBuffer<double> z(dim);
  TileBuffer<double> gradient(dim);
  AlignedVector<double> cache(model.flow().cache_size());
  AlignedVector<double> base_cache(model.base().cache_size());
  AlignedVector<double> log_q0(tile_size);
  AlignedVector<double> log_p(tile_size);
  for (std::size_t first = 0; first < batch; first += tile_size) {
    const std::size_t n = std::min(tile_size, batch - first);
    AlignedVector<double> log_det(tile_size, 0.0);
    model.base().sample(model.base_part(params), stream, first, z0.view(), base_cache.data());
    model.base().log_density(model.base_part(params), z0.view(), log_q0.data());
    model.flow().forward(model.flow_part(params), z0.view(), z.view(), log_det.data(),
                         cache.data());
    problem.target->evaluate(z.view(), log_p.data(), gradient.view());
    for (std::size_t s = 0; s < n; ++s) {
      all.log_weight.push_back(beta * log_p[s] + log_det[s] - log_q0[s]);
      std::vector<double> point;
      for (std::size_t d = 0; d < dim; ++d) point.push_back(z.row(d)[s]);
      all.z.push_back(point);
    }
  }
  return all;
}

/// The value of an objective, straight from its definition.
double value_of(const Draws& draws, const ObjectiveTerms& terms) {
  double total = 0;
  const std::size_t n = draws.log_weight.size();
  for (std::size_t first = 0; first < n; first += terms.group) {
    double sum = 0;
    for (std::size_t k = first; k < first + terms.group; ++k) {
      sum += terms.alpha == 1 ? draws.log_weight[k]
                              : std::exp((1 - terms.alpha) * draws.log_weight[k]);
    }
    const double mean = sum / static_cast<double>(terms.group);
    total -= terms.alpha == 1 ? mean : std::log(mean) / (1 - terms.alpha);
  }
  return total * static_cast<double>(terms.group) / static_cast<double>(n);
}

/// The function whose ordinary gradient at `params` is the path's: ln q keeps the parameters as
/// they are, and so do the coefficients of the draws.
class PathFunction {
 public:
  PathFunction(const Problem<double>& problem, std::span<const double> params, std::size_t batch,
               const ObjectiveTerms& terms)
      : problem_(problem), frozen_(problem.model, params), batch_(batch), terms_(terms) {
    const auto draws = draws_of(problem, params, batch, terms.beta);
    for (std::size_t first = 0; first < batch; first += terms.group) {
      double sum = 0;
      const auto w = [&](std::size_t k) {
        return std::exp((1 - terms.alpha) * draws.log_weight[k]);
      };
      for (std::size_t k = first; k < first + terms.group; ++k) sum += w(k);
      for (std::size_t k = first; k < first + terms.group; ++k) {
        const double share = w(k) / sum;
        coefficients_.push_back(static_cast<double>(terms.group) / static_cast<double>(batch) *
                                (terms.alpha * share + (1 - terms.alpha) * share * share));
      }
    }
  }

  double operator()(std::span<const double> params) {
    const auto draws = draws_of(problem_, params, batch_, terms_.beta);
    const std::size_t dim = problem_.model.dim();
    TileBuffer<double> z(dim);
    TileBuffer<double> unused(dim);
    AlignedVector<double> log_q(tile_size);
    AlignedVector<double> log_p(tile_size);
    double total = 0;
    for (std::size_t k = 0; k < batch_; ++k) {
      for (std::size_t d = 0; d < dim; ++d) std::fill_n(z.row(d), tile_size, draws.z[k][d]);
      frozen_.evaluate(z.view(1), log_q.data(), unused.view(1));
      problem_.target->evaluate(z.view(1), log_p.data(), unused.view(1));
      total += coefficients_[k] * (log_q[0] - terms_.beta * log_p[0]);
    }
    return total;
  }

 private:
  const Problem<double>& problem_;
  Frozen frozen_;
  std::size_t batch_;
  ObjectiveTerms terms_;
  std::vector<double> coefficients_;
};

Failures check_path_gradient(const Problem<double>& problem, std::span<const double> params,
                             std::size_t batch, const ObjectiveTerms& terms,
                             std::span<const double> claimed) {
  Failures failures;
  PathFunction f(problem, params, batch, terms);
  std::vector<double> at(params.begin(), params.end());
  double largest = 1e-3;
  for (const double g : claimed) largest = std::max(largest, std::abs(g));
  for (std::size_t i = 0; i < at.size(); ++i) {
    double best = 0;
    double change = std::numeric_limits<double>::infinity();
    double before = std::numeric_limits<double>::quiet_NaN();
    for (const double h : {4e-3, 2e-3, 1e-3, 5e-4}) {
      const auto along = [&](double step) {
        at[i] = params[i] + step;
        const double value = f(at);
        at[i] = params[i];
        return value;
      };
      const double slope = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h);
      if (std::abs(slope - before) < change) {
        change = std::abs(slope - before);
        best = slope;
      }
      before = slope;
    }
    if (!(std::abs(claimed[i] - best) <= 4 * change + 1e-7 * largest)) {
      failures.push_back(
          fmt::format("[{}]: {}, by differences {} ± {}", i, claimed[i], best, change));
    }
  }
  return failures;
}

std::vector<ObjectiveTerms> path_terms() {
  return {{.path = true},
          {.beta = 0.4, .path = true},
          {.path = true, .group = 4, .alpha = 0},
          {.path = true, .group = 16, .alpha = 0},
          {.path = true, .group = 8, .alpha = 0.5},
          {.path = true, .group = 8, .alpha = 2},
          {.path = true, .group = 4, .alpha = 1}};
}

std::string name_of_terms(const ObjectiveTerms& t) {
  return fmt::format("groups of {}, alpha {}, beta {}", t.group, t.alpha, t.beta);
}

TEST(PathGradient, IsThatOfTheFunctionWhoseLogQStaysAsItIs) {
  for (const auto* flow : {"planar:2", "inverse(planar) + planar", "compose(planar:2)"}) {
    for (const auto* target : {"gaussian", "U1"}) {
      const Problem<double> problem(flow, 2, target);
      for (const double scale : {0.3, 1.0}) {
        const auto params = problem.random_params(scale, 7);
        for (const auto& terms : path_terms()) {
          const auto got = estimate_once<double>(problem, params, 144, stream, terms);
          EXPECT_TRUE(none(check_path_gradient(problem, params, 144, terms, got.grad)))
              << flow << " on " << target << ", scale " << scale << ", " << name_of_terms(terms);
        }
      }
    }
  }
}

TEST(PathGradient, OfEveryLayerIsThatOfTheFunctionWhoseLogQStaysAsItIs) {
  for (const auto& flow : every_flow(2, true)) {
    const Problem<double> problem(flow, 2, "gaussian");
    const auto params = problem.random_params(0.3, 8);
    const ObjectiveTerms terms{.path = true, .group = 8, .alpha = 0.5};
    const auto got = estimate_once<double>(problem, params, 16, stream, terms);
    EXPECT_TRUE(none(check_path_gradient(problem, params, 16, terms, got.grad))) << flow;
    auto broken = got.grad;
    mutate<double>(Mutation::scaled, broken);
    EXPECT_FALSE(check_path_gradient(problem, params, 16, terms, broken).empty()) << flow;
  }
}

TEST(PathGradient, BrokenOnesFail) {
  const Problem<double> problem("planar:2", 2, "U1");
  const auto params = problem.random_params(0.6, 7);
  for (const auto& terms : path_terms()) {
    const auto got = estimate_once<double>(problem, params, 144, stream, terms);
    for (const auto mutation : mutations) {
      auto broken = got.grad;
      mutate<double>(mutation, broken);
      EXPECT_FALSE(check_path_gradient(problem, params, 144, terms, broken).empty())
          << name_of(mutation);
    }
    // The ordinary gradient of the same draws is another.
    const auto total = estimate_once<double>(problem, params, 144, stream, {.beta = terms.beta});
    EXPECT_FALSE(check_path_gradient(problem, params, 144, terms, total.grad).empty());
  }
}

TEST(PathGradient, ValuesAreThoseOfTheDefinition) {
  const Problem<double> problem("planar:3", 2, "U1");
  const auto params = problem.random_params(0.6, 3);
  for (const auto& terms : path_terms()) {
    const auto got = estimate_once<double>(problem, params, 272, stream, terms);
    const double expected = value_of(draws_of(problem, params, 272, terms.beta), terms);
    EXPECT_NEAR(got.estimate.value, expected, 1e-12 * (1 + std::abs(expected)))
        << name_of_terms(terms);
  }
}

// Where q = p every draw's contribution vanishes, whatever the draw: a batch of one shows it.
void expect_vanishing(const std::string& flow, std::size_t dim, double scale, std::uint64_t draws) {
  const Problem<double> source(flow, dim, "gaussian");
  const auto params = source.random_params(scale, 11);
  const Problem<double> problem(flow, dim, std::make_unique<Itself>(source.model, params));
  for (std::uint64_t step = 0; step < draws; ++step) {
    const RandomStream one{5, Purpose::training, step};
    const auto path = estimate_once<double>(problem, params, 1, one, {.path = true});
    const auto total = estimate_once<double>(problem, params, 1, one, {});
    double largest_path = 0;
    double largest_total = 0;
    for (const double g : path.grad) largest_path = std::max(largest_path, std::abs(g));
    for (const double g : total.grad) largest_total = std::max(largest_total, std::abs(g));
    EXPECT_LE(largest_path, 1e-11) << flow << " in dimension " << dim << ", draw " << step;
    EXPECT_GT(largest_total, 1e-3);
    EXPECT_NEAR(path.estimate.value, 0, 1e-12) << flow;
  }
}

TEST(PathGradient, VanishesForEveryDrawWhereTheFlowIsTheTarget) {
  for (const auto* flow : {"planar", "planar:4", "inverse(planar) + planar"}) {
    for (const std::size_t dim : {1U, 2U, 5U}) {
      expect_vanishing(flow, dim, 1.0, 20);
    }
  }
}

TEST(PathGradient, VanishesForEveryDrawWhereAFlowOfAnyLayerIsTheTarget) {
  for (const std::size_t dim : {1U, 2U, 5U}) {
    auto flows = every_flow(dim, true);
    flows.push_back(every_layer(dim, true));
    for (const auto& flow : flows) expect_vanishing(flow, dim, 0.3, 10);
  }
}

TEST(PathGradient, VanishesForEveryDrawOfALearnedBaseToo) {
  for (const auto* base :
       {"diagonal-normal", "full-normal", "mixture(components=3)", "student-t"}) {
    for (const std::size_t dim : {1U, 2U, 5U}) {
      const auto set = InstructionSet::best();
      const Problem<double> source("planar:2", dim, "gaussian", set, base);
      auto params = source.random_params(0.5, 11);
      const Problem<double> problem("planar:2", dim, std::make_unique<Itself>(source.model, params),
                                    set, base);
      for (std::uint64_t step = 0; step < 20; ++step) {
        const RandomStream one{5, Purpose::training, step};
        const auto path = estimate_once<double>(problem, params, 1, one, {.path = true});
        double largest = 0;
        for (const double g : path.grad) largest = std::max(largest, std::abs(g));
        EXPECT_LE(largest, 1e-10) << base << " in dimension " << dim << ", draw " << step;
        EXPECT_NEAR(path.estimate.value, 0, 1e-11);
      }
      // Where it is not the target, it does not vanish.
      for (double& p : params) p += 0.1;
      const auto path = estimate_once<double>(problem, params, 1, stream, {.path = true});
      double largest = 0;
      for (const double g : problem.model.base_part(std::span<const double>(path.grad))) {
        largest = std::max(largest, std::abs(g));
      }
      EXPECT_GT(largest, 1e-3) << base;
    }
  }
}

// Its mean is that of the ordinary gradient: the part left out has mean zero.
TEST(PathGradient, HasTheMeanOfTheWholeGradient) {
  const Problem<double> problem("planar:2", 2, "U1");
  const auto params = problem.random_params(0.6, 7);
  constexpr std::size_t steps = 400;
  const std::size_t n = params.size();
  std::vector<double> mean(n, 0.0);
  std::vector<double> squares(n, 0.0);
  for (std::uint64_t step = 0; step < steps; ++step) {
    const RandomStream own{8, Purpose::training, step};
    const auto path = estimate_once<double>(problem, params, 256, own, {.path = true});
    const auto total = estimate_once<double>(problem, params, 256, own, {});
    for (std::size_t i = 0; i < n; ++i) {
      const double off = path.grad[i] - total.grad[i];
      mean[i] += off / steps;
      squares[i] += off * off / steps;
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_GT(squares[i], 0);
    EXPECT_LT(std::abs(mean[i]), 4.5 * std::sqrt(squares[i] / steps)) << i;
  }
}

TEST(PathGradient, HasTheMeanOfTheWholeGradientOfALearnedBaseToo) {
  for (const auto* base :
       {"diagonal-normal", "full-normal", "mixture(components=3)", "student-t"}) {
    const Problem<double> problem("planar:2", 2, "U1", InstructionSet::best(), base);
    const auto params = problem.random_params(0.4, 7);
    constexpr std::size_t steps = 400;
    const std::size_t n = params.size();
    std::vector<double> mean(n, 0.0);
    std::vector<double> squares(n, 0.0);
    for (std::uint64_t step = 0; step < steps; ++step) {
      const RandomStream own{8, Purpose::training, step};
      const auto path = estimate_once<double>(problem, params, 256, own, {.path = true});
      const auto total = estimate_once<double>(problem, params, 256, own, {});
      for (std::size_t i = 0; i < n; ++i) {
        const double off = path.grad[i] - total.grad[i];
        mean[i] += off / steps;
        squares[i] += off * off / steps;
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_GT(squares[i], 0);
      EXPECT_LT(std::abs(mean[i]), 4.5 * std::sqrt(squares[i] / steps)) << base << ", " << i;
    }
  }
}

TEST(PathGradient, LeavesOutDrawsThatFail) {
  for (const auto& terms : path_terms()) {
    const Problem<double> problem("planar:2", 2,
                                  std::make_unique<FaultyNormal<double>>(2, Fault::nan, 0.7));
    const auto params = problem.random_params(0.4, 2);
    const auto got = estimate_once<double>(problem, params, 256, stream, terms);
    EXPECT_GT(got.estimate.invalid, 10u);
    EXPECT_LT(got.estimate.invalid, 200u);
    EXPECT_TRUE(std::isfinite(got.estimate.value));
    EXPECT_EQ(got.blame.back(), got.estimate.invalid);
    for (const double g : got.grad) EXPECT_TRUE(std::isfinite(g));
  }
}

TEST(PathGradient, HasTheSameBitsOnAnyNumberOfThreads) {
  const Problem<double> problem(every_layer(2, true), 2, "U1");
  const auto params = problem.random_params(0.3, 7);
  for (const auto& terms : path_terms()) {
    const auto one = estimate_once<double>(problem, params, 1024, stream, terms, 1);
    EXPECT_EQ(one.estimate.invalid, 0u);
    for (const std::size_t threads : {2U, 4U}) {
      const auto many = estimate_once<double>(problem, params, 1024, stream, terms, threads);
      EXPECT_EQ(one.grad, many.grad);
      EXPECT_EQ(one.estimate.value, many.estimate.value);
    }
  }
}

}  // namespace
}  // namespace riffle::test
