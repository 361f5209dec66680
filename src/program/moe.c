/* Around the experts: token counts, encode, dispatch, combine, decode; shared experts beside the transfers. */
#include "internal.h"

#include <math.h>

/* Bytes of one expert's token count in the exchange that precedes a dropless dispatch. */
#define COUNT_BYTES 4.0

/* Launches of a permutation: index computation and gather in one fused kernel each; PyTorch sorts, counts, gathers and
 * casts one by one and moves the rows twice. */
#define PERMUTE_FUSED_LAUNCHES   2
#define PERMUTE_UNFUSED_LAUNCHES 8
#define PERMUTE_UNFUSED_TRIPS    2.0

/* Copied by a kernel each: two FP8 inputs, their scales, one output (mark_grouped_tensor in TransformerEngine's
 * pytorch/ops/fused/grouped_mlp.py, as of d0067d0da, August 2026). */
#define STASHED_TENSORS 5

/* ---- pieces ------------------------------------------------------------------------------------- */

/* One capped round of one group of local experts. */
typedef struct {
  int64_t group, round;
} Piece;

static int64_t rounds_of(const MoeEmit *emit, int64_t group)
{
  const MoeRouter *router = emit->builder->router;

  return router ? moe_router_rounds(router, emit->layer, group) : moe_expert_rounds(emit->shape);
}

static int64_t count_pieces(const MoeEmit *emit)
{
  int64_t n = 0;

  for (int64_t group = 0; group < emit->shape->groups; group++)
    n += rounds_of(emit, group);
  return n;
}

/* The i-th piece of the layer: all rounds of a group come before the next group. */
static Piece piece_at(const MoeEmit *emit, int64_t i)
{
  Piece piece = {0, i};

  while (piece.round >= rounds_of(emit, piece.group))
    piece.round -= rounds_of(emit, piece.group++);
  return piece;
}

static int load_of(const MoeEmit *emit, const Piece *piece)
{
  return moe_router_load(emit->builder->router, emit->layer, piece->group, piece->round);
}

/* ---- permutations ------------------------------------------------------------------------------- */

const MoeExpertLibrary *moe_shape_library(const MoeShape *shape)
{
  return moe_expert_library(shape->run->stack.collectives.expert_library);
}

/* Which side puts rows in expert order. NCCL's all-to-all needs it on both sides, direct writes into the peer's buffers
 * on the sender's, libraries that send each token once per rank sort where it arrives, even for one expert. */
typedef struct {
  gboolean sender, receiver;
} Permutes;

static Permutes permutes(const MoeShape *shape)
{
  const MoeExpertLibrary *library = moe_shape_library(shape);
  gboolean sorts = library->receiver_permutes && (library->deduplicates || shape->local_experts > 1);

  return (Permutes){library->sender_permutes, sorts};
}

/* Rows on their way to the experts are in the precision in which they travel, results in that of the activations. */
typedef enum { ROWS_TO_EXPERTS, ROWS_FROM_EXPERTS } RowsKind;

static double row_bytes(const MoeShape *shape, RowsKind kind)
{
  double payload = moe_precision_bytes(shape->precision->dispatch);

  return (double)shape->outer * (kind == ROWS_TO_EXPERTS ? MIN(payload, shape->act_bytes) : shape->act_bytes);
}

static void emit_permute(MoeEmit *emit, const char *name, RowsKind kind, double read_rows, double written_rows,
                         int load)
{
  gboolean fused = emit->shape->run->stack.fused.permute;
  double row = row_bytes(emit->shape, kind), trips = fused ? 1 : PERMUTE_UNFUSED_TRIPS;

  moe_emit_row_bytes(emit, MOE_BANDWIDTH_PERMUTE, name, read_rows * row * trips, written_rows * row * trips,
                     fused ? PERMUTE_FUSED_LAUNCHES : PERMUTE_UNFUSED_LAUNCHES, load);
}

