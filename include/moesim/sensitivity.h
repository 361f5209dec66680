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

#include <moesim/predict.h>

G_BEGIN_DECLS

/* One assumption alone at its ends, everything else as the run says. */
typedef struct {
  char *key, *why;
  char *low, *high;               /* the values that give the lowest and the highest MFU, as written */
  double mfu_low, mfu_high;       /* causal */
  double step_low_s, step_high_s; /* step times at these two */
  guint n_failed;                 /* of its values, those that give no run */
  char *failure;                  /* the first of their messages, NULL when all are runs */
} MoeSwing;

/* What a combination of assumptions gives. */
typedef struct {
  double mfu_causal, mfu_full, step_time_s, tokens_per_s_per_gpu;
  double tokens_per_step; /* a combination may have another batch */
  double peak_bytes;      /* of memory */
} MoeCombination;

typedef struct {
  MoeResult *result;         /* the run as it is; NULL when only the interval was asked for */
  guint n_samples, n_failed; /* drawn; of these, combinations that cannot exist */
  char *failure;             /* the first message, NULL when all exist */
  MoeQuantiles mfu_causal, mfu_full, step_time_s, tokens_per_s_per_gpu; /* NaN without a sample */
  MoeCombination *combinations;                                         /* [n_samples - n_failed], in no order */
  /* With a posterior: what log(published / predicted step time) of each is, normal around a bias; NULL without. */
  double *error_bias, *error_scatter;
  guint n_swings;
  MoeSwing *swings;    /* largest first; empty when only the interval was asked for */
  guint n_simulations; /* that the answer rests on */
} MoeSensitivity;

typedef struct {
  MoeSimOptions sim;                    /* of every simulation; its seed is also that of the combinations */
  guint samples;                        /* combinations; 0 = no interval */
  const struct MoePosterior *posterior; /* draws what it knows; NULL: everything by its range (certainty/posterior.h) */
  gboolean interval_only;               /* no assumption alone, and not the run itself: beside its prediction */
  guint jobs;                           /* threads, 0 = as many as the machine has */
  MoeProgressFunc progress;             /* may be NULL */
  gpointer progress_data;
} MoeSensitivityOptions;

/* A run without assumptions gives an interval of no width. NULL and *error when the run itself cannot be simulated. */
MoeSensitivity *moe_sensitivity(const MoeRun *run, const MoeSensitivityOptions *options, GError **error);
void moe_sensitivity_free(MoeSensitivity *sensitivity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeSensitivity, moe_sensitivity_free)

G_END_DECLS

#endif
