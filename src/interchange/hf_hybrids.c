/* Hybrids and sparse attention of Hugging Face configurations: layers of linear attention among others, Mamba-2, an
 * index that chooses keys, chunks, experts that do not compute. Keys as in published config.json files. */
#include "hf.h"

#include <string.h>

/* ---- patterns -------------------------------------------------------------------------------- */

void hf_add_layer(JsonMap *map, const char *key, MoeArchitecture *a, const MoeLayerKind *kind)
{
  MoePatternItem *last = a->n_pattern > 0 ? &a->pattern[a->n_pattern - 1] : NULL;

  if (last && moe_layer_kind_equal(&last->kind, kind)) {
    last->count++;
    return;
  }
  if (a->n_pattern == MOE_MAX_PATTERN) {
    json_map_fail(map, key, "\"%s\" changes its kind of layer more than %d times", key, MOE_MAX_PATTERN);
    return;
  }
  a->pattern[a->n_pattern++] = (MoePatternItem){.kind = *kind, .count = 1};
}

static void add_layer(JsonMap *map, const char *key, MoeArchitecture *a, MoeMixer mixer, int feed)
{
  hf_add_layer(map, key, a, &(MoeLayerKind){.mixer = (int)mixer, .feed = feed});
}

/* What follows attention is as the readers of experts say. */
#define FEED_AS_READ (-1)

/* "layer_types", else every so many layers; the last of each has full attention. */
static void read_interval(JsonMap *map, Draft *draft)
{
  MoeArchitecture *a = &draft->architecture;
  JsonArray *types = json_map_list(map, "layer_types");
  int64_t interval = MAX(json_map_count(map, "full_attention_interval", 4), 1);

  for (int64_t layer = 0; layer < a->layers; layer++) {
    gboolean full = (layer + 1) % interval == 0;

    if (types && layer < (int64_t)json_array_get_length(types)) {
      JsonNode *node = json_array_get_element(types, (guint)layer);

      full = JSON_NODE_HOLDS_VALUE(node) && g_strcmp0(json_node_get_string(node), "linear_attention") != 0;
    }
    add_layer(map, "layer_types", a, full ? MOE_MIXER_ATTENTION : MOE_MIXER_LINEAR, FEED_AS_READ);
  }
}

/* ---- gated delta rule ------------------------------------------------------------------------ */

/* Qwen3-Next and Qwen3.5: three layers of the gated delta rule to one of attention with an output gate. */
void hf_gated_delta(JsonMap *map, Draft *draft)
{
  MoeArchitecture *a = &draft->architecture;

  hf_heads(map, draft);
  a->qk_norm = TRUE;
  a->attention.gated = json_map_flag(map, "attn_output_gate", TRUE);
  json_map_flag(map, "attention_bias", FALSE);
  json_map_text(map, "output_gate_type"); /* its activation */
  json_map_text(map, "mamba_ssm_dtype");  /* of the state, FP32 in any kernel */
  a->linear = (MoeLinearAttention){.kind = MOE_LINEAR_GATED_DELTA,
                                   .key_heads = json_map_need(map, "linear_num_key_heads"),
                                   .value_heads = json_map_need(map, "linear_num_value_heads"),
                                   .key_dim = json_map_need(map, "linear_key_head_dim"),
                                   .value_dim = json_map_need(map, "linear_value_head_dim"),
                                   .convolution = json_map_count(map, "linear_conv_kernel_dim", 4)};
  read_interval(map, draft);
}

void hf_qwen_mtp(JsonMap *map, Draft *draft)
{
  draft->architecture.mtp_layers = json_map_count(map, "mtp_num_hidden_layers", 0);
}

/* ---- Kimi Delta Attention -------------------------------------------------------------------- */

static JsonObject *linear_config(JsonMap *map)
{
  JsonNode *node = json_object_get_member(map->object, "linear_attn_config");

  if (node && JSON_NODE_HOLDS_OBJECT(node)) {
    g_hash_table_add(map->used, g_strdup("linear_attn_config"));
    return json_node_get_object(node);
  }
  json_map_fail(map, "linear_attn_config", "no \"linear_attn_config\", expected an object");
  return NULL;
}

JsonArray *hf_layer_list(JsonMap *map, const char *key, int64_t layers)
{
  JsonArray *list = json_map_list(map, key);
  guint n = list ? json_array_get_length(list) : 0;

  if (n <= layers)
    return list;
  json_map_fail(map, key, "\"%s\" names %u layers, expected some of the %" G_GINT64_FORMAT, key, n, layers);
  return NULL;
}

gboolean hf_is_listed(JsonMap *map, const char *key, JsonArray *list, int64_t layer)
{
  for (guint i = 0; list && i < json_array_get_length(list); i++)
    if (json_map_element(map, key, list, i) == layer)
      return TRUE;
  return FALSE;
}

