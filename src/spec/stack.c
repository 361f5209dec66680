/* Reader of stacks: the training software. */
#include "internal.h"

/* Ceilings that catch slipped digits and units. */
#define MAX_SECONDS        1000
#define MAX_OPS_PER_KERNEL 1000
#define MAX_TILE_ROWS      65536
#define MAX_ROUNDS         1024
#define MAX_BYTES          1e15
#define MAX_JITTER         1
#define MAX_OVERHEAD       10

#define SECONDS(member)                                                                                                \
  .kind = MOE_FIELD_QUANTITY, .offset = offsetof(MoeStack, member), .dimension = MOE_DIM_SECONDS, .maximum = MAX_SECONDS
#define BYTES(member)                                                                                                  \
  .kind = MOE_FIELD_QUANTITY, .offset = offsetof(MoeStack, member), .dimension = MOE_DIM_BYTES, .maximum = MAX_BYTES
#define NUMBER(member, low, high)                                                                                      \
  .kind = MOE_FIELD_QUANTITY, .offset = offsetof(MoeStack, member), .minimum = (low), .maximum = (high)

static const char *const counts_words[] = {"none", "blocking", "dedicated-stream", "device", NULL};

static const MoeField stack_fields[] = {
    {"name", MOE_FIELD_STRING(MoeStack, name)},
    {"title", MOE_FIELD_STRING(MoeStack, title)},
    {"source", MOE_FIELD_STRING(MoeStack, source)},
    {"host", MOE_FIELD_ELSEWHERE, .required = TRUE},
    {"fused", MOE_FIELD_ELSEWHERE},
    {"backward_casts", MOE_FIELD_FLAG(MoeStack, backward_casts)},
    {"family", MOE_FIELD_ELSEWHERE},
    {"kernels", MOE_FIELD_ELSEWHERE},
    {"moe", MOE_FIELD_ELSEWHERE},
    {"overlap", MOE_FIELD_ELSEWHERE},
    {"collectives", MOE_FIELD_ELSEWHERE},
    {"data_parallel", MOE_FIELD_ELSEWHERE},
    {"memory", MOE_FIELD_ELSEWHERE},
    {"noise", MOE_FIELD_ELSEWHERE},
    {"assumptions", MOE_FIELD_ELSEWHERE},
    {NULL},
};

/* ---- host -------------------------------------------------------------------------------------------------------- */

static const MoeField host_fields[] = {
    {"launch", MOE_FIELD_ELSEWHERE, .required = TRUE},
    {"calls", MOE_FIELD_ELSEWHERE},
    {"graph_launch", SECONDS(host.graph_launch_s)},
    {"graph_kernel", SECONDS(host.graph_kernel_s)},
    {"graphs", MOE_FIELD_ELSEWHERE},
    {"sync", SECONDS(host.sync_s)},
    {"step", SECONDS(host.step_s)},
    {"ops_per_kernel", NUMBER(host.ops_per_kernel, 1, MAX_OPS_PER_KERNEL)},
    {"source", MOE_FIELD_ELSEWHERE},
    {NULL},
};

static gboolean read_host(const MoeNode *node, MoeStack *stack, GError **error)
{
  return moe_node_read_fields(node, host_fields, "host", stack, error) && moe_stack_host_read(node, stack, error);
}

/* ---- lists of abilities ------------------------------------------------------------------------------------------ */

/* A word of a list and the flag it sets. The table ends with a NULL word. */
typedef struct {
  const char *word;
  size_t offset;
} Flag;

#define MAX_FLAGS 16

/* Sets the flags whose words stand in the list; absent list: none. */
static gboolean read_flags(const MoeNode *list, const Flag *flags, gpointer target, GError **error)
{
  const char *words[MAX_FLAGS + 1] = {NULL};
  guint bits = 0;

  for (guint i = 0; flags[i].word; i++)
    words[i] = flags[i].word;
  if (!moe_words_read_bits(list, words, &bits, error))
    return FALSE;
  for (guint i = 0; flags[i].word; i++)
    *(gboolean *)((char *)target + flags[i].offset) = (bits >> i) & 1u;
  return TRUE;
}

#define FUSED(name)                                                                                                    \
  {                                                                                                                    \
#name, offsetof(MoeStack, fused.name)                                                                              \
  }
#define OVERLAP(name)                                                                                                  \
  {                                                                                                                    \
#name, offsetof(MoeStack, overlap.name)                                                                            \
  }

static const Flag fused_flags[] = {
    FUSED(norm),    FUSED(residual_norm), FUSED(rotary),   FUSED(activation), FUSED(router), FUSED(cross_entropy),
    FUSED(permute), FUSED(optimizer),     FUSED(quantize), FUSED(dropout),    {NULL, 0},
};

static const Flag overlap_flags[] = {
    OVERLAP(gradient_reduce), OVERLAP(parameter_gather),      OVERLAP(tensor), OVERLAP(expert), OVERLAP(pipeline),
    OVERLAP(tensor_backward), OVERLAP(expert_across_batches), {NULL, 0},
};

/* ---- small sections ---------------------------------------------------------------------------------------------- */

static const MoeField family_fields[] = {
    {"attention", MOE_FIELD_STRING(MoeStack, family.attention)},
    {"gemm", MOE_FIELD_STRING(MoeStack, family.gemm)},
    {"grouped_gemm", MOE_FIELD_STRING(MoeStack, family.grouped_gemm)},
    {"encode", MOE_FIELD_STRING(MoeStack, family.encode)},
    {"elementwise", MOE_FIELD_STRING(MoeStack, family.elementwise)},
    {"scan", MOE_FIELD_STRING(MoeStack, family.scan)},
    {NULL},
};

