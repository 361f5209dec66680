/*
 * findings: what each study found, as text. Part of report (floor 12).
 *
 * One function a finding: the sheet says whether it is a page of tables, JSON or CSV. Every text is UTF-8 and the
 * caller's to free. <moesim/report.h> has the findings that users of the library see; a finding is described as
 * docs/architecture.md says.
 */
#ifndef MOESIM_REPORT_FINDINGS_H
#define MOESIM_REPORT_FINDINGS_H

#include "calibrate/calibrate.h"
#include "calibrate/network.h"
#include "certainty/certainty.h"
#include "coll/coll.h"
#include "cost/cost.h"
#include "diff/diff.h"
#include "infer/infer.h"
#include "measured/log.h"
#include "measured/profile.h"
#include "metrics/metrics.h"
#include "plan/plan.h"
#include "replay/replay.h"
#include "spec/schema.h"
#include "study/fabric_load.h"
#include "study/memory_batches.h"
#include "study/memory_layers.h"
#include "study/remedy.h"
#include "validate/published_parts.h"
#include "validate/rates.h"
#include <moesim/report.h>
#include <moesim/sweep.h>

G_BEGIN_DECLS

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

/* What is shown of a run. */
typedef struct {
  const MoeRun *run;
  const char *only;  /* dotted path: this key and what is below it; NULL: everything */
  gboolean defaults; /* also what may be given and is not, and the range of every key */
} MoeShown;

/* A row per value in the order of the files: key, value, where it is written, and what is assumed of it. */
char *moe_report_show(const MoeShown *shown, MoeSheet sheet);
/* What ships: MoeListed. */
char *moe_report_listing(const GPtrArray *listed, MoeSheet sheet);
/* What the store of a sweep holds: how many points of how many, who computed them, what is damaged; "whole" where
 * nothing is. */
char *moe_report_store(const MoeStoreReport *report, MoeSheet sheet);

/* ---- machines ---------------------------------------------------------------------------------------------------- */

/* A priced kernel. */
typedef struct {
  const MoeCostModel *model;
  const MoeKernel *kernel;
  const MoeCost *cost;
  double quoted_flop_per_s; /* of the accelerator: what shares of peak divide by */
} MoePricedKernel;

/* Time and rate, the reasons for it, whose constants price it, and the rows that these rest on. */
char *moe_report_kernel(const MoePricedKernel *priced, MoeSheet sheet);

/* A row per size; microseconds and GB/s, as nccl-tests has them. */
char *moe_report_collective(const MoeCollTiming *timings, guint n, MoeSheet sheet);

/* Tiers, busiest links, and who sends what. */
char *moe_report_fabric(const MoeFabricLoad *load, MoeSheet sheet);

/* A row per fit, then per class of kernels: residuals of the rows that were fitted and of those kept from the fit. NULL
 * and *error when a row cannot be priced. */
char *moe_report_calibration(const MoeCalibration *calibration, MoeSheet sheet, GError **error);
/* The same per fabric and part of the network. */
char *moe_report_network(const MoeNetworkCalibration *calibration, MoeSheet sheet);
/* A row per measurement: what was measured, what is predicted, which half it lies in. */
char *moe_report_network_rows(const MoeNetworkCalibration *calibration, MoeSheet sheet);

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* What each layer keeps. */
char *moe_report_memory_layers(const MoeMemoryLayer *rows, guint n, MoeSheet sheet);
/* Which micro-batches are held, when each stage holds most; a table: of `stage`. */
char *moe_report_memory_batches(const MoeMemoryBatches *rows, guint n, int64_t stage, MoeSheet sheet);
/* Remedies for a run that does not fit, a row each (a table: the first `top`, 0 = all), and how many there are. */
char *moe_report_remedies(const MoeRemedies *remedies, guint top, MoeSheet sheet);
/* The first `top` that fit, a line each: what to change, what that does to MFU, step and memory; "" where there is
 * none. */
char *moe_report_remedies_hints(const MoeRemedies *remedies, guint top);

/* ---- measured ---------------------------------------------------------------------------------------------------- */

char *moe_report_measured(const MoeMeasuredQuestion *question, MoeSheet sheet);
/* A trace replayed on a cluster; `run` is the one that it was exported from, NULL for traces of others. */
char *moe_report_replay(const MoeReplay *replay, const MoeCluster *cluster, const MoeRun *run, MoeSheet sheet);
/* A training's log; `result`: what is predicted of the run that was logged; NULL: no run was named. */
char *moe_report_log(const MoeLog *log, const MoeResult *result, MoeSheet sheet);
/* What the trace of a profiler shows: the whole, time by class, the matrix products and collectives that took longest.
 */
char *moe_report_profile(const MoeProfile *profile, MoeSheet sheet);
/* A prediction beside a profile: both steps; then by cause, layer, class and product, largest difference first, in a
 * table the longer lists cut. */
char *moe_report_diff(const MoeProfileDiff *diff, MoeSheet sheet);
/* What a profile teaches of a run's kernels: both steps, then each class before and after. */
char *moe_report_fragment(const MoeProfileFragment *fragment, MoeSheet sheet);

/* ---- certainty --------------------------------------------------------------------------------------------------- */

/* Unknowns before and after, rows, pairs, the set that meets all best, what no set meets; CSV: a line per unknown and
 * one per row. */
char *moe_report_infer(const MoeInference *inference, MoeSheet sheet);
/* The largest of what each assumption does alone, `n` lines at most: "lm_head tf32 ... fp32: MFU 25.1 % to 17.3 %". ""
 * without any. */
char *moe_report_deciding(const MoeSensitivity *sensitivity, guint n);
/* Lines: wall-clock with all that it may be wrong by, and the shares of that. */
char *moe_report_doubts(const MoeCertainty *certainty, const MoeModelError *error);

/* ---- plans ------------------------------------------------------------------------------------------------------- */

/* What makes `moesim run` give a row: "run FILE --cluster C ...", with the words that a shell would split in quotes.
 * `prefix` are the words that all rows have ("models/x.yaml", "--stack", "s"), NULL-terminated. */
char *moe_report_plan_command(const MoePlanRow *row, const char *const *prefix);
/* A row per cluster and size, who meets deadline and budget, what decides, prices and how to run each row. */
char *moe_report_plan(const MoePlan *plan, const char *const *prefix, MoeSheet sheet);

/* ---- validations ------------------------------------------------------------------------------------------------- */

/* What ran and what ran out of memory against what is predicted to fit, and errors of published peaks by group; without
 * `summary` also every peak and every wrong answer. */
char *moe_report_validation_memory(const MoeValidation *validation, MoeGroupBy by, gboolean summary, MoeSheet sheet);
/* Fitted rates per accelerator, then each family with and without itself in the fit. */
char *moe_report_rates(const MoeRateFit *fit, MoeSheet sheet);
/* Parts of iterations beside published ones, a row per part and one for the step; `cases` of MoePartsCase. */
char *moe_report_parts(const GPtrArray *cases, MoeSheet sheet);
/* Kernels of a pair, a row per class, one for all kernels and one for the pair's duration. */
char *moe_report_pair(const MoePairTrace *trace, const MoeIteration *iteration, MoeSheet sheet);

G_END_DECLS

#endif
