/* The ends of the model: embedding, LM head with loss, what joins a prediction module to the model. */
#include "internal.h"

/* Vocabulary rows of one rank are padded to a multiple of this (Megatron-LM --make-vocab-size-divisible-by). */
#define VOCABULARY_ROWS 128

static double table_rows(const MoeView *view)
{
  return (double)view->arch->vocabulary / (double)view->tensor;
}

void moe_describe_embedding(const MoeView *view, MoeSublayer *sublayer)
{
  MoeLayerOp table = {
      .kind = MOE_LAYER_TABLE, .name = "embedding", .scope = MOE_SCOPE_EMBEDDING, .weight = MOE_WEIGHT_END};

  moe_sublayer_begin(sublayer);
  sublayer->weight_tensors = 1;
  table.linear = (MoeLinear){.k = view->arch->hidden, .split = MOE_SPLIT_COLUMN, .copies = 1};
  table.linear.n_held = table_rows(view) + (double)view->arch->learned_positions;
  moe_sublayer_op(sublayer, &table);
}

/* A norm of the residual stream by each kernel. */
static int end_norm(const MoeView *view, MoeChain chain, double gains, MoeSublayer *sublayer)
{
  double hidden = (double)view->arch->hidden;
  MoeLayerOp norm = {.kind = MOE_LAYER_NORM,
                     .name = chain.kernel[0],
                     .scope = MOE_SCOPE_HEAD,
                     .modules = MOE_MODULE_NORM,
                     .weight = MOE_WEIGHT_NORM};

  norm.in[0] = moe_sublayer_tensor(sublayer, "stream", MOE_ROWS_STREAM, MOE_KEPT_RESIDUAL, hidden);
  norm.out[0] = moe_sublayer_tensor(sublayer, "input", MOE_ROWS_STREAM, MOE_KEPT_INPUT, hidden * (double)chain.n);
  norm.chain = chain;
  norm.chain.gains = gains;
  return moe_sublayer_op(sublayer, &norm)->out[0];
}

void moe_describe_head(const MoeView *view, MoeSublayer *sublayer)
{
  int64_t hidden = view->arch->hidden;
  int64_t rows = moe_round_up(moe_ceil_div(view->arch->vocabulary, view->tensor), VOCABULARY_ROWS);
  MoeChain chain = {.kernel = {"final_norm"}, .width = {(double)hidden}, .n = 1};
  MoeLayerOp like = {.scope = MOE_SCOPE_HEAD, .rows = MOE_ROWS_FULL, .weight = MOE_WEIGHT_END};

  moe_sublayer_begin(sublayer);
  sublayer->weight_tensors = 2;
  int input = end_norm(view, chain, (view->arch->biases ? 2 : 1) * (double)hidden, sublayer);
  int logits = moe_sublayer_tensor(sublayer, "logits", MOE_ROWS_FULL, MOE_KEPT_FP32, table_rows(view));
  MoeLinear *linear = &moe_sublayer_linear(sublayer, &like, "lm_head", hidden, rows, input, logits)->linear;

  linear->split = MOE_SPLIT_COLUMN;
  linear->role = MOE_LINEAR_HEAD;
  linear->n_held = table_rows(view);
  linear->n_counted = (double)view->arch->vocabulary;
  linear->adapters = FALSE;
  like.kind = MOE_LAYER_LOSS;
  like.name = "loss";
  like.in[0] = logits;
  like.chain = (MoeChain){.kernel = {like.name}, .width = {table_rows(view)}, .n = 1};
  moe_sublayer_op(sublayer, &like);
}

/* Norms of hidden state and next token's embedding, their projection to one, and a norm before the head: the module's
 * own. */
void moe_describe_joint(const MoeView *view, MoeSublayer *sublayer)
{
  int64_t hidden = view->arch->hidden;
  MoeChain chain = {.kernel = {"mtp_norm", "mtp_norm"}, .width = {(double)hidden, (double)hidden}, .n = 2};
  MoeLayerOp like = {.scope = MOE_SCOPE_HEAD, .weight = MOE_WEIGHT_END};

  moe_sublayer_begin(sublayer);
  int input = end_norm(view, chain, 3.0 * (double)hidden, sublayer);

  moe_sublayer_linear(sublayer, &like, "mtp_join", 2 * hidden, hidden, input, 0)->linear.adapters = FALSE;
}
