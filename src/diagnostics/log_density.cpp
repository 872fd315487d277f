#include "diagnostics/log_density.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/aligned.h"
#include "core/rows.h"

namespace riffle {
namespace {

template <class T>
struct Room {
  explicit Room(const FlowModel<T>& model)
      : y(model.dim()), z(model.dim()), cache(model.flow().cache_size()) {}
  TileBuffer<T> y;
  TileBuffer<T> z;
  AlignedVector<T> cache;
  AlignedVector<T> log_det = AlignedVector<T>(tile_size);
  AlignedVector<T> log_q0 = AlignedVector<T>(tile_size);
};

}  // namespace

template <class T>
std::vector<double> log_density_at(const FlowModel<T>& model, std::span<const T> params,
                                   std::span<const double> points, Executor& executor) {
  std::vector<double> result(points.size() / model.dim());
  std::vector<std::unique_ptr<Room<T>>> rooms;
  for (std::size_t i = 0; i < executor.threads(); ++i) {
    rooms.push_back(std::make_unique<Room<T>>(model));
  }
  const std::size_t tiles = (result.size() + tile_size - 1) / tile_size;
  executor.run(tiles, [&](std::size_t tile, std::size_t worker) {
    auto& room = *rooms[worker];
    const std::size_t first = tile * tile_size;
    const auto count = std::min(tile_size, result.size() - first);
    const auto y = room.y.view(count);
    rows_to_tile(points.subspan(first * model.dim(), count * model.dim()), y);
    std::fill(room.log_det.begin(), room.log_det.end(), T(0));
    model.flow().inverse(model.flow_part(params), y, room.z.view(count), room.log_det.data(),
                         room.cache.data());
    model.base().log_density(model.base_part(params), room.z.view(count), room.log_q0.data());
    for (std::size_t s = 0; s < count; ++s) {
      result[first + s] =
          static_cast<double>(room.log_q0[s]) + static_cast<double>(room.log_det[s]);
    }
  });
  return result;
}

template std::vector<double> log_density_at(const FlowModel<float>&, std::span<const float>,
                                            std::span<const double>, Executor&);
template std::vector<double> log_density_at(const FlowModel<double>&, std::span<const double>,
                                            std::span<const double>, Executor&);

}  // namespace riffle
