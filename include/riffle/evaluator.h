#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "riffle/trained_flow.h"

namespace riffle {

/// A trained flow at work: draws, ln q, its gradient, and the map either way, into the caller's
/// memory. All memory of its own is taken when it is made; the calls take none (where the base is
/// full-normal, a thread's first call may).
///
/// Points are row-major [n][dim], n any number, 0 as well. Spans are of float or of double,
/// whatever the precision of the flow, which is what it computes in; the two kinds are not mixed in
/// one call. The results are, to the bit, those of TrainedFlow, and depend neither on the batch
/// that a point stands in nor on the number of threads (but where another point's numbers overflow
/// on the way, which may round its neighbours in another way).
///
/// Threads: an evaluator is one thread's at a time. For several threads of one's own make one for
/// each: they share the flow. Or let the evaluator have threads of its own, which share out batches
/// of more than `tile_size` points and wait in between. Results may not overlap with points.
///
/// Throws Error{usage} for spans whose sizes do not go together, and for what the flow has not:
/// log_density, score and to_base need has_density(). The results of a point that is not finite are
/// NaN; of one beyond what the precision can invert they are not finite.
class Evaluator {
 public:
  static constexpr std::size_t most_threads = 1024;

  /// `threads` counts the caller; 0 stands for one on each core that the process may use.
  explicit Evaluator(const TrainedFlow& flow, std::size_t threads = 1);
  ~Evaluator();
  Evaluator(Evaluator&&) noexcept;
  Evaluator& operator=(Evaluator&&) noexcept;

  const TrainedFlow& flow() const;
  std::size_t dim() const;
  std::size_t threads() const;

  /// Whether q can be had at any point: the map is injective and has an inverse. Where not, why.
  bool has_density() const { return no_density_reason().empty(); }
  const std::string& no_density_reason() const;

  /// Draws first, first + 1, ... of the stream that belongs to `seed`, with ln q and, where
  /// has_density(), ∇ln q, which are not wanted where their spans are empty. A seed has 2^32 draws.
  /// They are made `tile_size` at a time: who takes few in a row, one after the other, pays for
  /// each once; single draws from all over the stream cost a tile each.
  void sample(std::uint64_t seed, std::uint64_t first, std::span<double> points,
              std::span<double> log_q = {}, std::span<double> score = {});
  void sample(std::uint64_t seed, std::uint64_t first, std::span<float> points,
              std::span<float> log_q = {}, std::span<float> score = {});

  /// log_q[i] = ln q(x_i).
  void log_density(std::span<const double> points, std::span<double> log_q);
  void log_density(std::span<const float> points, std::span<float> log_q);

  /// score[i] = ∇ln q(x_i), row-major as the points are, with ln q where it is wanted.
  void score(std::span<const double> points, std::span<double> score, std::span<double> log_q = {});
  void score(std::span<const float> points, std::span<float> score, std::span<float> log_q = {});

  /// From the base's space to the samples', with ln|det| of this map's Jacobian where it is wanted.
  void to_sample(std::span<const double> base, std::span<double> points,
                 std::span<double> log_det = {});
  void to_sample(std::span<const float> base, std::span<float> points,
                 std::span<float> log_det = {});

  /// And back, with ln|det| of the inverse map's.
  void to_base(std::span<const double> points, std::span<double> base,
               std::span<double> log_det = {});
  void to_base(std::span<const float> points, std::span<float> base, std::span<float> log_det = {});

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace riffle
