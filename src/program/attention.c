/* Attention sub-layer: projections, rotary embedding, norms of queries and keys; GQA and MLA. The core is in core.c. */
#include "internal.h"

static int64_t query_width(const MoeShape *shape)
{
  const MoeAttention *a = &shape->arch->attention;

  return a->query_heads * (a->kind == MOE_ATTENTION_MLA ? a->nope_dim + a->rope_dim : a->head_dim) / shape->tp;
}

/* ---- rotary embedding --------------------------------------------------------------------------- */

/* Fused, queries and keys take one kernel each way: in and out. Unfused: halves swapped, two products, a sum - five
 * kernels each for queries and keys, three times the traffic. */
#define ROTARY_UNFUSED_LAUNCHES 10
#define ROTARY_UNFUSED_TRAFFIC  3.0

static void emit_rotary(MoeEmit *emit, double elements)
{
  const MoeStack *stack = &emit->shape->run->stack;
  double bytes = elements * emit->shape->act_bytes * (stack->fused.rotary ? 1 : ROTARY_UNFUSED_TRAFFIC);

  if (emit->shape->arch->learned_positions > 0)
    return;
  moe_emit_bytes(emit, MOE_BANDWIDTH_ROTARY, "rotary", bytes, bytes, stack->fused.rotary ? 1 : ROTARY_UNFUSED_LAUNCHES);
}

/* ---- grouped-query attention -------------------------------------------------------------------- */

/* Key heads held by a rank: replicated when there are fewer than tensor ranks. */
static int64_t key_heads(const MoeShape *shape)
{
  return MAX(shape->arch->attention.kv_heads / shape->tp, 1);
}

static MoeProduct qkv_linear(const MoeShape *shape)
{
  const MoeAttention *a = &shape->arch->attention;
  int64_t heads = a->query_heads / shape->tp + 2 * key_heads(shape);
  MoeProduct linear = moe_linear(shape, "qkv", shape->full_tokens, shape->hidden, heads * a->head_dim);

  linear.split = MOE_SPLIT_COLUMN;
  linear.flop_scale = (double)(a->query_heads + 2 * a->kv_heads) / ((double)heads * (double)shape->tp);
  return linear;
}

static double query_elements(const MoeShape *shape)
{
  return (double)shape->full_tokens * (double)query_width(shape);
}

static double key_elements(const MoeShape *shape)
{
  return (double)shape->full_tokens * (double)(key_heads(shape) * shape->arch->attention.head_dim);
}

static void gqa_forward(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;
  MoeProduct qkv = qkv_linear(shape);

  moe_linear_forward(emit, &qkv);
  if (shape->arch->qk_norm) {
    moe_norm_forward(emit, "q_norm", query_elements(shape), shape->act_bytes);
    moe_norm_forward(emit, "k_norm", key_elements(shape), shape->act_bytes);
  }
  emit_rotary(emit, query_elements(shape) + key_elements(shape));
}

static void gqa_backward(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;
  MoeProduct qkv = qkv_linear(shape);

  emit_rotary(emit, query_elements(shape) + key_elements(shape));
  if (shape->arch->qk_norm) {
    moe_norm_backward(emit, "q_norm", query_elements(shape), shape->act_bytes);
    moe_norm_backward(emit, "k_norm", key_elements(shape), shape->act_bytes);
  }
  moe_linear_backward(emit, &qkv);
}

/* ---- multi-head latent attention (DeepSeek-V2 report, 2.1) -------------------------------------- */

typedef struct {
  MoeProduct q_down, q_up, kv_down, kv_up; /* q_down.n is 0 without query compression */
} Mla;

static Mla mla_linears(const MoeShape *shape)
{
  const MoeAttention *a = &shape->arch->attention;
  int64_t heads = a->query_heads / shape->tp, q_in = a->q_rank > 0 ? a->q_rank : shape->hidden;
  Mla mla = {
      .q_down = moe_linear(shape, "q_down", shape->tokens, shape->hidden, a->q_rank),
      .q_up = moe_linear(shape, "q_up", shape->full_tokens, q_in, query_width(shape)),
      .kv_down = moe_linear(shape, "kv_down", shape->tokens, shape->hidden, a->kv_rank + a->rope_dim),
      .kv_up = moe_linear(shape, "kv_up", shape->full_tokens, a->kv_rank, heads * (a->nope_dim + a->value_dim)),
  };

  mla.q_up.split = mla.kv_up.split = MOE_SPLIT_COLUMN;
  mla.q_up.flop_scale = mla.kv_up.flop_scale = 1;
  mla.kv_down.shares_input = a->q_rank > 0;
  return mla;
}

static double mla_rotary_elements(const MoeShape *shape)
{
  const MoeAttention *a = &shape->arch->attention;

  return (double)shape->full_tokens * (double)(a->rope_dim * (a->query_heads / shape->tp + 1));
}

