/* Grouped-query attention: one product for queries, keys and values; norms of queries and keys; the core. */
#include "internal.h"

#define WEIGHT_TENSORS 6.0 /* q, k, v, o and two norms */

static void project(const MoeView *view, MoeLayerKind kind, const MoeCoreInputs *inputs, int in, MoeSublayer *sublayer)
{
  const MoeAttention *a = &view->arch->attention;
  MoeLayerOp like = {.scope = MOE_SCOPE_ATTENTION, .rows = MOE_ROWS_FULL, .weight = MOE_WEIGHT_ATTENTION};
  int64_t queries = a->gated ? 2 : 1; /* a gate is as wide as the queries */
  int64_t width = (queries * inputs->core.query_heads + 2 * inputs->core.kv_heads) * kind.head_dim;
  MoeLayerOp *qkv = moe_sublayer_linear(sublayer, &like, "qkv", view->arch->hidden, width, in, inputs->query);

  qkv->out[1] = inputs->key;
  qkv->out[2] = inputs->value;
  qkv->out[3] = inputs->gate;
  qkv->linear.split = MOE_SPLIT_COLUMN;
  qkv->linear.n_counted = (double)((queries * kind.query_heads + 2 * kind.kv_heads) * kind.head_dim);
  qkv->linear.bias = view->arch->biases;
}

/* Normed queries and keys are tensors of their own. */
static void norm_heads(const MoeView *view, MoeCoreInputs *inputs, MoeSublayer *sublayer)
{
  const MoeCore *core = &inputs->core;
  double dim = (double)core->dim_qk, queries = dim * (double)core->query_heads, keys = dim * (double)core->kv_heads;
  MoeLayerOp norm = {.kind = MOE_LAYER_NORM,
                     .name = "qk_norm",
                     .scope = MOE_SCOPE_ATTENTION,
                     .modules = MOE_MODULE_NORM,
                     .rows = MOE_ROWS_FULL,
                     .weight = MOE_WEIGHT_NORM,
                     .in = {inputs->query, inputs->key}};

  norm.out[0] = moe_sublayer_tensor(sublayer, "normed_query", MOE_ROWS_FULL, MOE_KEPT_ACTIVATION, queries);
  norm.out[1] = moe_sublayer_tensor(sublayer, "normed_key", MOE_ROWS_FULL, MOE_KEPT_ACTIVATION, keys);
  norm.chain = (MoeChain){.kernel = {"q_norm", "k_norm"}, .width = {queries, keys}, .n = 2};
  norm.chain.gains = 2 * dim * (view->arch->biases ? 2 : 1);
  inputs->query = norm.out[0];
  inputs->key = norm.out[1];
  moe_sublayer_op(sublayer, &norm);
}

void moe_describe_gqa(const MoeView *view, MoeLayerKind kind, int input, MoeSublayer *sublayer)
{
  const MoeAttention *a = &view->arch->attention;
  /* Key heads held by a rank: replicated when there are fewer than tensor ranks (Megatron-core, num_query_groups <
   * tensor size). */
  MoeCore core = {.query_heads = kind.query_heads / view->tensor,
                  .kv_heads = MAX(kind.kv_heads / view->tensor, 1),
                  .dim_qk = kind.head_dim,
                  .dim_v = kind.head_dim,
                  .fused = view->fused_attention};
  double queries = (double)(core.query_heads * kind.head_dim), keys = (double)(core.kv_heads * kind.head_dim);
  MoeLayerOp like = {.scope = MOE_SCOPE_ATTENTION};
  MoeCoreInputs inputs = {.core = core};

  moe_core_limit(view, kind, &inputs.core);
  sublayer->weight_tensors += WEIGHT_TENSORS;
  inputs.query = moe_sublayer_tensor(sublayer, "query", MOE_ROWS_FULL, MOE_KEPT_ACTIVATION, queries);
  inputs.key = moe_sublayer_tensor(sublayer, "key", MOE_ROWS_FULL, MOE_KEPT_ACTIVATION, keys);
  inputs.value = moe_sublayer_tensor(sublayer, "value", MOE_ROWS_FULL, MOE_KEPT_ACTIVATION, keys);
  if (a->gated)
    inputs.gate = moe_sublayer_tensor(sublayer, "gate", MOE_ROWS_FULL, MOE_KEPT_ACTIVATION, queries);
  project(view, kind, &inputs, input, sublayer);
  if (view->arch->qk_norm)
    norm_heads(view, &inputs, sublayer);
  moe_describe_rotary(view, &like, queries + keys, sublayer);
  moe_describe_core(view, &inputs, sublayer);
}
