/* What makes two runs differ. */
#include "report/describe.h"

#include <math.h>

#define MOST_KEYS 12 /* of one change in the table; JSON has all */

/* ---- record ------------------------------------------------------------------------------------------------------ */

/* An effect without a legal run is null. */
static void add_effect(JsonBuilder *builder, const char *key, const MoeEffect *effect, double mfu_before)
{
  gboolean legal = effect->step_time_s > 0;

  moe_json_open_object(builder, key);
  moe_json_number(builder, "step_time_s", legal ? effect->step_time_s : NAN);
  moe_json_number(builder, "mfu_causal", legal ? effect->mfu_causal : NAN);
  moe_json_number(builder, "mfu_change", legal ? effect->mfu_causal - mfu_before : NAN);
  moe_json_number(builder, "mfu_factor", legal ? effect->mfu_causal / mfu_before : NAN);
  moe_json_number(builder, "tokens_per_s_per_gpu", legal ? effect->tokens_per_s_per_gpu : NAN);
  moe_json_bool(builder, "fits", effect->fits);
  json_builder_end_object(builder);
}

static const MoeColumn key_fields[] = {
    {"change", "change", "w"},
    {"key", "key", "w", MOE_AT(MoeChangedKey, path)},
    {"before", "before", "w", "text", MOE_AT(MoeChangedKey, before)},
    {"after", "after", "w", "text", MOE_AT(MoeChangedKey, after)},
};

static void add_change(JsonBuilder *builder, const MoeDifference *d, const MoeChange *change, double mfu_before)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "change", change->name);
  moe_json_bool(builder, "only_together", change->merged);
  moe_json_text(builder, "why_together", change->merged_why);
  add_effect(builder, "alone", &change->alone, d->before->mfu_causal);
  add_effect(builder, "in_order", &change->in_order, mfu_before);
  MOE_LIST(builder, "keys", change->keys, change->n_keys, key_fields);
  json_builder_end_object(builder);
}

static void add_changes(JsonBuilder *builder, const MoeDifference *d)
{
  double mfu = d->before->mfu_causal;

  for (guint i = 0; i < d->n_changes; i++) {
    add_change(builder, d, &d->changes[i], mfu);
    mfu = d->changes[i].in_order.mfu_causal;
  }
}

/* The changes, what is left between them alone and all of them, and all. */
static void add_rows(JsonBuilder *builder, const MoeDifference *d)
{
  const MoeEffect total = {.step_time_s = d->after->step_time_s,
                           .mfu_causal = d->after->mfu_causal,
                           .tokens_per_s_per_gpu = d->after->tokens_per_s_per_gpu,
                           .fits = d->after->memory.fits};

  moe_json_open_array(builder, "rows");
  add_changes(builder, d);
  json_builder_begin_object(builder);
  moe_json_text(builder, "change", "interaction");
  moe_json_open_object(builder, "alone");
  moe_json_number(builder, "mfu_change", d->mfu_interaction);
  json_builder_end_object(builder);
  json_builder_end_object(builder);
  json_builder_begin_object(builder);
  moe_json_text(builder, "change", "total");
  add_effect(builder, "in_order", &total, d->before->mfu_causal);
  json_builder_end_object(builder);
  json_builder_end_array(builder);
}

static void add_key(JsonBuilder *builder, const char *change, const MoeChangedKey *key)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "change", change);
  MOE_DESCRIBE(builder, key, key_fields);
  json_builder_end_object(builder);
}

/* The first keys of each change, which the first of them names. */
static void add_keys(JsonBuilder *builder, const MoeDifference *d)
{
  moe_json_open_array(builder, "keys");
  for (guint i = 0; i < d->n_changes; i++) {
    const MoeChange *change = &d->changes[i];
    guint more = change->n_keys > MOST_KEYS ? change->n_keys - MOST_KEYS : 0;
    g_autofree char *rest = g_strdup_printf("and %u more", more);

    for (guint k = 0; k < change->n_keys - more; k++)
      add_key(builder, k == 0 ? change->name : NULL, &change->keys[k]);
    if (more > 0)
      add_key(builder, NULL, &(MoeChangedKey){rest, (char *)"", (char *)""});
  }
  json_builder_end_array(builder);
}

