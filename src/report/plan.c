/* A plan: record, table, and what to run. */
#include "report/describe.h"
#include "report/findings.h"

#include <math.h>
#include <string.h>

#define SECONDS_PER_DAY 86400.0
#define DECIDING        3     /* assumptions named under a plan */
#define LEAST_SWING     0.005 /* of the MFU, relative: smaller ones decide nothing */

/* ---- record ------------------------------------------------------------------------------------------------------ */

/* Under keys of their own, "wall_s.p10". */
static void add_spread(JsonBuilder *builder, const char *key, const MoeQuantiles *q)
{
  const double values[] = {q->p10, q->p50, q->p90};
  static const char *const names[] = {"p10", "p50", "p90"};

  for (guint i = 0; i < G_N_ELEMENTS(values); i++) {
    g_autofree char *whole = g_strdup_printf("%s.%s", key, names[i]);

    moe_json_number(builder, whole, values[i]);
  }
}

static void add_model_error(JsonBuilder *builder, const MoeModelError *error)
{
  moe_json_open_object(builder, "model_error");
  moe_json_integer(builder, "cases", error->n_cases);
  moe_json_integer(builder, "families", error->n_families);
  moe_json_text(builder, "like", error->like);
  json_builder_end_object(builder);
}

/* The training on GPUs that are bought; null where the purchase price is not known. */
static void add_owned(JsonBuilder *builder, const MoePlanRow *row)
{
  const MoeQuantiles *wall = &row->certainty.wall_s;
  double hours = (double)row->gpus / MOE_SECONDS_PER_HOUR;
  gboolean known = row->owned.price > 0;

  moe_json_number(builder, "owned_dollars.p50", known ? row->owned.price * wall->p50 * hours : NAN);
  moe_json_number(builder, "owned_dollars.lowest", known ? row->owned.low * wall->p10 * hours : NAN);
  moe_json_number(builder, "owned_dollars.highest", known ? row->owned.high * wall->p90 * hours : NAN);
}

static void add_machine(JsonBuilder *builder, const MoePlanRow *row)
{
  gboolean hosts;
  int64_t racks = moe_plan_racks(&row->run->cluster, row->gpus, &hosts);

  moe_json_number(builder, "megawatts", row->megawatts);
  moe_json_number(builder, "price_gpu_hour_dollars", row->economy.price_gpu_hour);
  moe_json_number(builder, "owned_gpu_hour_dollars", row->owned.price > 0 ? row->owned.price : NAN);
  moe_json_number(builder, "owned_gpu_hour_dollars.lowest", row->owned.price > 0 ? row->owned.low : NAN);
  moe_json_number(builder, "owned_gpu_hour_dollars.highest", row->owned.price > 0 ? row->owned.high : NAN);
  add_owned(builder, row);
  moe_json_number(builder, "memory_bytes", row->result->memory.peak_bytes);
  moe_json_number(builder, "racks", (double)racks);
  moe_json_text(builder, "racks_are", hosts ? "hosts" : racks == 1 ? "rack" : "racks");
}

static void add_answer(JsonBuilder *builder, const MoePlanRow *row, const char *const *prefix)
{
  g_autofree char *command = moe_report_plan_command(row, prefix);

  moe_json_number(builder, "step_time_s.predicted", row->result->step_time_s);
  add_spread(builder, "step_time_s", &row->certainty.step_time_s);
  moe_json_number(builder, "mfu_causal.predicted", row->result->mfu_causal);
  add_spread(builder, "mfu_causal", &row->certainty.mfu_causal);
  moe_json_number(builder, "mfu_full.predicted", row->result->mfu_full);
  add_spread(builder, "mfu_full", &row->certainty.mfu_full);
  add_spread(builder, "wall_s", &row->certainty.wall_s);
  add_spread(builder, "dollars", &row->dollars);
  moe_json_number(builder, "dollars.lowest", row->least_dollars);
  moe_json_number(builder, "dollars.highest", row->most_dollars);
  add_spread(builder, "energy_mwh", &row->mwh);
  add_machine(builder, row);
  moe_json_number(builder, "chance", row->certainty.chance);
  moe_json_words(builder, "step_time_shares", moe_doubt_words, row->certainty.step_share, MOE_N_DOUBTS);
  moe_json_words(builder, "wall_shares", moe_doubt_words, row->certainty.wall_share, MOE_N_DOUBTS);
  add_model_error(builder, &row->model_error);
  moe_json_bool(builder, "search_complete", row->search_complete);
  moe_json_integer(builder, "layouts_not_reached", row->n_not_reached);
  moe_json_bool(builder, "enumeration_cut_short", row->cut_short);
  moe_json_texts(builder, "set", (const char *const *)row->sets);
  moe_json_text(builder, "command", command);
}

