/*
 * layer: what a layer is - tensors, and operations from one to the next - and all that follows from it: parameters,
 * model FLOPs, weights on a rank, adapters, activations kept for the backward pass.
 *
 * Floor 3. Uses base and spec. Knows neither streams nor time: `program` lowers the operations, forwards in their order
 * and backwards in reverse.
 *
 * A layer is two sub-layers, each a row of a table that describes it once (gqa.c, mla.c, ffn.c, moe.c). For example a
 * dense feed-forward network:
 *
 *     stream -NORM-> input -LINEAR-> wide -ACTIVATION-> inner -LINEAR-> (output) -ADD-> stream
 *
 * An operation names what it reads and writes and the modules that `recompute` knows it by. What its backward pass
 * reads is a property of its kind (ops.c): the tensors kept are those that some backward pass reads, less those that
 * recomputation makes again.
 */
#ifndef MOESIM_LAYER_H
#define MOESIM_LAYER_H

#include "base/base.h"
#include "spec/spec.h"

G_BEGIN_DECLS

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

/* What a tensor has a row for. */
typedef enum {
  MOE_ROWS_STREAM, /* token of the residual stream; sequence parallelism divides them over the tensor group */
  MOE_ROWS_FULL,   /* token inside a tensor-parallel linear */
  MOE_ROWS_ROUTED, /* token that this rank routes: each one of the tensor group once */
  MOE_ROWS_EXPERT, /* token at an expert, padding included */
  MOE_ROWS_SCORE,  /* query and key: the whole square */
} MoeRows;

/* How an element is kept. */
typedef enum {
  MOE_KEPT_RESIDUAL,   /* precision of the residual stream */
  MOE_KEPT_ACTIVATION, /* BF16 */
  MOE_KEPT_INPUT,      /* of a linear layer: in FP8 where forward and weight gradient run in FP8 */
  MOE_KEPT_REPLAYED,   /* BF16, or as an input where its reader is replayed and linears run in FP8 blocks
                          (DeepSeek-V3 report, 3.3.3) */
  MOE_KEPT_FP32,
  MOE_KEPT_BYTE, /* mask of a dropout */
} MoeKept;

typedef struct {
  const char *name; /* static */
  MoeRows rows;
  MoeKept kept;
  double width; /* elements per row on one rank */
} MoeTensor;

/* ---- operations -------------------------------------------------------------------------------------------------- */

typedef enum {
  MOE_LAYER_NORM,        /* RMSNorm or LayerNorm of each input */
  MOE_LAYER_LINEAR,      /* GEMM with a weight */
  MOE_LAYER_ROTARY,      /* position embedding, in place */
  MOE_LAYER_COPY,        /* joins or separates what a product left side by side */
  MOE_LAYER_CORE,        /* attention between projections */
  MOE_LAYER_INDEX,       /* scores of all keys, and the choice of those that sparse attention sees */
  MOE_LAYER_CONVOLUTION, /* short causal one, channel by channel */
  MOE_LAYER_SCAN,        /* linear attention: chunk by chunk through a state */
  MOE_LAYER_ACTIVATION,  /* SwiGLU, GELU */
  MOE_LAYER_CLAMP,       /* limits the activation's inputs, in a kernel of its own */
  MOE_LAYER_BRANCH,      /* one tensor read by several branches: backward sums their gradients */
  MOE_LAYER_SUM,         /* what several branches give, added */
  MOE_LAYER_ROUTE,       /* scores to choices */
  MOE_LAYER_COUNTS,      /* exchange of token counts */
  MOE_LAYER_EXPERTS,     /* dispatch, the operations at the experts and beside the transfers, combine */
  MOE_LAYER_GROUPED,     /* grouped GEMM of the experts of a rank */
  MOE_LAYER_GATHER,      /* tensor ranks put together the tokens that they routed */
  MOE_LAYER_DROPOUT,     /* draws a mask */
  MOE_LAYER_ADD,         /* residual addition */
  MOE_LAYER_TABLE,       /* embedding: one row per token */
  MOE_LAYER_LOSS,        /* cross-entropy of logits */
  MOE_N_LAYER_OPS,
} MoeLayerOpKind;

const char *moe_layer_op_word(MoeLayerOpKind kind);

/* Where an operation runs: in the sub-layer's order, or inside EXPERTS. */
typedef enum { MOE_PLACE_MAIN, MOE_PLACE_EXPERT, MOE_PLACE_BESIDE } MoePlace;