/* Rows that a rank sends, all groups together: one per token and expert, with the capacity's padding. */
static double sent_rows(const MoeShape *shape)
{
  return (double)shape->moe_tokens * moe_real_top_k(&shape->arch->moe) * shape->wire_padding;
}

/* Of those, the ones that one piece holds, as a share. */
static double sent_share(const MoeEmit *emit, const Piece *piece)
{
  return moe_router_sent(emit->builder->router, load_of(emit, piece)) / (double)moe_expert_pieces(emit->shape);
}

static void sender_permute(MoeEmit *emit, const char *name, const Piece *piece)
{
  double rows = sent_rows(emit->shape) * sent_share(emit, piece);

  if (permutes(emit->shape).sender)
    emit_permute(emit, name, ROWS_TO_EXPERTS, rows, rows, MOE_NO_LOAD);
}

static void receiver_permute(MoeEmit *emit, const char *name, RowsKind kind, const Piece *piece)
{
  double rows = emit->shape->mean_rows / (double)moe_expert_pieces(emit->shape);

  if (permutes(emit->shape).receiver)
    emit_permute(emit, name, kind, rows, rows, load_of(emit, piece));
}

/* Sums each token's rows: weighted by the router forward, plain backward. Libraries that send a token once per rank sum
 * on the way back, after the receiver's own permutation has summed the rows of a rank. */
static void emit_sum(MoeEmit *emit, const char *name)
{
  if (permutes(emit->shape).sender)
    emit_permute(emit, name, ROWS_FROM_EXPERTS, sent_rows(emit->shape), (double)emit->shape->moe_tokens, MOE_NO_LOAD);
}

static void emit_expand(MoeEmit *emit, const char *name)
{
  double rows = sent_rows(emit->shape);

  if (permutes(emit->shape).sender)
    emit_permute(emit, name, ROWS_TO_EXPERTS, rows + (double)emit->shape->moe_tokens, rows, MOE_NO_LOAD);
}

/* ---- transfers ---------------------------------------------------------------------------------- */

/* Whether the host waits inside the dispatch for the counts that the library itself exchanges. */
static gboolean dispatch_waits(const MoeShape *shape)
{
  return moe_shape_library(shape)->by_index && shape->run->stack.moe.counts == MOE_COUNTS_BLOCKING &&
         shape->run->training.routing.capacity_factor <= 0;
}

/* A forward dispatch whose counts the host has waited for has told them already. */
static MoeNotify notify_of(const MoeEmit *emit, MoeCollectiveKind kind, const Piece *piece)
{
  gboolean told = kind == MOE_DISPATCH && emit->pass != MOE_PASS_DGRAD && piece->group == 0 && piece->round == 0;

  return told && dispatch_waits(emit->shape) ? MOE_NOTIFY_NONE : MOE_NOTIFY_WITHIN;
}

static guint32 exchange(MoeEmit *emit, MoeCollectiveKind kind, const char *name, const Piece *piece)
{
  const MoeShape *shape = emit->shape;
  const MoeExpertLayer *moe = &shape->arch->moe;
  MoePrecision precision = kind == MOE_DISPATCH ? shape->precision->dispatch : shape->precision->combine;
  double row_bytes = (double)shape->outer * moe_precision_bytes(precision);
  MoeCollective collective = moe_collective(emit, kind, MOE_GROUP_EXPERT, name, (double)shape->moe_tokens * row_bytes);

  if (emit->quiet)
    return MOE_NO_ITEM;
  collective.row_bytes = row_bytes;
  collective.notifies = notify_of(emit, kind, piece);
  collective.top_k = (int64_t)ceil(moe_real_top_k(moe));
  collective.experts = moe->experts;
  collective.expert_groups = MAX(moe->groups, 1);
  collective.top_groups = moe->top_groups > 0 ? moe->top_groups : collective.expert_groups;
  collective.share = sent_share(emit, piece);
  collective.padding = shape->wire_padding * moe_real_top_k(moe) / (double)collective.top_k;
  collective.receive = moe_router_skew(emit->builder->router, load_of(emit, piece));
  collective.n_skew = collective.receive ? (guint)shape->ep : 0;
  return moe_emit_collective(emit, MOE_STREAM_EXPERT, &collective);
}

