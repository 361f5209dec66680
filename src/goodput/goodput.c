/* Many trainings, and the interval between checkpoints that suits them best. */
#include "spec/goodput.h"
#include "base/base.h"
#include "goodput/model.h"
#include "study/economy.h"
#include "study/study.h"
#include <moesim/goodput.h>

#include <math.h>
#include <stdlib.h>

/* ---- all seeds --------------------------------------------------------------------------------------------------- */

typedef struct {
  const MoeGoodputModel *model;
  uint64_t seed;
  MoeGoodputSample *samples;
  const MoeStop *stop;
} Batch;

static MoeOutcome simulate_one(guint index, gpointer user_data)
{
  Batch *batch = user_data;
  MoeOutcome outcome = {0};

  if (moe_stop_is_due(batch->stop))
    moe_fail(&outcome.error, MOE_ERROR_STOPPED, (MoeMark){0}, "stopped before the trainings ended");
  else if (!moe_goodput_simulate(batch->model, batch->seed + index, &batch->samples[index]))
    moe_fail(
        &outcome.error, MOE_ERROR_INPUT, (MoeMark){0},
        "the training makes no progress: a failure every %.3g h on average, checkpoints every %.3g min, restarts of "
        "%.3g min",
        moe_goodput_job_mtbf(batch->model) / 3600, batch->model->plan.interval_s / 60,
        (batch->model->plan.detect_s + batch->model->plan.restart_s + batch->model->load_s) / 60);
  return outcome;
}

/* Fills `samples`, one per seed. FALSE and the first error when one makes no progress. */
static gboolean simulate_all(Batch *batch, guint n, const MoeGoodputOptions *options, gboolean report, GError **error)
{
  MoeOutcome *outcomes =
      moe_study_map(n, options->jobs, simulate_one, batch, report ? options->progress : NULL, options->progress_data);
  gboolean good = moe_outcomes_check(outcomes, n, error);

  moe_outcomes_free(outcomes, n);
  return good;
}

/* ---- the optimum interval ---------------------------------------------------------------------------------------- */

#define SEARCH_SEEDS  64   /* trainings per interval tried */
#define SEARCH_SPAN   16.0 /* factor below and above Daly's interval that the search covers */
#define SEARCH_POINTS 17   /* intervals tried per round, in geometric progression */
#define SEARCH_ROUNDS 2    /* the second lies between the neighbours of the first one's best */

/* Mean wall-clock with this interval; INFINITY when a training makes no progress. */
static double wall_with(const MoeGoodputModel *model, double interval_s, const MoeGoodputOptions *options)
{
  MoeGoodputModel tried = *model;
  guint n = MIN(MAX(options->seeds, 1), SEARCH_SEEDS);
  g_autofree MoeGoodputSample *samples = g_new0(MoeGoodputSample, n);
  Batch batch = {&tried, options->seed, samples, &options->stop};
  double sum = 0;

  tried.plan.interval_s = interval_s;
  if (!simulate_all(&batch, n, options, FALSE, NULL))
    return INFINITY;
  for (guint i = 0; i < n; i++)
    sum += samples[i].wall_s;
  return sum / n;
}

/* The best of a geometric progression; of equal ones the longest. Returns the ratio of neighbours. */
static double search_round(const MoeGoodputModel *model, const MoeGoodputOptions *options, double low, double high,
                           double *best_s, double *best_wall_s)
{
  double ratio = pow(high / low, 1.0 / (SEARCH_POINTS - 1));
  double interval_s = low;

  for (guint i = 0; i < SEARCH_POINTS; i++, interval_s *= ratio) {
    double wall_s = wall_with(model, interval_s, options);

    if (wall_s <= *best_wall_s) {
      *best_wall_s = wall_s;
      *best_s = interval_s;
    }
  }
  return ratio;
}

/* All intervals meet the same failures, so that differences are those of the policy. Asynchronous checkpoints cannot
 * follow one another faster than they are written. */
static void search_optimum(MoeGoodput *goodput, const MoeGoodputOptions *options)
{
  const MoeGoodputModel *model = goodput->model;
  double floor_s = model->plan.mode == MOE_CHECKPOINT_ASYNC ? model->write_s : 0;
  double centre_s = MAX(MAX(goodput->daly_s, floor_s), model->step_time_s);
  double low = MAX(centre_s / SEARCH_SPAN, model->step_time_s);
  double high = MAX(centre_s * SEARCH_SPAN, 2 * low);

  goodput->optimum_wall_s = INFINITY;
  for (guint round = 0; round < SEARCH_ROUNDS; round++) {
    double ratio = search_round(model, options, low, high, &goodput->optimum_s, &goodput->optimum_wall_s);

    low = MAX(goodput->optimum_s / ratio, model->step_time_s);
    high = goodput->optimum_s * ratio;
  }
}

