/*
 * program, private: the builder that lowers a run, and the pieces that its files share.
 *
 * Three levels. Lowering (lower.c and a file per kind of operation) emits *items* into a *flow*: kernels, collectives
 * and copies with dependencies on earlier items. block.c merges one flow, or a forward and a backward flow, into a
 * *block* and turns dependencies into waits on streams. A schedule (schedule.h) orders *actions*; calls.c makes calls
 * of blocks from them.
 */
#ifndef MOESIM_PROGRAM_INTERNAL_H
#define MOESIM_PROGRAM_INTERNAL_H

#include "flow.h"
#include "tables.h"

#include "layer/layer.h"
#include "program/program.h"
#include "schedule/schedule.h"
#include <string.h>

typedef struct MoeRouter MoeRouter;

typedef struct MoeDescribed MoeDescribed;

typedef struct {
  MoeShape shape, wide; /* of the run; of its layers that stay in BF16 */
  MoePrecisions wide_precisions;
  MoeTables tables;
  MoeLayout *layout;
  MoeRouter *router; /* expert loads; NULL when balanced */
  const MoeSchedule *schedule;
  MoePlacement placement;
  MoeChunk *parts;      /* [positions] */
  GArray *blocks;       /* MoeBlock; their arrays lie in the arena */
  MoeIntern block_keys; /* MoeBlockKey of each */
  MoeIntern split_keys; /* MoeSplitKey of each backward pass that was lowered in halves */
  GPtrArray *halves;    /* of MoeFlow: for each of them the data gradients, then the weight gradients */
  MoeArena *arena;
  MoeDescribed *kinds; /* sub-layers of each kind of layer that was asked for, linked */
} MoeBuilder;

/* ---- emission ----------------------------------------------------------------------------------- */

/* Where and as what the lowering of a layer emits. */
typedef struct {
  MoeBuilder *builder;
  const MoeShape *shape;
  MoeFlow *flow;  /* forward and data gradient */
  MoeFlow *later; /* weight gradients; equals flow unless the schedule splits the backward pass */
  MoePass pass;
  MoeScope scope;
  guint module; /* bits of MoeModule that what is emitted now belongs to */
  guint only;   /* emit only kernels of these modules (selective recompute); 0 = everything */
  int layer;
  const MoeSublayer *sublayer; /* of the operation that is lowered now */
  int64_t group;               /* of local experts, inside EXPERTS */
  int64_t round;               /* of that group */
  guint32 counts;              /* item of the exchange of token counts that is under way, or MOE_NO_ITEM */
  gboolean first;              /* first micro-batch of the step */
  gboolean quiet;              /* transfers of experts are not repeated: their results were kept */
  gboolean no_flop;            /* model FLOPs are not counted (prediction modules of some reports) */
} MoeEmit;

/* The shape of a layer. */
const MoeShape *moe_builder_shape(const MoeBuilder *builder, int64_t layer);
/* What is emitted from here on belongs to this layer; -1: to no layer. */
void moe_emit_enter(MoeEmit *emit, int64_t layer);
/* Emits a kernel on the compute stream; pass, scope and launches default from the context when 0. */
void moe_emit_kernel(MoeEmit *emit, MoeFlow *flow, const MoeKernel *kernel, int load);
/* Bandwidth-bound kernel: bytes in and out, `launches` kernels. */
void moe_emit_bytes(MoeEmit *emit, MoeBandwidthKind kind, const char *name, double read, double write,
                    int64_t launches);
/* Same with bytes that follow the rows of a load (expert imbalance). */
void moe_emit_row_bytes(MoeEmit *emit, MoeBandwidthKind kind, const char *name, double read, double write,
                        int64_t launches, int load);
#define MOE_NO_LOAD (-1)
/* Emits a collective on `stream` after all compute so far. Returns its item, or MOE_NO_ITEM when it has no partners. */
guint32 moe_emit_collective(MoeEmit *emit, MoeStream stream, const MoeCollective *collective);
/* The same, exposed: compute goes on only when it is done. */
void moe_emit_exposed(MoeEmit *emit, MoeStream stream, const MoeCollective *collective);
/* A collective of `bytes` over a group. */
MoeCollective moe_collective(const MoeEmit *emit, MoeCollectiveKind kind, MoeGroupKind group, const char *name,
                             double bytes);

