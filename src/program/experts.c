/* The experts of one group: grouped GEMMs, activation, quantization. Rows follow the load of the group. */
#include "internal.h"

#include <math.h>

typedef struct {
  const char *name;
  int64_t k, n; /* weight of one expert on this rank */
} Matrix;

static Matrix up_matrix(const MoeShape *shape)
{
  const MoeExpertLayer *moe = &shape->arch->moe;

  return (Matrix){"expert_up", shape->outer, (moe->gated ? 2 : 1) * moe->width / shape->etp};
}

static Matrix down_matrix(const MoeShape *shape)
{
  return (Matrix){"expert_down", shape->arch->moe.width / shape->etp, shape->outer};
}

static int64_t group_experts(const MoeShape *shape)
{
  return shape->local_experts / shape->groups;
}

/* Kernels that stand for one grouped operation: a grouped kernel, or one per expert (TransformerEngine's GroupedLinear
 * loops over cuBLAS GEMMs and casts). */
static int64_t kernels_of(const MoeShape *shape)
{
  return shape->run->stack.moe.per_expert ? group_experts(shape) : 1;
}

/* Rows of a group, whole tiles where the stack pads to tiles. */
static int64_t group_rows(const MoeShape *shape)
{
  int64_t rows = (int64_t)(shape->mean_rows / (double)shape->groups + 0.5), tile = shape->run->stack.moe.tile_rows;

  return tile > 1 ? MAX((rows + tile / 2) / tile, 1) * tile : MAX(rows, 1);
}

static MoeKernel grouped(const MoeEmit *emit, const Matrix *matrix, MoePass pass)
{
  const MoeShape *shape = emit->shape;
  int64_t tile = MAX(shape->run->stack.moe.tile_rows, 1);
  MoeKernel kernel = {.klass = MOE_KERNEL_GROUPED_GEMM, .pass = pass, .name = matrix->name};
  kernel.precision = pass == MOE_PASS_WGRAD ? shape->precision->wgrad : shape->precision->gemm;
  kernel.output = pass == MOE_PASS_WGRAD ? shape->precision->gradient_reduce : MOE_BF16;
  kernel.groups = group_experts(shape);
  kernel.rows = group_rows(shape);
  kernel.m = moe_round_up(moe_ceil_div(kernel.rows, kernel.groups), tile);
  kernel.k = pass == MOE_PASS_DGRAD ? matrix->n : matrix->k;
  kernel.n = pass == MOE_PASS_DGRAD ? matrix->k : matrix->n;
  kernel.launches = kernels_of(shape);
  kernel.accumulate = pass == MOE_PASS_WGRAD && shape->accumulate;
  return kernel;
}

/* Tokens routed to a group, without padding. */
static double group_tokens(const MoeShape *shape)
{
  return (double)shape->moe_tokens * (double)shape->arch->moe.top_k * (double)shape->etp / (double)shape->groups;
}

static void emit_grouped(MoeEmit *emit, MoeFlow *flow, const Matrix *matrix, MoePass pass, int load)
{
  MoeKernel kernel = grouped(emit, matrix, pass);
  double tokens = group_tokens(emit->shape);

  kernel.useful_share = MIN(tokens / (double)kernel.rows, 1);
  kernel.model_flop = 2.0 * tokens * (double)matrix->k * (double)matrix->n;
  if (pass != MOE_PASS_WGRAD || !emit->shape->frozen)
    moe_emit_kernel(emit, flow, &kernel, load);
}

/* ---- quantization ------------------------------------------------------------------------------- */

static gboolean is_8bit(MoePrecision precision)
{
  return moe_precision_bytes(precision) < moe_precision_bytes(MOE_BF16);
}

static void quantize_weights(MoeEmit *emit, const Matrix *matrix)
{
  moe_emit_quantize_weight(emit, (double)(group_experts(emit->shape) * matrix->k * matrix->n));
}

