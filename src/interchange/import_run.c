/* From a draft to the text of a run file. */
#include "import.h"

/* What is chosen where neither the configuration nor the user says it; each is noted. */
#define DEFAULT_CLUSTER  "h100-hgx"
#define DEFAULT_STACK    "megatron-core-2026"
#define DEFAULT_GPUS     64   /* eight hosts of eight: enough for expert parallelism over hosts */
#define DEFAULT_SEQUENCE 4096 /* tokens; what most of these models were pre-trained on */
#define DEFAULT_BATCH    1024 /* sequences: 4 million tokens of 4,096, of the order of published recipes */

static const MoeImportOptions no_options;

void import_draft_init(Draft *draft, const MoeImportOptions *options)
{
  *draft = (Draft){.options = options ? options : &no_options};
  draft->architecture = (MoeArchitecture){.norms_per_layer = 2, .mtp_counted = TRUE, .ffn.gated = TRUE};
  draft->training.micro_batch = 1;
  draft->training.precision = (MoePrecisions){.gemm = MOE_BF16,
                                              .wgrad = MOE_BF16,
                                              .attention = MOE_BF16,
                                              .gradient_reduce = MOE_FP32,
                                              .parameter_gather = MOE_BF16};
  draft->parallelism = (MoeParallelism){.tensor = 1,
                                        .context = 1,
                                        .pipeline = 1,
                                        .virtual_stages = 1,
                                        .expert = 1,
                                        .first_stage_layers = -1,
                                        .last_stage_layers = -1};
  draft->recompute.layers = -1;
  draft->import = g_new0(MoeImport, 1);
  draft->import->notes = g_ptr_array_new_with_free_func(g_free);
  draft->import->unknown = g_ptr_array_new_with_free_func(g_free);
}

void import_note(Draft *draft, const char *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  g_ptr_array_add(draft->import->notes, g_strdup_vprintf(format, arguments));
  va_end(arguments);
}

void moe_import_free(MoeImport *import)
{
  if (!import)
    return;
  g_free(import->text);
  g_ptr_array_unref(import->notes);
  g_ptr_array_unref(import->unknown);
  g_free(import);
}

/* ---- choices --------------------------------------------------------------------------------- */

static void choose_sequence(Draft *draft)
{
  MoeTraining *training = &draft->training;

  if (draft->options->sequence_length > 0)
    training->sequence_length = draft->options->sequence_length;
  if (training->sequence_length > 0)
    return;
  training->sequence_length = DEFAULT_SEQUENCE;
  import_note(draft, "training.sequence_length is not in the input: %d chosen", DEFAULT_SEQUENCE);
}

#define MAX_GPUS (1 << 20) /* of a run (src/spec) */

static int64_t common_divisor(int64_t a, int64_t b)
{
  return b == 0 ? a : common_divisor(b, a % b);
}

/* Ranks that the given degrees need at least: a multiple of both sides of the layout. Beyond what a run may have, the
 * run is refused when it is read. */
static int64_t least_gpus(const MoeParallelism *p)
{
  int64_t attention = p->tensor * p->context * p->pipeline;
  int64_t experts = MAX(p->expert_tensor, 1) * p->expert * p->pipeline;

  if (attention > MAX_GPUS || experts > MAX_GPUS)
    return MAX_GPUS;
  return attention / common_divisor(attention, experts) * experts;
}

static void choose_gpus(Draft *draft)
{
  MoeParallelism *p = &draft->parallelism;

  if (draft->options->gpus > 0)
    p->gpus = draft->options->gpus;
  if (p->gpus > 0)
    return;
  p->gpus = moe_round_up(DEFAULT_GPUS, least_gpus(p));
  import_note(draft, "parallelism.gpus is not in the input: %" G_GINT64_FORMAT " chosen", p->gpus);
}

static void choose_batch(Draft *draft)
{
  const MoeParallelism *p = &draft->parallelism;
  MoeTraining *training = &draft->training;
  int64_t unit = MAX(p->gpus / (p->tensor * p->context * p->pipeline), 1) * MAX(training->micro_batch, 1);

  if (draft->options->global_batch > 0)
    training->global_batch = draft->options->global_batch;
  if (training->global_batch > 0)
    return;
  training->global_batch = moe_round_up(DEFAULT_BATCH, unit);
  import_note(draft, "training.global_batch is not in the input: %" G_GINT64_FORMAT " sequences chosen",
              training->global_batch);
}

static const char *choose_name(Draft *draft, const char *key, const char *given, const char *otherwise)
{
  if (given)
    return given;
  import_note(draft, "%s is not in the input: %s chosen", key, otherwise);
  return otherwise;
}

/* ---- text ------------------------------------------------------------------------------------ */

