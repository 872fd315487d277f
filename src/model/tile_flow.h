#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "core/aligned.h"
#include "core/whole_lanes.h"
#include "model/flow_model.h"
#include "riffle/tile.h"

namespace riffle {

/// One tile of points on its way through a model, either way, with all the memory that this takes.
/// Belongs to one thread; the model and its parameters must outlive it.
template <class T>
class TileFlow {
 public:
  TileFlow(const FlowModel<T>& model, std::span<const T> params)
      : model_(model),
        params_(params),
        base_point_(model.dim()),
        point_(model.dim()),
        score_(model.dim()),
        cache_(model.flow().cache_size(), T(0)),
        base_cache_(model.base().cache_size(), T(0)) {}

  std::size_t dim() const { return model_.dim(); }

  /// Copies points, row-major [count][dim], to the base's side or the sample's. Those that are not
  /// finite have results of NaN, and another point goes through in their place, as they would
  /// change how their neighbours are rounded. So does it beyond the last point, where the layers
  /// ask for numbers that are as good as any.
  template <class U>
  void load_base_points(std::span<const U> rows) {
    load(rows, base_point_);
  }
  template <class U>
  void load_points(std::span<const U> rows) {
    load(rows, point_);
  }

  /// Draws of the base, and on to the points.
  void draw(const RandomStream& stream, std::uint64_t first, std::size_t count) {
    count_ = count;
    spoilt_.fill(false);
    model_.base().sample(model_.base_part(params_), stream, first, base_point_.view(count),
                         base_cache_.data());
    push();
  }
  /// From base points to points.
  void push() {
    log_det_.fill(T(0));
    model_.flow().forward(model_.flow_part(params_), base_point_.view(count_), point_.view(count_),
                          log_det_.data(), cache_.data());
    sign_ = -1;
  }
  /// From points to base points. Only where the flow has an inverse and is injective.
  void pull() {
    log_det_.fill(T(0));
    model_.flow().inverse(model_.flow_part(params_), point_.view(count_), base_point_.view(count_),
                          log_det_.data(), cache_.data());
    sign_ = 1;
  }
  /// After push or pull: ln q0 of the base points, for log_q.
  void weigh() {
    model_.base().log_density(model_.base_part(params_), base_point_.view(count_), log_q0_.data());
  }
  /// After push or pull: ∇ln q at the points, that of ln q0 pushed through the flow. Where pull may
  /// be called.
  void find_score() {
    const std::size_t lanes = whole_lanes(count_);
    const auto score = score_.view(count_);
    for (std::size_t d = 0; d < dim(); ++d) std::fill_n(score.row(d), lanes, T(0));
    model_.base().log_density_vjp(model_.base_part(params_), base_point_.view(count_), one_.data(),
                                  score, {});
    model_.flow().push_score(model_.flow_part(params_), base_point_.view(count_), cache_.data(),
                             score, one_.data());
  }

  /// What is there for sample s: the logarithms of the last step's determinant and, after weigh(),
  /// of q at the point.
  double log_det(std::size_t s) const {
    return spoilt_[s] ? unknown : static_cast<double>(log_det_[s]);
  }
  double log_q(std::size_t s) const {
    if (spoilt_[s]) return unknown;
    return static_cast<double>(log_q0_[s]) + sign_ * static_cast<double>(log_det_[s]);
  }

  /// Copies of what lies at samples `first` ... of the tile, row-major, as many as `rows` has room
  /// for.
  template <class U>
  void store_base_points(std::size_t first, std::span<U> rows) const {
    store(base_point_, first, rows);
  }
  template <class U>
  void store_points(std::size_t first, std::span<U> rows) const {
    store(point_, first, rows);
  }
  template <class U>
  void store_score(std::size_t first, std::span<U> rows) const {
    store(score_, first, rows);
  }

 private:
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  using Row = std::array<T, tile_size>;
  static constexpr Row ones() {
    Row row{};
    row.fill(T(1));
    return row;
  }

  template <class U>
  void load(std::span<const U> rows, TileBuffer<T>& tile) {
    const std::size_t dim = model_.dim();
    count_ = rows.size() / dim;
    const std::size_t lanes = whole_lanes(count_);
    spoilt_.fill(false);
    bool all_finite = true;
    for (std::size_t d = 0; d < dim; ++d) {
      T* const row = tile.row(d);
      for (std::size_t s = 0; s < count_; ++s) {
        row[s] = static_cast<T>(rows[s * dim + d]);
        const bool finite = std::isfinite(row[s]);
        spoilt_[s] = spoilt_[s] || !finite;
        all_finite = all_finite && finite;
      }
      std::fill(row + count_, row + lanes, row[count_ - 1]);
    }
    if (!all_finite) replace_spoilt(tile, lanes);
  }
  void replace_spoilt(TileBuffer<T>& tile, std::size_t lanes) const {
    const auto last = spoilt_.begin() + static_cast<std::ptrdiff_t>(count_);
    const auto some =
        static_cast<std::size_t>(std::find(spoilt_.begin(), last, false) - spoilt_.begin());
    for (std::size_t d = 0; d < model_.dim(); ++d) {
      T* const row = tile.row(d);
      const T stand_in = some == count_ ? T(0) : row[some];
      for (std::size_t s = 0; s < lanes; ++s) {
        if (s >= count_ || spoilt_[s]) row[s] = stand_in;
      }
    }
  }
  template <class U>
  void store(const TileBuffer<T>& tile, std::size_t first, std::span<U> rows) const {
    const std::size_t dim = model_.dim();
    const std::size_t count = rows.size() / dim;
    const auto view = tile.view();
    for (std::size_t d = 0; d < dim; ++d) {
      const T* const row = view.row(d) + first;
      for (std::size_t s = 0; s < count; ++s) rows[s * dim + d] = static_cast<U>(row[s]);
    }
    for (std::size_t s = 0; s < count; ++s) {
      if (!spoilt_[first + s]) continue;
      std::fill_n(rows.begin() + static_cast<std::ptrdiff_t>(s * dim), dim,
                  std::numeric_limits<U>::quiet_NaN());
    }
  }

  const FlowModel<T>& model_;
  std::span<const T> params_;
  std::size_t count_ = 0;
  double sign_ = 1;  // of the log-det in ln q
  std::array<bool, tile_size> spoilt_{};
  TileBuffer<T> base_point_;
  TileBuffer<T> point_;
  TileBuffer<T> score_;
  AlignedVector<T> cache_;
  AlignedVector<T> base_cache_;
  alignas(64) Row log_q0_{};
  alignas(64) Row log_det_{};
  alignas(64) Row one_ = ones();
};

}  // namespace riffle
