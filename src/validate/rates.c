/* The training rate of each accelerator, fitted on half of the dense published runs, and what leaving a family out
 * changes. */
#include "base/base.h"
#include "cases.h"

#include "validate/rates.h"
#include <math.h>

/* Spans what accelerators differ by; errors of a fit outside are extrapolated. */
const double moe_rate_points[MOE_RATE_POINTS] = {0.55, 0.7, 0.85, 1};

/* An accelerator with fewer dense rows than this is not fitted. */
#define LEAST_ROWS 4

typedef struct {
  const char *family, *gpu;
  gboolean dense, fitted_half, usable;
  double published_s;
  double log_step[MOE_RATE_POINTS];
} Row;

typedef struct {
  guint n;
  Row *rows;
} Table;

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static void fill_row(const MoeValidation *const *at, guint index, Row *row)
{
  const MoeCase *c = &at[0]->cases[index];

  *row = (Row){.family = c->group[MOE_GROUP_BY_FAMILY],
               .gpu = c->group[MOE_GROUP_BY_GPU],
               .dense = g_strcmp0(c->group[MOE_GROUP_BY_KIND], "dense") == 0,
               .fitted_half = moe_random_stream(c->id) % 2 == 0,
               .usable = moe_case_has_step(c),
               .published_s = c->published_step_s};
  for (guint p = 0; p < MOE_RATE_POINTS; p++)
    row->log_step[p] = row->usable ? log(at[p]->cases[index].predicted_step_s) : 0;
}

/* log(step) at a rate: linear over log(rate) between the two nearest points. */
static double error_at(const Row *row, double rate)
{
  guint p = 0;

  while (p + 2 < MOE_RATE_POINTS && rate > moe_rate_points[p + 1])
    p++;
  double x0 = log(moe_rate_points[p]), x1 = log(moe_rate_points[p + 1]);
  double share = (log(rate) - x0) / (x1 - x0);

  return exp(row->log_step[p] + share * (row->log_step[p + 1] - row->log_step[p])) / row->published_s - 1;
}

/* ---- fitting ---------------------------------------------------------------------------------------------------- */

typedef gboolean (*Keep)(const Row *row, const char *what);

static gboolean in_fit(const Row *row, const char *without_family)
{
  return row->usable && row->dense && row->fitted_half && g_strcmp0(row->family, without_family) != 0;
}

/* Median signed error of the rows of an accelerator that take part in the fit. */
static double bias_at(const Table *table, const char *gpu, const char *without_family, double rate, guint *n)
{
  g_autofree double *errors = g_new(double, table->n + 1);

  *n = 0;
  for (guint i = 0; i < table->n; i++)
    if (g_strcmp0(table->rows[i].gpu, gpu) == 0 && in_fit(&table->rows[i], without_family))
      errors[(*n)++] = error_at(&table->rows[i], rate);
  return moe_quantile(errors, *n, 0.5);
}

/* A larger rate shortens every step, so the bias falls: bisection over log(rate), at most 1: nothing runs faster in
 * training than on the bench. NaN with too few rows. */
static double fit_rate(const Table *table, const char *gpu, const char *without_family, guint *n)
{
  double low = log(0.4), high = 0;

  bias_at(table, gpu, without_family, 1, n);
  if (*n < LEAST_ROWS)
    return NAN;
  for (guint i = 0; i < 40; i++) {
    double middle = (low + high) / 2;

    if (bias_at(table, gpu, without_family, exp(middle), n) > 0)
      low = middle;
    else
      high = middle;
  }
  return exp((low + high) / 2);
}

/* ---- reporting -------------------------------------------------------------------------------------------------- */

static gboolean is_fitted(const Row *row, const char *gpu)
{
  return in_fit(row, NULL) && g_strcmp0(row->gpu, gpu) == 0;
}
static gboolean is_kept(const Row *row, const char *gpu)
{
  return row->usable && row->dense && !row->fitted_half && g_strcmp0(row->gpu, gpu) == 0;
}
static gboolean is_moe(const Row *row, const char *gpu)
{
  return row->usable && !row->dense && g_strcmp0(row->gpu, gpu) == 0;
}

