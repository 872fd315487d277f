// What draws, ln q and scores of a trained flow cost through riffle::Evaluator, on one thread:
//   riffle_bench_evaluator MODEL.riffle
// prints a line of JSON: nanoseconds a draw, at batches of 1 and 1,024, and a few results to
// compare others with.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/timing.h"
#include "riffle/evaluator.h"

namespace riffle {
namespace {

std::string measured(Evaluator& evaluator, std::size_t batch) {
  const std::size_t dim = evaluator.dim();
  const auto n = static_cast<double>(batch);
  std::vector<float> z(batch * dim), log_q(batch), score(batch * dim);
  std::uint64_t first = 0;
  const auto ns = [&](auto&& call) { return 1e9 * time_call(call, 15).median / n; };
  const double draw = ns([&] {
    evaluator.sample(1, first, z, log_q);
    first = (first + batch) % (1U << 30);
  });
  if (!evaluator.has_density()) {
    return fmt::format(R"("{}": {{"draw": {:.1f}}})", batch, draw);
  }
  const double log_density = ns([&] { evaluator.log_density(z, log_q); });
  const double with_score = ns([&] { evaluator.score(z, score, log_q); });
  return fmt::format(R"("{}": {{"draw": {:.1f}, "log_density": {:.1f}, "score": {:.1f}}})", batch,
                     draw, log_density, with_score);
}

std::string some_results(Evaluator& evaluator) {
  constexpr std::size_t n = 50;
  const std::size_t dim = evaluator.dim();
  std::vector<double> z(n * dim), log_q(n), score(n * dim), base(n * dim);
  evaluator.sample(1, 0, z);
  evaluator.score(z, score, log_q);
  evaluator.to_base(z, base);
  return fmt::format(R"("check": {{"base": [{}], "z": [{}], "log_q": [{}], "score": [{}]}})",
                     fmt::join(base, ", "), fmt::join(z, ", "), fmt::join(log_q, ", "),
                     fmt::join(score, ", "));
}

int run(const char* model) {
  Evaluator evaluator(TrainedFlow::load(model));
  auto line = measured(evaluator, 1) + ", " + measured(evaluator, 1024);
  if (evaluator.has_density()) line += ", " + some_results(evaluator);
  fmt::print("{{{}}}\n", line);
  return 0;
}

}  // namespace
}  // namespace riffle

int main(int argc, char** argv) {
  try {
    if (argc == 2) return riffle::run(argv[1]);
    std::fputs("usage: riffle_bench_evaluator MODEL.riffle\n", stderr);
    return 64;
  } catch (const std::exception& error) {
    fmt::print(stderr, "riffle_bench_evaluator: {}\n", error.what());
    return 1;
  }
}
