/*
 * Megatron arguments to the architecture of a run. Defaults are those of megatron/training/arguments.py: GELU of four
 * times the hidden width, biases, tied embeddings, learned positions, dropout 0.1.
 */
#include "megatron.h"

#include <string.h>

#define VOCABULARY_DIVISOR 128 /* --make-vocab-size-divisible-by */
#define SWIGLU_MULTIPLE    64  /* validate_args rounds 8/3 x hidden to a multiple of 64 */
/* Multi-latent attention: defaults of MLATransformerConfig. */
#define MLA_KV_RANK   512
#define MLA_NOPE_DIM  128
#define MLA_ROPE_DIM  64
#define MLA_VALUE_DIM 128
#define GPT2_TOKENS   50257 /* GPT2BPETokenizer */

static int64_t or_default(int64_t value, int64_t otherwise)
{
  return value > 0 ? value : otherwise;
}

static gboolean need(const char *name, int64_t value, GError **error)
{
  return value > 0 || moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                               "no %s among the arguments, expected one with a count above 0", name);
}

static gboolean is_gated(const MegatronArguments *arguments)
{
  return arguments->swiglu || arguments->quick_geglu || arguments->geglu || arguments->glu_activation;
}

/* ---- attention ------------------------------------------------------------------------------- */

/* --window-attn-skip-freq: N = full attention in every N-th layer, or a list with 1 for a window and 0 for full. */
static gboolean take_window_skip(Draft *draft, const char *text, GError **error)
{
  MoeAttention *attention = &draft->architecture.attention;
  gint64 every = 0;

  if (!text)
    return TRUE;
  if (g_ascii_string_to_signed(text, 10, 1, 1 << 20, &every, NULL)) {
    attention->global_every = every;
    return TRUE;
  }
  g_autoptr(GArray) list = megatron_pattern("--window-attn-skip-freq", text, draft->architecture.layers, error);

  if (!list)
    return FALSE;
  attention->global_every = import_closing_period(list);
  if (attention->global_every == 0) /* megatron_layers says it layer by layer */
    attention->global_every = draft->architecture.layers + 1;
  return TRUE;
}

/* "--window-size 4096,0": tokens back, then forward. */
static gboolean take_window(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  const char *given =
      arguments->window_sizes->len > 0 ? g_ptr_array_index(arguments->window_sizes, 0) : arguments->window;
  const char *text = given ? given : "";
  char *end = NULL;

  while (*text == '(' || *text == ' ')
    text++;
  gint64 window = g_ascii_strtoll(text, &end, 10);

  if (!given || g_str_has_prefix(text, "-1"))
    return TRUE;
  if (end == text || window < 1 || window > (1 << 28))
    return moe_fail_about(error, "--window-size", "'%.40s', expected tokens such as 4096,0", given);
  draft->architecture.attention.window = window;
  draft->architecture.attention.global_every = draft->architecture.layers + 1;
  return take_window_skip(draft, arguments->window_skip, error);
}

void megatron_take_mla(MoeAttention *attention, const MegatronArguments *arguments)
{
  attention->kind = MOE_ATTENTION_MLA;
  attention->q_rank = arguments->q_rank;
  attention->kv_rank = or_default(arguments->kv_rank, MLA_KV_RANK);
  attention->nope_dim = or_default(arguments->nope_dim, MLA_NOPE_DIM);
  attention->rope_dim = or_default(arguments->rope_dim, MLA_ROPE_DIM);
  attention->value_dim = or_default(arguments->value_dim, MLA_VALUE_DIM);
}

/* Groups of query heads count beside the switch alone (argument_utils.py); Megatron-DeepSpeed has another argument. */
static int64_t key_heads(Draft *draft, const MegatronArguments *arguments)
{
  if (arguments->gqa)
    return or_default(arguments->query_groups, 1);
  if (arguments->kv_heads > 0)
    return arguments->kv_heads;
  if (g_strcmp0(arguments->head_type, "multiquery") == 0)
    return 1;
  if (arguments->query_groups > 0 && arguments->query_groups != arguments->heads && !arguments->mla)
    import_note(draft, "--num-query-groups without --group-query-attention counts for nothing, as in Megatron: each "
                       "query head has keys of its own");
  return arguments->heads;
}

static gboolean take_attention(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeAttention *attention = &draft->architecture.attention;

  attention->query_heads = arguments->heads;
  attention->kv_heads = key_heads(draft, arguments);
  attention->head_dim = or_default(arguments->kv_channels, MAX(arguments->hidden / arguments->heads, 1));
  if (arguments->mla)
    megatron_take_mla(attention, arguments);
  return take_window(draft, arguments, error);
}

/* ---- feed-forward ---------------------------------------------------------------------------- */

