/* Core attention: fused kernels or scores, softmax and values one by one; context parallelism around it. */
#include "internal.h"

#include <math.h>

/* Heads, dimensions and lengths of the core on one rank. */
typedef struct {
  int64_t batch, query_heads, kv_heads, len, window, dim_qk, dim_v;
  int64_t context; /* ranks that share the sequence */
  gboolean scattered;
  double flop; /* causal model FLOPs of one forward pass */
} Core;

/* Tokens that see only their own chunk are sequences of their own; a chunk longer than a rank's slice is shared by as
 * many ranks as it needs. */
static void cut_into_chunks(int64_t chunk, Core *core)
{
  int64_t slice = core->len / core->context;

  if (chunk == 0 || chunk >= core->len)
    return;
  core->batch *= MAX(slice / chunk, 1);
  core->context = MAX(moe_ceil_div(chunk, slice), 1);
  core->len = chunk;
}

static Core core_of(const MoeShape *shape, const MoeCore *described, gboolean backward)
{
  const MoeTraining *t = &shape->run->training;
  Core core = {.batch = t->micro_batch,
               .query_heads = described->query_heads,
               .context = shape->cp,
               .kv_heads = described->kv_heads,
               .len = t->sequence_length,
               .window = backward ? described->backward_window : described->window,
               .scattered = described->scattered,
               .dim_qk = described->dim_qk,
               .dim_v = described->dim_v};

  core.flop =
      (double)shape->full_tokens * moe_core_flop_per_key(described) * moe_core_mean_keys(described, core.len, backward);
  cut_into_chunks(described->chunk, &core);
  return core;
}

static double query_bytes(const MoeShape *shape, const Core *core)
{
  return (double)shape->full_tokens * (double)(core->query_heads * core->dim_qk) * shape->act_bytes;
}

static double key_bytes(const MoeShape *shape, const Core *core)
{
  return (double)shape->full_tokens * (double)(core->kv_heads * (core->dim_qk + core->dim_v)) * shape->act_bytes;
}

static double value_bytes(const MoeShape *shape, const Core *core)
{
  return (double)shape->full_tokens * (double)(core->query_heads * core->dim_v) * shape->act_bytes;
}

/* ---- fused kernels ------------------------------------------------------------------------------ */

/* The data gradient of a fused kernel recomputes the scores: five products instead of two (Dao 2023); model FLOPs count
 * four. */
#define BACKWARD_FLOP 2.0
/* Launches of a fused backward pass: preprocess (row sums), main, postprocess (cast of dQ), as in the FlashAttention
 * library. */
#define FLASH_BACKWARD_LAUNCHES 3

static MoeKernel flash_kernel(const MoeEmit *emit, const Core *core, MoePass pass)
{
  MoeKernel kernel = {.klass = MOE_KERNEL_ATTENTION,
                      .pass = pass,
                      .name = "attention",
                      .precision = emit->shape->precision->attention,
                      .output = MOE_BF16,
                      .useful_share = 1,
                      .batch = core->batch,
                      .query_heads = core->query_heads,
                      .kv_heads = core->kv_heads};
  kernel.len_q = kernel.len_kv = core->len;
  kernel.window = core->window;
  kernel.dim_qk = core->dim_qk;
  kernel.dim_v = core->dim_v;
  kernel.causal = TRUE;
  kernel.model_flop = core->flop * (pass == MOE_PASS_DGRAD ? BACKWARD_FLOP : 1);
  kernel.launches = pass == MOE_PASS_DGRAD ? FLASH_BACKWARD_LAUNCHES : 1;
  return kernel;
}

static void emit_flash(MoeEmit *emit, const Core *core, MoePass pass)
{
  MoeKernel kernel = flash_kernel(emit, core, pass);

  moe_emit_kernel(emit, emit->flow, &kernel, MOE_NO_LOAD);
}

/* ---- scores, softmax, values one by one --------------------------------------------------------- */

/* Traffic of scale, mask and softmax: fused into one kernel, or five element-wise ones over the whole square
 * (Megatron-LM without
 * --masked-softmax-fusion). */
#define SOFTMAX_UNFUSED_LAUNCHES 5
#define SOFTMAX_UNFUSED_TRAFFIC  4.0

static void emit_softmax(MoeEmit *emit, const Core *core, double backward)
{
  gboolean fused = emit->shape->run->stack.fused.activation;
  double scores =
      (double)(core->batch * core->query_heads) * (double)core->len * (double)core->len / (double)core->context;
  double bytes = scores * emit->shape->act_bytes * (fused ? 1 : SOFTMAX_UNFUSED_TRAFFIC);

  moe_emit_bytes(emit, MOE_BANDWIDTH_SOFTMAX, "softmax", bytes * backward, bytes, fused ? 1 : SOFTMAX_UNFUSED_LAUNCHES);
  if (emit->shape->arch->dropout > 0)
    moe_emit_bytes(emit, MOE_BANDWIDTH_DROPOUT, "attention_dropout", scores * emit->shape->act_bytes,
                   scores * (emit->shape->act_bytes + 1), 1);
}

