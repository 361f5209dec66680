/* A run's model as a Hugging Face configuration: the inverse of import_hf.c, by the family that says its shape. */
#include "layer/layer.h"
#include <json-glib/json-glib.h>
#include <moesim/export.h>
#include <string.h>

typedef struct {
  const MoeArchitecture *a;
  JsonBuilder *builder;
  GPtrArray *notes;
} Writer;

static void put_count(Writer *writer, const char *key, int64_t value)
{
  json_builder_set_member_name(writer->builder, key);
  json_builder_add_int_value(writer->builder, value);
}

static void put_flag(Writer *writer, const char *key, gboolean value)
{
  json_builder_set_member_name(writer->builder, key);
  json_builder_add_boolean_value(writer->builder, value);
}

static void put_text(Writer *writer, const char *key, const char *value)
{
  json_builder_set_member_name(writer->builder, key);
  json_builder_add_string_value(writer->builder, value);
}

static void note_if(Writer *writer, gboolean wanted, const char *what)
{
  if (wanted)
    g_ptr_array_add(writer->notes, g_strdup_printf("no key says: %s", what));
}

/* ---- families -------------------------------------------------------------------------------- */

static const char *dense_type(const MoeArchitecture *a)
{
  if (!a->ffn.gated)
    return a->biases ? "starcoder2" : "nemotron";
  return a->norms_per_layer == 4 ? (a->qk_norm ? "gemma3_text" : "glm4") : a->qk_norm ? "qwen3" : "llama";
}

/* Experts in every n-th layer, the last of each n: Qwen's pattern; after dense layers: GLM's. */
static const char *expert_type(const MoeArchitecture *a)
{
  const MoeExpertLayer *moe = &a->moe;

  if (a->attention.kind == MOE_ATTENTION_MLA)
    return "deepseek_v3";
  if (a->biases)
    return "gpt_oss";
  if (moe->first_layer > 0 && moe->every == 1)
    return "glm4_moe";
  if (moe->every > 1 || a->qk_norm || moe->shared_experts > 0)
    return a->qk_norm ? "qwen3_moe" : "qwen2_moe";
  return "mixtral";
}

static const char *type_of(const MoeArchitecture *a)
{
  if (a->moe.experts > 0)
    return expert_type(a);
  return a->attention.kind == MOE_ATTENTION_MLA ? "deepseek_v3" : dense_type(a);
}

/* ---- sections -------------------------------------------------------------------------------- */

static void put_window(Writer *writer)
{
  const MoeArchitecture *a = writer->a;

  if (a->attention.window == 0)
    return;
  put_count(writer, "sliding_window", a->attention.window);
  put_flag(writer, "use_sliding_window", TRUE);
  json_builder_set_member_name(writer->builder, "layer_types");
  json_builder_begin_array(writer->builder);
  for (int64_t layer = 0; layer < a->layers; layer++)
    json_builder_add_string_value(writer->builder,
                                  moe_layer_is_global(a, layer) ? "full_attention" : "sliding_attention");
  json_builder_end_array(writer->builder);
}

static void put_attention(Writer *writer)
{
  const MoeAttention *attention = &writer->a->attention;

  put_count(writer, "num_attention_heads", attention->query_heads);
  if (attention->kind == MOE_ATTENTION_MLA) {
    if (attention->q_rank > 0)
      put_count(writer, "q_lora_rank", attention->q_rank);
    put_count(writer, "kv_lora_rank", attention->kv_rank);
    put_count(writer, "qk_nope_head_dim", attention->nope_dim);
    put_count(writer, "qk_rope_head_dim", attention->rope_dim);
    put_count(writer, "v_head_dim", attention->value_dim);
    return;
  }
  put_count(writer, "num_key_value_heads", attention->kv_heads);
  put_count(writer, "head_dim", attention->head_dim);
  put_window(writer);
}

static void put_shared(Writer *writer, const char *type)
{
  const MoeExpertLayer *moe = &writer->a->moe;
  gboolean own = g_str_has_prefix(type, "qwen"); /* the width of all shared experts together */

  if (moe->shared_experts == 0)
    return;
  if (own)
    put_count(writer, "shared_expert_intermediate_size", moe->shared_experts * moe->shared_width);
  else
    put_count(writer, "n_shared_experts", moe->shared_experts * moe->shared_width / MAX(moe->width, 1));
  note_if(writer, !own && moe->shared_experts * moe->shared_width % MAX(moe->width, 1) != 0,
          "shared experts that are no multiple of a routed one");
}

