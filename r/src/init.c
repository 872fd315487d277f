#include <pthread.h>

#include "riffle_r.h"

#include <R_ext/Rdynload.h>

static pthread_t main_thread;
static volatile int interrupted;

int riffle_r_is_main_thread(void) {
  return pthread_equal(pthread_self(), main_thread);
}

void riffle_r_forget_interrupt(void) {
  interrupted = 0;
}

SEXP riffle_r_note_interrupt(void) {
  interrupted = 1;
  return R_NilValue;
}

static void ask_r(void* unused) {
  (void)unused;
  R_CheckUserInterrupt();
}

int riffle_r_interrupted(void) {
  /* The jump that an interrupt makes ends inside R_ToplevelExec. */
  if (!interrupted && riffle_r_is_main_thread() && !R_ToplevelExec(ask_r, NULL)) interrupted = 1;
  return interrupted;
}

void riffle_r_check(int status, char** error_text) {
  if (status == RIFFLE_OK) return;
  char* error = *error_text;
  SEXP message = PROTECT(Rf_allocVector(STRSXP, 1));
  SET_STRING_ELT(message, 0,
                 Rf_mkCharCE(error == NULL ? "there is not enough memory" : error, CE_UTF8));
  riffle_free_text(error);
  SEXP code = PROTECT(Rf_ScalarInteger(status));
  SEXP name = PROTECT(Rf_mkString("riffle"));
  SEXP namespace = PROTECT(R_FindNamespace(name));
  SEXP call = PROTECT(Rf_lang3(Rf_install("stop_riffle"), message, code));
  Rf_eval(call, namespace);
  Rf_error("riffle failed with code %d", status); /* stop_riffle() does not return */
}

const char* riffle_r_text(SEXP value) {
  if (Rf_isNull(value)) return NULL;
  return Rf_translateCharUTF8(STRING_ELT(value, 0));
}

SEXP riffle_r_handle(const char* class_name, R_CFinalizer_t finalizer) {
  SEXP handle = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, R_NilValue));
  R_RegisterCFinalizerEx(handle, finalizer, TRUE);
  Rf_setAttrib(handle, R_ClassSymbol, PROTECT(Rf_mkString(class_name)));
  UNPROTECT(2);
  return handle;
}

void* riffle_r_held(SEXP handle, const char* what) {
  void* held = TYPEOF(handle) == EXTPTRSXP ? R_ExternalPtrAddr(handle) : NULL;
  if (held == NULL) {
    Rf_error("this %s is empty: it belongs to another session of R, or was saved by saveRDS()",
             what);
  }
  return held;
}

SEXP riffle_r_take_text(char* text) {
  SEXP value = PROTECT(Rf_allocVector(STRSXP, 1));
  SET_STRING_ELT(value, 0, Rf_mkCharCE(text, CE_UTF8));
  riffle_free_text(text);
  UNPROTECT(1);
  return value;
}

static SEXP riffle_r_version(void) {
  return Rf_mkString(riffle_version());
}

#define ENTRY(name, count) \
  { #name, (DL_FUNC)&name, count }

static const R_CallMethodDef entries[] = {ENTRY(riffle_r_version, 0),
                                          ENTRY(riffle_r_note_interrupt, 0),
                                          ENTRY(riffle_r_target_built_in, 2),
                                          ENTRY(riffle_r_target_formula, 3),
                                          ENTRY(riffle_r_target_stan, 4),
                                          ENTRY(riffle_r_target_plugin, 3),
                                          ENTRY(riffle_r_target_function, 6),
                                          ENTRY(riffle_r_target_dim, 1),
                                          ENTRY(riffle_r_target_evaluate, 2),
                                          ENTRY(riffle_r_check_gradient, 3),
                                          ENTRY(riffle_r_fit, 3),
                                          ENTRY(riffle_r_fit_samples, 4),
                                          ENTRY(riffle_r_report_json, 1),
                                          ENTRY(riffle_r_report_array, 2),
                                          ENTRY(riffle_r_report_names, 3),
                                          ENTRY(riffle_r_report_flow, 1),
                                          ENTRY(riffle_r_flow_load, 1),
                                          ENTRY(riffle_r_flow_save, 2),
                                          ENTRY(riffle_r_flow_json, 1),
                                          ENTRY(riffle_r_flow_draw, 5),
                                          ENTRY(riffle_r_flow_log_density, 3),
                                          ENTRY(riffle_r_flow_map, 3),
                                          ENTRY(riffle_r_diagnose, 4),
                                          ENTRY(riffle_r_audit, 3),
                                          {NULL, NULL, 0}};

void R_init_riffle(DllInfo* info) {
  main_thread = pthread_self();
  R_registerRoutines(info, NULL, entries, NULL, NULL);
  R_useDynamicSymbols(info, FALSE);
  R_forceSymbols(info, TRUE);
}
