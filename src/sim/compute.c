/*
 * The compute stream. A segment of kernels runs undisturbed from its start as one max-plus line; when the machine state
 * changes under it (a communication kernel starts or ends), when kernel times jitter or a timeline is wanted, it is
 * walked kernel by kernel, which gives the same times.
 */
#include "internal.h"

static const BlockPlan *plan_of(const Sim *sim, const Unit *unit)
{
  return &sim->block[sim_call(unit, unit->stream[MOE_STREAM_COMPUTE].call)->block];
}

static unsigned mode_of(const Unit *unit)
{
  return (unit->communicating[0] ? MODE_EXPERT : 0u) | (unit->communicating[1] ? MODE_COLLECTIVE : 0u);
}

static gboolean varies(const Sim *sim, const Unit *unit)
{
  return sim->jitter > 0 || unit->slow != 1;
}

/* Sum of four uniform 16-bit numbers, scaled to mean 0 and variance 1 (Irwin-Hall): near normal, bounded, one hash.
 * `bits` holds the four; they are added pairwise in two halves of the word. */
static inline double normal_of(uint64_t bits)
{
  const uint64_t even = UINT64_C(0x0000ffff0000ffff);
  uint64_t pairs = (bits & even) + (bits >> 16 & even);
  const double scale = 1.7320508075688772 / 65536; /* sqrt(3): the variance of the sum of four is 1/3 */

  return ((double)(uint32_t)((pairs & G_MAXUINT32) + (pairs >> 32)) - 131070) * scale;
}

/* Chance and slowness of the GPU in the time of operation `op` of the current call, the i-th of the running segment.
 * What is asked for again after a change of machine state is not drawn again. */
static inline double factor_of(Unit *unit, double jitter, uint64_t call, uint32_t op, uint32_t i)
{
  if (i < unit->n_factors)
    return unit->factor[i];
  double factor = unit->slow;
  if (jitter > 0) {
    uint64_t bits = moe_random_mix(unit->jitter_key + ((call << 32 | op) + 1) * MOE_RANDOM_STEP); /* moe_random_u64 */
    factor *= MAX(1 + jitter * normal_of(bits), 0.1); /* never faster than ten times: keeps times positive */
  }
  if (i == unit->n_factors && i < SIM_FACTORS)
    unit->factor[unit->n_factors++] = factor;
  return factor;
}

static const MoeTime *durations_of(const Sim *sim, const Unit *unit)
{
  return &sim->duration[((gsize)unit->load * N_MODES + unit->mode) * sim->n_works];
}

static Line sum_up(const BlockPlan *plan, const Segment *segment, const MoeTime *duration)
{
  Line line = {0, G_MININT64 / 2};

  for (guint i = segment->n; i-- > 0;) {
    const ComputeOp *op = &plan->compute[segment->first + i];

    line.busy += duration[op->work];
    line.late = MAX(line.late, op->issue + line.busy);
  }
  return line;
}

static const Line *line_of(const Sim *sim, const Unit *unit, const BlockPlan *plan)
{
  const Segment *segment = &plan->segments[unit->segment];
  uint32_t state = segment->varies ? unit->mode * sim->n_loads + unit->load : unit->mode;
  Line *line = &plan->lines[segment->lines + state];

  if (line->busy == 0)
    *line = sum_up(plan, segment, durations_of(sim, unit));
  return line;
}

static MoeTime duration_of(const Sim *sim, Unit *unit, const ComputeOp *op, uint32_t i)
{
  MoeTime nominal = durations_of(sim, unit)[op->work];

  if (!varies(sim, unit))
    return nominal;
  return (MoeTime)((double)nominal * factor_of(unit, sim->jitter, unit->stream[MOE_STREAM_COMPUTE].call, op->op, i));
}

static void finish_op(Sim *sim, Unit *unit, Progress *progress, const ComputeOp *op, gboolean emit)
{
  if (emit)
    sim_slice(sim, unit, MOE_STREAM_COMPUTE, op->op, MOE_CAUSE_MATH, progress->op_start, progress->time);
  progress->op++;
  progress->left = 1;
}

/* Runs the segment from `progress` until `stop` or its end under the unit's machine state; returns the time then and
 * adds to *busy. */
