/* clang-format off: it would fill the paragraphs below as one. */
/* The C interface of Riffle: variational inference with normalizing flows, for C and whatever can
 * call C. Plain C99. docs/embedding.md tells more; examples/c has a program.
 *
 * Errors. A function that can fail returns 0 (RIFFLE_OK) or one of the codes of riffle_status, and
 *   takes `char** error` as its last argument: null, or where a text goes that says in one line
 *   what is wrong and what to do. On success *error is null; on failure it is the caller's, to be
 *   given to riffle_free_text (null where there was no memory for it). What a function was to write
 *   or to make is then not made: handles are null, and arrays hold anything.
 *
 * Memory. Arrays are the caller's, as long as is said; points are row-major (n, dim): coordinate d
 *   of point i is at [i * dim + d]. No array may overlap with another. Texts are UTF-8,
 *   zero-terminated; those that are not are refused. Paths are the system's bytes.
 *
 * Handles are made by the functions that take `riffle_...** out`, belong to the caller, and are
 *   given back by riffle_..._free, which takes null, too. A handle may be freed as soon as no call
 *   uses it: nothing that was made with it needs it any more, but for the pointers that are said to
 *   be the handle's. There is no state besides them.
 *
 * Threads. Any functions may be called at once from several threads, and with the same handle; but
 *   a target that is not thread-safe (a Stan model without STAN_THREADS, a plug-in or callback that
 *   does not say it is) must be in one call at a time; no handle may be freed during a call.
 *
 * Callbacks get back the `user` that they were given with, and what they point to is the caller's
 *   for as long as the call, or the target, lasts. They must not throw, jump or exit through these
 *   functions; an exception of C++ that they let go ends the call with RIFFLE_CALLBACK. They may
 *   call any function here, but not with the handle of a call that is under way unless it is
 *   thread-safe.
 *
 * Nothing here throws, ends the process, or changes signal handlers. What a target's own library
 * does (a Stan model that crashes) is its own. The standard streams are written to by the compiler
 * of Stan programs and by models that print. */
#ifndef RIFFLE_C_H
#define RIFFLE_C_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "riffle/version.h"

#define RIFFLE_C_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong; the numbers are those of sysexits.h where it has one. */
typedef enum riffle_status {
  RIFFLE_OK = 0,
  RIFFLE_USAGE = 64,    /* the request makes no sense: null, an unknown name, out of range */
  RIFFLE_DATA = 65,     /* something was read, and its content is not valid */
  RIFFLE_NO_INPUT = 66, /* a file does not exist or cannot be read */
  RIFFLE_INTERNAL = 70, /* a fault of Riffle's own */
  RIFFLE_NO_MEMORY = 71,
  RIFFLE_CANNOT_CREATE = 73, /* a file cannot be created */
  RIFFLE_IO = 74,            /* reading or writing failed half way */
  RIFFLE_CALLBACK = 76,      /* a target's callback said that it cannot go on, or threw */
  RIFFLE_CANCELLED = 130     /* a callback ended the fit before there was anything to report */
} riffle_status;

typedef struct riffle_target riffle_target; /* an unnormalised log density with its gradient */
typedef struct riffle_report riffle_report; /* what a fit found; never changes */
typedef struct riffle_flow riffle_flow;     /* a trained flow; never changes */

/* The version of the library that runs, such as "0.1.0"; that of this header is RIFFLE_VERSION.
 * Never null; the library's. */
RIFFLE_C_API const char* riffle_version(void);

/* Frees a text that a function of this header gave to the caller; null is none. */
RIFFLE_C_API void riffle_free_text(char* text);

/* ---- Targets ---- */

/* A target of docs/targets.md.
 *   in  name     such as "funnel"
 *   in  options  null, or its options in TOML, as in the section [target] of a spec: "dim = 5"
 *   out target   the new handle; thread-safe */
RIFFLE_C_API int riffle_target_built_in(const char* name, const char* options,
                                        riffle_target** target, char** error);

/* A density as a formula in named coordinates, such as "-x^2/2 - (y - x^2)^2" (docs/formulas.md).
 *   in  is_log       whether the formula is ln p (1) or p (0)
 *   in  coordinates  their names and order, joined by commas; null: free names as they appear
 *   out target       the new handle; thread-safe */
RIFFLE_C_API int riffle_target_formula(const char* formula, int is_log, const char* coordinates,
                                       riffle_target** target, char** error);

