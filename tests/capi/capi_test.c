/* The C interface from C: what it promises, and what it does where it is misused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "riffle/c.h"

static int failures = 0;

static void check(int holds, const char* what, int line) {
  if (holds) return;
  printf("line %d: not so: %s\n", line, what);
  ++failures;
}
#define CHECK(x) check((x) != 0, #x, __LINE__)

/* The call gives that status, and a message that holds `part` (none on success). */
static void expect(int status, int wanted, char* error, const char* part, int line) {
  if (status != wanted || (wanted == RIFFLE_OK) != (error == NULL) ||
      (error != NULL && strstr(error, part) == NULL)) {
    printf("line %d: status %d, not %d; message: %s, not: %s\n", line, status, wanted,
           error == NULL ? "(none)" : error, part);
    ++failures;
  }
  if (error != NULL && strchr(error, '\n') != NULL) {
    printf("line %d: more than one line: %s\n", line, error);
    ++failures;
  }
  riffle_free_text(error);
}
#define EXPECT(status, part, call)                   \
  do {                                               \
    char* error = (char*)"never written";            \
    const int said = (call);                         \
    expect(said, (status), error, (part), __LINE__); \
  } while (0)
#define OK(call) EXPECT(RIFFLE_OK, "", call)

/* A brief fit of a flow as it is told. */
static const char* const brief =
    "[flow]\nlayers = \"affine-full\"\n"
    "[objective]\nname = \"free-energy\"\n"
    "[run]\niterations = 300\nbatch = 64\nevaluation_draws = 2000\ndraws = 200\nthreads = 2\n";

/* ---- targets that behave, and that do not ---- */

typedef struct counts {
  size_t calls;
  size_t fail_above; /* status of points beyond so many calls */
  int result;        /* what the callback returns */
  int garbage;
  size_t largest;
} counts;

/* N(1, 2^2) in each coordinate. */
static double normal(size_t dim, const double* z, double* grad) {
  double logp = 0;
  size_t d;
  for (d = 0; d < dim; ++d) {
    logp -= 0.125 * (z[d] - 1) * (z[d] - 1);
    grad[d] = -0.25 * (z[d] - 1);
  }
  return logp;
}

