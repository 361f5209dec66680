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

/* Norm of the owned gradients, its sum over all ranks, and the scaling pass. */
static void clip(MoeEmit *emit, double elements, double tensors)
{
  double bytes = elements * gradient_size(emit);
  MoeCollective norm =
      moe_collective(emit, MOE_ALL_REDUCE, MOE_GROUP_WORLD, "gradient_norm", moe_precision_bytes(MOE_FP32));

  moe_emit_bytes(emit, MOE_BANDWIDTH_OPTIMIZER, "gradient_norm", bytes, 0, (int64_t)launches_of(tensors, 1) + 1);
  moe_emit_exposed(emit, MOE_STREAM_REDUCE, &norm);
  if (!emit->shape->run->offload.gradients)
    moe_emit_bytes(emit, MOE_BANDWIDTH_OPTIMIZER, "gradient_clip", bytes, bytes, (int64_t)launches_of(tensors, 1));
}

/* Reads gradient, master weight and moments, writes master weight, moments and the BF16 weight. */
static void element_update(MoeEmit *emit, double elements, double tensors)
{
  const MoePrecisions *p = emit->shape->precision;
  double moments = (double)emit->shape->keeps.moments;
  double state = moe_precision_bytes(p->master) + moments * moe_precision_bytes(p->optimizer_moments);
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
  element_update(emit, dense + experts, tensors);
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

static void update_on_device(MoeEmit *emit, double dense, double experts, double tensors)
{
  if (dense + experts <= 0)
    return;
  if (emit->shape->run->training.optimizer == MOE_OPTIMIZER_MUON)
    muon(emit, dense, experts, tensors);
  else
    element_update(emit, dense + experts, tensors);
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
