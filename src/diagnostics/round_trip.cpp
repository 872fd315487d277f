#include "diagnostics/round_trip.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "core/rows.h"

namespace riffle {
namespace {

constexpr std::size_t disturbance_count = 4;
constexpr double roundings = 4;
// Steps of the audit's stream from here on belong to disturbances: of parameters, of inputs.
constexpr std::uint64_t parameter_step = 1 << 8;
constexpr std::uint64_t input_step = 1 << 9;
// Those of the inputs of later layers lie so far apart.
constexpr std::uint64_t layer_stride = 1 << 4;

template <class T>
T disturb_by(T x, double uniform) {
  constexpr double most = roundings * std::numeric_limits<T>::epsilon();
  return static_cast<T>(static_cast<double>(x) * (1 + most * (2 * uniform - 1)));
}

double distance(double a, double b) {
  const double d = std::abs(a - b);
  return a == b ? 0 : std::isnan(d) ? std::numeric_limits<double>::infinity() : d;
}

void widen(double& spread, double a, double b) {
  spread = std::max(spread, distance(a, b));
}

/// Room for one tile.
template <class T>
class TileRoundTrip {
 public:
  explicit TileRoundTrip(const Disturbed<T>& flow)
      : flow_(flow),
        dim_(flow.model().dim()),
        in_(dim_),
        out_(dim_),
        cache_(flow.model().flow().cache_size()) {}

  void run(std::span<const double> z, std::uint64_t first, bool invert, std::span<double> y,
           std::span<RoundTrip> each) {
    const std::size_t count = each.size();
    forward(z, first, count, flow_.params(), no_disturbance);
    copy_out(y, count);
    for (std::size_t s = 0; s < count; ++s) {
      auto& p = each[s];
      p.log_det = static_cast<double>(log_det_[s]);
      p.log_q = static_cast<double>(log_q0_[s]) - p.log_det;
      p.y_finite = true;
      for (std::size_t d = 0; d < dim_; ++d) {
        p.z_size = std::max(p.z_size, std::abs(z[s * dim_ + d]));
        p.y_size = std::max(p.y_size, std::abs(y[s * dim_ + d]));
        p.y_finite = p.y_finite && std::isfinite(y[s * dim_ + d]);
        p.has_nan = p.has_nan || std::isnan(y[s * dim_ + d]);
      }
      p.finite = p.y_finite && std::isfinite(p.log_det);
    }
    y_spread_.assign(count * dim_, 0);
    std::vector<std::vector<double>> other_y(flow_.disturbances());
    for (std::size_t k = 0; k < flow_.disturbances(); ++k) {
      forward(z, first, count, flow_.disturbed(k), k);
      other_y[k].resize(count * dim_);
      copy_out(other_y[k], count);
      for (std::size_t s = 0; s < count; ++s) {
        auto& p = each[s];
        const auto log_det = static_cast<double>(log_det_[s]);
        widen(p.log_det_spread, log_det, p.log_det);
        widen(p.log_q_spread, static_cast<double>(log_q0_[s]) - log_det, p.log_q);
        for (std::size_t d = 0; d < dim_; ++d) {
          const std::size_t i = s * dim_ + d;
          widen(y_spread_[i], other_y[k][i], y[i]);
          p.y_spread = std::max(p.y_spread, y_spread_[i]);
        }
      }
    }
    if (invert) pass_back(z, first, y, other_y, each);
  }

 private:
  static constexpr std::size_t no_disturbance = std::size_t(-1);

