#include "posterior/mixture_fit.h"

#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <utility>

#include "model/draws.h"
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

/// ln p - ln q of draws, -infinity where it is no number.
ArrayXd log_weights_of(std::span<const double> log_p, std::span<const double> log_q) {
  ArrayXd log_weight(static_cast<Index>(log_p.size()));
  for (Index i = 0; i < log_weight.size(); ++i) {
    const auto s = static_cast<std::size_t>(i);
    const double w = log_p[s] - log_q[s];
    log_weight[i] = std::isfinite(w) ? w : -std::numeric_limits<double>::infinity();
  }
  return log_weight;
}

ArrayXXd in_coordinates(const Normal& whitened, std::span<const double> z) {
  const Index dim = whitened.mean.size();
  const auto n = static_cast<Index>(z.size()) / dim;
  const MatrixXd off = Eigen::Map<const MatrixXd>(z.data(), dim, n).colwise() - whitened.mean;
  return whitened.lower.triangularView<Eigen::Lower>().solve(off).array();
}

/// Those in which weighted points are of unit covariance.
std::optional<Normal> coordinates_of(std::span<const double> z, const ArrayXd& weight, Index dim) {
  const Eigen::Map<const MatrixXd> points(z.data(), dim, weight.size());
  const VectorXd mean = points * weight.matrix();
  const MatrixXd off = points.colwise() - mean;
  const MatrixXd covariance = off * weight.matrix().asDiagonal() * off.transpose();
  return make_normal(mean, covariance);
}

/// Weighted points, the columns of x, parted by nearness into so many clusters, and a normal of
/// each one's moments.
Components from_clusters(const ArrayXXd& x, const ArrayXd& weight, Index count) {
  constexpr int rounds = 4;
  const Index dim = x.rows();
  MatrixXd mean(dim, count);
  double passed = 0;
  Index taken = 0;
  for (Index i = 0; i < x.cols() && taken < count; ++i) {
    passed += weight[i];
    // A point of much weight gives one mean all the same, and the next ones those still due.
    if (passed * static_cast<double>(count) > static_cast<double>(taken) + 0.5) {
      mean.col(taken++) = x.col(i).matrix();
    }
  }
  count = taken;
  mean.conservativeResize(dim, count);
  ArrayXd total(count);
  ArrayXd distance(count);
  ArrayXXd second(dim, count);
  for (int round = 0; round < rounds; ++round) {
    total.setZero();
    second.setZero();
    ArrayXXd sum = ArrayXXd::Zero(dim, count);
    const ArrayXXd by_coordinate = mean.transpose().array();
    for (Index i = 0; i < x.cols(); ++i) {
      Index nearest = 0;
      distance = (by_coordinate.col(0) - x(0, i)).square();
      for (Index d = 1; d < dim; ++d) distance += (by_coordinate.col(d) - x(d, i)).square();
      distance.minCoeff(&nearest);
      const ArrayXd off = x.col(i) - mean.col(nearest).array();
      total[nearest] += weight[i];
      sum.col(nearest) += weight[i] * off;
      second.col(nearest) += weight[i] * off.square();
    }
    for (Index k = 0; k < count; ++k) {
      if (total[k] == 0) continue;
      const ArrayXd shift = sum.col(k) / total[k];
      mean.col(k) += shift.matrix();
      second.col(k) = second.col(k) / total[k] - shift.square();
    }
  }
  Components components{total.max(1e-6 * total.sum()).log(), mean.array(), second};
  // A cluster of a point or two says nothing of its width.
  const ArrayXd usual = second.rowwise().mean();
  for (Index k = 0; k < count; ++k) {
    components.sd.col(k) = components.sd.col(k).max(0.1 * usual).max(1e-12).sqrt();
  }
  return components;
}

/// Components whose draws have a share of all, so many times as wide as they are.
struct Part {
  const Components& of;
  double share;
  double wider;
};

/// All of those whose share is above 0.
Components together(std::initializer_list<Part> parts) {
  const Index dim = parts.begin()->of.mean.rows();
  Index count = 0;
  for (const auto& part : parts) count += part.share > 0 ? part.of.count() : 0;
  Components all{ArrayXd(count), ArrayXXd(dim, count), ArrayXXd(dim, count)};
  Index at = 0;
  for (const auto& part : parts) {
    if (!(part.share > 0)) continue;
    const Index n = part.of.count();
    all.log_weight.segment(at, n) = softmax(part.of.log_weight).log() + std::log(part.share);
    all.mean.middleCols(at, n) = part.of.mean;
    all.sd.middleCols(at, n) = part.wider * part.of.sd;
    at += n;
  }
  return all;
}

/// Where q falls off before p does, no draw shows what is missing: so normals are taken a little
/// wider than draws say, and some much wider. These cost the bound about 3 D nats times their
/// share.
Components with_margin(const Components& components) {
  const double wide = 0.0025 / static_cast<double>(components.mean.rows());
  return together({{components, 1 - wide, 1.03}, {components, wide, 3}});
}

/// Shares of a mixture's draws: the rest is that of `many`.
struct Shares {
  double modes;  ///< of the normals of the modes, so that none is lost
  double wide;   ///< of `many`, 3 times as wide
  double far;    ///< and 10 times: they find what lies further along a ridge
};

/// `many`, a little wider than they are, together with those whose shares are above 0.
Components with_others(const Components& many, const Components& modes, const Shares& shares) {
  const double rest = 1 - shares.modes - shares.wide - shares.far;
  return together({{many, rest, 1.1},
                   {modes, shares.modes, 1},
                   {many, shares.wide, 3},
                   {many, shares.far, 10}});
}

