/* Buckets of gradients on the GPU: set to zero at the start of a step, checked and scaled before they are reduced. */
#include "internal.h"

/* torch.norm, isnan, and the copy that the host reads. */
#define CHECK_LAUNCHES 3

void moe_bucket_zero(MoeEmit *emit, int64_t stage)
{
  const MoeShape *shape = emit->shape;
  MoeHolding holding;

  if (!shape->run->stack.data_parallel.zeroed || shape->run->parallelism.zero >= 2 || shape->run->offload.gradients)
    return;
  moe_holding_init(emit->builder, stage, &holding);
  moe_emit_bytes(emit, MOE_BANDWIDTH_ACCUMULATE, "zero_gradients", 0,
                 (holding.trainable_dense + holding.trainable_experts) * shape->keeps.gradient_bytes,
                 emit->builder->placement.chunks);
}

/* Megatron-Core's start_grad_sync asks of each bucket whether its norm is a number (check_for_nan_in_grad); what is
 * captured in a graph cannot. */
static gboolean is_checked(const MoeStack *stack)
{
  return stack->data_parallel.checked && !(stack->host.graph_scopes & 1u << MOE_SCOPE_DATA);
}

/* A reduction that sums takes 1 / ranks of each gradient; one that averages is right for dense weights alone, as
 * experts have fewer replicas (Megatron-Core, gradient_scaling_factor of distributed_data_parallel.py). */
static gboolean is_scaled(const MoeEmit *emit, gboolean experts)
{
  const MoeLayout *layout = emit->builder->layout;
  int64_t dense = moe_layout_group_size(layout, MOE_GROUP_DATA);

  switch (emit->shape->run->stack.data_parallel.scaled) {
  case MOE_SCALED_ALL:
    return dense > 1;
  case MOE_SCALED_EXPERTS:
    return experts && moe_layout_group_size(layout, MOE_GROUP_EXPERT_DATA) != dense;
  default:
    return FALSE;
  }
}

void moe_bucket_prepare(MoeEmit *emit, double elements, gboolean experts)
{
  double bytes = elements * moe_precision_bytes(emit->shape->precision->gradient_reduce);

  if (elements <= 0)
    return;
  if (is_checked(&emit->shape->run->stack)) {
    moe_emit_bytes(emit, MOE_BANDWIDTH_ACCUMULATE, "check_gradients", bytes, 0, CHECK_LAUNCHES);
    moe_emit_host_sync(emit, MOE_NO_ITEM);
  }
  if (is_scaled(emit, experts))
    moe_emit_bytes(emit, MOE_BANDWIDTH_ACCUMULATE, "scale_gradients", bytes, bytes, 1);
}
