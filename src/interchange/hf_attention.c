/* Attention of Hugging Face configurations. Keys as in the configuration classes of the transformers library and in
 * published config.json files. */
#include "hf.h"

#include <string.h>

/* ---- windows --------------------------------------------------------------------------------- */

static const char *element_text(JsonArray *list, guint i)
{
  JsonNode *node = json_array_get_element(list, i);

  return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node)
                                                                                        : "";
}

/* Every `period`-th layer sees everything; 0: none does. */
static GArray *local_by_period(const Draft *draft, int64_t period)
{
  GArray *local = hf_choices(draft);

  for (guint i = 0; i < local->len; i++)
    g_array_index(local, gboolean, i) = period == 0 || (i + 1) % period != 0;
  return local;
}

/* Qwen2: layers from the `first` on have the window. */
static GArray *local_from(const Draft *draft, int64_t first)
{
  GArray *local = hf_choices(draft);

  for (guint i = 0; i < local->len; i++)
    g_array_index(local, gboolean, i) = (int64_t)i >= first;
  return local;
}

static gboolean has_any(const GArray *choices)
{
  for (guint i = 0; i < choices->len; i++)
    if (g_array_index(choices, gboolean, i))
      return TRUE;
  return FALSE;
}

/* "layer_types", else "max_window_layers", else every `otherwise`-th layer global (beyond the layers: none). */
static void read_window(JsonMap *map, Draft *draft, int64_t otherwise)
{
  int64_t window = json_map_count(map, "sliding_window", 0);
  gboolean on = json_map_flag(map, "use_sliding_window", TRUE);
  int64_t first = json_map_count(map, "max_window_layers", 0);
  g_autoptr(GArray) types = hf_word_choices(map, "layer_types", draft, "sliding_attention", "full_attention");
  g_autoptr(GArray) said = first > 0 ? local_from(draft, first) : local_by_period(draft, otherwise);
  const GArray *local = types ? types : said;

  if (types)
    g_hash_table_add(map->used, g_strdup("sliding_window_pattern")); /* says again what the list says */
  if (window == 0 || !on || !has_any(local))
    return;
  draft->architecture.attention.window = window;
  hf_set_local(map, types ? "layer_types" : "max_window_layers", draft, local);
}

/* ---- grouped queries ------------------------------------------------------------------------- */

void hf_heads(JsonMap *map, Draft *draft)
{
  MoeArchitecture *a = &draft->architecture;

  a->attention.kind = MOE_ATTENTION_GQA;
  a->attention.query_heads = json_map_need(map, "num_attention_heads");
  a->attention.kv_heads = json_map_count(map, "num_key_value_heads", a->attention.query_heads);
  a->attention.head_dim = json_map_count(map, "head_dim", a->hidden / a->attention.query_heads);
  if (!json_map_has(map, "head_dim") && a->hidden % a->attention.query_heads != 0)
    json_map_fail(map, json_map_spelling(map, "num_attention_heads"),
                  "%" G_GINT64_FORMAT " heads in a width of %" G_GINT64_FORMAT
                  ", expected heads that divide it, or \"head_dim\"",
                  a->attention.query_heads, a->hidden);
}

static void note_bias(Draft *draft, const char *what)
{
  import_note(draft, "the biases of %s are left out (under 0.01 %% of the parameters)", what);
}

/* Biases of a few projections, by whatever name; all the names count as looked at. */
static gboolean has_biases(JsonMap *map)
{
  static const char *const keys[] = {"attention_bias", "use_qkv_bias", "qkv_bias",    "use_bias",
                                     "mlp_bias",       "bias",         "lm_head_bias"};
  gboolean any = FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
    any = json_map_flag(map, keys[i], FALSE) || any;
  return any;
}

void hf_gqa(JsonMap *map, Draft *draft)
{
  MoeArchitecture *a = &draft->architecture;

  hf_heads(map, draft);
  a->qk_norm = json_map_flag(map, "use_qk_norm", FALSE);
  read_window(map, draft, a->layers + 1);
  if (has_biases(map) && !a->biases)
    note_bias(draft, "projections");
}

