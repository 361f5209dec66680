/* Between search.c, rank.c and best.c: a search under way. */
#ifndef MOESIM_SEARCH_SEARCHING_H
#define MOESIM_SEARCH_SEARCHING_H

#include "internal.h"

/* What became of a layout that was looked at. */
typedef enum { FATE_NOT_REACHED, FATE_IMPOSSIBLE, FATE_TOO_LARGE, FATE_BOUNDED, FATE_SIMULATED } Fate;

/* A layout that is lowered next, or, when it is, simulated. */
typedef struct {
  MoeCandidate candidate; /* with the better bound when it is lowered */
  gboolean lowered;
  Fate fate;
  double step_s; /* simulated; < 0 without */
} Prospect;

/* So many layouts are looked at side by side before what came out decides on the next ones: many enough for the
 * processors, and one number, so that the same layouts are looked at whatever their number. */
#define ROUND 16

/* The best so far, and what is left to look at. */
typedef struct {
  const MoeRun *run;
  const MoeSearchOptions *options;
  MoeSearchResult *result;
  GArray *fresh, *lowered; /* of Prospect, the last one is the next */
  guint n_seen;            /* of `fresh` */
  Prospect round[ROUND];
  double price_gpu_s; /* dollars */
  double limit;       /* values above are of no interest */
  double own_value;   /* of the run's own layout; INFINITY when it does not count */
  MoeStop stop;
} Searching;

/* ---- rank.c ------------------------------------------------------------------------------------------------------ */

/* What a step time is worth; smaller is better. Monotonic in the time, so that a bound of one is a bound of the other.
 */
double moe_searching_value(const Searching *s, const MoeLayoutChoice *choice, double step_s);
/* The longest step with which a layout can still be ranked. */
double moe_searching_longest(const Searching *s, const MoeLayoutChoice *choice);
gboolean moe_searching_is_own(const Searching *s, const MoeCandidate *candidate);
/* Puts a candidate where it belongs; takes its result. */
void moe_searching_rank(Searching *s, MoeCandidate *candidate);
/* A layout that nobody looked at: it may be better than any that is ranked. */
void moe_searching_miss(Searching *s, const MoeCandidate *candidate);

/* ---- best.c ------------------------------------------------------------------------------------------------------ */

/* NULL for a layout that does not fit, unless `whatever`, or cannot be simulated. */
MoeResult *moe_searching_predict(const Searching *s, const MoeRun *run, gboolean whatever);
/* Puts those that may fit and be ranked where they wait. */
void moe_searching_wait(Searching *s, const MoeCandidate *candidates, guint n);
/* Looks at layouts until none is left that could be ranked; with `some`, until some are ranked. */
void moe_searching_look(Searching *s, gboolean some);

/* Simulates what is ranked and another process has simulated. */
void moe_searching_complete(Searching *s);

#endif
