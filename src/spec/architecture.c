/* Reader of the section `architecture:` of a run. */
#include "internal.h"

#define WIDTH(member)         MOE_FIELD_COUNT(MoeArchitecture, member, 1, MOE_MAX_WIDTH)
#define WIDTH_OR_NONE(member) MOE_FIELD_COUNT(MoeArchitecture, member, 0, MOE_MAX_WIDTH)
/* Norms of one layer: input and output of two sub-layers, and as many again for whatever comes. */
#define MAX_NORMS 8

/* Tokens worked on at once by linear attention, taps of its convolution. */
#define MAX_LINEAR_CHUNK 4096
#define MAX_TAPS         64
/* Chunks of the kernels in use: flash-linear-attention works on 64 tokens, mamba-ssm on 256 unless the model says
 * otherwise. */
#define DELTA_CHUNK 64
#define MAMBA_CHUNK 256
#define USUAL_TAPS  4

#define MOE_ATTENTION_WORD(constant, name, word) word,
static const char *const attention_words[] = {MOE_ATTENTION_ROWS(MOE_ATTENTION_WORD) NULL};
#undef MOE_ATTENTION_WORD
const char *const moe_linear_words[] = {"gated-delta", "kda", "mamba2", NULL};

/* Pre-norm decoder with SwiGLU: what every open model since Llama is, unless its file says otherwise. What a section
 * says when it is there at all is in its own defaults. */
static const MoeArchitecture defaults = {.norms_per_layer = 2, .mtp_counted = TRUE, .ffn.gated = TRUE};
static const MoeArchitecture linear_defaults = {.linear.convolution = USUAL_TAPS};
static const MoeArchitecture moe_defaults = {.moe = {.every = 1, .gated = TRUE, .groups = 1}};

static const MoeField index_fields[] = {
    {"heads", MOE_FIELD_COUNT(MoeArchitecture, attention.index.heads, 1, MOE_MAX_HEADS), .required = TRUE,
     .meaning = "heads of the scorer"},
    {"dim", WIDTH(attention.index.dim), .required = TRUE, .meaning = "width of a head of the scorer"},
    {"top_k", MOE_FIELD_COUNT(MoeArchitecture, attention.index.top_k, 1, MOE_MAX_SEQUENCE), .required = TRUE,
     .meaning = "keys that a query attends to"},
    {NULL},
};

static const MoeSection index_section = {"index", index_fields, &defaults};

static const MoeField attention_fields[] = {
    {"kind", MOE_FIELD_CHOICE(MoeArchitecture, attention.kind, attention_words),
     .meaning = "gqa: grouped queries, of which multi-head and multi-query are cases; mla: compressed keys and values"},
    {"query_heads", MOE_FIELD_COUNT(MoeArchitecture, attention.query_heads, 1, MOE_MAX_HEADS), .required = TRUE,
     .meaning = "heads of the queries"},
    {"kv_heads", MOE_FIELD_COUNT(MoeArchitecture, attention.kv_heads, 1, MOE_MAX_HEADS), .otherwise = "as query_heads",
     .meaning = "heads of keys and values; a divisor of query_heads"},
    {"head_dim", WIDTH(attention.head_dim), .otherwise = "hidden / query_heads", .meaning = "width of a head (gqa)"},
    {"window", MOE_FIELD_COUNT(MoeArchitecture, attention.window, 0, MOE_MAX_SEQUENCE),
     .meaning = "tokens that a local layer looks back; 0: no local layers"},
    {"global_every", MOE_FIELD_COUNT(MoeArchitecture, attention.global_every, 0, MOE_MAX_LAYERS),
     .meaning = "of so many layers the last sees everything; needed with window or chunk"},
    {"q_rank", WIDTH_OR_NONE(attention.q_rank), .meaning = "width of the compressed queries (mla); 0: not compressed"},
    {"kv_rank", WIDTH(attention.kv_rank), .otherwise = "none, required with mla",
     .meaning = "width of the compressed keys and values (mla)"},
    {"nope_dim", WIDTH(attention.nope_dim), .otherwise = "none, required with mla",
     .meaning = "width of a query head without position (mla)"},
    {"rope_dim", WIDTH_OR_NONE(attention.rope_dim), .meaning = "width of a query head with rotary position (mla)"},
    {"value_dim", WIDTH(attention.value_dim), .otherwise = "none, required with mla",
     .meaning = "width of a value head (mla)"},
    {"chunk", MOE_FIELD_COUNT(MoeArchitecture, attention.chunk, 0, MOE_MAX_SEQUENCE),
     .meaning = "local layers see their own chunk of so many tokens, in place of window; 0: none"},
    {"gated", MOE_FIELD_FLAG(MoeArchitecture, attention.gated),
     .meaning = "the output is gated by a projection as wide as the queries"},
    {"index", MOE_FIELD_PART(index_section),
     .meaning = "sparse attention: a scorer of all earlier keys chooses which are attended to (mla)"},
    {NULL},
};

