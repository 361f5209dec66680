/* The text of a run file from a draft. */
#include "import.h"

#include <string.h>

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
  put_count_unless(text, "    ", "chunk", a->chunk, 0);
  put_count_unless(text, "    ", "global_every", a->global_every, 0);
  put_flag_if(text, "    ", "gated", a->gated);
  if (a->index.heads > 0)
    g_string_append_printf(
        text, "    index: {heads: %" G_GINT64_FORMAT ", dim: %" G_GINT64_FORMAT ", top_k: %" G_GINT64_FORMAT "}\n",
        a->index.heads, a->index.dim, a->index.top_k);
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
  put_flag_if(text, "    ", "clamped", moe->clamped);
  put_count(text, "    ", "first_layer", moe->first_layer);
  put_count(text, "    ", "every", MAX(moe->every, 1));
  put_count_unless(text, "    ", "latent", moe->latent, 0);
  put_count_unless(text, "    ", "zero_experts", moe->zero_experts, 0);
  if (moe->real_top_k > 0 && moe->real_top_k < (double)moe->top_k)
    g_string_append_printf(text, "    real_top_k: %g\n", moe->real_top_k);
  put_count_unless(text, "    ", "shared_experts", moe->shared_experts, 0);
  put_count_unless(text, "    ", "shared_width", moe->shared_width, 0);
  if (moe->groups > 1) {
    put_count(text, "    ", "groups", moe->groups);
    put_count(text, "    ", "top_groups", moe->top_groups);
  }
}

static void put_linear(GString *text, const MoeLinearAttention *linear)
{
  if (linear->value_heads == 0)
    return;
  g_string_append_printf(text, "  linear_attention:\n    kind: %s\n", moe_linear_words[linear->kind]);
  put_count(text, "    ", "key_heads", linear->key_heads);
  put_count(text, "    ", "value_heads", linear->value_heads);
  put_count(text, "    ", "key_dim", linear->key_dim);
  put_count(text, "    ", "value_dim", linear->value_dim);
  put_count(text, "    ", "convolution", linear->convolution);
  put_count_unless(text, "    ", "chunk", linear->chunk, 0);
  put_count_unless(text, "    ", "gate_rank", linear->gate_rank, 0);
}

static void put_item_size(GString *text, const char *key, int64_t size)
{
  if (size > 0)
    g_string_append_printf(text, ", %s: %" G_GINT64_FORMAT, key, size);
}

static void put_item(GString *text, const MoePatternItem *item)
{
  const char *separator = "    - {";

  if (item->kind.mixer >= 0) {
    g_string_append_printf(text, "%smixer: %s", separator, moe_mixer_words[item->kind.mixer]);
    separator = ", ";
  }
  if (item->kind.feed >= 0) {
    g_string_append_printf(text, "%sffn: %s", separator, moe_feed_words[item->kind.feed]);
    separator = ", ";
  }
  g_string_append_printf(text, "%scount: %" G_GINT64_FORMAT, separator, item->count);
  put_item_size(text, "query_heads", item->kind.query_heads);
  put_item_size(text, "kv_heads", item->kind.kv_heads);
  put_item_size(text, "head_dim", item->kind.head_dim);
  put_item_size(text, "ffn_width", item->kind.ffn_width);
  g_string_append(text, "}\n");
}

