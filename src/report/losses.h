/* losses: what a prediction loses, largest first; what reports and figures derive alike. Part of report (floor 12). */
#ifndef MOESIM_REPORT_LOSSES_H
#define MOESIM_REPORT_LOSSES_H

#include <moesim/explain.h>
#include <moesim/report.h>

#define MOE_SHOWN_SHARE 5e-4 /* of the step: what is less would read as 0.0 % */

typedef struct {
  guint cause; /* MoeCause, never MATH */
  double seconds;
} MoeLoss;

/* Fills `losses` with every cause but MOE_CAUSE_MATH, largest first, equal ones in the order of MoeCause. Returns how
 * many take time; the rest of the array holds those that do not. */
guint moe_losses(const double cause_s[MOE_N_CAUSES], MoeLoss losses[MOE_N_CAUSES]);
/* Those of an explanation that are in the run, largest mean share first; returns how many. */
guint moe_loss_shares(const MoeExplanation *explanation, MoeLossShare shares[MOE_N_CAUSES]);
/* Seconds by which math at peak is not the MFU: layers whose FLOPs do not count (multi-token prediction), another peak
 * as denominator. 0 where that could not be seen. */
double moe_uncounted_s(const MoeExplanation *explanation);

/* "model/v4 (after)", of a run and its variant (NULL or "": none). Caller frees. */
char *moe_label_of(const char *run, const char *variant, gboolean rumour, gboolean announced);
/* "mai-base-1/v4 (after)"; a rumour and an accelerator that is only announced say so. Caller frees. */
char *moe_result_label(const MoeResult *result);
/* The prediction's MFU in the convention in which the result was published. */
double moe_result_mfu_as_published(const MoeResult *result);
/* What the published step means as MFU, in its convention and against our peak: the given MFU or, when only a time or a
 * throughput was published, the one that follows from it. 0 = nothing published. */
double moe_result_published_mfu(const MoeResult *result);

#endif