static const MoeSection attention_section = {"attention", attention_fields, &defaults};

static const MoeField linear_fields[] = {
    {"kind", MOE_FIELD_CHOICE(MoeArchitecture, linear.kind, moe_linear_words), .required = TRUE,
     .meaning = "rule by which the state is updated"},
    {"key_heads", MOE_FIELD_COUNT(MoeArchitecture, linear.key_heads, 1, MOE_MAX_HEADS), .required = TRUE,
     .meaning = "heads of queries and keys (Mamba-2: groups)"},
    {"value_heads", MOE_FIELD_COUNT(MoeArchitecture, linear.value_heads, 1, MOE_MAX_HEADS), .required = TRUE,
     .meaning = "heads of values, a multiple of key_heads (Mamba-2: heads)"},
    {"key_dim", WIDTH(linear.key_dim), .required = TRUE, .meaning = "width of a key head (Mamba-2: size of the state)"},
    {"value_dim", WIDTH(linear.value_dim), .required = TRUE, .meaning = "width of a value head"},
    {"convolution", MOE_FIELD_COUNT(MoeArchitecture, linear.convolution, 0, MAX_TAPS),
     .meaning = "taps of the short convolution before; 0: none"},
    {"chunk", MOE_FIELD_COUNT(MoeArchitecture, linear.chunk, 16, MAX_LINEAR_CHUNK),
     .otherwise = "256 for mamba2, 64 else", .meaning = "tokens that kernels work on at once"},
    {"gate_rank", WIDTH(linear.gate_rank), .otherwise = "as value_dim",
     .meaning = "width of the compressed gates (kda)"},
    {NULL},
};

static const MoeSection linear_section = {"linear_attention", linear_fields, &linear_defaults};

static const MoeField ffn_fields[] = {
    {"width", WIDTH_OR_NONE(ffn.width),
     .meaning = "input of the second linear layer; required when there are dense layers"},
    {"gated", MOE_FIELD_FLAG(MoeArchitecture, ffn.gated), .meaning = "three matrices (SwiGLU) in place of two"},
    {NULL},
};

static const MoeSection ffn_section = {"ffn", ffn_fields, &defaults};

