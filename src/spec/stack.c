/* Reader of stacks: the training software. */
#include "internal.h"

/* Ceilings that catch slipped digits and units. */
#define MAX_SECONDS   1000
#define MAX_TILE_ROWS 65536
#define MAX_ROUNDS    64 /* mai-base-1/v5 takes 5 s and 0.8 GB to simulate with them */
#define MAX_BYTES     1e15
#define MAX_JITTER    1
#define MAX_OVERHEAD  10
#define MAX_PADDING   (1 << 20)
#define MAX_STASH     10

#define SECONDS(member)                                                                                                \
  .kind = MOE_FIELD_QUANTITY, .offset = offsetof(MoeStack, member), .dimension = MOE_DIM_SECONDS, .maximum = MAX_SECONDS
#define BYTES(member)                                                                                                  \
  .kind = MOE_FIELD_QUANTITY, .offset = offsetof(MoeStack, member), .dimension = MOE_DIM_BYTES, .maximum = MAX_BYTES
#define NUMBER(member, low, high)                                                                                      \
  .kind = MOE_FIELD_QUANTITY, .offset = offsetof(MoeStack, member), .minimum = (low), .maximum = (high)

static const char *const counts_words[] = {"none", "blocking", "dedicated-stream", "device", NULL};

static const char *const index_words[] = {"none", "kernel", "chain", NULL};

static const char *const remainder_words[] = {"never", "precision-aware", "always", NULL};
static const char *const unit_words[] = {"bucket", "layer", NULL};
static const char *const scaled_words[] = {"none", "experts", "all", NULL};
static const char *const amax_words[] = {"none", "sequence", "data", NULL};
static const char *const sliced_words[] = {"none", "activations", "all", NULL};

/* What plain PyTorch does: cuBLASLt, CUTLASS grouped GEMM, FlashAttention-2, buckets of 25 MiB (bucket_cap_mb of
 * torch.nn.parallel.DistributedDataParallel). */
static const MoeStack defaults = {
    .name = "unnamed",
    .host = {.ops_per_kernel = 1, .optimizer_share = MOE_OPTIMIZER_SHARE},
    .family = {.attention = "fa2",
               .gemm = "cublaslt",
               .grouped_gemm = "cutlass",
               .encode = "triton",
               .elementwise = "triton",
               .scan = "fla"},
    .moe = {.expert_groups = 1, .memory_rounds = 1},
    .data_parallel = {.bucket_bytes = 25 * 0x1p20, .prefetch = 1},
};

/* ---- what own code prints
 * -------------------------------------------------------------------------------------------- */

#define FUSED(name)   offsetof(MoeStack, fused.name)
#define OVERLAP(name) offsetof(MoeStack, overlap.name)

/* Words of the lists, in the order of their flags. */
static const char *const fused_words[] = {"norm",          "residual_norm", "rotary",    "activation", "router",
                                          "cross_entropy", "permute",       "optimizer", "quantize",   "dropout",
                                          "norm_cast",     "norm_amax",     NULL};
static const size_t fused_flags[] = {FUSED(norm),     FUSED(residual_norm), FUSED(rotary),    FUSED(activation),
                                     FUSED(router),   FUSED(cross_entropy), FUSED(permute),   FUSED(optimizer),
                                     FUSED(quantize), FUSED(dropout),       FUSED(norm_cast), FUSED(norm_amax)};
static const char *const overlap_words[] = {
    "gradient_reduce", "parameter_gather",      "tensor", "expert", "pipeline", "tensor_backward",
    "context",         "expert_across_batches", NULL};
static const size_t overlap_flags[] = {
    OVERLAP(gradient_reduce), OVERLAP(parameter_gather), OVERLAP(tensor),  OVERLAP(expert),
    OVERLAP(pipeline),        OVERLAP(tensor_backward),  OVERLAP(context), OVERLAP(expert_across_batches)};
G_STATIC_ASSERT(G_N_ELEMENTS(fused_words) == G_N_ELEMENTS(fused_flags) + 1);
G_STATIC_ASSERT(G_N_ELEMENTS(overlap_words) == G_N_ELEMENTS(overlap_flags) + 1);

static char *print_flags(const char *const *words, const size_t *flags, gconstpointer target)
{
  GString *out = g_string_new("[");

  for (guint i = 0; words[i]; i++)
    if (*(const gboolean *)((const char *)target + flags[i]))
      g_string_append_printf(out, "%s%s", out->len > 1 ? ", " : "", words[i]);
  g_string_append_c(out, ']');
  return g_string_free(out, FALSE);
}

