/*
 * Hugging Face configurations. One row per model type: which reader of attention, which of experts. Key names are those
 * of the published config.json files of each family and of the configuration classes of the transformers library.
 */
#include "import.h"
#include "json.h"

#include <string.h>

typedef void (*Reader)(JsonMap *map, Draft *draft);

typedef struct {
  const char *type; /* "model_type" */
  Reader attention;
  Reader feed_forward;
  Reader rest; /* what else differs; may be NULL */
} Family;

/* ---- attention ------------------------------------------------------------------------------- */

/* Whether layer i of the list attends to everything. */
static gboolean is_global_item(JsonArray *types, guint i)
{
  JsonNode *node = json_array_get_element(types, i);

  return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING &&
         strcmp(json_node_get_string(node), "full_attention") == 0;
}

static gboolean is_period(JsonArray *types, guint period)
{
  for (guint i = 0; i < json_array_get_length(types); i++)
    if (is_global_item(types, i) != ((i + 1) % period == 0))
      return FALSE;
  return TRUE;
}

/* The n for which every n-th layer is global: from "layer_types"; a model without the list has none. */
static int64_t global_period(JsonMap *map, const Draft *draft)
{
  JsonArray *types = json_map_list(map, "layer_types");
  guint n = types ? json_array_get_length(types) : 0;

  if (!types)
    return draft->architecture.layers + 1;
  for (guint period = 1; period <= n + 1; period++)
    if (is_period(types, period))
      return period;
  json_map_fail(map, "layer_types", "\"layer_types\" has no period, expected every n-th layer to be full_attention");
  return 1;
}

static void read_window(JsonMap *map, Draft *draft)
{
  MoeAttention *attention = &draft->architecture.attention;
  int64_t window = json_map_count(map, "sliding_window", 0);

  if (window == 0 || !json_map_flag(map, "use_sliding_window", TRUE))
    return;
  int64_t period = global_period(map, draft);

  if (period <= 1)
    return;
  attention->window = window;
  attention->global_every = period;
}

static void read_gqa(JsonMap *map, Draft *draft)
{
  MoeArchitecture *a = &draft->architecture;

  a->attention.kind = MOE_ATTENTION_GQA;
  a->attention.query_heads = json_map_need(map, "num_attention_heads");
  a->attention.kv_heads = json_map_count(map, "num_key_value_heads", a->attention.query_heads);
  a->attention.head_dim = json_map_count(map, "head_dim", a->hidden / a->attention.query_heads);
  a->qk_norm = json_map_flag(map, "use_qk_norm", FALSE);
  read_window(map, draft);
  if (!a->biases && json_map_flag(map, "attention_bias", FALSE) && !json_map_flag(map, "mlp_bias", FALSE))
    import_note(draft, "attention_bias: the biases of the projections are left out (under 0.01 %% of the parameters)");
}

static void read_qk_norm(JsonMap *map, Draft *draft)
{
  read_gqa(map, draft);
  draft->architecture.qk_norm = TRUE;
}

static void read_qkv_bias(JsonMap *map, Draft *draft)
{
  read_gqa(map, draft);
  import_note(draft, "the biases of query, key and value are left out (under 0.01 %% of the parameters)");
}

static void read_all_biases(JsonMap *map, Draft *draft)
{
  draft->architecture.biases = TRUE;
  read_gqa(map, draft);
}

static void read_mla(JsonMap *map, Draft *draft)
{
  MoeAttention *attention = &draft->architecture.attention;

  attention->kind = MOE_ATTENTION_MLA;
  attention->query_heads = json_map_need(map, "num_attention_heads");
  attention->q_rank = json_map_count(map, "q_lora_rank", 0);
  attention->kv_rank = json_map_need(map, "kv_lora_rank");
  attention->nope_dim = json_map_need(map, "qk_nope_head_dim");
  attention->rope_dim = json_map_need(map, "qk_rope_head_dim");
  attention->value_dim = json_map_need(map, "v_head_dim");
}

/* MiniMax-01 (arXiv:2501.08313, 2.2): seven of eight layers use lightning attention, which is linear over blocks of 256
 * tokens. */
#define LIGHTNING_BLOCK 256

static void read_lightning(JsonMap *map, Draft *draft)
{
  MoeAttention *attention = &draft->architecture.attention;
  JsonArray *types = json_map_list(map, "attn_type_list");
  guint n = types ? json_array_get_length(types) : 0, global = 0;

  read_gqa(map, draft);
  for (guint i = 0; i < n; i++)
    global += json_array_get_int_element(types, i) != 0;
  if (global == 0 || global == n)
    return;
  attention->window = LIGHTNING_BLOCK;
  attention->global_every = n / global;
  attention->kv_heads = attention->query_heads;
  import_note(draft, "lightning attention is taken as attention with all heads over a window of %d tokens, its block",
              LIGHTNING_BLOCK);
}

