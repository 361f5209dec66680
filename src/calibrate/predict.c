/* Predictions of a fit's rows: cost models that carry the fit's constants and those fitted before it. */
#include <math.h>
#include <string.h>

#include "internal.h"

static void collect_fragment(MoePredictor *p, const char *fragment)
{
  const MoeCalibration *c = p->calibration;

  for (guint i = 0; i < c->n_fits; i++)
    if (i != p->fit && c->fits[i].family.rows > 0 && strcmp(c->fits[i].fragment, fragment) == 0)
      g_array_append_val(p->families, c->fits[i].family);
}

/* The fit itself, then the fragment's others, then those of its bases: of equals the first counts. */
static void collect_families(MoePredictor *p)
{
  const MoeCalibration *c = p->calibration;

  g_array_append_val(p->families, c->fits[p->fit].family);
  for (const char *from = c->fits[p->fit].fragment; from; from = moe_calibration_base(c, from))
    collect_fragment(p, from);
}

/* The families of the kernels that the rows of a series hold. */
static void name_families(const MoeSeries *series, MoeStack *stack)
{
  stack->family.elementwise = series->around ? series->around : series->quantize;
  stack->family.encode = series->around;
  moe_cost_name_family(stack, series->klass, series->family);
}

gboolean moe_predictor_renew(MoePredictor *p, GError **error)
{
  const MoeCalibration *c = p->calibration;

  for (guint i = 0; i < c->n_accelerators; i++) {
    p->accelerator[i] = c->accelerators[i].accelerator;
    p->accelerator[i].kernels = (MoeKernelFits){p->families->len, (MoeKernelFamily *)p->families->data};
  }
  for (guint i = 0; i < c->n_series; i++) {
    if (c->series[i].fit != p->fit)
      continue;
    g_clear_pointer(&p->model[i], moe_cost_model_free);
    p->model[i] = moe_cost_model_new(&p->accelerator[c->series[i].accelerator], &p->stack[i], error);
    if (!p->model[i])
      return FALSE;
  }
  return TRUE;
}

gboolean moe_predictor_init(MoePredictor *p, const MoeCalibration *calibration, guint fit, GError **error)
{
  *p = (MoePredictor){.calibration = calibration,
                      .fit = fit,
                      .families = g_array_new(FALSE, FALSE, sizeof(MoeKernelFamily)),
                      .stack = g_new0(MoeStack, calibration->n_series),
                      .accelerator = g_new0(MoeAccelerator, calibration->n_accelerators),
                      .model = g_new0(MoeCostModel *, calibration->n_series)};
  collect_families(p);
  for (guint i = 0; i < calibration->n_series; i++)
    if (calibration->series[i].fit == fit)
      name_families(&calibration->series[i], &p->stack[i]);
  return moe_predictor_renew(p, error);
}

void moe_predictor_clear(MoePredictor *p)
{
  for (guint i = 0; i < p->calibration->n_series; i++)
    moe_cost_model_free(p->model[i]);
  g_free(p->model);
  g_free(p->stack);
  g_free(p->accelerator);
  g_array_free(p->families, TRUE);
}

MoeKernelFamily *moe_predictor_family(MoePredictor *p)
{
  return &g_array_index(p->families, MoeKernelFamily, 0);
}

/* Inside a training step the machine is the step's; after a long warm-up its clock is what the power leaves. */
static gboolean price(const MoeCostModel *model, const MoeAccelerator *accelerator, const MoeSeries *series,
                      const MoeKernel *kernel, double *seconds, GError **error)
{
  MoeMachineState state = {.sms = series->sms > 0 ? series->sms : accelerator->sms, .memory_share = 1};
  MoeCost cost;

  if (series->in_step)
    return moe_cost_in_step(model, kernel, 1, &state, &cost, seconds, error);
  if (series->long_run)
    return moe_cost_long_run(model, kernel, &state, &cost, seconds, error);
  if (!moe_cost_kernel(model, kernel, &state, &cost, error))
    return FALSE;
  *seconds = cost.seconds;
  return TRUE;
}

gboolean moe_predictor_log_error(const MoePredictor *p, const MoeMeasurement *m, double *error_log, GError **error)
{
  const MoeSeries *series = &p->calibration->series[m->series];
  double predicted_s = 0;

  for (guint i = 0; i < m->n_kernels; i++) {
    double seconds = 0;

    if (!price(p->model[m->series], &p->accelerator[series->accelerator], series, &m->kernel[i], &seconds, error))
      return FALSE;
    predicted_s += seconds;
  }
  *error_log = log(predicted_s / m->measured_s);
  return TRUE;
}

/* Value at a share of the sorted sample, the nearest rank at or above. */
static double quantile(const double *sorted, guint n, double share)
{
  guint rank = (guint)ceil(share * n);

  return sorted[CLAMP(rank, 1, n) - 1];
}

void moe_residual_of(double *errors, guint n, MoeResidual *residual)
{
  *residual = (MoeResidual){.rows = n};
  if (n == 0)
    return;
  moe_sort(errors, n);
  residual->median = quantile(errors, n, 0.5);
  residual->p90 = quantile(errors, n, 0.9);
}
