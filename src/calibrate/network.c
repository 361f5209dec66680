/* Fit of collective constants and its residuals. */
#include "calibrate/network.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "internal.h"

/* ---- prediction -------------------------------------------------------------------------------------------------- */

double moe_network_predict_s(const MoeNetworkCalibration *calibration, const MoeNetworkRow *row)
{
  const MoeNetworkSeries *series = &calibration->series[row->series];
  const MoeCollGroup group = {(guint)series->gpus, series->members};
  MoeCollective collective = series->collective;
  MoeCollPlan plan;

  collective.bytes = row->bytes;
  if (series->part == MOE_NETWORK_SENDS)
    moe_coll_plan_p2p(series->topo, &series->stack, series->members[0], series->members[1], row->bytes, &plan);
  else if (!series->algorithm ||
           !moe_coll_plan_with(series->algorithm, series->topo, &series->stack, &collective, &group, &plan))
    moe_coll_plan(series->topo, &series->stack, &collective, &group, &plan);
  return moe_coll_alone_s(series->topo, &plan);
}

/* ---- what is fitted ---------------------------------------------------------------------------------------------- */

/* A constant that may be fitted, with the range of what is physically possible in a domain and between domains. A step
 * of a bulk protocol may move by a factor of two from NCCL's own constant (3.4 us over NVLink, 14 us over a network).
 */
typedef struct {
  const char *key;
  size_t offset;
  double low, high, network_low, network_high;
  gboolean seconds;
} Constant;

#define CONSTANT(key, member, low, high, seconds)                                                                      \
  {                                                                                                                    \
    key, offsetof(MoeCollectiveFit, member), low, high, low, high, seconds                                             \
  }
#define CONSTANT_BY_KIND(key, member, low, high, network_low, network_high)                                            \
  {                                                                                                                    \
    key, offsetof(MoeCollectiveFit, member), low, high, network_low, network_high, TRUE                                \
  }

static const Constant constants[] = {
    CONSTANT("floor", floor_s, 1e-6, 300e-6, TRUE),
    CONSTANT_BY_KIND("step", step_s, 1.7e-6, 6.8e-6, 7e-6, 28e-6),
    CONSTANT("reduce", reduce_s, 0.1e-6, 50e-6, TRUE),
    CONSTANT_BY_KIND("low_latency_step", low_latency_step_s, 0.4e-6, 0.9e-6, 2.5e-6, 30e-6),
    CONSTANT("chunk", chunk_s, 1e-9, 2e-3, TRUE),
    CONSTANT("window", window_s, 1e-6, 1, TRUE),
    CONSTANT("hide", hide_s, 1e-6, 1e-2, TRUE),
    CONSTANT("handshake", handshake_s, 0.1e-6, 30e-6, TRUE),
    CONSTANT("handshake_half", handshake_half_s, 1e-9, 1e-4, TRUE),
    CONSTANT_BY_KIND("multicast_step", multicast_step_s, 0.2e-6, 50e-6, 2.8e-6, 42e-6),
    CONSTANT("ring", ring, 0.4, 1.03, FALSE),
    CONSTANT("tree", tree, 0.4, 1.03, FALSE),
    CONSTANT("multicast", multicast, 0.3, 1.03, FALSE),
    CONSTANT("low_latency", low_latency_bytes_per_s, 1e9, 1e12, FALSE),
    CONSTANT("domain_limit", domain_bytes_per_s, 1e9, 1e14, FALSE),
    CONSTANT("exchange", exchange_s, 1e-6, 1e-3, TRUE),
    CONSTANT("message", message_s, 0.05e-6, 10e-6, TRUE),
    CONSTANT("send", send_s, 1e-6, 300e-6, TRUE),
    CONSTANT("send_chunk", send_chunk_s, 1e-9, 2e-3, TRUE),
    CONSTANT("send_window", send_window_s, 1e-6, 1, TRUE),
};

static double *value_of(MoeCollectiveFit *fit, const Constant *constant)
{
  return (double *)((char *)fit + constant->offset);
}

/* ---- objective --------------------------------------------------------------------------------------------------- */

/* Errors below this are as good as none: repeatability of the measurements (two runs of one system differ by about as
 * much). */
#define TOLERANCE 0.03

typedef struct {
  MoeNetworkCalibration *calibration;
  guint fabric;
  guint n;
  const Constant *free[G_N_ELEMENTS(constants)];
} Problem;