void hf_gqa_qk_norm(JsonMap *map, Draft *draft)
{
  hf_gqa(map, draft);
  draft->architecture.qk_norm = json_map_flag(map, "use_qk_norm", TRUE);
}

void hf_gqa_qkv_bias(JsonMap *map, Draft *draft)
{
  hf_heads(map, draft);
  read_window(map, draft, draft->architecture.layers + 1);
  if (json_map_flag(map, "attention_bias", TRUE) && json_map_flag(map, "qkv_bias", TRUE))
    note_bias(draft, "query, key and value");
}

/* GPT-OSS: biases in every projection. */
void hf_gqa_all_biases(JsonMap *map, Draft *draft)
{
  draft->architecture.biases = TRUE;
  hf_gqa(map, draft);
}

/* Seed-OSS: biases of query, key and value by "attention_bias", of the output by a key of its own. */
void hf_gqa_seed(JsonMap *map, Draft *draft)
{
  hf_gqa(map, draft);
  if (json_map_flag(map, "attention_out_bias", FALSE))
    note_bias(draft, "the attention output");
}

/* Gemma: the embedding is the output layer. */
void hf_gqa_gemma(JsonMap *map, Draft *draft)
{
  hf_gqa(map, draft);
  hf_tied(map, draft);
}

/* Gemma 2: every second layer is global; norms before and after each sub-layer. */
void hf_gqa_gemma2(JsonMap *map, Draft *draft)
{
  hf_heads(map, draft);
  read_window(map, draft, 2);
  draft->architecture.norms_per_layer = 4;
  hf_tied(map, draft);
}

/* Gemma 3: every sixth layer is global unless the configuration says otherwise; norms of query and key. */
void hf_gqa_gemma3(JsonMap *map, Draft *draft)
{
  hf_heads(map, draft);
  read_window(map, draft, MAX(json_map_count(map, "sliding_window_pattern", 6), 1));
  draft->architecture.norms_per_layer = 4;
  draft->architecture.qk_norm = TRUE;
  hf_tied(map, draft);
}

/* Cohere: attention and feed-forward read the same norm; Command-R7B has windows in three of four layers. */
void hf_gqa_cohere(JsonMap *map, Draft *draft)
{
  hf_heads(map, draft);
  draft->architecture.qk_norm = json_map_flag(map, "use_qk_norm", FALSE);
  read_window(map, draft, MAX(json_map_count(map, "sliding_window_pattern", 4), 1));
  draft->architecture.norms_per_layer = 1;
  hf_tied(map, draft);
  import_note(draft, "attention and feed-forward side by side are taken one after the other");
}

/* Falcon: one key head, or those of the newer architecture. */
void hf_gqa_falcon(JsonMap *map, Draft *draft)
{
  MoeArchitecture *a = &draft->architecture;
  gboolean grouped = json_map_flag(map, "new_decoder_architecture", FALSE);
  gboolean single = json_map_flag(map, "multi_query", TRUE);

  hf_heads(map, draft);
  if (!grouped)
    a->attention.kv_heads = single ? 1 : a->attention.query_heads;
  a->biases = json_map_flag(map, "bias", FALSE);
  hf_tied(map, draft);
  if (json_map_flag(map, "parallel_attn", TRUE))
    import_note(draft, "attention and feed-forward side by side are taken one after the other");
}

/* GPT-2, OPT, BLOOM, GPT-NeoX: biases everywhere. StarCoder-2 has fewer keys and a window besides. */
void hf_gqa_gpt(JsonMap *map, Draft *draft)
{
  MoeArchitecture *a = &draft->architecture;
  int64_t embedding = json_map_count(map, "word_embed_proj_dim", a->hidden);

  hf_heads(map, draft);
  read_window(map, draft, a->layers + 1);
  a->biases = json_map_flag(map, "use_bias", TRUE);
  if (embedding != a->hidden)
    json_map_fail(map, "word_embed_proj_dim",
                  "\"word_embed_proj_dim\" is %" G_GINT64_FORMAT ", expected the hidden width", embedding);
}

