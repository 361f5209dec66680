/*
 * sensitivity: what the answer is worth across the assumptions of a run. Part of certainty (floor 10).
 *
 * Assumptions stand in the files of run, cluster, accelerator and stack, with a range or a list of values. A Latin
 * hypercube (McKay, Beckman & Conover 1979) draws `samples` combinations: each assumption takes every one of `samples`
 * equal parts of its range once, uniformly within it, in a random order of its own. Values of a list have equal weight.
 * Each assumption is also tried alone at its ends. The same seed gives the same combinations whatever the number of
 * threads.
 */
#ifndef MOESIM_SENSITIVITY_H
#define MOESIM_SENSITIVITY_H

#include "metrics/findings.h"
#include "study/study.h"

G_BEGIN_DECLS

typedef struct {
  MoeSimOptions sim;        /* of every simulation; its seed is also that of the combinations */
  guint samples;            /* combinations; 0 = no interval */
  gboolean interval_only;   /* no assumption alone: for a column beside a prediction */
  guint jobs;               /* threads, 0 = as many as the machine has */
  MoeProgressFunc progress; /* may be NULL */
  gpointer progress_data;
} MoeSensitivityOptions;

/* A run without assumptions gives an interval of no width. NULL and *error when the run itself cannot be simulated. */
MoeSensitivity *moe_sensitivity(const MoeRun *run, const MoeSensitivityOptions *options, GError **error);
void moe_sensitivity_free(MoeSensitivity *sensitivity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeSensitivity, moe_sensitivity_free)

G_END_DECLS

#endif
