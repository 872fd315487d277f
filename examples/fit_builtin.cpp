// Fits a planar flow to one of the built-in targets and saves it.
#include <cstdio>

#include "riffle/riffle.h"

int main() {
  riffle::Spec spec = riffle::find_spec("U1");
  spec.flow.layers = "planar:16";
  spec.run.seed = 7;

  const riffle::FitReport report = riffle::fit(spec);

  std::printf("ELBO %.4f ± %.4f\n", report.elbo, report.elbo_se);
  if (report.kl) std::printf("KL   %.4f ± %.4f\n", *report.kl, *report.kl_se);
  for (const auto& warning : report.warnings) std::printf("warning: %s\n", warning.c_str());

  report.flow.save("u1.riffle");
  std::printf("saved u1.riffle\n");
}