/* A batched product over all heads; the whole square is computed, model FLOPs count what is causal. */
static void emit_product(MoeEmit *emit, const Core *core, const char *name, MoePass pass, int64_t m, int64_t k,
                         int64_t n, int64_t dim)
{
  MoeKernel kernel = flash_kernel(emit, core, pass);

  kernel.klass = MOE_KERNEL_GEMM;
  kernel.name = name;
  kernel.m = m;
  kernel.k = k;
  kernel.n = n;
  kernel.groups = core->batch * core->query_heads;
  kernel.model_flop = core->flop * (double)dim / (double)(core->dim_qk + core->dim_v);
  kernel.launches = 1;
  kernel.batch = kernel.query_heads = kernel.kv_heads = kernel.len_q = kernel.len_kv = kernel.window = 0;
  kernel.dim_qk = kernel.dim_v = 0;
  kernel.causal = FALSE;
  moe_emit_kernel(emit, emit->flow, &kernel, MOE_NO_LOAD);
}

static void unfused_forward(MoeEmit *emit, const Core *core)
{
  int64_t rows = core->len / core->context;

  emit_product(emit, core, "scores", emit->pass, rows, core->dim_qk, core->len, core->dim_qk);
  emit_softmax(emit, core, 1);
  emit_product(emit, core, "values", emit->pass, rows, core->len, core->dim_v, core->dim_v);
}

static void unfused_backward(MoeEmit *emit, const Core *core)
{
  int64_t rows = core->len / core->context;

  emit_product(emit, core, "values_grad", MOE_PASS_DGRAD, core->len, rows, core->dim_v, core->dim_v);
  emit_product(emit, core, "probabilities_grad", MOE_PASS_DGRAD, rows, core->dim_v, core->len, core->dim_v);
  emit_softmax(emit, core, 2);
  emit_product(emit, core, "queries_grad", MOE_PASS_DGRAD, rows, core->len, core->dim_qk, core->dim_qk);
  emit_product(emit, core, "keys_grad", MOE_PASS_DGRAD, core->len, rows, core->dim_qk, core->dim_qk);
}

/* ---- Ulysses: heads for sequence ---------------------------------------------------------------- */

static void exchange_heads(MoeEmit *emit, const char *name, double bytes)
{
  MoeCollective collective = moe_collective(emit, MOE_ALL_TO_ALL, MOE_GROUP_CONTEXT, name, bytes);

  moe_emit_exposed(emit, MOE_STREAM_TENSOR, &collective);
}

/* Each rank holds the whole sequence for its share of the heads; key heads are replicated when there are too few. */
static void ulysses(MoeEmit *emit, Core core, MoePass pass)
{
  double inputs = query_bytes(emit->shape, &core) + key_bytes(emit->shape, &core),
         outputs = value_bytes(emit->shape, &core);
  gboolean backward = pass == MOE_PASS_DGRAD;

  exchange_heads(emit, "ulysses_in", backward ? outputs : inputs);
  core.query_heads = MAX(core.query_heads / core.context, 1);
  core.kv_heads = MAX(core.kv_heads / core.context, 1);
  core.context = 1;
  emit_flash(emit, &core, pass);
  exchange_heads(emit, "ulysses_out", backward ? inputs : outputs);
}

/* ---- ring --------------------------------------------------------------------------------------- */

/* One step of a ring whose ranks hold two mirrored slices of the sequence each, so that work is even: the own slices
 * are causal, with every other rank's keys half of the square counts (Liu et al. 2023; zigzag order as in
 * Megatron-core). */
static void ring_step(MoeEmit *emit, const Core *core, MoePass pass, gboolean own)
{
  MoeKernel kernel = flash_kernel(emit, core, pass);
  int64_t slice = MAX(core->len / core->context, 1);

  kernel.name = "ring_attention";
  kernel.len_q = slice;
  kernel.len_kv = own ? slice : MAX(slice / 2, 1);
  kernel.causal = own;
  kernel.window = own ? core->window : 0;
  kernel.model_flop *= (own ? 1.0 : 2.0) / (double)(2 * core->context - 1);
  moe_emit_kernel(emit, emit->flow, &kernel, MOE_NO_LOAD);
}

/* A window that fits into a slice needs only the neighbour's tail. */
static gboolean is_local(const Core *core)
{
  return core->window > 0 && !core->scattered && core->window <= core->len / core->context;
}

/* Chosen keys lie anywhere: with all of them gathered, a rank's queries take one kernel. */
static void scattered(MoeEmit *emit, const Core *core, MoePass pass)
{
  MoeKernel kernel = flash_kernel(emit, core, pass);

  kernel.len_q = MAX(core->len / core->context, 1);
  moe_emit_kernel(emit, emit->flow, &kernel, MOE_NO_LOAD);
}

