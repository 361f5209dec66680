/* What an inference says, for readers. */
#include "record/tables.h"
#include "report/infer.h"
#include <math.h>
#include <moesim/report.h>
#include <string.h>

#define MOST_INFORMING 3    /* rows named beside an unknown */
#define LEAST_BITS     0.05 /* of a row that is named */
#define TOLD_BITS      0.05 /* of an unknown of which something was learned */

/* ---- values ------------------------------------------------------------------------------------------------------ */

static char *amount(double value, MoeDimension dimension)
{
  if (!isfinite(value))
    return g_strdup("-");
  return dimension == MOE_DIM_NONE ? g_strdup_printf("%.4g", value) : moe_quantity_format(value, dimension);
}

/* "0.6 bf16, 0.4 fp8": values by weight. */
static char *weights_text(const MoeUnknown *unknown, const double *weight)
{
  GString *text = g_string_new(NULL);

  for (guint v = 0; v < unknown->n_values; v++)
    g_string_append_printf(text, "%s%s %.0f %%", v > 0 ? ", " : "", unknown->value[v], 100 * weight[v]);
  return g_string_free(text, FALSE);
}

static char *range_text(const MoeQuantiles *q, MoeDimension dimension)
{
  g_autofree char *low = amount(q->p10, dimension), *middle = amount(q->p50, dimension),
                  *high = amount(q->p90, dimension);

  return g_strdup_printf("%s (%s to %s)", middle, low, high);
}

/* A row's metric for readers: MFU in per cent, memory with a prefix. */
static char *metric_text(const MoeInferRow *row, double value)
{
  if (!isfinite(value))
    return g_strdup("-");
  if (strcmp(row->metric, "mfu") == 0)
    return g_strdup_printf("%.2f %%", 100 * value);
  if (strcmp(row->metric, "peak_memory") == 0)
    return moe_quantity_format(value, MOE_DIM_BYTES);
  return g_strdup_printf("%.4g", value);
}

/* FILE:ID without the folder. */
static char *short_name(const MoeInferRow *row)
{
  const char *colon = strrchr(row->name, ':');

  return colon ? g_strdup(colon + 1) : g_path_get_basename(row->name);
}

/* ---- unknowns ---------------------------------------------------------------------------------------------------- */

static int most_telling(const MoeInference *inference, const MoeUnknown *unknown, const gboolean *taken)
{
  int best = -1;

  for (guint i = 0; i < inference->n_rows; i++)
    if (!taken[i] && unknown->row_bits[i] >= LEAST_BITS && (best < 0 || unknown->row_bits[i] > unknown->row_bits[best]))
      best = (int)i;
  return best;
}

static char *informants(const MoeInference *inference, const MoeUnknown *unknown)
{
  g_autofree gboolean *taken = g_new0(gboolean, inference->n_rows + 1);
  GString *text = g_string_new(NULL);

  for (guint k = 0; k < MOST_INFORMING; k++) {
    int row = most_telling(inference, unknown, taken);

    if (row < 0)
      break;
    g_autofree char *name = short_name(&inference->rows[row]);
    taken[row] = TRUE;
    g_string_append_printf(text, "%s%s %.2f", k > 0 ? ", " : "", name, unknown->row_bits[row]);
  }
  return g_string_free(text, FALSE);
}

static void add_unknown(MoeTable *table, const MoeInference *inference, const MoeUnknown *unknown)
{
  gboolean list = unknown->n_values > 0;

  moe_table_add(table, unknown->key);
  moe_table_take(table, list ? weights_text(unknown, unknown->before_weight)
                             : range_text(&unknown->before, unknown->dimension));
  moe_table_take(table,
                 list ? weights_text(unknown, unknown->after_weight) : range_text(&unknown->after, unknown->dimension));
  moe_table_take(table, g_strdup_printf("%.2f", unknown->bits));
  moe_table_take(table, informants(inference, unknown));
}

static char *unknown_rows(const MoeInference *inference, MoeSheet sheet)
{
  static const char *const titles[] = {"unknown", "before: P50 (P10 to P90)", "after", "bits", "told by, bits"};
  g_autoptr(MoeTable) table = moe_table_new("nwwrw");

  for (guint i = 0; i < G_N_ELEMENTS(titles); i++)
    moe_table_add(table, titles[i]);
  for (guint j = 0; j < inference->n_unknowns; j++)
    add_unknown(table, inference, &inference->unknowns[j]);
  return moe_table_format(table, sheet);
}

