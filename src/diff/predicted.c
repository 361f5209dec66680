/* The predicted side: slices of one rank, summed as a trace of them would be. */
#include "internal.h"

MoeSeenClass diff_class_of(const MoeKernel *kernel)
{
  static const MoeSeenClass of_kind[MOE_N_BANDWIDTH_KINDS] = {
      [MOE_BANDWIDTH_ELEMENTWISE] = MOE_SEEN_ELEMENTWISE,
      [MOE_BANDWIDTH_NORM] = MOE_SEEN_NORM,
      [MOE_BANDWIDTH_RESIDUAL] = MOE_SEEN_ELEMENTWISE,
      [MOE_BANDWIDTH_ACTIVATION] = MOE_SEEN_ACTIVATION,
      [MOE_BANDWIDTH_ROTARY] = MOE_SEEN_ROTARY,
      [MOE_BANDWIDTH_QUANTIZE] = MOE_SEEN_QUANTIZE,
      [MOE_BANDWIDTH_PERMUTE] = MOE_SEEN_PERMUTE,
      [MOE_BANDWIDTH_ROUTER] = MOE_SEEN_ROUTER,
      [MOE_BANDWIDTH_CROSS_ENTROPY] = MOE_SEEN_CROSS_ENTROPY,
      [MOE_BANDWIDTH_DROPOUT] = MOE_SEEN_ELEMENTWISE,
      [MOE_BANDWIDTH_ACCUMULATE] = MOE_SEEN_ELEMENTWISE,
      [MOE_BANDWIDTH_OPTIMIZER] = MOE_SEEN_OPTIMIZER,
      [MOE_BANDWIDTH_EMBEDDING] = MOE_SEEN_EMBEDDING,
      [MOE_BANDWIDTH_SOFTMAX] = MOE_SEEN_ROUTER,
      [MOE_BANDWIDTH_INDEX] = MOE_SEEN_ROUTER,
      [MOE_BANDWIDTH_MEMCPY] = MOE_SEEN_COPY,
  };

  switch (kernel->klass) {
  case MOE_KERNEL_GEMM:
    return MOE_SEEN_GEMM;
  case MOE_KERNEL_GROUPED_GEMM:
    return MOE_SEEN_GROUPED_GEMM;
  case MOE_KERNEL_ATTENTION:
    return MOE_SEEN_ATTENTION;
  case MOE_KERNEL_SCAN:
    return MOE_SEEN_SCAN;
  default:
    return of_kind[kernel->bandwidth];
  }
}

MoeScope diff_layer_of(MoeSeenClass klass)
{
  switch (klass) {
  case MOE_SEEN_ATTENTION:
  case MOE_SEEN_SCAN:
  case MOE_SEEN_ROTARY:
    return MOE_SCOPE_ATTENTION;
  case MOE_SEEN_GROUPED_GEMM:
  case MOE_SEEN_PERMUTE:
    return MOE_SCOPE_EXPERTS;
  case MOE_SEEN_ROUTER:
    return MOE_SCOPE_ROUTER;
  case MOE_SEEN_EMBEDDING:
    return MOE_SCOPE_EMBEDDING;
  case MOE_SEEN_CROSS_ENTROPY:
    return MOE_SCOPE_HEAD;
  case MOE_SEEN_OPTIMIZER:
    return MOE_SCOPE_OPTIMIZER;
  default:
    return MOE_N_SCOPES;
  }
}

DiffProduct *diff_product(DiffSums *sums, int64_t m, int64_t n, int64_t k, int64_t batch)
{
  int64_t low = MIN(m, n), high = MAX(m, n);
  g_autofree char *key = g_strdup_printf(
      "%" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT, low, high, k, batch);
  guint place = GPOINTER_TO_UINT(g_hash_table_lookup(sums->places, key));

  if (place == 0) {
    DiffProduct product = {.low = low, .high = high, .k = k, .batch = batch, .scope = MOE_N_SCOPES};

    g_array_append_val(sums->products, product);
    place = sums->products->len;
    g_hash_table_insert(sums->places, g_steal_pointer(&key), GUINT_TO_POINTER(place));
  }
  return &g_array_index(sums->products, DiffProduct, place - 1);
}

static void add(DiffSum *sum, double time_s, double n, double bytes)
{
  sum->predicted_s += time_s;
  sum->predicted_n += n;
  sum->predicted_bytes += bytes;
}

