/* What the price of a kernel rests on: whether rows of its kind were measured, and how far outside them it lies. */
#include <math.h>
#include <string.h>

#include "internal.h"

/* ---- axes -------------------------------------------------------------------------------------------------------- */

static guint put(MoeCostAxis *axes, guint n, const char *name, double value)
{
  if (value > 0)
    axes[n++] = (MoeCostAxis){name, value};
  return n;
}

static guint products(const MoeKernel *kernel, MoeCostAxis *axes)
{
  gboolean grouped = kernel->klass == MOE_KERNEL_GROUPED_GEMM;
  guint n = put(axes, 0, "m", (double)(grouped && kernel->groups > 0 ? kernel->rows / kernel->groups : kernel->m));

  n = put(axes, n, "n", (double)kernel->n);
  n = put(axes, n, "k", (double)kernel->k);
  return grouped ? put(axes, n, "groups", (double)kernel->groups) : n;
}

static guint attention(const MoeKernel *kernel, MoeCostAxis *axes)
{
  guint n = put(axes, 0, "len", (double)kernel->len_kv);

  n = put(axes, n, "dim_qk", (double)kernel->dim_qk);
  n = put(axes, n, "dim_v", (double)kernel->dim_v);
  return kernel->window < kernel->len_kv ? put(axes, n, "window", (double)kernel->window) : n;
}

static guint scan(const MoeKernel *kernel, MoeCostAxis *axes)
{
  guint n = put(axes, 0, "len", (double)kernel->len_q);

  n = put(axes, n, "heads", (double)kernel->query_heads);
  n = put(axes, n, "dim_qk", (double)kernel->dim_qk);
  return put(axes, n, "dim_v", (double)kernel->dim_v);
}

guint moe_cost_axes(const MoeKernel *kernel, MoeCostAxis axes[MOE_COST_AXES])
{
  switch (kernel->klass) {
  case MOE_KERNEL_GEMM:
  case MOE_KERNEL_GROUPED_GEMM:
    return products(kernel, axes);
  case MOE_KERNEL_ATTENTION:
    return attention(kernel, axes);
  case MOE_KERNEL_SCAN:
    return scan(kernel, axes);
  default:
    return put(axes, 0, moe_bandwidth_words[kernel->bandwidth], kernel->read_bytes + kernel->write_bytes);
  }
}

/* ---- distance ---------------------------------------------------------------------------------------------------- */

static void compare(const MoeCostAxis *axis, MoeCostSupport *support)
{
  const MoeKernelFamily *fit = support->fit;
  double least = 0, most = 0;

  for (guint i = 0; i < fit->n_extents; i++)
    if (strcmp(fit->axis[i], axis->name) == 0) {
      least = fit->least[i];
      most = fit->most[i];
    }
  double beyond = most > 0 ? MAX(axis->value / most, least / axis->value) : INFINITY;
  if (beyond <= support->beyond)
    return;
  *support = (MoeCostSupport){fit, support->other_precision, axis->name, axis->value, least, most, beyond};
}

/* FP16 and BF16 products are the same work on all machines here. */
static gboolean is_other(MoePrecision used, MoePrecision wanted)
{
  return used != wanted && !(used == MOE_BF16 && wanted == MOE_FP16);
}

void moe_cost_support(const MoeCostModel *model, const MoeKernel *kernel, MoeCostSupport *support)
{
  const MoeFit *found = moe_cost_fit_of(model, kernel);
  MoeCostAxis axes[MOE_COST_AXES];
  guint n = moe_cost_axes(kernel, axes);

  *support = (MoeCostSupport){.fit = found->use.fit, .beyond = 1};
  support->other_precision =
      !moe_cost_is_memory_bound(kernel->klass) && is_other(found->use.precision, kernel->precision);
  if (moe_cost_class(kernel->klass)->kinds_apart)
    support->fit = found->kind[kernel->bandwidth];
  for (guint i = 0; support->fit && support->fit->n_extents > 0 && i < n; i++)
    compare(&axes[i], support);
}

gboolean moe_cost_is_extrapolated(const MoeCostSupport *support)
{
  return !support->fit || support->other_precision || support->beyond > MOE_COST_NEAR;
}