/* Kimi-Linear: "full_attn_layers" counts from 1; the others have Kimi Delta Attention. */
void hf_kimi_linear(JsonMap *map, Draft *draft)
{
  static const char full_key[] = "full_attn_layers";
  MoeArchitecture *a = &draft->architecture;
  JsonObject *object = linear_config(map);

  hf_mla(map, draft);
  json_map_flag(map, "mla_use_nope", TRUE); /* no rotary positions, at the same widths */
  json_map_count(map, "num_expert_group", 1);
  if (!object)
    return;
  JsonMap inner = {.file = map->file, .text = map->text, .object = object, .used = NULL};
  JsonArray *full = hf_layer_list(&inner, full_key, a->layers);
  int64_t heads = json_map_need(&inner, "num_heads"), dim = json_map_need(&inner, "head_dim");

  a->linear = (MoeLinearAttention){.kind = MOE_LINEAR_KDA,
                                   .key_heads = heads,
                                   .value_heads = heads,
                                   .key_dim = dim,
                                   .value_dim = dim,
                                   .convolution = json_map_count(&inner, "short_conv_kernel_size", 4)};
  for (int64_t layer = 0; full && layer < a->layers; layer++)
    add_layer(map, "linear_attn_config", a,
              hf_is_listed(&inner, full_key, full, layer + 1) ? MOE_MIXER_ATTENTION : MOE_MIXER_LINEAR, FEED_AS_READ);
  if (inner.error && !map->error)
    map->error = g_steal_pointer(&inner.error);
  g_clear_error(&inner.error);
}

/* ---- Mamba-2 --------------------------------------------------------------------------------- */

/* Nemotron-H: Mamba-2, attention, experts, a dense network; each is a layer of its own, a letter or a word. */
static const struct {
  char letter;
  const char *word;
  MoeMixer mixer;
  MoeFeed feed;
} nemotron_layers[] = {{'M', "mamba", MOE_MIXER_LINEAR, MOE_FEED_NONE},
                       {'*', "attention", MOE_MIXER_ATTENTION, MOE_FEED_NONE},
                       {'E', "moe", MOE_MIXER_NONE, MOE_FEED_MOE},
                       {'-', "mlp", MOE_MIXER_NONE, MOE_FEED_DENSE}};

/* A layer by its letter, or by its word when that is not NULL. */
static void add_nemotron_layer(JsonMap *map, Draft *draft, const char *key, char letter, const char *word)
{
  for (gsize i = 0; i < G_N_ELEMENTS(nemotron_layers); i++)
    if (word ? strcmp(word, nemotron_layers[i].word) == 0 : letter == nemotron_layers[i].letter) {
      add_layer(map, key, &draft->architecture, nemotron_layers[i].mixer, nemotron_layers[i].feed);
      return;
    }
  if (word)
    json_map_fail(map, key, "\"%s\" has '%.20s', expected mamba, attention, moe or mlp", key, word);
  else
    json_map_fail(map, key, "\"%s\" has '%c', expected M, *, E or -", key, g_ascii_isprint(letter) ? letter : '?');
}

static void read_letters(JsonMap *map, Draft *draft)
{
  const char *letters = json_map_text(map, "hybrid_override_pattern");

  if (!letters || (int64_t)strlen(letters) != draft->architecture.layers) {
    json_map_fail(map, "hybrid_override_pattern", "\"hybrid_override_pattern\" is no text of a letter per layer");
    return;
  }
  for (; *letters; letters++)
    add_nemotron_layer(map, draft, "hybrid_override_pattern", *letters, NULL);
}

/* "layers_block_type": a word per layer. */
static void read_block_types(JsonMap *map, Draft *draft)
{
  JsonArray *list = json_map_list(map, "layers_block_type");

  if (!list || json_array_get_length(list) != (guint64)draft->architecture.layers) {
    json_map_fail(map, "layers_block_type", "\"layers_block_type\" is no list of a word per layer");
    return;
  }
  for (guint i = 0; i < json_array_get_length(list); i++) {
    JsonNode *node = json_array_get_element(list, i);
    gboolean text = JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING;

    add_nemotron_layer(map, draft, "layers_block_type", '\0', text ? json_node_get_string(node) : "");
  }
}

/* Prediction modules of one attention and one layer of experts are as a run has them. */
void hf_nemotron_h_mtp(JsonMap *map, Draft *draft)
{
  JsonNode *list = json_object_get_member(map->object, "mtp_layers_block_type");
  g_autofree char *words = list ? json_to_string(list, FALSE) : NULL;
  const char *letters =
      json_map_has(map, "mtp_hybrid_override_pattern") ? json_map_text(map, "mtp_hybrid_override_pattern") : NULL;

  if (g_strcmp0(letters, "*E") != 0 && g_strcmp0(words, "[\"attention\",\"moe\"]") != 0)
    return;
  if (words)
    json_map_list(map, "mtp_layers_block_type");
  hf_nextn(map, draft);
}

