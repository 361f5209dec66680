/*
 * Megatron-LM / Megatron-Core arguments to a run. Defaults are those of megatron/training/arguments.py: GELU of width 4
 * x hidden, biases, tied embeddings, learned positions, FP32 gradients, dropout 0.1.
 */
#include "import.h"
#include "megatron_read.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_DROPOUT    0.1
#define VOCABULARY_DIVISOR 128 /* --make-vocab-size-divisible-by */
#define SWIGLU_MULTIPLE    64  /* validate_args rounds 8/3 x hidden to a multiple of 64 */
/* Multi-latent attention: defaults of MLATransformerConfig. */
#define MLA_KV_RANK   512
#define MLA_NOPE_DIM  128
#define MLA_ROPE_DIM  64
#define MLA_VALUE_DIM 128

static int64_t or_default(int64_t value, int64_t otherwise)
{
  return value > 0 ? value : otherwise;
}

static gboolean need(const char *name, int64_t value, GError **error)
{
  return value > 0 || moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                               "no %s among the arguments, expected one with a count above 0", name);
}

/* ---- architecture ---------------------------------------------------------------------------- */

/* "--window-size 4096,0": tokens back, then forward. */
static void take_window(Draft *draft, const MegatronArguments *arguments)
{
  const char *text = arguments->window ? arguments->window : "";
  char *end = NULL;

  while (*text == '(' || *text == ' ')
    text++;
  gint64 window = g_ascii_strtoll(text, &end, 10);

  if (end == text || window <= 0 || window > (1 << 28))
    return;
  draft->architecture.attention.window = window;
  draft->architecture.attention.global_every = draft->architecture.layers + 1;
}

static void take_mla(MoeAttention *attention, const MegatronArguments *arguments)
{
  attention->kind = MOE_ATTENTION_MLA;
  attention->q_rank = arguments->q_rank;
  attention->kv_rank = or_default(arguments->kv_rank, MLA_KV_RANK);
  attention->nope_dim = or_default(arguments->nope_dim, MLA_NOPE_DIM);
  attention->rope_dim = or_default(arguments->rope_dim, MLA_ROPE_DIM);
  attention->value_dim = or_default(arguments->value_dim, MLA_VALUE_DIM);
}

static void take_attention(Draft *draft, const MegatronArguments *arguments)
{
  MoeAttention *attention = &draft->architecture.attention;

  attention->query_heads = arguments->heads;
  attention->kv_heads = arguments->gqa ? or_default(arguments->query_groups, 1) : arguments->heads;
  attention->head_dim = or_default(arguments->kv_channels, MAX(arguments->hidden / arguments->heads, 1));
  if (arguments->mla)
    take_mla(attention, arguments);
  take_window(draft, arguments);
}

static int64_t dense_width(const MegatronArguments *arguments)
{
  if (arguments->ffn > 0)
    return arguments->ffn;
  if (!arguments->swiglu)
    return 4 * arguments->hidden;
  return MAX(arguments->hidden * 8 / 3 / SWIGLU_MULTIPLE, 1) * SWIGLU_MULTIPLE;
}

/* "([0]*3+[1]*58)" -> dense layers before the first MoE layer, provided all after it are MoE. */
static gboolean leading_dense(const char *text, int64_t *dense)
{
  const char *zeros = strstr(text, "[0]*");
  const char *ones = strstr(text, "[1]");
  char *end = NULL;

  if (!zeros || !ones || zeros > ones)
    return FALSE;
  gint64 n = g_ascii_strtoll(zeros + strlen("[0]*"), &end, 10);

  *dense = n;
  return end && (*end == '+') && n > 0 && n < (1 << 20) && !strstr(end, "[0]");
}

/* "--moe-layer-freq": N = every N-th layer from 0, or a Python list of 0 and 1. */
static gboolean take_moe_layers(Draft *draft, const char *text, GError **error)
{
  MoeExpertLayer *moe = &draft->architecture.moe;
  gint64 every = 1;

  if (!text || g_ascii_string_to_signed(text, 10, 1, 1 << 20, &every, NULL)) {
    moe->every = every;
    return TRUE;
  }
  if (!strstr(text, "[0]") && strstr(text, "[1]"))
    return TRUE;
  return leading_dense(text, &moe->first_layer) ||
         moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                  "--moe-layer-freq: '%.60s' is not understood, expected a count or a list such as [0]*3+[1]*58", text);
}

