/* Why one run is as slow as it is. */
#include "report/describe.h"

#include <math.h>

/* ---- record ------------------------------------------------------------------------------------------------------ */

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
  moe_json_text(builder, "title", moe_cause_title(loss->cause));
  json_builder_end_object(builder);
}

/* A bar of the waterfall; what is not told of it is NaN. */
typedef struct {
  const char *title;
  double accounted_s, alone_s, mfu_without, share_s, points, down_to;
} Fall;

static const MoeColumn falls[] = {
    {"cause", "title", "w", MOE_AT(Fall, title)},
    {"accounted", "accounted_s", "r", "s", MOE_AT(Fall, accounted_s)},
    {"alone saves", "alone_s", "r", "s", MOE_AT(Fall, alone_s)},
    {"MFU without it", "mfu_causal_without", "r", "%", MOE_AT(Fall, mfu_without)},
    {"mean share", "share_s", "r", "s", MOE_AT(Fall, share_s)},
    {"points", "points", "r", "pt", MOE_AT(Fall, points)},
    {"down to", "down_to", "r", "%", MOE_AT(Fall, down_to)},
};

static void add_fall(JsonBuilder *builder, const Fall *fall)
{
  MOE_LIST(builder, NULL, fall, 1, falls);
}

static void add_loss(JsonBuilder *builder, const MoeExplanation *x, const MoeLossShare *loss, double *level)
{
  double step = x->result->step_time_s, alone_s = loss->alone_s;
  g_autofree char *title = g_strdup_printf("%s%s", moe_cause_title(loss->cause), loss->joint ? " *" : "");

  *level -= loss->share_s / step;
  add_fall(builder, &(Fall){title, loss->accounted_s, alone_s, x->result->mfu_causal * step / (step - alone_s),
                            loss->share_s, -loss->share_s / step, *level});
}

/* What stays when every cause is gone, math apart. */
static void add_left(JsonBuilder *builder, const MoeExplanation *x, MoeCause cause, double *level)
{
  double step = x->result->step_time_s, left_s = x->left_s[cause];
  g_autofree char *title = g_strdup_printf("%s, left with all removed", moe_cause_title(cause));

  if (cause == MOE_CAUSE_MATH || left_s < MOE_SHOWN_SHARE * step)
    return;
  *level -= left_s / step;
  add_fall(builder, &(Fall){title, x->result->cause_s[cause], NAN, NAN, left_s, -left_s / step, *level});
}

static void add_math(JsonBuilder *builder, const MoeExplanation *x)
{
  double step = x->result->step_time_s, uncounted = moe_uncounted_s(x), counted = x->left_s[MOE_CAUSE_MATH] - uncounted;

  if (uncounted != 0)
    add_fall(builder,
             &(Fall){"math that the MFU does not count", uncounted, NAN, NAN, uncounted, uncounted / step, NAN});
  add_fall(builder, &(Fall){"model FLOPs at peak: the MFU", counted, NAN, NAN, counted, counted / step, NAN});
}

/* From 100 % of peak down to the MFU, largest share first. */
static void add_waterfall(JsonBuilder *builder, const MoeExplanation *x)
{
  MoeLossShare shares[MOE_N_CAUSES];
  guint n = moe_loss_shares(x, shares);
  double level = 1;

  moe_json_open_array(builder, "waterfall");
  for (guint i = 0; i < n; i++)
    add_loss(builder, x, &shares[i], &level);
  for (guint c = 0; c < MOE_N_CAUSES; c++)
    add_left(builder, x, (MoeCause)c, &level);
  add_math(builder, x);
  json_builder_end_array(builder);
}

static JsonNode *describe_explanation(const MoeExplanation *x)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_answer(builder, x->result);
  moe_json_open_array(builder, "causes");
  for (guint c = 0; c < x->n_causes; c++)
    add_cause(builder, x, &x->causes[c]);
  json_builder_end_array(builder);
  moe_json_words(builder, "left_s", moe_cause_words, x->left_s, MOE_N_CAUSES);
  moe_json_number(builder, "ideal_step_time_s", x->ideal_s);
  moe_json_number(builder, "interaction_s", x->interaction_s);
  moe_json_text(builder, "method", x->n_orders == 0 ? "all orders" : "sampled orders");
  moe_json_integer(builder, "orders", x->n_orders);
  moe_json_integer(builder, "simulations", x->n_simulations);
  add_waterfall(builder, x);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

/* ---- page -------------------------------------------------------------------------------------------------------- */

static char *absent_causes(JsonObject *record)
{
  JsonArray *causes = json_object_get_array_member(record, "causes");
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < json_array_get_length(causes); i++) {
    JsonObject *cause = json_array_get_object_element(causes, i);

    if (!moe_record_flag(cause, "present"))
      g_string_append_printf(text, "%s%s", text->len ? ", " : "Nothing to remove: ", moe_record_text(cause, "title"));
  }
  if (text->len)
    g_string_append(text, ".\n");
  return g_string_free(text, FALSE);
}

static char *method(JsonObject *record)
{
  JsonArray *causes = json_object_get_array_member(record, "causes");
  double worst = 0;
  gboolean joint = FALSE;

  for (guint i = 0; i < json_array_get_length(causes); i++) {
    JsonObject *cause = json_array_get_object_element(causes, i);

    joint |= moe_record_flag(cause, "joint");
    if (!moe_record_flag(cause, "joint"))
      worst = MAX(worst, moe_record_number(cause, "standard_error_s"));
  }
  g_autofree char *error = moe_quantity_format(worst, MOE_DIM_SECONDS);
  g_autofree char *sampled = moe_record_say(record, "{orders} sampled orders of removal");
  g_autofree char *orders = moe_record_flag(record, "orders")
                                ? g_strdup_printf("%s (standard error up to %s)", sampled, error)
                                : g_strdup("all orders of removal");
  g_autofree char *simulations = moe_record_say(record, "{simulations} simulations.");

  return g_strdup_printf("\nMean share: Shapley value over %s, %s%s", orders, simulations,
                         joint ? "\n* too small to be ordered singly: removed together, divided between first and last."
                               : "");
}

static char *interaction(JsonObject *record)
{
  double seconds = moe_record_number(record, "interaction_s");
  g_autofree char *size = moe_quantity_format(fabs(seconds), MOE_DIM_SECONDS);

  return g_strdup_printf("\nInteraction: %s %s.\n", size,
                         seconds >= 0 ? "go only when several causes are removed together"
                                      : "are counted more than once by the causes alone");
}

char *moe_report_explanation(const MoeExplanation *x, MoeSheet sheet)
{
  static const MoeColumn csv[] = {
      {"cause", "cause", "l"},
      {"present", "present", "l"},
      {"accounted_s", "accounted_s", "l"},
      {"alone_s", "alone_s", "l"},
      {"last_s", "last_s", "l"},
      {"share_s", "share_s", "l"},
      {"error_s", "standard_error_s", "l"},
  };
  static const MoePassage page[] = {
      {MOE_SAID(moe_record_answer)}, {MOE_SAY("\n\n")},         {MOE_ROWS("waterfall", falls)}, {MOE_SAID(method)},
      {MOE_SAID(interaction)},       {MOE_SAID(absent_causes)},
  };
  static const MoeForms forms = {MOE_PAGE(page), MOE_CSV("causes", csv)};

  return moe_record_emit(describe_explanation(x), &forms, sheet);
}