/* Flags of targets, added together. */
#define RIFFLE_THREAD_SAFE 1u     /* it may be called from several threads at once */
#define RIFFLE_KEEPS_CONSTANTS 2u /* ln p has all its constants: log_z is an evidence */
#define RIFFLE_NO_GENERATED 4u    /* of a Stan model: no generated quantities */
#define RIFFLE_QUIET 8u           /* of a Stan program: say nothing while it is compiled */

/* A Stan model (docs/stan.md).
 *   in  path    MODEL.stan, or a library with BridgeStan's interface
 *   in  data    null, JSON, or the path of a file that ends in ".json"
 *   in  seed    of random numbers in its transformed data
 *   in  flags   RIFFLE_THREAD_SAFE: it is though it does not say so; RIFFLE_KEEPS_CONSTANTS: its
 *               program drops none, though the library refuses to compute them; _NO_GENERATED,
 * _QUIET out target  the new handle */
RIFFLE_C_API int riffle_target_stan(const char* path, const char* data, uint64_t seed,
                                    unsigned flags, riffle_target** target, char** error);

/* The target in a shared library with the interface of riffle/plugin.h.
 *   in  data    null, or what is given to its riffle_plugin_create
 *   in  flags   RIFFLE_THREAD_SAFE: it is though it does not say so
 *   out target  the new handle */
RIFFLE_C_API int riffle_target_plugin(const char* path, const char* data, unsigned flags,
                                      riffle_target** target, char** error);

/* A log density at n points at once, n at most 128.
 *   in  z       (n, dim)
 *   out logp    [n]: ln p; -INFINITY outside the support
 *   out grad    (n, dim): its derivatives
 *   out status  [n], 0 on entry; any other value tells that the point failed: it is counted and
 *               left out, as is one with a NaN
 * Returns 0 to go on; anything else ends the call that asked, with RIFFLE_CALLBACK. */
typedef int (*riffle_batch_function)(size_t n, size_t dim, const double* z, double* logp,
                                     double* grad, int32_t* status, void* user);

/* A log density at one point x[n] of n coordinates: writes grad[n] and *logp. Returns 0; a positive
 * number where the point failed, which is counted and left out; a negative one to end the call that
 * asked, with RIFFLE_CALLBACK. */
typedef int (*riffle_point_function)(size_t n, const double* x, double* grad, double* logp,
                                     void* user);

/* The values of interest values[count] at one point z[dim], where they are not z itself: parameters
 * on their own scale, and what is computed from them. Returns 0; anything else makes them NaN. */
typedef int (*riffle_expand_function)(size_t dim, const double* z, size_t count, double* values,
                                      void* user);

/* What can be told of a target of callbacks; RIFFLE_TARGET_OPTIONS_INIT for what is left out. */
typedef struct riffle_target_options {
  size_t size;      /* sizeof(riffle_target_options): later versions may have more */
  unsigned flags;   /* RIFFLE_THREAD_SAFE, RIFFLE_KEEPS_CONSTANTS */
  const char* name; /* what reports call it; null: "user" */
  double log_z;     /* ln of the integral of p where it is known, or NaN: no KL is told */
  riffle_expand_function expand; /* null: the values are z.1, z.2, ... or as `names` says */
  size_t value_count;     /* with expand or names: how many values there are (dim without expand) */
  size_t parameter_count; /* of these the first are parameters; 0: all */
  const char* const* names; /* names[value_count], as mu, tau, theta.1; null: v.1, v.2, ... */
  /* null, or lower[dim] and upper[dim]: bounds of the coordinates, -INFINITY and INFINITY where
   * there is none. The callbacks then get points within them, or on them where rounding has it so.
   */
  const double* lower;
  const double* upper;
} riffle_target_options;
#define RIFFLE_TARGET_OPTIONS_INIT \
  { sizeof(riffle_target_options), 0u, NULL, NAN, NULL, 0, 0, NULL, NULL, NULL }

/* A target from callbacks, for all of R^dim, or where options->lower and upper are there for a box
 * in it: then R^dim is mapped onto that, coordinate by coordinate (by exp or the logistic function,
 * riffle/constraints.h), evaluate gets points x of the box with its ln p(x) and gradient, to which
 * the maps' Jacobian is added; expand gets points of the box as well, and without it they are the
 * values. What riffle_target_evaluate and fits have as z are the points of R^dim. The texts and
 * bounds of `options` are copied.
 *   in  dim       1 ... 1,000,000
 *   in  evaluate  called from the caller's thread alone, or with RIFFLE_THREAD_SAFE from several at
 *                 once
 *   in  user      handed on to evaluate and expand; the caller's, and has to outlast the handle
 *   in  options   null, or what else there is to tell
 *   out target    the new handle */
