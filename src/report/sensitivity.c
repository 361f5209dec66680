/* How sure an answer is: the interval and the tornado. */
#include "findings.h"
#include "losses.h"
#include "record/json.h"
#include "record/tables.h"
#include "report/plot.h"
#include <moesim/report.h>

#include <math.h>
#include <string.h>

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
  moe_json_interval(builder, r);
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

typedef struct {
  const char *title;
  const char *causal, *full, *step; /* paths */
} Quantile;

/* Everything that is known to be unsure, where it was asked for; then what is assumed alone. */
static const Quantile levels[] = {
    {"as stated", "mfu_causal.stated", "mfu_full.stated", "step_time_s.stated"},
    {"P10", "interval.mfu_causal_p10", "interval.mfu_full_p10", "interval.step_time_p10_s"},
    {"P50", "interval.mfu_causal_p50", "interval.mfu_full_p50", "interval.step_time_p50_s"},
    {"P90", "interval.mfu_causal_p90", "interval.mfu_full_p90", "interval.step_time_p90_s"},
    {"assumptions alone: P10", "mfu_causal.p10", "mfu_full.p10", "step_time_s.p10"},
    {"P50", "mfu_causal.p50", "mfu_full.p50", "step_time_s.p50"},
    {"P90", "mfu_causal.p90", "mfu_full.p90", "step_time_s.p90"},
};

static void add_level(MoeTable *table, JsonObject *record, const Quantile *level, gboolean told)
{
  const char *place = strchr(level->title, ':');

  moe_table_add(table, place && !told ? place + 2 : level->title);
  moe_table_percent(table, moe_record_number(record, level->causal));
  moe_table_percent(table, moe_record_number(record, level->full));
  moe_table_quantity(table, moe_record_number(record, level->step), MOE_DIM_SECONDS);
}

static char *interval_rows(JsonObject *record, MoeSheet sheet)
{
  static const char *const titles[] = {"", "MFU causal", "MFU full", "step time", NULL};
  g_autoptr(MoeTable) table = moe_table_new("lrrr");
  gboolean told = moe_record_find(record, "interval") != NULL;

  moe_table_header(table, titles);
  for (guint l = 0; l < G_N_ELEMENTS(levels); l++)
    if (told || !g_str_has_prefix(levels[l].causal, "interval."))
      add_level(table, record, &levels[l], told);
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

static const MoeLine sample_lines[] = {
    {"", "P10 to P90 made of: assumptions {interval.assumptions_share|%}, the model's own error "
         "{interval.model_error_share|%}.\n"},
    {"", "{samples} combinations (Latin hypercube), {simulations} simulations"},
    {"", "; {samples_failed} combinations cannot exist, the first: {first_failure}"},
};

/* What the interval rests on. */
static char *sample_text(JsonObject *record)
{
  g_autoptr(GString) text = g_string_new(NULL);

  for (guint i = 0; i < G_N_ELEMENTS(sample_lines); i++) {
    g_autofree char *line = moe_record_line(record, &sample_lines[i]);

    g_string_append(text, line ? line : "");
  }
  return g_string_free(g_steal_pointer(&text), FALSE);
}

char *moe_report_sensitivity_table(const MoeSensitivity *s, MoeSheet sheet)
{
  g_autoptr(JsonNode) node = moe_describe_sensitivity(s);
  JsonObject *record = json_node_get_object(node);
  g_autofree char *title = moe_record_title(record);
  g_autofree char *interval = interval_rows(record, sheet);
  g_autofree char *text = sample_text(record);
  g_autofree char *swings = s->n_swings > 0 ? moe_record_rows(moe_record_list(node, "assumptions"), moe_swing_columns,
                                                              moe_n_swing_columns, sheet)
                                            : g_strdup("The run states no assumptions.\n");

  return g_strdup_printf("%s\n\n%s%s%s\n\n%s", title, interval, text, s->n_failed > 0 ? "" : ".", swings);
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
  const MoeResult *r = s->result;
  gboolean told = r->interval.samples > 0;
  g_string_append_printf(text, "\n\ninterval\tP10\tP50\tP90\n%s", told ? "with the model's error" : "combinations");
  append_number(text, 100 * (told ? r->interval.mfu_causal_p10 : s->mfu_causal.p10));
  append_number(text, 100 * (told ? r->interval.mfu_causal_p50 : s->mfu_causal.p50));
  append_number(text, 100 * (told ? r->interval.mfu_causal_p90 : s->mfu_causal.p90));
  g_string_append_c(text, '\n');
  return g_string_free(text, FALSE);
}