void hf_nemotron_h(JsonMap *map, Draft *draft)
{
  MoeArchitecture *a = &draft->architecture;

  hf_heads(map, draft);
  a->linear = (MoeLinearAttention){.kind = MOE_LINEAR_MAMBA2,
                                   .key_heads = json_map_count(map, "n_groups", 1),
                                   .value_heads = json_map_need(map, "mamba_num_heads"),
                                   .key_dim = json_map_need(map, "ssm_state_size"),
                                   .value_dim = json_map_need(map, "mamba_head_dim"),
                                   .convolution = json_map_count(map, "conv_kernel", 4),
                                   .chunk = json_map_count(map, "chunk_size", 0)};
  json_map_count(map, "expand", 2); /* its heads and their width say the same */
  json_map_flag(map, "use_conv_bias", FALSE);
  json_map_flag(map, "use_mamba_kernels", TRUE);
  json_map_text(map, "mamba_hidden_act");
  json_map_text(map, "mamba_ssm_cache_dtype");
  if (json_map_has(map, "layers_block_type"))
    read_block_types(map, draft);
  else
    read_letters(map, draft);
}

/* Experts with relu^2, two matrices each; the shared one has a width of its own. */
void hf_nemotron_h_experts(JsonMap *map, Draft *draft)
{
  MoeExpertLayer *moe = &draft->architecture.moe;

  draft->architecture.ffn = (MoeFfn){.width = json_map_need(map, "intermediate_size"), .gated = FALSE};
  if (!json_map_has(map, "num_experts"))
    return;
  hf_deepseek_experts(map, draft);
  draft->architecture.ffn.gated = moe->gated = FALSE;
  moe->shared_width = json_map_count(map, "moe_shared_expert_intermediate_size", moe->shared_width);
  moe->latent = json_map_count(map, "moe_latent_size", 0);
}

/* ---- sparse attention ------------------------------------------------------------------------ */

/* Layers that all have an index of their own; layers that take another's stay an open key. */
static void read_indexer_types(JsonMap *map)
{
  JsonNode *node = json_object_get_member(map->object, "indexer_types");
  JsonArray *list = node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

  for (guint i = 0; list && i < json_array_get_length(list); i++) {
    JsonNode *type = json_array_get_element(list, i);
    gboolean text = JSON_NODE_HOLDS_VALUE(type) && json_node_get_value_type(type) == G_TYPE_STRING;

    if (!text || strcmp(json_node_get_string(type), "full") != 0)
      return;
  }
  if (list)
    json_map_list(map, "indexer_types");
}

/* DeepSeek-V3.2, GLM-5: an index chooses the keys. */
void hf_mla_index(JsonMap *map, Draft *draft)
{
  MoeAttention *attention = &draft->architecture.attention;

  hf_mla(map, draft);
  attention->index.heads = json_map_need(map, "index_n_heads");
  attention->index.dim = json_map_need(map, "index_head_dim");
  attention->index.top_k = json_map_need(map, "index_topk");
  json_map_flag(map, "indexer_rope_interleave", FALSE);
  read_indexer_types(map);
  json_map_count(map, "qk_head_dim", 0); /* the sum of the two parts of a key */
  json_map_count(map, "head_dim", 0);
}

/* ---- LongCat --------------------------------------------------------------------------------- */

/* Each layer has two attentions and two dense networks, with experts on a shortcut beside them: two layers here,
 * experts beside the first dense network, which stands as their shared expert. */
void hf_longcat(JsonMap *map, Draft *draft)
{
  MoeArchitecture *a = &draft->architecture;
  int64_t dense = json_map_need(map, "intermediate_size"), zero = json_map_count(map, "zero_expert_num", 0);
  int64_t experts = json_map_need(map, "num_experts"), top_k = json_map_need(map, "num_experts_per_tok");
  /* A router that is balanced chooses real experts as often as they are among all (LongCat-Flash report, 2.1). */
  double real = (double)top_k * (double)experts / (double)(experts + zero);

  a->layers *= 2;
  a->ffn.width = dense;
  a->moe = (MoeExpertLayer){.every = 2,
                            .experts = experts,
                            .zero_experts = zero,
                            .top_k = top_k,
                            .real_top_k = real,
                            .width = json_map_need(map, "expert_ffn_hidden_size"),
                            .gated = TRUE,
                            .shared_experts = 1,
                            .shared_width = dense,
                            .groups = 1,
                            .top_groups = 1};
  json_map_text(map, "zero_expert_type");
  json_map_text(map, "attention_method");
  json_map_flag(map, "mla_scale_q_lora", FALSE);
  json_map_flag(map, "mla_scale_kv_lora", FALSE);
  import_note(draft, "each layer with two attentions is two layers; experts on a shortcut run beside the first one's "
                     "dense network");
}
