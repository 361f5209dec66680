/* A measured row as kernels: what ran, and how long it took. */
#include <math.h>

#include "internal.h"

#define BYTES_BF16 2
#define TERA       1e12
#define GIGA       1e9
#define MICRO      1e-6

guint64 moe_row_shape(const MoeRow *row)
{
  const double shape[] = {row->m,      row->n,      row->k,           row->groups,   row->rows_per_group,
                          row->tokens, row->hidden, row->width,       row->experts,  row->top_k,
                          row->batch,  row->len,    row->query_heads, row->kv_heads, row->dim_qk,
                          row->dim_v,  row->window, row->read,        row->write};
  guint64 hash = moe_random_stream("calibrate");

  for (guint i = 0; i < G_N_ELEMENTS(shape); i++)
    hash = moe_random_mix(hash + (guint64)llround(shape[i]) + MOE_RANDOM_STEP);
  if (row->chunk > 0) /* scans: which half a row of other classes falls into stays as it was */
    hash = moe_random_mix(hash + (guint64)llround(row->chunk) + MOE_RANDOM_STEP * (guint64)(1 + llround(row->rule)));
  return hash;
}

static MoeKernel *add_kernel(MoeMeasurement *m, MoeKernelClass klass, MoePass pass, MoePrecision precision)
{
  MoeKernel *kernel = &m->kernel[m->n_kernels++];

  *kernel = (MoeKernel){
      .klass = klass, .pass = pass, .precision = precision, .output = MOE_BF16, .useful_share = 1, .launches = 1};
  return kernel;
}

static MoeKernel *add_bandwidth(MoeMeasurement *m, MoePass pass, MoeBandwidthKind kind, double read, double write)
{
  MoeKernel *kernel = add_kernel(m, MOE_KERNEL_BANDWIDTH, pass, MOE_BF16);

  kernel->bandwidth = kind;
  kernel->read_bytes = read;
  kernel->write_bytes = write;
  return kernel;
}

static MoePass pass_of(int pass)
{
  return pass == 1 ? MOE_PASS_DGRAD : pass == 2 ? MOE_PASS_WGRAD : MOE_PASS_FORWARD;
}

/* Where times contain it: the activation, `elements` of it, read in BF16 and written as the product reads it. */
static void add_quantize(const MoeSeriesText *s, double elements, MoeMeasurement *m)
{
  if (s->head.quantize)
    add_bandwidth(m, pass_of(s->pass), MOE_BANDWIDTH_QUANTIZE, elements * BYTES_BF16,
                  elements * moe_precision_bytes(s->head.precision));
}

/* ---- products --------------------------------------------------------------------------------------------------- */

static double gemm(const MoeSeriesText *s, const MoeRow *row, MoeMeasurement *m)
{
  MoeKernel *kernel = add_kernel(m, MOE_KERNEL_GEMM, pass_of(s->pass), s->head.precision);

  kernel->m = (int64_t)row->m;
  kernel->n = (int64_t)row->n;
  kernel->k = (int64_t)row->k;
  kernel->groups = 1;
  kernel->output = s->output;
  kernel->accumulate = s->accumulate;
  add_quantize(s, row->m * row->k, m);
  return moe_cost_flop(kernel);
}

static MoeKernel *add_grouped(MoeMeasurement *m, MoePass pass, MoePrecision precision, int64_t groups,
                              int64_t per_group)
{
  MoeKernel *kernel = add_kernel(m, MOE_KERNEL_GROUPED_GEMM, pass, precision);

  kernel->groups = groups;
  kernel->m = per_group;
  kernel->rows = groups * per_group;
  return kernel;
}

static double grouped(const MoeSeriesText *s, const MoeRow *row, MoeMeasurement *m)
{
  MoeKernel *kernel =
      add_grouped(m, pass_of(s->pass), s->head.precision, (int64_t)row->groups, (int64_t)row->rows_per_group);

  kernel->n = (int64_t)row->n;
  kernel->k = (int64_t)row->k;
  kernel->output = s->output;
  kernel->accumulate = s->accumulate;
  add_quantize(s, row->groups * row->rows_per_group * row->k, m);
  return moe_cost_flop(kernel);
}

/* ---- a MoE layer on one GPU ------------------------------------------------------------------------------------- */