/* ---- feed-forward ---------------------------------------------------------------------------- */

static void read_dense(JsonMap *map, Draft *draft)
{
  draft->architecture.ffn.width = json_map_need(map, "intermediate_size");
}

static MoeExpertLayer *begin_moe(JsonMap *map, Draft *draft, const char *experts, const char *width)
{
  MoeExpertLayer *moe = &draft->architecture.moe;

  *moe = (MoeExpertLayer){.gated = TRUE, .every = 1, .groups = 1, .top_groups = 1};
  moe->experts = json_map_need(map, experts);
  moe->top_k = json_map_need_either(map, "num_experts_per_tok", "experts_per_token");
  moe->width = json_map_need(map, width);
  return moe;
}

/* Every layer is MoE, and "intermediate_size" is the width of one expert: Mixtral, GPT-OSS, MiniMax. */
static void read_local_experts(JsonMap *map, Draft *draft)
{
  begin_moe(map, draft, "num_local_experts", "intermediate_size");
  draft->architecture.ffn.width = draft->architecture.moe.width;
}

static void read_shared_width(JsonMap *map, MoeExpertLayer *moe)
{
  moe->shared_width = json_map_count(map, "shared_expert_intermediate_size", 0);
  moe->shared_experts = moe->shared_width > 0 ? 1 : 0;
}

/* Qwen: layer i is MoE when (i + 1) is a multiple of "decoder_sparse_step" and i is not in "mlp_only_layers". */
static void read_qwen_moe(JsonMap *map, Draft *draft)
{
  MoeExpertLayer *moe = begin_moe(map, draft, "num_experts", "moe_intermediate_size");
  JsonArray *dense = json_map_list(map, "mlp_only_layers");

  draft->architecture.ffn.width = json_map_count(map, "intermediate_size", moe->width);
  moe->every = MAX(json_map_count(map, "decoder_sparse_step", 1), 1);
  moe->first_layer = moe->every - 1;
  read_shared_width(map, moe);
  if (dense && json_array_get_length(dense) > 0)
    json_map_fail(map, "mlp_only_layers", "\"mlp_only_layers\" names layers, expected an empty list");
}

/* DeepSeek, Kimi, GLM: dense layers first, then MoE; shared experts as wide as routed ones. */
static void read_deepseek_moe(JsonMap *map, Draft *draft)
{
  if (!json_map_has(map, "n_routed_experts")) {
    read_dense(map, draft);
    return;
  }
  MoeExpertLayer *moe = begin_moe(map, draft, "n_routed_experts", "moe_intermediate_size");

  draft->architecture.ffn.width = json_map_need(map, "intermediate_size");
  moe->first_layer = json_map_count(map, "first_k_dense_replace", 0);
  moe->every = MAX(json_map_count(map, "moe_layer_freq", 1), 1);
  moe->shared_experts = json_map_count(map, "n_shared_experts", 0);
  moe->shared_width = moe->shared_experts > 0 ? moe->width : 0;
  moe->groups = MAX(json_map_count(map, "n_group", 1), 1);
  moe->top_groups = CLAMP(json_map_count(map, "topk_group", moe->groups), 1, moe->groups);
}

