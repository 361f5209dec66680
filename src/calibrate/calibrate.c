/*
 * Fitting: constants that make the sum of robust log errors of the fitted half smallest.
 *
 * The optimiser is Subplex (Rowan 1990) as NLopt implements it: derivative-free, bounded, deterministic. Tile choice
 * and waves make the objective piecewise smooth, which rules out gradients. A weak pull towards the value that would
 * hold without the fit decides those that the rows say nothing about.
 */
#include "calibrate/calibrate.h"

#include <math.h>
#include <nlopt.h>
#include <string.h>

#include "internal.h"

/* Log errors beyond this grow linearly in the objective, not squared: a few odd rows do not bend the fit. */
#define ROBUST_SCALE 0.05
/* Pull towards prior values: a constant half its range off costs as much as one row with a 6 % error. */
#define PRIOR_WEIGHT             2.0
#define EVALUATIONS_PER_CONSTANT 250
#define TOLERANCE                1e-4
/* Constants are kept with this many digits, so that a written fragment is exactly what was judged. */
#define DIGITS "%.4g"

/* A constant that the fit may choose. */
typedef struct {
  guint slot; /* in the family's constants */
  const MoeCostConstant *constant;
  double prior; /* what would hold without the fit: the nearest relative's value, else the generic one */
} Free;

typedef struct {
  MoePredictor predictor;
  Free free[MOE_FAMILY_CONSTANTS];
  guint n_free;
  GError *error;
} Fit;

/* ---- which constants -------------------------------------------------------------------------------------------- */

static gboolean held(const MoeKernelFamily *family, const char *name)
{
  for (guint i = 0; i < family->n_constants; i++)
    if (strcmp(family->constant[i], name) == 0)
      return TRUE;
  return FALSE;
}

/* Shares of bandwidth-bound kinds are free only where rows of that kind exist. */
static gboolean spoken_of(const MoeCalibration *c, guint fit, guint constant)
{
  if (c->fits[fit].family.klass != MOE_KERNEL_BANDWIDTH || constant >= MOE_N_BANDWIDTH_KINDS)
    return TRUE;
  for (guint i = 0; i < c->n_measurements; i++)
    if (c->series[c->measurements[i].series].fit == fit && c->measurements[i].kernel[0].bandwidth == constant)
      return TRUE;
  return FALSE;
}

/* First row of a fit; every fit has one. */
static const MoeMeasurement *first_row(const MoeCalibration *c, guint index)
{
  for (guint i = 0; i < c->n_measurements; i++)
    if (c->series[c->measurements[i].series].fit == index)
      return &c->measurements[i];
  return NULL;
}

static gboolean same_name(const MoeKernelFamily *a, const MoeKernelFamily *b)
{
  return a->precision == b->precision && strcmp(a->name, b->name) == 0;
}

/* Dense products of a grouped fit's own library and precision, of its pass rather than of any; NULL when none were
 * fitted. DeepGEMM runs both with one kernel: the group of a tile only says which weights it reads; of others it is
 * assumed. */
static const MoeKernelFamily *dense_twin(const MoePredictor *p)
{
  const MoeKernelFamily *own = &g_array_index(p->families, MoeKernelFamily, 0), *twin = NULL;

  for (guint i = p->families->len; own->klass == MOE_KERNEL_GROUPED_GEMM && i-- > 1;) {
    const MoeKernelFamily *other = &g_array_index(p->families, MoeKernelFamily, i);
    gboolean fits = other->klass == MOE_KERNEL_GEMM && same_name(own, other);

    if (fits && (other->pass == own->pass || (other->pass < 0 && !(twin && twin->pass == own->pass))))
      twin = other;
  }
  return twin;
}

/* The relative that would stand in for the family were it not fitted; NULL when none is. */
static const MoeKernelFamily *stand_in(const Fit *fit, const MoeCalibration *c, guint index)
{
  const MoeMeasurement *row = first_row(c, index);
  const MoePredictor *p = &fit->predictor;
  MoeAccelerator accelerator = p->accelerator[c->series[row->series].accelerator];
  MoeFamilyUse use;

  accelerator.kernels.n--; /* the fit itself stands first */
  accelerator.kernels.family++;
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &p->stack[row->series], NULL);
  if (!model)
    return NULL;
  moe_cost_family(model, &row->kernel[row->n_kernels - 1], &use);
  return use.fit;
}