/* DeepSeek: layers from the first on whose number the frequency divides; others are listed, as newer ones do. */
static void put_expert_layers(Writer *writer)
{
  const MoeExpertLayer *moe = &writer->a->moe;

  put_count(writer, "first_k_dense_replace", moe->first_layer);
  if (moe->first_layer % moe->every == 0 || moe->every == 1) {
    put_count(writer, "moe_layer_freq", moe->every);
    return;
  }
  json_builder_set_member_name(writer->builder, "mlp_layer_types");
  json_builder_begin_array(writer->builder);
  for (int64_t layer = 0; layer < writer->a->layers; layer++)
    json_builder_add_string_value(writer->builder,
                                  moe_layer_kind(writer->a, layer).feed == MOE_FEED_MOE ? "sparse" : "dense");
  json_builder_end_array(writer->builder);
}

static void put_experts(Writer *writer, const char *type)
{
  const MoeExpertLayer *moe = &writer->a->moe;
  gboolean local = strcmp(type, "mixtral") == 0 || strcmp(type, "gpt_oss") == 0;
  gboolean late = strcmp(type, "glm4_moe") == 0 || strcmp(type, "deepseek_v3") == 0;

  put_count(writer, local ? "num_local_experts" : late ? "n_routed_experts" : "num_experts", moe->experts);
  put_count(writer, "num_experts_per_tok", moe->top_k);
  put_count(writer, "intermediate_size", local ? moe->width : MAX(writer->a->ffn.width, 1));
  if (!local)
    put_count(writer, "moe_intermediate_size", moe->width);
  if (late) {
    put_expert_layers(writer);
    put_count(writer, "n_group", moe->groups);
    put_count(writer, "topk_group", moe->top_groups);
  } else if (!local) {
    put_count(writer, "decoder_sparse_step", moe->every);
  }
  put_shared(writer, type);
  note_if(writer, !local && !late && moe->first_layer != moe->every - 1, "which layers have experts");
  note_if(writer, moe->latent > 0, "experts behind a projection of their own");
  note_if(writer, !moe->gated, "experts of two matrices");
  note_if(writer, moe->clamped != (strcmp(type, "gpt_oss") == 0), "whether the activation's inputs are limited");
}

static void put_rest(Writer *writer, const char *type)
{
  const MoeArchitecture *a = writer->a;

  if (strcmp(type, "glm4_moe") == 0)
    put_flag(writer, "use_qk_norm", a->qk_norm);
  if (a->mtp_layers > 0)
    put_count(writer, "num_nextn_predict_layers", a->mtp_layers);
  note_if(writer, a->mtp_layers > 0 && strcmp(type, "deepseek_v3") != 0 && strcmp(type, "glm4_moe") != 0,
          "prediction modules of this family");
  note_if(writer,
          a->n_pattern > 0 || a->attention.chunk > 0 || a->attention.index.top_k > 0 || a->attention.gated ||
              a->moe.zero_experts > 0,
          "hybrid layers, chunked, sparse or gated attention, experts that do not compute");
  note_if(writer, a->learned_positions > 0, "a table of learned positions");
  note_if(writer, a->biases && strcmp(type, "gpt_oss") != 0 && strcmp(type, "starcoder2") != 0, "biases everywhere");
  note_if(writer, a->norms_per_layer != 2 && strcmp(type, "glm4") != 0 && strcmp(type, "gemma3_text") != 0,
          "more or fewer norms than two per layer");
  note_if(writer, a->moe.experts > 0 && a->attention.window > 0 && strcmp(type, "deepseek_v3") == 0, "windows");
}

char *moe_export_hf_text(const MoeRun *run, GPtrArray *notes)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autoptr(JsonGenerator) generator = json_generator_new();
  g_autoptr(GPtrArray) unsaid = g_ptr_array_new_with_free_func(g_free);
  Writer writer = {.a = &run->architecture, .builder = builder, .notes = notes ? notes : unsaid};
  const char *type = type_of(writer.a);

  json_builder_begin_object(builder);
  put_text(&writer, "model_type", type);
  put_count(&writer, "hidden_size", writer.a->hidden);
  put_count(&writer, "num_hidden_layers", writer.a->layers);
  put_count(&writer, "vocab_size", writer.a->vocabulary);
  put_flag(&writer, "tie_word_embeddings", writer.a->tied_embeddings);
  put_attention(&writer);
  if (writer.a->moe.experts > 0)
    put_experts(&writer, type);
  else
    put_count(&writer, "intermediate_size", writer.a->ffn.width);
  put_rest(&writer, type);
  json_builder_end_object(builder);
  g_autoptr(JsonNode) root = json_builder_get_root(builder);

  json_generator_set_root(generator, root);
  json_generator_set_pretty(generator, TRUE);
  g_autofree char *text = json_generator_to_data(generator, NULL);

  return g_strconcat(text, "\n", NULL);
}
