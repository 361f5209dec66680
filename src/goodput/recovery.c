/* From a failure, or a planned stop, back to stepping. */
#include "goodput/model.h"
#include "internal.h"

#include <math.h>

/* Without a limit on spares nobody counts hosts. */
static gboolean spares_counted(const Training *training)
{
  return training->model->plan.spares >= 0;
}

/* A host leaves the job for repair; the job needs another. */
static void lose_host(Training *training)
{
  if (!spares_counted(training))
    return;
  training->needed++;
  moe_engine_post(training->engine, EVENT_REPAIRED, training->repairs++,
                  training_after(training, training_ticks(training->model->plan.repair_s)));
}

void training_restart(Training *training)
{
  const MoeGoodputModel *model = training->model;

  training->needed = 0;
  training_enter(training, PHASE_RESTART, training_ticks(model->plan.restart_s + model->load_s));
}

void training_acquire_hosts(Training *training)
{
  if (training->spares >= training->needed) {
    training->spares -= training->needed;
    training_restart(training);
  } else {
    training_enter(training, PHASE_WAIT, training_ticks(training->model->plan.reschedule_s));
  }
}

void training_host_repaired(Training *training)
{
  training->spares++;
  if (training->phase != PHASE_WAIT || training->spares < training->needed)
    return;
  training_advance(training);
  training_acquire_hosts(training);
}

/* Back to `work`; what is being written is abandoned. */
static void fall_back(Training *training, double work)
{
  training->lost += training->work - work;
  training->work = work;
  training->writing = FALSE;
  moe_engine_set(training->engine, EVENT_WRITTEN, 0, MOE_TICK_NEVER);
}

void training_fail(Training *training, MoePart part, guint id)
{
  training->sample->failures[part]++;
  training_post_failure(training, part, id);
  training_advance(training);
  lose_host(training);
  if (training->phase == PHASE_DETECT || training->phase == PHASE_WAIT)
    return; /* the job is down already: this host is replaced along with the first */
  training->sample->interruptions++;
  training->fruitless++;
  fall_back(training, training->saved);
  training_enter(training, PHASE_DETECT, training_ticks(training->model->plan.detect_s));
}

void training_replace_straggler(Training *training)
{
  const MoeGoodputModel *model = training->model;

  training_advance(training);
  lose_host(training);
  if (training->phase != PHASE_STEPPING && training->phase != PHASE_CHECKPOINT)
    return; /* the restart that is under way leaves the host out */
  training->sample->planned++;
  fall_back(training, floor(training->work / training->step) * training->step); /* the step under way is given up */
  training_enter(training, PHASE_DRAIN, training_ticks(model->copy_s + model->write_s));
}