static void choose_free(Fit *fit, const MoeCalibration *c, guint index)
{
  const MoeKernelFamily *twin = dense_twin(&fit->predictor), *relative = twin ? twin : stand_in(fit, c, index);
  MoeKernelFamily *family = moe_predictor_family(&fit->predictor);
  guint n;
  const MoeCostConstant *constants = moe_cost_constants(family->klass, &n);

  for (guint i = 0; i < n && family->n_constants < MOE_FAMILY_CONSTANTS; i++) {
    if (constants[i].low >= constants[i].high || held(family, constants[i].name) || !spoken_of(c, index, i))
      continue;
    double prior =
        relative ? moe_family_constant(relative, constants[i].name, constants[i].generic) : constants[i].generic;
    fit->free[fit->n_free++] = (Free){family->n_constants, &constants[i], prior};
    family->constant[family->n_constants] = constants[i].name;
    family->value[family->n_constants++] = prior;
  }
}

/* ---- objective -------------------------------------------------------------------------------------------------- */

static double robust(double error_log)
{
  double scaled = error_log / ROBUST_SCALE;

  return sqrt(1 + scaled * scaled) - 1;
}

/* Mean over the fitted rows, `pull` counting like rows of its own. */
static double mean_misfit(Fit *fit, double pull)
{
  const MoeCalibration *c = fit->predictor.calibration;
  double sum = pull;
  guint rows = 0;

  for (guint i = 0; i < c->n_measurements; i++) {
    double error_log;

    if (!c->measurements[i].fitted || c->series[c->measurements[i].series].fit != fit->predictor.fit)
      continue;
    if (!moe_predictor_log_error(&fit->predictor, &c->measurements[i], &error_log, &fit->error))
      return HUGE_VAL;
    sum += robust(error_log);
    rows++;
  }
  return sum / MAX(rows, 1);
}

/* `x` holds the free constants, each scaled to 0..1 over its range. */
static void set_constants(Fit *fit, const double *x)
{
  MoeKernelFamily *family = moe_predictor_family(&fit->predictor);

  for (guint i = 0; i < fit->n_free; i++) {
    const MoeCostConstant *constant = fit->free[i].constant;
    family->value[fit->free[i].slot] = constant->low + x[i] * (constant->high - constant->low);
  }
}

static double prior_position(const Free *free)
{
  double position = (free->prior - free->constant->low) / (free->constant->high - free->constant->low);

  return CLAMP(position, 0, 1);
}

static double objective(unsigned n, const double *x, double *gradient, void *data)
{
  Fit *fit = data;
  double pull = 0;

  g_assert(gradient == NULL);
  if (fit->error)
    return HUGE_VAL;
  set_constants(fit, x);
  if (!moe_predictor_renew(&fit->predictor, &fit->error))
    return HUGE_VAL;
  for (unsigned i = 0; i < n; i++) {
    double off = x[i] - prior_position(&fit->free[i]);
    pull += PRIOR_WEIGHT * off * off;
  }
  return mean_misfit(fit, pull);
}

/* Share of the way from the prior to the middle of the range at which each start begins: some constants (the least time
 * per group) only show once they bind. */
static const double starts[] = {0, 1};

/* Best found from one start; the objective's value. */
static double minimise_from(Fit *fit, nlopt_opt optimiser, double start, double *x)
{
  double value = HUGE_VAL;

  for (guint i = 0; i < fit->n_free; i++) {
    double prior = prior_position(&fit->free[i]);
    x[i] = prior + start * (0.5 - prior);
  }
  nlopt_optimize(optimiser, x, &value);
  return value;
}

static void minimise(Fit *fit)
{
  gsize size = fit->n_free * sizeof(double);
  g_autofree double *x = g_malloc0(size), *best = g_malloc0(size);
  nlopt_opt optimiser = nlopt_create(NLOPT_LN_SBPLX, fit->n_free);
  double least = HUGE_VAL;

  nlopt_set_lower_bounds1(optimiser, 0);
  nlopt_set_upper_bounds1(optimiser, 1);
  nlopt_set_min_objective(optimiser, objective, fit);
  nlopt_set_initial_step1(optimiser, 0.1);
  nlopt_set_ftol_abs(optimiser, TOLERANCE);
  nlopt_set_maxeval(optimiser, (int)(EVALUATIONS_PER_CONSTANT * fit->n_free));
  for (guint i = 0; i < G_N_ELEMENTS(starts); i++) {
    double value = minimise_from(fit, optimiser, starts[i], x);

    if (value < least) {
      least = value;
      memcpy(best, x, size);
    }
  }
  nlopt_destroy(optimiser);
  set_constants(fit, best);
}

