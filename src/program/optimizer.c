/* End of the step: gradient norm, clip, optimizer. */
#include "internal.h"

#include <math.h>

/* Kernels of a multi-tensor pass handle this many tensors each (PyTorch's multi_tensor_apply: 110 for depth 1, 30 for
 * depth 4 to 5). */
#define TENSORS_PER_LAUNCH 30.0
/* AdamW as a sequence of foreach operations: decay, two moments (three operations), bias correction, root, division,
 * epsilon, update, cast. */
#define FOREACH_OPERATIONS 12.0
/* Of the FP32 words such a sequence moves per parameter, beyond those the fused kernel moves. */
#define FOREACH_EXTRA_READS  8.0
#define FOREACH_EXTRA_WRITES 5.0

static double launches_of(double tensors, double operations)
{
  return MAX(ceil(tensors / TENSORS_PER_LAUNCH), 1) * operations;
}

static double gradient_size(const MoeEmit *emit)
{
  return moe_precision_bytes(emit->shape->precision->gradient_reduce);
}

/* Megatron's host takes the norm out of a tensor before it goes on (total_norm.item() of core/optimizer/clip_grads.py);
 * a captured optimizer clips on the device. */
static gboolean reads_norm(const MoeStack *stack)
{
  return stack->host.norm_sync && !(stack->host.graph_scopes & 1u << MOE_SCOPE_OPTIMIZER);
}

/* Norm of the owned gradients, its sum over all ranks, and the scaling pass. */
static void clip(MoeEmit *emit, double elements, double tensors)
{
  double bytes = elements * gradient_size(emit);
  MoeCollective norm =
      moe_collective(emit, MOE_ALL_REDUCE, MOE_GROUP_WORLD, "gradient_norm", moe_precision_bytes(MOE_FP32));

  moe_emit_bytes(emit, MOE_BANDWIDTH_OPTIMIZER, "gradient_norm", bytes, 0, (int64_t)launches_of(tensors, 1) + 1);
  moe_emit_exposed(emit, MOE_STREAM_REDUCE, &norm);
  if (reads_norm(&emit->shape->run->stack))
    moe_emit_host_sync(emit, MOE_NO_ITEM);
  if (!emit->shape->run->offload.gradients)
    moe_emit_bytes(emit, MOE_BANDWIDTH_OPTIMIZER, "gradient_clip", bytes, bytes, (int64_t)launches_of(tensors, 1));
}

/* Reads gradient, master weight and moments of `moment` bytes, writes master weight, moments and the BF16 weight. */
static void element_update(MoeEmit *emit, double elements, double tensors, double moment)
{
  const MoePrecisions *p = emit->shape->precision;
  double moments = (double)emit->shape->keeps.moments;
  double state = moe_precision_bytes(p->master) + moments * moment;
  double read = state + gradient_size(emit), write = state + emit->shape->act_bytes;
  gboolean fused = emit->shape->run->stack.fused.optimizer;

  if (!fused) {
    read += FOREACH_EXTRA_READS * moe_precision_bytes(MOE_FP32);
    write += FOREACH_EXTRA_WRITES * moe_precision_bytes(MOE_FP32);
  }
  moe_emit_bytes(emit, MOE_BANDWIDTH_OPTIMIZER, "optimizer", elements * read, elements * write,
                 (int64_t)launches_of(tensors, fused ? 1 : FOREACH_OPERATIONS));
}

/* ---- Muon --------------------------------------------------------------------------------------- */

/* Newton-Schulz iterations that orthogonalize the momentum of a matrix (Jordan et al. 2024). */
#define NEWTON_SCHULZ_STEPS 5

static void newton_schulz_gemm(MoeEmit *emit, int64_t m, int64_t k, int64_t n, int64_t copies)
{
  MoeKernel kernel = {.klass = MOE_KERNEL_GEMM, .pass = MOE_PASS_OPTIMIZER, .name = "newton_schulz"};
  kernel.precision = kernel.output = MOE_BF16;
  kernel.m = m;
  kernel.k = k;
  kernel.n = n;
  kernel.groups = copies;
  kernel.useful_share = 1;
  moe_emit_kernel(emit, emit->flow, &kernel, MOE_NO_LOAD);
}

/* X of [m, n], m <= n: A = X X^T; B = b A + c A A; X = a X + B X. A rank orthogonalizes its share of the matrices. */
static void orthogonalize(MoeEmit *emit, double elements, int64_t rows, int64_t columns)
{
  int64_t m = MIN(rows, columns), n = MAX(rows, columns);
  int64_t copies = (int64_t)ceil(elements / ((double)m * (double)n));

  if (elements <= 0)
    return;
  for (int step = 0; step < NEWTON_SCHULZ_STEPS; step++) {
    newton_schulz_gemm(emit, m, n, m, copies);
    newton_schulz_gemm(emit, m, m, m, copies);
    newton_schulz_gemm(emit, m, m, n, copies);
  }
}