  void pass_back(std::span<const double> z, std::uint64_t first, std::span<const double> y,
                 const std::vector<std::vector<double>>& other_y, std::span<RoundTrip> each) {
    const std::size_t count = each.size();
    inverse(y, first, count, flow_.params(), no_disturbance);
    std::vector<double> back(count * dim_);
    copy_out(back, count);
    for (std::size_t s = 0; s < count; ++s) {
      auto& p = each[s];
      p.returned = true;
      p.log_q_back = static_cast<double>(log_q0_[s]) + static_cast<double>(log_det_[s]);
      for (std::size_t d = 0; d < dim_; ++d) {
        p.returned = p.returned && std::isfinite(back[s * dim_ + d]);
        widen(p.error, back[s * dim_ + d], z[s * dim_ + d]);
      }
    }
    for (std::size_t k = 0; k < flow_.disturbances(); ++k) {
      // Of y as another rounding gave it, by parameters that are disturbed in yet another way.
      inverse(other_y[k], first, count, flow_.disturbed((k + 1) % flow_.disturbances()),
              k + flow_.disturbances());
      for (std::size_t s = 0; s < count; ++s) {
        auto& p = each[s];
        widen(p.log_q_back_spread,
              static_cast<double>(log_q0_[s]) + static_cast<double>(log_det_[s]), p.log_q_back);
        for (std::size_t d = 0; d < dim_; ++d) {
          widen(p.error_spread, static_cast<double>(out_.row(d)[s]), back[s * dim_ + d]);
        }
      }
    }
    find_indistinct(z, y, back, each);
  }

  /// Whether f tells z from what came back: by its values there and half-way, so that a map that
  /// folds, whose branches have the same value too, is told from one that is flat to rounding.
  void find_indistinct(std::span<const double> z, std::span<const double> y,
                       std::span<const double> back, std::span<RoundTrip> each) {
    constexpr double most_rounded = spread_factor * std::numeric_limits<T>::epsilon();
    for (auto& p : each) p.indistinct = p.same_y = p.returned;
    std::vector<double> other_z(z.size());
    std::vector<double> other_y(z.size());
    for (const double share : {0.25, 0.5, 1.0}) {
      for (std::size_t i = 0; i < z.size(); ++i) {
        const double there = share == 1 ? back[i] : z[i] + share * (back[i] - z[i]);
        other_z[i] = static_cast<double>(static_cast<T>(there));
      }
      forward(other_z, 0, each.size(), flow_.params(), no_disturbance);
      copy_out(other_y, each.size());
      for (std::size_t s = 0; s < each.size(); ++s) {
        each[s].log_q_returned = static_cast<double>(log_q0_[s]) - static_cast<double>(log_det_[s]);
      }
      for (std::size_t i = 0; i < y.size(); ++i) {
        const double most = spread_factor * y_spread_[i] + most_rounded * std::abs(y[i]);
        auto& p = each[i / dim_];
        const bool same = std::abs(other_y[i] - y[i]) <= most;
        p.indistinct = p.indistinct && same;
        if (share == 1) p.same_y = p.same_y && same;
      }
    }
  }

  void copy_in(std::span<const double> rows, std::uint64_t first, std::size_t count,
               std::size_t disturbance) {
    rows_to_tile(rows, in_.view(count));
    if (disturbance == no_disturbance) return;
    for (std::size_t d = 0; d < dim_; ++d) {
      for (std::size_t s = 0; s < count; ++s) {
        in_.row(d)[s] = flow_.disturb(in_.row(d)[s], disturbance, first + s, d);
      }
    }
  }
  void copy_out(std::span<double> rows, std::size_t count) {
    for (std::size_t s = 0; s < count; ++s) {
      for (std::size_t d = 0; d < dim_; ++d) {
        rows[s * dim_ + d] = static_cast<double>(out_.row(d)[s]);
      }
    }
  }

  /// Disturbs what a layer gave. Of each layer another way, and the way back others than there.
  void disturb_output(Tile<T> x, std::uint64_t first, std::size_t disturbance, std::size_t layer) {
    const std::uint64_t of_layer = std::uint64_t(disturbance) + layer_stride * (layer + 1);
    for (std::size_t d = 0; d < dim_; ++d) {
      for (std::size_t s = 0; s < x.count(); ++s) {
        x.row(d)[s] = flow_.disturb(x.row(d)[s], of_layer, first + s, d);
      }
    }
  }

