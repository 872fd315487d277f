// The mutation gate of the flow checks: layers broken on purpose must fail them.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "flows/flow_checks.h"
#include "flows/interface/flow_registry.h"
#include "support/mutation.h"

namespace riffle::test {
namespace {

/// What a mutant does to the results of the layer that it wraps; each defaults to nothing.
struct Defect {
  std::string name;
  std::function<void(std::span<double> log_det)> log_det;         ///< what forward adds
  std::function<void(Tile<double> y)> y;                          ///< of forward
  std::function<void(std::span<double> g_log_det)> log_det_path;  ///< what vjp sees
  std::function<void(Tile<double> dz)> dz;                        ///< of vjp
  std::function<void(std::span<double> grad)> grad;               ///< what vjp adds
  std::function<void(Tile<double> z)> inverse_z;
  std::function<void(std::span<double> log_det)> inverse_log_det;  ///< what inverse adds
  std::function<void(Tile<double> g)> score;                       ///< of push_score
  std::function<void(std::span<double> weight)> score_weight;      ///< what push_score sees
  bool assigns_grad = false;
  bool assigns_log_det = false;
};

class Mutant final : public FlowLayer<double> {
 public:
  Mutant(const FlowLayer<double>& layer, Defect defect)
      : FlowLayer<double>(layer.dim(), layer.parameters(), layer.cache_size()),
        layer_(layer),
        defect_(std::move(defect)) {}

  std::string_view no_inverse_reason() const override { return layer_.no_inverse_reason(); }

 private:
  std::span<const double> all(const double* params) const { return {params, parameters().size()}; }

  void forward_impl(const Repeats<double>&, const double* params, Tile<const double> z,
                    Tile<double> y, LogDet<double> log_det, double* cache) const override {
    AlignedVector<double> added(tile_size, 0.0);
    layer_.forward(all(params), z, y, added.data(), cache);
    if (defect_.log_det) defect_.log_det(std::span(added).first(z.count()));
    if (defect_.y) defect_.y(y);
    for (std::size_t s = 0; s < z.count(); ++s) {
      log_det.sum[s] = added[s] + (defect_.assigns_log_det ? 0 : log_det.sum[s]);
    }
  }
  void vjp_impl(const Repeats<double>&, const double* params, Tile<const double> z, double* cache,
                Tile<double> g, const double* g_log_det, double* grad) const override {
    AlignedVector<double> seen(g_log_det, g_log_det + tile_size);
    if (defect_.log_det_path) defect_.log_det_path(std::span(seen).first(z.count()));
    std::vector<double> added(parameters().size(), 0.0);
    layer_.vjp(all(params), z, cache, g, seen.data(), added);
    if (defect_.dz) defect_.dz(g);
    if (defect_.grad) defect_.grad(added);
    for (std::size_t i = 0; i < added.size(); ++i) {
      grad[i] = added[i] + (defect_.assigns_grad ? 0 : grad[i]);
    }
  }
  void inverse_impl(const double* params, Tile<const double> y, Tile<double> z, double* log_det,
                    double* cache) const override {
    AlignedVector<double> added(tile_size, 0.0);
    layer_.inverse(all(params), y, z, added.data(), cache);
    if (defect_.inverse_z) defect_.inverse_z(z);
    if (defect_.inverse_log_det) defect_.inverse_log_det(std::span(added).first(y.count()));
    for (std::size_t s = 0; s < y.count(); ++s) log_det[s] += added[s];
  }
  void push_score_impl(const double* params, Tile<const double> z, double* cache, Tile<double> g,
                       const double* weight) const override {
    AlignedVector<double> seen(weight, weight + tile_size);
    if (defect_.score_weight) defect_.score_weight(std::span(seen).first(z.count()));
    layer_.push_score(all(params), z, cache, g, seen.data());
    if (defect_.score) defect_.score(g);
  }
  bool injective_impl(const double* params) const override { return layer_.injective(all(params)); }
  void initialise_impl(const RandomStream& stream, double* params) const override {
    layer_.initialise(stream, {params, parameters().size()});
  }

