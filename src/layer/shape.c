/* Sizes derived once from a run: tokens, widths, rows at the experts, what overlaps. */
#include "layer/layer.h"

#include <math.h>

/* Stored activations outside the residual stream are BF16 in every stack considered (FP8 copies are counted where
 * linears keep them). */
#define ACTIVATION_BYTES 2.0

static void init_tokens(MoeShape *shape)
{
  const MoeParallelism *p = &shape->run->parallelism;
  const MoeTraining *t = &shape->run->training;

  shape->full_tokens = t->micro_batch * t->sequence_length / p->context;
  shape->tokens = p->sequence_parallel ? MAX(shape->full_tokens / p->tensor, 1) : shape->full_tokens;
  shape->moe_tokens = MAX(shape->full_tokens / p->tensor, 1);
}

/* Expected rows after padding every expert's count to a whole tile: half a tile each, as counts end anywhere within a
 * tile. A batch of rounded tokens needs none (SonicMoE, token rounding). */
static double tile_padding(const MoeShape *shape)
{
  const MoeRouting *routing = &shape->run->training.routing;

  if (routing->capacity_factor > 0 || routing->token_rounding)
    return 0;
  return (double)shape->local_experts * (double)shape->run->stack.moe.tile_rows / 2;
}

static double round_to(double value, double multiple)
{
  return multiple > 1 ? MAX(round(value / multiple), 1) * multiple : value;
}

static void init_experts(MoeShape *shape)
{
  const MoeRun *run = shape->run;
  const MoeExpertLayer *moe = &shape->arch->moe;
  double capacity = run->training.routing.capacity_factor;
  double tokens = (double)shape->moe_tokens * moe_real_top_k(moe) * (double)shape->etp;

  shape->outer = moe->latent > 0 ? moe->latent : shape->hidden;
  shape->local_experts = MAX(moe->experts / shape->ep, 1);
  shape->groups = CLAMP(run->stack.moe.expert_groups, 1, shape->local_experts);
  while (shape->local_experts % shape->groups != 0)
    shape->groups--;
  shape->wire_padding = capacity > 0 ? capacity : 1;
  shape->mean_rows = round_to(tokens * shape->wire_padding + tile_padding(shape), (double)run->stack.moe.tile_rows);
  shape->useful_share = shape->mean_rows > 0 ? MIN(tokens / shape->mean_rows, 1) : 1;
}

static void set_precisions(MoeShape *shape, const MoePrecisions *precisions)
{
  shape->precision = precisions;
  shape->act_bytes = ACTIVATION_BYTES;
  shape->residual_bytes = moe_precision_bytes(shape->precision->residual);
  shape->fp8_gemm = moe_precision_is_fp8(shape->precision->gemm);
  shape->fp8_wgrad = moe_precision_is_fp8(shape->precision->wgrad);
  moe_keeps_init(shape->run, precisions, &shape->keeps);
}

/* Overlap happens where the run asks for it and the stack can do it. */
static void init_overlap(MoeShape *shape)
{
  const MoeParallelism *p = &shape->run->parallelism;
  const MoeStack *stack = &shape->run->stack;

  shape->overlap_tensor = p->overlap.tensor && stack->overlap.tensor;
  shape->overlap_tensor_backward = shape->overlap_tensor || stack->overlap.tensor_backward;
  shape->overlap_context = stack->overlap.context;
  shape->overlap_expert = p->overlap.expert && stack->overlap.expert;
  shape->overlap_reduce = p->overlap.gradient_reduce && stack->overlap.gradient_reduce;
  shape->overlap_gather = p->overlap.parameter_gather && stack->overlap.parameter_gather;
  shape->overlap_pipeline = p->overlap.pipeline && stack->overlap.pipeline;
  shape->merge_batches = shape->arch->moe.experts > 0 && p->overlap.expert && stack->overlap.expert_across_batches;
}

void moe_shape_init(MoeShape *shape, const MoeRun *run)
{
  const MoeParallelism *p = &run->parallelism;

  *shape = (MoeShape){.run = run,
                      .arch = &run->architecture,
                      .tp = p->tensor,
                      .cp = p->context,
                      .etp = p->expert_tensor,
                      .ep = p->expert,
                      .hidden = run->architecture.hidden,
                      .micro_batches = p->micro_batches};
  init_tokens(shape);
  init_experts(shape);
  set_precisions(shape, &run->training.precision);
  init_overlap(shape);
  shape->flash = g_strcmp0(run->stack.family.attention, "unfused") != 0;
  shape->view =
      (MoeView){&run->architecture, p->tensor, p->expert, p->expert_tensor, shape->flash, run->stack.moe.per_expert};
  shape->frozen = run->training.lora_rank > 0;
  shape->accumulate = p->micro_batches > 1;
}

void moe_shape_widen(const MoeShape *shape, MoePrecisions *precisions, MoeShape *wide)
{
  *precisions = moe_precisions_wide(&shape->run->training.precision);
  *wide = *shape;
  wide->wide = TRUE;
  set_precisions(wide, precisions);
}

gboolean moe_shape_is_wide(const MoeShape *shape, int64_t layer)
{
  return moe_precisions_keep_wide(&shape->run->training.precision, layer, shape->arch->layers);
}

double moe_shape_rows(const MoeShape *shape, MoeRows rows)
{
  const MoeTraining *t = &shape->run->training;

  switch (rows) {
  case MOE_ROWS_STREAM:
    return (double)shape->tokens;
  case MOE_ROWS_FULL:
    return (double)shape->full_tokens;
  case MOE_ROWS_ROUTED:
    return (double)shape->moe_tokens;
  case MOE_ROWS_EXPERT:
    return shape->mean_rows;
  default:
    return (double)t->micro_batch * (double)t->sequence_length * (double)t->sequence_length / (double)shape->cp;
  }
}