/* Both linears of the experts in one direction: up has a gate, hence 2 x width outputs. */
static void layer_products(const MoeRow *row, MoePrecision precision, MoePass pass, MoeMeasurement *m)
{
  int64_t experts = (int64_t)row->experts, per_expert = (int64_t)(row->tokens * row->top_k / row->experts);
  int64_t hidden = (int64_t)row->hidden, width = (int64_t)row->width;
  MoeKernel *up = add_grouped(m, pass, precision, experts, per_expert);
  MoeKernel *down = add_grouped(m, pass, precision, experts, per_expert);

  up->n = pass == MOE_PASS_DGRAD ? hidden : 2 * width;
  up->k = pass == MOE_PASS_DGRAD ? 2 * width : hidden;
  down->n = pass == MOE_PASS_DGRAD ? width : hidden;
  down->k = pass == MOE_PASS_DGRAD ? hidden : width;
}

/* Token rows that an expert layer handles: top_k copies of each token. */
static double expert_rows(const MoeRow *row)
{
  return row->tokens * row->top_k;
}

/* Serving kernels choose the experts of all tokens that enter and find the rank's rows among the choices, by expert:
 * prefix sums over blocks, over all of them and back, and the first row of each expert
 * (threeStepBuildExpertMapsSortFirstToken and computeStridesTmaWarpSpecialized of TensorRT-LLM's moe_kernels.cu). */
#define SORT_KERNELS 4
#define BYTES_CHOICE 4
#define BYTES_CHOSEN 8 /* index and weight */

static void add_sort(const MoeRow *row, MoeMeasurement *m)
{
  double choices = row->entering * row->top_k, experts = row->experts * row->entering / row->tokens;

  if (row->entering <= 0)
    return;
  add_bandwidth(m, MOE_PASS_FORWARD, MOE_BANDWIDTH_ROUTER, row->entering * experts * BYTES_BF16, choices * BYTES_CHOSEN)
      ->m = (int64_t)row->entering;
  for (int i = 0; i < SORT_KERNELS; i++)
    add_bandwidth(m, MOE_PASS_FORWARD, MOE_BANDWIDTH_PERMUTE, choices * BYTES_CHOICE, choices * BYTES_CHOICE);
}

/* Bytes of an element where a layer's kernels hand the operands on. */
typedef struct {
  double gathered, activated; /* as the gather and the activation write them */
} Handed;

static Handed handed_on(const MoeSeriesText *s)
{
  double element = moe_precision_bytes(s->head.precision);

  return (Handed){s->casts == MOE_CASTS_GATHERED || s->casts == MOE_CASTS_APART ? BYTES_BF16 : element,
                  s->casts == MOE_CASTS_APART ? BYTES_BF16 : element};
}

/* Casts by kernels of their own. Blocks that lie padded by expert are copied back before they are summed. */
static void add_casts(const MoeSeriesText *s, const MoeRow *row, MoeMeasurement *m)
{
  double element = moe_precision_bytes(s->head.precision), gathered = expert_rows(row) * row->hidden;

  if (s->casts == MOE_CASTS_ENTERING)
    add_bandwidth(m, MOE_PASS_FORWARD, MOE_BANDWIDTH_QUANTIZE, row->entering * row->hidden * BYTES_BF16,
                  row->entering * row->hidden * element);
  if (s->casts == MOE_CASTS_GATHERED || s->casts == MOE_CASTS_APART)
    add_bandwidth(m, MOE_PASS_FORWARD, MOE_BANDWIDTH_QUANTIZE, gathered * BYTES_BF16, gathered * element);
  if (s->casts == MOE_CASTS_APART)
    add_bandwidth(m, MOE_PASS_FORWARD, MOE_BANDWIDTH_QUANTIZE, expert_rows(row) * row->width * BYTES_BF16,
                  expert_rows(row) * row->width * element);
  if (s->casts == MOE_CASTS_GATHERED)
    add_bandwidth(m, MOE_PASS_FORWARD, MOE_BANDWIDTH_PERMUTE, gathered * BYTES_BF16, gathered * BYTES_BF16);
}

/* Gather and activation write what the products read, where no kernel of its own casts it; the sum over experts has a
 * row for every token that entered. */
static double layer_forward(const MoeSeriesText *s, const MoeRow *row, MoeMeasurement *m)
{
  Handed bytes = handed_on(s);
  double rows = expert_rows(row), read = s->casts == MOE_CASTS_ENTERING ? bytes.gathered : BYTES_BF16;

  layer_products(row, s->head.precision, MOE_PASS_FORWARD, m);
  if (s->gather)
    add_bandwidth(m, MOE_PASS_FORWARD, MOE_BANDWIDTH_PERMUTE, rows * row->hidden * read,
                  rows * row->hidden * bytes.gathered);
  if (s->activation)
    add_bandwidth(m, MOE_PASS_FORWARD, MOE_BANDWIDTH_ACTIVATION, 2 * rows * row->width * BYTES_BF16,
                  rows * row->width * bytes.activated);
  add_casts(s, row, m);
  add_bandwidth(m, MOE_PASS_FORWARD, MOE_BANDWIDTH_PERMUTE, rows * row->hidden * BYTES_BF16,
                MAX(row->entering, row->tokens) * row->hidden * BYTES_BF16)
      ->m = (int64_t)row->entering;
  add_sort(row, m);
  return 6 * rows * row->width * row->hidden;
}