static void quantize_rows(MoeEmit *emit, const char *name, int64_t width, gboolean fusable, int load)
{
  const MoeQuantize quantize = {.name = name,
                                .elements = (double)(group_rows(emit->shape) * width),
                                .also_transposed = emit->shape->fp8_wgrad,
                                .fusable = fusable,
                                .launches = kernels_of(emit->shape),
                                .load = load};

  if (emit->shape->fp8_gemm)
    moe_emit_quantize(emit, &quantize);
}

/* ---- forward and backward ----------------------------------------------------------------------- */

static void gather_tensor(MoeEmit *emit)
{
  double bytes = (double)group_rows(emit->shape) * (double)emit->shape->outer * emit->shape->act_bytes;
  MoeCollective collective =
      moe_collective(emit, MOE_ALL_GATHER, MOE_GROUP_EXPERT_TENSOR, "expert_tensor_gather", bytes);

  moe_emit_exposed(emit, MOE_STREAM_EXPERT, &collective);
}

static void reduce_tensor(MoeEmit *emit)
{
  double bytes = (double)group_rows(emit->shape) * (double)emit->shape->outer * emit->shape->act_bytes;
  MoeCollective collective =
      moe_collective(emit, MOE_REDUCE_SCATTER, MOE_GROUP_EXPERT_TENSOR, "expert_tensor_reduce", bytes);

  moe_emit_exposed(emit, MOE_STREAM_EXPERT, &collective);
}

static double inner_elements(const MoeShape *shape)
{
  return (double)group_rows(shape) * (double)(shape->arch->moe.width / shape->etp);
}

void moe_experts_forward(MoeEmit *emit, int64_t layer, int64_t group)
{
  const MoeShape *shape = emit->shape;
  Matrix up = up_matrix(shape), down = down_matrix(shape);
  int load = moe_router_load(emit->builder->router, layer, group);
  guint module = emit->module;

  gather_tensor(emit);
  emit->module |= MOE_MODULE_EXPERT_FFN;
  if (!is_8bit(shape->precision->dispatch))
    quantize_rows(emit, "quantize", shape->outer, FALSE, load);
  quantize_weights(emit, &up);
  emit_grouped(emit, emit->flow, &up, emit->pass, load);
  emit->module |= MOE_MODULE_MOE_ACTIVATION;
  moe_activation_forward(emit, shape->arch->moe.gated, inner_elements(shape), load);
  emit->module = module;
  quantize_rows(emit, "quantize", down.k, TRUE, load);
  quantize_weights(emit, &down);
  emit_grouped(emit, emit->flow, &down, emit->pass, load);
  reduce_tensor(emit);
}

/* Gradients that arrive in the precision of an FP8 exchange need no cast. */
static void matrix_backward(MoeEmit *emit, const Matrix *matrix, gboolean after_activation, int load)
{
  const MoeShape *shape = emit->shape;
  double rows = (double)group_rows(shape);

  if (after_activation || !is_8bit(shape->precision->dispatch))
    quantize_rows(emit, "quantize_grad", matrix->n, after_activation, load);
  if (!shape->cache_fp8)
    quantize_weights(emit, matrix);
  if (shape->fp8_gemm)
    moe_emit_weight_transpose(emit, (double)(group_experts(shape) * matrix->k * matrix->n));
  emit_grouped(emit, emit->flow, matrix, MOE_PASS_DGRAD, load);
  if (shape->fp8_wgrad)
    moe_emit_wgrad_casts(emit, rows * (double)(matrix->k + matrix->n), load);
  emit_grouped(emit, emit->later, matrix, MOE_PASS_WGRAD, load);
}

void moe_experts_backward(MoeEmit *emit, int64_t layer, int64_t group)
{
  const MoeShape *shape = emit->shape;
  Matrix up = up_matrix(shape), down = down_matrix(shape);
  int load = moe_router_load(emit->builder->router, layer, group);

  gather_tensor(emit);
  matrix_backward(emit, &down, FALSE, load);
  moe_activation_backward(emit, shape->arch->moe.gated, inner_elements(shape), load);
  matrix_backward(emit, &up, TRUE, load);
  reduce_tensor(emit);
}