static void put_count(GString *text, const char *indent, const char *key, int64_t value)
{
  g_string_append_printf(text, "%s%s: %" G_GINT64_FORMAT "\n", indent, key, value);
}

static void put_count_unless(GString *text, const char *indent, const char *key, int64_t value, int64_t usual)
{
  if (value != usual)
    put_count(text, indent, key, value);
}

static void put_flag(GString *text, const char *indent, const char *key, gboolean value)
{
  g_string_append_printf(text, "%s%s: %s\n", indent, key, value ? "true" : "false");
}

static void put_flag_if(GString *text, const char *indent, const char *key, gboolean value)
{
  if (value)
    put_flag(text, indent, key, TRUE);
}

/* In double quotes, so that any text is one scalar; control characters become blanks. */
static void put_text(GString *text, const char *key, const char *value)
{
  g_autofree char *valid = g_utf8_make_valid(value, -1);

  g_string_append_printf(text, "%s: \"", key);
  for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
    gunichar c = g_utf8_get_char(p);

    if (c == '"' || c == '\\')
      g_string_append_c(text, '\\');
    g_string_append_unichar(text, g_unichar_isprint(c) ? c : ' ');
  }
  g_string_append(text, "\"\n");
}

static void put_attention(GString *text, const MoeAttention *a)
{
  g_string_append_printf(text, "  attention:\n    kind: %s\n", a->kind == MOE_ATTENTION_MLA ? "mla" : "gqa");
  put_count(text, "    ", "query_heads", a->query_heads);
  if (a->kind == MOE_ATTENTION_MLA) {
    put_count(text, "    ", "q_rank", a->q_rank);
    put_count(text, "    ", "kv_rank", a->kv_rank);
    put_count(text, "    ", "nope_dim", a->nope_dim);
    put_count(text, "    ", "rope_dim", a->rope_dim);
    put_count(text, "    ", "value_dim", a->value_dim);
  } else {
    put_count(text, "    ", "kv_heads", a->kv_heads);
    put_count(text, "    ", "head_dim", a->head_dim);
  }
  put_count_unless(text, "    ", "window", a->window, 0);
  put_count_unless(text, "    ", "global_every", a->global_every, 0);
}

static void put_moe(GString *text, const MoeExpertLayer *moe)
{
  if (moe->experts == 0)
    return;
  g_string_append(text, "  moe:\n");
  put_count(text, "    ", "experts", moe->experts);
  put_count(text, "    ", "top_k", moe->top_k);
  put_count(text, "    ", "width", moe->width);
  put_flag(text, "    ", "gated", moe->gated);
  put_count(text, "    ", "first_layer", moe->first_layer);
  put_count(text, "    ", "every", MAX(moe->every, 1));
  put_count_unless(text, "    ", "latent", moe->latent, 0);
  put_count_unless(text, "    ", "shared_experts", moe->shared_experts, 0);
  put_count_unless(text, "    ", "shared_width", moe->shared_width, 0);
  if (moe->groups > 1) {
    put_count(text, "    ", "groups", moe->groups);
    put_count(text, "    ", "top_groups", moe->top_groups);
  }
}

static void put_architecture(GString *text, const MoeArchitecture *a)
{
  g_string_append(text, "architecture:\n");
  put_count(text, "  ", "layers", a->layers);
  put_count(text, "  ", "hidden", a->hidden);
  put_count(text, "  ", "vocabulary", a->vocabulary);
  put_flag(text, "  ", "tied_embeddings", a->tied_embeddings);
  put_count_unless(text, "  ", "learned_positions", a->learned_positions, 0);
  put_count(text, "  ", "norms_per_layer", a->norms_per_layer);
  put_flag_if(text, "  ", "qk_norm", a->qk_norm);
  put_flag_if(text, "  ", "biases", a->biases);
  if (a->dropout > 0)
    g_string_append_printf(text, "  dropout: %g\n", a->dropout);
  put_attention(text, &a->attention);
  g_string_append(text, "  ffn:\n");
  put_count(text, "    ", "width", a->ffn.width);
  put_flag(text, "    ", "gated", a->ffn.gated);
  put_moe(text, &a->moe);
  put_count_unless(text, "  ", "mtp_layers", a->mtp_layers, 0);
}

static void put_routing(GString *text, const MoeArchitecture *a, const MoeRouting *routing)
{
  if (a->moe.experts == 0)
    return;
  g_string_append(text, "  routing: {balance: even, capacity_factor: ");
  if (routing->capacity_factor > 0)
    g_string_append_printf(text, "%g}\n", routing->capacity_factor);
  else
    g_string_append(text, "none}\n");
}