/* Llama 4: layers with rotary positions attend inside chunks, the others see everything: said by "layer_types", by
 * "no_rope_layers" (1: rotary), or every fourth one is without (configuration_llama4.py). */
#define LLAMA4_GLOBAL_EVERY 4

void hf_gqa_llama4(JsonMap *map, Draft *draft)
{
  MoeAttention *attention = &draft->architecture.attention;
  int64_t interval = json_map_count(map, "no_rope_layer_interval", LLAMA4_GLOBAL_EVERY);

  hf_heads(map, draft);
  draft->architecture.qk_norm = json_map_flag(map, "use_qk_norm", TRUE);
  json_map_flag(map, "attention_bias", FALSE);
  attention->chunk = json_map_count(map, "attention_chunk_size", 0);
  g_autoptr(GArray) types = hf_word_choices(map, "layer_types", draft, "chunked_attention", "full_attention");
  g_autoptr(GArray) rotary = types ? NULL : hf_number_choices(map, "no_rope_layers", draft);
  g_autoptr(GArray) usual = local_by_period(draft, interval);
  const GArray *local = types ? types : rotary ? rotary : usual;

  if (attention->chunk > 0 && has_any(local))
    hf_set_local(map, types ? "layer_types" : "no_rope_layers", draft, local);
  else
    attention->chunk = 0;
}

/* ---- others ---------------------------------------------------------------------------------- */

void hf_mla(JsonMap *map, Draft *draft)
{
  MoeAttention *attention = &draft->architecture.attention;

  attention->kind = MOE_ATTENTION_MLA;
  attention->query_heads = json_map_need(map, "num_attention_heads");
  attention->q_rank = json_map_count(map, "q_lora_rank", 0);
  attention->kv_rank = json_map_need(map, "kv_lora_rank");
  attention->nope_dim = json_map_need(map, "qk_nope_head_dim");
  attention->rope_dim = json_map_need(map, "qk_rope_head_dim");
  attention->value_dim = json_map_need(map, "v_head_dim");
  json_map_count(map, "num_key_value_heads", 0); /* as many as there are query heads; without a meaning of its own */
  if (json_map_flag(map, "attention_bias", FALSE))
    note_bias(draft, "projections");
}

/* MiniMax-01 (arXiv:2501.08313, 2.2): seven of eight layers use lightning attention, which is linear over blocks of 256
 * tokens. */
#define LIGHTNING_BLOCK 256

/* Layers with full attention: 1 in "attn_type_list", or full_attention in "layer_types". */
static guint count_global(JsonMap *map, guint *n)
{
  JsonArray *list = json_map_list(map, "attn_type_list");
  JsonArray *types = list ? NULL : json_map_list(map, "layer_types");
  guint global = 0;

  *n = list ? json_array_get_length(list) : types ? json_array_get_length(types) : 0;
  for (guint i = 0; i < *n; i++)
    global += list ? json_map_element(map, "attn_type_list", list, i) != 0
                   : strcmp(element_text(types, i), "full_attention") == 0;
  return global;
}

void hf_lightning(JsonMap *map, Draft *draft)
{
  MoeAttention *attention = &draft->architecture.attention;
  guint n = 0, global = count_global(map, &n);

  hf_heads(map, draft);
  draft->architecture.qk_norm = json_map_flag(map, "use_qk_norm", FALSE);
  if (global == 0 || global == n)
    return;
  attention->window = LIGHTNING_BLOCK;
  attention->global_every = n / global;
  attention->kv_heads = attention->query_heads;
  import_note(draft, "lightning attention is taken as attention with all heads over a window of %d tokens, its block",
              LIGHTNING_BLOCK);
}

/* MiniMax-M2: full attention in every layer, which its list of kinds repeats. */
void hf_gqa_minimax(JsonMap *map, Draft *draft)
{
  guint n = 0, global = count_global(map, &n);

  hf_gqa(map, draft);
  if (global != n)
    json_map_fail(map, "attn_type_list",
                  "\"attn_type_list\" has layers of another kind, expected full attention in all");
}

void hf_tied(JsonMap *map, Draft *draft)
{
  draft->architecture.tied_embeddings = json_map_flag(map, "tie_word_embeddings", TRUE);
}
