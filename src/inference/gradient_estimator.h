#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/executor.h"
#include "inference/gradient_source.h"
#include "inference/objective_kernels.h"
#include "inference/tile_sums.h"
#include "model/flow_model.h"
#include "targets/density.h"

namespace riffle {

/// Reparameterisation gradient of a variational objective: draws z0 ~ q0, pushes them through the
/// flow, and pulls the cotangents back, either all of them or, for the gradient of the path, those
/// of the draws alone: with c_k = α w̃_k + (1 - α) w̃_k², w̃ the normalised w^(1-α) of a group,
///   Σ_k c_k (∇ln q - β ∇ln p)(z_k) · ∂z_k/∂θ
/// (Roeder, Wu & Duvenaud 2017 for one draw; Tucker, Lawson, Gu & Maddison 2019 for groups).
///
/// Draws are handled in tiles, on any thread.
template <class T>
class GradientEstimator final : public GradientSource<T> {
 public:
  GradientEstimator(const FlowModel<T>& model, const Density<T>& target, std::size_t batch,
                    Executor& executor, InstructionSet set);
  ~GradientEstimator() override;

  Direction direction() const override { return Direction::forward; }

  Estimate estimate(std::span<const T> params, const RandomStream& stream, ObjectiveTerms terms,
                    std::span<T> grad) override;
  std::vector<std::uint64_t> blame() const override;
  void forget_blame() override;

 private:
  struct Worker;

  TileShare run_tile(Worker& worker, std::size_t first, std::size_t count,
                     std::span<const T> params, const RandomStream& stream, ObjectiveTerms terms,
                     std::span<T> grad);
  T pass(Worker& worker, std::size_t count, std::span<const T> params, ObjectiveTerms terms,
         bool weighted);
  T combine_path(Worker& worker, const TileTerms<T>& tile, std::size_t count,
                 std::span<const T> params, ObjectiveTerms terms);
  void pull_back(Worker& worker, std::size_t count, std::span<const T> params, ObjectiveTerms terms,
                 std::span<T> grad);
  void leave_out_invalid(Worker& worker, std::size_t count, std::span<const T> params);

  const FlowModel<T>& model_;
  const Density<T>& target_;
  std::size_t batch_;
  ObjectiveKernels<T> kernels_;
  TileSums<T> sums_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace riffle
