/* A simulated training: record, page, and a line per training. */
#include "spec/goodput.h"
#include "findings.h"
#include "goodput/model.h"
#include "record/json.h"
#include "record/tables.h"
#include "report/goodput.h"
#include "spec/spec.h"

#include <math.h>

static void add_identity(JsonBuilder *builder, const MoeResult *result, const MoeGoodputModel *model)
{
  moe_json_identity(builder, result);
  moe_json_number(builder, "tokens", model->plan.tokens);
  moe_json_integer(builder, "steps", model->steps);
  moe_json_number(builder, "step_time_s", model->step_time_s);
  moe_json_bool(builder, "step_time_given", model->plan.step_time_s > 0);
}

/* Days of what cannot run are nobody's: whether it fits stands with them. */
static void add_memory(JsonBuilder *builder, const MoeResult *result)
{
  moe_json_open_object(builder, "memory");
  moe_json_number(builder, "peak_bytes", result->memory.peak_bytes);
  moe_json_number(builder, "capacity_bytes", result->memory.capacity_bytes);
  moe_json_number(builder, "headroom_bytes", result->memory.headroom_bytes);
  moe_json_bool(builder, "fits", result->memory.fits);
  json_builder_end_object(builder);
}

static void add_answer(JsonBuilder *builder, const MoeGoodput *goodput)
{
  moe_json_number(builder, "ideal_s", goodput->ideal_s);
  moe_json_quantiles(builder, "wall_s", "mean", goodput->mean.wall_s, &goodput->wall_s);
  moe_json_quantiles(builder, "goodput", "mean", goodput->mean_goodput, &goodput->goodput);
  moe_json_open_object(builder, "overhead_s");
  for (guint kind = 0; kind < MOE_N_OVERHEADS; kind++)
    moe_json_quantiles(builder, moe_overhead_words[kind], "mean", goodput->mean.overhead_s[kind],
                       &goodput->overhead_s[kind]);
  json_builder_end_object(builder);
  moe_json_number(builder, "interruptions", goodput->interruptions);
}

static void add_checkpoint(JsonBuilder *builder, const MoeGoodput *goodput)
{
  const MoeGoodputModel *model = goodput->model;

  moe_json_open_object(builder, "checkpoint");
  moe_json_text(builder, "mode", moe_checkpoint_words[model->plan.mode]);
  moe_json_number(builder, "bytes", model->checkpoint_bytes);
  moe_json_number(builder, "copy_s", model->copy_s);
  moe_json_number(builder, "write_s", model->write_s);
  moe_json_number(builder, "interval_s", goodput->interval_s);
  moe_json_number(builder, "optimum_interval_s", goodput->optimum_s);
  moe_json_number(builder, "young_interval_s", goodput->young_s);
  moe_json_number(builder, "daly_interval_s", goodput->daly_s);
  moe_json_number(builder, "complete", goodput->checkpoints);
  moe_json_number(builder, "blocking_s", goodput->blocking_s);
  moe_json_number(builder, "optimum_wall_s", goodput->optimum_s > 0 ? goodput->optimum_wall_s : NAN);
  moe_json_bool(builder, "optimum_back_to_back",
                model->plan.mode == MOE_CHECKPOINT_ASYNC && goodput->optimum_s > 0 &&
                    goodput->optimum_s < model->write_s);
  json_builder_end_object(builder);
}

static void add_failures(JsonBuilder *builder, const MoeGoodput *goodput)
{
  const MoeGoodputModel *model = goodput->model;

  moe_json_open_object(builder, "failures");
  moe_json_number(builder, "job_mtbf_s", goodput->job_mtbf_s);
  moe_json_number(builder, "weibull_shape", model->plan.weibull_shape);
  for (guint part = 0; part < MOE_N_PARTS; part++) {
    moe_json_open_object(builder, moe_part_words[part]);
    moe_json_integer(builder, "count", model->parts[part]);
    moe_json_number(builder, "mtbf_s", model->mtbf_s[part]);
    json_builder_end_object(builder);
  }
  json_builder_end_object(builder);
}

static void add_slow(JsonBuilder *builder, const char *key, const MoeSlowPeriods *slow)
{
  moe_json_open_object(builder, key);
  moe_json_number(builder, "mtbf_s", slow->mtbf_s > 0 ? slow->mtbf_s : NAN);
  moe_json_number(builder, "lasts_s", slow->lasts_s);
  moe_json_number(builder, "slowdown", slow->slowdown);
  json_builder_end_object(builder);
}