RIFFLE_C_API int riffle_target_batch(size_t dim, riffle_batch_function evaluate, void* user,
                                     const riffle_target_options* options, riffle_target** target,
                                     char** error);
RIFFLE_C_API int riffle_target_point(size_t dim, riffle_point_function evaluate, void* user,
                                     const riffle_target_options* options, riffle_target** target,
                                     char** error);

RIFFLE_C_API void riffle_target_free(riffle_target* target);

/* How many coordinates it has; 0 of null. */
RIFFLE_C_API size_t riffle_target_dim(const riffle_target* target);

/* ln p and its gradient at points: as a target's user would compute it.
 *   in  z     (n, dim), n any number
 *   out logp  [n]; NaN where the evaluation failed
 *   out grad  (n, dim) */
RIFFLE_C_API int riffle_target_evaluate(const riffle_target* target, size_t n, const double* z,
                                        double* logp, double* grad, char** error);

/* Whether a target's gradient is that of its ln p, by differences at `points` points of
 * (-2, 2)^dim.
 *   out json  null, or a text for riffle_free_text: "passed"; "compared", "wrong", "points",
 *             "outside", "not_finite" (counts); "faults", an array of "coordinate" (from 0), "at",
 *             "given", "difference", the worst of each wrong coordinate */
RIFFLE_C_API int riffle_check_gradient(const riffle_target* target, size_t points, uint64_t seed,
                                       char** json, char** error);

/* ---- Fits ---- */

/* Where a fit stands. What it does not have is 0, or NaN, or "". */
typedef struct riffle_progress {
  uint64_t iteration;  /* of a flow that is trained as it was told to be */
  uint64_t iterations; /* of how many */
  double loss;         /* the objective on the latest batch */
  uint64_t gradients;  /* of a fit without settings: evaluations of the target so far */
  double elbo;         /* the last one of this stage */
  double seconds;      /* since the start */
  const char* what;    /* what is done, such as "training iaf(hidden=32):2"; the library's */
} riffle_progress;

/* One stage of a fit without settings, as it ends. Figures that it does not have are NaN. */
typedef struct riffle_stage {
  const char* name;    /* such as "modes", "normal", "flow"; these texts are the library's */
  const char* message; /* what was done and what came of it */
  uint64_t gradients;  /* evaluations of the target since the start */
  double seconds;      /* since the start */
  double elbo;
  double elbo_se;
  double ess_fraction; /* effective share of the draws */
} riffle_stage;

/* Any of them may be null. They return 0 to go on, anything else to cancel: the fit then ends as
 * soon as it can, with what it has ("stop_reason" is "interrupted"), or with RIFFLE_CANCELLED where
 * that is nothing, and calls neither again. They are called one at a time; on_stage, and
 * on_progress of a flow trained as told, from the thread that called the fit; on_progress of a fit
 * without settings from any of its threads. */
typedef struct riffle_fit_callbacks {
  size_t size; /* sizeof(riffle_fit_callbacks): later versions may have more */
  int (*on_progress)(const riffle_progress* progress, void* user);
  int (*on_stage)(const riffle_stage* stage, void* user);
  void* user;
} riffle_fit_callbacks;
#define RIFFLE_FIT_CALLBACKS_INIT \
  { sizeof(riffle_fit_callbacks), NULL, NULL, NULL }

/* Fits a target. Writes no files.
 *   in  target     null: the one that the section [target] of `toml` names. Otherwise of that
 *                  section log_floor and init alone count.
 *   in  toml       null, or settings, by the keys of a spec file (`riffle list`, recipes/). Without
 *                  any, a fit finds out by itself what the target needs (docs/recipe.md); where
 *                  keys of base, flow, objective or training are there, it trains that flow. Those
 *                  of files, pictures and folders are ignored
 *   in  callbacks  null, or what is to be called meanwhile
 *   out report     the new handle */
RIFFLE_C_API int riffle_fit(const riffle_target* target, const char* toml,
                            const riffle_fit_callbacks* callbacks, riffle_report** report,
                            char** error);

/* Learns the density of points by maximum likelihood.
 *   in  points  (n, dim), finite
 *   in  names   null, or names[dim] of the coordinates
 *   the rest as of riffle_fit */
RIFFLE_C_API int riffle_fit_samples(size_t n, size_t dim, const double* points,
                                    const char* const* names, const char* toml,
                                    const riffle_fit_callbacks* callbacks, riffle_report** report,
                                    char** error);

