/* What happens to a training from outside: failures of parts, slow periods. */
#include "goodput/model.h"
#include "internal.h"
#include "spec/goodput.h"

#include <math.h>

#define MAX_TICK_S 9e12 /* seconds; below INT64_MAX ticks */

MoeTick training_ticks(double seconds)
{
  return seconds < MAX_TICK_S ? (MoeTick)ceil(MAX(seconds, 0) * MOE_TICKS_PER_S) : MOE_TICK_NEVER;
}

MoeTick training_after(const Training *training, MoeTick duration)
{
  MoeTick now = moe_engine_now(training->engine);

  return duration < MOE_TICK_NEVER - now ? now + duration : MOE_TICK_NEVER;
}

/* ---- failures ---------------------------------------------------------------------------------------------------- */

/* Scale of a Weibull distribution of given mean. */
static double weibull_scale(const Population *population)
{
  return population->mean_s / tgamma(1 + 1 / population->shape);
}

/* Life of a new part: inverse of the distribution function. */
static double draw_life(const Training *training, const Population *population, guint id)
{
  double u = 1 - moe_random_unit(training->seed, population->stream, id, population->drawn[id]);

  return weibull_scale(population) * pow(-log(u), 1 / population->shape);
}

/* What is left of the life of a part that has been in service for long (equilibrium renewal process, Cox 1962, "Renewal
 * Theory", chapter 5): a uniform share of a life found with probability in proportion to its length. (life /
 * scale)^shape of such a life is gamma distributed with shape 1 + 1 / shape. */
static double draw_rest(const Training *training, const Population *population, guint id)
{
  double u = 1 - moe_random_unit(training->seed, population->stream, id, 0);
  double g = moe_random_gamma(1 + 1 / population->shape, training->seed, population->first_stream, id, 0);

  return u * weibull_scale(population) * pow(g, 1 / population->shape);
}

void training_post_failure(Training *training, MoePart part, guint id)
{
  Population *population = &training->populations[part];
  gboolean memoryless = population->shape == 1;
  gboolean first = population->drawn[id] == 0;
  double seconds = first && !memoryless ? draw_rest(training, population, id) : draw_life(training, population, id);

  population->drawn[id]++;
  moe_engine_set(training->engine, EVENT_FAILURE + part, id, training_after(training, training_ticks(seconds)));
}

static void init_population(Training *training, MoePart part)
{
  static const char *const streams[MOE_N_PARTS][2] = {{"goodput.gpu", "goodput.gpu.first"},
                                                      {"goodput.host", "goodput.host.first"},
                                                      {"goodput.link", "goodput.link.first"}};
  const MoeGoodputModel *model = training->model;
  Population *population = &training->populations[part];
  guint n = model->mtbf_s[part] > 0 ? (guint)model->parts[part] : 0;
  gboolean pooled = n > 0 && model->plan.weibull_shape == 1;

  *population = (Population){.n = pooled ? 1 : n,
                             .mean_s = model->mtbf_s[part] / (pooled ? n : 1),
                             .shape = model->plan.weibull_shape,
                             .stream = moe_random_stream(streams[part][0]),
                             .first_stream = moe_random_stream(streams[part][1]),
                             .drawn = g_new0(guint32, (pooled ? 1 : n) + 1)};
  moe_engine_grow_class(training->engine, EVENT_FAILURE + part, population->n + 1);
  for (guint id = 0; id < population->n; id++)
    training_post_failure(training, part, id);
}

/* ---- slow periods ------------------------------------------------------------------------------------------------ */

static double exponential(const Training *training, const SlowProcess *slow, guint entity, double mean_s)
{
  return -mean_s * log(1 - moe_random_unit(training->seed, slow->stream, entity, slow->started));
}

void training_post_slow(Training *training, SlowKind kind)
{
  const SlowProcess *slow = &training->slow[kind];
  MoeTick wait = slow->mean_s > 0 ? training_ticks(exponential(training, slow, 0, slow->mean_s)) : MOE_TICK_NEVER;

  moe_engine_set(training->engine, EVENT_SLOW_START, kind, training_after(training, wait));
}

MoeTick training_slow_length(const Training *training, SlowKind kind)
{
  const SlowProcess *slow = &training->slow[kind];

  return training_ticks(exponential(training, slow, 1, slow->lasts_s));
}

static void init_slow(Training *training, SlowKind kind, const MoeSlowPeriods *periods, const char *stream)
{
  double gpus = (double)training->model->parts[MOE_PART_GPU];

  training->slow[kind] = (SlowProcess){.mean_s = periods->mtbf_s / gpus,
                                       .lasts_s = periods->lasts_s,
                                       .slowdown = periods->slowdown,
                                       .stream = moe_random_stream(stream)};
  training_post_slow(training, kind);
}

/* The job is synchronous: the slowest part decides, further slow parts cost nothing more. */
double training_speed(const Training *training)
{
  double slowdown = 1;

  for (guint kind = 0; kind < N_SLOW; kind++)
    if (training->slow[kind].active > 0)
      slowdown = MAX(slowdown, training->slow[kind].slowdown);
  return 1 / slowdown;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

void training_init_processes(Training *training)
{
  const MoeGoodputPlan *plan = &training->model->plan;

  for (guint part = 0; part < MOE_N_PARTS; part++)
    init_population(training, (MoePart)part);
  init_slow(training, SLOW_DEGRADED, &plan->degraded, "goodput.degraded");
  init_slow(training, SLOW_STRAGGLER, &plan->stragglers, "goodput.stragglers");
}

void training_clear_processes(Training *training)
{
  for (guint part = 0; part < MOE_N_PARTS; part++)
    g_free(training->populations[part].drawn);
}