static MoeTime walk(Sim *sim, Unit *unit, Progress *progress, MoeTime stop, MoeTime *busy, gboolean emit)
{
  const BlockPlan *plan = plan_of(sim, unit);
  const Segment *segment = &plan->segments[unit->segment];

  while (progress->op < segment->n && progress->time < stop) {
    const ComputeOp *op = &plan->compute[segment->first + progress->op];
    MoeTime full = duration_of(sim, unit, op, progress->op), rest = full;

    if (progress->left < 1) {
      rest = (MoeTime)((double)full * progress->left);
    } else {
      progress->time = MAX(progress->time, unit->segment_offset + op->issue);
      progress->op_start = progress->time;
    }
    if (progress->time >= stop)
      break;
    if (rest > stop - progress->time) { /* written so that stop = MOE_TIME_MAX does not overflow */
      *busy += stop - progress->time;
      progress->left -= full > 0 ? (double)(stop - progress->time) / (double)full : 0;
      progress->time = stop;
      break;
    }
    *busy += rest;
    progress->time += rest;
    finish_op(sim, unit, progress, op, emit);
  }
  return progress->time;
}

/* The rest of the segment when nothing comes between: time at its end; *busy is what it computes until then. The first
 * operation may be under way. */
static MoeTime walk_out(const Sim *sim, Unit *unit, const BlockPlan *plan, MoeTime *busy)
{
  const Segment *segment = &plan->segments[unit->segment];
  const ComputeOp *ops = &plan->compute[segment->first];
  const MoeTime *nominal = durations_of(sim, unit);
  const double jitter = sim->jitter;
  const gboolean vary = varies(sim, unit);
  uint64_t call = unit->stream[MOE_STREAM_COMPUTE].call;
  MoeTime time = unit->progress.time, sum = 0;
  uint32_t i = unit->progress.op;

  if (i < segment->n && unit->progress.left < 1) {
    sum = (MoeTime)((double)duration_of(sim, unit, &ops[i], i) * unit->progress.left);
    time += sum;
    i++;
  }
  for (; i < segment->n; i++) {
    MoeTime full = nominal[ops[i].work];

    if (vary)
      full = (MoeTime)((double)full * factor_of(unit, jitter, call, ops[i].op, i));
    time = MAX(time, unit->segment_offset + ops[i].issue) + full;
    sum += full;
  }
  *busy = sum;
  return time;
}

static MoeTime predict_end(Sim *sim, Unit *unit)
{
  const BlockPlan *plan = plan_of(sim, unit);

  if (unit->whole && !varies(sim, unit)) {
    const Line *line = line_of(sim, unit, plan);

    unit->busy_left = line->busy;
    return MAX(unit->segment_start + line->busy, unit->segment_offset + line->late);
  }
  return walk_out(sim, unit, plan, &unit->busy_left);
}

static void schedule_end(Sim *sim, Unit *unit)
{
  uint32_t index = (uint32_t)(unit - sim->unit);

  if (sim->modes_matter)
    moe_engine_set(sim->engine, sim->class_segment, index, predict_end(sim, unit));
  else
    moe_engine_post(sim->engine, sim->class_segment, index, predict_end(sim, unit));
}

void sim_segment_start(Sim *sim, Unit *unit)
{
  Stream *s = &unit->stream[MOE_STREAM_COMPUTE];
  const BlockPlan *plan = plan_of(sim, unit);
  MoeTime now = sim->now;

  sim_idle_close(sim, unit, now);
  s->state = STREAM_RUNS;
  unit->mode = (uint8_t)mode_of(unit);
  unit->whole = TRUE;
  unit->n_factors = 0;
  unit->segment_start = now;
  unit->segment_busy = 0;
  unit->segment_offset = sim_host_offset(sim, unit, s->call, plan->compute[plan->segments[unit->segment].first].op);
  unit->progress = (Progress){.time = now, .left = 1, .op_start = now};
  schedule_end(sim, unit);
}

void sim_mode_changed(Sim *sim, Unit *unit)
{
  unsigned mode = mode_of(unit);

  if (!sim->modes_matter || unit->stream[MOE_STREAM_COMPUTE].state != STREAM_RUNS || mode == unit->mode)
    return;
  walk(sim, unit, &unit->progress, sim->now, &unit->segment_busy, sim_traced(sim, unit));
  unit->whole = FALSE;
  unit->mode = (uint8_t)mode;
  schedule_end(sim, unit);
}

void sim_segment_end(Sim *sim, Unit *unit)
{
  const BlockPlan *plan = plan_of(sim, unit);
  MoeTime now = sim->now;
  guint n = plan->segments[unit->segment].n;

  if (sim_traced(sim, unit))
    walk(sim, unit, &unit->progress, MOE_TIME_MAX, &unit->segment_busy, TRUE);
  else
    unit->segment_busy += unit->busy_left;
  unit->busy += unit->segment_busy;
  unit->idle[MOE_CAUSE_HOST] += now - unit->segment_start - unit->segment_busy;
  unit->idle_since = now;
  unit->segment++;
  sim_stream_done(sim, unit, MOE_STREAM_COMPUTE, n);
}