static char *print_fused(gconstpointer stack)
{
  return print_flags(fused_words, fused_flags, stack);
}

static char *print_overlap(gconstpointer stack)
{
  return print_flags(overlap_words, overlap_flags, stack);
}

static char *print_kernels(gconstpointer stack)
{
  return moe_kernel_fits_print(&((const MoeStack *)stack)->kernels);
}

/* ---- tables
 * ---------------------------------------------------------------------------------------------------------- */

static const MoeField family_fields[] = {
    {"attention", MOE_FIELD_STRING(MoeStack, family.attention), .mechanism = "attention kernels",
     .meaning = "attention"},
    {"gemm", MOE_FIELD_STRING(MoeStack, family.gemm), .mechanism = "GEMM kernels", .meaning = "linear layers"},
    {"grouped_gemm", MOE_FIELD_STRING(MoeStack, family.grouped_gemm), .mechanism = "expert GEMM kernels",
     .meaning = "experts"},
    {"encode", MOE_FIELD_STRING(MoeStack, family.encode), .mechanism = "memory-bound kernels",
     .meaning = "permutation of tokens"},
    {"elementwise", MOE_FIELD_STRING(MoeStack, family.elementwise), .mechanism = "memory-bound kernels",
     .meaning = "element-wise chains"},
    {"scan", MOE_FIELD_STRING(MoeStack, family.scan), .meaning = "attention by a state"},
    {NULL},
};

static const MoeSection family_section = {"family", family_fields, &defaults};

static const MoeField moe_fields[] = {
    {"expert_groups", MOE_FIELD_COUNT(MoeStack, moe.expert_groups, 1, MOE_MAX_EXPERTS),
     .meaning =
         "groups of local experts, so that dispatch, compute and combine overlap; at most so many, as divide them"},
    {"counts", MOE_FIELD_CHOICE(MoeStack, moe.counts, counts_words), .mechanism = "exchange of token counts",
     .meaning = "how token counts reach the host"},
    {"tile_rows", MOE_FIELD_COUNT(MoeStack, moe.tile_rows, 0, MAX_TILE_ROWS),
     .meaning = "rows of an expert are padded to a multiple of this; 0: not"},
    {"per_expert", MOE_FIELD_FLAG(MoeStack, moe.per_expert),
     .meaning = "one kernel per expert in place of one per group"},
    {"fused_mlp", MOE_FIELD_FLAG(MoeStack, moe.fused_mlp),
     .meaning = "the experts' activation and the MXFP8 casts of what it makes run behind their products, in the same "
                "kernels (TransformerEngine's fused grouped MLP); other precisions are not affected"},
    {"memory_rounds", MOE_FIELD_COUNT(MoeStack, moe.memory_rounds, 1, MAX_ROUNDS),
     .meaning = "rounds of bounded memory that a group is worked in"},
    {"deduplicate", MOE_FIELD_FLAG(MoeStack, moe.deduplicate),
     .meaning = "dispatch sends one copy per destination rank, not per expert"},
    {"router_mixed", MOE_FIELD_FLAG(MoeStack, moe.router_mixed),
     .meaning = "an FP32 router multiplies BF16 forward and TF32 backward, on FP32 copies"},
    {"index_map", MOE_FIELD_CHOICE(MoeStack, moe.index_map, index_words),
     .meaning =
         "what makes a map of experts of the numbers that DeepEP V1 and its kin deliver: nothing, one kernel, or a "
         "chain of operations whose masks the host waits for"},
    {"padded_permute", MOE_FIELD_FLAG(MoeStack, moe.padded_permute),
     .meaning = "rows that came by number are padded by expert as they are sorted, by counts that the host reads back"},
    {"paged_stash", NUMBER(moe.paged_stash, 0, MAX_STASH), .mechanism = "pages of what experts keep",
     .meaning = "what experts keep for their backward pass is copied into pages and back, pages for so many times the "
                "rows of balanced loads (Megatron-Core's moe_paged_stash); 0: it stays where it was made"},
    {"source", MOE_FIELD_ORIGIN},
    {NULL},
};

static const MoeSection moe_section = {"moe", moe_fields, &defaults};