static void add_product(DiffSums *sums, const MoeKernel *kernel, double time_s)
{
  DiffProduct *product = diff_product(sums, kernel->m, kernel->n, kernel->k, MAX(kernel->groups, 1));

  add(&product->sum, time_s, (double)kernel->launches, 0);
  product->several |= product->name && product->name != kernel->name;
  if (time_s <= product->name_s)
    return;
  product->name = kernel->name;
  product->name_s = time_s;
  product->scope = kernel->scope;
  product->kernel = *kernel;
}

static char *work_key(const MoeKernel *kernel)
{
  const int64_t sizes[] = {kernel->klass,    kernel->bandwidth, kernel->precision,
                           kernel->pass,     kernel->m,         kernel->n,
                           kernel->k,        kernel->groups,    kernel->rows,
                           kernel->batch,    kernel->len_q,     kernel->query_heads,
                           kernel->kv_heads, kernel->len_kv,    kernel->window,
                           kernel->dim_qk,   kernel->dim_v,     (int64_t)(kernel->read_bytes + kernel->write_bytes)};
  GString *key = g_string_new(kernel->name);

  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++)
    g_string_append_printf(key, " %" G_GINT64_FORMAT, sizes[i]);
  return g_string_free(key, FALSE);
}

/* All of one kernel, however often it runs. */
static void remember_work(DiffSums *sums, const MoeKernel *kernel, double time_s)
{
  char *key = work_key(kernel);
  DiffWork *work = g_hash_table_lookup(sums->works, key);

  if (!work) {
    work = g_new0(DiffWork, 1);
    *work = (DiffWork){.key = key, .kernel = *kernel};
    g_hash_table_insert(sums->works, g_steal_pointer(&key), work);
  }
  g_free(key);
  work->time_s += time_s;
}

static void add_kernel(DiffSums *sums, const MoeKernel *kernel, double time_s)
{
  MoeSeenClass klass = diff_class_of(kernel);
  MoeScope layer = klass == MOE_SEEN_GEMM ? kernel->scope : diff_layer_of(klass);

  add(&sums->classes[klass], time_s, (double)kernel->launches, 0);
  add(&sums->layers[layer], time_s, (double)kernel->launches, 0);
  add(&sums->layer_classes[layer][klass], time_s, (double)kernel->launches, 0);
  if (klass == MOE_SEEN_GEMM)
    add_product(sums, kernel, time_s);
  remember_work(sums, kernel, time_s);
}

static DiffCollective collective_of(const MoeSlice *slice)
{
  static const DiffCollective kinds[MOE_N_COLLECTIVES] = {
      [MOE_ALL_REDUCE] = DIFF_ALL_REDUCE,         [MOE_ALL_GATHER] = DIFF_ALL_GATHER,
      [MOE_REDUCE_SCATTER] = DIFF_REDUCE_SCATTER, [MOE_ALL_TO_ALL] = DIFF_ALL_TO_ALL,
      [MOE_DISPATCH] = DIFF_ALL_TO_ALL,           [MOE_COMBINE] = DIFF_ALL_TO_ALL,
      [MOE_BROADCAST] = DIFF_BROADCAST,
  };

  return slice->collective ? kinds[slice->collective->kind] : DIFF_MESSAGE;
}

static void add_span(DiffSums *sums, const MoeSlice *slice, DiffState state)
{
  DiffSpan span = {moe_time_to_seconds(slice->start), moe_time_to_seconds(slice->end), state};

  g_array_append_val(sums->spans, span);
}

static void add_idle(DiffSums *sums, const MoeSlice *slice)
{
  for (guint cause = 0; cause < MOE_N_CAUSES; cause++)
    sums->idle_s[cause] += slice->cause_s[cause];
}

/* What no kernel, transfer or copy is - idle time, a delay of the host - a trace does not show. */
void diff_add_slice(const MoeSlice *slice, gpointer user_data)
{
  DiffSums *sums = user_data;
  double time_s = moe_time_to_seconds(slice->end - slice->start);

  if (slice->stream == MOE_N_STREAMS) {
    add_idle(sums, slice);
  } else if (slice->kernel) {
    add_kernel(sums, slice->kernel, time_s);
    add_span(sums, slice, DIFF_KERNELS);
  } else if (slice->collective || slice->message != MOE_NO_MESSAGE) {
    add(&sums->collectives[collective_of(slice)], time_s, 1, slice->payload_bytes);
    add_span(sums, slice, DIFF_COMMUNICATION);
  } else if (slice->stream == MOE_STREAM_OUT || slice->stream == MOE_STREAM_IN) {
    add(&sums->classes[MOE_SEEN_COPY], time_s, 1, 0);
    add_span(sums, slice, DIFF_COPIES);
  }
}
