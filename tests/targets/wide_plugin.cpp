// A plug-in of two coordinates with as many values computed from them as its data say: "N values".

#include <cstdint>
#include <cstdio>
#include <string>

#include "riffle/plugin.h"

struct riffle_plugin_model {
  size_t values = 0;
  mutable std::string name;
};

extern "C" {

int32_t riffle_plugin_abi(void) {
  return RIFFLE_PLUGIN_ABI;
}

riffle_plugin_model* riffle_plugin_create(const char* data, char* error, size_t error_size) {
  size_t values = 0;
  if (std::sscanf(data, "%zu values", &values) != 1) {
    std::snprintf(error, error_size, "how many values?");
    return nullptr;
  }
  return new riffle_plugin_model{values, {}};
}

void riffle_plugin_destroy(riffle_plugin_model* model) {
  delete model;
}

size_t riffle_plugin_dim(const riffle_plugin_model*) {
  return 2;
}

void riffle_plugin_evaluate(const riffle_plugin_model*, size_t n, const double* z,
                            double* log_density, double* gradient, int32_t*, char*, size_t) {
  for (size_t i = 0; i < 2 * n; ++i) gradient[i] = -z[i];
  for (size_t i = 0; i < n; ++i) {
    log_density[i] = -0.5 * (z[2 * i] * z[2 * i] + z[2 * i + 1] * z[2 * i + 1]);
  }
}

size_t riffle_plugin_value_count(const riffle_plugin_model* model) {
  return 2 + model->values;
}

size_t riffle_plugin_parameter_count(const riffle_plugin_model*) {
  return 2;
}

const char* riffle_plugin_value_name(const riffle_plugin_model* model, size_t i) {
  model->name = i < 2 ? std::string(1, "ab"[i]) : "f." + std::to_string(i - 1);
  return model->name.c_str();
}

int32_t riffle_plugin_constrain(const riffle_plugin_model* model, const double* z, double* values) {
  values[0] = z[0];
  values[1] = z[1];
  for (size_t i = 0; i < model->values; ++i) {
    values[2 + i] = z[0] + static_cast<double>(i + 1) * z[1];
  }
  return 0;
}
}