/* Rounds to what a fragment prints. */
static double rounded(double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  return g_ascii_strtod(g_ascii_formatd(text, sizeof text, DIGITS, value), NULL);
}

/* ---- what the rows span ------------------------------------------------------------------------------------------ */

static void extend(MoeKernelFamily *family, const MoeCostAxis *axis)
{
  guint i = 0;

  while (i < family->n_extents && strcmp(family->axis[i], axis->name) != 0)
    i++;
  if (i == MOE_FAMILY_CONSTANTS)
    return;
  if (i == family->n_extents) {
    family->n_extents++;
    family->axis[i] = axis->name;
    family->least[i] = family->most[i] = axis->value;
  }
  family->least[i] = MIN(family->least[i], axis->value);
  family->most[i] = MAX(family->most[i], axis->value);
}

static void extend_by(MoeKernelFamily *family, const MoeMeasurement *row)
{
  MoeCostAxis axes[MOE_COST_AXES];

  for (guint k = 0; k < row->n_kernels; k++)
    for (guint i = row->kernel[k].klass == family->klass ? moe_cost_axes(&row->kernel[k], axes) : 0; i-- > 0;)
      extend(family, &axes[i]);
}

/* From the rows that are fitted, not from those kept for judging. */
static void measure_extents(MoeCalibration *c, guint index)
{
  MoeKernelFamily *family = &c->fits[index].family;

  family->n_extents = 0;
  for (guint i = 0; i < c->n_measurements; i++)
    if (c->measurements[i].fitted && c->series[c->measurements[i].series].fit == index)
      extend_by(family, &c->measurements[i]);
}

/* ---- fitting and judging ---------------------------------------------------------------------------------------- */

gboolean moe_calibration_fit(MoeCalibration *c, guint index, GError **error)
{
  Fit fit = {0};
  MoeKernelFamily *family;

  if (!moe_predictor_init(&fit.predictor, c, index, error)) {
    moe_predictor_clear(&fit.predictor);
    return FALSE;
  }
  choose_free(&fit, c, index);
  if (fit.n_free > 0)
    minimise(&fit);
  family = moe_predictor_family(&fit.predictor);
  for (guint i = 0; i < family->n_constants; i++)
    family->value[i] = rounded(family->value[i]);
  if (!fit.error) {
    c->fits[index].family = *family;
    measure_extents(c, index);
  }
  moe_predictor_clear(&fit.predictor);
  if (fit.error) {
    g_propagate_error(error, fit.error);
    return FALSE;
  }
  return moe_calibration_judge(c, index, error);
}

/* Absolute relative errors of one half; FALSE and *error when a row cannot be priced. */
static gboolean half_errors(const MoePredictor *p, gboolean fitted, GArray *errors, GError **error)
{
  const MoeCalibration *c = p->calibration;

  for (guint i = 0; i < c->n_measurements; i++) {
    double error_log, relative;

    if (c->measurements[i].fitted != fitted || c->series[c->measurements[i].series].fit != p->fit)
      continue;
    if (!moe_predictor_log_error(p, &c->measurements[i], &error_log, error))
      return FALSE;
    relative = fabs(expm1(error_log));
    g_array_append_val(errors, relative);
  }
  return TRUE;
}

/* Appends the errors of fit `index` with its present constants. */
static gboolean fit_errors(const MoeCalibration *c, guint index, gboolean fitted, GArray *errors, GError **error)
{
  MoePredictor predictor;
  gboolean ok = moe_predictor_init(&predictor, c, index, error) && half_errors(&predictor, fitted, errors, error);

  moe_predictor_clear(&predictor);
  return ok;
}

static gboolean half_residual(const MoeCalibration *c, guint index, gboolean fitted, MoeResidual *residual,
                              GError **error)
{
  g_autoptr(GArray) errors = g_array_new(FALSE, FALSE, sizeof(double));

  if (!fit_errors(c, index, fitted, errors, error))
    return FALSE;
  moe_residual_of((double *)errors->data, errors->len, residual);
  return TRUE;
}