/* Logarithms as changes in per cent. */
static void add_error(MoeTable *table, const char *name, const MoeQuantiles *before, const MoeQuantiles *after)
{
  const MoeQuantiles *both[] = {before, after};

  moe_table_add(table, name);
  for (guint i = 0; i < G_N_ELEMENTS(both); i++)
    moe_table_take(table, g_strdup_printf("%+.1f %% (%+.1f to %+.1f)", 100 * expm1(both[i]->p50),
                                          100 * expm1(both[i]->p10), 100 * expm1(both[i]->p90)));
}

static char *error_rows(const MoeInference *inference, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = moe_table_new("lll");

  moe_table_add(table, "model's own error of times");
  moe_table_add(table, "before: P50 (P10 to P90)");
  moe_table_add(table, "after");
  add_error(table, "bias of all", &inference->bias_before, &inference->bias_after);
  add_error(table, "scatter of models", &inference->model_scatter_before, &inference->model_scatter_after);
  add_error(table, "scatter of runs of a model", &inference->run_scatter_before, &inference->run_scatter_after);
  return moe_table_format(table, sheet);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static gboolean is_inside(const MoeInferRow *row)
{
  return row->published >= row->fitted.p10 && row->published <= row->fitted.p90;
}

static void add_row(MoeTable *table, const MoeInferRow *row)
{
  moe_table_take(table, short_name(row));
  moe_table_add(table, row->metric);
  moe_table_take(table, metric_text(row, row->published));
  moe_table_take(table, metric_text(row, row->fitted.p10));
  moe_table_take(table, metric_text(row, row->fitted.p50));
  moe_table_take(table, metric_text(row, row->fitted.p90));
  if (row->held_out)
    moe_table_add(table, !isfinite(row->published) ? "-" : is_inside(row) ? "inside" : "outside");
  moe_table_take(table, metric_text(row, row->best));
}

static char *rows_text(const MoeInference *inference, gboolean held_out, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = moe_table_new(held_out ? "nlrrrrlr" : "nlrrrrr");

  moe_table_add(table, held_out ? "held out" : "learned from");
  moe_table_add(table, "metric");
  moe_table_add(table, "published");
  moe_table_add(table, "P10");
  moe_table_add(table, "P50");
  moe_table_add(table, "P90");
  if (held_out)
    moe_table_add(table, "P10-P90");
  moe_table_add(table, "best set");
  for (guint i = 0; i < inference->n_rows + inference->n_held_out; i++)
    if (inference->rows[i].held_out == held_out)
      add_row(table, &inference->rows[i]);
  return moe_table_format(table, sheet);
}

/* ---- pairs, the best set, conflicts ------------------------------------------------------------------------------ */

static char *pair_rows(const MoeInference *inference, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = moe_table_new("nnrr");

  if (inference->n_pairs == 0)
    return g_strdup("No two unknowns matter together beyond what each does alone.\n");
  moe_table_add(table, "known together better than alone");
  moe_table_add(table, "and");
  moe_table_add(table, "bits");
  moe_table_add(table, "correlation");
  for (guint k = 0; k < inference->n_pairs; k++) {
    const MoeUnknownPair *pair = &inference->pairs[k];

    moe_table_add(table, inference->unknowns[pair->a].key);
    moe_table_add(table, inference->unknowns[pair->b].key);
    moe_table_take(table, g_strdup_printf("%.2f", pair->bits));
    moe_table_take(table, g_strdup_printf("%+.2f", pair->correlation));
  }
  return moe_table_format(table, sheet);
}

static char *conflict_line(const MoeInference *inference)
{
  GString *text = g_string_new(NULL);

  if (inference->explained)
    return g_strdup_printf("The best set meets every row within %.1f %%.\n", 100 * inference->within);
  if (inference->n_conflict == 0)
    return g_strdup_printf("The best set does not meet every row within %.1f %%; by the surrogates one that does is "
                           "near.\n",
                           100 * inference->within);
  g_string_append(text, "No values within the ranges explain ");
  for (guint k = 0; k < inference->n_conflict; k++) {
    g_autofree char *name = short_name(&inference->rows[inference->conflict[k]]);

    g_string_append_printf(text, "%s%s", k == 0 ? "" : k + 1 == inference->n_conflict ? " and " : ", ", name);
  }
  g_string_append_printf(text, " %swithin %.1f %%.\n", inference->n_conflict > 1 ? "together " : "",
                         100 * inference->within);
  return g_string_free(text, FALSE);
}

static char *best_lines(const MoeInference *inference)
{
  GString *text = g_string_new("Best joint set, as overrides of the first case that has each:\n");
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < inference->n_cases; i++)
    for (guint k = 0; inference->case_best[i][k]; k++) {
      const char *set = inference->case_best[i][k];

      if (g_hash_table_add(seen, g_strndup(set, strcspn(set, "="))))
        g_string_append_printf(text, "  --set '%s'\n", set);
    }
  return g_string_free(text, FALSE);
}

