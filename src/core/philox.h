#pragma once

#include <array>
#include <cstdint>

namespace riffle {

/// Philox4x32-10, a counter-based generator: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw,
/// "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3 and table 2. A bijection of
/// the counter for each key, so any draw can be had without drawing those before it.
struct Philox {
  using Counter = std::array<std::uint32_t, 4>;
  using Key = std::array<std::uint32_t, 2>;

  static constexpr std::uint32_t multiplier[2] = {0xD2511F53, 0xCD9E8D57};
  static constexpr std::uint32_t weyl[2] = {0x9E3779B9, 0xBB67AE85};
  static constexpr int rounds = 10;

  static constexpr Counter block(Counter c, Key k) {
    for (int round = 0; round < rounds; ++round) {
      const std::uint64_t p0 = std::uint64_t{multiplier[0]} * c[0];
      const std::uint64_t p1 = std::uint64_t{multiplier[1]} * c[2];
      c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(p1),
           static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(p0)};
      k[0] += weyl[0];
      k[1] += weyl[1];
    }
    return c;
  }
};

/// What a stream of random numbers is for. Streams of different purposes never overlap.
enum class Purpose : std::uint32_t {
  training = 0,
  evaluation = 1,
  draws = 2,
  snapshot = 3,
  initial_values = 4,
  audit = 5,
  first_batch = 6,
  hold_out = 7,
  structure = 8,  ///< what is fixed when a layer is made, such as a permutation
  mode_search = 9,
  assessment = 10,
  resampling = 11,
  restart = 12,  ///< seeds of further fits of one run
  sampler = 13,
  teaching = 14,  ///< batches of draws that a flow learns from
};

/// A stream of random numbers: the seed is the key of the generator; purpose and step fill two
/// words of its counter, sample and coordinate the other two. The step is the training iteration,
/// so that no two iterations share a draw, whatever was done between them.
struct RandomStream {
  std::uint64_t seed = 0;
  Purpose purpose = Purpose::training;
  std::uint64_t step = 0;  ///< at most 2^56 - 1: its high part shares a word with the purpose

  constexpr Philox::Key key() const {
    return {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  }
  constexpr Philox::Counter counter(std::uint32_t sample, std::uint32_t dim) const {
    return {sample, dim, static_cast<std::uint32_t>(step),
            (static_cast<std::uint32_t>(purpose) << 24) | static_cast<std::uint32_t>(step >> 32)};
  }
  /// Uniform on (0, 1), 53 bits, for the few numbers that are not drawn by lanes.
  constexpr double uniform(std::uint32_t sample, std::uint32_t dim) const {
    const auto word = Philox::block(counter(sample, dim), key());
    const std::uint64_t bits = (std::uint64_t{word[0]} << 32) | word[1];
    return (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53;
  }
};

}  // namespace riffle