static void put_training(GString *text, const Draft *draft)
{
  static const char *const optimizers[] = {"adamw", "muon", "sgd"};
  const MoeTraining *t = &draft->training;
  const MoePrecisions *p = &t->precision;

  g_string_append(text, "training:\n");
  put_count(text, "  ", "sequence_length", t->sequence_length);
  put_count(text, "  ", "global_batch", t->global_batch);
  put_count(text, "  ", "micro_batch", t->micro_batch);
  g_string_append_printf(text, "  optimizer: %s\n", optimizers[t->optimizer]);
  g_string_append_printf(
      text, "  precision: {gemm: %s, wgrad: %s, attention: %s, gradient_reduce: %s, parameter_gather: %s}\n",
      moe_precision_words[p->gemm], moe_precision_words[p->wgrad], moe_precision_words[p->attention],
      moe_precision_words[p->gradient_reduce], moe_precision_words[p->parameter_gather]);
  put_routing(text, &draft->architecture, &t->routing);
}

static void put_overlap(GString *text, const MoeParallelism *p)
{
  g_string_append(text, "  overlap:\n");
  put_flag(text, "    ", "gradient_reduce", p->overlap.gradient_reduce);
  put_flag(text, "    ", "parameter_gather", p->overlap.parameter_gather);
  put_flag(text, "    ", "tensor", p->overlap.tensor);
  put_flag(text, "    ", "expert", p->overlap.expert);
  put_flag(text, "    ", "pipeline", p->overlap.pipeline);
}

static void put_parallelism(GString *text, const MoeParallelism *p)
{
  g_string_append(text, "parallelism:\n");
  put_count(text, "  ", "gpus", p->gpus);
  put_count(text, "  ", "tensor", p->tensor);
  put_count_unless(text, "  ", "context", p->context, 1);
  if (p->context > 1)
    g_string_append_printf(text, "  context_kind: %s\n", p->context_kind == MOE_CONTEXT_RING ? "ring" : "ulysses");
  put_count(text, "  ", "pipeline", p->pipeline);
  put_count_unless(text, "  ", "virtual_stages", p->virtual_stages, 1);
  put_count(text, "  ", "expert", p->expert);
  put_count_unless(text, "  ", "expert_tensor", MAX(p->expert_tensor, 1), 1);
  put_flag_if(text, "  ", "sequence_parallel", p->sequence_parallel);
  put_count(text, "  ", "zero", p->zero);
  put_count_unless(text, "  ", "first_stage_layers", p->first_stage_layers, -1);
  put_count_unless(text, "  ", "last_stage_layers", p->last_stage_layers, -1);
  put_flag_if(text, "  ", "embedding_as_layer", p->embedding_as_layer);
  put_flag_if(text, "  ", "head_as_layer", p->head_as_layer);
  put_overlap(text, p);
}

static void put_recompute(GString *text, const MoeRecompute *recompute)
{
  static const char *const modules[] = {"core_attention",
                                        "attention_projections",
                                        "norm",
                                        "ffn_activation",
                                        "moe_activation",
                                        "moe",
                                        "ffn",
                                        "shared_experts",
                                        "expert_ffn"}; /* bits of MoeModule */
  const char *separator = "";

  if (recompute->mode == MOE_RECOMPUTE_NONE)
    return;
  if (recompute->mode == MOE_RECOMPUTE_FULL) {
    g_string_append(text, "recompute:\n  mode: full\n");
    put_count_unless(text, "  ", "layers", recompute->layers, -1);
    return;
  }
  g_string_append(text, "recompute: {mode: selective, modules: [");
  for (size_t bit = 0; bit < G_N_ELEMENTS(modules); bit++)
    if (recompute->modules & (1u << bit)) {
      g_string_append_printf(text, "%s%s", separator, modules[bit]);
      separator = ", ";
    }
  g_string_append(text, "]}\n");
}

void import_finish(Draft *draft)
{
  g_autoptr(GString) text = g_string_new(NULL);
  const char *title = draft->options->title ? draft->options->title : draft->title;

  choose_sequence(draft);
  choose_gpus(draft);
  choose_batch(draft);
  const char *cluster = choose_name(draft, "cluster", draft->options->cluster, DEFAULT_CLUSTER);
  const char *stack = choose_name(draft, "stack", draft->options->stack, DEFAULT_STACK);

  for (guint i = 0; i < draft->import->notes->len; i++)
    g_string_append_printf(text, "# %s\n", (const char *)g_ptr_array_index(draft->import->notes, i));
  put_text(text, "title", title ? title : "imported model");
  put_text(text, "source", draft->source);
  put_architecture(text, &draft->architecture);
  put_training(text, draft);
  put_parallelism(text, &draft->parallelism);
  put_recompute(text, &draft->recompute);
  put_text(text, "cluster", cluster);
  put_text(text, "stack", stack);
  draft->import->text = g_string_free(g_steal_pointer(&text), FALSE);
}
