/* Values of assumptions and combinations of them. */
#include "certainty/varied.h"
#include "study/study.h"

#include <math.h>
#include <string.h>

/* ---- values ----------------------------------------------------------------------------------------------------- */

/* Base unit of a dimension, as it is written behind a number; "" for plain numbers. */
static const char *base_unit(MoeDimension dimension)
{
  switch (dimension) {
  case MOE_DIM_BYTES:
    return " B";
  case MOE_DIM_BYTES_PER_S:
    return " B/s";
  case MOE_DIM_FLOP_PER_S:
    return " FLOP/s";
  case MOE_DIM_SECONDS:
    return " s";
  case MOE_DIM_HERTZ:
    return " Hz";
  case MOE_DIM_WATTS:
    return " W";
  case MOE_DIM_FLOP:
    return " FLOP";
  default:
    return "";
  }
}

double moe_varied_value(const MoeVaried *varied, double share)
{
  const MoeAssumption *a = varied->assumption;
  double value = a->by_ratio ? a->low * pow(a->high / a->low, share) : a->low + (a->high - a->low) * share;

  if (a->n_values > 0)
    return NAN;
  return varied->whole ? floor(value + 0.5) : value;
}

static char *range_value(const MoeVaried *varied, double share)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd(digits, sizeof digits, "%.9g", moe_varied_value(varied, share));
  return g_strconcat(digits, base_unit(varied->assumption->dimension), NULL);
}

char *moe_varied_set(const MoeVaried *varied, double share)
{
  const MoeAssumption *a = varied->assumption;

  if (a->n_values > 0) {
    guint index = MIN((guint)(share * a->n_values), a->n_values - 1);

    return g_strconcat(a->key, "=", a->values[index], NULL);
  }
  g_autofree char *value = range_value(varied, share);
  return g_strconcat(a->key, "=", value, NULL);
}

const char *moe_set_value(const char *set)
{
  return strchr(set, '=') + 1;
}

/* ---- which keys ------------------------------------------------------------------------------------------------- */

static gboolean is_whole(double value)
{
  return value == floor(value);
}

static gboolean can_be(const MoeRun *run, const MoeVaried *varied, double share)
{
  g_autofree char *set = moe_varied_set(varied, share);
  char *sets[] = {set, NULL};
  g_autoptr(MoeRun) trial = moe_study_with(run, sets, NULL);

  return trial != NULL;
}

/* A plain range between whole numbers may be of a key that takes no fractions: then a value off them gives no run, its
 * neighbour does. */
static void find_whole(const MoeRun *run, MoeVaried *varied)
{
  const MoeAssumption *a = varied->assumption;

  if (a->n_values > 0 || a->dimension != MOE_DIM_NONE || !is_whole(a->low) || !is_whole(a->high))
    return;
  double half_off = floor((a->high - a->low) / 2) + 0.5; /* low + half_off is no whole number, inside the range */

  varied->whole = !can_be(run, varied, half_off / (a->high - a->low));
}

/* What a host pays with a CPU that those of the cluster do not have shapes nothing: "stack.host.launch.x86" and
 * "stack.host.calls.linear.x86" on Grace. */
static gboolean is_of_other_cpu(const MoeRun *run, const char *key)
{
  const char *last = strrchr(key, '.');
  gboolean by_cpu = g_str_has_prefix(key, "stack.host.launch.") || g_str_has_prefix(key, "stack.host.calls.");

  for (guint i = 0; by_cpu && i < run->stack.host.n_cpus; i++)
    if (strcmp(last + 1, run->stack.host.cpu[i]) == 0)
      return strcmp(last + 1, run->cluster.host.cpu) != 0;
  return FALSE;
}

/* One value says what was taken; of those of one key the first holds, which stands nearest to the run. */
static gboolean is_axis(const MoeRun *run, guint index)
{
  const MoeAssumption *all = run->assumptions;

  for (guint i = 0; i < index; i++)
    if (strcmp(all[i].key, all[index].key) == 0)
      return FALSE;
  return all[index].n_values != 1 && !is_of_other_cpu(run, all[index].key);
}

guint moe_n_varied(const MoeRun *run)
{
  guint n = 0;

  for (guint i = 0; i < run->n_assumptions; i++)
    n += is_axis(run, i) ? 1 : 0;
  return n;
}

GArray *moe_varied(const MoeRun *run)
{
  GArray *all = g_array_new(FALSE, FALSE, sizeof(MoeVaried));

  for (guint i = 0; i < run->n_assumptions; i++) {
    MoeVaried varied = {.assumption = &run->assumptions[i]};

    if (!is_axis(run, i))
      continue;
    find_whole(run, &varied);
    g_array_append_val(all, varied);
  }
  return all;
}

/* ---- Latin hypercube -------------------------------------------------------------------------------------------- */

guint *moe_hypercube_strata(uint64_t seed, guint n, guint index)
{
  uint64_t stream = moe_random_stream("sensitivity-strata");
  guint *strata = g_new(guint, n + 1);

  for (guint i = 0; i < n; i++)
    strata[i] = i;
  for (guint i = n; i > 1; i--) {
    guint other = (guint)(moe_random_unit(seed, stream, index, i) * i);
    guint kept = strata[i - 1];

    strata[i - 1] = strata[other];
    strata[other] = kept;
  }
  return strata;
}

double moe_hypercube_share(uint64_t seed, guint n, guint index, guint sample, const guint *strata)
{
  double inside = moe_random_unit(seed, moe_random_stream("sensitivity-place"), index, sample);

  return (strata[sample] + inside) / n;
}