static const MoeField moe_fields[] = {
    {"experts", MOE_FIELD_COUNT(MoeArchitecture, moe.experts, 0, MOE_MAX_EXPERTS), .required = TRUE,
     .meaning = "routed experts of a layer; 0: a dense model"},
    {"first_layer", MOE_FIELD_COUNT(MoeArchitecture, moe.first_layer, 0, MOE_MAX_LAYERS),
     .meaning = "index of the first layer with experts, from 0"},
    {"every", MOE_FIELD_COUNT(MoeArchitecture, moe.every, 1, MOE_MAX_LAYERS),
     .meaning = "from first_layer on every so many-th layer has experts"},
    {"top_k", MOE_FIELD_COUNT(MoeArchitecture, moe.top_k, 1, MOE_MAX_EXPERTS), .required = TRUE,
     .meaning = "experts that the router chooses per token"},
    {"width", WIDTH(moe.width), .required = TRUE, .meaning = "input of an expert's second linear layer"},
    {"gated", MOE_FIELD_FLAG(MoeArchitecture, moe.gated),
     .meaning = "experts of three matrices (SwiGLU) in place of two"},
    {"clamped", MOE_FIELD_FLAG(MoeArchitecture, moe.clamped),
     .meaning = "the activation's inputs are limited (GPT-OSS)"},
    {"latent", WIDTH_OR_NONE(moe.latent),
     .meaning = "width of projections shared by the experts (LatentMoE); 0: experts see the hidden width"},
    {"shared_experts", MOE_FIELD_COUNT(MoeArchitecture, moe.shared_experts, 0, MOE_MAX_EXPERTS),
     .meaning = "experts that every token passes"},
    {"shared_width", WIDTH_OR_NONE(moe.shared_width), .otherwise = "as width, where there are shared experts",
     .meaning = "width of each shared expert"},
    {"router_left_out", MOE_FIELD_FLAG(MoeArchitecture, moe.router_left_out),
     .meaning = "the router's FLOPs do not count as model FLOPs (DeepSeek)"},
    {"zero_experts", MOE_FIELD_COUNT(MoeArchitecture, moe.zero_experts, 0, MOE_MAX_EXPERTS),
     .meaning = "experts more that pass tokens on without computing"},
    {"real_top_k", MOE_FIELD_QUANTITY, offsetof(MoeArchitecture, moe.real_top_k), .maximum = MOE_MAX_EXPERTS,
     .otherwise = "as top_k", .meaning = "chosen experts that compute, on average"},
    {"groups", MOE_FIELD_COUNT(MoeArchitecture, moe.groups, 1, MOE_MAX_EXPERTS),
     .meaning = "groups of experts for group-limited routing; a divisor of experts"},
    {"top_groups", MOE_FIELD_COUNT(MoeArchitecture, moe.top_groups, 1, MOE_MAX_EXPERTS), .otherwise = "as groups",
     .meaning = "groups that the experts of a token may be in"},
    {NULL},
};

static const MoeSection moe_section = {"moe", moe_fields, &moe_defaults};

static gboolean has_linear(gconstpointer architecture)
{
  return ((const MoeArchitecture *)architecture)->linear.value_heads > 0;
}

static gboolean has_experts(gconstpointer architecture)
{
  return ((const MoeArchitecture *)architecture)->moe.experts > 0;
}

