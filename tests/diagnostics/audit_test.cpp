// The audit passes every flow of the registry, and each fault that is put into one fails the checks
// that are there to find it, and no other.
#include "diagnostics/audit.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/names.h"
#include "core/whole_lanes.h"
#include "support/effort.h"
#include "support/flow_text.h"
#include "support/random.h"

namespace riffle {
namespace {

using Names = std::set<std::string>;

Names with(const std::vector<AuditResult>& results, AuditOutcome outcome) {
  Names names;
  for (const auto& r : results) {
    if (r.outcome == outcome) names.insert(r.name);
  }
  return names;
}

std::string table(const std::vector<AuditResult>& results) {
  std::string text;
  for (const auto& r : results) {
    text += fmt::format("\n  {}: {} (bound {}) [{}]", r.name, r.found, r.bound, r.note);
  }
  return text;
}

template <class T>
std::vector<T> random_params(std::size_t size, double scale, std::uint64_t seed) {
  test::Random random(seed);
  std::vector<T> params(size);
  for (T& p : params) p = static_cast<T>(scale * random.normal());
  return params;
}

FlowModel<double> exact_model(const std::string& layers, std::size_t dim) {
  return make_model<double>("standard-normal", parse_flow(layers),
                            {dim, 0, InstructionSet::scalar()});
}

/// `with_net`: three nets whose parameters have the size 3, far from any that training leaves,
/// amplify a float's rounding to the size of the draws, and beyond what a few disturbances tell of.
/// Where three layers stretch space by thousands, ∫q is all edges.
template <class T>
void expect_no_fault(const std::string& layers, std::size_t dim, bool with_net) {
  const auto model =
      make_model<T>("standard-normal", parse_flow(layers), {dim, 0, InstructionSet::best()});
  const auto exact = exact_model(layers, dim);
  Executor executor(1);
  std::vector<std::vector<T>> all{std::vector<T>(model.parameters().size())};
  model.initialise({3, Purpose::initial_values, 0}, std::span<T>(all[0]));
  for (const double scale : {0.1, 0.3, 1.0, 3.0}) {
    if (with_net && scale > 1) continue;
    all.push_back(random_params<T>(model.parameters().size(), scale, 5));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    SCOPED_TRACE(fmt::format("{}, D = {}, {}, parameters {}", layers, dim,
                             std::is_same_v<T, float> ? "float" : "double", i));
    const std::span<const T> params(all[i]);
    const auto results = audit<T>(model, exact, params, {1, 256}, executor);
    ASSERT_EQ(results.size(), 6U);
    auto failed = with(results, AuditOutcome::failed);
    constexpr std::size_t widest = 4;
    if (i == widest) failed.erase("normalisation");
    if (model.injective(params)) {
      EXPECT_EQ(failed, Names{}) << table(results);
    } else {
      EXPECT_EQ(failed, Names{"injectivity"}) << table(results);
    }
  }
}

/// Whether one of the layers, or of those that they are made of, has a net.
bool has_net(const std::vector<Expression>& flow) {
  return std::ranges::any_of(flow, [](const Expression& layer) {
    const auto& entry = find_by_name(flow_registry(), layer.name, "flow");
    return has_net(layer.inner) || std::ranges::any_of(entry.options, [](const Option& option) {
             return option.name == "hidden";
           });
  });
}

TEST(Audit, FindsNoFaultInAnyFlow) {
  for (const auto& entry : flow_registry()) {
    static constexpr std::string_view plain[] = {""};
    for (const auto variant : entry.variants.empty() ? std::span(plain) : entry.variants) {
      // Three tails in a row leave the range of floats, and with it part of ∫q.
      const int count = entry.name == "tails" ? 1 : 3;
      const auto layers = variant.empty() ? fmt::format("{}:{}", entry.name, count)
                                          : fmt::format("{}({}):{}", entry.name, variant, count);
      const bool with_net = has_net(parse_flow(layers));
      for (const std::size_t dim : {1U, 2U, 3U, 7U}) {
        if (dim < entry.least_dim || (test::hurried && dim > 2)) continue;
        expect_no_fault<float>(layers, dim, with_net);
        expect_no_fault<double>(layers, dim, with_net);
      }
    }
  }
}

/// What is done to the results of a layer.
template <class T>
struct Fault {
  /// To y and its log-det, given z.
  std::function<void(Tile<const T> z, Tile<T> y, T* log_det)> forward{};
  /// To z and the log-det of the inverse, given y.
  std::function<void(Tile<const T> y, Tile<T> z, T* log_det)> inverse{};
  bool claims_injective = false;
  std::string_view no_inverse{};
};

template <class T>
class FaultyLayer final : public FlowLayer<T> {
 public:
  FaultyLayer(std::unique_ptr<FlowLayer<T>> layer, Fault<T> fault)
      : FlowLayer<T>(layer->dim(), layer->parameters(), layer->cache_size()),
        layer_(std::move(layer)),
        fault_(std::move(fault)) {}

