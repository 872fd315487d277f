// Loads a trained flow, as fit_builtin or `riffle fit` saved it, draws from it and evaluates its
// density.
#include <cstdio>
#include <vector>

#include "riffle/riffle.h"

int main(int argc, char** argv) {
  const char* path = argc > 1 ? argv[1] : "u1.riffle";
  try {
    const riffle::TrainedFlow flow = riffle::TrainedFlow::load(path);
    const riffle::FlowDraws draws = flow.sample(5, /*seed=*/42);
    for (std::size_t i = 0; i < draws.log_q.size(); ++i) {
      for (std::size_t d = 0; d < draws.dim; ++d) std::printf("%9.4f ", draws.z[i * draws.dim + d]);
      std::printf("  ln q = %.4f\n", draws.log_q[i]);
    }
    // Where it is asked often, an Evaluator writes into memory that is there already.
    riffle::Evaluator evaluator(flow);
    const std::vector<double> origin(flow.dim(), 0.0);
    std::vector<double> log_q(1);
    std::vector<double> score(flow.dim());
    evaluator.score(origin, score, log_q);
    std::printf("ln q at the origin: %.4f, its gradient: (", log_q[0]);
    for (const double derivative : score) std::printf(" %.4f", derivative);
    std::printf(" )\n");
  } catch (const riffle::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return riffle::exit_code(error.kind());
  }
}
