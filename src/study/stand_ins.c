/* Kernels of a run whose constants stand in for others. */
#include "study/stand_ins.h"

#include <math.h>
#include <string.h>

static gboolean same(const MoeStandIn *a, const MoeStandIn *b)
{
  return a->klass == b->klass && a->precision == b->precision && a->use.precision == b->use.precision &&
         a->use.exact == b->use.exact && strcmp(a->use.requested, b->use.requested) == 0 &&
         strcmp(a->use.used, b->use.used) == 0 && g_strcmp0(a->support.axis, b->support.axis) == 0;
}

static void add(GArray *found, const MoeStandIn *stand_in)
{
  for (guint i = 0; i < found->len; i++) {
    MoeStandIn *known = &g_array_index(found, MoeStandIn, i);

    if (same(known, stand_in)) {
      known->share += stand_in->share;
      if (stand_in->support.beyond > known->support.beyond)
        known->support = stand_in->support;
      return;
    }
  }
  g_array_append_val(found, *stand_in);
}

static int compare_shares(gconstpointer a, gconstpointer b)
{
  const MoeStandIn *x = a, *y = b;

  return (x->share < y->share) - (x->share > y->share);
}

/* Shares are seconds at first. */
static gboolean collect(const MoeProgram *program, const MoeCostModel *cost, GArray *found, GError **error)
{
  g_autofree double *times = moe_program_times(program, MOE_OP_KERNEL, program->n_kernels);
  double all_s = 0;

  for (guint k = 0; k < program->n_kernels; k++) {
    const MoeKernel *kernel = &program->kernels[k];
    MoeStandIn stand_in = {.klass = kernel->klass, .precision = kernel->precision};
    MoeCost price;

    if (times[k] == 0)
      continue;
    if (!moe_cost_in_step(cost, kernel, 0, NULL, &price, NULL, error))
      return FALSE;
    stand_in.share = price.seconds * times[k];
    all_s += stand_in.share;
    moe_cost_family(cost, kernel, &stand_in.use);
    if (stand_in.use.exact)
      moe_cost_support(cost, kernel, &stand_in.support);
    if (!stand_in.use.exact || stand_in.support.beyond > MOE_COST_NEAR)
      add(found, &stand_in);
  }
  for (guint i = 0; i < found->len; i++)
    g_array_index(found, MoeStandIn, i).share /= all_s;
  g_array_sort(found, compare_shares);
  return TRUE;
}

GArray *moe_stand_ins(const MoeRun *run, GError **error)
{
  g_autoptr(MoeProgram) program = moe_program_build(run, 0, error);
  g_autoptr(MoeCostModel) cost = program ? moe_cost_model_new(&run->cluster.accelerator, &run->stack, error) : NULL;
  g_autoptr(GArray) found = g_array_new(FALSE, FALSE, sizeof(MoeStandIn));

  return cost && collect(program, cost, found, error) ? g_steal_pointer(&found) : NULL;
}

gboolean moe_extrapolated_share(const MoeProgram *program, const MoeCostModel *cost, double *share, GError **error)
{
  g_autofree double *times = moe_program_times(program, MOE_OP_KERNEL, program->n_kernels);
  double all_s = 0, beyond_s = 0;

  for (guint k = 0; k < program->n_kernels; k++) {
    MoeCostSupport support;
    MoeCost price;

    if (times[k] == 0)
      continue;
    if (!moe_cost_in_step(cost, &program->kernels[k], 0, NULL, &price, NULL, error))
      return FALSE;
    moe_cost_support(cost, &program->kernels[k], &support);
    all_s += price.seconds * times[k];
    beyond_s += moe_cost_is_extrapolated(&support) ? price.seconds * times[k] : 0;
  }
  *share = all_s > 0 ? beyond_s / all_s : 0;
  return TRUE;
}

/* How far the farthest kernel of a fit lies outside its rows. */
static char *outside_text(const MoeStandIn *s, const char *title)
{
  const MoeCostSupport *support = &s->support;
  const char *source = support->fit->source ? support->fit->source : "source not given";
  g_autofree char *kernels =
      moe_cost_is_memory_bound(s->klass)
          ? g_strdup_printf("%s kernels of %s", title, s->use.used)
          : g_strdup_printf("%s of %s in %s", title, s->use.used, moe_precision_words[s->precision]);

  if (isinf(support->beyond))
    return g_strdup_printf("%s: no row has %s (%s); %.1f %% of kernel time", kernels, support->axis, source,
                           100 * s->share);
  return g_strdup_printf("%s: %s of %.6g is %.1f times outside the rows, %.6g to %.6g (%s); %.1f %% of kernel time",
                         kernels, support->axis, support->value, support->beyond, support->least, support->most, source,
                         100 * s->share);
}

char *moe_stand_in_text(const MoeStandIn *s)
{
  const char *title = moe_cost_class_title(s->klass);

  if (s->use.exact)
    return outside_text(s, title);
  if (s->use.origin == MOE_ORIGIN_GENERIC)
    return g_strdup_printf("%s of %s: typical constants, none are fitted here; %.1f %% of kernel time", title,
                           s->use.requested, 100 * s->share);
  if (moe_cost_is_memory_bound(s->klass))
    return g_strdup_printf("%s kernels of %s: priced as those of %s; %.1f %% of kernel time", title, s->use.requested,
                           s->use.used, 100 * s->share);
  return g_strdup_printf("%s of %s in %s: priced as %s in %s; %.1f %% of kernel time", title, s->use.requested,
                         moe_precision_words[s->precision], s->use.used, moe_precision_words[s->use.precision],
                         100 * s->share);
}
