/*
 * study: many runs, one question. What users of the library see of it is moesim/predict.h.
 *
 * Floor 8. Uses everything below. Never prints.
 */
#ifndef MOESIM_STUDY_H
#define MOESIM_STUDY_H

#include "metrics/metrics.h"
#include <moesim/predict.h>

G_BEGIN_DECLS

/* Whether a prediction's error is for the caller to know (stopped, nothing to read from, our own fault), not an answer
 * about its run. */
gboolean moe_study_is_trouble(const GError *error);
/* The run with these NULL-terminated "key=value" settings. NULL and *error when it cannot be. */
MoeRun *moe_study_with(const MoeRun *run, char *const *sets, GError **error);

/* One prediction of a batch: a result or an error. */
typedef struct {
  MoeResult *result;
  GError *error;
} MoeOutcome;

typedef MoeOutcome (*MoeStudyFunc)(guint index, gpointer user_data);
/* Runs func for 0..n-1 on `jobs` threads (0 = as many as the machine has, at most MOE_STUDY_MAX_JOBS, fewer where no
 * more can be made); outcomes stand in index order, whatever the number of threads. `progress` (may be NULL) is called
 * from worker threads, one at a time. Free with moe_outcomes_free. */
MoeOutcome *moe_study_map(guint n, guint jobs, MoeStudyFunc func, gpointer user_data, MoeProgressFunc progress,
                          gpointer progress_data);
/* FALSE and the first error, moved out of its outcome, when there is one. */
gboolean moe_outcomes_check(MoeOutcome *outcomes, guint n, GError **error);
void moe_outcomes_free(MoeOutcome *outcomes, guint n);

G_END_DECLS

#endif
