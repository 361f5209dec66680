/* A simulated training: record, page, and a line per training. */
#include "spec/goodput.h"
#include "goodput/model.h"
#include "report/describe.h"
#include "report/findings.h"
#include "spec/spec.h"

#include <math.h>

/* ---- record ------------------------------------------------------------------------------------------------------ */

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

static const MoeColumn published_fields[] = {
    {NULL, "published.wall_s", MOE_AT(MoePublishedGoodput, wall_s)},
    {NULL, "published.goodput", MOE_AT(MoePublishedGoodput, goodput)},
    {NULL, "published.recomputation_s", MOE_AT(MoePublishedGoodput, recomputation_s)},
    {NULL, "published.slow_steps_s", MOE_AT(MoePublishedGoodput, slow_s)},
    {NULL, "published.stopped_s", MOE_AT(MoePublishedGoodput, stopped_s)},
    {NULL, "published.overhead_s", MOE_AT(MoePublishedGoodput, overhead_s)},
    {NULL, "published.source", MOE_AT(MoePublishedGoodput, source)},
};

static const MoeColumn economy_fields[] = {
    {NULL, "gpu_hours", MOE_AT(MoeEconomy, gpu_hours)},
    {NULL, "price_gpu_hour_dollars", MOE_AT(MoeEconomy, price_gpu_hour)},
    {NULL, "dollars", MOE_AT(MoeEconomy, dollars)},
    {NULL, "dollars_per_trillion_tokens", MOE_AT(MoeEconomy, dollars_per_trillion)},
    {NULL, "energy_mwh", MOE_AT(MoeEconomy, energy_mwh)},
    {NULL, "mwh_per_trillion_tokens", MOE_AT(MoeEconomy, mwh_per_trillion)},
    {NULL, "stepping_power_w", MOE_AT(MoeEconomy, stepping_power_w)},
    {NULL, "power_overhead", MOE_AT(MoeEconomy, overhead)},
    {NULL, "busy_share", MOE_AT(MoeEconomy, busy_share)},
};

static void add_economy(JsonBuilder *builder, const MoeResult *result, const MoeEconomy *economy)
{
  MoeOwnedPrice owned = moe_owned_price(result);
  gboolean known = owned.price > 0;

  moe_json_open_object(builder, "economy");
  MOE_DESCRIBE(builder, economy, economy_fields);
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

/* A line of CSV per simulated training. */
static JsonNode *describe_samples(const MoeGoodput *goodput)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < goodput->n_samples; i++)
    add_sample(builder, &goodput->samples[i], i);
  json_builder_end_array(builder);
  return json_builder_get_root(builder);
}

/* ---- rows of the page -------------------------------------------------------------------------------------------- */

#define HOURS "%.1f" /* the unit in which trainings are accounted; its columns say so */

/* A row of the answer or of the overhead; what is not told is NaN. */
typedef struct {
  const char *title;
  double wall_h, wall_d, goodput;                          /* of the answer */
  double mean_h, share_of_wall, p10_h, p90_h, published_h; /* of the overhead */
} Row;

static const MoeColumn levels[] = {
    {"training", "level", "l", MOE_AT(Row, title)},
    {"wall-clock, h", "wall_h", "r", HOURS, MOE_AT(Row, wall_h)},
    {"wall-clock, d", "wall_d", "r", "#", MOE_AT(Row, wall_d)},
    {"goodput", "goodput", "r", "%", MOE_AT(Row, goodput)},
};

static const MoeColumn overheads[] = {
    {"overhead", "overhead", "l", MOE_AT(Row, title)},
    {"mean, h", "mean_h", "r", HOURS, MOE_AT(Row, mean_h)},
    {"of wall", "share_of_wall", "r", "%", MOE_AT(Row, share_of_wall)},
    {"P10, h", "p10_h", "r", HOURS, MOE_AT(Row, p10_h), .none = ""},
    {"P90, h", "p90_h", "r", HOURS, MOE_AT(Row, p90_h), .none = ""},
    {"published, h", "published_h", "r", HOURS, MOE_AT(Row, published_h), .none = ""},
};

/* Not told where there is none. */
static double hours(double seconds)
{
  return seconds > 0 ? seconds / MOE_SECONDS_PER_HOUR : NAN;
}

static void add_level(JsonBuilder *builder, const char *title, double wall_s, double goodput)
{
  const Row row = {
      .title = title, .wall_h = hours(wall_s), .wall_d = hours(wall_s) / 24, .goodput = goodput > 0 ? goodput : NAN};

  MOE_LIST(builder, NULL, &row, 1, levels);
}

static void add_levels(JsonBuilder *builder, const MoeGoodput *goodput)
{
  const MoePublishedGoodput *published = &goodput->model->plan.published;

  moe_json_open_array(builder, "levels");
  add_level(builder, "mean", goodput->mean.wall_s, goodput->mean_goodput);
  add_level(builder, "P10", goodput->wall_s.p10, goodput->goodput.p10);
  add_level(builder, "P50", goodput->wall_s.p50, goodput->goodput.p50);
  add_level(builder, "P90", goodput->wall_s.p90, goodput->goodput.p90);
  if (published->wall_s > 0 || published->goodput > 0)
    add_level(builder, "published", published->wall_s, published->goodput);
  json_builder_end_array(builder);
}

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