static const MoeField moe_fields[] = {
    {"expert_groups", MOE_FIELD_COUNT(MoeStack, moe.expert_groups, 1, MOE_MAX_EXPERTS)},
    {"counts", MOE_FIELD_CHOICE(MoeStack, moe.counts, counts_words)},
    {"tile_rows", MOE_FIELD_COUNT(MoeStack, moe.tile_rows, 0, MAX_TILE_ROWS)},
    {"per_expert", MOE_FIELD_FLAG(MoeStack, moe.per_expert)},
    {"memory_rounds", MOE_FIELD_COUNT(MoeStack, moe.memory_rounds, 1, MAX_ROUNDS)},
    {"deduplicate", MOE_FIELD_FLAG(MoeStack, moe.deduplicate)},
    {"router_mixed", MOE_FIELD_FLAG(MoeStack, moe.router_mixed)},
    {"source", MOE_FIELD_ELSEWHERE},
    {NULL},
};

static const char *const remainder_words[] = {"never", "precision-aware", "always", NULL};

static const MoeField memory_fields[] = {
    {"reserved", BYTES(hbm_reserved_bytes)},
    {"fragmentation", NUMBER(fragmentation, 0, 1)},
    {"activation_overhead", NUMBER(activation_overhead, 0, MAX_OVERHEAD)},
    {"sharded_master", MOE_FIELD_FLAG(MoeStack, memory.sharded_master)},
    {"master_remainder", MOE_FIELD_CHOICE(MoeStack, memory.master_remainder, remainder_words)},
    {"mxfp8_shared_buffer", MOE_FIELD_FLAG(MoeStack, memory.mxfp8_shared_buffer)},
    {"unsharded_gradients", MOE_FIELD_FLAG(MoeStack, memory.unsharded_gradients)},
    {"cached", BYTES(memory.cached_bytes)},
    {"eager_loss", MOE_FIELD_FLAG(MoeStack, memory.eager_loss)},
    {"placeholders", MOE_FIELD_FLAG(MoeStack, memory.placeholders)},
    {"source", MOE_FIELD_ELSEWHERE},
    {NULL},
};

static const MoeField noise_fields[] = {
    {"kernel_jitter", NUMBER(kernel_jitter, 0, MAX_JITTER)},
    {"source", MOE_FIELD_ELSEWHERE},
    {NULL},
};

/* `unit` is a word for a flag; the rest is plain. */
static gboolean read_data_parallel(const MoeNode *node, MoeStack *stack, GError **error)
{
  static const char *const units[] = {"bucket", "layer", NULL};
  static const MoeField fields[] = {
      {"unit", MOE_FIELD_CHOICE(MoeStack, data_parallel.per_layer, units)},
      {"bucket", BYTES(data_parallel.bucket_bytes)},
      {"bucket_per_rank", BYTES(data_parallel.bucket_per_rank_bytes)},
      {"bucket_context", MOE_FIELD_FLAG(MoeStack, data_parallel.bucket_context)},
      {"prefetch", MOE_FIELD_COUNT(MoeStack, data_parallel.prefetch, 0, MOE_MAX_LAYERS)},
      {"unaligned_gather", MOE_FIELD_FLAG(MoeStack, data_parallel.unaligned_gather)},
      {"first_chunk_buckets", MOE_FIELD_FLAG(MoeStack, data_parallel.first_chunk_buckets)},
      {"late_reduce", MOE_FIELD_FLAG(MoeStack, data_parallel.late_reduce)},
      {"source", MOE_FIELD_ELSEWHERE},
      {NULL},
  };
  const MoeNode *section = moe_node_get(node, "data_parallel");

  if (!moe_section_read(node, "data_parallel", fields, "data_parallel", stack, error))
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
  return read_flags(moe_node_get(node, "fused"), fused_flags, stack, error) &&
         read_flags(moe_node_get(node, "overlap"), overlap_flags, stack, error) &&
         read_family_names(node, stack, error) && moe_section_read(node, "moe", moe_fields, "moe", stack, error) &&
         read_data_parallel(node, stack, error) &&
         moe_section_read(node, "memory", memory_fields, "memory", stack, error) &&
         moe_section_read(node, "noise", noise_fields, "noise", stack, error);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* What plain PyTorch does: cuBLASLt, CUTLASS grouped GEMM, FlashAttention-2, buckets of 25 MiB (bucket_cap_mb of
 * torch.nn.parallel.DistributedDataParallel). */
static const MoeStack defaults = {
    .name = "unnamed",
    .host.ops_per_kernel = 1,
    .family = {.attention = "fa2",
               .gemm = "cublaslt",
               .grouped_gemm = "cutlass",
               .encode = "triton",
               .elementwise = "triton",
               .scan = "fla"},
    .moe = {.expert_groups = 1, .memory_rounds = 1},
    .data_parallel = {.bucket_bytes = 25 * 0x1p20, .prefetch = 1},
};

static gboolean read_all(const MoeNode *node, MoeStack *stack, GError **error)
{
  const MoeNode *kernels = moe_node_get(node, "kernels");
  const MoeNode *collectives = moe_node_get(node, "collectives");
  g_autoptr(MoeDoc) empty = collectives ? NULL : moe_doc_parse("{}", -1, "defaults", NULL, error);

  if (!collectives && !empty)
    return FALSE;
  return moe_node_read_fields(node, stack_fields, "stack", stack, error) &&
         read_host(moe_node_get(node, "host"), stack, error) && read_small_sections(node, stack, error) &&
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