typedef enum { MOE_SPLIT_NONE, MOE_SPLIT_COLUMN, MOE_SPLIT_ROW } MoeSplit; /* of a weight over the tensor group */

typedef enum { MOE_LINEAR_LAYER, MOE_LINEAR_ROUTER, MOE_LINEAR_HEAD } MoeLinearRole; /* whose precision */

/* LINEAR and GROUPED: a weight [k, n] on this rank. */
typedef struct {
  int64_t k, n;
  MoeSplit split;
  MoeLinearRole role;
  double n_held;    /* columns of the weight that this rank holds; n may be padded */
  double n_counted; /* columns that model FLOPs count, over all tensor ranks when split by columns */
  int64_t copies;   /* weights held: local experts; 1 otherwise */
  double passes;    /* weights that a token multiplies with: 1, experts per token, 0 = its model FLOPs do not count */
  gboolean bias, adapters;
  gboolean shares_input;   /* input was gathered and quantized for the linear before it */
  gboolean bare_input;     /* neither a norm nor an activation produces its input: quantizing it is a kernel */
  gboolean fused_gradient; /* an activation's backward produces its output gradient: quantizing it may be fused */
  gboolean weighted_bias;  /* its bias counts by each row's routing probability, so the product cannot add it */
} MoeLinear;

#define MOE_OP_PIECES 3 /* kernels of one kind that an operation stands for */

/* NORM, COPY, ROTARY, ACTIVATION, BRANCH, SUM: chains over elements. */
typedef struct {
  const char *kernel[MOE_OP_PIECES];
  double width[MOE_OP_PIECES]; /* elements per row of each piece */
  guint n;
  double gains;     /* NORM, CONVOLUTION: parameters */
  gboolean enters;  /* NORM at the input of a sub-layer: the residual addition before it may be fused */
  gboolean gated;   /* ACTIVATION */
  int64_t branches; /* BRANCH, SUM */
} MoeChain;

/* CORE: what attention works on, on one rank. */
typedef struct {
  int64_t query_heads, kv_heads, dim_qk, dim_v;
  int64_t window;          /* keys a query sees; 0 = all before it */
  int64_t backward_window; /* the same of the backward pass: an index learns from the chosen keys only */
  int64_t chunk;           /* a query sees keys of its own chunk only; 0 = of the whole sequence */
  gboolean scattered;      /* the window's keys lie anywhere before the query */
  gboolean fused;          /* one kernel that keeps no scores */
} MoeCore;

/* SCAN: linear attention on one rank. */
typedef struct {
  MoeLinearKind kind;
  int64_t value_heads, key_heads, key_dim, value_dim, chunk;
} MoeScan;

#define MOE_OP_INPUTS  3
#define MOE_OP_OUTPUTS 4

/* What parameters are reported under. */
typedef enum {
  MOE_WEIGHT_ATTENTION,
  MOE_WEIGHT_DENSE_FFN,
  MOE_WEIGHT_EXPERTS,
  MOE_WEIGHT_SHARED,
  MOE_WEIGHT_ROUTER,
  MOE_WEIGHT_LATENT,
  MOE_WEIGHT_NORM,
  MOE_WEIGHT_END, /* embedding, head, projection of a prediction module */
  MOE_N_WEIGHTS,
} MoeWeightKind;

typedef struct {
  MoeLayerOpKind kind;
  const char *name; /* static */
  MoePlace place;
  MoeScope scope;
  guint modules; /* bits of MoeModule */
  MoeRows rows;  /* that it works on */
  MoeWeightKind weight;
  gboolean quiet; /* replayed: the result of its transfers was kept, they are not repeated */
  int in[MOE_OP_INPUTS], out[MOE_OP_OUTPUTS]; /* tensors of the sub-layer, from 1; 0 = none */
  union {
    MoeLinear linear;
    MoeChain chain;
    MoeCore core;
    MoeScan scan;
  };
} MoeLayerOp;

/* ---- sub-layers -------------------------------------------------------------------------------------------------- */

#define MOE_MAX_TENSORS   36
#define MOE_MAX_LAYER_OPS 36

typedef struct {
  guint n_tensors, n_ops;
  MoeTensor tensors[MOE_MAX_TENSORS]; /* [1 .. n_tensors] */
  MoeLayerOp ops[MOE_MAX_LAYER_OPS];
  double weight_tensors; /* parameters that frameworks keep its weights in */
} MoeSublayer;

