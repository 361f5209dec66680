/* Descent without gradients in logarithms of constants. */
#include <nlopt.h>

#include "internal.h"

/* Evaluations of one descent, and descents: the simplex is restarted where it stopped. */
#define MAX_EVALUATIONS 1500
#define RESTARTS        3
#define PRECISION       1e-5

static void descend_once(const MoeDescent *descent, nlopt_algorithm algorithm, double *x)
{
  nlopt_opt opt = nlopt_create(algorithm, descent->n);
  double best = 0;

  for (guint i = 0; i < descent->n; i++)
    x[i] = CLAMP(x[i], descent->low[i], descent->high[i]);
  nlopt_set_min_objective(opt, descent->objective, descent->data);
  nlopt_set_lower_bounds(opt, descent->low);
  nlopt_set_upper_bounds(opt, descent->high);
  nlopt_set_maxeval(opt, MAX_EVALUATIONS);
  nlopt_set_xtol_rel(opt, PRECISION);
  nlopt_set_initial_step1(opt, descent->first_step);
  nlopt_optimize(opt, x, &best);
  nlopt_destroy(opt);
}

void moe_descend(const MoeDescent *descent, double *x)
{
  for (int i = 0; i < RESTARTS; i++)
    descend_once(descent, i % 2 ? NLOPT_LN_NELDERMEAD : NLOPT_LN_SBPLX, x);
}
