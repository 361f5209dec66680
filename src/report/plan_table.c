/* A plan as a page. */
#include "report/goodput.h"
#include "report/plan.h"
#include <math.h>
#include <moesim/report.h>
#include <string.h>

#define SECONDS_PER_DAY 86400.0
#define DECIDING        3     /* assumptions named under a plan */
#define LEAST_SWING     0.005 /* of the MFU, relative: smaller ones decide nothing */

/* ---- cells ------------------------------------------------------------------------------------------------------- */

static void add_percent(MoeTable *table, double value, const MoeQuantiles *q)
{
  moe_table_percent(table, value);
  moe_table_between(table, q->p10, q->p90);
}

static void add_seconds(MoeTable *table, double value, const MoeQuantiles *q)
{
  moe_table_quantity(table, value, MOE_DIM_SECONDS);
  moe_table_between(table, q->p10, q->p90);
}

static void add_days(MoeTable *table, const MoeQuantiles *q)
{
  moe_table_number(table, q->p50 / SECONDS_PER_DAY);
  moe_table_between(table, q->p10 / SECONDS_PER_DAY, q->p90 / SECONDS_PER_DAY);
}

static void add_dollars(MoeTable *table, const MoePlanRow *row)
{
  moe_table_dollars(table, row->dollars.p50);
  if (row->dollars.p50 > 0)
    moe_table_between(table, row->least_dollars, row->most_dollars);
}

static void add_energy(MoeTable *table, const MoeQuantiles *q)
{
  moe_table_mwh(table, q->p50);
  if (q->p50 > 0)
    moe_table_between(table, q->p10, q->p90);
}

static char *days_range(const MoeQuantiles *q)
{
  return g_strdup_printf("%.1f (%.1f to %.1f)", q->p50 / SECONDS_PER_DAY, q->p10 / SECONDS_PER_DAY,
                         q->p90 / SECONDS_PER_DAY);
}

static char *racks_text(const MoePlanRow *row)
{
  gboolean hosts;
  int64_t n = moe_plan_racks(&row->run->cluster, row->gpus, &hosts);

  return g_strdup_printf("%" G_GINT64_FORMAT " %s", n, hosts ? "hosts" : n == 1 ? "rack" : "racks");
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static const char *const titles[] = {"cluster", "GPUs", "batch",  "racks", "MFU causal", "step",
                                     "days",    "cost", "energy", "MW",    "memory",     "in time, %"};
#define N_COLUMNS G_N_ELEMENTS(titles)

static char *chance_text(const MoePlan *plan, const MoePlanRow *row)
{
  return plan->deadline_s > 0 ? g_strdup_printf("%.0f", 100 * row->certainty.chance) : g_strdup("-");
}

static void add_answer(MoeTable *table, const MoePlan *plan, const MoePlanRow *row)
{
  moe_table_add(table, row->result->cluster);
  moe_table_whole(table, row->gpus);
  moe_table_whole(table, row->result->global_batch);
  moe_table_take(table, racks_text(row));
  add_percent(table, row->result->mfu_causal, &row->certainty.mfu_causal);
  add_seconds(table, row->result->step_time_s, &row->certainty.step_time_s);
  add_days(table, &row->certainty.wall_s);
  add_dollars(table, row);
  add_energy(table, &row->mwh);
  moe_table_number(table, row->megawatts > 0 ? row->megawatts : NAN);
  moe_table_quantity(table, row->result->memory.peak_bytes, MOE_DIM_BYTES);
  moe_table_take(table, chance_text(plan, row));
}

static void add_failure(MoeTable *table, const MoePlanRow *row)
{
  moe_table_add(table, row->cluster ? row->cluster : "the run's own");
  moe_table_take(table, row->gpus > 0 ? g_strdup_printf("%" G_GINT64_FORMAT, row->gpus) : g_strdup("-"));
  for (guint i = 2; i < N_COLUMNS; i++)
    moe_table_add(table, "-");
}

static MoeTable *rows_table(const MoePlan *plan)
{
  MoeTable *table = moe_table_new("lrr2r2rrrrrr1rr");

  for (guint i = 0; i < N_COLUMNS; i++)
    moe_table_add(table, titles[i]);
  for (guint r = 0; r < plan->n_rows; r++) {
    if (plan->rows[r].failure)
      add_failure(table, &plan->rows[r]);
    else
      add_answer(table, plan, &plan->rows[r]);
  }
  return table;
}

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

static char *doubts_text(const double *share)
{
  static const char *const words[MOE_N_DOUBTS] = {"assumptions", "the model's own error", "failures"};
  GString *text = g_string_new(NULL);

  for (guint d = 0; d < MOE_N_DOUBTS; d++)
    g_string_append_printf(text, "%s%s %.0f %%", d > 0 ? ", " : "", words[d], 100 * share[d]);
  return g_string_free(text, FALSE);
}

static void append_model_error(GString *text, const MoeModelError *error)
{
  if (error->n_cases > 0)
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
  append_model_error(text, error);
  return g_string_free(text, FALSE);
}

static void append_doubts(GString *text, const MoePlan *plan)
{
  const MoePlanRow *row = &plan->rows[plan->decided];
  g_autofree char *name = name_of(row), *doubts = doubts_text(row->certainty.wall_share);
  g_autofree char *deciding = plan->deciding ? moe_report_deciding(plan->deciding, DECIDING) : NULL;

  g_string_append_printf(text, "\nP10 to P90 in brackets. What makes them, for %s: %s.\n", name, doubts);
  append_model_error(text, &row->model_error);
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

static void append_price(GString *text, const MoePlan *plan, guint r)
{
  const MoePlanRow *row = &plan->rows[r];

  for (guint before = 0; before < r; before++)
    if (!plan->rows[before].failure && strcmp(plan->rows[before].result->cluster, row->result->cluster) == 0)
      return;
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
    if (cluster->price_date)
      g_string_append_printf(text, ", %s", cluster->price_date);
    if (cluster->price_source)
      g_string_append_printf(text, ": %s", cluster->price_source);
  }
  g_string_append_c(text, '\n');
}

static void append_prices(GString *text, const MoePlan *plan)
{
  g_string_append(text, "Rent per GPU-hour:\n");
  for (guint r = 0; r < plan->n_rows; r++)
    if (!plan->rows[r].failure)
      append_price(text, plan, r);
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
      g_string_append_printf(text, "  %s\n    out of time: %u layouts were not looked at\n", command,
                             row->n_not_reached);
  }
}

char *moe_report_plan_table(const MoePlan *plan, const char *const *prefix, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = rows_table(plan);
  g_autofree char *tokens = moe_count_format(plan->tokens, NULL), *rows = moe_table_format(table, sheet);
  GString *text = g_string_new(NULL);

  g_string_append_printf(text, "%s tokens; the best layout found for each cluster and size\n\n%s", tokens, rows);
  append_answer(text, plan);
  if (plan->decided >= 0)
    append_doubts(text, plan);
  if (plan->decided >= 0)
    append_prices(text, plan);
  g_string_append(text, "Rows as runs:\n");
  append_row_notes(text, plan, prefix);
  return g_string_free(text, FALSE);
}
