/*
 * findings: what studies of runs find out, as plain data that study fills and report prints. Part of metrics (floor 7).
 *
 * Each type has its _free in the study that makes it (explain.h, sensitivity.h). Times are seconds per step, MFU values
 * fractions of peak.
 */
#ifndef MOESIM_FINDINGS_H
#define MOESIM_FINDINGS_H

#include "metrics/metrics.h"

G_BEGIN_DECLS

/* ---- why one run is as slow as it is ----------------------------------------------------------------------------- */

/* One cause that a counterfactual run can do without. */
typedef struct {
  MoeCause cause;
  gboolean present;   /* FALSE: nothing of the kind is in this run, all values are 0 */
  double accounted_s; /* by the account of the run as it is: time during which it was this cause that kept the GPU from
                         math */
  double alone_s;     /* what the step gains when this cause alone is removed */
  double last_s;      /* what it gains when everything else has been removed before */
  double
      share_s; /* Shapley value: the gain of removing it, averaged over all orders in which the causes can be removed */
  gboolean joint; /* too small to be ordered by itself: removed together with the other small ones */
  double error_s; /* of share_s: standard error when orders were sampled, 0 when all were taken; of a joint cause half
                     the difference of first and last besides */
} MoeLossShare;

/* The step time in parts: step = left_s summed + share_s summed. */
typedef struct {
  MoeResult *result; /* the run as it is */
  guint n_causes;    /* causes that can be removed at all; those of MoeWithout */
  MoeLossShare causes[MOE_N_CAUSES];
  double
      left_s[MOE_N_CAUSES]; /* the step without any of them, by its own account: math, the bubble, what else remains */
  double ideal_s;           /* its length */
  double interaction_s; /* (step - ideal) - sum of alone_s: what only goes when several causes are removed together */
  guint n_orders;       /* orders sampled; 0 = all */
  guint n_simulations;
} MoeExplanation;

/* ---- what makes two runs differ ---------------------------------------------------------------------------------- */

/* A key of the resolved documents. Texts are short forms; NULL: absent. */
typedef struct {
  char *path, *before, *after;
} MoeChangedKey;

/* A run with some of the changes. */
typedef struct {
  double step_time_s, mfu_causal, tokens_per_s_per_gpu;
  gboolean fits;
} MoeEffect;

/* Keys that make one mechanism, or that are legal only together. */
typedef struct {
  char *name; /* "architecture", "accelerator + host" */
  guint n_keys;
  MoeChangedKey *keys;
  gboolean merged;    /* mechanisms put together because one of them alone gives no legal run */
  char *merged_why;   /* the message of the run that cannot be; NULL */
  MoeEffect alone;    /* the first run with this change only */
  MoeEffect in_order; /* the first run with this change and those before it */
} MoeChange;

typedef struct {
  MoeResult *before, *after;
  guint n_changes;
  MoeChange *changes;     /* in the order in which they are applied */
  double mfu_interaction; /* total change of the MFU less the sum of the changes alone */
  guint n_simulations;
} MoeDifference;

/* ---- how sure an answer is --------------------------------------------------------------------------------------- */

/* One assumption alone at its ends, everything else as the run says. */
typedef struct {
  char *key, *why;
  char *low, *high;               /* the values that give the lowest and the highest MFU, as written */
  double mfu_low, mfu_high;       /* causal */
  double step_low_s, step_high_s; /* step times at these two */
  guint n_failed;                 /* of its values, those that give no run */
  char *failure;                  /* the first of their messages, NULL when all are runs */
} MoeSwing;

typedef struct {
  MoeResult *result;         /* the run as it is */
  guint n_samples, n_failed; /* drawn; of these, combinations that cannot exist */
  char *failure;             /* the first message, NULL when all exist */
  MoeQuantiles mfu_causal, mfu_full, step_time_s, tokens_per_s_per_gpu; /* NaN without a sample */
  double *stepped_s; /* [n_samples - n_failed]: step times of the combinations, in no order */
  guint n_swings;
  MoeSwing *swings; /* largest first; empty when only the interval was asked for */
  guint n_simulations;
} MoeSensitivity;

G_END_DECLS

#endif
