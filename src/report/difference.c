/* What makes two runs differ. */
#include "findings.h"
#include "record/json.h"
#include "record/tables.h"
#include <moesim/report.h>

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

static void add_keys(JsonBuilder *builder, const MoeChange *change)
{
  moe_json_open_array(builder, "keys");
  for (guint k = 0; k < change->n_keys; k++) {
    json_builder_begin_object(builder);
    moe_json_text(builder, "key", change->keys[k].path);
    moe_json_text(builder, "before", change->keys[k].before);
    moe_json_text(builder, "after", change->keys[k].after);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

static void add_change(JsonBuilder *builder, const MoeDifference *d, const MoeChange *change, double mfu_before)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "change", change->name);
  moe_json_bool(builder, "only_together", change->merged);
  moe_json_text(builder, "why_together", change->merged_why);
  add_effect(builder, "alone", &change->alone, d->before->mfu_causal);
  add_effect(builder, "in_order", &change->in_order, mfu_before);
  add_keys(builder, change);
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

static void add_run(JsonBuilder *builder, const char *key, const MoeResult *result)
{
  moe_json_open_object(builder, key);
  moe_json_answer(builder, result);
  json_builder_end_object(builder);
}

static JsonNode *describe_difference(const MoeDifference *d)
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
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

char *moe_report_difference_json(const MoeDifference *d)
{
  g_autoptr(JsonNode) record = describe_difference(d);

  return moe_record_json(record);
}

static char *count_keys(JsonObject *change)
{
  return g_strdup_printf("%u", json_array_get_length(json_object_get_array_member(change, "keys")));
}

char *moe_report_difference_csv(const MoeDifference *d)
{
  static const MoeColumn columns[] = {
      {"change", "change", "l"},
      {"keys", .place = "l", .text = count_keys},
      {"alone_mfu_causal", "alone.mfu_causal", "l"},
      {"alone_step_time_s", "alone.step_time_s", "l"},
      {"in_order_mfu_causal", "in_order.mfu_causal", "l"},
      {"in_order_step_time_s", "in_order.step_time_s", "l"},
  };
  g_autoptr(JsonNode) record = describe_difference(d);

  return moe_record_csv(moe_record_list(record, "changes"), columns, G_N_ELEMENTS(columns));
}

/* ---- table ------------------------------------------------------------------------------------------------------- */

/* What is left between the changes alone and all of them. */
static void add_interaction(JsonBuilder *builder, const MoeDifference *d)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "change", "interaction");
  moe_json_open_object(builder, "alone");
  moe_json_number(builder, "mfu_change", d->mfu_interaction);
  json_builder_end_object(builder);
  json_builder_end_object(builder);
}

static void add_total(JsonBuilder *builder, const MoeDifference *d)
{
  const MoeEffect total = {.step_time_s = d->after->step_time_s,
                           .mfu_causal = d->after->mfu_causal,
                           .tokens_per_s_per_gpu = d->after->tokens_per_s_per_gpu,
                           .fits = d->after->memory.fits};

  json_builder_begin_object(builder);
  moe_json_text(builder, "change", "total");
  add_effect(builder, "in_order", &total, d->before->mfu_causal);
  json_builder_end_object(builder);
}

static char *too_large(JsonObject *change)
{
  return g_strdup(moe_record_find(change, "in_order") && !moe_record_flag(change, "in_order.fits") ? "no" : "");
}

static char *change_rows(const MoeDifference *d, MoeSheet sheet)
{
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
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  add_changes(builder, d);
  add_interaction(builder, d);
  add_total(builder, d);
  json_builder_end_array(builder);
  g_autoptr(JsonNode) rows = json_builder_get_root(builder);

  return moe_record_rows(json_node_get_array(rows), columns, G_N_ELEMENTS(columns), sheet);
}

static void add_key_rows(MoeTable *table, const MoeChange *change)
{
  for (guint k = 0; k < MIN(change->n_keys, MOST_KEYS); k++) {
    moe_table_add(table, k == 0 ? change->name : NULL);
    moe_table_add(table, change->keys[k].path);
    moe_table_add(table, change->keys[k].before ? change->keys[k].before : "-");
    moe_table_add(table, change->keys[k].after ? change->keys[k].after : "-");
  }
  if (change->n_keys > MOST_KEYS) {
    moe_table_add(table, NULL);
    moe_table_take(table, g_strdup_printf("and %u more", change->n_keys - MOST_KEYS));
    moe_table_add(table, NULL);
    moe_table_add(table, NULL);
  }
}

static char *key_rows(const MoeDifference *d, MoeSheet sheet)
{
  static const char *const titles[] = {"change", "key", "before", "after", NULL};
  g_autoptr(MoeTable) table = moe_table_new("wwww");

  moe_table_header(table, titles);
  for (guint i = 0; i < d->n_changes; i++)
    add_key_rows(table, &d->changes[i]);
  return moe_table_format(table, sheet);
}

/* Why some mechanisms stand together. */
static char *merge_notes(const MoeDifference *d)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < d->n_changes; i++)
    if (d->changes[i].merged)
      g_string_append_printf(text, "Only together: %s (%s)\n", d->changes[i].name, d->changes[i].merged_why);
  return g_string_free(text, FALSE);
}

char *moe_report_difference_table(const MoeDifference *d, MoeSheet sheet)
{
  g_autoptr(JsonNode) record = describe_difference(d);
  g_autofree char *before =
      moe_record_answer(json_node_get_object(moe_record_find(json_node_get_object(record), "before")));
  g_autofree char *after =
      moe_record_answer(json_node_get_object(moe_record_find(json_node_get_object(record), "after")));

  if (d->n_changes == 0)
    return g_strdup_printf("before  %s\nafter   %s\n\nNo key differs that bears on a step.\n", before, after);
  g_autofree char *rows = change_rows(d, sheet);
  g_autofree char *keys = key_rows(d, sheet);
  g_autofree char *notes = merge_notes(d);

  return g_strdup_printf("before  %s\nafter   %s\n\n%s\n%s%s%u simulations.\n", before, after, rows, keys, notes,
                         d->n_simulations);
}