static void add_row(JsonBuilder *builder, const MoePlanRow *row, const char *const *prefix)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "cluster", row->result ? row->result->cluster : row->cluster);
  moe_json_integer(builder, "gpus", row->gpus);
  moe_json_text(builder, "error", row->failure);
  if (row->result)
    moe_json_integer(builder, "global_batch", row->result->global_batch);
  else
    moe_json_text(builder, "global_batch", NULL);
  if (row->result)
    add_answer(builder, row, prefix);
  json_builder_end_object(builder);
}

static const MoeColumn swing_fields[] = {
    {NULL, "key", MOE_AT(MoeSwing, key)},
    {NULL, "low", MOE_AT(MoeSwing, low)},
    {NULL, "mfu_causal_low", MOE_AT(MoeSwing, mfu_low)},
    {NULL, "high", MOE_AT(MoeSwing, high)},
    {NULL, "mfu_causal_high", MOE_AT(MoeSwing, mfu_high)},
    {NULL, "why", MOE_AT(MoeSwing, why)},
};

static JsonNode *describe_plan(const MoePlan *plan, const char *const *prefix)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_number(builder, "tokens", plan->tokens);
  moe_json_number(builder, "deadline_s", plan->deadline_s > 0 ? plan->deadline_s : NAN);
  moe_json_number(builder, "budget_dollars", plan->budget_dollars > 0 ? plan->budget_dollars : NAN);
  moe_json_integer(builder, "smallest", plan->smallest);
  moe_json_integer(builder, "likely", plan->likely);
  moe_json_integer(builder, "decided", plan->decided);
  moe_json_open_array(builder, "rows");
  for (guint r = 0; r < plan->n_rows; r++)
    add_row(builder, &plan->rows[r], prefix);
  json_builder_end_array(builder);
  MOE_LIST(builder, "deciding", plan->deciding ? plan->deciding->swings : NULL,
           plan->deciding ? plan->deciding->n_swings : 0, swing_fields);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

/* ---- table ------------------------------------------------------------------------------------------------------- */

static char *cluster_or_own(JsonObject *row)
{
  const char *cluster = moe_record_text(row, "cluster");

  return g_strdup(cluster ? cluster : "the run's own");
}

static char *racks_text(JsonObject *row)
{
  char *racks = moe_record_say(row, "{racks|%.0f} {racks_are}");

  return racks ? racks : g_strdup("-");
}

static const MoeColumn columns[] = {
    {"cluster", .place = "l", .text = cluster_or_own},
    {"GPUs", "gpus", "r", "text"},
    {"batch", "global_batch", "r2", "text"},
    {"racks", .place = "r2", .text = racks_text},
    {"MFU causal", "mfu_causal.predicted", "r", "%", .low = "mfu_causal.p10", .high = "mfu_causal.p90"},
    {"step", "step_time_s.predicted", "r", "s", .low = "step_time_s.p10", .high = "step_time_s.p90"},
    {"days", "wall_s.p50", "r", "d", .low = "wall_s.p10", .high = "wall_s.p90"},
    {"cost", "dollars.p50", "r", "$", .low = "dollars.lowest", .high = "dollars.highest"},
    {"owned", "owned_dollars.p50", "r3?", "$", .low = "owned_dollars.lowest", .high = "owned_dollars.highest"},
    {"energy", "energy_mwh.p50", "r", "MWh", .low = "energy_mwh.p10", .high = "energy_mwh.p90"},
    {"MW", "megawatts", "r1", "MW"},
    {"memory", "memory_bytes", "r", "B"},
    {"in time", "chance", "r?", "%"},
};