/* From one failure to the next step. */
static void add_recovery(JsonBuilder *builder, const MoeGoodputModel *model)
{
  const MoeGoodputPlan *plan = &model->plan;

  moe_json_open_object(builder, "recovery");
  moe_json_number(builder, "detect_s", plan->detect_s);
  moe_json_number(builder, "restart_s", plan->restart_s);
  moe_json_number(builder, "load_s", model->load_s);
  moe_json_number(builder, "spare_hosts", plan->spares >= 0 ? (double)plan->spares : NAN);
  moe_json_bool(builder, "always_spare_hosts", plan->spares < 0);
  moe_json_number(builder, "repair_s", plan->repair_s);
  moe_json_number(builder, "reschedule_s", plan->reschedule_s);
  json_builder_end_object(builder);
  add_slow(builder, "degraded", &plan->degraded);
  add_slow(builder, "stragglers", &plan->stragglers);
}

static void add_published(JsonBuilder *builder, const MoePublishedGoodput *published)
{
  moe_json_open_object(builder, "published");
  moe_json_number(builder, "wall_s", published->wall_s);
  moe_json_number(builder, "goodput", published->goodput);
  moe_json_number(builder, "recomputation_s", published->recomputation_s);
  moe_json_number(builder, "slow_steps_s", published->slow_s);
  moe_json_number(builder, "stopped_s", published->stopped_s);
  moe_json_number(builder, "overhead_s", published->overhead_s);
  moe_json_text(builder, "source", published->source);
  json_builder_end_object(builder);
}

static void add_economy(JsonBuilder *builder, const MoeResult *result, const MoeEconomy *economy)
{
  MoeOwnedPrice owned = moe_owned_price(result);
  gboolean known = owned.price > 0;

  moe_json_open_object(builder, "economy");
  moe_json_number(builder, "gpu_hours", economy->gpu_hours);
  moe_json_number(builder, "price_gpu_hour_dollars", economy->price_gpu_hour);
  moe_json_number(builder, "dollars", economy->dollars);
  moe_json_number(builder, "dollars_per_trillion_tokens", economy->dollars_per_trillion);
  moe_json_number(builder, "energy_mwh", economy->energy_mwh);
  moe_json_number(builder, "mwh_per_trillion_tokens", economy->mwh_per_trillion);
  moe_json_number(builder, "stepping_power_w", economy->stepping_power_w);
  moe_json_number(builder, "power_overhead", economy->overhead);
  moe_json_number(builder, "busy_share", economy->busy_share);
  moe_json_number(builder, "owned_gpu_hour_dollars", known ? owned.price : NAN);
  moe_json_number(builder, "owned_dollars", known ? owned.price * economy->gpu_hours : NAN);
  moe_json_number(builder, "owned_dollars_lowest", known ? owned.low * economy->gpu_hours : NAN);
  moe_json_number(builder, "owned_dollars_highest", known ? owned.high * economy->gpu_hours : NAN);
  json_builder_end_object(builder);
}

/* Of the wall-clock: assumptions and the model's own error besides the failures. */
static void add_certainty(JsonBuilder *builder, const MoeCertainty *certainty)
{
  moe_json_open_object(builder, "certainty");
  moe_json_number(builder, "wall_s_p10", certainty->wall_s.p10);
  moe_json_number(builder, "wall_s_p50", certainty->wall_s.p50);
  moe_json_number(builder, "wall_s_p90", certainty->wall_s.p90);
  for (guint d = 0; d < MOE_N_DOUBTS; d++)
    moe_json_number(builder, moe_doubt_words[d], certainty->wall_share[d]);
  json_builder_end_object(builder);
}

static JsonNode *describe_goodput(const MoeResult *result, const MoeGoodput *goodput, const MoeCertainty *certainty)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  add_identity(builder, result, goodput->model);
  add_memory(builder, result);
  add_answer(builder, goodput);
  add_checkpoint(builder, goodput);
  add_failures(builder, goodput);
  add_published(builder, &goodput->model->plan.published);
  add_economy(builder, result, &goodput->economy);
  if (certainty)
    add_certainty(builder, certainty);
  moe_json_integer(builder, "trainings", goodput->n_samples);
  add_recovery(builder, goodput->model);
  moe_json_text(builder, "source", goodput->model->plan.source);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