/* Copies to or from host memory; what comes in waits for what went out in earlier calls. */
guint32 moe_emit_copy(MoeEmit *emit, gboolean to_host, const char *name, double bytes);
/* SEND after all compute so far, RECV at once; `slot` of the call's messages. */
guint32 moe_emit_message(MoeEmit *emit, MoeOpKind kind, guint slot);
/* The host waits for `dep`, or, when it is MOE_NO_ITEM, for all compute so far. */
void moe_emit_host_sync(MoeEmit *emit, guint32 dep);
/* The host waits for `counts`, the exchange of what it dispatches next. Of two flows side by side the other one issues
 * what it computes first. */
void moe_emit_dispatch_sync(MoeEmit *emit, guint32 counts);
/* The same inside a library's dispatch: `counts` comes after all compute of this flow and all exchanges so far, and
 * begins when the last member comes; the host waits for its end. */
void moe_emit_notify(MoeEmit *emit, const MoeCollective *counts);
/* The host waits for a message that has come, what was sent before it, and the compute of earlier calls. */
void moe_emit_host_messages(MoeEmit *emit, guint32 received);
void moe_emit_delay(MoeEmit *emit, double seconds);

/* ---- lowering of operations --------------------------------------------------------------------- */

/* The operations of a sub-layer that run at `place`, in order or in reverse; or one of them. */
void moe_lower(MoeEmit *emit, const MoeSublayer *sublayer, MoePlace place);
void moe_lower_backward(MoeEmit *emit, const MoeSublayer *sublayer, MoePlace place);
void moe_lower_op(MoeEmit *emit, const MoeSublayer *sublayer, guint index);
void moe_lower_op_backward(MoeEmit *emit, const MoeSublayer *sublayer, guint index);
/* Rows of one kernel: of one group of experts where the operation runs per group. Load of these rows, or MOE_NO_LOAD.
 */
int64_t moe_lower_rows(const MoeEmit *emit, MoeRows rows);
int moe_lower_load(const MoeEmit *emit, const MoeLayerOp *op);