static double median_of(const Table *table, Keep keep, const char *gpu, double rate)
{
  g_autofree double *errors = g_new(double, table->n + 1);
  guint n = 0;

  for (guint i = 0; i < table->n; i++)
    if (keep(&table->rows[i], gpu))
      errors[n++] = fabs(error_at(&table->rows[i], rate));
  return moe_quantile(errors, n, 0.5);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
  return g_strcmp0(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *distinct(const Table *table, gboolean families)
{
  GPtrArray *names = g_ptr_array_new();

  for (guint i = 0; i < table->n; i++) {
    const char *name = families ? table->rows[i].family : table->rows[i].gpu;

    if (table->rows[i].usable && !g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
      g_ptr_array_add(names, (gpointer)name);
  }
  g_ptr_array_sort(names, compare_names);
  return names;
}

/* Least and greatest rate when one family is left out. */
static void find_spread(const Table *table, const char *gpu, const GPtrArray *families, MoeRate *rate)
{
  rate->low = rate->high = NAN;
  for (guint f = 0; f < families->len; f++) {
    guint n;
    double value = fit_rate(table, gpu, families->pdata[f], &n);

    rate->low = fmin(rate->low, value);
    rate->high = fmax(rate->high, value);
  }
}

static void fit_all(const Table *table, MoeRateFit *fit)
{
  g_autoptr(GPtrArray) families = distinct(table, TRUE);
  g_autoptr(GPtrArray) gpus = distinct(table, FALSE);

  fit->rates = g_new0(MoeRate, gpus->len + 1);
  for (guint g = 0; g < gpus->len; g++) {
    MoeRate *rate = &fit->rates[fit->n_rates];
    double value = fit_rate(table, gpus->pdata[g], NULL, &rate->rows);

    if (isnan(value))
      continue;
    *rate = (MoeRate){.accelerator = g_strdup(gpus->pdata[g]),
                      .rows = rate->rows,
                      .rate = value,
                      .fitted_median = median_of(table, is_fitted, gpus->pdata[g], value),
                      .kept_median = median_of(table, is_kept, gpus->pdata[g], value),
                      .moe_median = median_of(table, is_moe, gpus->pdata[g], value)};
    find_spread(table, gpus->pdata[g], families, rate);
    fit->n_rates++;
  }
  fit->parameters = fit->n_rates;
}

/* Rate of a row's accelerator when `family` is left out (NULL: none is); 1 when the accelerator cannot be fitted. */
static double rate_for(const Table *table, const char *gpu, const char *family)
{
  guint n;
  double rate = fit_rate(table, gpu, family, &n);

  return isnan(rate) ? 1 : rate;
}

static void errors_of_family(const Table *table, const char *family, gboolean leave_out, double *median, double *p90,
                             guint *n)
{
  g_autofree double *errors = g_new(double, table->n + 1), *again = g_new(double, table->n + 1);
  g_autoptr(GHashTable) rates = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);

  *n = 0;
  for (guint i = 0; i < table->n; i++) {
    const Row *row = &table->rows[i];

    if (!row->usable || g_strcmp0(row->family, family) != 0)
      continue;
    if (!g_hash_table_contains(rates, row->gpu)) {
      double rate = rate_for(table, row->gpu, leave_out ? family : NULL);

      g_hash_table_insert(rates, (gpointer)row->gpu, g_memdup2(&rate, sizeof rate));
    }
    errors[*n] = again[*n] = fabs(error_at(row, *(double *)g_hash_table_lookup(rates, row->gpu)));
    (*n)++;
  }
  *median = moe_quantile(errors, *n, 0.5);
  *p90 = moe_quantile(again, *n, 0.9);
}

static void leave_out_all(const Table *table, MoeRateFit *fit)
{
  g_autoptr(GPtrArray) families = distinct(table, TRUE);

  fit->families = g_new0(MoeLeftOut, families->len + 1);
  fit->n_families = families->len;
  for (guint f = 0; f < families->len; f++) {
    MoeLeftOut *out = &fit->families[f];

    out->family = g_strdup(families->pdata[f]);
    errors_of_family(table, out->family, FALSE, &out->median_in, &out->p90_in, &out->n);
    errors_of_family(table, out->family, TRUE, &out->median_out, &out->p90_out, &out->n);
  }
}

/* ---- entry ------------------------------------------------------------------------------------------------------ */

static gboolean predict_points(const char *dir, const char *data_dir, guint jobs, const MoeSimOptions *options,
                               MoeProgressFunc progress, gpointer progress_data, MoeValidation **at, GError **error)
{
  for (guint p = 0; p < MOE_RATE_POINTS; p++) {
    g_autofree char *set = g_strdup_printf("cluster.accelerator.training_rate=%g", moe_rate_points[p]);
    const char *sets[] = {set, NULL};

    at[p] = moe_validate_with(dir, data_dir, sets, jobs, options, progress, progress_data, error);
    if (!at[p])
      return FALSE;
  }
  return TRUE;
}

MoeRateFit *moe_fit_rates(const char *dir, const char *data_dir, guint jobs, const MoeSimOptions *options,
                          MoeProgressFunc progress, gpointer progress_data, GError **error)
{
  MoeValidation *at[MOE_RATE_POINTS] = {NULL};
  MoeRateFit *fit = NULL;

  if (predict_points(dir, data_dir, jobs, options, progress, progress_data, at, error)) {
    Table table = {.n = at[0]->n, .rows = g_new0(Row, at[0]->n + 1)};

    for (guint i = 0; i < table.n; i++)
      fill_row((const MoeValidation *const *)at, i, &table.rows[i]);
    fit = g_new0(MoeRateFit, 1);
    fit_all(&table, fit);
    leave_out_all(&table, fit);
    g_free(table.rows);
  }
  for (guint p = 0; p < MOE_RATE_POINTS; p++)
    moe_validation_free(at[p]);
  return fit;
}

void moe_rate_fit_free(MoeRateFit *fit)
{
  if (!fit)
    return;
  for (guint r = 0; r < fit->n_rates; r++)
    g_free(fit->rates[r].accelerator);
  for (guint f = 0; f < fit->n_families; f++)
    g_free(fit->families[f].family);
  g_free(fit->rates);
  g_free(fit->families);
  g_free(fit);
}