/* ---- what the answer is ------------------------------------------------------------------------------------------ */

static char *name_of(const MoePlanRow *row)
{
  return g_strdup_printf("%" G_GINT64_FORMAT " GPUs of %s", row->gpus, row->result->cluster);
}

static char *goal_text(const MoePlan *plan)
{
  g_autofree char *days = moe_quantity_format(plan->deadline_s, MOE_DIM_SECONDS);
  g_autofree char *dollars = moe_dollars_format(plan->budget_dollars);

  return g_strdup_printf("%s%s%s", plan->deadline_s > 0 ? days : "",
                         plan->deadline_s > 0 && plan->budget_dollars > 0 ? " and " : "",
                         plan->budget_dollars > 0 ? dollars : "");
}

static void append_one(GString *text, const MoePlan *plan, int row, const char *how)
{
  g_autofree char *name = row >= 0 ? name_of(&plan->rows[row]) : NULL;
  g_autofree char *goal = goal_text(plan);

  if (row >= 0)
    g_string_append_printf(text, "Smallest that keeps %s in %s: %s.\n", goal, how, name);
  else
    g_string_append_printf(text, "None keeps %s in %s.\n", goal, how);
}

static void append_answer(GString *text, const MoePlan *plan)
{
  if (plan->deadline_s <= 0 && plan->budget_dollars <= 0)
    return;
  g_string_append_c(text, '\n');
  append_one(text, plan, plan->smallest, "nine cases of ten");
  if (plan->likely != plan->smallest)
    append_one(text, plan, plan->likely, "every other case");
}

static char *days_range(const MoeQuantiles *q)
{
  return g_strdup_printf("%.1f (%.1f to %.1f)", q->p50 / SECONDS_PER_DAY, q->p10 / SECONDS_PER_DAY,
                         q->p90 / SECONDS_PER_DAY);
}

static char *doubts_text(const double *share)
{
  static const char *const words[MOE_N_DOUBTS] = {"assumptions", "the model's own error", "failures"};
  GString *text = g_string_new(NULL);

  for (guint d = 0; d < MOE_N_DOUBTS; d++)
    g_string_append_printf(text, "%s%s %.0f %%", d > 0 ? ", " : "", words[d], 100 * share[d]);
  return g_string_free(text, FALSE);
}

static void append_model_error(GString *text, const MoeCertainty *certainty, const MoeModelError *error)
{
  if (certainty->learned)
    g_string_append(text, "The model's error is what the posterior says.\n");
  else if (error->n_cases > 0)
    g_string_append_printf(text, "The model's error is that of %u published runs in %u families: %s.\n", error->n_cases,
                           error->n_families, error->like);
  else
    g_string_append(text, "The model's own error is not known (no validation/baseline/residuals.yaml) and left out.\n");
}

char *moe_report_doubts(const MoeCertainty *certainty, const MoeModelError *error)
{
  GString *text = g_string_new(NULL);
  g_autofree char *days = days_range(&certainty->wall_s), *doubts = doubts_text(certainty->wall_share);

  g_string_append_printf(text, "All told %s days, P10 to P90 in brackets: %s.\n", days, doubts);
  append_model_error(text, certainty, error);
  return g_string_free(text, FALSE);
}

