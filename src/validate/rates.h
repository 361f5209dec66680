/*
 * rates: the one shared fit on published runs. Part of validate (floor 9).
 *
 * Kernel constants come from benchmarks; the rate that math holds in a training step of weeks (power, temperature) is a
 * property of the accelerator: `training_rate` in its file, at most 1. It is fitted, one number per accelerator, so
 * that the median signed error of the step times of dense runs on that accelerator is zero, on one deterministic half
 * of them (by hash of the case's id). Nothing else is fitted on published runs.
 *
 * Method: every case is predicted at four rates; between them log(step) is interpolated over log(rate), piecewise
 * linearly.
 */
#ifndef MOESIM_RATES_H
#define MOESIM_RATES_H

#include <moesim/validate.h>

G_BEGIN_DECLS

#define MOE_RATE_POINTS 4
extern const double moe_rate_points[MOE_RATE_POINTS];

typedef struct {
  char *accelerator;
  guint rows; /* fitted on */
  double rate;
  double low, high; /* with one family of runs left out, over families that leave enough rows; NaN without */
  double fitted_median, kept_median,
      moe_median; /* |error| of the fitted half, the other half of the dense rows, the MoE rows; NaN without */
} MoeRate;

typedef struct {
  char *family;
  guint n;
  double median_in, p90_in;   /* |error| with all families in the fit */
  double median_out, p90_out; /* and with this family left out of it */
} MoeLeftOut;

typedef struct {
  guint n_rates, n_families, parameters;
  MoeRate *rates;
  MoeLeftOut *families;
} MoeRateFit;

/* Predicts every case of `dir` at each rate, then fits and leaves families out. NULL and *error as moe_validate. */
MoeRateFit *moe_fit_rates(const char *dir, const char *data_dir, guint jobs, const MoeSimOptions *options,
                          MoeProgressFunc progress, gpointer progress_data, GError **error);
void moe_rate_fit_free(MoeRateFit *fit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeRateFit, moe_rate_fit_free)

G_END_DECLS

#endif
