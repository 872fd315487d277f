/* A plug-in in C: Rosenbrock's banana, x ~ N(0, 1), y ~ N(x^2, width^2), as wide as the data say.
 *
 *     cc -O2 -shared -fPIC -I include banana.c -o banana.so
 *     riffle fit --plugin banana.so --data 0.5 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "riffle/plugin.h"

struct riffle_plugin_model {
  double width;
};

static const double log_2pi = 1.8378770664093453;

int32_t riffle_plugin_abi(void) {
  return RIFFLE_PLUGIN_ABI;
}

riffle_plugin_model* riffle_plugin_create(const char* data, char* error, size_t error_size) {
  char* end = NULL;
  riffle_plugin_model* model = malloc(sizeof *model);
  if (model == NULL) {
    snprintf(error, error_size, "out of memory");
    return NULL;
  }
  model->width = *data == '\0' ? 0.5 : strtod(data, &end);
  if ((end != NULL && *end != '\0') || !(model->width > 0) || !isfinite(model->width)) {
    snprintf(error, error_size, "the width of the banana must be a positive number, not \"%s\"",
             data);
    free(model);
    return NULL;
  }
  return model;
}

void riffle_plugin_destroy(riffle_plugin_model* model) {
  free(model);
}

size_t riffle_plugin_dim(const riffle_plugin_model* model) {
  (void)model;
  return 2;
}

uint32_t riffle_plugin_flags(const riffle_plugin_model* model) {
  (void)model;
  return RIFFLE_PLUGIN_THREAD_SAFE | RIFFLE_PLUGIN_KEEPS_CONSTANTS;
}

double riffle_plugin_log_z(const riffle_plugin_model* model) {
  (void)model;
  return 0;
}

void riffle_plugin_evaluate(const riffle_plugin_model* model, size_t n, const double* z,
                            double* log_density, double* gradient, int32_t* status, char* error,
                            size_t error_size) {
  const double precision = 1 / (model->width * model->width);
  int failed = 0;
  for (size_t i = 0; i < n; ++i) {
    const double x = z[2 * i];
    const double off = z[2 * i + 1] - x * x;
    log_density[i] = -0.5 * (x * x + off * off * precision) - log_2pi - log(model->width);
    gradient[2 * i] = -x + 2 * x * off * precision;
    gradient[2 * i + 1] = -off * precision;
    status[i] = !isfinite(log_density[i]);
    if (status[i] != 0 && !failed) {
      snprintf(error, error_size, "x = %g is too far out", x);
      failed = 1;
    }
  }
}

/* The radius is computed from the others: it is a value, but no parameter. */
size_t riffle_plugin_value_count(const riffle_plugin_model* model) {
  (void)model;
  return 3;
}
size_t riffle_plugin_parameter_count(const riffle_plugin_model* model) {
  (void)model;
  return 2;
}
const char* riffle_plugin_value_name(const riffle_plugin_model* model, size_t i) {
  static const char* const names[] = {"x", "y", "radius"};
  (void)model;
  return names[i];
}
int32_t riffle_plugin_constrain(const riffle_plugin_model* model, const double* z, double* values) {
  (void)model;
  values[0] = z[0];
  values[1] = z[1];
  values[2] = hypot(z[0], z[1]);
  return 0;
}
