/* What of a stack an import changes, as lines of a run. */
#include "import.h"

static void put_word(GString *text, const char **separator, const char *word)
{
  g_string_append_printf(text, "%s%s", *separator, word);
  *separator = ", ";
}

static guint fused_bits(const MoeStack *stack)
{
  const gboolean flags[] = {stack->fused.norm,       stack->fused.residual_norm, stack->fused.rotary,
                            stack->fused.activation, stack->fused.router,        stack->fused.cross_entropy,
                            stack->fused.permute,    stack->fused.optimizer,     stack->fused.quantize,
                            stack->fused.dropout,    stack->fused.norm_cast,     stack->fused.norm_amax};
  guint bits = 0;

  for (guint i = 0; i < G_N_ELEMENTS(flags); i++)
    bits |= flags[i] ? 1u << i : 0;
  return bits;
}

static void put_fused(GString *text, const ImportStack *changes, const MoeStack *base)
{
  static const char *const words[] = {"norm",     "residual_norm", "rotary",    "activation",
                                      "router",   "cross_entropy", "permute",   "optimizer",
                                      "quantize", "dropout",       "norm_cast", "norm_amax"};
  guint before = fused_bits(base), after = (before & ~changes->fused_known) | (changes->fused & changes->fused_known);
  const char *separator = "";

  if (after == before)
    return;
  g_string_append(text, "  fused: [");
  for (guint bit = 0; bit < G_N_ELEMENTS(words); bit++)
    if (after & (1u << bit))
      put_word(text, &separator, words[bit]);
  g_string_append(text, "]\n");
}

static void put_graphs(GString *text, const ImportStack *changes, const MoeStack *base)
{
  const char *separator = "";

  if (!changes->graphs_known || changes->graphs == base->host.graph_scopes)
    return;
  g_string_append(text, "  host: {graphs: [");
  for (guint bit = 0; moe_scope_words[bit]; bit++)
    if (changes->graphs & (1u << bit))
      put_word(text, &separator, moe_scope_words[bit]);
  g_string_append(text, "]}\n");
}

/* A key that the input switches otherwise than the stack; -1: it does not say. */
static void put_switch(GString *text, const char **separator, const char *key, int value, gboolean before)
{
  if (value < 0 || value == before)
    return;
  g_string_append_printf(text, "%s%s: %s", *separator, key, value ? "true" : "false");
  *separator = ", ";
}

static void put_collectives(GString *text, const ImportStack *changes, const MoeStack *base)
{
  const MoeStackCollectives *c = &base->collectives;
  const char *separator = "  collectives: {";
  const char *first = separator;

  if (changes->expert_library && g_strcmp0(changes->expert_library, c->expert_library) != 0) {
    g_string_append_printf(text, "%sexpert_library: %s", separator, changes->expert_library);
    separator = ", ";
  }
  put_switch(text, &separator, "sharp", changes->sharp, c->sharp);
  put_switch(text, &separator, "symmetric", changes->symmetric, c->symmetric);
  put_switch(text, &separator, "deterministic", changes->deterministic, c->deterministic);
  if (changes->expert_sms > 0 && changes->expert_sms != c->sms_expert) {
    g_string_append_printf(text, "%ssms: {expert: %" G_GINT64_FORMAT "}", separator, changes->expert_sms);
    separator = ", ";
  }
  if (separator != first)
    g_string_append(text, "}\n");
}

static void put_moe_kernels(GString *text, const ImportStack *changes, const MoeStack *base)
{
  const char *separator = "  moe: {", *first = separator;

  put_switch(text, &separator, "deduplicate", changes->deduplicate, base->moe.deduplicate);
  put_switch(text, &separator, "per_expert", changes->per_expert, base->moe.per_expert);
  put_switch(text, &separator, "fused_mlp", changes->fused_mlp, base->moe.fused_mlp);
  if (changes->mapped_by_kernel && base->moe.index_map == MOE_INDEX_MAP_CHAIN) {
    g_string_append_printf(text, "%sindex_map: kernel", separator);
    separator = ", ";
  }
  if (changes->counts_stay && base->moe.counts != MOE_COUNTS_DEVICE) {
    g_string_append_printf(text, "%scounts: device", separator);
    separator = ", ";
  }
  if (changes->paged_stash >= 0 && changes->paged_stash != base->moe.paged_stash) {
    g_string_append_printf(text, "%spaged_stash: %g", separator, changes->paged_stash);
    separator = ", ";
  }
  if (separator != first)
    g_string_append(text, "}\n");
}

static void put_gradients(GString *text, const ImportStack *changes, const MoeStack *base)
{
  const char *separator = "  data_parallel: {", *first = separator;

  if (changes->bucket_bytes > 0) {
    g_string_append_printf(text, "%sunit: bucket, bucket: %.0f B, bucket_per_rank: 0 B", separator,
                           changes->bucket_bytes);
    separator = ", ";
  }
  put_switch(text, &separator, "unaligned_gather", changes->unaligned ? 1 : -1, base->data_parallel.unaligned_gather);
  put_switch(text, &separator, "checked", changes->unchecked ? 0 : -1, base->data_parallel.checked);
  if (changes->averaged && base->data_parallel.scaled == MOE_SCALED_ALL) {
    g_string_append_printf(text, "%sscaled: experts", separator);
    separator = ", ";
  }
  if (separator != first)
    g_string_append(text, "}\n");
}

void import_put_changes(GString *text, const ImportStack *changes, const MoeStack *base)
{
  put_graphs(text, changes, base);
  put_fused(text, changes, base);
  if (changes->tensor_amax && base->amax_reduction != MOE_AMAX_SEQUENCE)
    g_string_append(text, "  amax_reduction: sequence\n");
  if (changes->shared_buffer && !base->memory.mxfp8_shared_buffer)
    g_string_append(text, "  memory: {mxfp8_shared_buffer: true}\n");
  if (changes->attention && g_strcmp0(changes->attention, base->family.attention) != 0)
    g_string_append_printf(text, "  family: {attention: %s}\n", changes->attention);
  put_moe_kernels(text, changes, base);
  put_collectives(text, changes, base);
  put_gradients(text, changes, base);
}