static void add_overhead(JsonBuilder *builder, const MoeGoodput *goodput, MoeOverhead kind)
{
  const MoeQuantiles *q = &goodput->overhead_s[kind];
  double mean_s = goodput->mean.overhead_s[kind];
  const Row row = {.title = overhead_titles[kind],
                   .mean_h = mean_s / MOE_SECONDS_PER_HOUR,
                   .share_of_wall = mean_s / goodput->mean.wall_s,
                   .p10_h = q->p10 / MOE_SECONDS_PER_HOUR,
                   .p90_h = q->p90 / MOE_SECONDS_PER_HOUR,
                   .published_h = hours(published_overhead(&goodput->model->plan.published, kind))};

  MOE_LIST(builder, NULL, &row, 1, overheads);
}

static void add_overheads(JsonBuilder *builder, const MoeGoodput *goodput)
{
  double total_s = goodput->mean.wall_s - goodput->ideal_s;
  const Row all = {.title = "all",
                   .mean_h = total_s / MOE_SECONDS_PER_HOUR,
                   .share_of_wall = total_s / goodput->mean.wall_s,
                   .p10_h = NAN,
                   .p90_h = NAN,
                   .published_h = hours(goodput->model->plan.published.overhead_s)};

  moe_json_open_array(builder, "overheads");
  for (guint kind = 0; kind < MOE_N_OVERHEADS; kind++)
    add_overhead(builder, goodput, (MoeOverhead)kind);
  MOE_LIST(builder, NULL, &all, 1, overheads);
  json_builder_end_array(builder);
}

/* Rows that only a page has, and what the run assumes of its training. */
static void add_page(JsonBuilder *builder, const MoeRun *run, const MoeGoodput *goodput)
{
  g_autoptr(GString) text = g_string_new(NULL);

  add_levels(builder, goodput);
  add_overheads(builder, goodput);
  for (guint i = 0; i < run->goodput.n_assumptions; i++)
    g_string_append_printf(text, "assumed: %s: %s\n", run->goodput.assumptions[i].key,
                           run->goodput.assumptions[i].why ? run->goodput.assumptions[i].why : "");
  moe_json_text(builder, "assumed", text->str);
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static JsonNode *describe_goodput(const MoeRun *run, const MoeResult *result, const MoeGoodput *goodput,
                                  const MoeCertainty *certainty, gboolean page)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  add_identity(builder, result, goodput->model);
  add_memory(builder, result);
  add_answer(builder, goodput);
  add_checkpoint(builder, goodput);
  add_failures(builder, goodput);
  MOE_DESCRIBE(builder, &goodput->model->plan.published, published_fields);
  add_economy(builder, result, &goodput->economy);
  if (certainty)
    add_certainty(builder, certainty);
  moe_json_integer(builder, "trainings", goodput->n_samples);
  add_recovery(builder, goodput->model);
  moe_json_text(builder, "source", goodput->model->plan.source);
  if (page)
    add_page(builder, run, goodput);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
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

/* How often parts of a kind fail; NULL: never. */
static char *failures_of(JsonObject *record, MoePart part)
{
  g_autofree char *path = g_strdup_printf("failures.%s", moe_part_words[part]);
  JsonObject *failures = json_node_get_object(moe_record_find(record, path));
  g_autofree char *each = moe_record_say(failures, "every {mtbf_s|h} each, {count} of them, Weibull shape ");
  g_autofree char *shape = moe_record_say(record, "{failures.weibull_shape|%.3g}");

  return moe_record_number(failures, "mtbf_s") > 0 ? g_strconcat(each, shape, NULL) : NULL;
}

static char *gpu_failures(JsonObject *record)
{
  return failures_of(record, MOE_PART_GPU);
}

static char *host_failures(JsonObject *record)
{
  return failures_of(record, MOE_PART_HOST);
}

static char *link_failures(JsonObject *record)
{
  return failures_of(record, MOE_PART_LINK);
}

static const MoeLine input_lines[] = {
    {"trained", "{tokens|count} tokens, {steps} steps of {step_time_s|s} (given)", "step_time_given"},
    {"trained", "{tokens|count} tokens, {steps} steps of {step_time_s|s} (predicted)", "!step_time_given"},
    {"gpu failures", .made = gpu_failures},
    {"host failures", .made = host_failures},
    {"link failures", .made = link_failures},
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

static const MoePassage page[] = {
    {MOE_SAID(moe_record_title)},
    {MOE_SAY(": ideal {ideal_s|h}, {trainings} simulated trainings\n")},
    {MOE_SAY_IF("!memory.fits", "DOES NOT FIT: {memory.peak_bytes|B} of {memory.capacity_bytes|B} with "
                                "{memory.headroom_bytes|B} of headroom; what follows would hold if it did\n")},
    {MOE_SAY("\n")},
    {MOE_ROWS("levels", levels)},
    {MOE_SAY("\n")},
    {MOE_ROWS("overheads", overheads)},
    {MOE_SAY("\n")},
    {MOE_LINES(checkpoint_lines)},
    {MOE_SAY("\n")},
    {MOE_LINES(cost_lines)},
    {MOE_SAY("\n")},
    {MOE_LINES(input_lines)},
    {MOE_SAY("{assumed}")},
};

char *moe_report_goodput(const MoeRun *run, const MoeResult *result, const MoeGoodput *goodput,
                         const MoeCertainty *certainty, MoeSheet sheet)
{
  static const MoeForms forms = {MOE_PAGE(page), .rows = ""};
  JsonNode *record = sheet.format == MOE_FORMAT_CSV
                         ? describe_samples(goodput)
                         : describe_goodput(run, result, goodput, certainty, sheet.format == MOE_FORMAT_TABLE);

  return moe_record_emit(record, &forms, sheet);
}