static gboolean take_experts(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeExpertLayer *moe = &draft->architecture.moe;

  if (arguments->experts == 0)
    return TRUE;
  *moe = (MoeExpertLayer){.experts = arguments->experts,
                          .every = 1,
                          .top_k = or_default(arguments->top_k, 2), /* the default of --moe-router-topk */
                          .width = or_default(arguments->expert_ffn, dense_width(arguments)),
                          .gated = arguments->swiglu,
                          .latent = arguments->latent,
                          .shared_experts = arguments->shared_ffn > 0 ? 1 : 0,
                          .shared_width = arguments->shared_ffn,
                          .groups = or_default(arguments->groups, 1)};
  moe->top_groups = or_default(arguments->top_groups, moe->groups);
  draft->training.routing.capacity_factor = arguments->capacity_factor;
  return take_moe_layers(draft, arguments->moe_layers, error);
}

/* Megatron pads the vocabulary to a multiple of divisor x tensor. */
static void take_vocabulary(Draft *draft, const MegatronArguments *arguments)
{
  int64_t divisor = or_default(arguments->vocabulary_multiple, VOCABULARY_DIVISOR) * or_default(arguments->tensor, 1);

  draft->architecture.vocabulary = moe_round_up(arguments->vocabulary, divisor);
  if (draft->architecture.vocabulary != arguments->vocabulary)
    import_note(draft, "the vocabulary is padded from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, arguments->vocabulary,
                draft->architecture.vocabulary);
}

static void take_positions(Draft *draft, const MegatronArguments *arguments)
{
  gboolean learned =
      !arguments->rotary && (!arguments->positions_kind || strcmp(arguments->positions_kind, "learned_absolute") == 0);

  if (learned)
    draft->architecture.learned_positions = or_default(arguments->positions, arguments->sequence);
}

static gboolean take_architecture(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeArchitecture *a = &draft->architecture;

  if (!need("--num-layers", arguments->layers, error) || !need("--hidden-size", arguments->hidden, error) ||
      !need("--num-attention-heads", arguments->heads, error) || !need("--vocab-size", arguments->vocabulary, error))
    return FALSE;
  a->layers = arguments->layers;
  a->hidden = arguments->hidden;
  a->tied_embeddings = !arguments->untied;
  a->qk_norm = arguments->qk_norm;
  a->biases = !arguments->no_bias;
  a->dropout = arguments->hidden_dropout;
  a->mtp_layers = arguments->mtp_layers;
  a->ffn = (MoeFfn){.width = dense_width(arguments), .gated = arguments->swiglu};
  take_vocabulary(draft, arguments);
  take_positions(draft, arguments);
  take_attention(draft, arguments);
  return take_experts(draft, arguments, error);
}

/* ---- training -------------------------------------------------------------------------------- */

static MoePrecision gemm_precision(const MegatronArguments *arguments)
{
  const char *recipe = arguments->fp8_recipe ? arguments->fp8_recipe : "delayed";

  if (arguments->fp4_format)
    return MOE_NVFP4;
  if (arguments->fp8_format && strcmp(recipe, "mxfp8") == 0)
    return MOE_MXFP8;
  if (arguments->fp8_format && strcmp(recipe, "blockwise") == 0)
    return MOE_FP8_BLOCK;
  if (arguments->fp8_format)
    return MOE_FP8;
  return arguments->bf16 ? MOE_BF16 : arguments->fp16 ? MOE_FP16 : MOE_FP32;
}

static void take_precision(Draft *draft, const MegatronArguments *arguments)
{
  MoePrecisions *p = &draft->training.precision;
  MoePrecision wide = arguments->bf16 ? MOE_BF16 : arguments->fp16 ? MOE_FP16 : MOE_FP32;

  p->gemm = p->wgrad = gemm_precision(arguments);
  p->attention = p->parameter_gather = wide;
  /* arguments.py: BF16 accumulates and reduces in FP32 unless told otherwise, FP16 in FP16 unless told to use FP32 */
  p->gradient_reduce = arguments->reduce_bf16                       ? MOE_BF16
                       : arguments->fp16 && !arguments->reduce_fp32 ? MOE_FP16
                                                                    : MOE_FP32;
}