static double layer_backward(const MoeSeriesText *s, const MoeRow *row, MoeMeasurement *m)
{
  double rows = expert_rows(row), copies = rows * row->hidden * BYTES_BF16, wide = rows * row->width * BYTES_BF16;

  layer_products(row, s->head.precision, MOE_PASS_DGRAD, m);
  layer_products(row, s->head.precision, MOE_PASS_WGRAD, m);
  if (s->gather)
    add_bandwidth(m, MOE_PASS_DGRAD, MOE_BANDWIDTH_PERMUTE, 2 * copies, 2 * copies);
  if (s->activation)
    add_bandwidth(m, MOE_PASS_DGRAD, MOE_BANDWIDTH_ACTIVATION, 3 * wide, 3 * wide);
  add_bandwidth(m, MOE_PASS_DGRAD, MOE_BANDWIDTH_PERMUTE, copies, copies / row->top_k);
  return 12 * rows * row->width * row->hidden;
}

/* ---- attention, scans, bandwidth ------------------------------------------------------------------------------------
 */

static double add_attention(const MoeSeriesText *s, const MoeRow *row, MoePass pass, MoeMeasurement *m)
{
  MoeKernel *kernel = add_kernel(m, s->head.klass, pass, s->head.precision);

  kernel->batch = (int64_t)row->batch;
  kernel->query_heads = (int64_t)row->query_heads;
  kernel->kv_heads = (int64_t)row->kv_heads;
  kernel->len_q = kernel->len_kv = (int64_t)row->len;
  kernel->window = (int64_t)row->window;
  kernel->dim_qk = (int64_t)row->dim_qk;
  kernel->dim_v = (int64_t)row->dim_v;
  kernel->chunk = (int64_t)row->chunk;
  kernel->rule = (int64_t)row->rule;
  kernel->causal = s->causal;
  return moe_cost_flop(kernel);
}

/* Queries, keys and values once through a kernel that rotates them and writes keys and values as the products read
 * them. */
static void add_rotary(const MoeSeriesText *s, const MoeRow *row, MoeMeasurement *m)
{
  double tokens = row->batch * row->len, queries = tokens * row->query_heads * row->dim_qk;
  double keys = tokens * row->kv_heads * (row->dim_qk + row->dim_v);

  add_bandwidth(m, pass_of(s->pass), MOE_BANDWIDTH_ROTARY, (queries + keys) * BYTES_BF16,
                (queries + keys) * moe_precision_bytes(s->head.precision));
}

static double attention(const MoeSeriesText *s, const MoeRow *row, MoeMeasurement *m)
{
  double flop = 0;

  if (s->pass != 1)
    flop += add_attention(s, row, MOE_PASS_FORWARD, m);
  if (s->pass == 1 || s->pass == MOE_SERIES_BOTH)
    flop += add_attention(s, row, MOE_PASS_DGRAD, m);
  if (s->rotates)
    add_rotary(s, row, m);
  return flop;
}

static void bandwidth(const MoeSeriesText *s, const MoeRow *row, MoeMeasurement *m)
{
  add_bandwidth(m, pass_of(s->pass), s->kind, row->read, row->write);
  m->kernel[0].m = (int64_t)row->m;
  m->kernel[0].n = (int64_t)row->n;
}

static double products(const MoeSeriesText *s, const MoeRow *row, MoeMeasurement *m)
{
  switch (s->head.klass) {
  case MOE_KERNEL_GEMM:
    return gemm(s, row, m);
  case MOE_KERNEL_ATTENTION:
  case MOE_KERNEL_SCAN:
    return attention(s, row, m);
  default:
    if (!s->layer)
      return grouped(s, row, m);
    return s->pass == 0 ? layer_forward(s, row, m) : layer_backward(s, row, m);
  }
}

gboolean moe_row_measure(const MoeSeriesText *s, const MoeRow *row, MoeMeasurement *m)
{
  double flop = 0;

  m->n_kernels = 0;
  if (s->head.klass == MOE_KERNEL_BANDWIDTH)
    bandwidth(s, row, m);
  else
    flop = products(s, row, m);
  m->measured_s = row->us > 0       ? row->us * MICRO
                  : row->gbps > 0   ? (row->read + row->write) / (row->gbps * GIGA)
                  : row->tflops > 0 ? flop / (row->tflops * TERA)
                                    : 0;
  return m->measured_s > 0;
}
