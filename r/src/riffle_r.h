/* What the .Call entry points share. Points travel as matrices of R with a column a point, which in
 * memory is what riffle/c.h calls row-major (n, dim); R code transposes where its users see rows.
 */
#ifndef RIFFLE_R_H
#define RIFFLE_R_H

#include <riffle/c.h>

#define R_NO_REMAP
#include <R.h>
#include <Rinternals.h>

/* Where `status` is a failure, raises an R error of class riffle_error with the library's message,
 * which it frees. By pointer: a call that sets the message may be an argument beside it. */
void riffle_r_check(int status, char** error);

/* A string of R, or null where it is NULL; in UTF-8, R's while the call lasts. */
const char* riffle_r_text(SEXP value);

/* An external pointer of a class with nothing in it yet, so that R has allocated all it needs
 * before the library hands over what must not be lost. */
SEXP riffle_r_handle(const char* class_name, R_CFinalizer_t finalizer);
/* What it holds; an error of R where that is nothing, as after readRDS(). */
void* riffle_r_held(SEXP handle, const char* what);

/* A text of the library's, made a string of R and freed. */
SEXP riffle_r_take_text(char* text);

/* Whether Ctrl-C was pressed since a fit began. R's own state may be asked in its own thread alone:
 * elsewhere the last answer holds. */
void riffle_r_forget_interrupt(void);
SEXP riffle_r_note_interrupt(void);
int riffle_r_interrupted(void);
/* Whether the caller is R's own thread. */
int riffle_r_is_main_thread(void);

/* Entry points: targets.c */
SEXP riffle_r_target_built_in(SEXP name, SEXP options);
SEXP riffle_r_target_formula(SEXP formula, SEXP is_log, SEXP coordinates);
SEXP riffle_r_target_stan(SEXP path, SEXP data, SEXP seed, SEXP flags);
SEXP riffle_r_target_plugin(SEXP path, SEXP data, SEXP flags);
SEXP riffle_r_target_function(SEXP dim, SEXP evaluate, SEXP expand, SEXP names, SEXP parameters,
                              SEXP keeps_constants);
SEXP riffle_r_target_dim(SEXP target);
SEXP riffle_r_target_evaluate(SEXP target, SEXP points);
SEXP riffle_r_check_gradient(SEXP target, SEXP points, SEXP seed);
/* fits.c */
SEXP riffle_r_fit(SEXP target, SEXP toml, SEXP on_stage);
SEXP riffle_r_fit_samples(SEXP points, SEXP names, SEXP toml, SEXP on_stage);
SEXP riffle_r_report_json(SEXP report);
SEXP riffle_r_report_array(SEXP report, SEXP name);
SEXP riffle_r_report_names(SEXP report, SEXP values, SEXP n);
SEXP riffle_r_report_flow(SEXP report);
/* flows.c */
SEXP riffle_r_flow_load(SEXP path);
SEXP riffle_r_flow_save(SEXP flow, SEXP path);
SEXP riffle_r_flow_json(SEXP flow);
SEXP riffle_r_flow_draw(SEXP flow, SEXP seed, SEXP first, SEXP n, SEXP score);
SEXP riffle_r_flow_log_density(SEXP flow, SEXP points, SEXP score);
SEXP riffle_r_flow_map(SEXP flow, SEXP points, SEXP to_sample);
SEXP riffle_r_diagnose(SEXP flow, SEXP target, SEXP draws, SEXP seed);
SEXP riffle_r_audit(SEXP flow, SEXP draws, SEXP seed);

riffle_target* riffle_r_target(SEXP handle);

#endif