static gboolean take_optimizer(Draft *draft, const char *name, GError **error)
{
  if (!name || strcmp(name, "adam") == 0)
    draft->training.optimizer = MOE_OPTIMIZER_ADAMW;
  else if (strcmp(name, "sgd") == 0)
    draft->training.optimizer = MOE_OPTIMIZER_SGD;
  else if (strcmp(name, "muon") == 0 || strcmp(name, "dist_muon") == 0)
    draft->training.optimizer = MOE_OPTIMIZER_MUON;
  else
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                    "--optimizer: '%.40s' is not known, expected adam, sgd or muon", name);
  return TRUE;
}

static gboolean take_training(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeTraining *training = &draft->training;

  training->sequence_length = arguments->sequence;
  training->global_batch = arguments->global_batch;
  training->micro_batch = or_default(arguments->micro_batch, 1);
  take_precision(draft, arguments);
  return take_optimizer(draft, arguments->optimizer, error);
}

/* ---- parallelism ----------------------------------------------------------------------------- */

static gboolean take_chunks(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeParallelism *p = &draft->parallelism;
  int64_t per_chunk = arguments->layers_per_chunk;

  p->virtual_stages = or_default(arguments->chunks, 1);
  if (per_chunk == 0)
    return TRUE;
  if (arguments->layers % p->pipeline != 0 || arguments->layers / p->pipeline % per_chunk != 0)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                    "--num-layers-per-virtual-pipeline-stage: %" G_GINT64_FORMAT
                    " does not divide the layers of a stage",
                    per_chunk);
  p->virtual_stages = arguments->layers / p->pipeline / per_chunk;
  return TRUE;
}

/* --data-parallel-sharding-strategy of Megatron-FSDP, in its order. */
static gboolean take_zero(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  static const char *const strategies[] = {"no_shard", "optim", "optim_grads", "optim_grads_params"};

  draft->parallelism.zero = arguments->fsdp ? 3 : arguments->distributed_optimizer ? 1 : 0;
  if (!arguments->sharding)
    return TRUE;
  for (int level = 0; level < (int)G_N_ELEMENTS(strategies); level++)
    if (strcmp(arguments->sharding, strategies[level]) == 0) {
      draft->parallelism.zero = level;
      return TRUE;
    }
  return moe_fail(
      error, MOE_ERROR_INPUT, (MoeMark){0},
      "--data-parallel-sharding-strategy: '%.40s' is not known, expected optim, optim_grads or optim_grads_params",
      arguments->sharding);
}

static void take_overlap(Draft *draft, const MegatronArguments *arguments)
{
  MoeParallelism *p = &draft->parallelism;

  p->overlap.gradient_reduce = arguments->overlap_reduce;
  p->overlap.parameter_gather = arguments->overlap_gather;
  p->overlap.tensor = arguments->overlap_tensor;
  p->overlap.expert = arguments->overlap_expert;
  p->overlap.pipeline = p->virtual_stages > 1; /* overlap_p2p_comm is on with interleaving, off without */
}

static gboolean check_degrees(const MegatronArguments *arguments, GError **error)
{
  const struct {
    const char *name;
    int64_t value;
  } degrees[] = {{"--tensor-model-parallel-size", arguments->tensor},
                 {"--pipeline-model-parallel-size", arguments->pipeline},
                 {"--context-parallel-size", arguments->context},
                 {"--expert-model-parallel-size", arguments->expert},
                 {"--expert-tensor-parallel-size", arguments->expert_tensor}};

  for (guint i = 0; i < G_N_ELEMENTS(degrees); i++)
    if (degrees[i].value > (1 << 16))
      return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "%s: %" G_GINT64_FORMAT ", expected at most 65536",
                      degrees[i].name, degrees[i].value);
  return TRUE;
}

