/* How sure an answer is: the interval and the tornado. */
#include "losses.h"
#include "record.h"
#include "report/json.h"
#include "report/plot.h"
#include "report/tables.h"
#include <moesim/report.h>

#include <math.h>

/* ---- record ------------------------------------------------------------------------------------------------------ */

static void add_end(JsonBuilder *builder, const char *key, const char *value, double mfu, double step_s)
{
  moe_json_open_object(builder, key);
  moe_json_text(builder, "value", value);
  moe_json_number(builder, "mfu_causal", value ? mfu : NAN);
  moe_json_number(builder, "step_time_s", value ? step_s : NAN);
  json_builder_end_object(builder);
}

static void add_swing(JsonBuilder *builder, const MoeSwing *swing)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "key", swing->key);
  moe_json_text(builder, "why", swing->why);
  add_end(builder, "low", swing->low, swing->mfu_low, swing->step_low_s);
  add_end(builder, "high", swing->high, swing->mfu_high, swing->step_high_s);
  moe_json_number(builder, "mfu_swing", swing->low ? swing->mfu_high - swing->mfu_low : NAN);
  moe_json_integer(builder, "values_failed", swing->n_failed);
  moe_json_text(builder, "first_failure", swing->failure);
  json_builder_end_object(builder);
}

JsonNode *moe_describe_sensitivity(const MoeSensitivity *s)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  const MoeResult *r = s->result;

  json_builder_begin_object(builder);
  moe_json_identity(builder, r);
  moe_json_integer(builder, "seed", (gint64)r->seed);
  moe_json_integer(builder, "samples", s->n_samples);
  moe_json_integer(builder, "samples_failed", s->n_failed);
  moe_json_text(builder, "first_failure", s->failure);
  moe_json_quantiles(builder, "mfu_causal", "stated", r->mfu_causal, &s->mfu_causal);
  moe_json_quantiles(builder, "mfu_full", "stated", r->mfu_full, &s->mfu_full);
  moe_json_quantiles(builder, "step_time_s", "stated", r->step_time_s, &s->step_time_s);
  moe_json_quantiles(builder, "tokens_per_s_per_gpu", "stated", r->tokens_per_s_per_gpu, &s->tokens_per_s_per_gpu);
  moe_json_open_array(builder, "assumptions");
  for (guint i = 0; i < s->n_swings; i++)
    add_swing(builder, &s->swings[i]);
  json_builder_end_array(builder);
  moe_json_integer(builder, "simulations", s->n_simulations);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

char *moe_report_sensitivity_json(const MoeSensitivity *s)
{
  g_autoptr(JsonNode) record = moe_describe_sensitivity(s);

  return moe_record_json(record);
}

char *moe_report_sensitivity_csv(const MoeSensitivity *s)
{
  static const MoeColumn columns[] = {
      {"assumption", "key", "l"},
      {"low", "low.value", "l"},
      {"mfu_causal_low", "low.mfu_causal", "l"},
      {"step_time_s_low", "low.step_time_s", "l"},
      {"high", "high.value", "l"},
      {"mfu_causal_high", "high.mfu_causal", "l"},
      {"step_time_s_high", "high.step_time_s", "l"},
  };
  g_autoptr(JsonNode) record = moe_describe_sensitivity(s);

  return moe_record_csv(moe_record_list(record, "assumptions"), columns, G_N_ELEMENTS(columns));
}

/* ---- table ------------------------------------------------------------------------------------------------------- */

static void add_level(MoeTable *table, const char *name, double causal, double full, double step_s)
{
  moe_table_add(table, name);
  moe_table_percent(table, causal);
  moe_table_percent(table, full);
  moe_table_quantity(table, step_s, MOE_DIM_SECONDS);
}

static char *interval_rows(const MoeSensitivity *s, MoeSheet sheet)
{
  static const char *const titles[] = {"", "MFU causal", "MFU full", "step time", NULL};
  const MoeQuantiles *causal = &s->mfu_causal, *full = &s->mfu_full, *step = &s->step_time_s;
  g_autoptr(MoeTable) table = moe_table_new("lrrr");

  moe_table_header(table, titles);
  add_level(table, "as stated", s->result->mfu_causal, s->result->mfu_full, s->result->step_time_s);
  add_level(table, "P10", causal->p10, full->p10, step->p10);
  add_level(table, "P50", causal->p50, full->p50, step->p50);
  add_level(table, "P90", causal->p90, full->p90, step->p90);
  return moe_table_format(table, sheet);
}

static char *failed_values(JsonObject *swing)
{
  return moe_record_number(swing, "values_failed") > 0
             ? moe_record_say(swing, "{values_failed} of its values give no run")
             : NULL;
}

const MoeColumn moe_swing_columns[] = {
    {"assumption", "key", "l"},
    {"least at", "low.value", "n", "text"},
    {"MFU", "low.mfu_causal", "r", "%"},
    {"most at", "high.value", "n", "text"},
    {"MFU", "high.mfu_causal", "r", "%"},
    {"swing", "mfu_swing", "r", "pt"},
    {"", .place = "w1", .text = failed_values},
};
const guint moe_n_swing_columns = G_N_ELEMENTS(moe_swing_columns);

static char *sample_line(const MoeSensitivity *s)
{
  if (s->n_failed == 0)
    return g_strdup_printf("%u combinations (Latin hypercube), %u simulations.", s->n_samples, s->n_simulations);
  return g_strdup_printf(
      "%u combinations (Latin hypercube), %u simulations; %u combinations cannot exist, the first: %s", s->n_samples,
      s->n_simulations, s->n_failed, s->failure);
}

char *moe_report_sensitivity_table(const MoeSensitivity *s, MoeSheet sheet)
{
  g_autoptr(JsonNode) record = moe_describe_sensitivity(s);
  g_autofree char *title = moe_record_title(json_node_get_object(record));
  g_autofree char *interval = interval_rows(s, sheet);
  g_autofree char *line = sample_line(s);
  g_autofree char *swings = s->n_swings > 0 ? moe_record_rows(moe_record_list(record, "assumptions"), moe_swing_columns,
                                                              moe_n_swing_columns, sheet)
                                            : g_strdup("The run states no assumptions.\n");

  return g_strdup_printf("%s\n\n%s%s\n\n%s", title, interval, line, swings);
}

/* ---- figure ----------------------------------------------------------------------------------------------------- */

static void append_number(GString *text, double value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf(text, "\t%s", isfinite(value) ? g_ascii_formatd(digits, sizeof digits, "%.6g", value) : "NaN");
}

char *moe_plot_sensitivity_data(const MoeSensitivity *s)
{
  GString *text = g_string_new("assumption\tlow %\thigh %\tstated %\tleast at\tmost at\n");

  for (guint i = 0; i < s->n_swings; i++) {
    const MoeSwing *swing = &s->swings[i];

    if (!swing->low)
      continue;
    g_string_append(text, swing->key);
    append_number(text, 100 * swing->mfu_low);
    append_number(text, 100 * swing->mfu_high);
    append_number(text, 100 * s->result->mfu_causal);
    g_string_append_printf(text, "\t%s\t%s\n", swing->low, swing->high);
  }
  g_string_append(text, "\n\ninterval\tP10\tP50\tP90\ncombinations");
  append_number(text, 100 * s->mfu_causal.p10);
  append_number(text, 100 * s->mfu_causal.p50);
  append_number(text, 100 * s->mfu_causal.p90);
  g_string_append_c(text, '\n');
  return g_string_free(text, FALSE);
}
