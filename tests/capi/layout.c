/* Prints the sizes of the C interface's structs, where their members are, and its constants. */
#include <stddef.h>
#include <stdio.h>

#include "riffle/c.h"

#define SIZE(type) printf("size %s %d\n", #type, (int)sizeof(type))
#define MEMBER(type, member)                                                        \
  printf("member %s.%s at %d of %d\n", #type, #member, (int)offsetof(type, member), \
         (int)sizeof(((type*)0)->member))
#define CONSTANT(name) printf("constant %s %d\n", #name, (int)(name))

int main(void) {
  SIZE(riffle_target_options);
  MEMBER(riffle_target_options, size);
  MEMBER(riffle_target_options, flags);
  MEMBER(riffle_target_options, name);
  MEMBER(riffle_target_options, log_z);
  MEMBER(riffle_target_options, expand);
  MEMBER(riffle_target_options, value_count);
  MEMBER(riffle_target_options, parameter_count);
  MEMBER(riffle_target_options, names);
  MEMBER(riffle_target_options, lower);
  MEMBER(riffle_target_options, upper);
  SIZE(riffle_progress);
  MEMBER(riffle_progress, iteration);
  MEMBER(riffle_progress, iterations);
  MEMBER(riffle_progress, loss);
  MEMBER(riffle_progress, gradients);
  MEMBER(riffle_progress, elbo);
  MEMBER(riffle_progress, seconds);
  MEMBER(riffle_progress, what);
  SIZE(riffle_stage);
  MEMBER(riffle_stage, name);
  MEMBER(riffle_stage, message);
  MEMBER(riffle_stage, gradients);
  MEMBER(riffle_stage, seconds);
  MEMBER(riffle_stage, elbo);
  MEMBER(riffle_stage, elbo_se);
  MEMBER(riffle_stage, ess_fraction);
  SIZE(riffle_fit_callbacks);
  MEMBER(riffle_fit_callbacks, size);
  MEMBER(riffle_fit_callbacks, on_progress);
  MEMBER(riffle_fit_callbacks, on_stage);
  MEMBER(riffle_fit_callbacks, user);
  SIZE(riffle_array);
  MEMBER(riffle_array, data);
  MEMBER(riffle_array, rows);
  MEMBER(riffle_array, columns);
  SIZE(riffle_status);
  CONSTANT(RIFFLE_OK);
  CONSTANT(RIFFLE_USAGE);
  CONSTANT(RIFFLE_DATA);
  CONSTANT(RIFFLE_NO_INPUT);
  CONSTANT(RIFFLE_INTERNAL);
  CONSTANT(RIFFLE_NO_MEMORY);
  CONSTANT(RIFFLE_CANNOT_CREATE);
  CONSTANT(RIFFLE_IO);
  CONSTANT(RIFFLE_CALLBACK);
  CONSTANT(RIFFLE_CANCELLED);
  CONSTANT(RIFFLE_THREAD_SAFE);
  CONSTANT(RIFFLE_KEEPS_CONSTANTS);
  CONSTANT(RIFFLE_NO_GENERATED);
  CONSTANT(RIFFLE_QUIET);
  return 0;
}