/* FP8 payloads are quantized before they leave. */
static void quantize_payload(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;

  if (moe_precision_bytes(shape->precision->dispatch) < shape->act_bytes)
    moe_emit_quantize(emit, &(MoeQuantize){.name = "quantize_payload",
                                           .elements = (double)shape->moe_tokens * (double)shape->outer,
                                           .fusable = TRUE,
                                           .launches = 1,
                                           .load = MOE_NO_LOAD});
}

/* Token counts per expert travel ahead, so that receivers know their rows; or the map of all ranks' tokens to experts,
 * a byte each, from which every rank counts. */
static guint32 exchange_counts(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;
  double experts = (double)shape->arch->moe.experts, tokens = (double)(shape->ep * shape->moe_tokens);
  MoeCollective counts = moe_collective(emit, MOE_ALL_TO_ALL, MOE_GROUP_EXPERT, "token_counts", experts * COUNT_BYTES);
  MoeCollective map = moe_collective(emit, MOE_ALL_GATHER, MOE_GROUP_EXPERT, "routing_map", tokens * experts);

  return moe_emit_collective(emit, MOE_STREAM_EXPERT, moe_shape_library(shape)->gathers_map ? &map : &counts);
}

/* Blocking: the host reads the counts back before it issues anything more. Otherwise the exchange runs beside what
 * needs no counts. */
static guint32 begin_counts(MoeEmit *emit)
{
  MoeCountsKind kind = emit->shape->run->stack.moe.counts;

  if (kind == MOE_COUNTS_NONE || dispatch_waits(emit->shape) || emit->shape->run->training.routing.capacity_factor > 0)
    return MOE_NO_ITEM;
  guint32 counts = exchange_counts(emit);

  if (kind != MOE_COUNTS_BLOCKING)
    return counts;
  moe_flow_join(emit->flow, counts);
  moe_emit_host_sync(emit, counts);
  return MOE_NO_ITEM;
}

/* Whether the host needs the counts to issue the dispatch: NCCL's splits come from the host, DeepEP's dispatch makes
 * the host wait for what will arrive. Transfers that the device starts take them from its own memory. */
static gboolean dispatch_needs_host(const MoeShape *shape)
{
  return moe_shape_library(shape)->host_counts;
}

/* The library's own exchange of counts, on the stream of its transfers: it begins when the last member comes. */
static void notify(MoeEmit *emit)
{
  MoeCollective counts = moe_collective(emit, MOE_DISPATCH, MOE_GROUP_EXPERT, "notify",
                                        (double)emit->shape->arch->moe.experts * COUNT_BYTES);

  counts.notifies = MOE_NOTIFY_ALONE;
  moe_emit_notify(emit, &counts);
}

/* On a stream of their own: the host waits for the counts only, and only where it needs them - before the dispatch, or
 * before the experts, whose shapes they are. On the device: not at all. */
static void end_counts(MoeEmit *emit, gboolean before_dispatch)
{
  if (before_dispatch && dispatch_waits(emit->shape) && !emit->quiet)
    notify(emit);
  if (emit->counts == MOE_NO_ITEM || emit->shape->run->stack.moe.counts != MOE_COUNTS_DEDICATED_STREAM)
    return;
  if (before_dispatch == dispatch_needs_host(emit->shape))
    moe_emit_dispatch_sync(emit, emit->counts);
}

/* ---- token gather ---------------------------------------------------------------------------- */

/* Tensor ranks that route a slice each of the same tokens put them together again. */
void moe_lower_gather(MoeEmit *emit, const MoeLayerOp *op)
{
  const MoeShape *shape = emit->shape;
  double bytes = (double)shape->full_tokens * (double)shape->hidden * shape->act_bytes;
  MoeCollective collective = moe_collective(emit, MOE_ALL_GATHER, MOE_GROUP_TENSOR, op->name, bytes);

  if (!shape->run->parallelism.sequence_parallel)
    moe_emit_exposed(emit, MOE_STREAM_TENSOR, &collective);
}

