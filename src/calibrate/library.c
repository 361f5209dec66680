/* Fit of the constants of expert libraries: rows of dispatches and combines, one library at a time. */
#include "calibrate/network.h"

#include <math.h>
#include <stddef.h>

#include "internal.h"

/* A constant that is fitted, in what is physically possible: a share may not exceed the wire. */
typedef struct {
  const char *key, *unit;
  size_t offset;
  double scale; /* of the printed unit */
  double low, high;
} Constant;

#define CONSTANT(key, unit, member, scale, low, high)                                                                  \
  {                                                                                                                    \
    key, unit, offsetof(MoeExpertLibrary, member), scale, low, high                                                    \
  }

static const Constant constants[] = {
    CONSTANT("floor_dispatch", " us", floor_s[0], 1e-6, 5e-6, 300e-6),
    CONSTANT("floor_combine", " us", floor_s[1], 1e-6, 5e-6, 300e-6),
    CONSTANT("network_floor_dispatch", " us", network_floor_s[0], 1e-6, 5e-6, 600e-6),
    CONSTANT("network_floor_combine", " us", network_floor_s[1], 1e-6, 5e-6, 600e-6),
    CONSTANT("nvlink_share", "", nvlink_share, 1, 0.3, 1),
    CONSTANT("combine", "", combine, 1, 0.5, 1.5),
    CONSTANT("network_share", "", network_share, 1, 0.3, 1),
    CONSTANT("row", " us", row_s, 1e-6, 1e-9, 2e-6),
    CONSTANT("sm", " GB/s", sm_bytes_per_s, 1e9, 5e9, 500e9),
    CONSTANT("token", "", token, 1, 0.05, 10),
    CONSTANT("hop_dispatch", "", hop[0], 1, 0.05, 10),
    CONSTANT("hop_combine", "", hop[1], 1, 0.05, 10),
};

/* The first constants are fixed times, fitted where sizes differ by more than this. */
#define FLOORS 4
#define SPREAD 4.0
/* Errors below this are as good as none (repeatability of the kernels' times). */
#define TOLERANCE  0.02
#define FIRST_STEP 0.3 /* of a logarithm */

typedef struct {
  const MoeNetworkCalibration *calibration;
  MoeExpertLibrary *library;
  guint n;
  const Constant *free[G_N_ELEMENTS(constants)];
} Problem;

static double *value_of(MoeExpertLibrary *library, const Constant *constant)
{
  return (double *)((char *)library + constant->offset);
}

static double objective(unsigned n, const double *x, double *gradient, void *data)
{
  const Problem *problem = data;
  const MoeNetworkCalibration *calibration = problem->calibration;
  double sum = 0;

  g_assert(!gradient);
  for (unsigned i = 0; i < n; i++)
    *value_of(problem->library, problem->free[i]) = exp(x[i]);
  for (guint i = 0; i < calibration->n_rows; i++) {
    const MoeNetworkRow *row = &calibration->rows[i];
    const MoeNetworkSeries *series = &calibration->series[row->series];

    if (!row->fitted || series->part != MOE_NETWORK_EXPERT || series->stack.library != problem->library)
      continue;
    double error = log(moe_network_predict_s(calibration, row) / row->measured_s);
    sum += sqrt(error * error + TOLERANCE * TOLERANCE);
  }
  return sum;
}

/* Whether rows of the library differ enough in tokens to tell a fixed time from a rate. */
static gboolean sizes_differ(const Problem *problem)
{
  const MoeNetworkCalibration *calibration = problem->calibration;
  double least = INFINITY, most = 0;

  for (guint i = 0; i < calibration->n_rows; i++) {
    const MoeNetworkSeries *series = &calibration->series[calibration->rows[i].series];
    double tokens = calibration->rows[i].bytes / MAX(series->collective.row_bytes, 1);

    if (series->stack.library != problem->library || series->part != MOE_NETWORK_EXPERT)
      continue;
    least = MIN(least, tokens);
    most = MAX(most, tokens);
  }
  return most > SPREAD * least;
}

/* Constants that the library uses and that some row sees. */
static void find_free(Problem *problem)
{
  double before = objective(0, NULL, NULL, problem);
  guint first = sizes_differ(problem) ? 0 : FLOORS;

  for (guint i = first; i < G_N_ELEMENTS(constants); i++) {
    double *value = value_of(problem->library, &constants[i]), kept = *value;
    gboolean seen = FALSE;

    for (int up = 0; kept > 0 && up <= 1; up++) {
      *value = up ? kept * 1.3 : kept / 1.3;
      seen |= objective(0, NULL, NULL, problem) != before;
    }
    *value = kept;
    if (seen)
      problem->free[problem->n++] = &constants[i];
  }
}

static void descend(Problem *problem, double *x)
{
  double low[G_N_ELEMENTS(constants)], high[G_N_ELEMENTS(constants)];
  const MoeDescent descent = {objective, problem, problem->n, low, high, FIRST_STEP};

  for (guint i = 0; i < problem->n; i++) {
    low[i] = log(problem->free[i]->low);
    high[i] = log(problem->free[i]->high);
  }
  moe_descend(&descent, x);
}

void moe_network_fit_library(MoeNetworkCalibration *calibration, guint library)
{
  Problem problem = {.calibration = calibration, .library = g_ptr_array_index(calibration->libraries, library)};
  double x[G_N_ELEMENTS(constants)];

  find_free(&problem);
  if (problem.n == 0)
    return;
  for (guint i = 0; i < problem.n; i++)
    x[i] = log(*value_of(problem.library, problem.free[i]));
  descend(&problem, x);
  objective(problem.n, x, NULL, &problem);
}

char *moe_network_library_print(const MoeExpertLibrary *library)
{
  GString *text = g_string_new(NULL);
  MoeExpertLibrary copy = *library;

  for (guint i = 0; i < G_N_ELEMENTS(constants); i++)
    if (*value_of(&copy, &constants[i]) > 0)
      g_string_append_printf(text, "%s: %.4g%s\n", constants[i].key,
                             *value_of(&copy, &constants[i]) / constants[i].scale, constants[i].unit);
  return g_string_free(text, FALSE);
}
