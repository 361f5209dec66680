/* A simulated training as a page. */
#include "report/goodput.h"

#include "losses.h"

#include <math.h>

static char *duration(double seconds)
{
  return isfinite(seconds) ? moe_quantity_format(seconds, MOE_DIM_SECONDS) : g_strdup("never");
}

/* Hours, the unit in which trainings are accounted. */
static char *hours(double seconds)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  return g_strconcat(g_ascii_formatd(digits, sizeof digits, "%.1f", seconds / MOE_SECONDS_PER_HOUR), " h", NULL);
}

/* Times between failures are thousands of hours. */
static char *whole_hours(double seconds)
{
  return g_strdup_printf("%.0f h", seconds / MOE_SECONDS_PER_HOUR);
}

static void add_hours(MoeTable *table, double seconds)
{
  moe_table_take(table, isnan(seconds) ? g_strdup("-") : g_strdup_printf("%.1f", seconds / MOE_SECONDS_PER_HOUR));
}

static void add_pair(MoeTable *table, const char *name, char *value)
{
  moe_table_add(table, name);
  moe_table_take(table, value);
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

static void add_level(MoeTable *table, const char *name, double wall_s, double goodput)
{
  moe_table_add(table, name);
  add_hours(table, wall_s > 0 ? wall_s : NAN);
  moe_table_number(table, wall_s > 0 ? wall_s / (24 * MOE_SECONDS_PER_HOUR) : NAN);
  moe_table_percent(table, goodput > 0 ? goodput : NAN);
}

static char *answer_table(const MoeGoodput *goodput, MoeSheet sheet)
{
  static const char *const header[] = {"training", "wall-clock, h", "wall-clock, d", "goodput", NULL};
  const MoePublishedGoodput *published = &goodput->model.plan.published;
  g_autoptr(MoeTable) table = moe_table_new("lrrr");

  moe_table_header(table, header);
  add_level(table, "mean", goodput->mean.wall_s, goodput->mean_goodput);
  add_level(table, "P10", goodput->wall_s.p10, goodput->goodput.p10);
  add_level(table, "P50", goodput->wall_s.p50, goodput->goodput.p50);
  add_level(table, "P90", goodput->wall_s.p90, goodput->goodput.p90);
  if (published->wall_s > 0 || published->goodput > 0)
    add_level(table, "published", published->wall_s, published->goodput);
  return moe_table_format(table, sheet);
}

/* ---- overhead ---------------------------------------------------------------------------------------------------- */

static const char *const overhead_titles[MOE_N_OVERHEADS] = {
    [MOE_OVERHEAD_RECOMPUTATION] = "recomputation",
    [MOE_OVERHEAD_SLOW] = "MFU drop: slow periods",
    [MOE_OVERHEAD_CHECKPOINT] = "checkpoints",
    [MOE_OVERHEAD_DETECTION] = "stopped: detection",
    [MOE_OVERHEAD_WAITING] = "stopped: waiting for hosts",
    [MOE_OVERHEAD_RESTART] = "stopped: restart",
};

/* Makers itemise more coarsely: the published figure stands at the first of the kinds that it covers. */
static double published_overhead(const MoePublishedGoodput *published, MoeOverhead kind)
{
  switch (kind) {
  case MOE_OVERHEAD_RECOMPUTATION:
    return published->recomputation_s;
  case MOE_OVERHEAD_SLOW:
    return published->slow_s;
  case MOE_OVERHEAD_DETECTION:
    return published->stopped_s;
  default:
    return 0;
  }
}

static void add_published(MoeTable *table, double seconds)
{
  if (seconds > 0)
    add_hours(table, seconds);
  else
    moe_table_add(table, NULL);
}

static void add_overhead(MoeTable *table, const MoeGoodput *goodput, MoeOverhead kind)
{
  double mean = goodput->mean.overhead_s[kind];
  const MoeQuantiles *q = &goodput->overhead_s[kind];
  double published = published_overhead(&goodput->model.plan.published, kind);

  moe_table_add(table, overhead_titles[kind]);
  add_hours(table, mean);
  moe_table_percent(table, mean / goodput->mean.wall_s);
  add_hours(table, q->p10);
  add_hours(table, q->p90);
  add_published(table, published);
}

static char *overhead_table(const MoeGoodput *goodput, MoeSheet sheet)
{
  static const char *const header[] = {"overhead", "mean, h", "of wall", "P10, h", "P90, h", "published, h", NULL};
  const MoePublishedGoodput *published = &goodput->model.plan.published;
  double total = goodput->mean.wall_s - goodput->ideal_s;
  g_autoptr(MoeTable) table = moe_table_new("lrrrrr");

  moe_table_header(table, header);
  for (guint kind = 0; kind < MOE_N_OVERHEADS; kind++)
    add_overhead(table, goodput, (MoeOverhead)kind);
  moe_table_add(table, "all");
  add_hours(table, total);
  moe_table_percent(table, total / goodput->mean.wall_s);
  moe_table_add(table, NULL);
  moe_table_add(table, NULL);
  add_published(table, published->overhead_s);
  return moe_table_format(table, sheet);
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------- */

static void add_optimum(MoeTable *table, const MoeGoodput *goodput)
{
  if (goodput->optimum_s <= 0)
    return;
  const MoeGoodputModel *model = &goodput->model;
  gboolean back_to_back = model->plan.mode == MOE_CHECKPOINT_ASYNC && goodput->optimum_s < model->write_s;
  g_autofree char *interval =
      back_to_back ? g_strdup("each as soon as the one before is written") : duration(goodput->optimum_s);
  g_autofree char *wall = hours(goodput->optimum_wall_s);

  add_pair(table, "optimum, simulated", g_strdup_printf("%s (wall-clock %s)", interval, wall));
}

static char *checkpoint_table(const MoeGoodput *goodput, MoeSheet sheet)
{
  const MoeGoodputModel *model = &goodput->model;
  g_autoptr(MoeTable) table = moe_table_new("lw");
  g_autofree char *bytes = moe_quantity_format(model->checkpoint_bytes, MOE_DIM_BYTES);
  g_autofree char *write = duration(model->write_s);
  g_autofree char *blocking = duration(goodput->blocking_s);

  add_pair(table, "checkpoint",
           g_strdup_printf("%s, %s: stops the job %s, written in %s", bytes, moe_checkpoint_words[model->plan.mode],
                           blocking, write));
  add_pair(table, "interval", duration(model->plan.interval_s));
  add_optimum(table, goodput);
  add_pair(table, "Young sqrt(2 C M)", duration(goodput->young_s));
  add_pair(table, "Daly", duration(goodput->daly_s));
  add_pair(table, "job fails every", duration(goodput->job_mtbf_s));
  add_pair(table, "interruptions",
           g_strdup_printf("%.1f per training, %.0f checkpoints", goodput->interruptions, goodput->checkpoints));
  return moe_table_format(table, sheet);
}

/* ---- cost -------------------------------------------------------------------------------------------------------- */

static char *cost_table(const MoeEconomy *economy, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = moe_table_new("lw");
  g_autofree char *dollars = moe_dollars_format(economy->dollars);
  g_autofree char *dollars_each = moe_dollars_format(economy->dollars_per_trillion);
  g_autofree char *energy = moe_energy_format(economy->energy_mwh);
  g_autofree char *energy_each = moe_energy_format(economy->mwh_per_trillion);
  g_autofree char *gpu_hours = moe_count_format(economy->gpu_hours, NULL);

  add_pair(table, "GPU-hours", g_steal_pointer(&gpu_hours));
  if (economy->dollars > 0)
    add_pair(table, "cost",
             g_strdup_printf("%s at $%.2f per GPU-hour, %s per trillion tokens", dollars, economy->price_gpu_hour,
                             dollars_each));
  else
    add_pair(table, "cost", g_strdup("unknown: no price per GPU-hour, give --price"));
  if (economy->energy_mwh > 0)
    add_pair(table, "energy",
             g_strdup_printf("%s, %s per trillion tokens; %.0f W per GPU while stepping (busy %.0f %%, overhead %.2f)",
                             energy, energy_each, economy->stepping_power_w, 100 * economy->busy_share,
                             economy->overhead));
  return moe_table_format(table, sheet);
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

static void add_slow(MoeTable *table, const char *name, const MoeSlowPeriods *slow)
{
  if (slow->mtbf_s <= 0)
    return;
  g_autofree char *between = whole_hours(slow->mtbf_s);
  g_autofree char *lasts = duration(slow->lasts_s);

  add_pair(table, name,
           g_strdup_printf("one per %s of a GPU, lasting %s, %.3g times the step", between, lasts, slow->slowdown));
}

static void add_failures(MoeTable *table, const MoeGoodputModel *model)
{
  for (guint part = 0; part < MOE_N_PARTS; part++) {
    g_autofree char *name = g_strdup_printf("%s failures", moe_part_words[part]);
    g_autofree char *between = whole_hours(model->mtbf_s[part]);

    if (model->mtbf_s[part] > 0)
      add_pair(table, name,
               g_strdup_printf("every %s each, %" G_GINT64_FORMAT " of them, Weibull shape %.3g", between,
                               model->parts[part], model->plan.weibull_shape));
  }
}

static void add_spares(MoeTable *table, const MoeGoodputPlan *plan)
{
  g_autofree char *repair = duration(plan->repair_s);
  g_autofree char *reschedule = duration(plan->reschedule_s);

  if (plan->spares >= 0)
    add_pair(table, "spare hosts",
             g_strdup_printf("%" G_GINT64_FORMAT ", repaired in %s; another host takes %s", plan->spares, repair,
                             reschedule));
  else
    add_pair(table, "spare hosts", g_strdup("always enough"));
}

static char *input_table(const MoeGoodput *goodput, MoeSheet sheet)
{
  const MoeGoodputModel *model = &goodput->model;
  const MoeGoodputPlan *plan = &model->plan;
  g_autoptr(MoeTable) table = moe_table_new("lw");
  g_autofree char *tokens = moe_count_format(plan->tokens, NULL);
  g_autofree char *step = duration(model->step_time_s);
  g_autofree char *detect = duration(plan->detect_s);
  g_autofree char *restart = duration(plan->restart_s);
  g_autofree char *load = duration(model->load_s);

  add_pair(table, "trained",
           g_strdup_printf("%s tokens, %" G_GINT64_FORMAT " steps of %s (%s)", tokens, model->steps, step,
                           plan->step_time_s > 0 ? "given" : "predicted"));
  add_failures(table, model);
  add_pair(table, "after a failure", g_strdup_printf("%s to notice, %s to restart, %s to load", detect, restart, load));
  add_spares(table, plan);
  add_slow(table, "degraded periods", &plan->degraded);
  add_slow(table, "stragglers", &plan->stragglers);
  if (plan->source)
    add_pair(table, "source", g_strdup(plan->source));
  if (plan->published.source)
    add_pair(table, "published", g_strdup(plan->published.source));
  return moe_table_format(table, sheet);
}

static char *assumption_lines(const MoeRun *run)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < run->goodput.n_assumptions; i++)
    g_string_append_printf(text, "assumed: %s: %s\n", run->goodput.assumptions[i].key,
                           run->goodput.assumptions[i].why ? run->goodput.assumptions[i].why : "");
  return g_string_free(text, FALSE);
}

char *moe_report_goodput_table(const MoeRun *run, const MoeResult *result, const MoeGoodput *goodput, MoeSheet sheet)
{
  g_autofree char *label = moe_result_label(result);
  g_autofree char *answer = answer_table(goodput, sheet);
  g_autofree char *overhead = overhead_table(goodput, sheet);
  g_autofree char *checkpoint = checkpoint_table(goodput, sheet);
  g_autofree char *cost = cost_table(&goodput->economy, sheet);
  g_autofree char *input = input_table(goodput, sheet);
  g_autofree char *assumed = assumption_lines(run);
  g_autofree char *ideal = hours(goodput->ideal_s);

  return g_strdup_printf("%s on %s with %s, %" G_GINT64_FORMAT " GPUs: ideal %s, %u simulated trainings\n\n"
                         "%s\n%s\n%s\n%s\n%s%s",
                         label, result->cluster, result->stack, result->gpus, ideal, goodput->n_samples, answer,
                         overhead, checkpoint, cost, input, assumed);
}