static void add_run(JsonBuilder *builder, const char *key, const MoeResult *result)
{
  moe_json_open_object(builder, key);
  moe_json_answer(builder, result);
  json_builder_end_object(builder);
}

/* `page`: with the rows of its tables. */
static JsonNode *describe_difference(const MoeDifference *d, gboolean page)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  add_run(builder, "before", d->before);
  add_run(builder, "after", d->after);
  moe_json_open_array(builder, "changes");
  add_changes(builder, d);
  json_builder_end_array(builder);
  moe_json_number(builder, "mfu_interaction", d->mfu_interaction);
  moe_json_number(builder, "mfu_total", d->after->mfu_causal - d->before->mfu_causal);
  moe_json_integer(builder, "simulations", d->n_simulations);
  if (page)
    add_rows(builder, d);
  if (page)
    add_keys(builder, d);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

/* ---- page -------------------------------------------------------------------------------------------------------- */

static char *before_text(JsonObject *record)
{
  return moe_record_answer(json_object_get_object_member(record, "before"));
}

static char *after_text(JsonObject *record)
{
  return moe_record_answer(json_object_get_object_member(record, "after"));
}

static char *too_large(JsonObject *change)
{
  return g_strdup(moe_record_find(change, "in_order") && !moe_record_flag(change, "in_order.fits") ? "no" : "");
}

static char *count_keys(JsonObject *change)
{
  return g_strdup_printf("%u", json_array_get_length(json_object_get_array_member(change, "keys")));
}

static const MoeColumn csv[] = {
    {"change", "change", "l"},
    {"keys", .place = "l", .text = count_keys},
    {"alone_mfu_causal", "alone.mfu_causal", "l"},
    {"alone_step_time_s", "alone.step_time_s", "l"},
    {"in_order_mfu_causal", "in_order.mfu_causal", "l"},
    {"in_order_step_time_s", "in_order.step_time_s", "l"},
};

static const MoeColumn columns[] = {
    {"change", "change", "w"},
    {"alone: MFU", "alone.mfu_causal", "r", "%"},
    {"points", "alone.mfu_change", "r", "pt"},
    {"factor", "alone.mfu_factor", "r", "x %.3f"},
    {"in order: MFU", "in_order.mfu_causal", "r", "%"},
    {"points", "in_order.mfu_change", "r", "pt"},
    {"factor", "in_order.mfu_factor", "r", "x %.3f"},
    {"fits", .place = "l", .text = too_large},
};

#define BOTH                                                                                                           \
  {MOE_SAY("before  ")}, {MOE_SAID(before_text)}, {MOE_SAY("\nafter   ")},                                             \
  {                                                                                                                    \
    MOE_SAID(after_text)                                                                                               \
  }

char *moe_report_difference(const MoeDifference *d, MoeSheet sheet)
{
  static const MoePassage same[] = {BOTH, {MOE_SAY("\n\nNo key differs that bears on a step.\n")}};
  static const MoePassage page[] = {
      BOTH,
      {MOE_SAY("\n\n")},
      {MOE_ROWS("rows", columns)},
      {MOE_SAY("\n")},
      {MOE_ROWS("keys", key_fields)},
      {.list = "changes", .each = {.text = "Only together: {change} ({why_together})\n", .when = "only_together"}},
      {MOE_SAY("{simulations} simulations.\n")},
  };
  static const MoeForms forms = {MOE_PAGE(page), MOE_CSV("changes", csv)},
                        alike = {MOE_PAGE(same), MOE_CSV("changes", csv)};
  JsonNode *record = describe_difference(d, sheet.format == MOE_FORMAT_TABLE);

  return moe_record_emit(record, d->n_changes > 0 ? &forms : &alike, sheet);
}
