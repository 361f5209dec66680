/* The index of sparse attention: scores of all keys, the choice of the best, and what it learns from. */
#include "internal.h"

/* Scores are FP32 when they are chosen from: written once, read once. */
static void emit_choice(MoeEmit *emit, const MoeLayerOp *op)
{
  const MoeShape *shape = emit->shape;
  double keys = moe_core_mean_keys(&op->core, shape->run->training.sequence_length, FALSE);
  double bytes = (double)moe_lower_rows(emit, op->rows) * keys * moe_precision_bytes(MOE_FP32);

  moe_emit_bytes(emit, MOE_BANDWIDTH_ROUTER, "choose_keys", bytes, bytes, 1);
}

/* The keys of all ranks that share the sequence, one byte an element. */
static void gather_keys(MoeEmit *emit, const MoeLayerOp *op)
{
  double bytes = (double)emit->shape->full_tokens * (double)op->core.dim_qk * (double)emit->shape->cp;
  MoeCollective collective = moe_collective(emit, MOE_ALL_GATHER, MOE_GROUP_CONTEXT, "index_keys", bytes);

  moe_emit_exposed(emit, MOE_STREAM_TENSOR, &collective);
}

/* FP8 where the machine has it (DeepSeek-V3.2 report, 2.1). */
static MoePrecision score_precision(const MoeShape *shape)
{
  return shape->run->cluster.accelerator.peak_flop_per_s[MOE_FP8] > 0 ? MOE_FP8 : shape->precision->attention;
}

/* Ranks that share tokens have a slice of the queries each, mirrored so that all see as many keys. */
static void emit_scores(MoeEmit *emit, const MoeLayerOp *op, MoePass pass)
{
  const MoeShape *shape = emit->shape;
  const MoeTraining *t = &shape->run->training;
  gboolean backward = pass == MOE_PASS_DGRAD, repeated = !shape->run->parallelism.sequence_parallel;
  int64_t rows = moe_lower_rows(emit, op->rows), window = backward ? op->core.backward_window : op->core.window;
  double keys = moe_core_mean_keys(&op->core, t->sequence_length, backward);
  MoeKernel kernel = {.klass = MOE_KERNEL_ATTENTION, .pass = pass, .name = op->name, .output = MOE_BF16};

  kernel.precision = score_precision(shape);
  kernel.useful_share = 1;
  kernel.batch = t->micro_batch;
  kernel.query_heads = op->core.query_heads;
  kernel.kv_heads = op->core.kv_heads;
  kernel.len_q = MAX(rows / t->micro_batch, 1);
  kernel.causal = kernel.len_q == t->sequence_length;
  kernel.len_kv = kernel.causal ? t->sequence_length : MAX((int64_t)keys, 1);
  kernel.window = kernel.causal ? window : 0;
  kernel.dim_qk = op->core.dim_qk;
  kernel.model_flop =
      (double)rows * moe_core_flop_per_key(&op->core) * keys * (backward ? 2 : 1) / (repeated ? (double)shape->tp : 1);
  moe_emit_kernel(emit, emit->flow, &kernel, MOE_NO_LOAD);
}

void moe_lower_index(MoeEmit *emit, const MoeLayerOp *op)
{
  gather_keys(emit, op);
  emit_scores(emit, op, emit->pass);
  emit_choice(emit, op);
}

/* The index learns from the chosen keys only; attention's gradient does not pass through the choice. */
void moe_lower_index_backward(MoeEmit *emit, const MoeLayerOp *op)
{
  emit_scores(emit, op, MOE_PASS_DGRAD);
}