/* ---- pages of what experts keep ---------------------------------------------------------------- */

/* Triton kernels of Megatron-Core's transformer/moe/paged_stash.py: inputs of both products and their scales, and the
 * output of the first, are copied page by page. They have a stream of their own, which the next layer waits for; their
 * trips to memory are told here, before anything else begins. */
static void copy_pages(MoeEmit *emit, const char *name, const Piece *piece)
{
  const MoeShape *shape = emit->shape;
  MoeRecomputeMode mode = shape->run->recompute.mode;
  gboolean kept = mode == MOE_RECOMPUTE_NONE || mode == MOE_RECOMPUTE_SELECTIVE;

  if (shape->run->stack.moe.paged_stash <= 0 || !kept || emit->pass == MOE_PASS_RECOMPUTE)
    return;
  double bytes = moe_expert_kept_bytes(shape, emit->sublayer, moe_left_out(shape)) / (double)moe_expert_pieces(shape);

  moe_emit_row_bytes(emit, MOE_BANDWIDTH_PERMUTE, name, bytes, bytes, STASHED_TENSORS, load_of(emit, piece));
}

/* ---- forward ------------------------------------------------------------------------------------ */

/* Weights are quantized with the first round. */
static void enter_piece(MoeEmit *emit, const Piece *piece, gboolean first)
{
  emit->group = piece->group;
  emit->round = piece->round;
  emit->first = first && emit->round == 0;
}

static void forward_piece(MoeEmit *emit, const Piece *piece, guint32 dispatch)
{
  gboolean first = emit->first;

  enter_piece(emit, piece, first);
  moe_flow_join(emit->flow, dispatch);
  moe_indices_before_permute(emit);
  receiver_permute(emit, "sort_rows", ROWS_TO_EXPERTS, piece);
  moe_indices_after_permute(emit);
  moe_gather_expert_rows(emit);
  moe_lower(emit, emit->sublayer, MOE_PLACE_EXPERT);
  copy_pages(emit, "stash", piece);
  moe_reduce_expert_rows(emit);
  receiver_permute(emit, "unsort_rows", ROWS_FROM_EXPERTS, piece);
  emit->first = first;
}

static guint32 dispatch_piece(MoeEmit *emit, int64_t i)
{
  Piece piece = piece_at(emit, i);

  sender_permute(emit, "encode", &piece);
  if (i == 0)
    end_counts(emit, TRUE);
  return exchange(emit, MOE_DISPATCH, "dispatch", &piece);
}

/* Dispatches that are under way before the experts compute: all of them, or, where rounds share static buffers, the
 * piece that comes next besides. */
static int64_t dispatches_ahead(const MoeEmit *emit)
{
  return moe_expert_rounds(emit->shape) > 1 ? 2 : count_pieces(emit);
}

/* Dispatches are issued ahead; the experts of a piece start when theirs has come, and each piece's results leave
 * while the next one computes. */
static void overlapped_forward(MoeEmit *emit)
{
  int64_t pieces = count_pieces(emit), ahead = dispatches_ahead(emit), issued = 0;
  g_autofree guint32 *dispatch = g_new(guint32, pieces);
  guint32 combine = MOE_NO_ITEM;

  for (; issued < MIN(ahead, pieces); issued++)
    dispatch[issued] = dispatch_piece(emit, issued);
  moe_lower(emit, emit->sublayer, MOE_PLACE_BESIDE);
  end_counts(emit, FALSE);
  for (int64_t p = 0; p < pieces; p++) {
    Piece piece = piece_at(emit, p);

    forward_piece(emit, &piece, dispatch[p]);
    if (issued < pieces) {
      dispatch[issued] = dispatch_piece(emit, issued);
      issued++;
    }
    combine = exchange(emit, MOE_COMBINE, "combine", &piece);
  }
  moe_flow_join(emit->flow, combine);
}

