/*
 * model: what a simulated training consists of. Part of goodput (floor 9).
 *
 * Time. This study has a clock of its own: MoeTick, whole microseconds since the training began (range 292,000 years).
 * It runs on the same calendar as a step (engine.h); a tick is never a MoeTime, and nothing here holds picoseconds.
 */
#ifndef MOESIM_GOODPUT_MODEL_H
#define MOESIM_GOODPUT_MODEL_H

#include "spec/spec.h"
#include "study/economy.h"
#include <moesim/goodput.h>

G_BEGIN_DECLS

/* Whole microseconds since the training began. Not a MoeTime. */
typedef int64_t MoeTick;

#define MOE_TICKS_PER_S 1e6
#define MOE_TICK_NEVER  INT64_MAX

/* What one simulated training consists of, everything resolved. */
typedef struct MoeGoodputModel {
  MoeGoodputPlan plan;
  int64_t steps;
  double step_time_s;         /* healthy */
  int64_t parts[MOE_N_PARTS]; /* how many there are of each */
  double mtbf_s[MOE_N_PARTS]; /* of one; 0 = never fails */
  double checkpoint_bytes;
  double copy_s;  /* device to host memory: blocks in either mode */
  double write_s; /* to storage: blocks in mode sync */
  double load_s;  /* from storage, part of a restart */
} MoeGoodputModel;

/* Bytes of a checkpoint of `run`: parameters (prediction modules too) x (master + moments + weights). With LoRA: one
 * copy of the weights. */
double moe_goodput_checkpoint_bytes(const MoeRun *run);
/* Resolves what `run`, its plan and its predicted step say. FALSE and *error when the number of tokens is not said. */
gboolean moe_goodput_model(const MoeRun *run, const MoeGoodputPlan *plan, const MoeResult *result,
                           MoeGoodputModel *model, GError **error);
/* One training; model->plan.interval_s must be > 0. FALSE: it makes no progress - MOE_GOODPUT_FRUITLESS interruptions
 * without a checkpoint between them, or a wall-clock beyond MOE_GOODPUT_GIVE_UP times the ideal. */
gboolean moe_goodput_simulate(const MoeGoodputModel *model, uint64_t seed, MoeGoodputSample *sample);
/* All seeds; the same numbers with any number of threads. NULL and *error when a training makes no progress. */
MoeGoodput *moe_goodput(const MoeGoodputModel *model, const MoeResult *result, const MoeGoodputOptions *options,
                        GError **error);

/* Mean time between failures of the whole job, seconds; INFINITY when nothing fails. */
double moe_goodput_job_mtbf(const MoeGoodputModel *model);

G_END_DECLS

#endif