static const MoeField data_parallel_fields[] = {
    {"unit", MOE_FIELD_CHOICE(MoeStack, data_parallel.per_layer, unit_words),
     .meaning = "what is reduced and gathered at once"},
    {"bucket", BYTES(data_parallel.bucket_bytes), .meaning = "size of a bucket"},
    {"bucket_per_rank", BYTES(data_parallel.bucket_per_rank_bytes),
     .meaning = "buckets are at least this times the ranks; 0: no such floor"},
    {"bucket_context", MOE_FIELD_FLAG(MoeStack, data_parallel.bucket_context),
     .meaning = "context-parallel ranks count among those"},
    {"bucket_elements", MOE_FIELD_FLAG(MoeStack, data_parallel.bucket_elements),
     .meaning = "both sizes are those of FP32 gradients: gradients of less precision fill a bucket with fewer bytes"},
    {"unaligned_gather", MOE_FIELD_FLAG(MoeStack, data_parallel.unaligned_gather),
     .meaning = "interleaved stages gather a chunk where its first micro-batch needs it"},
    {"hooked_gather", MOE_FIELD_FLAG(MoeStack, data_parallel.hooked_gather),
     .meaning = "stages of one chunk gather it where their first micro-batch needs it"},
    {"first_chunk_buckets", MOE_FIELD_FLAG(MoeStack, data_parallel.first_chunk_buckets),
     .meaning = "only the first chunk of the first stage is divided into buckets"},
    {"late_reduce", MOE_FIELD_FLAG(MoeStack, data_parallel.late_reduce),
     .meaning = "merged micro-batches: chunks 0 and 1 are reduced after the last backward pass"},
    {"zeroed", MOE_FIELD_FLAG(MoeStack, data_parallel.zeroed),
     .meaning = "gradients are added into a buffer that every step sets to zero (ZeRO-0 and 1)"},
    {"checked", MOE_FIELD_FLAG(MoeStack, data_parallel.checked),
     .meaning = "the host reads the norm of a bucket's gradients before their reduction, unless that is in a graph"},
    {"scaled", MOE_FIELD_CHOICE(MoeStack, data_parallel.scaled, scaled_words),
     .meaning = "gradients multiplied by a share of one before a reduction that does not average"},
    {"bucket_padding", MOE_FIELD_COUNT(MoeStack, data_parallel.bucket_padding, 0, MAX_PADDING),
     .meaning = "elements; buckets of ZeRO-1 end at a multiple of it and of the ranks that share them"},
    {"reshard_ends", MOE_FIELD_FLAG(MoeStack, data_parallel.reshard_ends),
     .meaning = "ZeRO-3: embedding and head are held gathered only as long as they are read, where a rank has the "
                "whole model and the tables are not tied"},
    {"prefetch", MOE_FIELD_COUNT(MoeStack, data_parallel.prefetch, 0, MOE_MAX_LAYERS),
     .meaning = "units gathered ahead"},
    {"source", MOE_FIELD_ORIGIN},
    {NULL},
};

static const MoeSection data_parallel_section = {"data_parallel", data_parallel_fields, &defaults};

static const MoeField memory_fields[] = {
    {"reserved", BYTES(hbm_reserved_bytes), .meaning = "context, libraries, communication buffers"},
    {"pool", NUMBER(memory.pool, 0, 1),
     .meaning = "share of the device's memory that the allocator may take; 0: what `reserved` leaves"},
    {"fragmentation", NUMBER(fragmentation, 0, 1), .meaning = "share of dynamic memory that is lost"},
    {"activation_overhead", NUMBER(activation_overhead, 0, MAX_OVERHEAD),
     .meaning = "saved bytes beyond those counted, relative"},
    {"sharded_master", MOE_FIELD_FLAG(MoeStack, memory.sharded_master),
     .meaning = "ZeRO-3 shards are the FP32 weights themselves (FSDP2)"},
    {"master_remainder", MOE_FIELD_CHOICE(MoeStack, memory.master_remainder, remainder_words),
     .meaning = "when 16 bits beside a BF16 weight stand for its FP32 master"},
    {"mxfp8_shared_buffer", MOE_FIELD_FLAG(MoeStack, memory.mxfp8_shared_buffer),
     .meaning = "MXFP8 weights are gathered through the gradient buffer: no BF16 copy stays"},
    {"unsharded_gradients", MOE_FIELD_FLAG(MoeStack, memory.unsharded_gradients),
     .meaning = "only the last micro-batch reduces: whole gradients wait (ZeRO-2 and 3)"},
    {"cached", BYTES(memory.cached_bytes),
     .meaning = "held by the allocator beyond need, given back when memory runs short"},
    {"eager_loss", MOE_FIELD_FLAG(MoeStack, memory.eager_loss),
     .meaning = "the loss keeps a second FP32 copy of the logits"},
    {"graph_pool", MOE_FIELD_FLAG(MoeStack, memory.graph_pool),
     .meaning = "captured work has a pool of its own, which what runs outside cannot use"},
    {"graph_inputs", MOE_FIELD_FLAG(MoeStack, memory.graph_inputs),
     .meaning = "a captured layer has an input of its own for every micro-batch in flight"},
    {"moments_cast", MOE_FIELD_FLAG(MoeStack, memory.moments_cast),
     .meaning = "16-bit moments are cast to FP32 for the update, all of a group of parameters at once"},
    {"placeholders", MOE_FIELD_FLAG(MoeStack, memory.placeholders),
     .meaning = "an unused BF16 gradient per shape of weight stays allocated"},
    {"remade_activation", MOE_FIELD_FLAG(MoeStack, memory.remade_activation),
     .meaning = "the activation's backward kernel writes its output once more: it is not kept"},
    {"source", MOE_FIELD_ORIGIN},
    {NULL},
};

