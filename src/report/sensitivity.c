/* How sure an answer is: the interval and the tornado. */
#include "report/describe.h"

#include <math.h>
#include <string.h>

/* ---- record ------------------------------------------------------------------------------------------------------ */

static double mfu_swing(gconstpointer of)
{
  const MoeSwing *swing = of;

  return swing->low ? swing->mfu_high - swing->mfu_low : NAN;
}

static char *failed_values(JsonObject *swing)
{
  return moe_record_number(swing, "values_failed") > 0
             ? moe_record_say(swing, "{values_failed} of its values give no run")
             : NULL;
}

const MoeColumn moe_swing_columns[] = {
    {"assumption", "key", "l", MOE_AT(MoeSwing, key)},
    {NULL, "why", MOE_AT(MoeSwing, why)},
    {"least at", "low.value", "n", "text", MOE_AT(MoeSwing, low)},
    {"MFU", "low.mfu_causal", "r", "%", MOE_AT(MoeSwing, mfu_low)},
    {NULL, "low.step_time_s", MOE_GIVEN(MoeSwing, step_low_s)},
    {"most at", "high.value", "n", "text", MOE_AT(MoeSwing, high)},
    {"MFU", "high.mfu_causal", "r", "%", MOE_AT(MoeSwing, mfu_high)},
    {NULL, "high.step_time_s", MOE_GIVEN(MoeSwing, step_high_s)},
    {"swing", "mfu_swing", "r", "pt", MOE_RULE(mfu_swing)},
    {NULL, "values_failed", MOE_AT(MoeSwing, n_failed)},
    {NULL, "first_failure", MOE_AT(MoeSwing, failure)},
    {"", .place = "w1", .text = failed_values},
};
const guint moe_n_swing_columns = G_N_ELEMENTS(moe_swing_columns);

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
  MOE_LIST(builder, "assumptions", s->swings, s->n_swings, moe_swing_columns);
  moe_json_integer(builder, "simulations", s->n_simulations);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

/* ---- levels ------------------------------------------------------------------------------------------------------ */

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

static const MoeColumn level_columns[] = {
    {"", "level", "l"},
    {"MFU causal", "causal", "r", "%"},
    {"MFU full", "full", "r", "%"},
    {"step time", "step", "r", "s"},
};

/* Rows of a page: the same numbers, turned. */
static void add_levels(JsonObject *record)
{
  gboolean told = moe_record_find(record, "interval") != NULL;
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint l = 0; l < G_N_ELEMENTS(levels); l++) {
    const char *behind = strchr(levels[l].title, ':');

    if (!told && g_str_has_prefix(levels[l].causal, "interval."))
      continue;
    json_builder_begin_object(builder);
    moe_json_text(builder, "level", behind && !told ? behind + 2 : levels[l].title);
    moe_json_number(builder, "causal", moe_record_number(record, levels[l].causal));
    moe_json_number(builder, "full", moe_record_number(record, levels[l].full));
    moe_json_number(builder, "step", moe_record_number(record, levels[l].step));
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
  json_object_set_member(record, "levels", json_builder_get_root(builder));
}

/* ---- page -------------------------------------------------------------------------------------------------------- */

static char *nothing_assumed(JsonObject *record)
{
  gboolean any = json_array_get_length(json_object_get_array_member(record, "assumptions")) > 0;

  return any ? NULL : g_strdup("The run states no assumptions.\n");
}

char *moe_report_sensitivity(const MoeSensitivity *s, MoeSheet sheet)
{
  static const MoeColumn csv[] = {
      {"assumption", "key", "l"},
      {"low", "low.value", "l"},
      {"mfu_causal_low", "low.mfu_causal", "l"},
      {"step_time_s_low", "low.step_time_s", "l"},
      {"high", "high.value", "l"},
      {"mfu_causal_high", "high.mfu_causal", "l"},
      {"step_time_s_high", "high.step_time_s", "l"},
  };
  static const MoePassage page[] = {
      {MOE_SAID(moe_record_title)},
      {MOE_SAY("\n\n")},
      {MOE_ROWS("levels", level_columns)},
      {MOE_SAY("P10 to P90 made of: assumptions {interval.assumptions_share|%}, the model's own error "
               "{interval.model_error_share|%}.\n")},
      {MOE_SAY("{samples} combinations (Latin hypercube), {simulations} simulations")},
      {MOE_SAY("; {samples_failed} combinations cannot exist, the first: {first_failure}")},
      {MOE_SAY_IF("!samples_failed", ".")},
      {MOE_SAY("\n\n")},
      {MOE_ROWS("assumptions", moe_swing_columns), .above = ""},
      {MOE_SAID(nothing_assumed)},
  };
  static const MoeForms forms = {MOE_PAGE(page), MOE_CSV("assumptions", csv)};
  JsonNode *record = moe_describe_sensitivity(s);

  if (sheet.format == MOE_FORMAT_TABLE)
    add_levels(json_node_get_object(record));
  return moe_record_emit(record, &forms, sheet);
}
