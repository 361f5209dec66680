/* Simulated trainings as JSON and CSV. */
#include "report/goodput.h"

#include "report/json.h"

#include <json-glib/json-glib.h>

static void add_quantiles(JsonBuilder *builder, const char *key, double mean, const MoeQuantiles *q)
{
  moe_json_open_object(builder, key);
  moe_json_number(builder, "mean", mean);
  moe_json_number(builder, "p10", q->p10);
  moe_json_number(builder, "p50", q->p50);
  moe_json_number(builder, "p90", q->p90);
  json_builder_end_object(builder);
}

static void add_identity(JsonBuilder *builder, const MoeResult *result, const MoeGoodputModel *model)
{
  moe_json_text(builder, "run", result->run);
  moe_json_text(builder, "variant", result->variant);
  moe_json_text(builder, "cluster", result->cluster);
  moe_json_text(builder, "stack", result->stack);
  moe_json_integer(builder, "gpus", result->gpus);
  moe_json_number(builder, "tokens", model->plan.tokens);
  moe_json_integer(builder, "steps", model->steps);
  moe_json_number(builder, "step_time_s", model->step_time_s);
}

static void add_answer(JsonBuilder *builder, const MoeGoodput *goodput)
{
  moe_json_number(builder, "ideal_s", goodput->ideal_s);
  add_quantiles(builder, "wall_s", goodput->mean.wall_s, &goodput->wall_s);
  add_quantiles(builder, "goodput", goodput->mean_goodput, &goodput->goodput);
  moe_json_open_object(builder, "overhead_s");
  for (guint kind = 0; kind < MOE_N_OVERHEADS; kind++)
    add_quantiles(builder, moe_overhead_words[kind], goodput->mean.overhead_s[kind], &goodput->overhead_s[kind]);
  json_builder_end_object(builder);
  moe_json_number(builder, "interruptions", goodput->interruptions);
}

static void add_checkpoint(JsonBuilder *builder, const MoeGoodput *goodput)
{
  const MoeGoodputModel *model = &goodput->model;

  moe_json_open_object(builder, "checkpoint");
  moe_json_text(builder, "mode", moe_checkpoint_words[model->plan.mode]);
  moe_json_number(builder, "bytes", model->checkpoint_bytes);
  moe_json_number(builder, "copy_s", model->copy_s);
  moe_json_number(builder, "write_s", model->write_s);
  moe_json_number(builder, "interval_s", model->plan.interval_s);
  moe_json_number(builder, "optimum_interval_s", goodput->optimum_s);
  moe_json_number(builder, "young_interval_s", goodput->young_s);
  moe_json_number(builder, "daly_interval_s", goodput->daly_s);
  moe_json_number(builder, "complete", goodput->checkpoints);
  json_builder_end_object(builder);
}

static void add_failures(JsonBuilder *builder, const MoeGoodput *goodput)
{
  const MoeGoodputModel *model = &goodput->model;

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

static void add_economy(JsonBuilder *builder, const MoeEconomy *economy)
{
  moe_json_open_object(builder, "economy");
  moe_json_number(builder, "gpu_hours", economy->gpu_hours);
  moe_json_number(builder, "price_gpu_hour_dollars", economy->price_gpu_hour);
  moe_json_number(builder, "dollars", economy->dollars);
  moe_json_number(builder, "dollars_per_trillion_tokens", economy->dollars_per_trillion);
  moe_json_number(builder, "energy_mwh", economy->energy_mwh);
  moe_json_number(builder, "mwh_per_trillion_tokens", economy->mwh_per_trillion);
  moe_json_number(builder, "stepping_power_w", economy->stepping_power_w);
  moe_json_number(builder, "power_overhead", economy->overhead);
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

char *moe_report_goodput_json(const MoeResult *result, const MoeGoodput *goodput, const MoeCertainty *certainty)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  add_identity(builder, result, &goodput->model);
  add_answer(builder, goodput);
  add_checkpoint(builder, goodput);
  add_failures(builder, goodput);
  add_published(builder, &goodput->model.plan.published);
  add_economy(builder, &goodput->economy);
  if (certainty)
    add_certainty(builder, certainty);
  moe_json_integer(builder, "trainings", goodput->n_samples);
  json_builder_end_object(builder);
  return moe_json_finish(builder);
}

static void add_number(MoeTable *table, double value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  moe_table_add(table, g_ascii_dtostr(digits, sizeof digits, value));
}

char *moe_report_goodput_csv(const MoeGoodput *goodput)
{
  static const char *const header[] = {"training", "wall_s", "goodput", "interruptions", "checkpoints"};
  g_autofree char *alignment = g_strnfill(G_N_ELEMENTS(header) + MOE_N_OVERHEADS, 'r');
  g_autoptr(MoeTable) table = moe_table_new(alignment);

  for (guint i = 0; i < G_N_ELEMENTS(header); i++)
    moe_table_add(table, header[i]);
  for (guint kind = 0; kind < MOE_N_OVERHEADS; kind++)
    moe_table_take(table, g_strdup_printf("overhead_s.%s", moe_overhead_words[kind]));
  for (guint i = 0; i < goodput->n_samples; i++) {
    const MoeGoodputSample *sample = &goodput->samples[i];

    add_number(table, i);
    add_number(table, sample->wall_s);
    add_number(table, sample->ideal_s / sample->wall_s);
    add_number(table, (double)sample->interruptions);
    add_number(table, (double)sample->checkpoints);
    for (guint kind = 0; kind < MOE_N_OVERHEADS; kind++)
      add_number(table, sample->overhead_s[kind]);
  }
  return moe_table_csv(table);
}