/* Without failures a checkpoint only costs: one at the end is enough. */
static void choose_interval(MoeGoodput *goodput, const MoeGoodputOptions *options)
{
  MoeGoodputModel *model = goodput->model;
  gboolean given = model->plan.interval_s > 0;

  if (isfinite(goodput->job_mtbf_s) && !(given && options->no_search))
    search_optimum(goodput, options);
  if (!given)
    model->plan.interval_s = goodput->optimum_s > 0 ? goodput->optimum_s : model->step_time_s * (double)model->steps;
  goodput->interval_s = model->plan.interval_s;
}

/* ---- summary ----------------------------------------------------------------------------------------------------- */

static void fill_quantiles(MoeGoodput *goodput)
{
  guint n = goodput->n_samples;
  g_autofree double *values = g_new(double, n);

  for (guint i = 0; i < n; i++)
    values[i] = goodput->samples[i].wall_s;
  goodput->wall_s = moe_quantiles(values, n);
  for (guint i = 0; i < n; i++)
    values[i] = goodput->samples[i].ideal_s / goodput->samples[i].wall_s;
  goodput->goodput = moe_quantiles(values, n);
  for (guint kind = 0; kind < MOE_N_OVERHEADS; kind++) {
    for (guint i = 0; i < n; i++)
      values[i] = goodput->samples[i].overhead_s[kind];
    goodput->overhead_s[kind] = moe_quantiles(values, n);
  }
}

static void add_to_mean(MoeGoodput *goodput, const MoeGoodputSample *sample)
{
  MoeGoodputSample *mean = &goodput->mean;
  double n = goodput->n_samples;

  mean->wall_s += sample->wall_s / n;
  mean->ideal_s += sample->ideal_s / n;
  mean->stepping_s += sample->stepping_s / n;
  for (guint kind = 0; kind < MOE_N_OVERHEADS; kind++)
    mean->overhead_s[kind] += sample->overhead_s[kind] / n;
  goodput->interruptions += (double)sample->interruptions / n;
  goodput->checkpoints += (double)sample->checkpoints / n;
  mean->planned += sample->planned;
  mean->events += sample->events;
  for (guint part = 0; part < MOE_N_PARTS; part++)
    mean->failures[part] += sample->failures[part];
}

static void fill_mean(MoeGoodput *goodput)
{
  MoeGoodputSample *mean = &goodput->mean;
  double n = goodput->n_samples;

  for (guint i = 0; i < goodput->n_samples; i++)
    add_to_mean(goodput, &goodput->samples[i]);
  mean->interruptions = (guint64)round(goodput->interruptions);
  mean->checkpoints = (guint64)round(goodput->checkpoints);
  mean->planned = (guint64)round((double)mean->planned / n);
  mean->events = (guint64)round((double)mean->events / n);
  for (guint part = 0; part < MOE_N_PARTS; part++)
    mean->failures[part] = (guint64)round((double)mean->failures[part] / n);
  goodput->ideal_s = mean->ideal_s;
  goodput->mean_goodput = mean->ideal_s / mean->wall_s;
}

static void fill_theory(MoeGoodput *goodput)
{
  const MoeGoodputModel *model = goodput->model;

  goodput->blocking_s = model->copy_s + (model->plan.mode == MOE_CHECKPOINT_SYNC ? model->write_s : 0);
  goodput->job_mtbf_s = moe_goodput_job_mtbf(model);
  goodput->young_s = moe_young_interval(goodput->blocking_s, goodput->job_mtbf_s);
  goodput->daly_s =
      isfinite(goodput->job_mtbf_s) ? moe_daly_interval(goodput->blocking_s, goodput->job_mtbf_s) : INFINITY;
}

MoeGoodput *moe_goodput(const MoeGoodputModel *model, const MoeResult *result, const MoeGoodputOptions *options,
                        GError **error)
{
  g_autoptr(MoeGoodput) goodput = g_new0(MoeGoodput, 1);

  goodput->model = g_memdup2(model, sizeof *model);
  goodput->n_samples = MAX(options->seeds, 1);
  goodput->samples = g_new0(MoeGoodputSample, goodput->n_samples);
  fill_theory(goodput);
  choose_interval(goodput, options);
  Batch batch = {goodput->model, options->seed, goodput->samples, &options->stop};

  if (!simulate_all(&batch, goodput->n_samples, options, TRUE, error))
    return NULL;
  fill_mean(goodput);
  fill_quantiles(goodput);
  goodput->economy = moe_economy_training(result, options->price_gpu_hour, model->plan.tokens, goodput->mean.wall_s,
                                          goodput->mean.stepping_s);
  return g_steal_pointer(&goodput);
}

MoeGoodput *moe_goodput_of_run(const MoeRun *run, const MoeResult *result, const MoeGoodputOptions *options,
                               GError **error)
{
  MoeGoodputModel model;

  return moe_goodput_model(run, &run->goodput, result, &model, error) ? moe_goodput(&model, result, options, error)
                                                                      : NULL;
}

void moe_goodput_free(MoeGoodput *goodput)
{
  if (!goodput)
    return;
  g_free(goodput->model);
  g_free(goodput->samples);
  g_free(goodput);
}
