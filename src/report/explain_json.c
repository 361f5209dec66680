/* Explanations and differences as JSON. */
#include "report/findings.h"

#include "report/json.h"

#include <json-glib/json-glib.h>

#include <math.h>

static void add_result(JsonBuilder *builder, const char *key, const MoeResult *result)
{
  if (key)
    moe_json_open_object(builder, key);
  moe_json_text(builder, "run", result->run);
  moe_json_text(builder, "variant", result->variant);
  moe_json_text(builder, "cluster", result->cluster);
  moe_json_text(builder, "stack", result->stack);
  moe_json_integer(builder, "gpus", result->gpus);
  moe_json_integer(builder, "seed", (gint64)result->seed);
  moe_json_number(builder, "step_time_s", result->step_time_s);
  moe_json_open_object(builder, "mfu");
  moe_json_number(builder, "causal", result->mfu_causal);
  moe_json_number(builder, "full", result->mfu_full);
  json_builder_end_object(builder);
  if (key)
    json_builder_end_object(builder);
}

static void add_cause(JsonBuilder *builder, const MoeExplanation *x, const MoeLossShare *loss)
{
  double step = x->result->step_time_s;

  json_builder_begin_object(builder);
  moe_json_text(builder, "cause", moe_cause_words[loss->cause]);
  moe_json_bool(builder, "present", loss->present);
  moe_json_number(builder, "accounted_s", loss->accounted_s);
  moe_json_number(builder, "alone_s", loss->alone_s);
  moe_json_number(builder, "last_s", loss->last_s);
  moe_json_bool(builder, "joint", loss->joint);
  moe_json_number(builder, "mfu_causal_without", x->result->mfu_causal * step / (step - loss->alone_s));
  moe_json_number(builder, "share_s", loss->share_s);
  moe_json_number(builder, "share_of_step", loss->share_s / step);
  moe_json_number(builder, "standard_error_s", loss->error_s);
  json_builder_end_object(builder);
}

char *moe_report_explanation_json(const MoeExplanation *x)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  add_result(builder, NULL, x->result);
  moe_json_open_array(builder, "causes");
  for (guint c = 0; c < x->n_causes; c++)
    add_cause(builder, x, &x->causes[c]);
  json_builder_end_array(builder);
  moe_json_open_object(builder, "left_s");
  for (guint c = 0; c < MOE_N_CAUSES; c++)
    moe_json_number(builder, moe_cause_words[c], x->left_s[c]);
  json_builder_end_object(builder);
  moe_json_number(builder, "ideal_step_time_s", x->ideal_s);
  moe_json_number(builder, "interaction_s", x->interaction_s);
  moe_json_text(builder, "method", x->n_orders == 0 ? "all orders" : "sampled orders");
  moe_json_integer(builder, "orders", x->n_orders);
  moe_json_integer(builder, "simulations", x->n_simulations);
  json_builder_end_object(builder);
  return moe_json_finish(builder);
}

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

char *moe_report_difference_json(const MoeDifference *d)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  double mfu = d->before->mfu_causal;

  json_builder_begin_object(builder);
  add_result(builder, "before", d->before);
  add_result(builder, "after", d->after);
  moe_json_open_array(builder, "changes");
  for (guint i = 0; i < d->n_changes; i++) {
    const MoeChange *change = &d->changes[i];

    json_builder_begin_object(builder);
    moe_json_text(builder, "change", change->name);
    moe_json_bool(builder, "only_together", change->merged);
    moe_json_text(builder, "why_together", change->merged_why);
    add_effect(builder, "alone", &change->alone, d->before->mfu_causal);
    add_effect(builder, "in_order", &change->in_order, mfu);
    add_keys(builder, change);
    json_builder_end_object(builder);
    mfu = change->in_order.mfu_causal;
  }
  json_builder_end_array(builder);
  moe_json_number(builder, "mfu_interaction", d->mfu_interaction);
  moe_json_number(builder, "mfu_total", d->after->mfu_causal - d->before->mfu_causal);
  moe_json_integer(builder, "simulations", d->n_simulations);
  json_builder_end_object(builder);
  return moe_json_finish(builder);
}
