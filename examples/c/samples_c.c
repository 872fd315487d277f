/* The density of a table, learned and asked: which of its rows is the least likely? */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "riffle/c.h"

enum { rows = 500, columns = 2 };

static void fail_on(int status, char* error) {
  if (status == RIFFLE_OK) return;
  fprintf(stderr, "riffle: %s\n", error == NULL ? "no memory" : error);
  riffle_free_text(error);
  exit(status);
}

int main(void) {
  static double table[rows * columns], log_q[rows];
  const char* names[columns] = {"dose", "response"};
  riffle_report* report = NULL;
  riffle_flow* flow = NULL;
  char* error = NULL;
  unsigned long state = 1;
  int i, least = 0;

  for (i = 0; i < rows; ++i) { /* the sum of some uniform numbers is nearly normal */
    double u = 0, v = 0;
    int k;
    for (k = 0; k < 6; ++k) {
      state = (state * 1103515245UL + 12345UL) % 2147483648UL;
      u += (double)state / 2147483648.0 - 0.5;
      state = (state * 1103515245UL + 12345UL) % 2147483648UL;
      v += (double)state / 2147483648.0 - 0.5;
    }
    table[columns * i] = u;
    table[columns * i + 1] = u * u + 0.2 * v;
  }
  table[columns * 123 + 1] = -3; /* off the curve */

  fail_on(riffle_fit_samples(rows, columns, table, names, "[run]\niterations = 2000\n", NULL,
                             &report, &error),
          error);
  fail_on(riffle_report_flow(report, &flow, &error), error);
  riffle_report_free(report);
  fail_on(riffle_flow_log_density(flow, rows, table, log_q, NULL, &error), error);
  for (i = 0; i < rows; ++i) {
    if (log_q[i] < log_q[least]) least = i;
  }
  printf("the least likely row is %d, with ln q = %.2f\n", least, log_q[least]);
  riffle_flow_free(flow);
  return 0;
}
