/* A posterior from a function in C: eight lines of model, then evidence, verdict and draws. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "riffle/c.h"

struct data {
  size_t n;
  const double* y;
};

/* y_i ~ N(mu, sigma), mu ~ N(0, 10), ln sigma ~ N(0, 2); x is mu and ln sigma. */
static int log_density(size_t dim, const double* x, double* grad, double* logp, void* user) {
  const struct data* data = user;
  const double mu = x[0];
  const double sigma = exp(x[1]);
  const double log_sqrt_2pi = 0.918938533204672742;
  size_t i;
  (void)dim;
  *logp = -0.5 * mu * mu / 100 - log(10) - 0.125 * x[1] * x[1] - log(2) - 2 * log_sqrt_2pi;
  grad[0] = -mu / 100;
  grad[1] = -0.25 * x[1];
  for (i = 0; i < data->n; ++i) {
    const double r = (data->y[i] - mu) / sigma;
    *logp += -0.5 * r * r - x[1] - log_sqrt_2pi;
    grad[0] += r / sigma;
    grad[1] += r * r - 1;
  }
  return isfinite(*logp) ? 0 : 1; /* 1: this point failed; go on with others */
}

/* Draws are told in terms of sigma. */
static int expand(size_t dim, const double* x, size_t count, double* values, void* user) {
  (void)dim;
  (void)count;
  (void)user;
  values[0] = x[0];
  values[1] = exp(x[1]);
  return 0;
}

static int on_stage(const riffle_stage* stage, void* user) {
  (void)user;
  printf("%-7s %s\n", stage->name, stage->message);
  return 0; /* anything else would end the fit */
}

static void fail_on(int status, char* error) {
  if (status == RIFFLE_OK) return;
  fprintf(stderr, "riffle: %s\n", error == NULL ? "no memory" : error);
  riffle_free_text(error);
  exit(status);
}

int main(void) {
  const double y[] = {1.2, 0.4, 2.6, 1.9, 0.7, 1.1, 1.4, 2.2};
  struct data data = {sizeof(y) / sizeof(y[0]), NULL};
  const char* names[] = {"mu", "sigma"};
  riffle_target_options options = RIFFLE_TARGET_OPTIONS_INIT;
  riffle_fit_callbacks callbacks = RIFFLE_FIT_CALLBACKS_INIT;
  riffle_target* target = NULL;
  riffle_report* report = NULL;
  riffle_array values;
  char* error = NULL;
  double mean[2] = {0, 0};
  size_t i;

  data.y = y;
  options.flags = RIFFLE_THREAD_SAFE | RIFFLE_KEEPS_CONSTANTS;
  options.name = "normal";
  options.expand = expand;
  options.value_count = 2;
  options.names = names;
  fail_on(riffle_target_point(2, log_density, &data, &options, &target, &error), error);
  fail_on(riffle_check_gradient(target, 8, 1, NULL, &error), error);

  callbacks.on_stage = on_stage;
  fail_on(riffle_fit(target, "[run]\nseed = 7\n", &callbacks, &report, &error), error);
  fail_on(riffle_report_array(report, "values", &values, &error), error);
  for (i = 0; i < values.rows; ++i) {
    mean[0] += values.data[2 * i] / (double)values.rows;
    mean[1] += values.data[2 * i + 1] / (double)values.rows;
  }
  printf("%lu draws: mean of %s %.3f, of %s %.3f\n", (unsigned long)values.rows,
         riffle_report_name(report, 1, 0), mean[0], riffle_report_name(report, 1, 1), mean[1]);
  puts(riffle_report_json(report));

  riffle_report_free(report);
  riffle_target_free(target);
  return 0;
}