static void append_doubts(GString *text, const MoePlan *plan)
{
  const MoePlanRow *row = &plan->rows[plan->decided];
  g_autofree char *name = name_of(row), *doubts = doubts_text(row->certainty.wall_share);
  g_autofree char *deciding = plan->deciding ? moe_report_deciding(plan->deciding, DECIDING) : NULL;

  g_string_append_printf(text, "\nP10 to P90 in brackets. What makes them, for %s: %s.\n", name, doubts);
  append_model_error(text, &row->certainty, &row->model_error);
  if (deciding && *deciding)
    g_string_append_printf(text, "Assumptions that decide most:\n%s", deciding);
}

char *moe_report_deciding(const MoeSensitivity *sensitivity, guint n)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < MIN(n, sensitivity->n_swings); i++) {
    const MoeSwing *swing = &sensitivity->swings[i];

    if (!swing->low || !(swing->mfu_high - swing->mfu_low >= LEAST_SWING * swing->mfu_high))
      break;
    g_string_append_printf(text, "  %s: %.1f %% MFU at %s, %.1f %% at %s\n", swing->key, 100 * swing->mfu_low,
                           swing->low, 100 * swing->mfu_high, swing->high);
  }
  return g_string_free(text, FALSE);
}

/* ---- prices ------------------------------------------------------------------------------------------------------ */

/* The first row with an answer on its cluster. */
static gboolean is_first(const MoePlan *plan, guint r)
{
  const MoePlanRow *rows = plan->rows;

  if (rows[r].failure)
    return FALSE;
  for (guint before = 0; before < r; before++)
    if (!rows[before].failure && strcmp(rows[before].result->cluster, rows[r].result->cluster) == 0)
      return FALSE;
  return TRUE;
}

/* Whether a price stands where its source does: one that was set, or said in another file, is not of that source. */
static gboolean is_sourced(const MoeRun *run, const char *price, const char *source)
{
  return g_strcmp0(moe_run_mark(run, price).file, moe_run_mark(run, source).file) == 0;
}

static void append_origin(GString *text, const char *date, const char *source)
{
  g_string_append_printf(text, "%s%s", date ? ", " : "", date ? date : "");
  g_string_append_printf(text, "%s%s", source ? ": " : "", source ? source : "");
}

static void append_price(GString *text, const MoePlanRow *row)
{
  const MoeCluster *cluster = &row->run->cluster;

  if (row->economy.price_gpu_hour <= 0) {
    g_string_append_printf(text, "  %s: price unknown, --price or cluster.price.gpu_hour gives one\n",
                           row->result->cluster);
    return;
  }
  g_string_append_printf(text, "  %s: $%.2f", row->result->cluster, row->economy.price_gpu_hour);
  if (row->economy.price_gpu_hour == cluster->price_gpu_hour) {
    if (cluster->price_high > 0)
      g_string_append_printf(text, " ($%.2f to $%.2f)", cluster->price_low, cluster->price_high);
    if (is_sourced(row->run, "cluster.price.gpu_hour", "cluster.price.source"))
      append_origin(text, cluster->price_date, cluster->price_source);
  }
  g_string_append_c(text, '\n');
}

static void append_owned(GString *text, const MoePlanRow *row)
{
  const MoeCluster *cluster = &row->run->cluster;
  g_autofree char *purchase = moe_dollars_format(cluster->purchase);

  if (row->owned.price <= 0) {
    g_string_append_printf(text, "  %s: purchase unknown, --own or cluster.price.purchase gives one\n",
                           row->result->cluster);
    return;
  }
  g_string_append_printf(text, "  %s: $%.2f ($%.2f to $%.2f): %s per GPU", row->result->cluster, row->owned.price,
                         row->owned.low, row->owned.high, purchase);
  if (is_sourced(row->run, "cluster.price.purchase", "cluster.price.purchase_source"))
    append_origin(text, cluster->purchase_date, cluster->purchase_source);
  g_string_append_c(text, '\n');
}

/* What the column of costs is made of. */
static void append_costs(GString *text, const MoePlan *plan)
{
  g_autofree char *purchase = moe_dollars_format(plan->own.purchase);

  if (plan->own.purchase > 0)
    g_string_append_printf(text,
                           "Owned at %s per GPU, written off over %g years, power at $%.2f per kWh; per GPU-hour:\n",
                           purchase, plan->own.years, plan->own.kwh);
  else
    g_string_append(text, "Rent per GPU-hour:\n");
  for (guint r = 0; r < plan->n_rows; r++)
    if (is_first(plan, r))
      append_price(text, &plan->rows[r]);
}