static const MoeSection memory_section = {"memory", memory_fields, &defaults};

static const MoeField noise_fields[] = {
    {"kernel_jitter", NUMBER(kernel_jitter, 0, MAX_JITTER), .meaning = "standard deviation of kernel times, relative"},
    {"source", MOE_FIELD_ORIGIN},
    {NULL},
};

static const MoeSection noise_section = {"noise", noise_fields, &defaults};

static const MoeField stack_fields[] = {
    {"name", MOE_FIELD_STRING(MoeStack, name), .meaning = "short name in outputs"},
    {"title", MOE_FIELD_STRING(MoeStack, title), .meaning = "one line that describes it"},
    {"source", MOE_FIELD_STRING(MoeStack, source), .meaning = "where the values come from: a document, a measurement"},
    {"date", MOE_FIELD_STRING(MoeStack, date), .meaning = "the month that it describes, as 2025-07; not inherited"},
    {"host", MOE_FIELD_PART(moe_stack_host_section), .required = TRUE, .mechanism = "launches and host work",
     .meaning = "what issuing work costs the host"},
    {"fused", .kind = MOE_FIELD_WORDS, .own = TRUE, .words = fused_words, .print = print_fused, .also = "none",
     .mechanism = "kernel fusion", .meaning = "chains of small operations that run as one kernel"},
    {"replay_stops", MOE_FIELD_BOOL, offsetof(MoeStack, replay_stops), .mechanism = "recompute",
     .meaning = "what modes full and operators compute again ends with the last tensor that the backward pass reads"},
    {"amax_reduction", MOE_FIELD_CHOICE(MoeStack, amax_reduction, amax_words),
     .mechanism = "reduction of FP8's greatest values",
     .meaning = "ranks that make delayed FP8 scales equal after each pass over a chunk: those of a sequence, or also "
                "the data-parallel ones"},
    {"sliced_messages", MOE_FIELD_CHOICE(MoeStack, sliced_messages, sliced_words), .mechanism = "slices of messages",
     .meaning =
         "what tensor ranks that each hold the whole of a message between stages send in slices of their own and "
         "gather where it arrives: nothing, activations, or gradients too"},
    {"backward_casts", MOE_FIELD_FLAG(MoeStack, backward_casts),
     .meaning = "FP8 copies for the backward pass are made there by kernels of their own"},
    {"family", MOE_FIELD_PART(family_section), .meaning = "which kernels are used, by name of their family"},
    {"kernels", MOE_FIELD_PART(moe_kernel_section), .form = MOE_FORM_LIST, .print = print_kernels,
     .meaning = "fitted constants of families that the software brings"},
    {"moe", MOE_FIELD_PART(moe_section), .mechanism = "expert layer software",
     .meaning = "how layers with experts are worked"},
    {"overlap", .kind = MOE_FIELD_WORDS, .own = TRUE, .words = overlap_words, .print = print_overlap, .also = "none",
     .mechanism = "overlap the software can do", .meaning = "communication that can hide behind computation at all"},
    {"collectives", MOE_FIELD_PART_AT(MoeStack, collectives, moe_collectives_section),
     .mechanism = "collective library", .meaning = "collective library and what it may do"},
    {"data_parallel", MOE_FIELD_PART(data_parallel_section), .mechanism = "data-parallel units",
     .meaning = "pieces in which gradients and parameters travel"},
    {"memory", MOE_FIELD_PART(memory_section), .mechanism = "memory use", .meaning = "what the software keeps"},
    {"noise", MOE_FIELD_PART(noise_section), .mechanism = "noise", .meaning = "how times scatter"},
    {"assumptions", MOE_FIELD_PART(moe_assumption_section), .form = MOE_FORM_NAMED,
     .meaning = "what is not known of it, by key, with a range"},
    {NULL},
};