void moe_lower_norm(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_norm_backward(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_linear(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_linear_backward(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_rotary(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_copy(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_core(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_core_backward(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_index(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_index_backward(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_convolution(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_convolution_backward(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_scan(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_scan_backward(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_activation(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_activation_backward(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_clamp(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_clamp_backward(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_sum(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_route(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_route_backward(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_counts(MoeEmit *emit, const MoeLayerOp *op);
/* Library of dispatch and combine. */
const MoeExpertLibrary *moe_shape_library(const MoeShape *shape);
/* Around the receiver's permutation of rows that come with the numbers of their experts; and its gradient. */
void moe_indices_before_permute(MoeEmit *emit);
void moe_indices_after_permute(MoeEmit *emit);
void moe_indices_backward(MoeEmit *emit);
void moe_lower_experts(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_experts_backward(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_grouped(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_grouped_backward(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_gather(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_dropout(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_dropout_backward(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_add(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_add_backward(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_table(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_table_backward(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_loss(MoeEmit *emit, const MoeLayerOp *op);
void moe_lower_loss_backward(MoeEmit *emit, const MoeLayerOp *op);

/* ---- buckets of gradients ----------------------------------------------------------------------- */

/* The buffer of a stage's gradients set to zero at the step's start, where the stack has one. */
void moe_bucket_zero(MoeEmit *emit, int64_t stage);
/* What happens to `elements` gradients before they are reduced: their norm, read by the host, and a scaling pass. */
void moe_bucket_prepare(MoeEmit *emit, double elements, gboolean experts);

/* ---- quantization ------------------------------------------------------------------------------- */

/* Quantization of a weight where it is due. */
gboolean moe_quantizes_weights(const MoeEmit *emit);
void moe_emit_quantize_weight(MoeEmit *emit, double elements);
/* A tensor on its way into an FP8 GEMM. `fusable`: a norm or activation produces it, so that a stack which fuses
 * quantization needs no kernel; attention outputs, exchanged rows and most gradients have no such producer
 * (TransformerEngine casts them apart). */
typedef struct {
  const char *name;
  double elements;
  gboolean also_transposed; /* a second copy laid out for the weight gradient */
  gboolean fusable;
  gboolean behind_norm; /* the product's own module computes the norm before it (TransformerEngine's LayerNormLinear) */
  gboolean gathered;    /* a part of the sequence, which tensor ranks gather behind the cast */
  int64_t launches;
  int load;
} MoeQuantize;
void moe_emit_quantize(MoeEmit *emit, const MoeQuantize *quantize);
/* Layouts in which cast rows travel that a product and a weight gradient read once gathered: 1 or 2. */
double moe_gathered_layouts(const MoeShape *shape);
/* In the flow of weight gradients: `elements` that were gathered in one layout, written in the other one. */
void moe_emit_gathered_transpose(MoeEmit *emit, double elements);
/* What attention in 8 bits reads of so many `tensors`, of `elements` numbers in all; nothing in other formats. */
void moe_emit_attention_casts(MoeEmit *emit, double elements, int64_t tensors);
/* Where the stack casts in the backward pass: copies of an FP8 weight gradient's two operands along its reduction
 * (`elements` in all), before the gradient; the transposed weight of a data gradient. */
void moe_emit_wgrad_casts(MoeEmit *emit, double elements, int load);
void moe_emit_weight_transpose(MoeEmit *emit, double elements);
/* Delayed scales of `layers` layers after a pass over them: their greatest values over the ranks that share scales,
 * then the scales themselves. */
void moe_emit_scales(MoeEmit *emit, int64_t layers);

/* ---- parts of the model ------------------------------------------------------------------------- */

/* Rows of one round of a group of local experts, whole tiles where the stack pads to tiles. */
int64_t moe_group_rows(const MoeShape *shape);
/* Capped rounds in which a group's rows come (dropless routing into static buffers), and pieces in all: groups times
 * rounds. */
int64_t moe_expert_rounds(const MoeShape *shape);
int64_t moe_expert_pieces(const MoeShape *shape);
/* Whether the experts' activation and the casts of what it makes run inside the kernels of their products; an
 * activation that is replayed without them does not. */
gboolean moe_fuses_activation(const MoeEmit *emit);
/* Tensor ranks of an expert put together what each of them received, and share out what they computed. */
void moe_gather_expert_rows(MoeEmit *emit);
void moe_reduce_expert_rows(MoeEmit *emit);
void moe_embedding_forward(MoeEmit *emit);
void moe_embedding_backward(MoeEmit *emit);
/* What a chunk holds behind its layers: prediction modules, LM head and loss, or nothing. */
void moe_end_forward(MoeEmit *emit, const MoeChunk *chunk);
void moe_end_backward(MoeEmit *emit, const MoeChunk *chunk);

/* ---- load of experts ---------------------------------------------------------------------------- */

/* Whether every expert gets the same rows: then there is no router. */
gboolean moe_routing_is_balanced(const MoeShape *shape);
/* A step's own seed, and how many steps it comes after the first one of its training. */
typedef struct {
  uint64_t seed, step;
} MoeStepSeed;
MoeRouter *moe_router_new(const MoeShape *shape, const MoeStepSeed *seed, GError **error);
void moe_router_free(MoeRouter *router);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeRouter, moe_router_free)
/* Capped rounds in which the rows of a group of a layer's local experts come: what the fullest rank needs. */
int64_t moe_router_rounds(const MoeRouter *router, int64_t layer, int64_t group);
/* Load number of one round of the experts that `group` of a layer holds, for MoeEmit and MoeTables; MOE_NO_LOAD when
 * balanced. */
int moe_router_load(const MoeRouter *router, int64_t layer, int64_t group, int64_t round);
/* Different loads that racks and micro-batches have, at least 1. */
guint moe_router_draws(const MoeRouter *router);
/* Rows of a load in a load class (draw times the expert-parallel size, plus the index in it) relative to the mean
 * round, and of its fullest expert relative to the mean expert. */
double moe_router_rows(const MoeRouter *router, int load, int64_t column);
double moe_router_fullest(const MoeRouter *router, int load, int64_t column);
/* [load classes] rows arriving, relative to what arrives on average in this round; NULL when balanced. */
const double *moe_router_skew(const MoeRouter *router, int load);
/* Rows that each rank sends in this round, relative to the mean round; 1 when balanced. */
double moe_router_sent(const MoeRouter *router, int load);

/* One layer's loads in one rack and micro-batch. */
typedef struct {
  const MoeConcentration *law;
  double spread; /* moe_concentration_spread */
  uint64_t seed, step;
  int64_t experts, layer, index; /* index: which of the draws */
} MoeConcentrationDraw;
/* Standard deviation of the logarithm of one expert's load at which the fullest of the named number is as concentrated
 * as is said. */
double moe_concentration_spread(const MoeConcentration *concentration);
/* weights: [experts] counts, whole multiples of a 64th of the mean, whose sum is exact. */
void moe_concentration_draw(const MoeConcentrationDraw *draw, double *weights);

/* ---- recompute, offload, memory of a layer ------------------------------------------------------ */

/* How a layer comes again for its backward pass. */
typedef struct {
  gboolean whole;      /* from a checkpoint, not by modules */
  int64_t first, last; /* layers of that checkpoint, replayed together before the backward pass of `last` */
} MoeAgain;

MoeAgain moe_layer_again(const MoeBuilder *builder, const MoeChunk *part, int64_t layer);
/* Modules (bits of MoeModule) replayed before each layer's backward pass when it is not recomputed as a whole. */
guint moe_selected_modules(const MoeShape *shape);
/* What such a layer does not leave for its backward pass: those modules, and activations whose backward kernel writes
 * their output once more. */
guint moe_left_out(const MoeShape *shape);
/* A layer with its memory, recompute and offload. What an offloaded layer keeps - its checkpoint, or all that its
 * backward pass reads when it is not recomputed - is fetched ahead of its use. */
void moe_stored_forward(MoeEmit *emit, int64_t layer, MoeAgain again);
void moe_stored_backward(MoeEmit *emit, int64_t layer, MoeAgain again);
guint32 moe_stored_fetch(MoeEmit *emit, int64_t layer, MoeAgain again);
double moe_logits_bytes(const MoeShape *shape);
double moe_message_bytes(const MoeShape *shape);
/* Bytes between two neighbouring positions of the pipeline, as each of the tensor ranks holds them; backward where
 * `from` is the later one. */
double moe_builder_message(const MoeBuilder *builder, int64_t from, int64_t to);
/* Whether each tensor rank sends a slice of them only. */
gboolean moe_builder_slices(const MoeBuilder *builder, int64_t from, int64_t to);

/* ---- chunks and blocks -------------------------------------------------------------------------- */

typedef enum { MOE_VARIANT_FIRST = 1 << 0, MOE_VARIANT_LAST = 1 << 1 } MoeVariant;

/* What a block is made of: one action of a schedule with the variants of its micro-batches. */
typedef struct {
  uint8_t kind;                 /* MoeActionKind */
  uint8_t variant_f, variant_b; /* bits of MoeVariant */
  uint8_t start;                /* first call of the role: carries the host's work per step */
  uint32_t position_f, position_b;
  uint32_t stage; /* FINISH only */
} MoeBlockKey;

/* A backward pass whose halves are actions of their own. */
typedef struct {
  uint32_t position, variant;
} MoeSplitKey;

guint moe_block_get(MoeBuilder *builder, const MoeBlockKey *key);
/* Whether activations go from one stage to another between two positions; FALSE beyond the ends. */
gboolean moe_builder_crosses(const MoeBuilder *builder, int64_t from, int64_t to);
void moe_chunk_forward(MoeBuilder *builder, MoeFlow *flow, int64_t position, guint variant);
void moe_chunk_backward(MoeBuilder *builder, MoeFlow *flow, MoeFlow *later, int64_t position, guint variant);
void moe_finish(MoeBuilder *builder, MoeFlow *flow, int64_t stage);

/* ---- data parallel ------------------------------------------------------------------------------ */

/* Units of one part: what is gathered or reduced in one go. Unit 0 may be the embedding, the last one the head. */
typedef struct {
  int64_t first, count; /* layers, relative to the model; count 0 for embedding and head */
  MoeWeights weights;
} MoeUnit;

GArray *moe_units_new(const MoeBuilder *builder, const MoeChunk *part);
/* Whether ZeRO-3 holds embedding and head gathered through the step, not only as long as they are read: with several
 * stages or one table for both ends there is always a pass that reads them next. */
gboolean moe_ends_stay(const MoeBuilder *builder);
typedef struct MoeZero MoeZero;
MoeZero *moe_zero_new(MoeBuilder *builder, const MoeChunk *part);
void moe_zero_free(MoeZero *zero);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeZero, moe_zero_free)
/* Called before / after the compute of unit `index` of the part in the forward or backward flow. */
void moe_zero_before_forward(MoeZero *zero, MoeEmit *emit, guint index, guint variant);
void moe_zero_after_forward(MoeZero *zero, MoeEmit *emit, guint index, guint variant);
void moe_zero_before_backward(MoeZero *zero, MoeEmit *emit, guint index, guint variant);
/* Besides, the weights of the units before `index` down to the one with layer `first`, which are replayed with it. */
void moe_zero_reach_backward(MoeZero *zero, MoeEmit *emit, guint index, int64_t first, guint variant);
void moe_zero_after_backward(MoeZero *zero, MoeEmit *emit, guint index, guint variant);
guint moe_zero_units(const MoeZero *zero);
const MoeUnit *moe_zero_unit(const MoeZero *zero, guint index);
/* Reductions that nothing overlaps, at the end of the step. */
void moe_zero_reduce_all(MoeZero *zero, MoeEmit *emit);

/* ---- static memory ------------------------------------------------------------------------------ */

/* Trainable and other elements of a stage, sharding degrees: what the optimizer steps over and the static footprint
 * holds. */
typedef struct {
  MoeWeights held; /* all weights of the stage */
  double root;     /* of them, embedding, head and prediction modules */
  double wide;     /* of them, layers that stay in BF16 */
  double adapters; /* LoRA */
  double padding;  /* elements at the ends of buckets that are no weight */
  double trainable_dense, trainable_experts;
  double dense_shards, expert_shards; /* degree over which the optimizer state is sharded; 1 = not */
} MoeHolding;

void moe_holding_init(const MoeBuilder *builder, int64_t stage, MoeHolding *holding);
void moe_static_bytes(const MoeBuilder *builder, int64_t stage, double bytes[MOE_N_MEMORY_PARTS]);
/* Unused gradients that the software leaves allocated on a stage, one per shape of weight. */
double moe_placeholder_bytes(const MoeBuilder *builder, int64_t stage);
/* Inputs at fixed addresses that graphs of layers are replayed on: one for each layer and micro-batch in flight. Graphs
 * of a whole iteration have none. */
double moe_graph_bytes(const MoeBuilder *builder, int64_t stage);
void moe_optimizer_emit(MoeEmit *emit, const MoeHolding *holding);

/* ---- what waits in host memory ------------------------------------------------------------------ */

/* The host steps the optimizer of `elements`, of `tensors` weight tensors; `gradient_bytes` of each go out for it. */
void moe_offload_step(MoeEmit *emit, double elements, double tensors, double gradient_bytes);
/* Offloaded state of `elements` comes to the GPU for its update, and goes again. */
void moe_offload_arrive(MoeEmit *emit, double elements);
void moe_offload_leave(MoeEmit *emit, double elements);
/* Gradients of `elements` that item `reduced` (or MOE_NO_ITEM) left go out, summed with those of earlier micro-batches.
 */
void moe_offload_reduced(MoeEmit *emit, double elements, guint32 reduced, gboolean first);

/* ---- calls -------------------------------------------------------------------------------------- */

typedef struct {
  GArray *roles;    /* MoeRole */
  GArray *messages; /* MoeMessage */
} MoeCalls;

/* Builds the roles of all stages from the schedule. */
void moe_calls_build(MoeBuilder *builder, MoeCalls *calls);

#endif