/* The key's rotary part is copied to every head. */
static double mla_key_elements(const MoeShape *shape)
{
  const MoeAttention *a = &shape->arch->attention;

  return (double)shape->full_tokens * (double)((a->nope_dim + a->rope_dim) * (a->query_heads / shape->tp));
}

/* Keys and values leave one product side by side, head by head; the core reads values of their own (Megatron-core's
 * multi_latent_attention.py makes them contiguous; DeepSeek's published profile has the copies). */
static void copy_values(MoeEmit *emit)
{
  const MoeAttention *a = &emit->shape->arch->attention;
  double bytes = (double)emit->shape->full_tokens * (double)(a->value_dim * (a->query_heads / emit->shape->tp)) *
                 emit->shape->act_bytes;

  moe_emit_bytes(emit, MOE_BANDWIDTH_ELEMENTWISE, "copy_values", bytes, bytes, 1);
}

static void mla_up_forward(MoeEmit *emit, const Mla *mla)
{
  const MoeShape *shape = emit->shape;
  guint module = emit->module;

  emit->module |= MOE_MODULE_ATTENTION_PROJECTIONS;
  moe_linear_forward(emit, &mla->q_up);
  moe_linear_forward(emit, &mla->kv_up);
  emit_rotary(emit, mla_rotary_elements(shape));
  moe_emit_bytes(emit, MOE_BANDWIDTH_ELEMENTWISE, "join_keys", mla_key_elements(shape) * shape->act_bytes,
                 mla_key_elements(shape) * shape->act_bytes, 1);
  copy_values(emit);
  emit->module = module;
}

static void mla_forward(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;
  const MoeAttention *a = &shape->arch->attention;
  Mla mla = mla_linears(shape);

  if (a->q_rank > 0) {
    moe_linear_forward(emit, &mla.q_down);
    moe_norm_forward(emit, "q_norm", (double)(shape->tokens * a->q_rank), shape->act_bytes);
  }
  moe_linear_forward(emit, &mla.kv_down);
  moe_norm_forward(emit, "kv_norm", (double)(shape->tokens * a->kv_rank), shape->act_bytes);
  mla_up_forward(emit, &mla);
}

static void mla_backward(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;
  const MoeAttention *a = &shape->arch->attention;
  Mla mla = mla_linears(shape);
  double keys = mla_key_elements(shape) * shape->act_bytes;

  moe_emit_bytes(emit, MOE_BANDWIDTH_ELEMENTWISE, "join_keys", keys, keys, 1);
  copy_values(emit);
  emit_rotary(emit, mla_rotary_elements(shape));
  moe_linear_backward(emit, &mla.kv_up);
  moe_linear_backward(emit, &mla.q_up);
  moe_norm_backward(emit, "kv_norm", (double)(shape->tokens * a->kv_rank), shape->act_bytes);
  moe_linear_backward(emit, &mla.kv_down);
  if (a->q_rank > 0) {
    moe_norm_backward(emit, "q_norm", (double)(shape->tokens * a->q_rank), shape->act_bytes);
    moe_linear_backward(emit, &mla.q_down);
  }
}

/* ---- the sub-layer ------------------------------------------------------------------------------ */

static MoeProduct output_linear(const MoeShape *shape)
{
  const MoeAttention *a = &shape->arch->attention;
  int64_t dim = a->kind == MOE_ATTENTION_MLA ? a->value_dim : a->head_dim;
  MoeProduct linear =
      moe_linear(shape, "attention_out", shape->full_tokens, a->query_heads * dim / shape->tp, shape->hidden);

  linear.split = MOE_SPLIT_ROW;
  linear.bare_input = TRUE;
  linear.flop_scale = 1;
  return linear;
}

void moe_attention_forward(MoeEmit *emit, int64_t layer)
{
  MoeProduct out = output_linear(emit->shape);

  emit->scope = MOE_SCOPE_ATTENTION;
  moe_enter_forward(emit);
  if (emit->shape->arch->attention.kind == MOE_ATTENTION_MLA)
    mla_forward(emit);
  else
    gqa_forward(emit);
  moe_core_forward(emit, layer);
  moe_linear_forward(emit, &out);
  moe_leave_forward(emit);
}

void moe_attention_backward(MoeEmit *emit, int64_t layer)
{
  MoeProduct out = output_linear(emit->shape);

  emit->scope = MOE_SCOPE_ATTENTION;
  moe_leave_backward(emit);
  moe_linear_backward(emit, &out);
  moe_core_backward(emit, layer);
  if (emit->shape->arch->attention.kind == MOE_ATTENTION_MLA)
    mla_backward(emit);
  else
    gqa_backward(emit);
  moe_enter_backward(emit);
}