/* Hands the fabric's constants to the clusters of all series that use it. */
static void spread(MoeNetworkCalibration *calibration, guint fabric)
{
  const MoeNetworkFabric *from = &g_array_index(calibration->fabrics, MoeNetworkFabric, fabric);

  for (guint i = 0; i < calibration->n_series; i++) {
    MoeNetworkSeries *series = &calibration->series[i];

    if (series->domain_fabric == fabric)
      series->cluster.domain.collectives = from->fit;
    if (series->network_fabric == fabric)
      series->cluster.network.collectives = from->fit;
  }
}

/* Whether a row speaks for a fabric's constants: expert rows stand on their library's. */
static gboolean counts(const MoeNetworkCalibration *calibration, const MoeNetworkRow *row, guint fabric)
{
  const MoeNetworkSeries *series = &calibration->series[row->series];

  return row->fitted && series->fabric == fabric && series->part != MOE_NETWORK_EXPERT;
}

/* Mean over rows of a smooth absolute log error. */
static double badness(const MoeNetworkCalibration *calibration, guint fabric)
{
  double sum = 0;
  guint n = 0;

  for (guint i = 0; i < calibration->n_rows; i++) {
    const MoeNetworkRow *row = &calibration->rows[i];

    if (!counts(calibration, row, fabric))
      continue;
    double error = log(moe_network_predict_s(calibration, row) / row->measured_s);
    sum += sqrt(error * error + TOLERANCE * TOLERANCE);
    n++;
  }
  return n > 0 ? sum / n : 0;
}

static double objective(unsigned n, const double *x, double *gradient, void *data)
{
  Problem *problem = data;
  MoeNetworkFabric *fabric = &g_array_index(problem->calibration->fabrics, MoeNetworkFabric, problem->fabric);

  g_assert(!gradient);
  for (unsigned i = 0; i < n; i++)
    *value_of(&fabric->fit, problem->free[i]) = exp(x[i]);
  spread(problem->calibration, problem->fabric);
  return badness(problem->calibration, problem->fabric);
}

/* ---- fit --------------------------------------------------------------------------------------------------------- */

/* A constant is fitted when a change by this factor shows by more than LEAST_EFFECT in at least LEAST_ROWS rows; the
 * others keep the value that the fabric's file gives. */
#define PROBE        1.3
#define LEAST_EFFECT 0.02
#define LEAST_ROWS   3

/* Times of the fabric's rows that count, in order; n of them. */
static double *predict_rows(const Problem *problem, guint *n)
{
  const MoeNetworkCalibration *calibration = problem->calibration;
  double *times = g_new(double, calibration->n_rows + 1);

  *n = 0;
  for (guint i = 0; i < calibration->n_rows; i++)
    if (counts(calibration, &calibration->rows[i], problem->fabric))
      times[(*n)++] = moe_network_predict_s(calibration, &calibration->rows[i]);
  return times;
}

/* Whether enough rows differ between the present constants and `before`. */
static gboolean is_seen(const Problem *problem, const double *before)
{
  guint n = 0, differ = 0;
  g_autofree double *after = predict_rows(problem, &n);

  for (guint i = 0; i < n; i++)
    differ += fabs(log(after[i] / before[i])) > LEAST_EFFECT;
  return differ >= LEAST_ROWS;
}

static void find_free(Problem *problem)
{
  MoeNetworkFabric *fabric = &g_array_index(problem->calibration->fabrics, MoeNetworkFabric, problem->fabric);
  guint n = 0;
  g_autofree double *before = predict_rows(problem, &n);

  for (guint i = 0; i < G_N_ELEMENTS(constants); i++) {
    double *value = value_of(&fabric->fit, &constants[i]), kept = *value;

    if (kept <= 0) /* not used by this fabric */
      continue;
    for (int up = 0; up <= 1; up++) {
      *value = up ? kept * PROBE : kept / PROBE;
      spread(problem->calibration, problem->fabric);
      if (is_seen(problem, before)) {
        problem->free[problem->n++] = &constants[i];
        break;
      }
    }
    *value = kept;
  }
  spread(problem->calibration, problem->fabric);
}

#define FIRST_STEP 0.2 /* of a logarithm */

