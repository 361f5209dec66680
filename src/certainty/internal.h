/* Private to certainty: assumptions as they are varied. */
#ifndef MOESIM_CERTAINTY_INTERNAL_H
#define MOESIM_CERTAINTY_INTERNAL_H

#include <moesim/sensitivity.h>

/* One assumption as it is varied. */
typedef struct {
  const MoeAssumption *assumption;
  gboolean whole; /* a range of whole numbers: the key takes no other */
} MoeVaried;

/* The distinct keys among the run's assumptions (the first that is stated wins: a run's own before its stack's). Of
 * MoeVaried. */
GArray *moe_varied(const MoeRun *run);
/* "key=value" at `share` (0..1) of the range or list of values. Caller frees. */
char *moe_varied_set(const MoeVaried *varied, double share);
/* The value part of it. */
const char *moe_set_value(const char *set);
/* Place of `sample` of n in the range of assumption `index`, 0..1: a Latin hypercube. `strata` is its permutation of
 * 0..n-1. */
double moe_hypercube_share(uint64_t seed, guint n, guint index, guint sample, const guint *strata);
/* A random permutation of 0..n-1 for assumption `index`. Caller frees. */
guint *moe_hypercube_strata(uint64_t seed, guint n, guint index);
#endif