  const FlowLayer<double>& layer_;
  Defect defect_;
};

/// Mutates the coordinates from..to of every sample.
void mutate_rows(Mutation mutation, Tile<double> x, std::size_t from, std::size_t to) {
  for (std::size_t s = 0; s < x.count(); ++s) {
    std::vector<double> column;
    for (std::size_t d = from; d < to; ++d) column.push_back(x(d, s));
    mutate<double>(mutation, column);
    for (std::size_t d = from; d < to; ++d) x(d, s) = column[d - from];
  }
}

/// All defects of vjp that both oracles must find.
std::vector<Defect> gradient_defects(const FlowLayer<double>& layer) {
  std::vector<Defect> defects;
  const std::size_t dim = layer.dim();
  for (const auto mutation : mutations) {
    const auto named = [&](std::string_view what) {
      Defect defect;
      defect.name = fmt::format("{} {}", what, name_of(mutation));
      return defect;
    };
    auto whole = named("dz");
    whole.dz = [=](Tile<double> dz) { mutate_rows(mutation, dz, 0, dim); };
    defects.push_back(whole);
    auto last = named("last coordinate of dz");
    last.dz = [=](Tile<double> dz) { mutate_rows(mutation, dz, dim - 1, dim); };
    defects.push_back(last);
    auto path = named("cotangent of log_det");
    path.log_det_path = [=](std::span<double> g) { mutate(mutation, g); };
    defects.push_back(path);
    auto all = named("whole gradient");
    all.grad = [=](std::span<double> grad) { mutate(mutation, grad); };
    defects.push_back(all);
    for (const auto& view : layer.parameters().views()) {
      auto block = named(view.name);
      block.grad = [=, offset = view.offset, size = view.size()](std::span<double> grad) {
        mutate(mutation, grad.subspan(offset, size));
      };
      defects.push_back(block);
    }
  }
  return defects;
}

std::vector<Defect> forward_defects(const FlowLayer<double>& layer) {
  std::vector<Defect> defects;
  const std::size_t dim = layer.dim();
  for (const auto mutation : mutations) {
    Defect log_det;
    log_det.name = fmt::format("log_det {}", name_of(mutation));
    log_det.log_det = [=](std::span<double> x) { mutate(mutation, x); };
    defects.push_back(log_det);
    Defect y;
    y.name = fmt::format("y {}", name_of(mutation));
    y.y = [=](Tile<double> x) { mutate_rows(mutation, x, 0, dim); };
    defects.push_back(y);
  }
  return defects;
}

std::vector<Defect> inverse_defects(const FlowLayer<double>& layer) {
  std::vector<Defect> defects;
  const std::size_t dim = layer.dim();
  for (const auto mutation : mutations) {
    Defect z;
    z.name = fmt::format("z of the inverse {}", name_of(mutation));
    z.inverse_z = [=](Tile<double> x) { mutate_rows(mutation, x, 0, dim); };
    defects.push_back(z);
    Defect log_det;
    log_det.name = fmt::format("log_det of the inverse {}", name_of(mutation));
    log_det.inverse_log_det = [=](std::span<double> x) { mutate(mutation, x); };
    defects.push_back(log_det);
  }
  return defects;
}

class FlowMutationTest : public ::testing::TestWithParam<LayerCase> {
 protected:
  const std::size_t dim_ = GetParam().dim;
  const std::unique_ptr<FlowLayer<double>> layer_ = GetParam().make<double>();
  const std::unique_ptr<FlowLayer<Dual>> oracle_ = GetParam().make<Dual>(InstructionSet::scalar());
  /// Neither near the identity nor saturated, and injective.
  const ParameterSet params_ = [&] {
    Random random(21);
    ParameterSet set{"gate", std::vector<double>(layer_->parameters().size())};
    do {
      for (double& v : set.values) v = 0.6 * random.normal();
    } while (!layer_->injective(set.values));
    return set;
  }();
  const FlowInput<double> in_{*layer_, params_, 45, 22};
  const DualOutput exact_{*oracle_, in_};

