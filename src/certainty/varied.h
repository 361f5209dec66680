/*
 * varied: assumptions of a run as axes from 0 to 1. Part of certainty (floor 10).
 *
 * A share of 0 is the low end of a range or the first value of a list, 1 the high end or the last. A range marked
 * `scale: log` is divided by ratios. A share says the same of every run that assumes the key, also where the ends
 * differ: the same place between them.
 */
#ifndef MOESIM_VARIED_H
#define MOESIM_VARIED_H

#include "spec/spec.h"

G_BEGIN_DECLS

/* One assumption as it is varied. */
typedef struct {
  const MoeAssumption *assumption;
  gboolean whole; /* a range of whole numbers: the key takes no other */
} MoeVaried;

/* The distinct keys among the run's assumptions (the first that is stated wins: a run's own before its stack's) but
 * those of a single value and costs of a CPU that the cluster does not have. Of MoeVaried. */
GArray *moe_varied(const MoeRun *run);
/* How many these are. */
guint moe_n_varied(const MoeRun *run);
/* Value in SI units at `share` of a range; NaN of a list. */
double moe_varied_value(const MoeVaried *varied, double share);
/* "key=value" at `share` (0..1) of the range or list of values. Caller frees. */
char *moe_varied_set(const MoeVaried *varied, double share);
/* The value part of it. */
const char *moe_set_value(const char *set);
/* Place of `sample` of n in the range of assumption `index`, 0..1: a Latin hypercube. `strata` is its permutation of
 * 0..n-1. */
double moe_hypercube_share(uint64_t seed, guint n, guint index, guint sample, const guint *strata);
/* A random permutation of 0..n-1 for assumption `index`. Caller frees. */
guint *moe_hypercube_strata(uint64_t seed, guint n, guint index);

G_END_DECLS

#endif
