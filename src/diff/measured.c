/* The measured side: the kernels of a profile, a step of them. */
#include "internal.h"

#include <math.h>
#include <string.h>

const char *const diff_collective_words[] = {"all_reduce", "all_gather",    "reduce_scatter",   "all_to_all",
                                             "broadcast",  "send, receive", "other collective", NULL};

/* ---- collectives ------------------------------------------------------------------------------------------------- */

/* Parts of names as PyTorch's records, NCCL, RCCL and DeepEP have them; the first that is in it counts. */
static DiffCollective collective_of(const MoeSeenKernel *kernel)
{
  static const struct {
    const char *part;
    DiffCollective kind;
  } parts[] = {{"all_to_all", DIFF_ALL_TO_ALL},
               {"alltoall", DIFF_ALL_TO_ALL},
               {"dispatch", DIFF_ALL_TO_ALL},
               {"combine", DIFF_ALL_TO_ALL},
               {"notify", DIFF_ALL_TO_ALL},
               {"allreduce", DIFF_ALL_REDUCE},
               {"all_reduce", DIFF_ALL_REDUCE},
               {"allgather", DIFF_ALL_GATHER},
               {"all_gather", DIFF_ALL_GATHER},
               {"reduce_scatter", DIFF_REDUCE_SCATTER},
               {"reducescatter", DIFF_REDUCE_SCATTER},
               {"broadcast", DIFF_BROADCAST},
               {"send", DIFF_MESSAGE},
               {"recv", DIFF_MESSAGE}};
  const char *const names[] = {kernel->collective, kernel->name};

  for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
    g_autofree char *name = g_ascii_strdown(names[i] ? names[i] : "", -1);

    for (guint p = 0; p < G_N_ELEMENTS(parts); p++)
      if (strstr(name, parts[p].part))
        return parts[p].kind;
  }
  return DIFF_OTHER_COLLECTIVE;
}

/* ---- sums -------------------------------------------------------------------------------------------------------- */

static void add(DiffSum *sum, const MoeSeenKernel *kernel, double steps)
{
  sum->measured_s += kernel->duration_s / steps;
  sum->measured_n += 1 / steps;
  sum->measured_bytes += kernel->bytes / steps;
}

static void add_kernel(DiffSums *sums, const MoeSeenKernel *kernel)
{
  gboolean shaped = kernel->klass == MOE_SEEN_GEMM && kernel->m > 0;
  DiffProduct *product = shaped ? diff_product(sums, kernel->m, kernel->n, kernel->k, kernel->batch) : NULL;
  MoeScope layer = product ? product->scope : diff_layer_of(kernel->klass);

  sums->shaped |= shaped;
  add(&sums->classes[kernel->klass], kernel, sums->steps);
  if (kernel->klass != MOE_SEEN_COPY) {
    add(&sums->layers[layer], kernel, sums->steps);
    add(&sums->layer_classes[layer][kernel->klass], kernel, sums->steps);
  }
  if (product)
    add(&product->sum, kernel, sums->steps);
}

static void name_largest(DiffSums *sums)
{
  MoeSeenSum seen[MOE_N_SEEN];

  moe_profile_classes(sums->profile, seen);
  for (guint klass = 0; klass < MOE_N_SEEN; klass++)
    sums->classes[klass].largest = seen[klass].largest;
}

static DiffState state_of(const MoeSeenKernel *kernel)
{
  return kernel->klass == MOE_SEEN_COLLECTIVE ? DIFF_COMMUNICATION
         : kernel->klass == MOE_SEEN_COPY     ? DIFF_COPIES
                                              : DIFF_KERNELS;
}

static GArray *spans_of(const MoeProfile *profile)
{
  GArray *spans = g_array_new(FALSE, FALSE, sizeof(DiffSpan));

  for (guint i = 0; i < profile->kernels->len; i++) {
    const MoeSeenKernel *kernel = &g_array_index(profile->kernels, MoeSeenKernel, i);
    DiffSpan span = {kernel->start_s, kernel->start_s + kernel->duration_s, state_of(kernel)};

    g_array_append_val(spans, span);
  }
  return spans;
}

/* By which collectives with records take longer than the shortest of the same kind, size and group: waits for peers. */
static void add_waits(DiffSums *sums)
{
  g_autoptr(GArray) alike = moe_profile_collectives(sums->profile);

  for (guint i = 0; i < alike->len; i++) {
    const MoeSeenAlike *one = &g_array_index(alike, MoeSeenAlike, i);

    sums->waits_s[collective_of(&one->like)] += (one->total_s - one->n * one->least_s) / sums->steps;
  }
}

void diff_add_profile(DiffSums *sums)
{
  for (guint i = 0; i < sums->profile->kernels->len; i++) {
    const MoeSeenKernel *kernel = &g_array_index(sums->profile->kernels, MoeSeenKernel, i);

    if (kernel->klass == MOE_SEEN_COLLECTIVE)
      add(&sums->collectives[collective_of(kernel)], kernel, sums->steps);
    else
      add_kernel(sums, kernel);
  }
  g_autoptr(GArray) spans = spans_of(sums->profile);

  diff_sum_states(spans, sums->steps, sums->measured_state_s, &sums->measured_overlapped_s);
  name_largest(sums);
  add_waits(sums);
}
