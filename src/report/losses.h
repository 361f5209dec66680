/* Losses of a prediction, largest first. Private to report. */
#ifndef MOESIM_REPORT_LOSSES_H
#define MOESIM_REPORT_LOSSES_H

#include <moesim/report.h>

typedef struct {
  guint cause; /* MoeCause, never MATH */
  double seconds;
} MoeLoss;

/* Fills `losses` with every cause but MOE_CAUSE_MATH, largest first, equal ones in the order of MoeCause. Returns how
 * many take time; the rest of the array holds those that do not. */
guint moe_losses(const double cause_s[MOE_N_CAUSES], MoeLoss losses[MOE_N_CAUSES]);
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