/* Small kernels of a ring whose messages run beside its steps. TransformerEngine (AttnFuncWithCPAndKVP2P,
 * pytorch/attention/dot_product_attention/context_parallel.py) joins keys and values into the buffer that travels,
 * copies the halves that a step needs, and merges what every step made: forward the outputs and their log sums,
 * backward the gradients. In half of the steps behind the own one a rank needs all its queries and half of the keys, in
 * the other half (all keys) half of its queries. */
#define RING_PART 0.75 /* of a tensor that the mean step behind the own one reads and writes */

static void emit_merge(MoeEmit *emit, const char *name, double read, double write, double launches)
{
  moe_emit_bytes(emit, MOE_BANDWIDTH_ACCUMULATE, name, read, write, (int64_t)ceil(launches));
}

static void ring_copies(MoeEmit *emit, const Core *core, MoePass pass)
{
  double steps = (double)core->context - 1, keys = key_bytes(emit->shape, core),
         queries = query_bytes(emit->shape, core);
  double halves = pass == MOE_PASS_DGRAD ? 3 : 1; /* queries; backward also outputs and their gradients */
  double bytes = keys + steps * (keys + halves * queries) / 4;

  emit_merge(emit, "ring_copies", bytes, bytes, 1 + steps * (2 + halves) / 2);
}

/* The own step's result is written, each later one is added to it. */
static void ring_merge(MoeEmit *emit, const char *name, double bytes, double steps, double tensors)
{
  emit_merge(emit, name, bytes * (1 + 2 * RING_PART * steps), bytes * (1 + RING_PART * steps), tensors * (1 + steps));
}

static void ring_merges(MoeEmit *emit, const Core *core, MoePass pass)
{
  double steps = (double)core->context - 1, sums = (double)emit->shape->full_tokens * (double)core->query_heads;

  if (pass == MOE_PASS_DGRAD) {
    ring_merge(emit, "ring_query_gradients", query_bytes(emit->shape, core), steps, 1);
    ring_merge(emit, "ring_key_gradients", key_bytes(emit->shape, core), steps, 2);
  } else {
    ring_merge(emit, "ring_log_sums", sums * moe_precision_bytes(MOE_FP32), steps, 1);
    ring_merge(emit, "ring_outputs", value_bytes(emit->shape, core), steps, 1);
  }
}

static void ring_steps(MoeEmit *emit, const Core *core, MoePass pass)
{
  if (emit->shape->overlap_context)
    ring_copies(emit, core, pass);
  ring_step(emit, core, pass, TRUE);
  for (int64_t step = 1; step < core->context; step++)
    ring_step(emit, core, pass, FALSE);
  if (emit->shape->overlap_context)
    ring_merges(emit, core, pass);
}

static void ring(MoeEmit *emit, const Core *core, MoePass pass)
{
  double keys = key_bytes(emit->shape, core) * (pass == MOE_PASS_DGRAD ? 2 : 1);
  double bytes = keys * (is_local(core) ? 2 : (double)core->context);
  MoeCollective collective = moe_collective(emit, MOE_ALL_GATHER, MOE_GROUP_CONTEXT, "ring_keys", bytes);
  guint32 item = moe_emit_collective(emit, MOE_STREAM_TENSOR, &collective);

  if (!emit->shape->overlap_context)
    moe_flow_join(emit->flow, item);
  if (is_local(core)) {
    Core local = *core;

    local.len = core->len / core->context;
    emit_flash(emit, &local, pass);
  } else if (core->scattered) {
    scattered(emit, core, pass);
  } else {
    ring_steps(emit, core, pass);
  }
  if (emit->shape->overlap_context)
    moe_flow_join(emit->flow, item);
}

/* ---- the core ----------------------------------------------------------------------------------- */

/* Forward the queries, keys and values, backward the gradient of the output. */
static void emit_casts(MoeEmit *emit, const Core *core, MoePass pass)
{
  const MoeShape *shape = emit->shape;

  if (pass == MOE_PASS_DGRAD)
    moe_emit_attention_casts(emit, value_bytes(shape, core) / shape->act_bytes, 1);
  else
    moe_emit_attention_casts(emit, (query_bytes(shape, core) + key_bytes(shape, core)) / shape->act_bytes, 3);
}

static void emit_core(MoeEmit *emit, const MoeLayerOp *op, MoePass pass)
{
  Core core = core_of(emit->shape, &op->core, pass == MOE_PASS_DGRAD);

  if (op->core.fused)
    emit_casts(emit, &core, pass);
  if (!op->core.fused && pass == MOE_PASS_DGRAD)
    unfused_backward(emit, &core);
  else if (!op->core.fused)
    unfused_forward(emit, &core);
  else if (core.context == 1)
    emit_flash(emit, &core, pass);
  else if (emit->shape->run->parallelism.context_kind == MOE_CONTEXT_ULYSSES)
    ulysses(emit, core, pass);
  else
    ring(emit, &core, pass);
}

void moe_lower_core(MoeEmit *emit, const MoeLayerOp *op)
{
  emit_core(emit, op, emit->pass);
}

void moe_lower_core_backward(MoeEmit *emit, const MoeLayerOp *op)
{
  emit_core(emit, op, MOE_PASS_DGRAD);
}