  /// Leaves y, its log-det and ln q0(z).
  void forward(std::span<const double> z, std::uint64_t first, std::size_t count,
               std::span<const T> params, std::size_t disturbance) {
    const auto& model = flow_.model();
    const auto& chain = model.flow();
    copy_in(z, first, count, disturbance);
    std::fill(log_det_.begin(), log_det_.end(), T(0));
    model.base().log_density(model.base_part(params), in_.view(count), log_q0_.data());
    const auto all = model.flow_part(params);
    if (disturbance == no_disturbance || chain.length() < 2) {
      chain.forward(all, in_.view(count), out_.view(count), log_det_.data(), cache_.data());
      return;
    }
    for (std::size_t k = 0; k < chain.length(); ++k) {
      chain.layer(k).forward(chain.part(all, k), in_.view(count), out_.view(count), log_det_.data(),
                             cache_.data());
      if (k + 1 == chain.length()) break;
      disturb_output(out_.view(count), first, disturbance, k);
      std::swap(in_, out_);
    }
  }
  /// Leaves z, the log-det of the inverse and ln q0(z).
  void inverse(std::span<const double> y, std::uint64_t first, std::size_t count,
               std::span<const T> params, std::size_t disturbance) {
    const auto& model = flow_.model();
    const auto& chain = model.flow();
    copy_in(y, first, count, disturbance);
    std::fill(log_det_.begin(), log_det_.end(), T(0));
    const auto all = model.flow_part(params);
    if (disturbance == no_disturbance || chain.length() < 2) {
      chain.inverse(all, in_.view(count), out_.view(count), log_det_.data(), cache_.data());
    } else {
      for (std::size_t k = chain.length(); k-- > 0;) {
        chain.layer(k).inverse(chain.part(all, k), in_.view(count), out_.view(count),
                               log_det_.data(), cache_.data());
        if (k == 0) break;
        disturb_output(out_.view(count), first, disturbance, k);
        std::swap(in_, out_);
      }
    }
    model.base().log_density(model.base_part(params), out_.view(count), log_q0_.data());
  }

  const Disturbed<T>& flow_;
  std::size_t dim_;
  TileBuffer<T> in_;
  TileBuffer<T> out_;
  std::vector<double> y_spread_;  // of every coordinate, row-major
  AlignedVector<T> cache_;
  AlignedVector<T> log_det_ = AlignedVector<T>(tile_size);
  AlignedVector<T> log_q0_ = AlignedVector<T>(tile_size);
};

}  // namespace

template <class T>
Disturbed<T>::Disturbed(const FlowModel<T>& model, std::span<const T> params, std::uint64_t seed)
    : model_(model), params_(params), seed_(seed) {
  for (std::size_t k = 0; k < disturbance_count; ++k) {
    const RandomStream stream{seed, Purpose::audit, parameter_step + k};
    AlignedVector<T> other(params.begin(), params.end());
    for (std::size_t i = 0; i < other.size(); ++i) {
      other[i] = disturb_by(other[i], stream.uniform(static_cast<std::uint32_t>(i), 0));
    }
    other_params_.push_back(std::move(other));
  }
}

template <class T>
T Disturbed<T>::disturb(T x, std::size_t k, std::uint64_t row, std::size_t column) const {
  const RandomStream stream{seed_, Purpose::audit, input_step + k};
  return disturb_by(
      x, stream.uniform(static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(column)));
}

template <class T>
RoundTrips round_trips(const Disturbed<T>& flow, std::span<const double> z, bool invert,
                       Executor& executor) {
  const std::size_t dim = flow.model().dim();
  const std::size_t n = z.size() / dim;
  RoundTrips trips{std::vector<double>(z.size()), std::vector<RoundTrip>(n)};
  std::vector<std::unique_ptr<TileRoundTrip<T>>> tiles;
  for (std::size_t i = 0; i < executor.threads(); ++i) {
    tiles.push_back(std::make_unique<TileRoundTrip<T>>(flow));
  }
  executor.run((n + tile_size - 1) / tile_size, [&](std::size_t tile, std::size_t worker) {
    const std::size_t first = tile * tile_size;
    const std::size_t count = std::min(tile_size, n - first);
    tiles[worker]->run(z.subspan(first * dim, count * dim), first, invert,
                       std::span(trips.y).subspan(first * dim, count * dim),
                       std::span(trips.each).subspan(first, count));
  });
  return trips;
}

#define RIFFLE_INSTANTIATE(T)  \
  template class Disturbed<T>; \
  template RoundTrips round_trips(const Disturbed<T>&, std::span<const double>, bool, Executor&);

RIFFLE_INSTANTIATE(float)
RIFFLE_INSTANTIATE(double)
#undef RIFFLE_INSTANTIATE

}  // namespace riffle
