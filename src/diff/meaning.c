/* What a difference between prediction and profile would mean. */
#include "cost/cost.h"
#include "internal.h"

#include <math.h>
#include <string.h>

#define ALIKE       0.05 /* relative difference of times that says nothing */
#define ALIKE_COUNT 0.2  /* of numbers of kernels and of bytes */
#define SHOWN_NAME  60   /* characters of a kernel's name */

/* ---- which kernel speaks for a class ----------------------------------------------------------------------------- */

static const char *axis_title(const char *axis)
{
  static const struct {
    const char *axis, *title;
  } titles[] = {{"len", "length"}, {"dim_qk", "head"}, {"dim_v", "value head"}};

  for (guint i = 0; i < G_N_ELEMENTS(titles); i++)
    if (strcmp(axis, titles[i].axis) == 0)
      return titles[i].title;
  return axis;
}

/* Of the class, one outside its rows before one inside, then what takes longest. NULL without any. */
static const MoeKernel *speaker(const DiffSums *sums, const MoeCostModel *cost, MoeSeenClass klass)
{
  const DiffWork *found = NULL;
  gboolean found_outside = FALSE;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init(&iter, sums->works);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    const DiffWork *work = value;
    MoeCostSupport support;

    if (diff_class_of(&work->kernel) != klass)
      continue;
    moe_cost_support(cost, &work->kernel, &support);
    gboolean outside = !support.fit || support.other_precision || support.axis;
    gboolean longer =
        !found || work->time_s > found->time_s || (work->time_s == found->time_s && strcmp(work->key, found->key) < 0);
    if (outside > found_outside || (outside == found_outside && longer)) {
      found = work;
      found_outside = outside;
    }
  }
  return found ? &found->kernel : NULL;
}

static char *rest_on(const MoeKernel *kernel, const MoeCostModel *cost)
{
  MoeCostSupport support;

  moe_cost_support(cost, kernel, &support);
  if (!support.fit)
    return g_strdup_printf("nobody measured such kernels here, %s is priced by typical constants", kernel->name);
  if (support.other_precision)
    return g_strdup_printf("%s in %s is priced by rows of another precision", kernel->name,
                           moe_precision_words[kernel->precision]);
  if (support.axis && support.most > 0)
    return g_strdup_printf("%s %.4g of %s is outside the rows (%.4g to %.4g)", axis_title(support.axis), support.value,
                           kernel->name, support.least, support.most);
  if (support.axis)
    return g_strdup_printf("no row has %s of %s", axis_title(support.axis), kernel->name);
  if (support.fit->rows > 0)
    return g_strdup_printf("inside its rows, which it meets within %.0f %% (P90): clock, power or what runs beside it",
                           100 * support.fit->residual_p90);
  return g_strdup("its constants come without residuals");
}

/* ---- sentences --------------------------------------------------------------------------------------------------- */

static gboolean differs(double predicted, double measured, double by)
{
  return predicted > 0 && measured > 0 && fabs(measured / predicted - 1) > by;
}

static char *shorten(const char *name)
{
  const char *after = name && g_str_has_prefix(name, "void ") ? name + strlen("void ") : name;

  if (!after || g_utf8_strlen(after, -1) <= SHOWN_NAME)
    return g_strdup(after ? after : "");
  return g_strdup_printf("%.*s...", (int)(g_utf8_offset_to_pointer(after, SHOWN_NAME) - after), after);
}

/* One side only, or no difference worth a word; NULL of others. */
static char *mean_plain(const DiffSum *sum, const char *unseen)
{
  g_autofree char *largest = shorten(sum->largest);

  if (sum->predicted_s <= 0 && *largest)
    return g_strdup_printf("the model has none: most is %s", largest);
  if (sum->predicted_s <= 0)
    return g_strdup("the model has none");
  if (sum->measured_s <= 0)
    return g_strdup(unseen);
  return differs(sum->predicted_s, sum->measured_s, ALIKE) ? NULL : g_strdup("as predicted");
}

static char *mean_times(const DiffSum *sum, const char *than)
{
  double ratio = sum->measured_s / sum->predicted_s;

  return ratio >= 1 ? g_strdup_printf("%.2f x longer than %s", ratio, than)
                    : g_strdup_printf("%.2f of %s", ratio, than);
}

