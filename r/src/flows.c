/* Trained flows: draws, densities, maps, files; what judges them. */
#include "riffle_r.h"

static void free_flow(SEXP handle) {
  riffle_flow_free(R_ExternalPtrAddr(handle));
  R_ClearExternalPtr(handle);
}

static riffle_flow* flow_of(SEXP handle) {
  return riffle_r_held(handle, "flow");
}

SEXP riffle_r_report_flow(SEXP report) {
  SEXP handle = PROTECT(riffle_r_handle("riffle_flow", free_flow));
  riffle_flow* flow = NULL;
  char* error = NULL;
  const int status = riffle_report_flow(riffle_r_held(report, "report"), &flow, &error);
  R_SetExternalPtrAddr(handle, flow);
  riffle_r_check(status, &error);
  UNPROTECT(1);
  return handle;
}

SEXP riffle_r_flow_load(SEXP path) {
  SEXP handle = PROTECT(riffle_r_handle("riffle_flow", free_flow));
  riffle_flow* flow = NULL;
  char* error = NULL;
  const int status =
      riffle_flow_load(R_ExpandFileName(Rf_translateChar(STRING_ELT(path, 0))), &flow, &error);
  R_SetExternalPtrAddr(handle, flow);
  riffle_r_check(status, &error);
  UNPROTECT(1);
  return handle;
}

SEXP riffle_r_flow_save(SEXP flow, SEXP path) {
  char* error = NULL;
  riffle_r_check(riffle_flow_save(flow_of(flow),
                                  R_ExpandFileName(Rf_translateChar(STRING_ELT(path, 0))), &error),
                 &error);
  return R_NilValue;
}

SEXP riffle_r_flow_json(SEXP flow) {
  return Rf_ScalarString(Rf_mkCharCE(riffle_flow_json(flow_of(flow)), CE_UTF8));
}

static double* numbers_or_null(SEXP value) {
  return Rf_isNull(value) ? NULL : REAL(value);
}

SEXP riffle_r_flow_draw(SEXP flow, SEXP seed, SEXP first, SEXP n, SEXP with_score) {
  const riffle_flow* held = flow_of(flow);
  const int count = Rf_asInteger(n);
  const int dim = (int)riffle_flow_dim(held);
  const char* names[] = {"z", "log_q", "score", ""};
  SEXP found = PROTECT(Rf_mkNamed(VECSXP, names));
  SET_VECTOR_ELT(found, 0, Rf_allocMatrix(REALSXP, dim, count));
  SET_VECTOR_ELT(found, 1, Rf_allocVector(REALSXP, count));
  if (Rf_asLogical(with_score)) SET_VECTOR_ELT(found, 2, Rf_allocMatrix(REALSXP, dim, count));
  char* error = NULL;
  riffle_r_check(
      riffle_flow_draw(held, (uint64_t)Rf_asReal(seed), (uint64_t)Rf_asReal(first), (size_t)count,
                       REAL(VECTOR_ELT(found, 0)), REAL(VECTOR_ELT(found, 1)),
                       numbers_or_null(VECTOR_ELT(found, 2)), &error),
      &error);
  UNPROTECT(1);
  return found;
}

SEXP riffle_r_flow_log_density(SEXP flow, SEXP points, SEXP with_score) {
  const int n = Rf_ncols(points);
  const char* names[] = {"log_q", "score", ""};
  SEXP found = PROTECT(Rf_mkNamed(VECSXP, names));
  SET_VECTOR_ELT(found, 0, Rf_allocVector(REALSXP, n));
  if (Rf_asLogical(with_score))
    SET_VECTOR_ELT(found, 1, Rf_allocMatrix(REALSXP, Rf_nrows(points), n));
  char* error = NULL;
  riffle_r_check(
      riffle_flow_log_density(flow_of(flow), (size_t)n, REAL(points), REAL(VECTOR_ELT(found, 0)),
                              numbers_or_null(VECTOR_ELT(found, 1)), &error),
      &error);
  UNPROTECT(1);
  return found;
}

SEXP riffle_r_flow_map(SEXP flow, SEXP points, SEXP to_sample) {
  const int n = Rf_ncols(points);
  const char* names[] = {"points", "log_det", ""};
  SEXP found = PROTECT(Rf_mkNamed(VECSXP, names));
  SET_VECTOR_ELT(found, 0, Rf_allocMatrix(REALSXP, Rf_nrows(points), n));
  SET_VECTOR_ELT(found, 1, Rf_allocVector(REALSXP, n));
  double* mapped = REAL(VECTOR_ELT(found, 0));
  double* log_det = REAL(VECTOR_ELT(found, 1));
  char* error = NULL;
  const int status =
      Rf_asLogical(to_sample)
          ? riffle_flow_to_sample(flow_of(flow), (size_t)n, REAL(points), mapped, log_det, &error)
          : riffle_flow_to_base(flow_of(flow), (size_t)n, REAL(points), mapped, log_det, &error);
  riffle_r_check(status, &error);
  UNPROTECT(1);
  return found;
}

SEXP riffle_r_diagnose(SEXP flow, SEXP target, SEXP draws, SEXP seed) {
  char* error = NULL;
  char* json = NULL;
  riffle_r_check(riffle_diagnose(flow_of(flow), riffle_r_target(target), (uint64_t)Rf_asReal(draws),
                                 (uint64_t)Rf_asReal(seed), &json, &error),
                 &error);
  return riffle_r_take_text(json);
}

SEXP riffle_r_audit(SEXP flow, SEXP draws, SEXP seed) {
  char* error = NULL;
  char* json = NULL;
  riffle_r_check(riffle_audit(flow_of(flow), (uint64_t)Rf_asReal(draws), (uint64_t)Rf_asReal(seed),
                              &json, &error),
                 &error);
  return riffle_r_take_text(json);
}