static const MoeField architecture_fields[] = {
    {"layers", MOE_FIELD_COUNT(MoeArchitecture, layers, 1, MOE_MAX_LAYERS), .required = TRUE,
     .meaning = "decoder layers, prediction modules not counted"},
    {"hidden", WIDTH(hidden), .required = TRUE, .meaning = "width of the residual stream, elements"},
    {"vocabulary", WIDTH(vocabulary), .required = TRUE,
     .meaning = "rows of the embedding as trained, padding included"},
    {"tied_embeddings", MOE_FIELD_FLAG(MoeArchitecture, tied_embeddings),
     .meaning = "the output projection is the embedding"},
    {"learned_positions", MOE_FIELD_COUNT(MoeArchitecture, learned_positions, 0, MOE_MAX_SEQUENCE),
     .meaning = "rows of a learned position table; 0: rotary positions, or none"},
    {"norms_per_layer", MOE_FIELD_COUNT(MoeArchitecture, norms_per_layer, 0, MAX_NORMS),
     .meaning = "2: before each sub-layer; 4: before and after each"},
    {"qk_norm", MOE_FIELD_FLAG(MoeArchitecture, qk_norm), .meaning = "queries and keys are normalized"},
    {"biases", MOE_FIELD_FLAG(MoeArchitecture, biases), .meaning = "linear layers have biases"},
    {"dropout", MOE_FIELD_SHARE(MoeArchitecture, dropout),
     .meaning = "rate of dropout; above 0 each sub-layer has a mask kernel"},
    {"attention", MOE_FIELD_PART(attention_section), .required = TRUE, .meaning = "attention of the layers"},
    {"linear_attention", MOE_FIELD_PART(linear_section), .also = "none", .given = has_linear,
     .meaning = "attention by a state that each token updates, of the layers that `pattern` says"},
    {"pattern", MOE_FIELD_PART(moe_pattern_section), .form = MOE_FORM_LIST, .also = "none", .print = moe_pattern_print,
     .meaning =
         "kinds of layers in order, repeated over all layers; replaces global_every, moe.first_layer and moe.every"},
    {"ffn", MOE_FIELD_PART(ffn_section), .meaning = "feed-forward part of dense layers"},
    {"moe", MOE_FIELD_PART(moe_section), .also = "none", .given = has_experts,
     .meaning = "feed-forward part of mixture-of-experts layers"},
    {"mtp_layers", MOE_FIELD_COUNT(MoeArchitecture, mtp_layers, 0, MOE_MAX_MTP_LAYERS),
     .meaning = "multi-token prediction modules; each is a layer more in time and memory"},
    {"mtp_counted", MOE_FIELD_FLAG(MoeArchitecture, mtp_counted),
     .meaning = "FLOPs of the prediction modules count as model FLOPs (DeepSeek: no, NVIDIA: yes)"},
    {NULL},
};

const MoeSection moe_architecture_section = {"architecture", architecture_fields, &defaults};

/* What is wrong with an attention or moe section names its own key when it has one, else the section. */
static MoeMark mark_of(const MoeNode *section, const char *key)
{
  const MoeNode *node = moe_node_get(section, key);

  return moe_node_mark(node ? node : section);
}

/* ---- attention --------------------------------------------------------------------------------------------------- */

static gboolean complete_gqa(const MoeNode *section, const MoeArchitecture *architecture, MoeAttention *attention,
                             GError **error)
{
  if (attention->head_dim == 0 && architecture->hidden % attention->query_heads == 0)
    attention->head_dim = architecture->hidden / attention->query_heads;
  if (attention->head_dim == 0)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(section),
                    "no head_dim, and hidden %" G_GINT64_FORMAT " is no multiple of query_heads %" G_GINT64_FORMAT
                    ", expected head_dim",
                    architecture->hidden, attention->query_heads);
  if (attention->kv_heads > attention->query_heads || attention->query_heads % attention->kv_heads != 0)
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(section, "kv_heads"),
                    "kv_heads is %" G_GINT64_FORMAT ", expected a divisor of query_heads (%" G_GINT64_FORMAT ")",
                    attention->kv_heads, attention->query_heads);
  return TRUE;
}

static gboolean check_mla(const MoeNode *section, const MoeAttention *attention, GError **error)
{
  const struct {
    const char *key;
    int64_t value;
  } needed[] = {
      {"kv_rank", attention->kv_rank}, {"nope_dim", attention->nope_dim}, {"value_dim", attention->value_dim}};

  for (size_t i = 0; i < G_N_ELEMENTS(needed); i++)
    if (needed[i].value == 0)
      return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(section), "attention of kind mla has no %s, expected one",
                      needed[i].key);
  return TRUE;
}

