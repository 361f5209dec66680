/*
 * Optimizer state that waits in host memory: it is stepped by the host's CPU (Megatron-Core, optimizer/cpu_offloading;
 * Ren et al. 2021, ZeRO-Offload), or visits the GPU for its update (Megatron-Core, --offload-optimizer-states).
 *
 * On the host: gradients go out, the CPU reads gradients and state and writes state, weights come back. The GPU waits,
 * as what follows needs the weights.
 */
#include "internal.h"

/* Overlapping copies and updates alternate over the weight tensors (Megatron-Core makes an optimizer of each), here in
 * at most so many pieces: more of them shorten only the first copy out and the last one back. */
#define MOST_PIECES 32

/* Bytes through host memory per element: gradient and state read, state written, all of them FP32 on the CPU; and the
 * weight that is cast for its way back. */
static double touched_bytes(const MoeShape *shape, double back)
{
  double fp32 = moe_precision_bytes(MOE_FP32), state = fp32 * (1 + (double)shape->keeps.moments);

  return 2 * state + fp32 + (back < fp32 ? back : 0);
}

static double host_seconds(const MoeShape *shape, double bytes)
{
  const MoeHost *host = &shape->run->cluster.host;
  double share = host->memory_bytes_per_s / (double)host->gpus * shape->run->stack.host.optimizer_share;

  return bytes / share;
}

/* Weights whose master stays on the GPU come back into it in FP32. */
static double back_bytes(const MoeShape *shape)
{
  gboolean stays = !shape->run->offload.master || shape->keeps.shard_bytes > shape->act_bytes;

  return stays ? moe_precision_bytes(MOE_FP32) : shape->act_bytes;
}

static guint count_pieces(const MoeShape *shape, double tensors)
{
  return shape->run->offload.overlap ? (guint)CLAMP(tensors, 1, MOST_PIECES) : 1;
}

void moe_offload_step(MoeEmit *emit, double elements, double tensors, double gradient_bytes)
{
  const MoeShape *shape = emit->shape;
  double back = back_bytes(shape), out_bytes = shape->run->offload.gradients ? 0 : gradient_bytes;
  guint n = count_pieces(shape, tensors);
  double piece = elements / n, seconds = host_seconds(shape, piece * touched_bytes(shape, back));
  guint32 out[MOST_PIECES], in = MOE_NO_ITEM;

  for (guint i = 0; i < n; i++)
    out[i] = out_bytes > 0 ? moe_emit_copy(emit, TRUE, "gradients_out", piece * out_bytes) : MOE_NO_ITEM;
  emit->flow->pending_earlier |= 1u << MOE_STREAM_OUT;
  for (guint i = 0; i < n; i++) {
    moe_flow_join(emit->flow, out[i]);
    moe_emit_delay(emit, seconds);
    in = moe_emit_copy(emit, FALSE, "weights_in", piece * back);
  }
  moe_flow_join(emit->flow, in);
}

void moe_offload_arrive(MoeEmit *emit, double elements)
{
  double bytes = elements * emit->shape->keeps.host_bytes;
  guint32 in = moe_emit_copy(emit, FALSE, "optimizer_in", bytes);

  moe_flow_memory(emit->flow, in, MOE_MEMORY_OPTIMIZER, FALSE, bytes);
  moe_flow_join(emit->flow, in);
}

void moe_offload_leave(MoeEmit *emit, double elements)
{
  double bytes = elements * emit->shape->keeps.host_bytes;
  guint32 out = moe_emit_copy(emit, TRUE, "optimizer_out", bytes);

  moe_flow_memory(emit->flow, out, MOE_MEMORY_OPTIMIZER, TRUE, -bytes);
}

void moe_offload_reduced(MoeEmit *emit, double elements, guint32 reduced, gboolean first)
{
  double bytes = elements * emit->shape->keeps.gradient_bytes;
  guint32 in = first ? MOE_NO_ITEM : moe_emit_copy(emit, FALSE, "gradients_in", bytes);
  guint32 out = moe_emit_copy(emit, TRUE, "gradients_out", bytes);

  moe_item_depend(moe_flow_item(emit->flow, out), reduced);
  moe_item_depend(moe_flow_item(emit->flow, out), in);
  moe_flow_memory(emit->flow, first ? out : in, MOE_MEMORY_GRADIENTS, FALSE, bytes);
  moe_flow_memory(emit->flow, out, MOE_MEMORY_GRADIENTS, TRUE, -bytes);
}
