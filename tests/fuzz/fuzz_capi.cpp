#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "riffle/c.h"

namespace {

void check(int status, char* error, const void* handle) {
  const bool known = status == RIFFLE_OK || status == RIFFLE_USAGE || status == RIFFLE_DATA ||
                     status == RIFFLE_NO_INPUT || status == RIFFLE_CANCELLED;
  if (!known || (status == RIFFLE_OK) != (error == nullptr)) std::abort();
  if ((status == RIFFLE_OK) != (handle != nullptr)) std::abort();
  if (error != nullptr && std::strchr(error, '\n') != nullptr) std::abort();
  riffle_free_text(error);
}

/// Ends a fit at its first sign: what is looked for is before it.
int end(const riffle_progress*, void*) {
  return 1;
}

}  // namespace

/// Points with settings in TOML through the C interface: learned or refused. The first byte is the
/// dimension, the second the number of points, the third how long names are; then come the points
/// (as half-bytes, or as they are), the names, and the settings.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::size_t dim = data[0] % 5;
  const std::size_t n = data[1] % 40;
  const std::size_t length = data[2] % 8;
  const bool raw = (data[0] & 0x80U) != 0;
  std::size_t at = 3;
  std::vector<double> points(n * dim);
  for (double& x : points) {
    if (raw && at + sizeof x <= size) {
      std::memcpy(&x, data + at, sizeof x);
      at += sizeof x;
    } else if (at < size) {
      x = (static_cast<double>(data[at++]) - 128) / 16;
    }
  }
  std::vector<std::string> names(dim);
  std::vector<const char*> pointers;
  for (auto& name : names) {
    const auto part = std::min(length, size - at);
    name.assign(reinterpret_cast<const char*>(data) + at, part);
    at += part;
    pointers.push_back(name.c_str());
  }
  std::string toml(reinterpret_cast<const char*>(data) + at, size - at);
  // Last, so that it holds: a fit of a moment.
  if (toml.find("[run]") == std::string::npos) {
    toml +=
        "\n[run]\niterations = 1\nbatch = 16\nevaluation_draws = 1000\ndraws = 1\nthreads = 1\n";
  } else {
    return 0;
  }
  riffle_fit_callbacks callbacks = {sizeof(riffle_fit_callbacks), &end, nullptr, nullptr};
  riffle_report* report = nullptr;
  char* error = nullptr;
  const int status =
      riffle_fit_samples(n, dim, points.data(), length > 0 ? pointers.data() : nullptr,
                         toml.c_str(), &callbacks, &report, &error);
  check(status, error, report);
  riffle_array array;
  if (report != nullptr && (riffle_report_array(report, "draws", &array, nullptr) != RIFFLE_OK ||
                            riffle_report_json(report) == nullptr)) {
    std::abort();
  }
  riffle_report_free(report);

  riffle_target* target = nullptr;
  error = nullptr;
  const int made = riffle_target_built_in("gaussian", toml.c_str(), &target, &error);
  check(made, error, target);
  riffle_target_free(target);
  return 0;
}
