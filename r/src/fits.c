/* Fits and what they report. */
#include "riffle_r.h"

static void free_report(SEXP handle) {
  riffle_report_free(R_ExternalPtrAddr(handle));
  R_ClearExternalPtr(handle);
}

static riffle_report* report_of(SEXP handle) {
  return riffle_r_held(handle, "report");
}

static int on_progress(const riffle_progress* progress, void* user) {
  (void)progress;
  (void)user;
  return riffle_r_interrupted();
}

/* `user` is a closure of R, called with the stage's name, message, gradients and seconds. */
static int on_stage(const riffle_stage* stage, void* user) {
  if (user != NULL && riffle_r_is_main_thread()) {
    int failed = 0;
    SEXP name = PROTECT(Rf_ScalarString(Rf_mkCharCE(stage->name, CE_UTF8)));
    SEXP message = PROTECT(Rf_ScalarString(Rf_mkCharCE(stage->message, CE_UTF8)));
    SEXP gradients = PROTECT(Rf_ScalarReal((double)stage->gradients));
    SEXP seconds = PROTECT(Rf_ScalarReal(stage->seconds));
    SEXP call = PROTECT(Rf_lang5((SEXP)user, name, message, gradients, seconds));
    R_tryEvalSilent(call, R_GlobalEnv, &failed);
    UNPROTECT(5);
  }
  return riffle_r_interrupted();
}

static riffle_fit_callbacks callbacks_with(SEXP stage_function) {
  riffle_fit_callbacks callbacks = RIFFLE_FIT_CALLBACKS_INIT;
  callbacks.on_progress = on_progress;
  callbacks.on_stage = on_stage;
  callbacks.user = Rf_isNull(stage_function) ? NULL : (void*)stage_function;
  riffle_r_forget_interrupt();
  return callbacks;
}

SEXP riffle_r_fit(SEXP target, SEXP toml, SEXP stage_function) {
  SEXP handle = PROTECT(riffle_r_handle("riffle_report", free_report));
  const riffle_fit_callbacks callbacks = callbacks_with(stage_function);
  riffle_report* report = NULL;
  char* error = NULL;
  const int status =
      riffle_fit(riffle_r_target(target), riffle_r_text(toml), &callbacks, &report, &error);
  R_SetExternalPtrAddr(handle, report);
  riffle_r_check(status, &error);
  UNPROTECT(1);
  return handle;
}

SEXP riffle_r_fit_samples(SEXP points, SEXP names, SEXP toml, SEXP stage_function) {
  SEXP handle = PROTECT(riffle_r_handle("riffle_report", free_report));
  const riffle_fit_callbacks callbacks = callbacks_with(stage_function);
  const size_t dim = (size_t)Rf_nrows(points);
  const char** texts = NULL;
  if (!Rf_isNull(names)) {
    texts = (const char**)R_alloc(dim, sizeof(char*));
    for (size_t i = 0; i < dim; ++i)
      texts[i] = Rf_translateCharUTF8(STRING_ELT(names, (R_xlen_t)i));
  }
  riffle_report* report = NULL;
  char* error = NULL;
  const int status = riffle_fit_samples((size_t)Rf_ncols(points), dim, REAL(points), texts,
                                        riffle_r_text(toml), &callbacks, &report, &error);
  R_SetExternalPtrAddr(handle, report);
  riffle_r_check(status, &error);
  UNPROTECT(1);
  return handle;
}

SEXP riffle_r_report_json(SEXP report) {
  return Rf_ScalarString(Rf_mkCharCE(riffle_report_json(report_of(report)), CE_UTF8));
}

/* columns x rows: a column a draw. NULL where the report has no such array. */
SEXP riffle_r_report_array(SEXP report, SEXP name) {
  riffle_array array;
  char* error = NULL;
  riffle_r_check(riffle_report_array(report_of(report), riffle_r_text(name), &array, &error),
                 &error);
  if (array.data == NULL) return R_NilValue;
  SEXP copy = PROTECT(Rf_allocMatrix(REALSXP, (int)array.columns, (int)array.rows));
  for (size_t i = 0; i < array.rows * array.columns; ++i) REAL(copy)[i] = array.data[i];
  UNPROTECT(1);
  return copy;
}

SEXP riffle_r_report_names(SEXP report, SEXP values, SEXP n) {
  const int count = Rf_asInteger(n);
  SEXP names = PROTECT(Rf_allocVector(STRSXP, count));
  for (int i = 0; i < count; ++i) {
    const char* name = riffle_report_name(report_of(report), Rf_asLogical(values), (size_t)i);
    SET_STRING_ELT(names, i, Rf_mkCharCE(name == NULL ? "" : name, CE_UTF8));
  }
  UNPROTECT(1);
  return names;
}