char *moe_report_goodput_json(const MoeResult *result, const MoeGoodput *goodput, const MoeCertainty *certainty)
{
  g_autoptr(JsonNode) record = describe_goodput(result, goodput, certainty);

  return moe_record_json(record);
}

static void add_sample(JsonBuilder *builder, const MoeGoodputSample *sample, guint number)
{
  json_builder_begin_object(builder);
  moe_json_integer(builder, "training", number);
  moe_json_number(builder, "wall_s", sample->wall_s);
  moe_json_number(builder, "goodput", sample->ideal_s / sample->wall_s);
  moe_json_integer(builder, "interruptions", sample->interruptions);
  moe_json_integer(builder, "checkpoints", sample->checkpoints);
  moe_json_words(builder, "overhead_s", moe_overhead_words, sample->overhead_s, MOE_N_OVERHEADS);
  json_builder_end_object(builder);
}

char *moe_report_goodput_csv(const MoeGoodput *goodput)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < goodput->n_samples; i++)
    add_sample(builder, &goodput->samples[i], i);
  json_builder_end_array(builder);
  g_autoptr(JsonNode) samples = json_builder_get_root(builder);

  return moe_records_csv(json_node_get_array(samples));
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

/* Hours, the unit in which trainings are accounted. */
static void add_hours(MoeTable *table, double seconds)
{
  moe_table_take(table, isnan(seconds) ? g_strdup("-") : g_strdup_printf("%.1f", seconds / MOE_SECONDS_PER_HOUR));
}

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
  const MoePublishedGoodput *published = &goodput->model->plan.published;
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

static void add_published_hours(MoeTable *table, double seconds)
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
  double published = published_overhead(&goodput->model->plan.published, kind);

  moe_table_add(table, overhead_titles[kind]);
  add_hours(table, mean);
  moe_table_percent(table, mean / goodput->mean.wall_s);
  add_hours(table, q->p10);
  add_hours(table, q->p90);
  add_published_hours(table, published);
}

static char *overhead_table(const MoeGoodput *goodput, MoeSheet sheet)
{
  static const char *const header[] = {"overhead", "mean, h", "of wall", "P10, h", "P90, h", "published, h", NULL};
  const MoePublishedGoodput *published = &goodput->model->plan.published;
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
  add_published_hours(table, published->overhead_s);
  return moe_table_format(table, sheet);
}

/* ---- checkpoints, cost, inputs ----------------------------------------------------------------------------------- */

static const MoeLine checkpoint_lines[] = {
    {"checkpoint", "{checkpoint.bytes|B}, {checkpoint.mode}: stops the job {checkpoint.blocking_s|s}, written in "
                   "{checkpoint.write_s|s}"},
    {"interval", "{checkpoint.interval_s|s}"},
    {"interval", "never", "!checkpoint.interval_s"},
    {"optimum, simulated", "each as soon as the one before is written (wall-clock {checkpoint.optimum_wall_s|h})",
     "checkpoint.optimum_back_to_back"},
    {"optimum, simulated", "{checkpoint.optimum_interval_s|s} (wall-clock {checkpoint.optimum_wall_s|h})",
     "!checkpoint.optimum_back_to_back"},
    {"Young sqrt(2 C M)", "{checkpoint.young_interval_s|s}"},
    {"Young sqrt(2 C M)", "never", "!checkpoint.young_interval_s"},
    {"Daly", "{checkpoint.daly_interval_s|s}"},
    {"Daly", "never", "!checkpoint.daly_interval_s"},
    {"job fails every", "{failures.job_mtbf_s|s}"},
    {"job fails every", "never", "!failures.job_mtbf_s"},
    {"interruptions", "{interruptions|%.1f} per training, {checkpoint.complete|%.0f} checkpoints"},
};

static const MoeLine cost_lines[] = {
    {"GPU-hours", "{economy.gpu_hours|count}"},
    {"cost",
     "{economy.dollars|$} at ${economy.price_gpu_hour_dollars|%.2f} per GPU-hour, "
     "{economy.dollars_per_trillion_tokens|$} per trillion tokens",
     "economy.dollars"},
    {"cost", "unknown: no price per GPU-hour, give --price", "!economy.dollars"},
    {"owned instead", "{economy.owned_dollars|$} ({economy.owned_dollars_lowest|$} to "
                      "{economy.owned_dollars_highest|$}) at ${economy.owned_gpu_hour_dollars|%.2f} per GPU-hour"},
    {"energy",
     "{economy.energy_mwh|MWh}, {economy.mwh_per_trillion_tokens|MWh} per trillion tokens; "
     "{economy.stepping_power_w|%.0f} W per GPU while stepping (busy {economy.busy_share|%}, overhead "
     "{economy.power_overhead|%.2f})",
     "economy.energy_mwh"},
};