const MoeSection moe_stack_section = {"stack", stack_fields, &defaults};

/* ---- lists of abilities
 * ---------------------------------------------------------------------------------------------- */

/* Sets the flags whose words stand in the list; absent list: none. */
static gboolean read_flags(const MoeNode *list, const char *const *words, const size_t *flags, gpointer target,
                           GError **error)
{
  guint bits = 0;

  if (!moe_node_read_words(list, words, &bits, error))
    return FALSE;
  for (guint i = 0; words[i]; i++)
    *(gboolean *)((char *)target + flags[i]) = (bits >> i) & 1u;
  return TRUE;
}

/* ---- small sections ---------------------------------------------------------------------------------------------- */

/* `unit` is a word for a flag; the rest is plain. */
static gboolean read_data_parallel(const MoeNode *node, MoeStack *stack, GError **error)
{
  const MoeNode *section = moe_node_get(node, "data_parallel");

  if (!moe_section_read(node, "data_parallel", data_parallel_fields, "data_parallel", stack, error))
    return FALSE;
  if (!stack->data_parallel.per_layer && stack->data_parallel.bucket_bytes < 1)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(section),
                    "bucket of no bytes, expected a size such as 40 MB");
  return TRUE;
}

/* The fields, and where each is written. */
static gboolean read_family_names(const MoeNode *node, MoeStack *stack, GError **error)
{
  const MoeNode *section = moe_node_get(node, "family");

  if (!moe_section_read(node, "family", family_fields, "family", stack, error))
    return FALSE;
  for (guint i = 0; i < MOE_N_FAMILY_NAMES; i++) {
    const MoeNode *name = section ? moe_node_get(section, family_fields[i].key) : NULL;

    stack->family.mark[i] = moe_node_mark(name ? name : section ? section : node);
  }
  return TRUE;
}

static gboolean read_small_sections(const MoeNode *node, MoeStack *stack, GError **error)
{
  return read_flags(moe_node_get(node, "fused"), fused_words, fused_flags, stack, error) &&
         read_flags(moe_node_get(node, "overlap"), overlap_words, overlap_flags, stack, error) &&
         read_family_names(node, stack, error) && moe_section_read(node, "moe", moe_fields, "moe", stack, error) &&
         read_data_parallel(node, stack, error) &&
         moe_section_read(node, "memory", memory_fields, "memory", stack, error) &&
         moe_section_read(node, "noise", noise_fields, "noise", stack, error);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static gboolean read_all(const MoeNode *node, MoeStack *stack, GError **error)
{
  const MoeNode *kernels = moe_node_get(node, "kernels");
  const MoeNode *collectives = moe_node_get(node, "collectives");
  g_autoptr(MoeDoc) empty = collectives ? NULL : moe_doc_parse("{}", -1, "defaults", NULL, error);

  if (!collectives && !empty)
    return FALSE;
  return moe_node_read_fields(node, stack_fields, "stack", stack, error) &&
         moe_date_check(node, "date", FALSE, error) && moe_stack_host_read(moe_node_get(node, "host"), stack, error) &&
         read_small_sections(node, stack, error) &&
         moe_stack_collectives_read(collectives ? collectives : moe_doc_root(empty), &stack->collectives, error) &&
         (!kernels || moe_kernel_fits_read(kernels, &stack->kernels, error));
}

gboolean moe_stack_read(const MoeNode *node, MoeStack *stack, GError **error)
{
  *stack = defaults;
  if (read_all(node, stack, error)) {
    stack->collectives.deduplicate |= stack->moe.deduplicate;
    return TRUE;
  }
  moe_stack_clear(stack);
  return FALSE;
}

void moe_stack_clear(MoeStack *stack)
{
  moe_kernel_fits_clear(&stack->kernels);
}