static int64_t dense_width(const MegatronArguments *arguments)
{
  if (arguments->ffn > 0)
    return arguments->ffn;
  if (!arguments->swiglu)
    return 4 * arguments->hidden;
  return MAX(arguments->hidden * 8 / 3 / SWIGLU_MULTIPLE, 1) * SWIGLU_MULTIPLE;
}

/* "--moe-layer-freq": N = every N-th layer from the first, or a Python list of 0 and 1. */
static gboolean take_moe_layers(Draft *draft, const char *text, GError **error)
{
  MoeExpertLayer *moe = &draft->architecture.moe;

  if (!text)
    return TRUE;
  g_autoptr(GArray) list = megatron_pattern("--moe-layer-freq", text, draft->architecture.layers, error);

  if (!list)
    return FALSE;
  if (!import_is_regular(list, &moe->first_layer, &moe->every)) { /* megatron_layers says it layer by layer */
    moe->first_layer = 0;
    moe->every = 1;
  }
  return TRUE;
}

/* Megatron-DeepSpeed (megatron/arguments.py, transformer.py): experts in every second layer, the last of the two, one
 * for a token, capacity 1. */
static void take_deepspeed_experts(Draft *draft, const MegatronArguments *arguments)
{
  MoeExpertLayer *moe = &draft->architecture.moe;

  moe->every = or_default(arguments->expert_interval, 2);
  moe->first_layer = moe->every - 1;
  moe->top_k = or_default(arguments->top_k, 1);
  if (arguments->capacity_factor == 0)
    draft->training.routing.capacity_factor = 1;
}

static gboolean is_deepspeed(const MegatronArguments *arguments)
{
  return arguments->deepspeed || arguments->deepspeed_file || arguments->expert_interval > 0;
}

/* moe_utils.py: a capacity drops what is above it; only with --moe-pad-expert-input-to-capacity has each expert as many
 * rows as that, as DeepSpeed's always have. */
static void take_capacity(Draft *draft, const MegatronArguments *arguments)
{
  if (arguments->capacity_factor > 0 && !arguments->padded_experts && !is_deepspeed(arguments))
    import_note(draft, "--moe-expert-capacity-factor without --moe-pad-expert-input-to-capacity drops tokens above it "
                       "and pads none: with even routing as without");
  else
    draft->training.routing.capacity_factor = arguments->capacity_factor;
}

static gboolean take_experts(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeExpertLayer *moe = &draft->architecture.moe;

  if (arguments->experts == 0)
    return TRUE;
  take_capacity(draft, arguments);
  *moe = (MoeExpertLayer){.experts = arguments->experts,
                          .every = 1,
                          .top_k = or_default(arguments->top_k, 2), /* the default of --moe-router-topk */
                          .width = or_default(arguments->expert_ffn, dense_width(arguments)),
                          .gated = is_gated(arguments),
                          .clamped = arguments->clamp > 0,
                          .latent = arguments->latent,
                          .shared_experts = arguments->shared_ffn > 0 ? 1 : 0,
                          .shared_width = arguments->shared_ffn,
                          .groups = or_default(arguments->groups, 1)};
  if (is_deepspeed(arguments))
    take_deepspeed_experts(draft, arguments);
  moe->top_groups = or_default(arguments->top_groups, moe->groups);
  if (!arguments->moe_forced_balance)
    import_note(
        draft,
        "routing is taken as even, as with --moe-router-force-load-balancing; training.routing.balance says otherwise");
  return take_moe_layers(draft, arguments->moe_layers, error);
}

/* ---- vocabulary ------------------------------------------------------------------------------ */

/* The name of what the tokenizer is read from: its own, that of its class, or of the checkpoint beside which a class of
 * Pai-Megatron-Patch looks for it; the first that is known. */
static const char *tokenizer_name(const MegatronArguments *arguments)
{
  const char *const names[] = {arguments->tokenizer, arguments->patch_tokenizer,
                               arguments->patch_tokenizer ? arguments->load : NULL};

  for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
    if (names[i] && import_vocabulary_of(names[i]) > 0)
      return names[i];
  return arguments->tokenizer ? arguments->tokenizer : arguments->patch_tokenizer;
}

/* The count that the tokenizer's name stands for; 0 when it is not known. */
static int64_t tokens_of(Draft *draft, const MegatronArguments *arguments)
{
  const char *name = tokenizer_name(arguments);
  int64_t tokens = name ? import_vocabulary_of(name) : 0;

  gboolean merges = arguments->merge_file && !arguments->tokenizer_type; /* a file of merges is GPT-2's tokenizer */

  if (tokens == 0 &&
      (merges || (arguments->tokenizer_type && g_str_has_prefix(arguments->tokenizer_type, "GPT2BPE")))) {
    name = "GPT2BPETokenizer";
    tokens = GPT2_TOKENS;
  }
  if (tokens == 0 && arguments->tokenizer_type) {
    name = arguments->tokenizer_type;
    tokens = import_vocabulary_of(name);
  }
  if (tokens > 0)
    import_note(draft,
                "architecture.vocabulary is not in the input: %" G_GINT64_FORMAT
                " tokens, from the tokenizer's name \"%s\"",
                tokens, name);
  return tokens;
}