static gboolean read_attention(const MoeNode *section, MoeArchitecture *architecture, GError **error)
{
  MoeAttention *attention = &architecture->attention;

  if (!moe_node_read_fields(section, attention_fields, "attention", architecture, error))
    return FALSE;
  if (!moe_section_read(section, "index", index_fields, "index", architecture, error))
    return FALSE;
  if (attention->index.heads > 0 && attention->kind != MOE_ATTENTION_MLA)
    return moe_fail(
        error, MOE_ERROR_INPUT, mark_of(section, "index"),
        "an index beside attention of kind gqa, expected kind mla: its queries come from the compressed ones");
  if (attention->chunk > 0 && attention->window > 0)
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(section, "chunk"),
                    "chunk beside a window, expected one of them for the local layers");
  if (attention->chunk > 0 && attention->global_every == 0 && architecture->n_pattern == 0)
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(section, "chunk"),
                    "a chunk without global_every reaches no layer, expected global_every: the last of each so many "
                    "layers sees everything (more than there are layers: none does)");
  if (attention->window > 0 && attention->global_every == 0 && architecture->n_pattern == 0)
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(section, "window"),
                    "a window without global_every reaches no layer, expected global_every: the last of each so many "
                    "layers sees everything (more than there are layers: none does)");
  if (attention->kv_heads == 0)
    attention->kv_heads = attention->query_heads;
  return attention->kind == MOE_ATTENTION_MLA ? check_mla(section, attention, error)
                                              : complete_gqa(section, architecture, attention, error);
}

/* ---- mixture of experts ------------------------------------------------------------------------------------------ */

static gboolean check_choice(const MoeNode *section, const MoeExpertLayer *moe, GError **error)
{
  if (moe->top_k > moe->experts)
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(section, "top_k"),
                    "top_k is %" G_GINT64_FORMAT ", expected at most the number of experts (%" G_GINT64_FORMAT ")",
                    moe->top_k, moe->experts);
  if (moe->experts % moe->groups != 0)
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(section, "groups"),
                    "%" G_GINT64_FORMAT " groups, expected a divisor of the number of experts (%" G_GINT64_FORMAT ")",
                    moe->groups, moe->experts);
  if (moe->top_groups > moe->groups)
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(section, "top_groups"),
                    "top_groups is %" G_GINT64_FORMAT ", expected at most groups (%" G_GINT64_FORMAT ")",
                    moe->top_groups, moe->groups);
  if (moe->top_k > moe->top_groups * (moe->experts / moe->groups))
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(section, "top_k"),
                    "top_k is %" G_GINT64_FORMAT ", expected at most the experts in %" G_GINT64_FORMAT " groups",
                    moe->top_k, moe->top_groups);
  return TRUE;
}

static gboolean read_moe(const MoeNode *section, MoeArchitecture *architecture, GError **error)
{
  MoeExpertLayer *moe = &architecture->moe;

  if (moe_node_is_none(section))
    return TRUE;
  *moe = moe_defaults.moe;
  if (!moe_node_read_fields(section, moe_fields, "moe", architecture, error))
    return FALSE;
  if (moe->experts == 0) {
    *moe = (MoeExpertLayer){0};
    return TRUE;
  }
  if (moe->top_groups == 0)
    moe->top_groups = moe->groups;
  if (moe->real_top_k == 0)
    moe->real_top_k = (double)moe->top_k;
  if (moe->real_top_k > (double)moe->top_k)
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(section, "real_top_k"),
                    "real_top_k is %g, expected at most top_k (%" G_GINT64_FORMAT ")", moe->real_top_k, moe->top_k);
  if (moe->shared_experts > 0 && moe->shared_width == 0)
    moe->shared_width = moe->width;
  if (moe->first_layer >= architecture->layers)
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(section, "first_layer"),
                    "first_layer is %" G_GINT64_FORMAT ", expected less than layers (%" G_GINT64_FORMAT ")",
                    moe->first_layer, architecture->layers);
  return check_choice(section, moe, error);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* Heads that a pattern gives to some layers. */