static const MoeLine trained_lines[] = {
    {"trained", "{tokens|count} tokens, {steps} steps of {step_time_s|s} (given)", "step_time_given"},
    {"trained", "{tokens|count} tokens, {steps} steps of {step_time_s|s} (predicted)", "!step_time_given"},
};

static const MoeLine input_lines[] = {
    {"after a failure",
     "{recovery.detect_s|s} to notice, {recovery.restart_s|s} to restart, {recovery.load_s|s} to load"},
    {"spare hosts",
     "{recovery.spare_hosts|%.0f}, repaired in {recovery.repair_s|s}; another host takes {recovery.reschedule_s|s}"},
    {"spare hosts", "always enough", "recovery.always_spare_hosts"},
    {"degraded periods",
     "one per {degraded.mtbf_s|h} of a GPU, lasting {degraded.lasts_s|s}, {degraded.slowdown|%.3g} times the step"},
    {"stragglers",
     "one per {stragglers.mtbf_s|h} of a GPU, lasting {stragglers.lasts_s|s}, {stragglers.slowdown|%.3g} times the "
     "step"},
    {"source", "{source}"},
    {"published", "{published.source}"},
};

static char *lines_table(JsonObject *record, const MoeLine *lines, guint n, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = moe_table_new("lw");

  moe_record_lines(table, record, lines, n);
  return moe_table_format(table, sheet);
}

static void add_part(MoeTable *table, JsonObject *record, guint part)
{
  g_autofree char *path = g_strdup_printf("failures.%s", moe_part_words[part]);
  JsonObject *failures = json_node_get_object(moe_record_find(record, path));
  g_autofree char *each = moe_record_say(failures, "every {mtbf_s|h} each, {count} of them, Weibull shape ");
  g_autofree char *shape = moe_record_say(record, "{failures.weibull_shape|%.3g}");

  if (!(moe_record_number(failures, "mtbf_s") > 0))
    return;
  moe_table_take(table, g_strdup_printf("%s failures", moe_part_words[part]));
  moe_table_take(table, g_strconcat(each, shape, NULL));
}

static char *input_table(JsonObject *record, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = moe_table_new("lw");

  moe_record_lines(table, record, trained_lines, G_N_ELEMENTS(trained_lines));
  for (guint part = 0; part < MOE_N_PARTS; part++)
    add_part(table, record, part);
  moe_record_lines(table, record, input_lines, G_N_ELEMENTS(input_lines));
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

static const MoeLine unfit_line = {NULL,
                                   "DOES NOT FIT: {memory.peak_bytes|B} of {memory.capacity_bytes|B} with "
                                   "{memory.headroom_bytes|B} of headroom; what follows would hold if it did\n",
                                   "!memory.fits"};

char *moe_report_goodput_table(const MoeRun *run, const MoeResult *result, const MoeGoodput *goodput, MoeSheet sheet)
{
  g_autoptr(JsonNode) node = describe_goodput(result, goodput, NULL);
  JsonObject *record = json_node_get_object(node);
  g_autofree char *title = moe_record_title(record);
  g_autofree char *said = moe_record_say(record, "ideal {ideal_s|h}, {trainings} simulated trainings");
  g_autofree char *unfit = moe_record_line(record, &unfit_line);
  g_autofree char *answer = answer_table(goodput, sheet);
  g_autofree char *overhead = overhead_table(goodput, sheet);
  g_autofree char *checkpoint = lines_table(record, checkpoint_lines, G_N_ELEMENTS(checkpoint_lines), sheet);
  g_autofree char *cost = lines_table(record, cost_lines, G_N_ELEMENTS(cost_lines), sheet);
  g_autofree char *input = input_table(record, sheet);
  g_autofree char *assumed = assumption_lines(run);

  return g_strdup_printf("%s: %s\n%s\n%s\n%s\n%s\n%s\n%s%s", title, said, unfit ? unfit : "", answer, overhead,
                         checkpoint, cost, input, assumed);
}
