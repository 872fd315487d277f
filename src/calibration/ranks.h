#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "riffle/posterior.h"

namespace riffle {

/// rank_draws draws of equal weight: indices into the report's draws, which are independent, drawn
/// with replacement by their weights (uniformly where they were resampled already). Empty where no
/// weight is finite.
std::vector<std::size_t> equal_weight_draws(const PosteriorReport& report, std::size_t draws,
                                            std::uint64_t seed);

/// How many of the draws are below the truth; of those that are equal, a number that is drawn
/// uniformly (Modrák et al. 2023, section 2). `which` tells the quantities apart.
std::size_t rank_of(double truth, std::span<const double> draws, std::uint64_t seed,
                    std::uint32_t which);

}  // namespace riffle
