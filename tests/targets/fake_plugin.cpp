// A plug-in of one coordinate that misbehaves as its data say.

#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>

#include "riffle/plugin.h"

#ifndef FAKE_ABI
#define FAKE_ABI RIFFLE_PLUGIN_ABI
#endif

struct riffle_plugin_model {
  std::string data;
};

namespace {
size_t evaluated = 0;  // points; it is used from one thread
}

extern "C" {

int32_t riffle_plugin_abi(void) {
  return FAKE_ABI;
}

riffle_plugin_model* riffle_plugin_create(const char* data, char* error, size_t error_size) {
  if (std::string(data) == "refuse") {
    std::snprintf(error, error_size, "I will\nnot");
    return nullptr;
  }
  if (std::string(data) == "refuse without end") {
    for (size_t i = 0; i < error_size; ++i) error[i] = 'x';
    return nullptr;
  }
  return new riffle_plugin_model{data};
}

void riffle_plugin_destroy(riffle_plugin_model* model) {
  delete model;
}

size_t riffle_plugin_dim(const riffle_plugin_model* model) {
  return model->data == "flat" ? 0 : 1;
}

void riffle_plugin_evaluate(const riffle_plugin_model* model, size_t n, const double* z,
                            double* log_density, double* gradient, int32_t* status, char* error,
                            size_t error_size) {
  evaluated += n;
  bool fails = true;
  if (int after = 0; std::sscanf(model->data.c_str(), "hang after %d", &after) == 1) {
    fails = false;
    while (evaluated > static_cast<size_t>(after)) {
      std::this_thread::sleep_for(std::chrono::seconds(1));
    }
  }
  if (int each = 0; std::sscanf(model->data.c_str(), "%d ms a", &each) == 1) {
    fails = false;
    const bool a_point = model->data.find("a point") != std::string::npos;
    std::this_thread::sleep_for(std::chrono::milliseconds(each) * (a_point ? n : 1));
  }
  if (model->data == "leave the folder") {
    fails = false;
    std::filesystem::current_path("/");
  }
  const bool prints = model->data.find("print") != std::string::npos;
  if (prints) {
    fails = false;
    std::printf("hello from printf\n");
    std::cout << "hello from cout\n";
  }
  if (model->data == "print and close" && evaluated > 50) {
    for (int stream = 0; stream < 20; ++stream) ::close(stream);
  }
  double factor = 1;
  if (std::sscanf(model->data.c_str(), "gradient times %lf", &factor) == 1) fails = false;
  double least = 0;
  const bool far = std::sscanf(model->data.c_str(), "nowhere below %lf", &least) == 1;
  bool told = false;
  for (size_t i = 0; i < n; ++i) {
    log_density[i] = -0.5 * z[i] * z[i];
    gradient[i] = -z[i] * factor;
    if (far) {
      log_density[i] = z[i] < least ? -INFINITY : -0.5 * (z[i] - least - 5) * (z[i] - least - 5);
      gradient[i] = -(z[i] - least - 5);
      if (z[i] < -1) {
        status[i] = 1;
        std::snprintf(error, error_size, "no\nlogarithm of %g", z[i]);
      }
      continue;
    }
    if (fails && z[i] > 1) {
      status[i] = 7;
      if (!told) std::snprintf(error, error_size, "%g is above 1", z[i]);
      told = true;
    }
  }
}

#ifdef FAKE_NAMES
size_t riffle_plugin_value_count(const riffle_plugin_model*) {
  return 2;
}
size_t riffle_plugin_parameter_count(const riffle_plugin_model*) {
  return 1;
}
const char* riffle_plugin_value_name(const riffle_plugin_model* model, size_t i) {
  if (model->data == "null") return nullptr;
  return i == 0 ? model->data.c_str() : "other";
}
int32_t riffle_plugin_constrain(const riffle_plugin_model*, const double* z, double* values) {
  values[0] = std::exp(z[0]);
  values[1] = z[0];
  return 0;
}
int32_t riffle_plugin_unconstrain(const riffle_plugin_model*, const double* values, double* z) {
  z[0] = std::log(values[0]);
  return values[0] > 0 ? 0 : 1;
}
#endif

#ifdef FAKE_INCOMPLETE
size_t riffle_plugin_value_count(const riffle_plugin_model*) {
  return 1;
}
#endif
}
