#pragma once

#include <cstddef>
#include <string>

namespace riffle {

/// One gradient of the free energy of a flow against a standard normal target.
struct GradientBenchmark {
  std::string flow = "planar:16";
  std::size_t dim = 2;
  std::size_t batch = 256;
  std::size_t threads = 1;
  std::string precision = "float";
  std::size_t rounds = 9;
};

/// Prints what a step costs, and what it found where the answer is known: a line for a reader, then
/// one of JSON. Throws Error{usage} for what cannot be.
void bench_gradient(const GradientBenchmark& what);

}  // namespace riffle