static void exposed_forward(MoeEmit *emit)
{
  for (int64_t p = 0; p < count_pieces(emit); p++) {
    Piece piece = piece_at(emit, p);
    guint32 dispatch = dispatch_piece(emit, p);

    if (p == 0)
      end_counts(emit, FALSE);
    forward_piece(emit, &piece, dispatch);
    moe_flow_join(emit->flow, exchange(emit, MOE_COMBINE, "combine", &piece));
  }
  moe_lower(emit, emit->sublayer, MOE_PLACE_BESIDE);
}

void moe_lower_counts(MoeEmit *emit, const MoeLayerOp *op)
{
  (void)op;
  emit->counts = begin_counts(emit);
}

void moe_lower_experts(MoeEmit *emit, const MoeLayerOp *op)
{
  emit->quiet = op->quiet;
  quantize_payload(emit);
  if (emit->shape->overlap_expert)
    overlapped_forward(emit);
  else
    exposed_forward(emit);
  emit_sum(emit, "decode");
}

/* ---- backward ----------------------------------------------------------------------------------- */

/* Weight gradients of a group wait until its data gradients are on their way, so that they compute beside the transfer.
 */
static guint32 backward_piece(MoeEmit *emit, const Piece *piece, guint32 dispatch)
{
  g_autoptr(MoeFlow) held = moe_flow_new();
  MoeEmit inner = *emit;
  gboolean hold = emit->later == emit->flow && emit->shape->overlap_expert;

  inner.later = hold ? held : emit->later;
  enter_piece(&inner, piece, emit->first);
  moe_flow_join(emit->flow, dispatch);
  receiver_permute(&inner, "sort_grads", ROWS_TO_EXPERTS, piece);
  moe_gather_expert_rows(&inner);
  copy_pages(&inner, "unstash", piece);
  moe_lower_backward(&inner, emit->sublayer, MOE_PLACE_EXPERT);
  moe_reduce_expert_rows(&inner);
  receiver_permute(&inner, "unsort_grads", ROWS_FROM_EXPERTS, piece);
  moe_indices_backward(&inner);
  guint32 combine = exchange(emit, MOE_COMBINE, "dispatch_grad", piece);

  moe_flow_splice(emit->flow, held);
  return combine;
}

static guint32 return_piece(MoeEmit *emit, int64_t i)
{
  Piece piece = piece_at(emit, i);

  return exchange(emit, MOE_DISPATCH, "combine_grad", &piece);
}

static void overlapped_backward(MoeEmit *emit)
{
  int64_t pieces = count_pieces(emit), ahead = dispatches_ahead(emit), issued = 0;
  g_autofree guint32 *dispatch = g_new(guint32, pieces);
  guint32 combine = MOE_NO_ITEM;

  for (; issued < MIN(ahead, pieces); issued++)
    dispatch[issued] = return_piece(emit, issued);
  moe_lower_backward(emit, emit->sublayer, MOE_PLACE_BESIDE);
  for (int64_t p = 0; p < pieces; p++) {
    Piece piece = piece_at(emit, p);

    combine = backward_piece(emit, &piece, dispatch[p]);
    if (issued < pieces) {
      dispatch[issued] = return_piece(emit, issued);
      issued++;
    }
  }
  moe_flow_join(emit->flow, combine);
}

static void exposed_backward(MoeEmit *emit)
{
  moe_lower_backward(emit, emit->sublayer, MOE_PLACE_BESIDE);
  for (int64_t p = 0; p < count_pieces(emit); p++) {
    Piece piece = piece_at(emit, p);

    moe_flow_join(emit->flow, backward_piece(emit, &piece, return_piece(emit, p)));
  }
}

void moe_lower_experts_backward(MoeEmit *emit, const MoeLayerOp *op)
{
  (void)op;
  quantize_payload(emit);
  emit_expand(emit, "decode_grad");
  if (emit->shape->overlap_expert)
    overlapped_backward(emit);
  else
    exposed_backward(emit);
  emit_sum(emit, "encode_grad");
}