/// The points whose weights count.
std::pair<ArrayXXd, ArrayXd> that_count(const ArrayXXd& x, const ArrayXd& weight) {
  std::vector<Index> kept;
  const double least = 1e-7 * weight.maxCoeff();
  for (Index i = 0; i < x.cols(); ++i) {
    if (weight[i] > least) kept.push_back(i);
  }
  return {x(Eigen::all, kept), weight(kept)};
}

/// Of the flow that they are in these coordinates: its layer's, then its base's.
std::vector<double> parameters_of(const Components& components, const Normal& whitened) {
  auto params = affine_parameters(whitened);
  const auto own = components.parameters();
  params.insert(params.end(), own.begin(), own.end());
  return params;
}

TrainedModel<double> flow_of(const Components& components, const Normal& whitened,
                             InstructionSet set) {
  auto flow = make_trained_model<double>(fmt::format("mixture(components={})", components.count()),
                                         "affine-full",
                                         {static_cast<std::size_t>(whitened.mean.size()), 0, set});
  flow.params = parameters_of(components, whitened);
  return flow;
}

}  // namespace

TrainedModel<double> fit_mixture(const Density<double>& target, std::span<const Mode> modes,
                                 const MixtureFitOptions& options, Executor& executor) {
  modes = modes.first(std::min(modes.size(), options.most_components));
  const auto whitened = whitening(modes);
  const auto normals = from_modes(modes, whitened);
  // What has heavier tails than a normal is a mixture of several widths, which take draws to tell.
  constexpr std::uint64_t draws_each = 512;
  const bool tells = options.draws >= draws_each * modes.size();
  auto components =
      tells ? together({{normals, 0.8, 1}, {normals, 0.17, 2.5}, {normals, 0.03, 7}}) : normals;
  auto fitted = flow_of(components, whitened, options.set);
  for (std::size_t round = 0; round < options.rounds; ++round) {
    const RandomStream stream{options.seed, Purpose::training, (options.number << 32) + round};
    const auto drawn = draw_until(options.hurry, *fitted.model, &target, fitted.params, stream,
                                  options.draws, executor);
    if (drawn.log_q.size() < options.draws) break;
    const auto log_weight = log_weights_of(drawn.log_p, drawn.log_q);
    if (!std::isfinite(log_weight.maxCoeff())) break;
    improve(components, in_coordinates(whitened, drawn.z), softmax(log_weight));
    fitted.params = parameters_of(components, whitened);
  }
  return flow_of(with_margin(components), whitened, options.set);
}

TrainedModel<double> fit_many_normals(const Density<double>& target, std::span<const Mode> modes,
                                      const TrainedModel<double>& from,
                                      const MixtureFitOptions& options, Executor& executor) {
  constexpr double draws_each = 30;
  constexpr Shares searching{0.1, 0.1, 0.1};
  constexpr Shares final{0.004, 0.003, 0};
  const auto dim = static_cast<Index>(target.dim());
  auto most = static_cast<Index>(options.most_components);
  const auto first_most = most;
  Normal whitened;
  Components many;
  const auto flow_with = [&](const Shares& shares) {
    return flow_of(with_others(many, from_modes(modes, whitened), shares), whitened, options.set);
  };
  auto now = from;
  auto best = from;
  double best_effective = 0;
  double best_log_z = -std::numeric_limits<double>::infinity();
  int worse = 0;
  for (std::size_t round = 0; round < options.rounds && worse < 2; ++round) {
    const RandomStream stream{options.seed, Purpose::training, (options.number << 32) + round};
    const auto drawn =
        draw_until(options.hurry, *now.model, &target, now.params, stream, options.draws, executor);
    if (drawn.log_q.size() < options.draws) break;
    const auto log_weight = log_weights_of(drawn.log_p, drawn.log_q);
    const double top = log_weight.maxCoeff();
    if (!std::isfinite(top)) break;
    const ArrayXd all = softmax(log_weight);
    const double effective = 1 / all.square().sum();
    const double log_z = top + std::log((log_weight - top).exp().mean());
    // What was missing before takes weight from many draws at first.
    const double noise = 3 / std::sqrt(effective);
    const bool more = log_z > best_log_z + std::max(0.02, noise);
    const bool better = more || effective > best_effective;
    worse = more || effective > 1.05 * best_effective ? 0 : worse + 1;
    if (better) {
      if (round > 0) best = flow_with(final);
      best_effective = effective;
      best_log_z = log_z;
    }
    // A long and thin ridge takes more of them.
    const bool few_effective = effective < 0.7 * static_cast<double>(options.draws);
    if (worse > 0 && few_effective && 10 * many.count() > 9 * most && most == first_most) {
      most *= 2;
      worse = 0;
    }
    const auto coordinates = coordinates_of(drawn.z, all, dim);
    if (!coordinates) break;
    whitened = *coordinates;
    auto [x, weight] = that_count(in_coordinates(whitened, drawn.z), all);
    const auto count = std::clamp(static_cast<Index>(effective / draws_each), Index{2}, most);
    many = from_clusters(x, weight, count);
    // Along a ridge it is the width of its parts that tells what is near.
    for (int look = 0; look < 2; ++look) {
      const ArrayXd width =
          (many.sd.square().matrix() * softmax(many.log_weight).matrix()).array().sqrt().max(1e-3);
      whitened.lower *= width.matrix().asDiagonal();
      x.colwise() /= width;
      many = from_clusters(x, weight, count);
    }
    constexpr int steps = 3;
    for (int step = 0; step < steps; ++step) improve(many, x, weight);
    now = flow_with(searching);
  }
  return best;
}

}  // namespace riffle