static gboolean take_parallelism(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeParallelism *p = &draft->parallelism;

  if (!check_degrees(arguments, error))
    return FALSE;
  p->tensor = or_default(arguments->tensor, 1);
  p->pipeline = or_default(arguments->pipeline, 1);
  p->context = or_default(arguments->context, 1);
  p->context_kind =
      arguments->cp_kind && strcmp(arguments->cp_kind, "a2a") == 0 ? MOE_CONTEXT_ULYSSES : MOE_CONTEXT_RING;
  p->expert = or_default(arguments->expert, 1);
  p->expert_tensor = or_default(arguments->expert_tensor, arguments->experts > 0 ? p->tensor : 1);
  p->gpus = or_default(arguments->world, arguments->hosts * arguments->host_gpus);
  p->sequence_parallel = arguments->sequence_parallel;
  if (arguments->first_layers > 0)
    p->first_stage_layers = arguments->first_layers;
  if (arguments->last_layers > 0)
    p->last_stage_layers = arguments->last_layers;
  p->embedding_as_layer = arguments->embedding_counts;
  p->head_as_layer = arguments->head_counts;
  if (!take_chunks(draft, arguments, error) || !take_zero(draft, arguments, error))
    return FALSE;
  take_overlap(draft, arguments);
  return TRUE;
}

/* ---- recomputation --------------------------------------------------------------------------- */

/* --recompute-modules (transformer_config.py) to modules of a run. */
static gboolean add_module(Draft *draft, const char *word, GError **error)
{
  static const struct {
    const char *word;
    guint bits;
  } modules[] = {{"core_attn", MOE_MODULE_CORE_ATTENTION},
                 {"moe_act", MOE_MODULE_MOE_ACTIVATION},
                 {"layernorm", MOE_MODULE_NORM},
                 {"mla_up_proj", MOE_MODULE_ATTENTION_PROJECTIONS},
                 {"mlp", MOE_MODULE_FFN},
                 {"moe", MOE_MODULE_MOE},
                 {"shared_experts", MOE_MODULE_SHARED_EXPERTS}};

  for (guint i = 0; i < G_N_ELEMENTS(modules); i++)
    if (strcmp(modules[i].word, word) == 0) {
      draft->recompute.modules |= modules[i].bits;
      return TRUE;
    }
  return moe_fail(
      error, MOE_ERROR_INPUT, (MoeMark){0},
      "--recompute-modules: '%.40s' is not known, expected core_attn, moe_act, layernorm, mla_up_proj, mlp, moe or "
      "shared_experts",
      word);
}

static gboolean take_recompute(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeRecompute *recompute = &draft->recompute;
  const char *word = arguments->granularity ? arguments->granularity : arguments->recompute_core ? "selective" : "none";

  if (strcmp(word, "full") == 0) {
    recompute->mode = MOE_RECOMPUTE_FULL;
    /* --recompute-method uniform: N layers per checkpoint, all recomputed; block: the first N. Without a method all
     * are. */
    recompute->layers = arguments->recompute_layers > 1 ? arguments->recompute_layers : -1;
    return TRUE;
  }
  if (strcmp(word, "selective") != 0)
    return strcmp(word, "none") == 0 || moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                                                 "--recompute-granularity: '%.40s', expected full or selective", word);
  recompute->mode = MOE_RECOMPUTE_SELECTIVE;
  for (guint i = 0; i < arguments->recompute_modules->len; i++)
    if (!add_module(draft, g_ptr_array_index(arguments->recompute_modules, i), error))
      return FALSE;
  if (recompute->modules == 0)
    recompute->modules = MOE_MODULE_CORE_ATTENTION;
  return TRUE;
}

MoeImport *moe_import_megatron(const char *const *words, const MoeImportOptions *options, GError **error)
{
  g_autoptr(GPtrArray) modules = g_ptr_array_new();
  MegatronArguments arguments = {
      .hidden_dropout = DEFAULT_DROPOUT, .attention_dropout = DEFAULT_DROPOUT, .recompute_modules = modules};
  Draft draft;

  import_draft_init(&draft, options);
  g_autoptr(MoeImport) import = draft.import;
  draft.source = "Megatron-LM arguments";
  draft.title = "imported from Megatron-LM arguments";
  if (!megatron_read(words, &arguments, import->unknown, error) || !take_architecture(&draft, &arguments, error) ||
      !take_training(&draft, &arguments, error) || !take_parallelism(&draft, &arguments, error) ||
      !take_recompute(&draft, &arguments, error))
    return NULL;
  import_finish(&draft);
  return g_steal_pointer(&import);
}