/* Who looks at a layer: the degrees over which its weights are divided. All 1 is the whole model. */
typedef struct {
  const MoeArchitecture *arch;
  int64_t tensor, expert, expert_tensor;
  gboolean fused_attention; /* the core is one kernel */
  gboolean expert_loop;     /* experts run one after another, what their products cannot do in kernels of its own */
} MoeView;

/* The whole model as nobody divides it. */
MoeView moe_view_whole(const MoeArchitecture *arch);

/* Describe the two sub-layers of a layer, and the ends of the model. */
void moe_describe_attention(const MoeView *view, MoeLayerKind kind, MoeSublayer *sublayer);
void moe_describe_second(const MoeView *view, MoeLayerKind kind, MoeSublayer *sublayer);
void moe_describe_embedding(const MoeView *view, MoeSublayer *sublayer);
void moe_describe_head(const MoeView *view, MoeSublayer *sublayer);
/* Before the layer of a multi-token prediction module (DeepSeek-V3 report, 2.2). */
void moe_describe_joint(const MoeView *view, MoeSublayer *sublayer);

/* ---- what one rank handles --------------------------------------------------------------------------------------- */

/* Derived once from the run. Counts of tokens are per micro-batch. */
typedef struct {
  const MoeRun *run;
  const MoeArchitecture *arch;
  const MoePrecisions *precision;
  MoeView view;
  int64_t tp, cp, etp, ep;
  int64_t hidden;
  int64_t tokens; /* rows of the residual stream on this rank (divided by tensor ranks under sequence parallelism) */
  int64_t full_tokens; /* rows inside a tensor-parallel linear */
  int64_t moe_tokens;  /* rows that a rank routes: each token of the tensor group is routed once */
  int64_t outer;       /* width the experts see: latent or hidden */
  int64_t local_experts, groups;
  double mean_rows;                 /* rows that arrive at one rank per MoE layer: capacity and tile padding included */
  double useful_share;              /* of those rows */
  double wire_padding;              /* rows on the wire relative to routed tokens */
  double residual_bytes, act_bytes; /* per element */
  int64_t micro_batches;
  gboolean fp8_gemm, fp8_wgrad;
  MoeKeeps keeps; /* bytes and copies per parameter */
  gboolean wide;  /* of layers that stay in BF16 among those of fewer bits */
  gboolean overlap_tensor, overlap_tensor_backward, overlap_expert, overlap_reduce, overlap_gather, overlap_pipeline,
      overlap_context, merge_batches;
  gboolean flash;      /* fused attention kernel */
  gboolean frozen;     /* LoRA: base weights do not train */
  gboolean accumulate; /* weight gradients are added to a buffer */
} MoeShape;

/* `run` must outlive the shape. */
void moe_shape_init(MoeShape *shape, const MoeRun *run);
/* The same in layers that stay in BF16, whose precisions `precisions` then holds and must outlive it. */
void moe_shape_widen(const MoeShape *shape, MoePrecisions *precisions, MoeShape *wide);
/* Whether a layer is one of those. */
gboolean moe_shape_is_wide(const MoeShape *shape, int64_t layer);
/* Rows of a tensor of this kind on one rank, per micro-batch. */
double moe_shape_rows(const MoeShape *shape, MoeRows rows);

/* ---- parameters and model FLOPs ---------------------------------------------------------------------------------- */

typedef struct {
  /* Embeddings count once when tied and twice when not, also among the active ones (makers who print 37B for 37.6B
   * leave the look-up out); prediction modules (mtp) are in neither. The parts below sum to the total. */
  double total, active;
  double embedding, head, attention, dense_ffn, experts, shared_experts, router, latent, norms, mtp;
} MoeParameters;

void moe_count_parameters(const MoeArchitecture *architecture, MoeParameters *parameters);

/* Model FLOPs per token of forward + backward (6 per multiply-accumulate weight; attention 12 x heads x dim x context
 * per layer and token), GEMMs and attention only, without recomputation or padding; embedding look-up counts nothing,
 * LM head counts. `causal` halves global layers and takes a window's mean context; `full` takes the whole square for
 * every global layer and the window for local ones (Megatron). With lora_rank > 0 the weight-gradient third falls away
 * for frozen weights; the adapters themselves are left out. Multi-head latent attention counts nope + rope dimensions
 * for scores and value dimensions for values. */
typedef struct {
  double causal, full;
  double gemm, attention_causal, attention_full;
  double scan; /* linear attention: what each token does to the state and reads from it; causal and full have it too */
} MoeModelFlops;

void moe_count_model_flops(const MoeArchitecture *architecture, const MoeTraining *training, MoeModelFlops *flops);