  std::string_view no_inverse_reason() const override { return fault_.no_inverse; }

 private:
  std::span<const T> all(const T* params) const { return {params, this->parameters().size()}; }

  void forward_impl(const Repeats<T>&, const T* params, Tile<const T> z, Tile<T> y,
                    LogDet<T> log_det, T* cache) const override {
    alignas(64) std::array<T, tile_size> own{};
    layer_->forward(all(params), z, y, own.data(), cache);
    if (fault_.forward) fault_.forward(z, y, own.data());
    for (std::size_t s = 0; s < z.count(); ++s) log_det.sum[s] += own[s];
  }
  void vjp_impl(const Repeats<T>&, const T* params, Tile<const T> z, T* cache, Tile<T> g,
                const T* g_log_det, T* grad) const override {
    layer_->vjp(all(params), z, cache, g, g_log_det, {grad, this->parameters().size()});
  }
  void inverse_impl(const T* params, Tile<const T> y, Tile<T> z, T* log_det,
                    T* cache) const override {
    alignas(64) std::array<T, tile_size> own{};
    layer_->inverse(all(params), y, z, own.data(), cache);
    if (fault_.inverse) fault_.inverse(y, z, own.data());
    for (std::size_t s = 0; s < z.count(); ++s) log_det[s] += own[s];
  }
  void push_score_impl(const T* params, Tile<const T> z, T* cache, Tile<T> g,
                       const T* weight) const override {
    layer_->push_score(all(params), z, cache, g, weight);
  }
  bool injective_impl(const T* params) const override {
    return fault_.claims_injective || layer_->injective(all(params));
  }
  void initialise_impl(const RandomStream& stream, T* params) const override {
    layer_->initialise(stream, {params, this->parameters().size()});
  }

  std::unique_ptr<FlowLayer<T>> layer_;
  Fault<T> fault_;
};

/// A base whose density is off by a constant.
template <class T>
class FaultyBase final : public Base<T> {
 public:
  FaultyBase(std::unique_ptr<Base<T>> base, T log_factor)
      : Base<T>(base->dim()), base_(std::move(base)), log_factor_(log_factor) {}

 private:
  void sample_impl(const T*, const RandomStream& stream, std::uint64_t first, Tile<T> z,
                   T* cache) const override {
    base_->sample({}, stream, first, z, cache);
  }
  void log_density_impl(const T*, Tile<const T> z, T* log_density) const override {
    base_->log_density({}, z, log_density);
    for (std::size_t s = 0; s < whole_lanes(z.count()); ++s) log_density[s] += log_factor_;
  }
  void log_density_vjp_impl(const T*, Tile<const T> z, const T* weight, Tile<T> g,
                            T*) const override {
    base_->log_density_vjp({}, z, weight, g, {});
  }

  std::unique_ptr<Base<T>> base_;
  T log_factor_;
};

template <class T>
class FaultyAudit : public ::testing::Test {
 protected:
  /// Of three planar layers with a fault, which is none of the exact model's.
  std::vector<AuditResult> results(Fault<T> fault, T log_factor = 0, std::size_t dim = 2,
                                   std::size_t threads = 1) {
    const std::string layers = "planar:3";
    const LayerOptions common{dim, 0, InstructionSet::best()};
    typename Chain<T>::Layers faulty{std::make_shared<FaultyLayer<T>>(
        make_flow<T>(parse_flow(layers), common), std::move(fault))};
    const FlowModel<T> model(std::make_unique<FaultyBase<T>>(
                                 make_base<T>("standard-normal", dim, common.set), log_factor),
                             std::make_unique<Chain<T>>(dim, std::move(faulty)));
    const auto params = random_params<T>(model.parameters().size(), 1, 11);
    Executor executor(threads);
    return audit<T>(model, exact_model(layers, dim), params, {1, 1024}, executor);
  }
  Names failed(Fault<T> fault, T log_factor = 0) {
    const auto all = results(std::move(fault), log_factor);
    text_ = table(all);
    return with(all, AuditOutcome::failed);
  }

