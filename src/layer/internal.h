/*
 * Private to layer: how descriptions are put together.
 */
#ifndef MOESIM_LAYER_INTERNAL_H
#define MOESIM_LAYER_INTERNAL_H

#include "layer/layer.h"

/* Empties a description. */
void moe_sublayer_begin(MoeSublayer *sublayer);
/* Appends a tensor or an operation. The tensor's number, or the operation to complete. */
int moe_sublayer_tensor(MoeSublayer *sublayer, const char *name, MoeRows rows, MoeKept kept, double width);
MoeLayerOp *moe_sublayer_op(MoeSublayer *sublayer, const MoeLayerOp *op);
/* A linear layer from tensor `in` to tensor `out` (0 = none kept). */
MoeLayerOp *moe_sublayer_linear(MoeSublayer *sublayer, const MoeLayerOp *like, const char *name, int64_t k, int64_t n,
                                int in, int out);

/* Norm at the input; returns the tensor that the sub-layer's first linears read. */
int moe_frame_enter(const MoeView *view, MoeScope scope, MoeSublayer *sublayer);
/* Output norm, dropout, residual addition. */
void moe_frame_leave(const MoeView *view, MoeScope scope, MoeSublayer *sublayer);

/* Queries, keys and values to the core's output, the sub-layer's output projection. */
typedef struct {
  int query, key, value;
  int gate;      /* tensor that gates the output; 0 = none */
  int64_t width; /* that the output projection reads; 0 = what the core gives */
  MoeCore core;
} MoeCoreInputs;

/* Which keys a layer's queries see. */
void moe_core_limit(const MoeView *view, MoeLayerKind kind, MoeCore *core);

void moe_describe_core(const MoeView *view, const MoeCoreInputs *inputs, MoeSublayer *sublayer);
#define MOE_ATTENTION_DESCRIBE(constant, name, word)                                                                   \
  void moe_describe_##name(const MoeView *view, MoeLayerKind kind, int input, MoeSublayer *sublayer);
MOE_ATTENTION_ROWS(MOE_ATTENTION_DESCRIBE)
#undef MOE_ATTENTION_DESCRIBE
/* A state in place of attention, or beside what has read `input` already. */
void moe_describe_linear_attention(const MoeView *view, MoeLayerKind kind, int input, MoeSublayer *sublayer);
/* Scorer of sparse attention: from the compressed query and the input of the sub-layer to the choice of keys. */
void moe_describe_index(const MoeView *view, int query, int input, MoeSublayer *sublayer);
void moe_describe_dense(const MoeView *view, int64_t width, MoeSublayer *sublayer);
void moe_describe_moe(const MoeView *view, MoeSublayer *sublayer);

/* A feed-forward network of `width` from tensor `in`; `like` says place, scope, modules and weight of its operations,
 * `activation` the modules that replay its activation besides. */
void moe_describe_ffn(const MoeView *view, const MoeLayerOp *like, guint activation, int64_t width, gboolean gated,
                      int in, MoeSublayer *sublayer);

/* Position embedding of queries and keys, `width` elements per row in all; nothing where positions are learned. */
void moe_describe_rotary(const MoeView *view, const MoeLayerOp *like, double width, MoeSublayer *sublayer);

/* What one operation holds and multiplies with, elements on one rank. */
typedef struct {
  double held;       /* parameters */
  double active;     /* of them, what one token passes */
  double multiplied; /* weights that a token is multiplied with, over all ranks that share it: two FLOPs each forward */
  double adapters;   /* k + n where LoRA applies */
} MoeOpWeights;

/* Whether the backward pass of operations of this kind reads their inputs, their outputs. */
void moe_op_reading(MoeLayerOpKind kind, gboolean *inputs, gboolean *outputs);
void moe_op_weights(const MoeLayerOp *op, MoeOpWeights *weights);

#endif