static int batch(size_t n, size_t dim, const double* z, double* logp, double* grad, int32_t* status,
                 void* user) {
  counts* c = (counts*)user;
  size_t i;
  ++c->calls;
  if (n > c->largest) c->largest = n;
  for (i = 0; i < n; ++i) {
    if (status[i] != 0) return -99;
    logp[i] = normal(dim, z + i * dim, grad + i * dim);
    if (c->fail_above > 0 && z[i * dim] > 2) status[i] = 5;
    if (c->garbage) {
      logp[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : logp[i];
      if (i % 3 == 2) grad[i * dim] = -INFINITY;
      status[i] = 0;
    }
  }
  return c->result;
}

static int point(size_t n, const double* x, double* grad, double* logp, void* user) {
  counts* c = (counts*)user;
  ++c->calls;
  *logp = normal(n, x, grad);
  if (c->fail_above > 0 && x[0] > 2) return 3;
  return c->result;
}

static int expand(size_t dim, const double* z, size_t count, double* values, void* user) {
  (void)user;
  if (count != dim + 1) return 1;
  values[0] = exp(z[0]);
  memcpy(values + 1, z, dim * sizeof(double));
  return 0;
}

static riffle_array array(const riffle_report* report, const char* name) {
  riffle_array a = {NULL, 1, 1};
  OK(riffle_report_array(report, name, &a, &error));
  return a;
}

static int has(const char* text, const char* part) {
  return text != NULL && strstr(text, part) != NULL;
}

static double figure(const char* json, const char* key) {
  char wanted[64];
  const char* at;
  sprintf(wanted, "\"%s\": ", key);
  at = json == NULL ? NULL : strstr(json, wanted);
  return at == NULL ? NAN : atof(at + strlen(wanted));
}

static void test_versions(void) {
  char text[32];
  sprintf(text, "%d.%d.%d", RIFFLE_VERSION_MAJOR, RIFFLE_VERSION_MINOR, RIFFLE_VERSION_PATCH);
  CHECK(strcmp(riffle_version(), RIFFLE_VERSION) == 0);
  CHECK(strcmp(riffle_version(), text) == 0);
  riffle_free_text(NULL);
}

/* One call, and the same points one by one, or as a formula. */
static void test_targets(void) {
  counts b = {0, 0, 0, 0, 0};
  counts p = {0, 0, 0, 0, 0};
  riffle_target* targets[3] = {NULL, NULL, NULL};
  double z[300 * 2], logp[300], grad[600], other[300], slope[600];
  size_t i, k;
  OK(riffle_target_batch(2, batch, &b, NULL, &targets[0], &error));
  OK(riffle_target_point(2, point, &p, NULL, &targets[1], &error));
  OK(riffle_target_formula("-(x - 1)^2/8 - (y - 1)^2/8", 1, " x , y ", &targets[2], &error));
  for (i = 0; i < 600; ++i) z[i] = sin((double)i) * 3;
  OK(riffle_target_evaluate(targets[0], 300, z, logp, grad, &error));
  CHECK(b.calls == 3 && b.largest == 128);
  for (k = 1; k < 3; ++k) {
    OK(riffle_target_evaluate(targets[k], 300, z, other, slope, &error));
    for (i = 0; i < 300; ++i) CHECK(fabs(other[i] - logp[i]) < 1e-12 * (1 + fabs(logp[i])));
    for (i = 0; i < 600; ++i) CHECK(fabs(slope[i] - grad[i]) < 1e-12);
  }
  CHECK(p.calls == 300);
  OK(riffle_target_evaluate(targets[0], 0, NULL, NULL, NULL, &error));
  b.fail_above = 1;
  OK(riffle_target_evaluate(targets[0], 300, z, logp, grad, &error));
  for (i = 0; i < 300; ++i) CHECK((isnan(logp[i]) != 0) == (z[2 * i] > 2));
  b.result = -2;
  EXPECT(RIFFLE_CALLBACK, "returned -2",
         riffle_target_evaluate(targets[0], 3, z, logp, grad, &error));
  p.result = -7;
  EXPECT(RIFFLE_CALLBACK, "returned -7",
         riffle_target_evaluate(targets[1], 3, z, logp, grad, &error));
  p.result = 1; /* each point fails, and that is all */
  OK(riffle_target_evaluate(targets[1], 3, z, logp, grad, &error));
  CHECK(isnan(logp[0]) && isnan(grad[0]));
  for (k = 0; k < 3; ++k) {
    CHECK(riffle_target_dim(targets[k]) == 2);
    riffle_target_free(targets[k]);
  }
  riffle_target_free(NULL);
  CHECK(riffle_target_dim(NULL) == 0);
}

/* ln p of x1 ~ Exp(1), x2 uniform on (2, 5), x3 = 3 - Exp(1): 0 beyond the bounds is never asked
 * for. */
static int boxed(size_t n, size_t dim, const double* x, double* logp, double* grad, int32_t* status,
                 void* user) {
  size_t i;
  (void)dim;
  for (i = 0; i < n; ++i) {
    const double* at = x + 3 * i;
    if (at[0] < 0 || at[1] < 2 || at[1] > 5 || at[2] > 3) *(int*)user = 1;
    logp[i] = -at[0] - log(3) + at[2] - 3;
    grad[3 * i] = -1;
    grad[3 * i + 1] = 0;
    grad[3 * i + 2] = 1;
    status[i] = at[0] > 1e300;
  }
  return 0;
}

/* With bounds ln p has the maps' Jacobian, values are within, and the integral is 1. */
static void test_bounds(void) {
  const double lower[] = {0, 2, -INFINITY};
  const double upper[] = {INFINITY, 5, 3};
  const double bad[] = {INFINITY, 2, 3};
  const char* names[] = {"rate", "share", "below"};
  const double z[] = {0.5, -1.0, 2.0, -3.0, 0.0, -0.5, 0.0, 4.0, 1.0};
  double logp[3];
  double grad[9];
  int outside = 0;
  char* json = NULL;
  riffle_target_options o = RIFFLE_TARGET_OPTIONS_INIT;
  riffle_target* t = NULL;
  riffle_report* report = NULL;
  riffle_array values;
  size_t i;
  o.lower = lower;
  EXPECT(RIFFLE_USAGE, "one is null", riffle_target_batch(3, boxed, &outside, &o, &t, &error));
  o.upper = bad;
  EXPECT(RIFFLE_USAGE, "bounds of coordinate 1 are 2 and 2",
         riffle_target_batch(3, boxed, &outside, &o, &t, &error));
  o.upper = upper;
  o.names = names;
  o.value_count = 3;
  o.flags = RIFFLE_KEEPS_CONSTANTS;
  OK(riffle_target_batch(3, boxed, &outside, &o, &t, &error));
  OK(riffle_target_evaluate(t, 3, z, logp, grad, &error));
  for (i = 0; i < 3; ++i) {
    const double* y = z + 3 * i;
    const double s = 1 / (1 + exp(-y[1]));
    const double x3 = 3 - exp(y[2]);
    const double truth = -exp(y[0]) + y[0] - log(3) + log(3 * s * (1 - s)) + x3 - 3 + y[2];
    CHECK(fabs(logp[i] - truth) < 1e-13 * (1 + fabs(truth)));
    CHECK(fabs(grad[3 * i] - (1 - exp(y[0]))) < 1e-13 * (1 + exp(y[0])));
    CHECK(fabs(grad[3 * i + 1] - (1 - 2 * s)) < 1e-14);
    CHECK(fabs(grad[3 * i + 2] - (1 - exp(y[2]))) < 1e-13 * (1 + exp(y[2])));
  }
  OK(riffle_check_gradient(t, 5, 1, &json, &error));
  CHECK(strstr(json, "\"passed\": true") != NULL || strstr(json, "\"passed\":true") != NULL);
  riffle_free_text(json);
  OK(riffle_fit(t, "[run]\nseed = 1\n", NULL, &report, &error));
  OK(riffle_report_array(report, "values", &values, &error));
  CHECK(values.columns == 3 && strcmp(riffle_report_name(report, 1, 0), "rate") == 0);
  for (i = 0; i < values.rows; ++i) {
    const double* at = values.data + 3 * i;
    CHECK(at[0] > 0 && at[1] > 2 && at[1] < 5 && at[2] < 3);
  }
  CHECK(!outside);
  {
    const char* found = strstr(riffle_report_json(report), "\"log_z\": ");
    CHECK(found != NULL && fabs(atof(found + 9)) < 0.01);
  }
  riffle_report_free(report);
  riffle_target_free(t);

  /* A caller that was compiled before there were bounds. */
  o.size = offsetof(riffle_target_options, lower);
  OK(riffle_target_batch(3, boxed, &outside, &o, &t, &error));
  OK(riffle_target_evaluate(t, 1, z, logp, grad, &error));
  CHECK(logp[0] == -z[0] - log(3) + z[2] - 3);
  riffle_target_free(t);
  o.size -= 1;
  EXPECT(RIFFLE_USAGE, "options->size is 63",
         riffle_target_batch(3, boxed, &outside, &o, &t, &error));
}

static void test_targets_misused(void) {
  riffle_target* t = (riffle_target*)&failures;
  riffle_target_options o = RIFFLE_TARGET_OPTIONS_INIT;
  const char* names[2] = {"a", "b"};
  EXPECT(RIFFLE_USAGE, "did you mean \"banana\"",
         riffle_target_built_in("bananas", NULL, &t, &error));
  CHECK(t == NULL);
  CHECK(riffle_target_built_in("bananas", NULL, &t, NULL) == RIFFLE_USAGE);
  EXPECT(RIFFLE_USAGE, "name is null", riffle_target_built_in(NULL, NULL, &t, &error));
  EXPECT(RIFFLE_USAGE, "target is null", riffle_target_built_in("banana", NULL, NULL, &error));
  EXPECT(RIFFLE_USAGE, "name is not UTF-8", riffle_target_built_in("\xff", NULL, &t, &error));
  EXPECT(RIFFLE_USAGE, "no target", riffle_target_built_in("a\"\nb", NULL, &t, &error));
  EXPECT(RIFFLE_USAGE, "meann", riffle_target_built_in("gaussian", "meann = 1", &t, &error));
  EXPECT(RIFFLE_USAGE, "target.dim is 3", riffle_target_built_in("U1", "dim = 3", &t, &error));
  EXPECT(RIFFLE_DATA, "", riffle_target_built_in("U1", "dim = = 3", &t, &error));
  EXPECT(RIFFLE_USAGE, "column", riffle_target_formula("x +", 0, NULL, &t, &error));
  EXPECT(RIFFLE_USAGE, "formula is not UTF-8", riffle_target_formula("x\xc3", 0, NULL, &t, &error));
  EXPECT(RIFFLE_NO_INPUT, "missing.so", riffle_target_stan("missing.so", NULL, 1, 0, &t, &error));
  EXPECT(RIFFLE_NO_INPUT, "missing.so", riffle_target_plugin("missing.so", NULL, 0, &t, &error));
  EXPECT(RIFFLE_USAGE, "path is null", riffle_target_plugin(NULL, NULL, 0, &t, &error));
  EXPECT(RIFFLE_USAGE, "dim is 0", riffle_target_batch(0, batch, NULL, NULL, &t, &error));
  EXPECT(RIFFLE_USAGE, "dim is", riffle_target_batch((size_t)-1, batch, NULL, NULL, &t, &error));
  EXPECT(RIFFLE_USAGE, "evaluate is null", riffle_target_batch(2, NULL, NULL, NULL, &t, &error));
  EXPECT(RIFFLE_USAGE, "evaluate is null", riffle_target_point(2, NULL, NULL, NULL, &t, &error));
  o.size = 3;
  EXPECT(RIFFLE_USAGE, "options->size is 3", riffle_target_batch(2, batch, NULL, &o, &t, &error));
  o.size = sizeof(o);
  o.expand = expand;
  EXPECT(RIFFLE_USAGE, "value_count is 0", riffle_target_batch(2, batch, NULL, &o, &t, &error));
  o.value_count = 2;
  o.parameter_count = 3;
  EXPECT(RIFFLE_USAGE, "parameter_count is 3", riffle_target_batch(2, batch, NULL, &o, &t, &error));
  o.parameter_count = 0;
  o.names = names;
  names[1] = "b,c";
  EXPECT(RIFFLE_DATA, "comma", riffle_target_batch(2, batch, NULL, &o, &t, &error));
  names[1] = "\xf0";
  EXPECT(RIFFLE_USAGE, "not UTF-8", riffle_target_batch(2, batch, NULL, &o, &t, &error));
  names[1] = NULL;
  EXPECT(RIFFLE_USAGE, "null", riffle_target_batch(2, batch, NULL, &o, &t, &error));
  o.expand = NULL;
  o.value_count = 3;
  EXPECT(RIFFLE_USAGE, "value_count is 3", riffle_target_batch(2, batch, NULL, &o, &t, &error));
  CHECK(t == NULL);
  EXPECT(RIFFLE_USAGE, "target is null", riffle_target_evaluate(NULL, 1, NULL, NULL, NULL, &error));
  OK(riffle_target_built_in("gaussian", "dim = 3\nmean = 2.0", &t, &error));
  CHECK(riffle_target_dim(t) == 3);
  EXPECT(RIFFLE_USAGE, "z is null", riffle_target_evaluate(t, 1, NULL, NULL, NULL, &error));
  riffle_target_free(t);
}

static void test_gradients(void) {
  riffle_target* t = NULL;
  char* json = NULL;
  OK(riffle_target_built_in("banana", NULL, &t, &error));
  OK(riffle_check_gradient(t, 5, 1, &json, &error));
  CHECK(has(json, "\"passed\": true"));
  CHECK(figure(json, "compared") == 10);
  riffle_free_text(json);
  OK(riffle_check_gradient(t, 5, 1, NULL, &error));
  EXPECT(RIFFLE_USAGE, "0 points", riffle_check_gradient(t, 0, 1, &json, &error));
  CHECK(json == NULL);
  EXPECT(RIFFLE_USAGE, "target is null", riffle_check_gradient(NULL, 5, 1, &json, &error));
  riffle_target_free(t);
}

/* ---- fits ---- */

typedef struct seen {
  size_t progress;
  size_t stages;
  size_t stop_after; /* so many calls of either */
  size_t after_stop;
  int saw_name;
} seen;

static int answer(seen* s) {
  const size_t all = s->progress + s->stages;
  if (s->stop_after == 0 || all < s->stop_after) return 0;
  if (all > s->stop_after) ++s->after_stop;
  return 1;
}
static int on_progress(const riffle_progress* p, void* user) {
  seen* s = (seen*)user;
  ++s->progress;
  if (p->iteration > p->iterations || p->what == NULL || p->seconds < 0) s->saw_name = -1;
  return answer(s);
}
static int on_stage(const riffle_stage* stage, void* user) {
  seen* s = (seen*)user;
  ++s->stages;
  if (stage->name != NULL && stage->message != NULL && stage->name[0] != 0) s->saw_name = 1;
  return answer(s);
}
static riffle_fit_callbacks watching(seen* s) {
  riffle_fit_callbacks c = RIFFLE_FIT_CALLBACKS_INIT;
  c.on_progress = on_progress;
  c.on_stage = on_stage;
  c.user = s;
  return c;
}

static void test_fit(void) {
  counts c = {0, 0, 0, 0, 0};
  seen s = {0, 0, 0, 0, 0};
  const riffle_fit_callbacks callbacks = watching(&s);
  riffle_target_options o = RIFFLE_TARGET_OPTIONS_INIT;
  const char* names[3] = {"scale", "m\xc3\xbc", "tau"};
  riffle_target* t = NULL;
  riffle_report* r = NULL;
  riffle_report* again = NULL;
  riffle_array draws, log_q, log_p, weights, values, loss;
  double grad[2];
  size_t i;
  o.flags = RIFFLE_KEEPS_CONSTANTS;
  o.name = "two normals";
  o.expand = expand;
  o.value_count = 3;
  o.parameter_count = 2;
  o.names = names;
  OK(riffle_target_batch(2, batch, &c, &o, &t, &error));
  names[0] = "changed"; /* it was copied */
  OK(riffle_fit(t, brief, &callbacks, &r, &error));
  CHECK(c.calls > 300 && c.largest <= 128);
  OK(riffle_fit(t, brief, NULL, &again, &error));
  riffle_target_free(t);
  CHECK(s.progress > 0 && s.saw_name >= 0);
  CHECK(has(riffle_report_json(r), "\"target\": \"two normals\""));
  /* ln of the integral is 2 ln(2 sqrt(2 pi)). */
  CHECK(fabs(figure(riffle_report_json(r), "log_z") - 3.224171427529236) < 0.1);

  draws = array(r, "draws");
  log_q = array(r, "log_q");
  log_p = array(r, "log_p");
  weights = array(r, "log_weights");
  values = array(r, "values");
  loss = array(r, "loss");
  CHECK(draws.rows == 200 && draws.columns == 2);
  CHECK(log_q.rows == 200 && log_q.columns == 1 && log_p.rows == 200 && weights.rows == 200);
  CHECK(values.rows == 200 && values.columns == 3);
  CHECK(loss.rows > 0 && loss.columns == 2 && loss.data[2 * loss.rows - 2] == 300);
  CHECK(array(r, "held_out_loss").rows == 0 && array(r, "held_out_loss").data == NULL);
  for (i = 0; i < 200; ++i) {
    CHECK(fabs(log_p.data[i] - normal(2, draws.data + 2 * i, grad)) < 1e-12);
    CHECK(values.data[3 * i] == exp(draws.data[2 * i]));
    CHECK(values.data[3 * i + 1] == draws.data[2 * i]);
    CHECK(draws.data[2 * i] == array(again, "draws").data[2 * i]);
  }
  CHECK(strcmp(riffle_report_name(r, 1, 0), "scale") == 0);
  CHECK(strcmp(riffle_report_name(r, 1, 1), "m\xc3\xbc") == 0);
  CHECK(riffle_report_name(r, 1, 3) == NULL && riffle_report_name(r, 0, 2) == NULL);
  CHECK(strcmp(riffle_report_name(r, 0, 1), "z.2") == 0);
  {
    riffle_array a;
    EXPECT(RIFFLE_USAGE, "no array \"drawz\"", riffle_report_array(r, "drawz", &a, &error));
    EXPECT(RIFFLE_USAGE, "name is null", riffle_report_array(r, NULL, &a, &error));
    EXPECT(RIFFLE_USAGE, "array is null", riffle_report_array(r, "draws", NULL, &error));
    EXPECT(RIFFLE_USAGE, "report is null", riffle_report_array(NULL, "draws", &a, &error));
  }
  CHECK(riffle_report_json(NULL) == NULL && riffle_report_name(NULL, 0, 0) == NULL);
  riffle_report_free(r);
  riffle_report_free(again);
  riffle_report_free(NULL);
}

static void test_fit_without_settings(void) {
  seen s = {0, 0, 0, 0, 0};
  const riffle_fit_callbacks callbacks = watching(&s);
  counts c = {0, 0, 0, 0, 0};
  riffle_target* t = NULL;
  riffle_report* r = NULL;
  OK(riffle_target_point(2, point, &c, NULL, &t, &error));
  OK(riffle_fit(t, "[run]\nevaluation_draws = 2000\ndraws = 100\n", &callbacks, &r, &error));
  CHECK(s.stages > 0 && s.saw_name == 1);
  CHECK(has(riffle_report_json(r), "\"verdict\": \"reliable\""));
  CHECK(strcmp(riffle_report_name(r, 1, 1), "z.2") == 0);
  riffle_report_free(r);
  riffle_target_free(t);
  /* The target may be named by the settings. */
  OK(riffle_fit(NULL,
                "[target]\nname = \"U1\"\n[flow]\nlayers = \"planar:2\"\n"
                "[run]\niterations = 50\nbatch = 32\nevaluation_draws = 1000\ndraws = 20\n",
                NULL, &r, &error));
  CHECK(has(riffle_report_json(r), "\"target\": \"U1\""));
  CHECK(array(r, "draws").rows == 20 && array(r, "values").rows == 0);
  CHECK(array(r, "log_weights").rows == 20);
  CHECK(array(r, "log_weights").data[3] == array(r, "log_p").data[3] - array(r, "log_q").data[3]);
  riffle_report_free(r);
}

static void test_cancelling(void) {
  counts c = {0, 0, 0, 0, 0};
  riffle_target* t = NULL;
  size_t after;
  OK(riffle_target_batch(3, batch, &c, NULL, &t, &error));
  for (after = 1; after < 4; ++after) {
    seen s = {0, 0, 0, 0, 0};
    riffle_fit_callbacks callbacks = watching(&s);
    riffle_report* r = (riffle_report*)&failures;
    s.stop_after = after;
    OK(riffle_fit(t,
                  "[flow]\nlayers = \"affine\"\n[run]\niterations = 100000000\nbatch = 64\n"
                  "evaluation_draws = 1000\ndraws = 20\n",
                  &callbacks, &r, &error));
    CHECK(s.after_stop == 0);
    CHECK(has(riffle_report_json(r), "\"stop_reason\": \"interrupted\""));
    riffle_report_free(r);
  }
  { /* Of a fit without settings there is a report, or nothing yet. */
    seen s = {0, 0, 0, 0, 0};
    riffle_fit_callbacks callbacks = watching(&s);
    riffle_report* r = (riffle_report*)&failures;
    char* error = NULL;
    int status;
    s.stop_after = 1;
    status = riffle_fit(t, NULL, &callbacks, &r, &error);
    CHECK(status == RIFFLE_OK || status == RIFFLE_CANCELLED);
    CHECK((status == RIFFLE_OK) == (r != NULL) && (status == RIFFLE_OK) == (error == NULL));
    CHECK(s.after_stop == 0);
    riffle_report_free(r);
    riffle_free_text(error);
  }
  riffle_target_free(t);
}

static void test_fits_misused(void) {
  counts c = {0, 0, 0, 0, 0};
  riffle_fit_callbacks small = RIFFLE_FIT_CALLBACKS_INIT;
  riffle_target* t = NULL;
  riffle_report* r = (riffle_report*)&failures;
  OK(riffle_target_batch(2, batch, &c, NULL, &t, &error));
  EXPECT(RIFFLE_USAGE, "report is null", riffle_fit(t, brief, NULL, NULL, &error));
  EXPECT(RIFFLE_DATA, "toml", riffle_fit(t, "[run\n", NULL, &r, &error));
  CHECK(r == NULL);
  EXPECT(RIFFLE_USAGE, "iterationz", riffle_fit(t, "[run]\niterationz = 3\n", NULL, &r, &error));
  EXPECT(RIFFLE_USAGE, "not UTF-8", riffle_fit(t, "# \xff\n", NULL, &r, &error));
  EXPECT(RIFFLE_USAGE, "double",
         riffle_fit(t, "[flow]\nlayers = \"affine\"\n[run]\nprecision = \"float\"\n", NULL, &r,
                    &error));
  small.size = 5;
  EXPECT(RIFFLE_USAGE, "callbacks->size is 5", riffle_fit(t, brief, &small, &r, &error));
  c.result = 4; /* the target gives up */
  EXPECT(RIFFLE_CALLBACK, "returned 4", riffle_fit(t, brief, NULL, &r, &error));
  EXPECT(RIFFLE_CALLBACK, "returned 4", riffle_fit(t, NULL, NULL, &r, &error));
  c.result = 0;
  c.fail_above = 1; /* some points fail */
  OK(riffle_fit(t, brief, NULL, &r, &error));
  CHECK(figure(riffle_report_json(r), "failed_evaluations") > 0);
  CHECK(has(riffle_report_json(r), "status is 5"));
  riffle_report_free(r);
  c.garbage = 1; /* each number is none */
  {
    char* error = NULL;
    const int status = riffle_fit(t, brief, NULL, &r, &error);
    CHECK((status == RIFFLE_OK) == (r != NULL));
    riffle_report_free(r);
    riffle_free_text(error);
  }
  riffle_target_free(t);
}

static double* some_points(size_t n) {
  double* points = (double*)malloc(2 * n * sizeof(double));
  size_t i;
  for (i = 0; i < n; ++i) {
    points[2 * i] = sin(12.9898 * (double)i) + cos(3.7 * (double)i);
    points[2 * i + 1] = 0.5 * points[2 * i] + sin(78.233 * (double)i);
  }
  return points;
}

static const char* const brief_samples =
    "[flow]\nlayers = \"affine-full\"\n"
    "[run]\niterations = 200\nbatch = 64\ndraws = 50\nevaluation_draws = 1000\n";

static void test_samples(void) {
  const size_t n = 400;
  const char* names[2] = {"height", "weight"};
  double* points = some_points(n);
  riffle_report* r = NULL;
  OK(riffle_fit_samples(n, 2, points, names, brief_samples, NULL, &r, &error));
  CHECK(strcmp(riffle_report_name(r, 0, 1), "weight") == 0);
  CHECK(array(r, "draws").rows == 50 && array(r, "log_p").rows == 0);
  CHECK(array(r, "held_out_loss").rows > 0 && array(r, "held_out_loss").columns == 2);
  CHECK(figure(riffle_report_json(r), "samples") + figure(riffle_report_json(r), "held_out") ==
        (double)n);
  riffle_report_free(r);
  OK(riffle_fit_samples(n, 2, points, NULL, brief_samples, NULL, &r, &error));
  CHECK(strcmp(riffle_report_name(r, 0, 1), "z.2") == 0);
  riffle_report_free(r);

  EXPECT(RIFFLE_USAGE, "n is 0", riffle_fit_samples(0, 2, points, NULL, NULL, NULL, &r, &error));
  EXPECT(RIFFLE_USAGE, "dim is 0", riffle_fit_samples(n, 0, points, NULL, NULL, NULL, &r, &error));
  EXPECT(RIFFLE_USAGE, "points is null",
         riffle_fit_samples(n, 2, NULL, NULL, NULL, NULL, &r, &error));
  EXPECT(RIFFLE_USAGE, "points cannot hold",
         riffle_fit_samples((size_t)-1 / 8, 16, points, NULL, NULL, NULL, &r, &error));
  EXPECT(
      RIFFLE_USAGE, "objective",
      riffle_fit_samples(n, 2, points, NULL, "[objective]\nname = \"bound\"\n", NULL, &r, &error));
  names[1] = "height";
  EXPECT(RIFFLE_DATA, "height",
         riffle_fit_samples(n, 2, points, names, brief_samples, NULL, &r, &error));
  names[1] = "\xfe";
  EXPECT(RIFFLE_USAGE, "not UTF-8",
         riffle_fit_samples(n, 2, points, names, brief_samples, NULL, &r, &error));
  points[7] = NAN;
  EXPECT(RIFFLE_DATA, "row 4, column z.2 is nan",
         riffle_fit_samples(n, 2, points, NULL, brief_samples, NULL, &r, &error));
  points[7] = 1e200;
  EXPECT(RIFFLE_DATA, "samples",
         riffle_fit_samples(n, 2, points, NULL, brief_samples, NULL, &r, &error));
  EXPECT(RIFFLE_DATA, "one point",
         riffle_fit_samples(1, 2, points, NULL, brief_samples, NULL, &r, &error));
  CHECK(r == NULL);
  free(points);
}

/* ---- trained flows ---- */

static void test_flows(const char* file) {
  enum { n = 131 };
  static double z[2 * n], log_q[n], score[2 * n], base[2 * n], back[2 * n], log_det[n], other[n];
  riffle_target* t = NULL;
  riffle_report* r = NULL;
  riffle_flow* flow = NULL;
  riffle_flow* loaded = NULL;
  riffle_flow* missing = NULL;
  char* json = NULL;
  size_t i;
  OK(riffle_target_built_in("gaussian", "dim = 2", &t, &error));
  OK(riffle_fit(t, brief, NULL, &r, &error));
  OK(riffle_report_flow(r, &flow, &error));
  CHECK(riffle_flow_dim(flow) == 2 && riffle_flow_dim(NULL) == 0);
  CHECK(has(riffle_flow_json(flow), "\"flow\": \"affine-full\""));
  CHECK(has(riffle_flow_json(flow), "\"has_density\": true"));
  CHECK(riffle_flow_json(NULL) == NULL);

  OK(riffle_flow_draw(flow, 1, 0, n, z, log_q, score, &error));
  for (i = 0; i < n; ++i) CHECK(z[2 * i] == array(r, "draws").data[2 * i]);
  riffle_report_free(r); /* the flow lives on */
  for (i = 0; i < n; ++i) {
    OK(riffle_flow_draw(flow, 1, i, 1, back, other, NULL, &error));
    CHECK(back[0] == z[2 * i] && back[1] == z[2 * i + 1] && other[0] == log_q[i]);
  }
  OK(riffle_flow_log_density(flow, n, z, other, back, &error));
  for (i = 0; i < n; ++i) {
    CHECK(fabs(other[i] - log_q[i]) < 1e-10);
    CHECK(fabs(back[2 * i] - score[2 * i]) < 1e-9);
    CHECK(fabs(score[2 * i] + z[2 * i]) < 0.3); /* q is nearly N(0, I) */
  }
  OK(riffle_flow_to_base(flow, n, z, base, log_det, &error));
  OK(riffle_flow_to_sample(flow, n, base, back, NULL, &error));
  for (i = 0; i < 2 * n; ++i) CHECK(fabs(back[i] - z[i]) < 1e-10);
  z[4] = NAN;
  OK(riffle_flow_log_density(flow, n, z, other, NULL, &error));
  CHECK(isnan(other[2]) && other[3] == other[3]);
  OK(riffle_flow_log_density(flow, 0, NULL, NULL, NULL, &error));

  OK(riffle_flow_save(flow, file, &error));
  OK(riffle_flow_load(file, &loaded, &error));
  OK(riffle_flow_draw(loaded, 1, 0, 1, back, NULL, NULL, &error));
  OK(riffle_flow_draw(flow, 1, 0, 1, base, NULL, NULL, &error));
  CHECK(back[0] == base[0] && back[1] == base[1]);
  remove(file);

  OK(riffle_diagnose(flow, t, 5000, 3, &json, &error));
  CHECK(has(json, "\"verdict\": \"reliable\""));
  CHECK(figure(json, "evaluation_draws") == 5000);
  CHECK(fabs(figure(json, "log_z") - 1.837877066409345) < 0.05);
  riffle_free_text(json);
  OK(riffle_audit(flow, 500, 1, &json, &error));
  CHECK(has(json, "\"name\": \"round trip\"") && !has(json, "\"failed\""));
  riffle_free_text(json);

  EXPECT(RIFFLE_USAGE, "json is null", riffle_audit(flow, 0, 1, NULL, &error));
  EXPECT(RIFFLE_USAGE, "draws to check", riffle_audit(flow, 100000000, 1, &json, &error));
  CHECK(json == NULL);
  EXPECT(RIFFLE_USAGE, "flow is null", riffle_diagnose(NULL, t, 0, 1, &json, &error));
  EXPECT(RIFFLE_USAGE, "target is null", riffle_diagnose(flow, NULL, 0, 1, &json, &error));
  riffle_target_free(t);
  OK(riffle_target_built_in("eight-schools", NULL, &t, &error));
  EXPECT(RIFFLE_USAGE, "2 dimensions", riffle_diagnose(flow, t, 0, 1, &json, &error));
  EXPECT(RIFFLE_USAGE, "flow is null", riffle_flow_draw(NULL, 1, 0, 1, z, NULL, NULL, &error));
  EXPECT(RIFFLE_USAGE, "z is null", riffle_flow_draw(flow, 1, 0, 1, NULL, NULL, NULL, &error));
  EXPECT(RIFFLE_USAGE, "z cannot hold",
         riffle_flow_draw(flow, 1, 0, (size_t)-1, z, NULL, NULL, &error));
  EXPECT(RIFFLE_USAGE, "another seed",
         riffle_flow_draw(flow, 1, (uint64_t)-1, 1, z, NULL, NULL, &error));
  EXPECT(RIFFLE_USAGE, "log_q is null", riffle_flow_log_density(flow, 1, z, NULL, NULL, &error));
  EXPECT(RIFFLE_NO_INPUT, "missing", riffle_flow_load("missing.riffle", &missing, &error));
  EXPECT(RIFFLE_CANNOT_CREATE, "nowhere", riffle_flow_save(flow, "/nowhere/at/all.riffle", &error));
  EXPECT(RIFFLE_USAGE, "path is null", riffle_flow_save(flow, NULL, &error));
  riffle_target_free(t);
  riffle_flow_free(flow);
  riffle_flow_free(loaded);
  riffle_flow_free(NULL);
}

/* A flow that folds has draws and no density. */
static void test_flow_without_density(void) {
  riffle_report* r = NULL;
  riffle_flow* flow = NULL;
  double z[2] = {0, 0}, q = 0;
  OK(riffle_fit(NULL,
                "[target]\nname = \"U1\"\n[flow]\nlayers = \"planar-free:8\"\n"
                "[optimizer]\nlearning_rate = 1.0\n"
                "[run]\niterations = 200\nbatch = 32\nevaluation_draws = 1000\ndraws = 20\n",
                NULL, &r, &error));
  OK(riffle_report_flow(r, &flow, &error));
  riffle_report_free(r);
  if (has(riffle_flow_json(flow), "\"injective\": false")) {
    OK(riffle_flow_draw(flow, 1, 0, 1, z, &q, NULL, &error));
    EXPECT(RIFFLE_USAGE, "not injective", riffle_flow_log_density(flow, 1, z, &q, NULL, &error));
    EXPECT(RIFFLE_USAGE, "not injective", riffle_flow_draw(flow, 1, 0, 1, z, &q, z, &error));
  } else {
    CHECK(has(riffle_flow_json(flow), "\"injective\": true"));
  }
  riffle_flow_free(flow);
}

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 1024);
  test_versions();
  test_targets();
  test_bounds();
  test_targets_misused();
  test_gradients();
  test_fit();
  test_fit_without_settings();
  test_cancelling();
  test_fits_misused();
  test_samples();
  test_flows(argc > 1 ? argv[1] : "capi_test.riffle");
  test_flow_without_density();
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