/* All figures as JSON: the text of summary.json (docs/embedding.md lists its fields). The report's:
 * it lives as long. Null of null. */
RIFFLE_C_API const char* riffle_report_json(const riffle_report* report);

/* Numbers of a report, not copied: they live as long as it does. */
typedef struct riffle_array {
  const double* data; /* row-major [rows][columns]; null where there are none */
  size_t rows;
  size_t columns;
} riffle_array;

/* An array by its name; one that this report does not have has no rows.
 *   "draws"             (n, dim) independent draws of the flow, in its coordinates
 *   "log_q"  "log_p"    [n] of these: ln q, exact, and ln p, unnormalised (none of samples)
 *   "log_weights"       [n] ln p - ln q, or of a posterior what the report weighs its draws by
 *   "values"            (n, values) of these draws: parameters on their own scale and what is
 *                       computed from them, by riffle_report_name
 *   "loss"              (k, 2): iterations done, and the objective then
 *   "held_out_loss"     (k, 2): the same on the points held out */
RIFFLE_C_API int riffle_report_array(const riffle_report* report, const char* name,
                                     riffle_array* array, char** error);

/* Name of column i of "draws" (of "values" where `values` is not 0); null where there is none. The
 * report's. */
RIFFLE_C_API const char* riffle_report_name(const riffle_report* report, int values, size_t i);

/* The flow that was trained.
 *   out flow  a new handle, which the caller frees; it may outlive the report */
RIFFLE_C_API int riffle_report_flow(const riffle_report* report, riffle_flow** flow, char** error);

RIFFLE_C_API void riffle_report_free(riffle_report* report);

/* ---- Trained flows ---- */

/* Reads and writes the files model.riffle of the command line. */
RIFFLE_C_API int riffle_flow_load(const char* path, riffle_flow** flow, char** error);
RIFFLE_C_API int riffle_flow_save(const riffle_flow* flow, const char* path, char** error);
RIFFLE_C_API void riffle_flow_free(riffle_flow* flow);

/* How many coordinates it has; 0 of null. */
RIFFLE_C_API size_t riffle_flow_dim(const riffle_flow* flow);

/* What it is, as JSON: "dim", "base", "flow", "precision", "columns" (names, or []), "parameters"
 * (how many), "injective", "has_density", "no_density_reason". The flow's. Null of null. */
RIFFLE_C_API const char* riffle_flow_json(const riffle_flow* flow);

/* Draws first, first + 1, ... of the stream that belongs to `seed`, always the same.
 *   out z      (n, dim)
 *   out log_q  null, or [n]: ln q
 *   out score  null, or (n, dim): the gradient of ln q, where the flow has a density */
RIFFLE_C_API int riffle_flow_draw(const riffle_flow* flow, uint64_t seed, uint64_t first, size_t n,
                                  double* z, double* log_q, double* score, char** error);

/* ln q and its gradient at points; RIFFLE_USAGE where the flow has no density. The results of a
 * point that is not finite are NaN.
 *   in  z      (n, dim)
 *   out log_q  null, or [n]
 *   out score  null, or (n, dim) */
RIFFLE_C_API int riffle_flow_log_density(const riffle_flow* flow, size_t n, const double* z,
                                         double* log_q, double* score, char** error);

/* The map from the base's space to the draws', and back (where the flow has a density).
 *   out log_det  null, or [n]: ln|det| of that map's Jacobian */
RIFFLE_C_API int riffle_flow_to_sample(const riffle_flow* flow, size_t n, const double* base,
                                       double* z, double* log_det, char** error);
RIFFLE_C_API int riffle_flow_to_base(const riffle_flow* flow, size_t n, const double* z,
                                     double* base, double* log_det, char** error);

/* Weighs fresh draws of a flow against a target, and judges by them: log_z, elbo, khat, verdict.
 *   in  draws  how many; 0: 20,000
 *   out json   a text for riffle_free_text: the keys of diagnose.json (docs/embedding.md) */
RIFFLE_C_API int riffle_diagnose(const riffle_flow* flow, const riffle_target* target,
                                 uint64_t draws, uint64_t seed, char** json, char** error);

/* Looks for what a trained flow could be wrong about, as `riffle check` does.
 *   in  draws  by how many; 0: 4096
 *   out json   a text for riffle_free_text: an array of "name", "found", "bound", "outcome" ("ok",
 *              "failed", "not checked") and "note" */
RIFFLE_C_API int riffle_audit(const riffle_flow* flow, uint64_t draws, uint64_t seed, char** json,
                              char** error);

#ifdef __cplusplus
}
#endif

#endif
