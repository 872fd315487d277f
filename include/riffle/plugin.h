/* Riffle's plug-in interface, version 1: a log density in a shared library, in C or whatever can be
 * called from C. `riffle fit --plugin LIBRARY [--data DATA]` fits it; docs/plugins.md tells more.
 *
 * A plug-in defines the functions below that are not marked optional. Points are row-major: point i
 * is the `dim` numbers from z + i * dim on, so that code for one point takes it as it lies, and in
 * Fortran it is column i of z(dim, n). Riffle's own tiles are the other way round; turning them
 * costs about a nanosecond a number, which is little beside a likelihood.
 *
 * Plain C99. Nothing may throw, jump or exit through these functions. */
#ifndef RIFFLE_PLUGIN_H
#define RIFFLE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface. It grows when a plug-in of the old one could not be used any more.
 */
#define RIFFLE_PLUGIN_ABI 1

/* What riffle_plugin_flags may say, added together. */
#define RIFFLE_PLUGIN_THREAD_SAFE                                 \
  1u /* evaluate and constrain may run in several threads at once \
      */
#define RIFFLE_PLUGIN_KEEPS_CONSTANTS \
  2u /* ln p has all its constants: ln of its integral is an evidence */

/* A plug-in's own; Riffle only hands it back. */
typedef struct riffle_plugin_model riffle_plugin_model;

/* RIFFLE_PLUGIN_ABI, as the plug-in was compiled with it. */
int32_t riffle_plugin_abi(void);

/* Makes a model from `data`: what the user gave, a path or a text; never null, "" where nothing was
 * given. Returns null where that fails, and writes why to error[error_size], zero-terminated.
 * Whatever lets a model be told from null will do, even 1. */
riffle_plugin_model* riffle_plugin_create(const char* data, char* error, size_t error_size);
void riffle_plugin_destroy(riffle_plugin_model* model);

/* How many coordinates a point has: 1 or more. All of R^dim is allowed for. */
size_t riffle_plugin_dim(const riffle_plugin_model* model);

/* For i < n: log_density[i] = ln p at z[i * dim ...], and gradient[i * dim + d] = its derivative by
 * coordinate d. status[i] is 0 on entry; any other value tells that the point failed: it is counted
 * and left out. Outside the support, log_density[i] = -INFINITY with status 0 will do. Of the first
 * point that failed, why may be written to error[error_size], zero-terminated. */
void riffle_plugin_evaluate(const riffle_plugin_model* model, size_t n, const double* z,
                            double* log_density, double* gradient, int32_t* status, char* error,
                            size_t error_size);

/* Optional: RIFFLE_PLUGIN_... added together; 0 without it. */
uint32_t riffle_plugin_flags(const riffle_plugin_model* model);

/* Optional: ln of the integral of p, where it is known; then a fit reports its KL divergence. */
double riffle_plugin_log_z(const riffle_plugin_model* model);

/* Optional, all four or none: the values of interest, where they are not z itself. The first
 * riffle_plugin_parameter_count of the riffle_plugin_value_count values are parameters, the rest is
 * computed from them. Names are those of Stan: an array's follow each other, column-major, indices
 * from 1, as a.1.2. The text belongs to the model. constrain writes all values of the one point
 * z[dim], and returns 0, or anything else where it fails. */
size_t riffle_plugin_value_count(const riffle_plugin_model* model);
size_t riffle_plugin_parameter_count(const riffle_plugin_model* model);
const char* riffle_plugin_value_name(const riffle_plugin_model* model, size_t i);
int32_t riffle_plugin_constrain(const riffle_plugin_model* model, const double* z, double* values);

/* Optional: the inverse, z[dim] from the riffle_plugin_parameter_count parameters, for points that
 * are given by their names and values. Returns 0, or anything else where they are outside the
 * support. */
int32_t riffle_plugin_unconstrain(const riffle_plugin_model* model, const double* parameters,
                                  double* z);

#ifdef __cplusplus
}
#endif

#endif
