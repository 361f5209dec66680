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

/* A place on an axis; of kernels bound by memory, bytes. */
static char *place(const MoeKernel *kernel, double value)
{
  return moe_cost_is_memory_bound(kernel->klass) ? moe_quantity_format(value, MOE_DIM_BYTES)
                                                 : g_strdup_printf("%.4g", value);
}

static char *rest_outside(const MoeKernel *kernel, const MoeCostSupport *support)
{
  gboolean bytes = moe_cost_is_memory_bound(kernel->klass);
  g_autofree char *value = place(kernel, support->value), *least = place(kernel, support->least);
  g_autofree char *most = place(kernel, support->most);

  return g_strdup_printf("%s%s%s of %s is outside the rows (%s%s%s) by %.3g x, %s",
                         bytes ? "" : axis_title(support->axis), bytes ? "" : " ", value, kernel->name, least,
                         strcmp(least, most) == 0 ? "" : " to ", strcmp(least, most) == 0 ? "" : most, support->beyond,
                         support->beyond > MOE_COST_NEAR ? "where nothing was measured" : "which is near them");
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
    return rest_outside(kernel, &support);
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

/* Another number of kernels: of all that a layer has, or of this class alone. Every layer with attention has one. */
static char *mean_number(const DiffSums *sums, MoeSeenClass klass)
{
  const DiffSum *sum = &sums->classes[klass], *attention = &sums->classes[MOE_SEEN_ATTENTION];
  const char *reason = "fused or split otherwise, or another number of layers";

  if (klass != MOE_SEEN_ATTENTION && differs(attention->predicted_n, attention->measured_n, ALIKE_COUNT))
    reason = "attention has another number, too: of layers, micro-batches or steps (--profiled-steps)";
  else if (klass != MOE_SEEN_ATTENTION && attention->predicted_n > 0 && attention->measured_n > 0)
    reason = "fused or split otherwise, since attention has as many";
  return g_strdup_printf("%.0f kernels, the model has %.0f: %s", sum->measured_n, sum->predicted_n, reason);
}

/* Without shapes names alone tell products of experts from others, and not of all libraries. NULL where that is no
 * matter. */
static char *mean_untold(const DiffSums *sums, MoeSeenClass klass)
{
  const DiffSum *single = &sums->classes[MOE_SEEN_GEMM], *grouped = &sums->classes[MOE_SEEN_GROUPED_GEMM];
  DiffSum both = {.predicted_s = single->predicted_s + grouped->predicted_s,
                  .measured_s = single->measured_s + grouped->measured_s};

  if ((klass != MOE_SEEN_GEMM && klass != MOE_SEEN_GROUPED_GEMM) || sums->shaped || grouped->predicted_s <= 0)
    return NULL;
  g_autofree char *times = mean_times(&both, "predicted");
  return g_strdup_printf("all products together %s: without shapes names do not tell those of experts from others",
                         times);
}

char *diff_mean_class(const DiffSums *sums, const MoeCostModel *cost, MoeSeenClass klass)
{
  const DiffSum *sum = &sums->classes[klass];
  char *plain = mean_plain(sum, "no kernel has a name of this class: fused into others, or --classes has to name it");

  plain = plain ? plain : mean_untold(sums, klass);
  if (plain)
    return plain;
  if (differs(sum->predicted_n, sum->measured_n, ALIKE_COUNT))
    return mean_number(sums, klass);
  const MoeKernel *kernel = speaker(sums, cost, klass);
  g_autofree char *times = mean_times(sum, "its curve");
  g_autofree char *rows = kernel ? rest_on(kernel, cost) : g_strdup("copies between host and GPU");
  return g_strdup_printf("%s: %s", times, rows);
}

/* Longer than predicted: what the shortest of alike ones is longer by, and what all others wait for their peers. */
static char *mean_longer(const DiffSums *sums, DiffCollective kind)
{
  const DiffSum *sum = &sums->collectives[kind];
  double waits_s = sums->waits_s[kind], alone = (sum->measured_s - waits_s) / sum->predicted_s;

  if (waits_s < ALIKE * sum->measured_s)
    return g_strdup_printf("%.2f x longer: the network, or waits for the last peer, which are in these kernels",
                           sum->measured_s / sum->predicted_s);
  return g_strdup_printf(
      "%.2f x longer: %.0f %% of it waits for the last peer, by the shortest of alike ones, which take "
      "%.2f of the prediction",
      sum->measured_s / sum->predicted_s, 100 * waits_s / sum->measured_s, alone);
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
    return mean_longer(sums, kind);
  return g_strdup_printf("%.2f of the prediction: less contention or fewer waits for peers",
                         sum->measured_s / sum->predicted_s);
}

/* "gemm (+0.31 s)": of sums by class what differs most. */
static char *most_of(const DiffSum classes[MOE_N_SEEN])
{
  guint most = 0;

  for (guint klass = 1; klass < MOE_N_SEEN; klass++)
    if (fabs(classes[klass].measured_s - classes[klass].predicted_s) >
        fabs(classes[most].measured_s - classes[most].predicted_s))
      most = klass;
  g_autofree char *time =
      moe_quantity_format(fabs(classes[most].measured_s - classes[most].predicted_s), MOE_DIM_SECONDS);
  return g_strdup_printf("%s (%s%s)", moe_seen_words[most],
                         classes[most].measured_s < classes[most].predicted_s ? "-" : "+", time);
}

char *diff_mean_layer(const DiffSums *sums, guint layer)
{
  const DiffSum *sum = &sums->layers[layer], *products = &sums->layer_classes[layer][MOE_SEEN_GEMM];
  char *plain = mean_plain(sum, "no kernel of the trace is known to be of this kind: shapes need record_shapes=True");

  if (plain)
    return plain;
  g_autofree char *times = mean_times(sum, "predicted"), *most = most_of(sums->layer_classes[layer]);
  gboolean untold = !sums->shaped && products->predicted_s != products->measured_s;
  return g_strdup_printf("%s, most by %s%s", times, most,
                         untold ? ": the trace tells no product's shape, and thus no layer of it (record_shapes=True)"
                                : "");
}

char *diff_mean_product(const DiffSums *sums, const DiffProduct *product, const MoeCostModel *cost)
{
  char *plain = mean_plain(&product->sum,
                           sums->shaped ? "no product of the trace has this shape: fused, split or recorded otherwise"
                                        : "the trace tells no shapes of products: record_shapes=True");

  if (plain)
    return plain;
  if (differs(product->sum.predicted_n, product->sum.measured_n, ALIKE_COUNT))
    return g_strdup_printf("%.0f kernels, the model has %.0f", product->sum.measured_n, product->sum.predicted_n);
  g_autofree char *times = mean_times(&product->sum, "its curve");
  g_autofree char *rows = rest_on(&product->kernel, cost);
  return g_strdup_printf("%s: %s", times, rows);
}

/* ---- causes ------------------------------------------------------------------------------------------------------ */

#define MOST_OF 0.5 /* a share that decides */

/* Predicted idle time that the trace does not have. */
static char *mean_less_idle(const DiffSums *sums)
{
  static const struct {
    MoeCause cause;
    const char *title;
  } causes[] = {{MOE_CAUSE_BUBBLE, "pipeline bubbles"},
                {MOE_CAUSE_HOST, "waits for the host"},
                {MOE_CAUSE_DATA, "work of the host once per step"}};
  guint most = 0;

  for (guint i = 1; i < G_N_ELEMENTS(causes); i++)
    if (sums->idle_s[causes[i].cause] > sums->idle_s[causes[most].cause])
      most = i;
  if (sums->idle_s[causes[most].cause] <= 0)
    return g_strdup("the model has gaps that the profile has not");
  g_autofree char *time = moe_quantity_format(sums->idle_s[causes[most].cause], MOE_DIM_SECONDS);
  return g_strdup_printf("the model has %s of %s, most of its idle time: not in the profile, or less of it", time,
                         causes[most].title);
}

/* Idle time beyond what is predicted: whether the host has more to launch than time, or waits itself. */
static char *mean_more_idle(const DiffSums *sums)
{
  const MoeProfile *p = sums->profile;
  double step_s = 0, launching_s = p->n_launches / sums->steps * p->launch_s, waiting_s = p->sync_s / sums->steps;

  for (guint state = 0; state < DIFF_N_STATES; state++)
    step_s += sums->measured_state_s[state];
  g_autofree char *launching = moe_quantity_format(launching_s, MOE_DIM_SECONDS);
  g_autofree char *waiting = moe_quantity_format(waiting_s, MOE_DIM_SECONDS);
  g_autofree char *launches = g_strdup_printf("%.0f launches of %.3g us take the host %s", p->n_launches / sums->steps,
                                              1e6 * p->launch_s, launching);
  if (launching_s > MOST_OF * step_s)
    return g_strdup_printf("bound by the host: %s", launches);
  if (waiting_s > MOST_OF * sums->measured_state_s[DIFF_IDLE])
    return g_strdup_printf("the host waits for the GPU %s, and then the GPU for it: synchronizations; %s", waiting,
                           launches);
  return g_strdup_printf("%s, waits %s: the rest is the framework between them, data, or a pipeline's bubble", launches,
                         waiting);
}

/* What of all communication lies under kernels, and which kind differs most. */
static char *mean_communication(const DiffSums *sums)
{
  DiffSum all = {0};
  guint most = 0;

  for (guint kind = 0; kind < DIFF_N_COLLECTIVES; kind++) {
    const DiffSum *one = &sums->collectives[kind], *largest = &sums->collectives[most];

    all.predicted_s += one->predicted_s;
    all.measured_s += one->measured_s;
    if (fabs(one->measured_s - one->predicted_s) > fabs(largest->measured_s - largest->predicted_s))
      most = kind;
  }
  return g_strdup_printf("%.0f %% of communication lies under kernels, predicted %.0f %%; %s differs most; waits for "
                         "peers and messages are in it",
                         100 * sums->measured_overlapped_s / fmax(all.measured_s, G_MINDOUBLE),
                         100 * sums->predicted_overlapped_s / fmax(all.predicted_s, G_MINDOUBLE),
                         diff_collective_words[most]);
}

char *diff_mean_state(const DiffSums *sums, DiffState state)
{
  DiffSum sum = {.predicted_s = sums->predicted_state_s[state], .measured_s = sums->measured_state_s[state]};
  gboolean both = sum.predicted_s > 0 && sum.measured_s > 0;

  if (!differs(sum.predicted_s, sum.measured_s, ALIKE) && (both || state != DIFF_IDLE))
    return mean_plain(&sum, "none in the trace");
  switch (state) {
  case DIFF_KERNELS: {
    g_autofree char *most = most_of(sums->classes);

    return g_strdup_printf("kernels take another time, most by %s", most);
  }
  case DIFF_COMMUNICATION:
    return mean_communication(sums);
  case DIFF_COPIES:
    return g_strdup("copies that no kernel covers");
  default:
    return sum.measured_s > sum.predicted_s ? mean_more_idle(sums) : mean_less_idle(sums);
  }
}
