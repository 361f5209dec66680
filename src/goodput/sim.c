/* One training: the job's own events, and the account of its time. */
#include "goodput/model.h"
#include "internal.h"
#include "spec/goodput.h"

#include <math.h>
#include <string.h>

/* ---- account ----------------------------------------------------------------------------------------------------- */

/* Books the time since the last call; `done` is the work in it. */
static void book(Training *training, MoeTick now, double done)
{
  MoeTick elapsed = now - training->now;

  training->phase_ticks[training->phase] += elapsed;
  if (training->phase == PHASE_STEPPING) {
    training->work += done;
    training->slow_ticks += (double)elapsed - done;
  }
  training->now = now;
}

void training_advance(Training *training)
{
  MoeTick now = moe_engine_now(training->engine);

  book(training, now, (double)(now - training->now) * training_speed(training));
}

/* ---- phases ------------------------------------------------------------------------------------------------------ */

static double next_target(const Training *training)
{
  return MIN(training->next_snapshot, training->total);
}

void training_schedule_progress(Training *training)
{
  double left = MAX(next_target(training) - training->work, 0);
  MoeTick duration = (MoeTick)ceil(left / training_speed(training));

  moe_engine_set(training->engine, EVENT_PROGRESS, 0, training_after(training, duration));
}

void training_enter(Training *training, Phase phase, MoeTick duration)
{
  training->phase = phase;
  moe_engine_set(training->engine, EVENT_PROGRESS, 0, MOE_TICK_NEVER);
  moe_engine_set(training->engine, EVENT_PHASE, 0, training_after(training, duration));
}

void training_step_on(Training *training)
{
  training->phase = PHASE_STEPPING;
  training_schedule_progress(training);
}

/* A checkpoint waits for the end of a step: the first boundary that is not before the work done. */
static double step_boundary(const Training *training)
{
  return ceil(training->work / training->step) * training->step;
}

static void begin_checkpoint(Training *training)
{
  const MoeGoodputModel *model = training->model;
  gboolean sync = model->plan.mode == MOE_CHECKPOINT_SYNC;

  training_enter(training, PHASE_CHECKPOINT, training_ticks(model->copy_s + (sync ? model->write_s : 0)));
}

/* The work has reached a checkpoint or the end. */
static void on_progress(Training *training)
{
  double target = next_target(training);

  book(training, moe_engine_now(training->engine), target - training->work);
  training->work = target;
  if (training->work >= training->total) {
    training->done = TRUE;
  } else if (training->writing) {
    training->next_snapshot = INFINITY;
    training_schedule_progress(training);
  } else {
    begin_checkpoint(training);
  }
}

static void complete_checkpoint(Training *training, double work)
{
  training->saved = work;
  training->fruitless = 0;
  training->sample->checkpoints++;
}

static void end_checkpoint(Training *training)
{
  if (training->model->plan.mode == MOE_CHECKPOINT_SYNC) {
    complete_checkpoint(training, training->work);
  } else {
    training->snapshot = training->work;
    training->writing = TRUE;
    moe_engine_set(training->engine, EVENT_WRITTEN, 0,
                   training_after(training, training_ticks(training->model->write_s)));
  }
  training->next_snapshot = training->work + training->interval;
  training_step_on(training);
}

static void on_written(Training *training)
{
  training->writing = FALSE;
  complete_checkpoint(training, training->snapshot);
  if (training->phase != PHASE_STEPPING || isfinite(training->next_snapshot))
    return;
  training_advance(training);
  training->next_snapshot = step_boundary(training);
  training_schedule_progress(training);
}

static void on_phase_end(Training *training)
{
  training_advance(training);
  switch (training->phase) {
  case PHASE_CHECKPOINT:
    end_checkpoint(training);
    break;
  case PHASE_DRAIN:
    complete_checkpoint(training, training->work);
    training_acquire_hosts(training);
    break;
  case PHASE_DETECT:
    training_acquire_hosts(training);
    break;
  case PHASE_WAIT:
    training_restart(training);
    break;
  case PHASE_RESTART:
    training->next_snapshot = training->work + training->interval;
    training_step_on(training);
    break;
  default:
    g_assert_not_reached();
  }
}

/* ---- slow periods ------------------------------------------------------------------------------------------------ */

static void change_speed(Training *training, SlowKind kind, int change)
{
  training_advance(training);
  training->slow[kind].active = (guint)((int)training->slow[kind].active + change);
  if (training->phase == PHASE_STEPPING)
    training_schedule_progress(training);
}