/* Pai-Megatron-Patch has classes of tokenizers that say how many rows the embedding has. FALSE: not by this one. */
static gboolean take_patch_vocabulary(Draft *draft, const MegatronArguments *arguments)
{
  const char *name = arguments->patch_tokenizer;
  int64_t extra = arguments->extra_vocabulary;
  int64_t rows = name ? import_patch_vocabulary(name, extra, arguments->load) : 0;

  if (rows == 0)
    return FALSE;
  draft->architecture.vocabulary = rows;
  import_note(draft,
              "architecture.vocabulary is not in the input: %" G_GINT64_FORMAT
              " rows, from the tokenizer's class \"%s\", the checkpoint beside it and %" G_GINT64_FORMAT
              " extra ones; --vocabulary says otherwise",
              rows, name, extra);
  return TRUE;
}

static gboolean fail_vocabulary(const MegatronArguments *arguments, GError **error)
{
  const char *name = arguments->tokenizer         ? arguments->tokenizer
                     : arguments->patch_tokenizer ? arguments->patch_tokenizer
                                                  : arguments->tokenizer_type;

  if (!name)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                    "no --vocab-size among the arguments, expected one with a count above 0, or --vocabulary TOKENS "
                    "before them");
  return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                  "no --vocab-size among the arguments, and the tokenizer '%.60s' is not known here, expected "
                  "--vocabulary TOKENS before them",
                  name);
}

/* Megatron pads the vocabulary to a multiple of divisor x tensor, unless the padded count is given. */
static gboolean take_vocabulary(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  int64_t divisor = or_default(arguments->vocabulary_multiple, VOCABULARY_DIVISOR) * or_default(arguments->tensor, 1);
  int64_t whole = or_default(arguments->padded_vocabulary, arguments->padded_to);
  int64_t tokens = or_default(draft->options->vocabulary, arguments->vocabulary);

  draft->architecture.vocabulary = whole;
  if (whole > 0 || (tokens == 0 && take_patch_vocabulary(draft, arguments)))
    return TRUE;
  if (tokens == 0)
    tokens = tokens_of(draft, arguments);
  if (tokens == 0)
    return fail_vocabulary(arguments, error);
  draft->architecture.vocabulary = arguments->no_padding ? tokens : moe_round_up(tokens, divisor);
  if (draft->architecture.vocabulary != tokens)
    import_note(draft, "the vocabulary is padded from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, tokens,
                draft->architecture.vocabulary);
  return TRUE;
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* Kinds of Megatron, its DeepSpeed variants and NeMo. */
static gboolean take_positions(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  const char *kind = arguments->positions_kind ? arguments->positions_kind : "learned_absolute";

  if (!import_is_listed("learned_absolute absolute rope rotary mrope yarn alibi relative none", kind))
    return moe_fail_about(error, "--position-embedding-type",
                          "'%.40s' is not known, expected learned_absolute, rope, mrope, yarn, alibi or none", kind);
  if (strcmp(kind, "relative") == 0)
    import_refuse(draft, "--position-embedding-type relative", "positions that are added to the scores");
  if (!arguments->rotary && !arguments->no_positions && import_is_listed("learned_absolute absolute", kind))
    draft->architecture.learned_positions = or_default(arguments->positions, arguments->sequence);
  return TRUE;
}

gboolean megatron_architecture(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeArchitecture *a = &draft->architecture;

  const char *pattern = megatron_hybrid_pattern(arguments);

  if ((!pattern && !need("--num-layers", arguments->layers, error)) ||
      !need("--hidden-size", arguments->hidden, error) || !need("--num-attention-heads", arguments->heads, error))
    return FALSE;
  a->layers = pattern ? (int64_t)strcspn(pattern, "/") : arguments->layers; /* counted by megatron_hybrid */
  a->hidden = arguments->hidden;
  a->tied_embeddings = !arguments->untied;
  a->qk_norm = arguments->qk_norm;
  a->biases = !arguments->no_bias;
  a->dropout = arguments->hidden_dropout;
  a->mtp_layers = arguments->mtp_layers;
  a->ffn = (MoeFfn){.width = dense_width(arguments), .gated = is_gated(arguments)};
  if (arguments->attention_dropout > 0 && arguments->hidden_dropout == 0)
    import_note(draft, "dropout inside attention is part of its kernel and left out");
  return take_positions(draft, arguments, error) && take_vocabulary(draft, arguments, error) &&
         take_attention(draft, arguments, error) && take_experts(draft, arguments, error);
}
