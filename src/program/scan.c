/* Linear attention: the scan, its state passed along the ranks that share a sequence, and the convolution before it. */
#include "internal.h"

/* Data gradients of a scan: each forward product has two. The kernels rebuild the states of the chunks (cost). */
#define BACKWARD_FLOP 2.0
/* Kernels of a chunked scan: products inside chunks and their inverse, states chunk by chunk, outputs; the backward
 * pass rebuilds the first two (flash-linear-attention, chunk_gated_delta_rule; mamba-ssm, mamba_chunk_scan_combined).
 */
#define SCAN_LAUNCHES          5
#define SCAN_BACKWARD_LAUNCHES 8

static void emit_scan(MoeEmit *emit, const MoeLayerOp *op, MoePass pass)
{
  const MoeShape *shape = emit->shape;
  gboolean backward = pass == MOE_PASS_DGRAD;
  MoeKernel kernel = {.klass = MOE_KERNEL_SCAN, .pass = pass, .name = op->name, .output = MOE_BF16};

  kernel.precision = shape->precision->attention;
  kernel.useful_share = 1;
  kernel.batch = shape->run->training.micro_batch;
  kernel.query_heads = op->scan.value_heads;
  kernel.kv_heads = op->scan.key_heads;
  kernel.len_q = kernel.len_kv = shape->full_tokens / kernel.batch;
  kernel.dim_qk = op->scan.key_dim;
  kernel.dim_v = op->scan.value_dim;
  kernel.chunk = op->scan.chunk;
  kernel.rule = op->scan.kind;
  kernel.causal = TRUE;
  kernel.model_flop = (double)shape->full_tokens * moe_scan_flop_per_token(&op->scan) * (backward ? BACKWARD_FLOP : 1);
  kernel.launches = backward ? SCAN_BACKWARD_LAUNCHES : SCAN_LAUNCHES;
  moe_emit_kernel(emit, emit->flow, &kernel, MOE_NO_LOAD);
}

/* A rank's state starts from that of the rank before it: a chain, one hop after another. All ranks run one program, so
 * the last one's wait stands for all: a ring's all-gather moves one state per hop in as many hops. */
static void pass_state(MoeEmit *emit, const MoeLayerOp *op)
{
  double state = (double)emit->shape->run->training.micro_batch *
                 (double)(op->scan.value_heads * op->scan.key_dim * op->scan.value_dim) * moe_precision_bytes(MOE_FP32);
  MoeCollective collective =
      moe_collective(emit, MOE_ALL_GATHER, MOE_GROUP_CONTEXT, "state_chain", state * (double)emit->shape->cp);

  moe_emit_exposed(emit, MOE_STREAM_TENSOR, &collective);
}

void moe_lower_scan(MoeEmit *emit, const MoeLayerOp *op)
{
  pass_state(emit, op);
  emit_scan(emit, op, emit->pass);
}

void moe_lower_scan_backward(MoeEmit *emit, const MoeLayerOp *op)
{
  pass_state(emit, op);
  emit_scan(emit, op, MOE_PASS_DGRAD);
}

/* Channels last, one trip in and out; backward reads input and gradient. The few tokens of the rank before are not
 * counted. */
void moe_lower_convolution(MoeEmit *emit, const MoeLayerOp *op)
{
  double bytes = (double)moe_lower_rows(emit, op->rows) * op->chain.width[0] * emit->shape->act_bytes;

  moe_emit_bytes(emit, MOE_BANDWIDTH_ELEMENTWISE, op->name, bytes, bytes, 1);
}

void moe_lower_convolution_backward(MoeEmit *emit, const MoeLayerOp *op)
{
  double bytes = (double)moe_lower_rows(emit, op->rows) * op->chain.width[0] * emit->shape->act_bytes;

  moe_emit_bytes(emit, MOE_BANDWIDTH_ELEMENTWISE, op->name, 2 * bytes, bytes, 1);
}
