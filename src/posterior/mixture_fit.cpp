#include "posterior/mixture_fit.h"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <utility>

#include "diagnostics/evaluation.h"
#include "flows/flow_model.h"
#include "posterior/affine_parameters.h"

namespace riffle {
namespace {

using Eigen::ArrayXd;
using Eigen::ArrayXXd;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// Normals with independent coordinates, one a column.
struct Components {
  ArrayXd log_weight;
  ArrayXXd mean;
  ArrayXXd sd;

  Index count() const { return log_weight.size(); }
  /// ln of weight times density, up to a constant that is the same for all.
  ArrayXd log_joint(const ArrayXd& x) const {
    const ArrayXXd off = (mean.colwise() - x) / sd;
    return log_weight - 0.5 * off.square().colwise().sum().transpose() -
           sd.log().colwise().sum().transpose();
  }
  /// As the parameters of base `mixture`.
  std::vector<double> parameters() const {
    std::vector<double> params(log_weight.begin(), log_weight.end());
    for (Index k = 0; k < count(); ++k) {
      for (Index d = 0; d < mean.rows(); ++d) params.push_back(mean(d, k));
    }
    for (Index k = 0; k < count(); ++k) {
      for (Index d = 0; d < mean.rows(); ++d) params.push_back(std::log(sd(d, k)));
    }
    return params;
  }
};

/// exp(x - max) / Σ.
ArrayXd softmax(const ArrayXd& x) {
  const ArrayXd e = (x - x.maxCoeff()).exp();
  return e / e.sum();
}

/// The coordinates in which the modes are, on average, of unit covariance.
Normal whitening(std::span<const Mode> modes) {
  const Index dim = modes.front().normal.mean.size();
  VectorXd mean = VectorXd::Zero(dim);
  MatrixXd covariance = MatrixXd::Zero(dim, dim);
  for (const auto& mode : modes) {
    mean += mode.normal.mean / static_cast<double>(modes.size());
    covariance += mode.normal.lower * mode.normal.lower.transpose();
  }
  covariance /= static_cast<double>(modes.size());
  if (auto normal = make_normal(mean, covariance)) return *normal;
  return {mean, covariance.diagonal().cwiseSqrt().asDiagonal()};
}

Components from_modes(std::span<const Mode> modes, const Normal& whitened) {
  const Index dim = whitened.mean.size();
  const auto count = static_cast<Index>(modes.size());
  Components components{ArrayXd(count), ArrayXXd(dim, count), ArrayXXd(dim, count)};
  const auto solve = whitened.lower.triangularView<Eigen::Lower>();
  for (Index k = 0; k < count; ++k) {
    const auto& mode = modes[static_cast<std::size_t>(k)];
    components.log_weight[k] = mode.log_mass;
    const VectorXd mean = solve.solve(mode.normal.mean - whitened.mean);
    components.mean.col(k) = mean.array();
    const MatrixXd lower = solve.solve(mode.normal.lower);
    components.sd.col(k) = lower.rowwise().norm().array();
  }
  components.log_weight = softmax(components.log_weight).log();
  return components;
}

/// One step of EM on weighted points, the columns of x. A component that few of them belong to
/// keeps its place and its width.
void improve(Components& components, const ArrayXXd& x, const ArrayXd& weight) {
  const Index dim = x.rows();
  const Index count = components.count();
  ArrayXd total = ArrayXd::Zero(count);
  ArrayXd squares = ArrayXd::Zero(count);
  ArrayXXd sum = ArrayXXd::Zero(dim, count);
  ArrayXXd second = ArrayXXd::Zero(dim, count);
  for (Index i = 0; i < x.cols(); ++i) {
    const ArrayXd part = weight[i] * softmax(components.log_joint(x.col(i)));
    total += part;
    squares += part.square();
    for (Index k = 0; k < count; ++k) {
      if (part[k] == 0) continue;
      const ArrayXd off = x.col(i) - components.mean.col(k);
      sum.col(k) += part[k] * off;
      second.col(k) += part[k] * off.square();
    }
  }
  constexpr double few = 30;
  const double least = 1e-6 * total.sum();
  for (Index k = 0; k < count; ++k) {
    if (total[k] > 0 && total[k] * total[k] > few * squares[k]) {
      const ArrayXd shift = sum.col(k) / total[k];
      components.mean.col(k) += shift;
      components.sd.col(k) = (second.col(k) / total[k] - shift.square()).max(1e-12).sqrt();
    }
    components.log_weight[k] = std::log(std::max(total[k], least) / total.sum());
  }
}

}  // namespace

TrainedFlow::Definition fit_mixture(const Density<double>& target, std::span<const Mode> modes,
                                    const MixtureFitOptions& options, Executor& executor) {
  modes = modes.first(std::min(modes.size(), options.most_components));
  const auto whitened = whitening(modes);
  auto components = from_modes(modes, whitened);
  const auto base = fmt::format("mixture(components={})", modes.size());
  const auto model =
      make_model<double>(base, parse_flow("affine-full"), {target.dim(), 0, options.set});
  const auto all_parameters = [&] {
    auto params = affine_parameters(whitened);
    const auto own = components.parameters();
    params.insert(params.end(), own.begin(), own.end());
    return params;
  };
  const auto dim = static_cast<Index>(target.dim());
  const auto n = static_cast<Index>(options.draws);
  for (std::size_t round = 0; round < options.rounds; ++round) {
    const RandomStream stream{options.seed, Purpose::training, (options.number << 32) + round};
    const auto params = all_parameters();
    const auto drawn =
        draw_until(options.hurry, model, &target, params, stream, options.draws, executor);
    if (drawn.log_q.size() < options.draws) break;
    ArrayXd log_weight(n);
    for (Index i = 0; i < n; ++i) {
      const auto s = static_cast<std::size_t>(i);
      const double w = drawn.log_p[s] - drawn.log_q[s];
      log_weight[i] = std::isfinite(w) ? w : -std::numeric_limits<double>::infinity();
    }
    if (!std::isfinite(log_weight.maxCoeff())) break;
    const Eigen::Map<const MatrixXd> z(drawn.z.data(), dim, n);
    const MatrixXd off = z.colwise() - whitened.mean;
    const MatrixXd x = whitened.lower.triangularView<Eigen::Lower>().solve(off);
    improve(components, x.array(), softmax(log_weight));
  }
  return {base, "affine-full", "double", target.dim(), all_parameters()};
}

}  // namespace riffle