static void append_prices(GString *text, const MoePlan *plan)
{
  append_costs(text, plan);
  if (plan->own.purchase > 0)
    return;
  g_string_append_printf(text,
                         "Owned instead, per GPU-hour, written off over %g years (%g to %g), power at $%.2f per kWh "
                         "(%.2f to %.2f):\n",
                         MOE_OWN_YEARS, MOE_OWN_YEARS_LEAST, MOE_OWN_YEARS_MOST, MOE_OWN_KWH, MOE_OWN_KWH_LEAST,
                         MOE_OWN_KWH_MOST);
  for (guint r = 0; r < plan->n_rows; r++)
    if (is_first(plan, r))
      append_owned(text, &plan->rows[r]);
}

/* ---- how to run it ----------------------------------------------------------------------------------------------- */

static void append_word(GString *text, const char *word)
{
  gboolean plain =
      *word && word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,%+@")] == '\0';
  g_autofree char *quoted = plain ? g_strdup(word) : g_shell_quote(word);

  g_string_append_printf(text, " %s", quoted);
}

char *moe_report_plan_command(const MoePlanRow *row, const char *const *prefix)
{
  GString *text = g_string_new("moesim run");

  for (; *prefix; prefix++)
    append_word(text, *prefix);
  if (row->cluster) {
    g_string_append(text, " --cluster");
    append_word(text, row->cluster);
  }
  g_string_append_printf(text, " --gpus %" G_GINT64_FORMAT, row->gpus);
  for (char **set = row->sets; set && *set; set++) {
    g_string_append(text, " --set");
    append_word(text, *set);
  }
  return g_string_free(text, FALSE);
}

static void append_row_notes(GString *text, const MoePlan *plan, const char *const *prefix)
{
  for (guint r = 0; r < plan->n_rows; r++) {
    const MoePlanRow *row = &plan->rows[r];
    g_autofree char *command = row->failure ? NULL : moe_report_plan_command(row, prefix);

    if (row->failure)
      g_string_append_printf(text, "  %s, %" G_GINT64_FORMAT " GPUs: no answer: %s\n",
                             row->cluster ? row->cluster : "the run's own", row->gpus, row->failure);
    else if (row->search_complete)
      g_string_append_printf(text, "  %s\n", command);
    else
      g_string_append_printf(text, "  %s\n    out of time: %u layouts%s were not looked at\n", command,
                             row->n_not_reached, row->cut_short ? " and those not listed" : "");
  }
}

/* What stands under the rows. */
static char *notes(const MoePlan *plan, const char *const *prefix)
{
  GString *text = g_string_new(NULL);

  append_answer(text, plan);
  if (plan->decided >= 0)
    append_doubts(text, plan);
  if (plan->decided >= 0)
    append_prices(text, plan);
  g_string_append(text, "Rows as runs:\n");
  append_row_notes(text, plan, prefix);
  return g_string_free(text, FALSE);
}

char *moe_report_plan(const MoePlan *plan, const char *const *prefix, MoeSheet sheet)
{
  static const MoePassage page[] = {
      {MOE_SAY("{tokens|count} tokens; the best layout found for each cluster and size\n\n")},
      {MOE_ROWS("rows", columns)},
      {MOE_SAY("{notes}")},
  };
  static const MoeForms forms = {MOE_PAGE(page), .rows = "rows"};
  JsonNode *record = describe_plan(plan, prefix);
  g_autofree char *under = sheet.format == MOE_FORMAT_TABLE ? notes(plan, prefix) : NULL;

  if (under)
    json_object_set_string_member(json_node_get_object(record), "notes", under);
  return moe_record_emit(record, &forms, sheet);
}
