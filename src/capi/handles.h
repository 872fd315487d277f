#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "riffle/c.h"
#include "riffle/evaluator.h"
#include "riffle/fit.h"
#include "riffle/target.h"

// What is behind the handles of riffle/c.h.

struct riffle_target {
  std::unique_ptr<riffle::Target> target;
};

struct riffle_flow {
  explicit riffle_flow(riffle::TrainedFlow trained);

  riffle::TrainedFlow flow;
  std::string json;
  // Evaluators that no call uses: there come to be as many as calls at once.
  mutable std::mutex mutex;
  mutable std::vector<std::unique_ptr<riffle::Evaluator>> idle;
};

struct riffle_report {
  riffle_report(riffle::FitReport found, std::string summary);

  riffle::FitReport report;
  std::string json;
  std::vector<std::string> coordinates;
  std::vector<double> log_weights;
  std::vector<double> loss;
  std::vector<double> held_out_loss;
};