gboolean moe_calibration_judge(MoeCalibration *c, guint index, GError **error)
{
  MoeCalibrationFit *fit = &c->fits[index];

  if (!half_residual(c, index, TRUE, &fit->fitted, error) || !half_residual(c, index, FALSE, &fit->kept, error))
    return FALSE;
  const MoeResidual *shown = fit->kept.rows > 0 ? &fit->kept : &fit->fitted;
  fit->family.residual_median = rounded(shown->median);
  fit->family.residual_p90 = rounded(shown->p90);
  fit->family.rows = fit->fitted.rows;
  return TRUE;
}

static gboolean same_family(const MoeKernelFamily *a, const MoeKernelFamily *b)
{
  return a->klass == b->klass && a->pass == b->pass && same_name(a, b);
}

/* Whether an accelerator's entry stands in the fragment itself, not in that of another machine with the same family. */
static gboolean stands_in(const MoeKernelFamily *entry, const char *fragment)
{
  g_autofree char *file = entry->mark.file ? g_path_get_basename(entry->mark.file) : NULL;
  gsize length = strlen(fragment);

  return file && g_str_has_prefix(file, fragment) && strcmp(file + length, ".yaml") == 0;
}

const MoeKernelFamily *moe_calibration_shipped(const MoeCalibration *c, guint index)
{
  for (guint a = 0; a < c->n_accelerators; a++) {
    const MoeKernelFits *fits = &c->accelerators[a].accelerator.kernels;

    for (guint i = 0; i < fits->n; i++)
      if (same_family(&fits->family[i], &c->fits[index].family) && stands_in(&fits->family[i], c->fits[index].fragment))
        return &fits->family[i];
  }
  return NULL;
}

gboolean moe_calibration_take(MoeCalibration *c, GError **error)
{
  for (guint i = 0; i < c->n_fits; i++) {
    const MoeKernelFamily *family = c->fits[i].aside ? &c->fits[i].family : moe_calibration_shipped(c, i);

    if (!family)
      return moe_fail(error, MOE_ERROR_INPUT, c->fits[i].family.mark,
                      "%s: no entry for family %s, expected a fragment with it", c->fits[i].fragment,
                      c->fits[i].family.name);
    c->fits[i].family = *family;
  }
  for (guint i = 0; i < c->n_fits; i++)
    if (c->fits[i].aside && !moe_calibration_fit(c, i, error))
      return FALSE;
  for (guint i = 0; i < c->n_fits; i++)
    if (!moe_calibration_judge(c, i, error))
      return FALSE;
  return TRUE;
}

static gboolean fit_bound(MoeCalibration *c, gboolean memory_bound, guint *done,
                          void (*progress)(guint done, guint total, gpointer data), gpointer data, GError **error)
{
  for (guint i = 0; i < c->n_fits; i++) {
    if (moe_cost_is_memory_bound(c->fits[i].family.klass) != memory_bound)
      continue;
    if (progress)
      progress(*done, c->n_fits, data);
    (*done)++;
    if (!moe_calibration_fit(c, i, error))
      return FALSE;
  }
  return TRUE;
}

/* Times of whole layers contain memory-bound kernels: their constants come first. */
gboolean moe_calibration_fit_all(MoeCalibration *c, void (*progress)(guint done, guint total, gpointer data),
                                 gpointer progress_data, GError **error)
{
  guint done = 0;

  return fit_bound(c, TRUE, &done, progress, progress_data, error) &&
         fit_bound(c, FALSE, &done, progress, progress_data, error);
}

static gboolean class_half(const MoeCalibration *c, const char *fragment, MoeKernelClass klass, gboolean fitted,
                           MoeResidual *residual, GError **error)
{
  g_autoptr(GArray) errors = g_array_new(FALSE, FALSE, sizeof(double));

  for (guint i = 0; i < c->n_fits; i++)
    if (c->fits[i].family.klass == klass && (!fragment || strcmp(fragment, c->fits[i].fragment) == 0) &&
        !fit_errors(c, i, fitted, errors, error))
      return FALSE;
  moe_residual_of((double *)errors->data, errors->len, residual);
  return TRUE;
}

gboolean moe_calibration_class(const MoeCalibration *c, const char *fragment, MoeKernelClass klass, MoeResidual *fitted,
                               MoeResidual *kept, GError **error)
{
  return class_half(c, fragment, klass, TRUE, fitted, error) && class_half(c, fragment, klass, FALSE, kept, error);
}