/* Llama 4: every "interleave_moe_layer_step"-th layer has experts and one shared expert of their width. */
static void read_llama4_moe(JsonMap *map, Draft *draft)
{
  MoeExpertLayer *moe = begin_moe(map, draft, "num_local_experts", "intermediate_size");

  draft->architecture.ffn.width = json_map_need(map, "intermediate_size_mlp");
  moe->every = MAX(json_map_count(map, "interleave_moe_layer_step", 1), 1);
  moe->first_layer = moe->every - 1;
  moe->shared_experts = 1;
  moe->shared_width = moe->width;
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void read_nextn(JsonMap *map, Draft *draft)
{
  draft->architecture.mtp_layers = json_map_count(map, "num_nextn_predict_layers", 0);
}

static void read_minimax_mtp(JsonMap *map, Draft *draft)
{
  if (json_map_flag(map, "use_mtp", FALSE))
    draft->architecture.mtp_layers =
        json_map_count(map, "num_mtp_modules", 1) * json_map_count(map, "mtp_transformer_layers", 1);
}

static void read_post_norms(G_GNUC_UNUSED JsonMap *map, Draft *draft)
{
  draft->architecture.norms_per_layer = 4;
}

static const Family families[] = {
    {"deepseek_v2", read_mla, read_deepseek_moe, NULL},
    {"deepseek_v3", read_mla, read_deepseek_moe, read_nextn},
    {"glm4", read_qkv_bias, read_dense, read_post_norms},
    {"glm4_moe", read_gqa, read_deepseek_moe, read_nextn},
    {"gpt_oss", read_all_biases, read_local_experts, NULL},
    {"kimi_k2", read_mla, read_deepseek_moe, read_nextn},
    {"llama", read_gqa, read_dense, NULL},
    {"llama4_text", read_gqa, read_llama4_moe, NULL},
    {"minimax", read_lightning, read_local_experts, NULL},
    {"minimax_m2", read_gqa, read_local_experts, read_minimax_mtp},
    {"minimax_text_01", read_lightning, read_local_experts, NULL},
    {"mistral", read_gqa, read_dense, NULL},
    {"mixtral", read_gqa, read_local_experts, NULL},
    {"qwen2", read_qkv_bias, read_dense, NULL},
    {"qwen2_moe", read_qkv_bias, read_qwen_moe, NULL},
    {"qwen3", read_qk_norm, read_dense, NULL},
    {"qwen3_moe", read_qk_norm, read_qwen_moe, NULL},
};

static const char *const type_words[] = {
    "deepseek_v2", "deepseek_v3",     "glm4",    "glm4_moe", "gpt_oss", "kimi_k2",   "llama", "llama4_text", "minimax",
    "minimax_m2",  "minimax_text_01", "mistral", "mixtral",  "qwen2",   "qwen2_moe", "qwen3", "qwen3_moe",   NULL,
};

G_STATIC_ASSERT(G_N_ELEMENTS(type_words) == G_N_ELEMENTS(families) + 1);

static const Family *find_family(JsonMap *map)
{
  const char *type = json_map_text(map, "model_type");

  for (guint i = 0; type && i < G_N_ELEMENTS(families); i++)
    if (strcmp(families[i].type, type) == 0)
      return &families[i];
  if (!type) {
    json_map_fail(map, "model_type", "no \"model_type\", expected one such as llama or deepseek_v3");
    return NULL;
  }
  const char *nearest = moe_nearest_word(type, type_words);
  g_autofree char *known = g_strjoinv(", ", (char **)type_words);
  g_autofree char *shown = g_utf8_substring(type, 0, MIN(g_utf8_strlen(type, -1), 40));

  if (nearest)
    json_map_fail(map, "model_type", "model type \"%s\" is not known, did you mean %s?", shown, nearest);
  else
    json_map_fail(map, "model_type", "model type \"%s\" is not known, expected one of %s", shown, known);
  return NULL;
}

static void read_model(JsonMap *map, Draft *draft, const Family *family)
{
  MoeArchitecture *a = &draft->architecture;

  a->layers = json_map_need(map, "num_hidden_layers");
  a->hidden = json_map_need(map, "hidden_size");
  a->vocabulary = json_map_need(map, "vocab_size");
  a->tied_embeddings = json_map_flag(map, "tie_word_embeddings", FALSE);
  family->attention(map, draft);
  family->feed_forward(map, draft);
  if (family->rest)
    family->rest(map, draft);
}

#define MOST_EXPERT_RANKS 8 /* of the layout chosen: one host; a search finds better ones */

/* The largest power of two that divides the experts, up to a host. */
static void choose_experts(Draft *draft)
{
  int64_t experts = draft->architecture.moe.experts;

  while (experts > 0 && draft->parallelism.expert < MOST_EXPERT_RANKS && experts % (draft->parallelism.expert * 2) == 0)
    draft->parallelism.expert *= 2;
  draft->parallelism.zero = 1;
  draft->parallelism.overlap.gradient_reduce = draft->parallelism.overlap.parameter_gather = TRUE;
  import_note(draft,
              "the layout is not in the input: expert %" G_GINT64_FORMAT ", zero 1 chosen; moesim search finds others",
              draft->parallelism.expert);
}

static gboolean read_object(JsonObject *object, const char *text, const char *name, Draft *draft, GError **error)
{
  JsonMap map = {.file = name, .text = text, .object = object};
  const Family *family = find_family(&map);

  if (family)
    read_model(&map, draft, family);
  if (map.error)
    g_propagate_error(error, map.error);
  return map.error == NULL;
}

/* Multimodal models keep the language model's configuration in "text_config". */
static JsonObject *language_model(JsonObject *root)
{
  JsonNode *node = json_object_get_member(root, "text_config");

  return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : root;
}

MoeImport *moe_import_hf(const char *text, gsize length, const char *name, const MoeImportOptions *options,
                         GError **error)
{
  g_autofree char *copy = g_strndup(text, length); /* ends in NUL, for the search of lines */
  g_autoptr(JsonNode) root = interchange_json_parse(text, length, name, error);
  g_autofree char *source = g_strdup_printf("%s, Hugging Face configuration", name);
  Draft draft;

  if (!root)
    return NULL;
  import_draft_init(&draft, options);
  g_autoptr(MoeImport) import = draft.import;
  g_autoptr(GPtrArray) open = draft.open;
  draft.source = source;
  draft.title = "imported from a Hugging Face configuration";
  if (!read_object(language_model(json_node_get_object(root)), copy, name, &draft, error))
    return NULL;
  choose_experts(&draft);
  if (!import_finish(&draft, error))
    return NULL;
  return g_steal_pointer(&import);
}