  static constexpr bool single = std::is_same_v<T, float>;
  std::string text_;
};

using Precisions = ::testing::Types<float, double>;
TYPED_TEST_SUITE(FaultyAudit, Precisions);

template <class T>
std::function<void(Tile<const T>, Tile<T>, T*)> scaled_log_det(double factor) {
  return [factor](Tile<const T> in, Tile<T>, T* log_det) {
    for (std::size_t s = 0; s < in.count(); ++s) log_det[s] *= static_cast<T>(factor);
  };
}

template <class T>
std::function<void(Tile<const T>, Tile<T>, T*)> shifted(double shift, double from = 0) {
  return [=](Tile<const T> in, Tile<T> out, T*) {
    for (std::size_t s = 0; s < in.count(); ++s) {
      if (std::abs(in(0, s)) >= static_cast<T>(from)) out(0, s) += static_cast<T>(shift);
    }
  };
}

TYPED_TEST(FaultyAudit, WithoutAFaultThereIsNone) {
  EXPECT_EQ(this->failed({}), Names{}) << this->text_;
}

TYPED_TEST(FaultyAudit, OfTheLogDetForward) {
  const double factor = this->single ? 1.01 : 1.001;
  auto failed = this->failed({scaled_log_det<TypeParam>(factor), {}});
  // Far out the log-det may be zero, and its fault with it.
  failed.erase("extremes");
  EXPECT_EQ(failed, (Names{"log-det", "ln q both ways"})) << this->text_;
}

TYPED_TEST(FaultyAudit, OfTheLogDetBothWays) {
  const auto wrong = scaled_log_det<TypeParam>(1.03);
  const auto failed = this->failed({wrong, wrong});
  EXPECT_TRUE(failed.contains("log-det")) << this->text_;
  EXPECT_TRUE(failed.contains("normalisation")) << this->text_;
  EXPECT_FALSE(failed.contains("ln q both ways")) << this->text_;
  EXPECT_FALSE(failed.contains("round trip")) << this->text_;
}

TYPED_TEST(FaultyAudit, OfTheLogDetOfTheInverse) {
  const auto failed = this->failed({{}, scaled_log_det<TypeParam>(1.03)});
  EXPECT_TRUE(failed.contains("ln q both ways")) << this->text_;
  EXPECT_TRUE(failed.contains("normalisation")) << this->text_;
  EXPECT_FALSE(failed.contains("log-det")) << this->text_;
  EXPECT_FALSE(failed.contains("round trip")) << this->text_;
}

TYPED_TEST(FaultyAudit, OfTheInverse) {
  const auto failed = this->failed({{}, shifted<TypeParam>(this->single ? 1e-2 : 1e-7)});
  EXPECT_TRUE(failed.contains("round trip")) << this->text_;
  EXPECT_FALSE(failed.contains("log-det")) << this->text_;
  EXPECT_FALSE(failed.contains("injectivity")) << this->text_;
}

TYPED_TEST(FaultyAudit, OfAnInverseThatGivesNoNumber) {
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  const auto failed = this->failed({{}, shifted<TypeParam>(nan, 0.5)});
  EXPECT_TRUE(failed.contains("round trip")) << this->text_;
  EXPECT_EQ(this->failed({{}, shifted<TypeParam>(nan, 25)}), Names{"extremes"}) << this->text_;
  EXPECT_NE(this->text_.find("|z| = 3e+01: the inverse is not finite"), std::string::npos)
      << this->text_;
  // But farther out it may have none to give.
  EXPECT_EQ(this->failed({{}, shifted<TypeParam>(nan, 1e5)}), Names{}) << this->text_;
}

TYPED_TEST(FaultyAudit, FarOut) {
  EXPECT_EQ(this->failed({shifted<TypeParam>(0.5, 25), {}}), Names{"extremes"}) << this->text_;
  EXPECT_NE(this->text_.find("|z| = 3e+01: f(z) is wrong"), std::string::npos) << this->text_;
  EXPECT_EQ(this->failed({{}, shifted<TypeParam>(0.5, 25)}), Names{"extremes"}) << this->text_;
  EXPECT_NE(this->text_.find("|z| = 3e+01: the inverse is wrong"), std::string::npos)
      << this->text_;
  const auto far_log_det = [](double shift) {
    return [shift](Tile<const TypeParam> z, Tile<TypeParam>, TypeParam* log_det) {
      for (std::size_t s = 0; s < z.count(); ++s) {
        if (std::abs(z(0, s)) > 500) log_det[s] += static_cast<TypeParam>(shift);
      }
    };
  };
  EXPECT_EQ(this->failed({far_log_det(0.25), {}}), Names{"extremes"}) << this->text_;
  EXPECT_NE(this->text_.find("|z| = 1e+03: the log-det is wrong"), std::string::npos)
      << this->text_;
  EXPECT_EQ(this->failed({{}, far_log_det(this->single ? 1000 : 0.25)}), Names{"extremes"})
      << this->text_;
  EXPECT_NE(this->text_.find("|z| = 1e+03: ln q by inverse is wrong"), std::string::npos)
      << this->text_;
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(this->failed({shifted<TypeParam>(nan, 25), {}}), Names{"extremes"}) << this->text_;
  // No number at all is no wrong number, but a flow must have them up to 1000.
  const auto gives_up = [](double from) {
    return [from](Tile<const TypeParam> z, Tile<TypeParam> y, TypeParam* log_det) {
      for (std::size_t s = 0; s < z.count(); ++s) {
        if (std::abs(z(0, s)) < static_cast<TypeParam>(from)) continue;
        y(0, s) = std::numeric_limits<TypeParam>::quiet_NaN();
        log_det[s] = y(0, s);
      }
    };
  };
  EXPECT_EQ(this->failed({gives_up(1e5), {}}), Names{}) << this->text_;
  EXPECT_EQ(this->failed({gives_up(500), {}}), Names{"extremes"}) << this->text_;
  EXPECT_NE(this->text_.find("|z| = 1e+03: f(z) is not finite"), std::string::npos) << this->text_;
  // Nor is what lies beyond the largest number, while its log-det does not.
  const auto infinity = std::numeric_limits<double>::infinity();
  const auto all = this->results({shifted<TypeParam>(infinity, 1e5), {}});
  EXPECT_EQ(with(all, AuditOutcome::failed), Names{}) << table(all);
  EXPECT_EQ(with(all, AuditOutcome::not_checked), Names{}) << table(all);
  const auto overflows = [](Tile<const TypeParam> z, Tile<TypeParam>, TypeParam* log_det) {
    for (std::size_t s = 0; s < z.count(); ++s) {
      if (std::abs(z(0, s)) > 25) log_det[s] = std::numeric_limits<TypeParam>::infinity();
    }
  };
  EXPECT_EQ(this->failed({overflows, {}}), Names{"extremes"}) << this->text_;
  EXPECT_NE(this->text_.find("|z| = 3e+01: the log-det is not finite"), std::string::npos)
      << this->text_;
}

TYPED_TEST(FaultyAudit, OfTheBranchOfTheInverse) {
  const auto other_branch = [](Tile<const TypeParam>, Tile<TypeParam> z, TypeParam*) {
    for (std::size_t s = 0; s < z.count(); ++s) {
      if (std::abs(z(0, s)) > 25) z(0, s) = -z(0, s);
    }
  };
  EXPECT_EQ(this->failed({{}, other_branch}), Names{"extremes"}) << this->text_;
  EXPECT_NE(this->text_.find("|z| = 3e+01: the inverse is wrong"), std::string::npos)
      << this->text_;
}

TYPED_TEST(FaultyAudit, OfASmallCoordinateBesideALargeOne) {
  // The inverse is off by 1e-6 (1e-2) of a coordinate that is a millionth of the other's unit.
  const std::string layers = "affine";
  const LayerOptions common{2, 0, InstructionSet::best()};
  typename Chain<TypeParam>::Layers faulty{std::make_shared<FaultyLayer<TypeParam>>(
      make_flow<TypeParam>(parse_flow(layers), common),
      Fault<TypeParam>{{}, shifted<TypeParam>(this->single ? 1e-2 : 1e-6)})};
  const FlowModel<TypeParam> model(make_base<TypeParam>("standard-normal", 2, common.set),
                                   std::make_unique<Chain<TypeParam>>(2, std::move(faulty)));
  std::vector<TypeParam> params(model.parameters().size(), 0);
  params[0] = -14;
  Executor executor(1);
  const auto results = audit<TypeParam>(model, exact_model(layers, 2), params, {1, 1024}, executor);
  EXPECT_TRUE(with(results, AuditOutcome::failed).contains("round trip")) << table(results);
}

/// Disagreements where no draw gets leave the check open; where draws get, they are faults.
template <class T>
AuditOutcome of_disagreement_beyond(const std::string& base, double from) {
  const std::string layers = "planar:3";
  const LayerOptions common{2, 0, InstructionSet::best()};
  Fault<T> fault;
  fault.forward = [from](Tile<const T> z, Tile<T>, T* log_det) {
    for (std::size_t s = 0; s < z.count(); ++s) {
      if (std::abs(z(0, s)) > static_cast<T>(from)) log_det[s] += T(0.5);
    }
  };
  typename Chain<T>::Layers faulty{
      std::make_shared<FaultyLayer<T>>(make_flow<T>(parse_flow(layers), common), fault)};
  const FlowModel<T> model(make_base<T>(base, 2, common.set),
                           std::make_unique<Chain<T>>(2, std::move(faulty)));
  std::vector<T> params = random_params<T>(model.parameters().size(), 1, 11);
  // A Student-t of ν = 0.55 and the unit scale.
  for (T& p : model.base_part(std::span<T>(params))) p = 0;
  const auto freedom =
      model.base_part(std::span<T>(params)).subspan(model.base().parameters().size() / 3 * 2);
  for (T& p : freedom) p = -3;
  Executor executor(1);
  const auto exact = make_model<double>(base, parse_flow(layers), {2, 0, InstructionSet::scalar()});
  const auto results = audit<T>(model, exact, params, {1, 512}, executor);
  const auto& extremes = results.back();
  EXPECT_EQ(extremes.name, "extremes");
  if (extremes.outcome == AuditOutcome::not_checked) {
    EXPECT_NE(extremes.note.find("the log-det is wrong, where no draw gets"), std::string::npos)
        << table(results);
  }
  return extremes.outcome;
}

TYPED_TEST(FaultyAudit, BeyondWhatTheBaseReaches) {
  EXPECT_EQ(of_disagreement_beyond<TypeParam>("standard-normal", 1e5), AuditOutcome::not_checked);
  EXPECT_EQ(of_disagreement_beyond<TypeParam>("standard-normal", 25), AuditOutcome::failed);
  EXPECT_EQ(of_disagreement_beyond<TypeParam>("student-t", 1e5), AuditOutcome::failed);
}

TYPED_TEST(FaultyAudit, CannotTellWhereRoundingLeavesMostDrawsOpen) {
  // Flat to rounding: y does not tell which z it came from.
  const auto flat = [](Tile<const TypeParam> z, Tile<TypeParam> y, TypeParam*) {
    constexpr TypeParam tiny = std::numeric_limits<TypeParam>::epsilon() / 64;
    for (std::size_t s = 0; s < z.count(); ++s) {
      for (std::size_t d = 0; d < z.dim(); ++d) y(d, s) = 1 + tiny * z(d, s);
    }
  };
  const auto results = this->results({flat, {}});
  EXPECT_EQ(results[1].name, "round trip");
  EXPECT_EQ(results[1].outcome, AuditOutcome::not_checked) << table(results);
  EXPECT_NE(results[1].note.find("cannot tell of 1024 of 1024 draws"), std::string::npos)
      << table(results);
}

TYPED_TEST(FaultyAudit, OfTheBase) {
  EXPECT_EQ(this->failed({}, static_cast<TypeParam>(0.01)), Names{"normalisation"}) << this->text_;
  EXPECT_EQ(this->failed({}, static_cast<TypeParam>(-0.01)), Names{"normalisation"}) << this->text_;
}

TYPED_TEST(FaultyAudit, InMoreDimensions) {
  EXPECT_EQ(with(this->results({}, 0, 5), AuditOutcome::failed), Names{});
  EXPECT_EQ(with(this->results({}, static_cast<TypeParam>(0.3), 5), AuditOutcome::failed),
            Names{"normalisation"});
  const auto failed =
      with(this->results({scaled_log_det<TypeParam>(1.01), {}}, 0, 5), AuditOutcome::failed);
  EXPECT_TRUE(failed.contains("log-det"));
  EXPECT_TRUE(failed.contains("ln q both ways"));
  EXPECT_FALSE(failed.contains("normalisation"));
}

TEST(Audit, DoesNotJudgeByAReferenceThatDoesNotCover) {
  const std::string layers = "planar:20";
  const auto model =
      make_model<double>("standard-normal", parse_flow(layers), {8, 0, InstructionSet::best()});
  Executor executor(1);
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    const auto params = random_params<double>(model.parameters().size(), 2, seed);
    const auto results =
        audit<double>(model, exact_model(layers, 8), params, {seed, 2048}, executor);
    EXPECT_EQ(with(results, AuditOutcome::failed), Names{}) << table(results);
    EXPECT_EQ(with(results, AuditOutcome::not_checked), Names{"normalisation"}) << table(results);
  }
}

TYPED_TEST(FaultyAudit, WithoutAnInverseTheRestIsChecked) {
  Fault<TypeParam> fault;
  fault.no_inverse = "for a reason";
  const auto results = this->results(fault);
  EXPECT_EQ(with(results, AuditOutcome::not_checked),
            (Names{"round trip", "ln q both ways", "normalisation"}));
  EXPECT_EQ(with(results, AuditOutcome::failed), Names{});
  EXPECT_NE(table(results).find("for a reason"), std::string::npos);
  fault.forward = scaled_log_det<TypeParam>(1.01);
  EXPECT_TRUE(with(this->results(fault), AuditOutcome::failed).contains("log-det"));
}

TYPED_TEST(FaultyAudit, DoesNotDependOnTheThreads) {
  EXPECT_EQ(table(this->results({}, 0, 2, 1)), table(this->results({}, 0, 2, 3)));
  EXPECT_EQ(table(this->results({}, 0, 4, 1)), table(this->results({}, 0, 4, 3)));
}

/// A planar layer with wᵀu = -3, which folds.
constexpr double folded[] = {1, 0, -3, 0, 0};

TEST(FoldedAudit, FailsInjectivityAlone) {
  const std::string layers = "planar-free:1";
  const auto model =
      make_model<double>("standard-normal", parse_flow(layers), {2, 0, InstructionSet::best()});
  Executor executor(1);
  const auto results =
      audit<double>(model, exact_model(layers, 2), folded, AuditOptions(), executor);
  EXPECT_EQ(with(results, AuditOutcome::failed), Names{"injectivity"}) << table(results);
  EXPECT_EQ(with(results, AuditOutcome::not_checked),
            (Names{"round trip", "ln q both ways", "normalisation"}));
  EXPECT_NE(results[0].found.find("layer 0 folds"), std::string::npos) << table(results);
  EXPECT_NE(results[1].found.find("the map folds"), std::string::npos) << table(results);
}

TEST(FoldedAudit, IsFoundOutWhereTheLayerDeniesIt) {
  const std::string layers = "planar-free:1";
  Fault<double> fault;
  fault.claims_injective = true;
  Chain<double>::Layers denying{std::make_shared<FaultyLayer<double>>(
      make_flow<double>(parse_flow(layers), {2, 0, InstructionSet::best()}), fault)};
  const FlowModel<double> model(make_base<double>("standard-normal", 2, InstructionSet::best()),
                                std::make_unique<Chain<double>>(2, std::move(denying)));
  Executor executor(1);
  const auto results =
      audit<double>(model, exact_model(layers, 2), folded, AuditOptions(), executor);
  const auto failed = with(results, AuditOutcome::failed);
  EXPECT_TRUE(failed.contains("injectivity")) << table(results);
  EXPECT_TRUE(failed.contains("round trip")) << table(results);
  EXPECT_FALSE(failed.contains("log-det")) << table(results);
}

TEST(FoldedAudit, IsFoundOutWhereNoDeterminantOrASingleOneTells) {
  // |z| of one coordinate: every second draw comes back with another sign.
  Fault<double> fault;
  fault.forward = [](Tile<const double>, Tile<double> y, double*) {
    for (std::size_t s = 0; s < y.count(); ++s) y(0, s) = std::abs(y(0, s));
  };
  const std::string layers = "affine";
  Executor executor(1);
  for (const std::size_t dim : {345U, 601U}) {
    const LayerOptions common{dim, 0, InstructionSet::best()};
    Chain<double>::Layers folding{std::make_shared<FaultyLayer<double>>(
        make_flow<double>(parse_flow(layers), common), fault)};
    const FlowModel<double> model(make_base<double>("standard-normal", dim, common.set),
                                  std::make_unique<Chain<double>>(dim, std::move(folding)));
    const std::vector<double> identity(model.parameters().size(), 0);
    const auto results =
        audit<double>(model, exact_model(layers, dim), identity, {1, 128}, executor);
    const auto failed = with(results, AuditOutcome::failed);
    EXPECT_TRUE(failed.contains("round trip")) << table(results);
    EXPECT_FALSE(failed.contains("log-det")) << table(results);
  }
}

}  // namespace
}  // namespace riffle
