/* Multi-head latent attention (DeepSeek-V2 report, arXiv:2405.04434, 2.1): queries, keys and values from compressed
 * forms; keys have a rotary part that all heads share. */
#include "internal.h"

#define WEIGHT_TENSORS 6.0 /* q, k, v, o and two norms */

static int compressed(MoeSublayer *sublayer, const char *name, double width)
{
  return moe_sublayer_tensor(sublayer, name, MOE_ROWS_STREAM, MOE_KEPT_ACTIVATION, width);
}

/* Down-projection to `width` and `beside` elements that pass by the norm; returns the normed ones. */
static int compress(const MoeView *view, const char *name, const char *norm_name, int64_t width, int64_t beside, int in,
                    MoeSublayer *sublayer)
{
  MoeLayerOp like = {.scope = MOE_SCOPE_ATTENTION, .weight = MOE_WEIGHT_ATTENTION};
  int down = compressed(sublayer, name, (double)(width + beside));
  int normed = moe_sublayer_tensor(sublayer, norm_name, MOE_ROWS_STREAM, MOE_KEPT_INPUT, (double)width);
  MoeLayerOp norm = {.kind = MOE_LAYER_NORM,
                     .name = norm_name,
                     .scope = MOE_SCOPE_ATTENTION,
                     .modules = MOE_MODULE_NORM,
                     .weight = MOE_WEIGHT_NORM,
                     .in = {down},
                     .out = {normed}};
  MoeLinear *linear = &moe_sublayer_linear(sublayer, &like, name, view->arch->hidden, width + beside, in, down)->linear;

  linear->bias = view->arch->biases;
  linear->shares_input = beside > 0 && view->arch->attention.q_rank > 0;
  norm.chain = (MoeChain){.kernel = {norm_name}, .width = {(double)width}, .n = 1};
  norm.chain.gains = (double)width * (view->arch->biases ? 2 : 1);
  moe_sublayer_op(sublayer, &norm);
  return normed;
}

static void expand(const MoeView *view, const MoeLayerOp *like, const char *name, int64_t k, int64_t n, int in, int out,
                   MoeSublayer *sublayer)
{
  MoeLinear *linear = &moe_sublayer_linear(sublayer, like, name, k, n, in, out)->linear;

  linear->split = MOE_SPLIT_COLUMN;
  linear->n_counted = (double)(n * view->tensor);
  linear->bias = view->arch->biases;
}

/* The key's rotary part is copied to every head. Keys and values leave one product side by side, head by head; the core
 * reads values of their own (Megatron-core's multi_latent_attention.py makes them contiguous; DeepSeek's published
 * profile has the copies). */
static void separate(const MoeLayerOp *like, const MoeCoreInputs *inputs, MoeSublayer *sublayer)
{
  double heads = (double)inputs->core.kv_heads;
  MoeLayerOp op = *like;

  op.kind = MOE_LAYER_COPY;
  op.name = "keys_values";
  op.out[0] = inputs->key;
  op.out[1] = inputs->value;
  op.chain = (MoeChain){.kernel = {"join_keys", "copy_values"},
                        .width = {heads * (double)inputs->core.dim_qk, heads * (double)inputs->core.dim_v},
                        .n = 2};
  moe_sublayer_op(sublayer, &op);
}

/* Sparse attention works on the compressed keys and values, which all heads share: each head's part of the second
 * projection goes into its queries and behind its outputs (DeepSeek-V3.2 report, 2.1: the MQA mode of MLA). */
static void set_shared(const MoeAttention *a, MoeCore *core)
{
  core->kv_heads = 1;
  core->dim_qk = a->kv_rank + a->rope_dim;
  core->dim_v = a->kv_rank;
}

static MoeCoreInputs inputs_of(const MoeView *view, MoeLayerKind kind, MoeSublayer *sublayer)
{
  const MoeAttention *a = &view->arch->attention;
  int64_t heads = a->query_heads / view->tensor;
  MoeCoreInputs inputs = {.width = heads * a->value_dim,
                          .core = {.query_heads = heads,
                                   .kv_heads = heads,
                                   .dim_qk = a->nope_dim + a->rope_dim,
                                   .dim_v = a->value_dim,
                                   .fused = view->fused_attention}};

  moe_core_limit(view, kind, &inputs.core);
  if (a->index.heads > 0)
    set_shared(a, &inputs.core);
  double queries = (double)(heads * inputs.core.dim_qk), keys = (double)(inputs.core.kv_heads * inputs.core.dim_qk);

  inputs.query = moe_sublayer_tensor(sublayer, "query", MOE_ROWS_FULL, MOE_KEPT_ACTIVATION, queries);
  inputs.key = moe_sublayer_tensor(sublayer, "key", MOE_ROWS_FULL, MOE_KEPT_ACTIVATION, keys);
  if (a->index.heads == 0)
    inputs.value =
        moe_sublayer_tensor(sublayer, "value", MOE_ROWS_FULL, MOE_KEPT_ACTIVATION, (double)(heads * a->value_dim));
  return inputs;
}

void moe_describe_mla(const MoeView *view, MoeLayerKind kind, int input, MoeSublayer *sublayer)
{
  const MoeAttention *a = &view->arch->attention;
  MoeLayerOp up = {.scope = MOE_SCOPE_ATTENTION,
                   .modules = MOE_MODULE_ATTENTION_PROJECTIONS,
                   .rows = MOE_ROWS_FULL,
                   .weight = MOE_WEIGHT_ATTENTION};
  MoeCoreInputs inputs = inputs_of(view, kind, sublayer);
  int query = input;
  int64_t heads = inputs.core.query_heads;

  sublayer->weight_tensors += WEIGHT_TENSORS;
  if (a->q_rank > 0)
    query = compress(view, "q_down", "q_norm", a->q_rank, 0, input, sublayer);
  int key = compress(view, "kv_down", "kv_norm", a->kv_rank, a->rope_dim, input, sublayer);

  expand(view, &up, "q_up", a->q_rank > 0 ? a->q_rank : view->arch->hidden, heads * (a->nope_dim + a->rope_dim), query,
         inputs.query, sublayer);
  expand(view, &up, "kv_up", a->kv_rank, heads * (a->nope_dim + a->value_dim), key, 0, sublayer);
  moe_describe_rotary(view, &up, (double)(a->rope_dim * (heads + 1)), sublayer);
  separate(&up, &inputs, sublayer);
  if (a->index.heads > 0)
    moe_describe_index(view, query, input, sublayer);
  moe_describe_core(view, &inputs, sublayer);
}