  /// Whether a defect changes anything here: a permutation of one number does not, nor does one of
  /// the cotangents of a log-det that is the same for all samples.
  bool shows(const Mutant& mutant) const {
    return !forward_and_vjp(mutant, in_).same(forward_and_vjp(*layer_, in_), in_.count);
  }
};

TEST_P(FlowMutationTest, HealthyLayersPass) {
  const Mutant healthy(*layer_, {});
  EXPECT_TRUE(none(check_values(healthy, in_, exact_)));
  EXPECT_TRUE(none(check_determinant(healthy, in_, exact_)));
  EXPECT_TRUE(none(check_vjp_by_duals(healthy, in_, exact_)));
  EXPECT_TRUE(none(check_vjp_by_differences(healthy, in_)));
  EXPECT_TRUE(none(check_accumulation(healthy, in_)));
  if (layer_->has_inverse()) {
    EXPECT_TRUE(none(check_round_trip(healthy, in_, exact_)));
  }
}

TEST_P(FlowMutationTest, BrokenGradientsFail) {
  std::size_t seen = 0;
  for (const auto& defect : gradient_defects(*layer_)) {
    const Mutant mutant(*layer_, defect);
    if (!shows(mutant)) continue;
    ++seen;
    EXPECT_FALSE(check_vjp_by_duals(mutant, in_, exact_).empty()) << defect.name;
    EXPECT_FALSE(check_vjp_by_differences(mutant, in_).empty()) << defect.name;
  }
  // At least the three that change any number, of dz and of every block.
  EXPECT_GE(seen, 3 * (1 + layer_->parameters().views().size()));
}

TEST_P(FlowMutationTest, BrokenValuesFail) {
  std::size_t seen = 0;
  for (const auto& defect : forward_defects(*layer_)) {
    const Mutant mutant(*layer_, defect);
    if (!shows(mutant)) continue;
    ++seen;
    EXPECT_FALSE(check_values(mutant, in_, exact_).empty()) << defect.name;
    if (defect.log_det) {
      EXPECT_FALSE(check_determinant(mutant, in_, exact_).empty()) << defect.name;
    }
  }
  EXPECT_GE(seen, 3u);
}

TEST_P(FlowMutationTest, BrokenInversesFail) {
  if (!layer_->has_inverse()) GTEST_SKIP() << "no inverse: " << layer_->no_inverse_reason();
  const auto y = forward_and_vjp(*layer_, in_).y;
  const auto inverse_of = [&](const FlowLayer<double>& layer) {
    auto out = forward_and_vjp(*layer_, in_);
    out.log_det.assign(tile_size, 0.0);
    AlignedVector<double> cache(layer.cache_size());
    layer.inverse(in_.params, y.view(in_.count), out.y.view(in_.count), out.log_det.data(),
                  cache.data());
    return out;
  };
  const auto healthy = inverse_of(*layer_);
  std::size_t seen = 0;
  for (const auto& defect : inverse_defects(*layer_)) {
    const Mutant mutant(*layer_, defect);
    // A permutation of equal numbers is none.
    if (inverse_of(mutant).same(healthy, in_.count)) continue;
    ++seen;
    EXPECT_FALSE(check_round_trip(mutant, in_, exact_).empty()) << defect.name;
  }
  // At least the three of z that change any number.
  EXPECT_GE(seen, 3u);
}

TEST_P(FlowMutationTest, BrokenScoresFail) {
  if (!layer_->has_inverse()) GTEST_SKIP() << "no inverse: " << layer_->no_inverse_reason();
  const auto score_of = [&](const FlowLayer<double>& layer) {
    auto out = forward_and_vjp(*layer_, in_);
    AlignedVector<double> cache(layer.cache_size());
    AlignedVector<double> log_det(tile_size, 0.0);
    layer.forward(in_.params, in_.z.view(in_.count), out.y.view(in_.count), log_det.data(),
                  cache.data());
    out.dz = in_.g;
    layer.push_score(in_.params, in_.z.view(in_.count), cache.data(), out.dz.view(in_.count),
                     in_.g_log_det.data());
    return out;
  };
  const auto healthy = score_of(*layer_);
  EXPECT_TRUE(none(check_push_score(*layer_, in_, exact_)));
  for (const auto mutation : mutations) {
    Defect score;
    score.score = [&](Tile<double> g) { mutate_rows(mutation, g, 0, dim_); };
    Defect weight;
    weight.score_weight = [&](std::span<double> w) { mutate(mutation, w); };
    for (const auto& defect : {score, weight}) {
      const Mutant mutant(*layer_, defect);
      // A layer of constant determinant looks at no weight, and one coordinate has one order.
      if (score_of(mutant).same(healthy, in_.count)) continue;
      EXPECT_FALSE(check_push_score(mutant, in_, exact_).empty()) << name_of(mutation);
    }
  }
}

TEST_P(FlowMutationTest, OverwritingInsteadOfAddingFails) {
  if (layer_->parameters().size() > 0) {
    Defect grad;
    grad.assigns_grad = true;
    EXPECT_FALSE(check_accumulation(Mutant(*layer_, grad), in_).empty());
  }
  Defect log_det;
  log_det.assigns_log_det = true;
  EXPECT_FALSE(check_accumulation(Mutant(*layer_, log_det), in_).empty());
}

TEST_P(FlowMutationTest, SamplesThatSpoilTheirNeighboursFail) {
  Defect spill;
  spill.y = [](Tile<double> y) {
    for (std::size_t s = 1; s < y.count(); ++s) {
      if (!std::isfinite(y(0, s - 1))) y(0, s) = y(0, s - 1);
    }
  };
  EXPECT_FALSE(check_extremes(Mutant(*layer_, spill), in_).empty());
  Defect hide;
  hide.y = [](Tile<double> y) {
    for (std::size_t d = 0; d < y.dim(); ++d) {
      for (std::size_t s = 0; s < y.count(); ++s) {
        if (!std::isfinite(y(d, s))) y(d, s) = 0;
      }
    }
  };
  hide.log_det = [](std::span<double> x) {
    for (double& v : x) v = std::isfinite(v) ? v : 0;
  };
  EXPECT_FALSE(check_extremes(Mutant(*layer_, hide), in_).empty());
}

INSTANTIATE_TEST_SUITE_P(Layers, FlowMutationTest, ::testing::ValuesIn(layer_cases({1, 2, 8})),
                         [](const auto& test) { return test.param.name(); });

}  // namespace
}  // namespace riffle::test
