/* Targets: handles, and functions of R as callbacks. */
#include <stdlib.h>
#include <string.h>

#include "riffle_r.h"

/* Behind a handle of class riffle_target. The closures are kept by the handle's protected list. */
struct r_target {
  riffle_target* target;
  SEXP evaluate; /* function(points: dim x n) -> list(logp[n], grad: dim x n), or NULL to end */
  SEXP expand;   /* function(point) -> values, or R's NULL */
};

static void free_target(SEXP handle) {
  struct r_target* held = R_ExternalPtrAddr(handle);
  if (held == NULL) return;
  riffle_target_free(held->target);
  free(held);
  R_ClearExternalPtr(handle);
}

/* A handle with an empty r_target. */
static SEXP new_target(struct r_target** held) {
  SEXP handle = PROTECT(riffle_r_handle("riffle_target", free_target));
  *held = calloc(1, sizeof(**held));
  if (*held == NULL) Rf_error("there is not enough memory");
  (*held)->evaluate = R_NilValue;
  (*held)->expand = R_NilValue;
  R_SetExternalPtrAddr(handle, *held);
  UNPROTECT(1);
  return handle;
}

riffle_target* riffle_r_target(SEXP handle) {
  return ((struct r_target*)riffle_r_held(handle, "target"))->target;
}

SEXP riffle_r_target_built_in(SEXP name, SEXP options) {
  struct r_target* held;
  char* error = NULL;
  SEXP handle = PROTECT(new_target(&held));
  riffle_r_check(
      riffle_target_built_in(riffle_r_text(name), riffle_r_text(options), &held->target, &error),
      &error);
  UNPROTECT(1);
  return handle;
}

SEXP riffle_r_target_formula(SEXP formula, SEXP is_log, SEXP coordinates) {
  struct r_target* held;
  char* error = NULL;
  SEXP handle = PROTECT(new_target(&held));
  riffle_r_check(riffle_target_formula(riffle_r_text(formula), Rf_asLogical(is_log),
                                       riffle_r_text(coordinates), &held->target, &error),
                 &error);
  UNPROTECT(1);
  return handle;
}

SEXP riffle_r_target_stan(SEXP path, SEXP data, SEXP seed, SEXP flags) {
  struct r_target* held;
  char* error = NULL;
  SEXP handle = PROTECT(new_target(&held));
  riffle_r_check(
      riffle_target_stan(riffle_r_text(path), riffle_r_text(data), (uint64_t)Rf_asReal(seed),
                         (unsigned)Rf_asInteger(flags), &held->target, &error),
      &error);
  UNPROTECT(1);
  return handle;
}

SEXP riffle_r_target_plugin(SEXP path, SEXP data, SEXP flags) {
  struct r_target* held;
  char* error = NULL;
  SEXP handle = PROTECT(new_target(&held));
  riffle_r_check(riffle_target_plugin(riffle_r_text(path), riffle_r_text(data),
                                      (unsigned)Rf_asInteger(flags), &held->target, &error),
                 &error);
  UNPROTECT(1);
  return handle;
}

/* Calls a closure of R that catches its own errors, so that nothing jumps through the library. */
static SEXP call_closure(SEXP closure, SEXP argument) {
  int failed = 0;
  SEXP call = PROTECT(Rf_lang2(closure, argument));
  SEXP result = R_tryEvalSilent(call, R_GlobalEnv, &failed);
  UNPROTECT(1);
  return failed ? R_NilValue : result;
}

static int evaluate_in_r(size_t n, size_t dim, const double* z, double* logp, double* grad,
                         int32_t* status, void* user) {
  const struct r_target* held = user;
  SEXP points = PROTECT(Rf_allocMatrix(REALSXP, (int)dim, (int)n));
  memcpy(REAL(points), z, n * dim * sizeof(double));
  SEXP found = PROTECT(call_closure(held->evaluate, points));
  (void)status; /* the closure says NaN of a point that failed */
  if (!Rf_isNewList(found) || Rf_length(found) != 2) {
    UNPROTECT(2);
    return -1;
  }
  memcpy(logp, REAL(VECTOR_ELT(found, 0)), n * sizeof(double));
  memcpy(grad, REAL(VECTOR_ELT(found, 1)), n * dim * sizeof(double));
  UNPROTECT(2);
  return 0;
}

static int expand_in_r(size_t dim, const double* z, size_t count, double* values, void* user) {
  const struct r_target* held = user;
  SEXP point = PROTECT(Rf_allocVector(REALSXP, (R_xlen_t)dim));
  memcpy(REAL(point), z, dim * sizeof(double));
  SEXP found = PROTECT(call_closure(held->expand, point));
  const int good = TYPEOF(found) == REALSXP && (size_t)XLENGTH(found) == count;
  if (good) memcpy(values, REAL(found), count * sizeof(double));
  UNPROTECT(2);
  return good ? 0 : 1;
}

SEXP riffle_r_target_function(SEXP dim, SEXP evaluate, SEXP expand, SEXP names, SEXP parameters,
                              SEXP keeps_constants) {
  struct r_target* held;
  char* error = NULL;
  SEXP handle = PROTECT(new_target(&held));
  R_SetExternalPtrProtected(handle, Rf_list2(evaluate, expand));
  held->evaluate = evaluate;
  held->expand = expand;

  riffle_target_options options = RIFFLE_TARGET_OPTIONS_INIT;
  options.name = "function";
  if (Rf_asLogical(keeps_constants)) options.flags = RIFFLE_KEEPS_CONSTANTS;
  if (!Rf_isNull(expand)) options.expand = expand_in_r;
  if (!Rf_isNull(names)) {
    const R_xlen_t count = XLENGTH(names);
    const char** texts = (const char**)R_alloc((size_t)count, sizeof(char*));
    for (R_xlen_t i = 0; i < count; ++i) texts[i] = Rf_translateCharUTF8(STRING_ELT(names, i));
    options.names = texts;
    options.value_count = (size_t)count;
    options.parameter_count = (size_t)Rf_asInteger(parameters);
  }
  riffle_r_check(riffle_target_batch((size_t)Rf_asInteger(dim), evaluate_in_r, held, &options,
                                     &held->target, &error),
                 &error);
  UNPROTECT(1);
  return handle;
}

SEXP riffle_r_target_dim(SEXP target) {
  return Rf_ScalarInteger((int)riffle_target_dim(riffle_r_target(target)));
}

SEXP riffle_r_target_evaluate(SEXP target, SEXP points) {
  riffle_target* held = riffle_r_target(target);
  const int n = Rf_ncols(points);
  const char* names[] = {"log_density", "gradient", ""};
  SEXP found = PROTECT(Rf_mkNamed(VECSXP, names));
  SET_VECTOR_ELT(found, 0, Rf_allocVector(REALSXP, n));
  SET_VECTOR_ELT(found, 1, Rf_allocMatrix(REALSXP, Rf_nrows(points), n));
  char* error = NULL;
  riffle_r_check(riffle_target_evaluate(held, (size_t)n, REAL(points), REAL(VECTOR_ELT(found, 0)),
                                        REAL(VECTOR_ELT(found, 1)), &error),
                 &error);
  UNPROTECT(1);
  return found;
}

SEXP riffle_r_check_gradient(SEXP target, SEXP points, SEXP seed) {
  char* error = NULL;
  char* json = NULL;
  riffle_r_check(riffle_check_gradient(riffle_r_target(target), (size_t)Rf_asReal(points),
                                       (uint64_t)Rf_asReal(seed), &json, &error),
                 &error);
  return riffle_r_take_text(json);
}
