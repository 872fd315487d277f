#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "riffle/trained_flow.h"

namespace riffle {

/// Draws with their log densities that a flow gave when it was saved.
struct CheckVectors {
  std::uint64_t seed = 0;
  std::vector<double> z;
  std::vector<double> log_q;
};

struct ModelFile {
  TrainedFlow flow;
  CheckVectors check;
};

/// Reads a model file as TrainedFlow::load does, but leaves its check vectors to the caller.
ModelFile read_model(const std::filesystem::path& path);

/// Largest |a - b| / (1 + |b|) of what the flow gives now and then, infinite where it cannot be
/// told.
double check_deviation(const ModelFile& model);
/// How much of it is taken: another instruction set rounds differently; a wrong formula or layout
/// is off by far more.
double check_tolerance(Precision precision);

}  // namespace riffle