static char *check_line(const MoeInference *inference)
{
  return g_strdup_printf(
      "%u simulations, %u of them from the store; %u stages. Surrogates against %u simulations at draws of "
      "the posterior that they had not seen: %.2f %% off in the median, %.2f %% at P90.\n",
      inference->n_simulated + inference->n_known, inference->n_known, inference->n_stages, inference->check.n,
      100 * inference->check.median, 100 * inference->check.p90);
}

char *moe_report_infer_table(const MoeInference *inference, MoeSheet sheet)
{
  g_autofree char *unknowns = unknown_rows(inference, sheet), *error = error_rows(inference, sheet),
                  *rows = rows_text(inference, FALSE, sheet),
                  *held = inference->n_held_out > 0 ? rows_text(inference, TRUE, sheet) : g_strdup(""),
                  *pairs = pair_rows(inference, sheet), *conflict = conflict_line(inference),
                  *best = best_lines(inference), *check = check_line(inference);

  return g_strdup_printf("%s\n%s\n%s\n%s%s%s\n%s%s\n%s", unknowns, error, rows, held, *held ? "\n" : "", pairs,
                         conflict, best, check);
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

static void add_csv(MoeTable *table, const char *what, const char *name, const char *value, double published,
                    const MoeQuantiles *before, const MoeQuantiles *after, double bits)
{
  const double numbers[] = {published,
                            before ? before->p10 : NAN,
                            before ? before->p50 : NAN,
                            before ? before->p90 : NAN,
                            after->p10,
                            after->p50,
                            after->p90,
                            bits};

  moe_table_add(table, what);
  moe_table_add(table, name);
  moe_table_add(table, value);
  for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
    moe_table_take(table, isfinite(numbers[i]) ? g_strdup_printf("%.9g", numbers[i]) : NULL);
}

static void add_csv_unknown(MoeTable *table, const MoeUnknown *unknown)
{
  if (unknown->n_values == 0)
    add_csv(table, "unknown", unknown->key, NULL, NAN, &unknown->before, &unknown->after, unknown->bits);
  for (guint v = 0; v < unknown->n_values; v++) {
    MoeQuantiles before = {NAN, unknown->before_weight[v], NAN}, after = {NAN, unknown->after_weight[v], NAN};

    add_csv(table, "weight", unknown->key, unknown->value[v], NAN, &before, &after, unknown->bits);
  }
}

char *moe_report_infer_csv(const MoeInference *inference)
{
  static const char *const titles[] = {"what",       "name",      "value",     "published", "before_p10", "before_p50",
                                       "before_p90", "after_p10", "after_p50", "after_p90", "bits"};
  g_autoptr(MoeTable) table = moe_table_new("lllllllllll");

  for (guint i = 0; i < G_N_ELEMENTS(titles); i++)
    moe_table_add(table, titles[i]);
  for (guint j = 0; j < inference->n_unknowns; j++)
    add_csv_unknown(table, &inference->unknowns[j]);
  for (guint i = 0; i < inference->n_rows + inference->n_held_out; i++) {
    const MoeInferRow *row = &inference->rows[i];

    add_csv(table, row->held_out ? "held_out" : "row", row->name, row->metric, row->published, NULL, &row->fitted, NAN);
  }
  return moe_table_csv(table);
}
