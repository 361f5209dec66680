/*
 * Rows that come with the numbers of their experts (DeepEP V1's interface): the map of rows by expert that a
 * permutation reads, and what the host reads back on the way. Operations as Megatron-Core issues them (_DeepepManager
 * in core/transformer/moe/token_dispatcher.py, core_v0.12.0 to 0.19.0), kernels of each as PyTorch launches them.
 */
#include "internal.h"

/* Kernels until the host waits for a number that the next operation's shape needs; the last have none after them. */
typedef struct {
  int64_t launches[4];
  guint waits; /* after the first so many */
} Reads;

/* _indices_to_multihot: two tensors of zeros, the mask and the count of what it selects | the selection, row numbers,
 * their repeats' sum | the repeats, the map's ones, the mask's count again | the selection, both maps. */
static const Reads chain_forward = {{5, 8, 5, 6}, 3};
/* Gradient of the probabilities: read at the map's ones, zeros, the mask's count | the selection, and a sum by index
 * that sorts first. */
static const Reads chain_backward = {{4, 13}, 1};
/* fused_indices_to_multihot, with --enable-experimental and fused permutation. */
static const Reads kernel_either = {{1}, 0};
/* moe_permute_and_pad_with_probs of TransformerEngine 2.12 (pytorch/permutation.py), which Megatron-Core calls from
 * 0.17 on: counts copied to the device | rounded up and compared | lengths of the padding, sum. */
static const Reads padded_before = {{1, 6, 5}, 3};
/* TEGroupedMLP.forward: tokens_per_expert.tolist(), whose tensor the padding left on the device. */
static const Reads padded_after = {{1}, 1};

static gboolean by_index(const MoeEmit *emit)
{
  return moe_shape_library(emit->shape)->by_index;
}

/* Numbers of 8 bytes, top-k of them for each row at most. */
static void emit_reads(MoeEmit *emit, const char *name, const Reads *reads)
{
  const MoeShape *shape = emit->shape;
  double bytes = shape->mean_rows / (double)moe_expert_pieces(shape) * moe_real_top_k(&shape->arch->moe) * 8;
  guint waits = shape->run->stack.moe.counts == MOE_COUNTS_BLOCKING ? reads->waits : 0;

  for (guint i = 0; i < G_N_ELEMENTS(reads->launches) && reads->launches[i] > 0; i++) {
    moe_emit_bytes(emit, MOE_BANDWIDTH_INDEX, name, bytes, bytes, reads->launches[i]);
    if (i < waits)
      moe_emit_host_sync(emit, MOE_NO_ITEM);
  }
}

static void emit_map(MoeEmit *emit, const char *name, const Reads *chain)
{
  MoeIndexMap map = emit->shape->run->stack.moe.index_map;

  if (by_index(emit) && map != MOE_INDEX_MAP_NONE)
    emit_reads(emit, name, map == MOE_INDEX_MAP_CHAIN ? chain : &kernel_either);
}

void moe_indices_before_permute(MoeEmit *emit)
{
  emit_map(emit, "index_map", &chain_forward);
  if (by_index(emit) && emit->shape->run->stack.moe.padded_permute)
    emit_reads(emit, "pad_counts", &padded_before);
}

void moe_indices_after_permute(MoeEmit *emit)
{
  if (by_index(emit) && emit->shape->run->stack.moe.padded_permute)
    emit_reads(emit, "read_counts", &padded_after);
}

void moe_indices_backward(MoeEmit *emit)
{
  emit_map(emit, "index_map_grad", &chain_backward);
}