static void descend(Problem *problem, double *x)
{
  gboolean network = g_array_index(problem->calibration->fabrics, MoeNetworkFabric, problem->fabric).network;
  double low[G_N_ELEMENTS(constants)], high[G_N_ELEMENTS(constants)];
  const MoeDescent descent = {objective, problem, problem->n, low, high, FIRST_STEP};

  for (guint i = 0; i < problem->n; i++) {
    low[i] = log(network ? problem->free[i]->network_low : problem->free[i]->low);
    high[i] = log(network ? problem->free[i]->network_high : problem->free[i]->high);
  }
  moe_descend(&descent, x);
}

void moe_network_fit(MoeNetworkCalibration *calibration, guint fabric)
{
  Problem problem = {.calibration = calibration, .fabric = fabric};
  MoeNetworkFabric *fitted = &g_array_index(calibration->fabrics, MoeNetworkFabric, fabric);
  double x[G_N_ELEMENTS(constants)];

  find_free(&problem);
  if (problem.n == 0)
    return;
  for (guint i = 0; i < problem.n; i++)
    x[i] = log(*value_of(&fitted->fit, problem.free[i]));
  descend(&problem, x);
  objective(problem.n, x, NULL, &problem);
  for (guint i = 0; i < problem.n; i++)
    fitted->seen |= 1u << (problem.free[i] - constants);
}

void moe_network_fit_all(MoeNetworkCalibration *calibration)
{
  for (int network = 0; network <= 1; network++)
    for (guint i = 0; i < calibration->fabrics->len; i++)
      if (g_array_index(calibration->fabrics, MoeNetworkFabric, i).network == network)
        moe_network_fit(calibration, i);
  for (guint i = 0; i < calibration->libraries->len; i++)
    moe_network_fit_library(calibration, i);
}

/* ---- residuals --------------------------------------------------------------------------------------------------- */

/* Value below which `share` of n ascending values lie, the nearest rank. */
static double percentile(const double *ascending, guint n, double share)
{
  return ascending[MIN(n - 1, (guint)(share * n))];
}

MoeNetworkResidual moe_network_residual(const MoeNetworkCalibration *calibration, MoeNetworkPart part, guint fabric,
                                        gboolean fitted)
{
  g_autofree double *errors = g_new(double, calibration->n_rows + 1);
  MoeNetworkResidual residual = {0};

  for (guint i = 0; i < calibration->n_rows; i++) {
    const MoeNetworkRow *row = &calibration->rows[i];
    const MoeNetworkSeries *series = &calibration->series[row->series];

    if (row->fitted != fitted || (part != MOE_N_NETWORK_PARTS && series->part != part) ||
        (fabric != G_MAXUINT && series->fabric != fabric))
      continue;
    errors[residual.rows++] = fabs(moe_network_predict_s(calibration, row) / row->measured_s - 1);
  }
  if (residual.rows == 0)
    return residual;
  moe_sort(errors, residual.rows);
  residual.median = percentile(errors, residual.rows, 0.5);
  residual.p90 = percentile(errors, residual.rows, 0.9);
  return residual;
}

/* ---- output ------------------------------------------------------------------------------------------------------ */

static void print_constant(GString *text, const Constant *constant, double value, gboolean seen)
{
  const char *note = seen ? "" : "   # not seen by the rows";

  if (constant->seconds)
    g_string_append_printf(text, "%s: %.4g us%s\n", constant->key, value * 1e6, note);
  else if (constant->offset == offsetof(MoeCollectiveFit, low_latency_bytes_per_s) ||
           constant->offset == offsetof(MoeCollectiveFit, domain_bytes_per_s))
    g_string_append_printf(text, "%s: %.4g GB/s%s\n", constant->key, value / 1e9, note);
  else
    g_string_append_printf(text, "%s: %.4g%s\n", constant->key, value, note);
}

char *moe_network_fabric_print(const MoeNetworkFabric *fabric)
{
  GString *text = g_string_new(NULL);
  MoeCollectiveFit fit = fabric->fit;

  for (guint i = 0; i < G_N_ELEMENTS(constants); i++)
    if (*value_of(&fit, &constants[i]) > 0)
      print_constant(text, &constants[i], *value_of(&fit, &constants[i]), fabric->seen >> i & 1);
  g_string_append_printf(text, "path: %.4g us\n", fit.path_s * 1e6);
  return g_string_free(text, FALSE);
}
