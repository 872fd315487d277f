#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "core/executor.h"
#include "inference/gradient_source.h"
#include "inference/tile_sums.h"
#include "model/flow_model.h"

namespace riffle {

/// Gradient of the mean of -ln q over a batch of data, drawn with replacement: maximum likelihood.
/// Points go through the inverse of the flow, so the flow must have one.
template <class T>
class LikelihoodEstimator final : public GradientSource<T> {
 public:
  /// `rows` holds the data, row-major [n][dim], n >= 1, and must outlive the estimator.
  LikelihoodEstimator(const FlowModel<T>& model, std::span<const double> rows, std::size_t batch,
                      Executor& executor, InstructionSet set);
  ~LikelihoodEstimator() override;

  Direction direction() const override { return Direction::inverse; }

  /// `terms` are those of other objectives and are not looked at.
  Estimate estimate(std::span<const T> params, const RandomStream& stream, ObjectiveTerms terms,
                    std::span<T> grad) override;
  std::vector<std::uint64_t> blame() const override;
  void forget_blame() override;

 private:
  struct Worker;

  TileShare run_tile(Worker& worker, std::size_t count, std::span<const T> params,
                     std::span<T> grad);
  void pass(Worker& worker, std::size_t count, std::span<const T> params);
  std::size_t leave_out_invalid(Worker& worker, std::size_t count, std::span<const T> params);

  const FlowModel<T>& model_;
  std::span<const double> rows_;
  std::size_t batch_;
  TileSums<T> sums_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace riffle
