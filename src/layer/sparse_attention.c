/* The index of sparse attention (DeepSeek-V3.2 report, 2.1): a few heads score every key before, in FP8, and the best
 * are attended to. Its keys are shared by its heads; each query weighs the heads by a projection of its own. Every
 * tensor rank runs all of it: scores are sums over its heads. */
#include "internal.h"

void moe_describe_index(const MoeView *view, int query, int input, MoeSublayer *sublayer)
{
  const MoeAttention *a = &view->arch->attention;
  int64_t width = a->index.heads * a->index.dim, beside = a->index.dim + a->index.heads;
  MoeLayerOp like = {.scope = MOE_SCOPE_ATTENTION, .weight = MOE_WEIGHT_ATTENTION};
  int queries = moe_sublayer_tensor(sublayer, "index_query", MOE_ROWS_STREAM, MOE_KEPT_ACTIVATION, (double)width);
  int keys = moe_sublayer_tensor(sublayer, "index_key", MOE_ROWS_STREAM, MOE_KEPT_ACTIVATION, (double)beside);
  MoeLayerOp op = {.kind = MOE_LAYER_INDEX, .name = "index", .scope = MOE_SCOPE_ATTENTION, .in = {queries, keys}};
  int64_t rank = a->q_rank > 0 ? a->q_rank : view->arch->hidden;

  moe_sublayer_linear(sublayer, &like, "index_query", rank, width, query, queries)->linear.shares_input = TRUE;
  moe_sublayer_linear(sublayer, &like, "index_key", view->arch->hidden, beside, input, keys)->linear.shares_input =
      TRUE;
  op.core = (MoeCore){.query_heads = a->index.heads,
                      .kv_heads = 1,
                      .dim_qk = a->index.dim,
                      .backward_window = a->index.top_k,
                      .fused = TRUE};
  moe_sublayer_op(sublayer, &op);
}
