#include "diagnostics/passage.h"

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
class Passenger {
 public:
  explicit Passenger(const Disturbed<T>& flow)
      : flow_(flow),
        dim_(flow.model().dim()),
        in_(dim_),
        out_(dim_),
        cache_(flow.model().flow().cache_size()) {}

  void pass(std::span<const double> z, std::uint64_t first, bool invert, std::span<double> y,
            std::span<Passed> each) {
    const std::size_t count = each.size();
    forward(z, first, count, flow_.params(), no_disturbance);
    copy_out(y, count);
    for (std::size_t s = 0; s < count; ++s) {
      auto& p = each[s];
      p.log_det = static_cast<double>(log_det_[s]);
      p.log_q = static_cast<double>(log_q0_[s]) - p.log_det;
      p.finite = std::isfinite(p.log_det);
      for (std::size_t d = 0; d < dim_; ++d) {
        p.z_size = std::max(p.z_size, std::abs(z[s * dim_ + d]));
        p.y_size = std::max(p.y_size, std::abs(y[s * dim_ + d]));
        p.finite = p.finite && std::isfinite(y[s * dim_ + d]);
        p.has_nan = p.has_nan || std::isnan(y[s * dim_ + d]);
      }
    }
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
          widen(p.y_spread, other_y[k][s * dim_ + d], y[s * dim_ + d]);
        }
      }
    }
    if (invert) pass_back(z, first, y, other_y, each);
  }

 private:
  static constexpr std::size_t no_disturbance = std::size_t(-1);

  void pass_back(std::span<const double> z, std::uint64_t first, std::span<const double> y,
                 const std::vector<std::vector<double>>& other_y, std::span<Passed> each) {
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
        widen(p.round_trip, back[s * dim_ + d], z[s * dim_ + d]);
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
          widen(p.round_trip_spread, static_cast<double>(out_.row(d)[s]), back[s * dim_ + d]);
        }
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

  /// Leaves y, its log-det and ln q0(z).
  void forward(std::span<const double> z, std::uint64_t first, std::size_t count,
               std::span<const T> params, std::size_t disturbance) {
    const auto& model = flow_.model();
    copy_in(z, first, count, disturbance);
    std::fill(log_det_.begin(), log_det_.end(), T(0));
    model.base().log_density(model.base_part(params), in_.view(count), log_q0_.data());
    model.flow().forward(model.flow_part(params), in_.view(count), out_.view(count),
                         log_det_.data(), cache_.data());
  }
  /// Leaves z, the log-det of the inverse and ln q0(z).
  void inverse(std::span<const double> y, std::uint64_t first, std::size_t count,
               std::span<const T> params, std::size_t disturbance) {
    const auto& model = flow_.model();
    copy_in(y, first, count, disturbance);
    std::fill(log_det_.begin(), log_det_.end(), T(0));
    model.flow().inverse(model.flow_part(params), in_.view(count), out_.view(count),
                         log_det_.data(), cache_.data());
    model.base().log_density(model.base_part(params), out_.view(count), log_q0_.data());
  }

  const Disturbed<T>& flow_;
  std::size_t dim_;
  TileBuffer<T> in_;
  TileBuffer<T> out_;
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
Passage pass(const Disturbed<T>& flow, std::span<const double> z, bool invert, Executor& executor) {
  const std::size_t dim = flow.model().dim();
  const std::size_t n = z.size() / dim;
  Passage passage{std::vector<double>(z.size()), std::vector<Passed>(n)};
  std::vector<std::unique_ptr<Passenger<T>>> passengers;
  for (std::size_t i = 0; i < executor.threads(); ++i) {
    passengers.push_back(std::make_unique<Passenger<T>>(flow));
  }
  executor.run((n + tile_size - 1) / tile_size, [&](std::size_t tile, std::size_t worker) {
    const std::size_t first = tile * tile_size;
    const std::size_t count = std::min(tile_size, n - first);
    passengers[worker]->pass(z.subspan(first * dim, count * dim), first, invert,
                             std::span(passage.y).subspan(first * dim, count * dim),
                             std::span(passage.each).subspan(first, count));
  });
  return passage;
}

#define RIFFLE_INSTANTIATE(T)  \
  template class Disturbed<T>; \
  template Passage pass(const Disturbed<T>&, std::span<const double>, bool, Executor&);

RIFFLE_INSTANTIATE(float)
RIFFLE_INSTANTIATE(double)
#undef RIFFLE_INSTANTIATE

}  // namespace riffle