/* Attention, forward: scores and weighted values of one query and one key, FLOPs over the heads of a rank. */
double moe_core_flop_per_key(const MoeCore *core);
/* Keys within reach of a query of a sequence, the causal mask left aside; and their mean under it: w - w^2 / 2S, with w
 * the reach and S the sequence's length or that of its chunk. */
double moe_core_reach(const MoeCore *core, int64_t sequence_length, gboolean backward);
double moe_core_mean_keys(const MoeCore *core, int64_t sequence_length, gboolean backward);
/* Linear attention, forward, one token: each head decays and writes its state and reads it; the delta rule reads it
 * once more before it writes. Two FLOPs per element of the state each. */
double moe_scan_flop_per_token(const MoeScan *scan);

/* ---- weights of a rank ------------------------------------------------------------------------------------------- */

/* Parameters held by one rank (tensor- and expert-parallel shares), elements. */
typedef struct {
  double dense;   /* all but routed experts */
  double experts; /* routed experts */
  double tensors; /* weight tensors, for launches of multi-tensor kernels */
} MoeWeights;

void moe_weights_layer(const MoeShape *shape, int64_t layer, MoeWeights *weights);
void moe_weights_embedding(const MoeShape *shape, MoeWeights *weights);
/* `own_table`: the head has a table of its own, not the embedding's. */
void moe_weights_head(const MoeShape *shape, gboolean own_table, MoeWeights *weights);
void moe_weights_mtp(const MoeShape *shape, MoeWeights *weights);
void moe_weights_add(MoeWeights *sum, const MoeWeights *more);
/* Elements of LoRA adapters of one layer on one rank: r (k + n) for a [k, n] linear (Hu et al. 2021). */
double moe_weights_adapters(const MoeShape *shape, int64_t layer);

/* ---- activations ------------------------------------------------------------------------------------------------- */

/* Bytes that the forward pass of a layer leaves for its backward pass when `recomputed` (bits of MoeModule) are
 * replayed there. */
double moe_layer_saved_bytes(const MoeShape *shape, int64_t layer, guint recomputed);
/* Beside modules among `recomputed`: outputs of the activations below, which their own backward kernel writes again. */
#define MOE_REMADE_ACTIVATION  (1u << 31)
#define MOE_ACTIVATION_MODULES (MOE_MODULE_FFN_ACTIVATION | MOE_MODULE_MOE_ACTIVATION)
/* Which such outputs the run's software leaves out: MOE_REMADE_ACTIVATION or 0. */
guint moe_remade_outputs(const MoeShape *shape);
/* The same of a layer that is described. */
double moe_described_saved_bytes(const MoeShape *shape, const MoeSublayer *attention, const MoeSublayer *second,
                                 guint recomputed);
/* Of these, what lies in rows of experts. */
double moe_expert_kept_bytes(const MoeShape *shape, const MoeSublayer *sublayer, guint recomputed);
/* Of these, what the parts `away` (bits of MoeAway) read. */
double moe_described_away_bytes(const MoeShape *shape, const MoeSublayer *attention, const MoeSublayer *second,
                                guint recomputed, guint away);
/* Of these, what operations in `scopes` (bits of MoeScope) make. */
double moe_described_made_bytes(const MoeShape *shape, const MoeSublayer *attention, const MoeSublayer *second,
                                guint recomputed, guint scopes);
/* Whether the layer at `index` of a chunk, one of `chunks` of its stage, is computed again from a checkpoint: as a
 * whole, or all but the operators that are kept. */
gboolean moe_recompute_takes(const MoeRecompute *recompute, int64_t index, int64_t chunks);

/* Outputs that checkpointing by operator keeps of a layer beside its input. */
typedef struct {
  double kept; /* bytes */
  double read; /* of them, what backward passes read */
} MoeOperatorBytes;

/* Takes out of a layer what `recompute.saves` keeps, and leaves what is computed again. */
void moe_operators_thin(const MoeShape *shape, MoeSublayer *attention, MoeSublayer *second, MoeOperatorBytes *bytes);

/* Leaves out the operations at the end of a sub-layer whose results no backward pass reads. What is read is told by the
 * operations that are there: before anything else is left out. */
void moe_sublayer_end_with_read(MoeSublayer *sublayer);
/* Bytes of a checkpoint: the input of a layer. */
double moe_checkpoint_bytes(const MoeShape *shape);
/* Whether the backward pass of an operation reads the tensor. */
gboolean moe_op_reads(const MoeLayerOp *op, int tensor);

G_END_DECLS

#endif