static void on_slow_start(Training *training, SlowKind kind)
{
  guint id = N_SLOW * training->slow[kind].started + kind;

  moe_engine_post(training->engine, EVENT_SLOW_END, id, training_after(training, training_slow_length(training, kind)));
  change_speed(training, kind, 1);
  training->slow[kind].started++;
  training_post_slow(training, kind);
}

static void on_slow_end(Training *training, SlowKind kind)
{
  change_speed(training, kind, -1);
  if (kind == SLOW_STRAGGLER)
    training_replace_straggler(training);
}

/* ---- run --------------------------------------------------------------------------------------------------------- */

static gboolean dispatch(MoeEngine *engine, const MoeEvent *event, gpointer user_data)
{
  Training *training = user_data;

  (void)engine;
  switch (event->klass) {
  case EVENT_PROGRESS:
    on_progress(training);
    break;
  case EVENT_PHASE:
    on_phase_end(training);
    break;
  case EVENT_WRITTEN:
    on_written(training);
    break;
  case EVENT_SLOW_END:
    on_slow_end(training, (SlowKind)(event->id % N_SLOW));
    break;
  case EVENT_REPAIRED:
    training_host_repaired(training);
    break;
  case EVENT_SLOW_START:
    on_slow_start(training, (SlowKind)event->id);
    break;
  default:
    training_fail(training, (MoePart)(event->klass - EVENT_FAILURE), event->id);
  }
  return !training->done && training->fruitless < MOE_GOODPUT_FRUITLESS;
}

static void add_classes(MoeEngine *engine)
{
  for (guint i = 0; i < N_EVENTS; i++)
    moe_engine_add_class(engine, i != EVENT_SLOW_END && i != EVENT_REPAIRED, N_SLOW);
}

static void init(Training *training, const MoeGoodputModel *model, uint64_t seed, MoeGoodputSample *sample)
{
  double step = ceil(model->step_time_s * MOE_TICKS_PER_S);

  *training = (Training){.model = model,
                         .seed = seed,
                         .engine = moe_engine_new(MOE_CALENDAR_HEAP),
                         .step = step,
                         .total = step * (double)model->steps,
                         .interval = MAX(ceil(model->plan.interval_s * MOE_TICKS_PER_S / step), 1) * step,
                         .spares = MAX(model->plan.spares, 0),
                         .sample = sample};
  training->next_snapshot = training->interval;
  add_classes(training->engine);
  training_init_processes(training);
  training_step_on(training);
}

static double phase_s(const Training *training, Phase phase)
{
  return (double)training->phase_ticks[phase] / MOE_TICKS_PER_S;
}

static void fill_sample(const Training *training, MoeGoodputSample *sample)
{
  double *overhead = sample->overhead_s;

  sample->wall_s = (double)training->now / MOE_TICKS_PER_S;
  sample->ideal_s = training->total / MOE_TICKS_PER_S;
  sample->stepping_s = phase_s(training, PHASE_STEPPING);
  overhead[MOE_OVERHEAD_RECOMPUTATION] = training->lost / MOE_TICKS_PER_S;
  overhead[MOE_OVERHEAD_SLOW] = training->slow_ticks / MOE_TICKS_PER_S;
  overhead[MOE_OVERHEAD_CHECKPOINT] = phase_s(training, PHASE_CHECKPOINT) + phase_s(training, PHASE_DRAIN);
  overhead[MOE_OVERHEAD_DETECTION] = phase_s(training, PHASE_DETECT);
  overhead[MOE_OVERHEAD_WAITING] = phase_s(training, PHASE_WAIT);
  overhead[MOE_OVERHEAD_RESTART] = phase_s(training, PHASE_RESTART);
  sample->events = moe_engine_events(training->engine);
}

gboolean moe_goodput_simulate(const MoeGoodputModel *model, uint64_t seed, MoeGoodputSample *sample)
{
  Training training;

  g_assert(model->plan.interval_s > 0 && model->steps > 0);
  memset(sample, 0, sizeof *sample);
  init(&training, model, seed, sample);
  double give_up = MIN(training.total * MOE_GOODPUT_GIVE_UP, 0x1p62);
  moe_engine_run(training.engine, (MoeTick)give_up, dispatch, &training);
  fill_sample(&training, sample);
  training_clear_processes(&training);
  moe_engine_free(training.engine);
  return training.done;
}