static void put_pattern(GString *text, const MoeArchitecture *a)
{
  if (a->n_pattern > 0)
    g_string_append(text, "  pattern:\n");
  for (guint i = 0; i < a->n_pattern; i++)
    put_item(text, &a->pattern[i]);
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
  put_linear(text, &a->linear);
  put_pattern(text, a);
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

static void put_precision_unless(GString *text, const char *key, MoePrecision precision, MoePrecision usual)
{
  if (precision != usual)
    g_string_append_printf(text, ", %s: %s", key, moe_precision_words[precision]);
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
  g_string_append_printf(text,
                         "  precision: {gemm: %s, wgrad: %s, attention: %s, gradient_reduce: %s, parameter_gather: %s",
                         moe_precision_words[p->gemm], moe_precision_words[p->wgrad], moe_precision_words[p->attention],
                         moe_precision_words[p->gradient_reduce], moe_precision_words[p->parameter_gather]);
  put_precision_unless(text, "residual", p->residual, MOE_BF16);
  put_precision_unless(text, "lm_head", p->lm_head, MOE_BF16);
  put_precision_unless(text, "router", p->router, MOE_FP32);
  put_precision_unless(text, "dispatch", p->dispatch, MOE_BF16);
  put_precision_unless(text, "combine", p->combine, MOE_BF16);
  put_precision_unless(text, "master", p->master, MOE_FP32);
  put_precision_unless(text, "optimizer_moments", p->optimizer_moments, MOE_FP32);
  if (p->scaling != MOE_FP8_SCALING_DELAYED)
    g_string_append_printf(text, ", scaling: %s", moe_fp8_scaling_words[p->scaling]);
  if (p->remade_transposes)
    g_string_append(text, ", remade_transposes: true");
  if (p->wide_first + p->wide_last > 0)
    g_string_append_printf(text, ", bf16_first_layers: %" G_GINT64_FORMAT ", bf16_last_layers: %" G_GINT64_FORMAT,
                           p->wide_first, p->wide_last);
  g_string_append(text, "}\n");
  if (t->lora_rank > 0)
    g_string_append_printf(text, "  lora: {rank: %" G_GINT64_FORMAT "}\n", t->lora_rank);
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
  if (p->layout)
    g_string_append(text, "  ");
  if (p->layout)
    put_text(text, "layout", p->layout);
  put_count(text, "  ", "expert", p->expert);
  put_count_unless(text, "  ", "expert_tensor", MAX(p->expert_tensor, 1), 1);
  put_flag_if(text, "  ", "sequence_parallel", p->sequence_parallel);
  if (p->schedule != MOE_N_SCHEDULES)
    g_string_append_printf(text, "  schedule: %s\n", moe_schedule_words[p->schedule]);
  put_count(text, "  ", "zero", p->zero);
  put_count_unless(text, "  ", "shard_group", p->shard_group, 0);
  if (p->order)
    g_string_append_printf(text, "  order: %s\n", p->order);
  put_count_unless(text, "  ", "first_stage_layers", p->first_stage_layers, -1);
  put_count_unless(text, "  ", "last_stage_layers", p->last_stage_layers, -1);
  put_flag_if(text, "  ", "embedding_as_layer", p->embedding_as_layer);
  put_flag_if(text, "  ", "head_as_layer", p->head_as_layer);
  put_overlap(text, p);
}

static void put_recompute(GString *text, const MoeRecompute *recompute)
{
  const char *separator = "";

  if (recompute->mode == MOE_RECOMPUTE_NONE)
    return;
  if (recompute->mode == MOE_RECOMPUTE_FULL) {
    g_string_append(text, "recompute:\n  mode: full\n");
    if (recompute->method == MOE_METHOD_UNIFORM)
      g_string_append(text, "  method: uniform\n");
    put_count_unless(text, "  ", "layers", recompute->layers, -1);
    put_count_unless(text, "  ", "every", recompute->every, 1);
    return;
  }
  gboolean operators = recompute->mode == MOE_RECOMPUTE_OPERATORS;
  const char *const *words = operators ? moe_save_words : moe_module_words;
  guint bits = operators ? recompute->saves : recompute->modules;

  g_string_append(text,
                  operators ? "recompute: {mode: operators, saves: [" : "recompute: {mode: selective, modules: [");
  for (guint bit = 0; words[bit]; bit++)
    if (bits & (1u << bit)) {
      g_string_append_printf(text, "%s%s", separator, words[bit]);
      separator = ", ";
    }
  g_string_append(text, "]}\n");
}

/* Parts of a layer whose inputs wait in host memory. */
static void put_away(GString *text, guint modules)
{
  const char *separator = "  modules: [";

  for (guint bit = 0; moe_away_words[bit]; bit++)
    if (modules & (1u << bit)) {
      g_string_append_printf(text, "%s%s", separator, moe_away_words[bit]);
      separator = ", ";
    }
  if (modules)
    g_string_append(text, "]\n");
}

/* Activations and optimizer state in host memory. */
static void put_offload(GString *text, const MoeOffload *offload)
{
  if (offload->optimizer == 0 && offload->activations == 0 && offload->modules == 0)
    return;
  g_string_append(text, "offload:\n");
  if (offload->activations > 0)
    g_string_append_printf(text, "  activations: %.17g\n", offload->activations);
  put_away(text, offload->modules);
  if (offload->optimizer == 0)
    return;
  g_string_append_printf(text, "  optimizer: %g\n  update: %s\n", offload->optimizer,
                         offload->update == MOE_UPDATE_DEVICE ? "device" : "host");
  if (!offload->master)
    put_flag(text, "  ", "master", FALSE);
  put_flag_if(text, "  ", "gradients", offload->gradients);
  put_flag_if(text, "  ", "overlap", offload->overlap);
}

/* ---- stack ----------------------------------------------------------------------------------- */

/* The name alone where the input says nothing that differs from the stack; whether something does. */
static gboolean put_stack(GString *text, const char *name, const ImportStack *changes, const MoeStack *base)
{
  g_autoptr(GString) differences = g_string_new(NULL);

  if (base)
    import_put_changes(differences, changes, base);
  if (differences->len == 0) {
    put_text(text, "stack", name);
    return FALSE;
  }
  g_string_append(text, "stack:\n  ");
  put_text(text, "extends", name);
  g_string_append(text, differences->str);
  return TRUE;
}

/* A stack that is changed is assumed by the name that it extends, so that the changes hold. */
static void put_assumptions(GString *text, const GPtrArray *assumptions, gboolean changed)
{
  if (assumptions->len > 0)
    g_string_append(text, "assumptions:\n");
  for (guint i = 0; i < assumptions->len; i++) {
    const char *line = g_ptr_array_index(assumptions, i);
    const char *value = g_str_has_prefix(line, "stack:") && changed ? line + strlen("stack") : NULL;

    g_string_append_printf(text, "  %s%s\n", value ? "stack.extends" : "", value ? value : line);
  }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void put_comments(GString *text, const char *title, const GPtrArray *lines)
{
  if (lines->len > 0 && *title)
    g_string_append_printf(text, "# %s\n", title);
  for (guint i = 0; i < lines->len; i++) {
    g_autofree char *line = g_utf8_make_valid(g_ptr_array_index(lines, i), -1);

    g_string_append(text, *title ? "#   " : "# ");
    for (const char *p = line; *p; p = g_utf8_next_char(p))
      g_string_append_unichar(text, g_unichar_isprint(g_utf8_get_char(p)) ? g_utf8_get_char(p) : ' ');
    g_string_append_c(text, '\n');
  }
}

char *import_write(const Draft *draft, const char *cluster, const char *stack, const MoeStack *base,
                   GPtrArray *assumptions)
{
  g_autoptr(GString) text = g_string_new(NULL);
  const char *title = draft->options->title ? draft->options->title : draft->title;

  put_comments(text, "", draft->import->notes);
  put_comments(text, "applied:", draft->import->applied);
  put_comments(text, "without effect on time and memory:", draft->import->ignored);
  put_comments(text, "accepted and not used:", draft->import->unknown);
  put_text(text, "title", title ? title : "imported model");
  put_text(text, "source", draft->source);
  put_architecture(text, &draft->architecture);
  put_training(text, draft);
  put_parallelism(text, &draft->parallelism);
  put_recompute(text, &draft->recompute);
  put_offload(text, &draft->offload);
  put_text(text, "cluster", cluster);
  put_assumptions(text, assumptions, put_stack(text, stack, &draft->stack, base));
  return g_string_free(g_steal_pointer(&text), FALSE);
}
