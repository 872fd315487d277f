#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "riffle/choices.h"

namespace riffle {

/// Independent draws with their exact log densities.
struct FlowDraws {
  std::size_t dim = 0;
  std::vector<double> z;      ///< row-major [n][dim]
  std::vector<double> log_q;  ///< [n], normalised
};

/// A tensor of a flow's parameters.
struct NamedTensor {
  std::string name;  ///< "k.NAME" for layer k
  std::vector<std::size_t> shape;
  std::vector<double> values;  ///< row-major
};

/// A flow with its parameters: an explicit distribution over R^dim. Immutable; its methods may be
/// called from several threads at once. It computes in the precision it was trained in.
class TrainedFlow {
 public:
  /// What a model file holds besides its check vectors.
  struct Definition {
    std::string base;
    std::string layers;  ///< such as "planar:16"
    Precision precision = Precision::float64;
    std::size_t dim = 0;
    std::vector<double> params;
    /// What the coordinates are called where they have names, such as those of the columns of the
    /// points that the flow was fitted to; empty, or one for each.
    std::vector<std::string> columns = {};
  };

  /// Throws Error{usage} for names, sizes or values that do not fit together.
  explicit TrainedFlow(Definition definition);

  /// Reads a model file and verifies it by its digest and by its check vectors. Throws
  /// Error{no_input}, Error{io}, or Error{data} for a file that is truncated, edited or not a
  /// model.
  static TrainedFlow load(const std::filesystem::path& path);
  /// Writes a model file, with check vectors of its own. Throws Error{cannot_create} or Error{io},
  /// and Error{data} where a parameter is not finite.
  void save(const std::filesystem::path& path) const;

  const Definition& definition() const;
  std::size_t dim() const;
  std::vector<NamedTensor> parameters() const;
  /// Whether the map is injective; where it is not, log_q is not the density of the draws.
  bool injective() const;

  /// Draws `first` ... `first + n - 1` of the stream that belongs to `seed`. Throws Error{usage}
  /// where `first` is not a multiple of `tile_size`.
  FlowDraws sample(std::uint64_t n, std::uint64_t seed = 1, std::uint64_t first = 0) const;

  /// ln q at points, row-major [n][dim], by the inverse of the map. Throws Error{usage} where the
  /// map is not injective or has no inverse.
  std::vector<double> log_density(std::span<const double> points) const;

 private:
  friend class Evaluator;
  friend struct TrainedFlowAccess;
  struct Implementation;
  explicit TrainedFlow(std::shared_ptr<const Implementation> implementation);
  std::shared_ptr<const Implementation> implementation_;
};

}  // namespace riffle