static void muon(MoeEmit *emit, double dense, double experts, double tensors)
{
  const MoeShape *shape = emit->shape;
  const MoeExpertLayer *moe = &shape->arch->moe;

  orthogonalize(emit, dense, shape->hidden, shape->hidden);
  orthogonalize(emit, experts, shape->outer, moe->width);
  element_update(emit, dense + experts, tensors, moe_precision_bytes(shape->precision->optimizer_moments));
}

/* ---- the step ----------------------------------------------------------------------------------- */

/* The optimizer steps on FP32 gradients: it casts the owned share of 16-bit ones, unless it reads them as they are, as
 * the precision-aware optimizer does (Megatron-core, distrib_optimizer.py, _copy_model_grads_to_main_grads). */
static double main_gradient_bytes(const MoeShape *shape)
{
  double fp32 = moe_precision_bytes(MOE_FP32);
  gboolean aware = moe_precision_bytes(shape->precision->optimizer_moments) < fp32;

  return shape->keeps.gradient_bytes < fp32 && !aware ? fp32 : 0;
}

/* Whether 16-bit moments have FP32 copies while they are updated (TransformerEngine's FusedAdam, whose kernels take
 * FP32 moments only; its lists hold the copies of a group of parameters until the last one's kernel is launched). */
static gboolean casts_moments(const MoeShape *shape)
{
  return shape->run->stack.memory.moments_cast && shape->run->training.optimizer == MOE_OPTIMIZER_ADAMW &&
         moe_precision_bytes(shape->precision->optimizer_moments) < moe_precision_bytes(MOE_FP32);
}

/* Every moment of every tensor is copied by a kernel of its own; on the way back by way of a 16-bit copy. */
static void copy_moments(MoeEmit *emit, const char *name, double elements, double tensors, double from, double to)
{
  double moments = (double)emit->shape->keeps.moments;

  moe_emit_bytes(emit, MOE_BANDWIDTH_OPTIMIZER, name, elements * moments * from, elements * moments * to,
                 (int64_t)ceil(moments * MAX(tensors, 1)));
}

static void cast_update(MoeEmit *emit, double dense, double experts, double tensors)
{
  double fp32 = moe_precision_bytes(MOE_FP32), kept = moe_precision_bytes(emit->shape->precision->optimizer_moments);
  double copies = (double)emit->shape->keeps.moments * fp32 * MAX(dense, experts);

  moe_flow_allocate(emit->flow, MOE_MEMORY_OPTIMIZER, copies);
  copy_moments(emit, "moments_cast", dense + experts, tensors, kept, fp32);
  element_update(emit, dense + experts, tensors, fp32);
  copy_moments(emit, "moments_cast", dense + experts, tensors, fp32, kept);
  copy_moments(emit, "moments_copy", dense + experts, tensors, kept, kept);
  moe_flow_release(emit->flow, MOE_MEMORY_OPTIMIZER, copies);
}

static void update_on_device(MoeEmit *emit, double dense, double experts, double tensors)
{
  double moment = moe_precision_bytes(emit->shape->precision->optimizer_moments);

  if (dense + experts <= 0)
    return;
  if (emit->shape->run->training.optimizer == MOE_OPTIMIZER_MUON)
    muon(emit, dense, experts, tensors);
  else if (casts_moments(emit->shape))
    cast_update(emit, dense, experts, tensors);
  else
    element_update(emit, dense + experts, tensors, moment);
}

/* Offloaded state is stepped where it lies, or comes for the update. */
static void update(MoeEmit *emit, double dense, double experts, double tensors)
{
  const MoeOffload *offload = &emit->shape->run->offload;
  gboolean on_host = offload->optimizer > 0 && offload->update == MOE_UPDATE_HOST;
  gboolean visits = offload->optimizer > 0 && offload->update == MOE_UPDATE_DEVICE;
  double stays = on_host ? 1 - offload->optimizer : 1;
  double cast = main_gradient_bytes(emit->shape);

  if (visits)
    moe_offload_arrive(emit, dense + experts);
  update_on_device(emit, stays * dense, stays * experts, stays * tensors);
  if (visits)
    moe_offload_leave(emit, dense + experts);
  if (on_host)
    moe_offload_step(emit, offload->optimizer * (dense + experts), offload->optimizer * tensors,
                     cast > 0 ? cast : emit->shape->keeps.gradient_bytes);
}

/* Gradients that wait in host memory are cast there. */
void moe_optimizer_emit(MoeEmit *emit, const MoeHolding *holding)
{
  double dense = holding->trainable_dense / holding->dense_shards;
  double experts = holding->trainable_experts / holding->expert_shards;
  gboolean away = emit->shape->run->offload.gradients;
  double main_gradients = away ? 0 : main_gradient_bytes(emit->shape) * (dense + experts);

  emit->scope = MOE_SCOPE_OPTIMIZER;
  moe_flow_allocate(emit->flow, MOE_MEMORY_GRADIENTS, main_gradients);
  clip(emit, dense + experts, holding->held.tensors);
  update(emit, dense, experts, holding->held.tensors);
  moe_flow_release(emit->flow, MOE_MEMORY_GRADIENTS, main_gradients);
}
