/* Optimum intervals of theory. */
#include "goodput/model.h"
#include <moesim/goodput.h>

#include <math.h>

double moe_goodput_job_mtbf(const MoeGoodputModel *model)
{
  double rate = 0;

  for (guint part = 0; part < MOE_N_PARTS; part++)
    if (model->mtbf_s[part] > 0)
      rate += (double)model->parts[part] / model->mtbf_s[part];
  return rate > 0 ? 1 / rate : INFINITY;
}

double moe_young_interval(double blocking_s, double mtbf_s)
{
  return sqrt(2 * blocking_s * mtbf_s);
}

double moe_daly_interval(double blocking_s, double mtbf_s)
{
  double ratio = blocking_s / (2 * mtbf_s);

  if (blocking_s >= 2 * mtbf_s)
    return mtbf_s;
  return moe_young_interval(blocking_s, mtbf_s) * (1 + sqrt(ratio) / 3 + ratio / 9) - blocking_s;
}