char *diff_mean_class(const DiffSums *sums, const MoeCostModel *cost, MoeSeenClass klass)
{
  const DiffSum *sum = &sums->classes[klass];
  char *plain = mean_plain(sum, "no kernel has a name of this class: fused into others, or --classes has to name it");
  const MoeKernel *kernel = plain ? NULL : speaker(sums, cost, klass);

  if (plain)
    return plain;
  if (differs(sum->predicted_n, sum->measured_n, ALIKE_COUNT))
    return g_strdup_printf("%.0f kernels, the model has %.0f: fused or split otherwise, or another number of layers",
                           sum->measured_n, sum->predicted_n);
  g_autofree char *times = mean_times(sum, "its curve");
  g_autofree char *rows = kernel ? rest_on(kernel, cost) : g_strdup("copies between host and GPU");
  return g_strdup_printf("%s: %s", times, rows);
}

char *diff_mean_collective(const DiffSums *sums, DiffCollective kind)
{
  const DiffSum *sum = &sums->collectives[kind];
  gboolean counted = kind <= DIFF_REDUCE_SCATTER; /* bytes mean the same on both sides */
  char *plain = mean_plain(sum, "none in the trace: another layout, or the software does without");

  if (plain)
    return plain;
  if (counted && differs(sum->predicted_bytes, sum->measured_bytes, ALIKE_COUNT)) {
    g_autofree char *seen = moe_quantity_format(sum->measured_bytes, MOE_DIM_BYTES);
    g_autofree char *predicted = moe_quantity_format(sum->predicted_bytes, MOE_DIM_BYTES);

    return g_strdup_printf("%s a step, the model has %s: another precision, sharding or number of rounds", seen,
                           predicted);
  }
  if (sum->measured_s > sum->predicted_s)
    return g_strdup_printf("%.2f x longer: the network, or waits for the last peer, which are in these kernels",
                           sum->measured_s / sum->predicted_s);
  return g_strdup_printf("%.2f of the prediction: less contention or fewer waits for peers",
                         sum->measured_s / sum->predicted_s);
}

char *diff_mean_layer(const DiffSums *sums, guint layer)
{
  const DiffSum *sum = &sums->layers[layer];
  char *plain = mean_plain(sum, "no kernel of the trace is known to be of this kind: shapes need record_shapes=True");

  if (plain)
    return plain;
  g_autofree char *times = mean_times(sum, "predicted");
  return g_strdup_printf("%s: its classes and products say which kernels", times);
}

char *diff_mean_product(const DiffProduct *product, const MoeCostModel *cost)
{
  char *plain = mean_plain(&product->sum, "no product of the trace has this shape: fused, split or recorded otherwise");

  if (plain)
    return plain;
  if (differs(product->sum.predicted_n, product->sum.measured_n, ALIKE_COUNT))
    return g_strdup_printf("%.0f kernels, the model has %.0f", product->sum.measured_n, product->sum.predicted_n);
  g_autofree char *times = mean_times(&product->sum, "its curve");
  g_autofree char *rows = rest_on(&product->kernel, cost);
  return g_strdup_printf("%s: %s", times, rows);
}

char *diff_mean_state(const DiffSums *sums, DiffState state)
{
  DiffSum sum = {.predicted_s = sums->predicted_state_s[state], .measured_s = sums->measured_state_s[state]};
  const MoeProfile *p = sums->profile;

  if (!differs(sum.predicted_s, sum.measured_s, ALIKE) && state != DIFF_IDLE)
    return mean_plain(&sum, "none in the trace");
  switch (state) {
  case DIFF_KERNELS:
    return g_strdup("kernels take another time: see their classes");
  case DIFF_COMMUNICATION:
    return g_strdup("no kernel covers it; waits for peers and messages are in it: see the collectives");
  case DIFF_COPIES:
    return g_strdup("copies that no kernel covers");
  default:
    return g_strdup_printf("nothing on the GPU: %.0f launches of %.3g us on the host, %.3g s in waits of the host",
                           p->n_launches / sums->steps, 1e6 * p->launch_s, p->sync_s / sums->steps);
  }
}