static gboolean check_layer_heads(const MoeNode *node, const MoeArchitecture *architecture, int64_t layer,
                                  GError **error)
{
  MoeLayerKind kind = moe_layer_kind(architecture, layer);

  return kind.query_heads == 0 || kind.query_heads % kind.kv_heads == 0 ||
         moe_fail(error, MOE_ERROR_INPUT, mark_of(node, "pattern"),
                  "layer %" G_GINT64_FORMAT " has %" G_GINT64_FORMAT " kv_heads, expected a divisor of its query_heads "
                  "(%" G_GINT64_FORMAT ")",
                  layer, kind.kv_heads, kind.query_heads);
}

static gboolean check_heads_of_kind(const MoeNode *node, const MoeArchitecture *architecture, GError **error)
{
  for (guint i = 0; i < architecture->n_pattern; i++) {
    const MoeLayerKind *kind = &architecture->pattern[i].kind;

    if (architecture->attention.kind != MOE_ATTENTION_GQA && kind->query_heads + kind->kv_heads + kind->head_dim > 0)
      return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_at(moe_node_get(node, "pattern"), i)),
                      "heads of some layers beside attention of kind mla, expected kind gqa");
  }
  return TRUE;
}

/* What the layers are made of, against the sections that say how: FALSE and the message for one that is missing. */
static gboolean check_sections(const MoeNode *node, const MoeArchitecture *architecture, GError **error)
{
  gboolean dense = FALSE, linear = FALSE, moe = FALSE;

  for (int64_t layer = 0; layer < architecture->layers; layer++) {
    MoeLayerKind kind = moe_layer_kind(architecture, layer);

    if (!check_layer_heads(node, architecture, layer, error))
      return FALSE;
    dense |= kind.feed == MOE_FEED_DENSE && kind.ffn_width == 0;
    moe |= kind.feed == MOE_FEED_MOE;
    linear |= moe_mixer_scans(kind.mixer);
  }
  if (dense)
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(node, "ffn"), "dense layers without ffn.width, expected a width");
  if (moe && architecture->moe.experts == 0)
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(node, "pattern"),
                    "a pattern with ffn moe in a model without experts, expected a section moe");
  if (linear && architecture->linear.value_heads == 0)
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(node, "pattern"),
                    "a pattern with mixer linear or parallel without linear_attention, expected that section");
  return check_heads_of_kind(node, architecture, error);
}

/* ---- linear attention -------------------------------------------------------------------------------------------- */

static gboolean read_linear(const MoeNode *node, MoeArchitecture *architecture, GError **error)
{
  const MoeNode *section = moe_node_get(node, "linear_attention");
  MoeLinearAttention *linear = &architecture->linear;

  if (!section || moe_node_is_none(section))
    return TRUE;
  *linear = linear_defaults.linear;
  if (!moe_node_read_fields(section, linear_fields, "linear_attention", architecture, error))
    return FALSE;
  if (linear->chunk == 0)
    linear->chunk = linear->kind == MOE_LINEAR_MAMBA2 ? MAMBA_CHUNK : DELTA_CHUNK;
  if (linear->gate_rank == 0)
    linear->gate_rank = linear->value_dim;
  if (linear->value_heads % linear->key_heads != 0)
    return moe_fail(error, MOE_ERROR_INPUT, mark_of(section, "value_heads"),
                    "value_heads is %" G_GINT64_FORMAT ", expected a multiple of key_heads (%" G_GINT64_FORMAT ")",
                    linear->value_heads, linear->key_heads);
  return TRUE;
}

gboolean moe_architecture_read(const MoeNode *node, MoeArchitecture *architecture, GError **error)
{
  *architecture = defaults;
  if (!moe_node_read_fields(node, architecture_fields, "architecture", architecture, error) ||
      !moe_pattern_read(moe_node_get(node, "pattern"), architecture, error) ||
      !read_attention(moe_node_get(node, "attention"), architecture, error) ||
      !read_linear(node, architecture, error) ||
      !moe_section_read(node, "ffn", ffn_fields, "ffn", architecture, error) ||
      !read_moe(moe_node_get(node, "moe"), architecture, error))
    return FALSE;
  return check_sections(node, architecture, error);
}
