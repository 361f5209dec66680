/* Layers that differ in heads and widths, of Hugging Face configurations: what a search over blocks has left of each
 * (Nemotron-NAS, DeciLM), and sizes that grow with depth (OpenELM). */
#include "hf.h"

#include <string.h>

/* No network is wider than so many times the model. Own choice, against numbers without sense. */
#define MAX_MULTIPLIER 1024
#define MAX_HEADS      65536 /* of a layer; the run's own reader is stricter */

/* The object under `key` as a map of its own; its mistakes carry the place of the block's list. */
static gboolean inner_map(JsonMap *map, JsonObject *object, const char *key, JsonMap *inner)
{
  JsonNode *node = json_object_get_member(object, key);

  if (!node || !JSON_NODE_HOLDS_OBJECT(node)) {
    json_map_fail(map, "block_configs", "\"block_configs\" has a block without \"%s\", expected an object", key);
    return FALSE;
  }
  *inner = (JsonMap){.file = map->file, .text = map->text, .object = json_node_get_object(node), .used = NULL};
  return TRUE;
}

static void take_error(JsonMap *map, JsonMap *inner)
{
  if (inner->error && !map->error)
    map->error = g_steal_pointer(&inner->error);
  g_clear_error(&inner->error);
}

/* A member that is there and on, and is not among `known` (between blanks): what a run cannot say of a block. */
static void refuse_others(JsonMap *map, JsonMap *inner, const char *known)
{
  g_autoptr(GList) keys = json_object_get_members(inner->object);

  for (GList *key = keys; key; key = key->next)
    if (!import_is_listed(known, key->data) && !hf_is_off(json_object_get_member(inner->object, key->data)))
      json_map_fail(map, key->data, "\"block_configs\" has a block with \"%.40s\", which a run cannot say",
                    (const char *)key->data);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void read_mixer(JsonMap *map, JsonMap *block, const MoeArchitecture *a, MoeLayerKind *kind)
{
  int64_t group = json_map_count(block, "n_heads_in_group", 1), heads = a->attention.query_heads;

  refuse_others(map, block, "n_heads_in_group no_op num_key_value_heads num_query_groups");
  kind->mixer = json_map_flag(block, "no_op", FALSE) ? MOE_MIXER_NONE : MOE_MIXER_ATTENTION;
  if (kind->mixer == MOE_MIXER_NONE)
    return;
  kind->kv_heads =
      json_map_count(block, "num_query_groups", json_map_count(block, "num_key_value_heads", heads / MAX(group, 1)));
  if (kind->kv_heads == 0 || heads % kind->kv_heads != 0)
    json_map_fail(map, "block_configs",
                  "\"block_configs\" has a block with %" G_GINT64_FORMAT
                  " heads in a group, expected a divisor of %" G_GINT64_FORMAT,
                  group, heads);
}

/* A network is so many times as wide as the model, two thirds of it for three matrices in place of two, rounded up to a
 * multiple of 256 (DeciLM's configuration class). */
#define WIDTH_STEP 256

static int64_t width_of(double multiplier, int64_t hidden)
{
  int64_t width = (int64_t)(2 * multiplier * (double)hidden / 3);

  return (width + WIDTH_STEP - 1) / WIDTH_STEP * WIDTH_STEP;
}

static void read_feed(JsonMap *map, JsonMap *block, const MoeArchitecture *a, MoeLayerKind *kind)
{
  JsonNode *multiplier = json_object_get_member(block->object, "ffn_mult");
  double times = multiplier && JSON_NODE_HOLDS_VALUE(multiplier) ? json_node_get_double(multiplier) : 0;

  refuse_others(map, block, "ffn_mult no_op intermediate_size ffn_hidden_size gated hidden_act");
  kind->feed = json_map_flag(block, "no_op", FALSE) ? MOE_FEED_NONE : MOE_FEED_DENSE;
  if (kind->feed == MOE_FEED_NONE)
    return;
  kind->ffn_width = json_map_count(block, "ffn_hidden_size", json_map_count(block, "intermediate_size", 0));
  if (kind->ffn_width == 0 && times > 0 && times < MAX_MULTIPLIER)
    kind->ffn_width = width_of(times, a->hidden);
  if (kind->ffn_width == 0)
    json_map_fail(map, "block_configs", "\"block_configs\" has a network without a width, expected \"ffn_mult\"");
}

static void add_block(JsonMap *map, MoeArchitecture *a, JsonNode *node)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
  MoeLayerKind kind = {0};
  JsonMap attention, feed;

  const char *network = object && json_object_has_member(object, "mlp") ? "mlp" : "ffn"; /* Megatron has either */

  if (!object || !inner_map(map, object, "attention", &attention) || !inner_map(map, object, network, &feed)) {
    json_map_fail(map, "block_configs", "\"block_configs\" has a block that is no object");
    return;
  }
  read_mixer(map, &attention, a, &kind);
  read_feed(map, &feed, a, &kind);
  take_error(map, &attention);
  take_error(map, &feed);
  if (kind.mixer == MOE_MIXER_NONE && kind.feed == MOE_FEED_NONE)
    a->layers--;
  else
    hf_add_layer(map, "block_configs", a, &kind);
}

/* What the run says beside the pattern: the sizes of the first layer that has any. */
static void settle_usual(MoeArchitecture *a)
{
  int64_t keys = 0, width = 0;

  for (guint i = 0; i < a->n_pattern; i++) {
    keys = keys > 0 ? keys : a->pattern[i].kind.kv_heads;
    width = width > 0 ? width : a->pattern[i].kind.ffn_width;
  }
  a->attention.kv_heads = keys > 0 ? keys : a->attention.kv_heads;
  a->ffn.width = width;
}

void hf_block_configs(JsonMap *map, Draft *draft)
{
  hf_heads(map, draft);
  json_map_flag(map, "attention_bias", FALSE);
  json_map_flag(map, "mlp_bias", FALSE);
  hf_read_blocks(map, draft);
}

void hf_read_blocks(JsonMap *map, Draft *draft)
{
  MoeArchitecture *a = &draft->architecture;
  int64_t layers = a->layers;
  JsonArray *blocks = json_map_list(map, "block_configs");

  if (!blocks || json_array_get_length(blocks) != (guint64)layers) {
    json_map_fail(map, "block_configs", "no \"block_configs\" with a block for each layer, expected %" G_GINT64_FORMAT,
                  layers);
    return;
  }
  for (guint i = 0; i < layers; i++)
    add_block(map, a, json_array_get_element(blocks, i));
  settle_usual(a);
  if (a->layers < layers)
    import_note(draft, "%" G_GINT64_FORMAT " blocks do nothing: they are left out of the layers", layers - a->layers);
}

/* The blocks say it. */
void hf_no_feed_forward(G_GNUC_UNUSED JsonMap *map, G_GNUC_UNUSED Draft *draft) {}

/* ---- DeciLM of the first kind ---------------------------------------------------------------- */

static int64_t element(JsonArray *list, int64_t i)
{
  JsonNode *node = json_array_get_element(list, (guint)i);

  return JSON_NODE_HOLDS_VALUE(node) ? json_node_get_int(node) : 0;
}

static gboolean is_per_layer(JsonMap *map, JsonArray *list, const char *key, int64_t layers)
{
  if (!list || json_array_get_length(list) != (guint64)layers) {
    json_map_fail(map, key, "no \"%s\" with a number for each layer, expected %" G_GINT64_FORMAT, key, layers);
    return FALSE;
  }
  for (int64_t i = 0; i < layers; i++)
    if (json_map_element(map, key, list, (guint)i) < 1 || element(list, i) > MAX_HEADS) {
      json_map_fail(map, key, "\"%s\" has something that is no number of heads for layer %" G_GINT64_FORMAT, key, i);
      return FALSE;
    }
  return TRUE;
}

/* DeciLM-7B: heads of keys and values by layer. */
void hf_heads_per_layer(JsonMap *map, Draft *draft)
{
  static const char key[] = "num_key_value_heads_per_layer";
  MoeArchitecture *a = &draft->architecture;

  hf_gqa(map, draft);
  JsonArray *list = json_map_list(map, key);

  if (!is_per_layer(map, list, key, a->layers))
    return;
  for (int64_t i = 0; i < a->layers; i++)
    hf_add_layer(map, key, a,
                 &(MoeLayerKind){.mixer = MOE_MIXER_ATTENTION, .feed = MOE_FEED_DENSE, .kv_heads = element(list, i)});
}

/* ---- Gemma 4 --------------------------------------------------------------------------------- */

static MoeLayerKind gemma4_layer(JsonMap *map, JsonArray *types, int64_t layer, const MoeLayerKind *global)
{
  JsonNode *node = json_array_get_element(types, (guint)layer);
  gboolean text = JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING;
  const char *type = text ? json_node_get_string(node) : "";

  if (strcmp(type, "full_attention") == 0)
    return *global;
  if (strcmp(type, "sliding_attention") != 0)
    json_map_fail(map, "layer_types", "\"layer_types\" has '%.40s', expected full_attention or sliding_attention",
                  type);
  return (MoeLayerKind){.mixer = MOE_MIXER_LOCAL, .feed = global->feed};
}

/* Gemma 4: windowed layers, and global ones with fewer and wider heads. */
void hf_gqa_gemma4(JsonMap *map, Draft *draft)
{
  MoeArchitecture *a = &draft->architecture;

  hf_heads(map, draft);
  a->attention.window = json_map_need(map, "sliding_window");
  a->norms_per_layer = 4;
  a->qk_norm = TRUE;
  hf_tied(map, draft);
  MoeLayerKind global = {.mixer = MOE_MIXER_ATTENTION,
                         .feed = json_map_flag(map, "enable_moe_block", FALSE) ? MOE_FEED_MOE : MOE_FEED_DENSE,
                         .kv_heads = json_map_count(map, "num_global_key_value_heads", a->attention.kv_heads),
                         .head_dim = json_map_count(map, "global_head_dim", a->attention.head_dim)};
  JsonArray *types = json_map_list(map, "layer_types");

  if (!types || json_array_get_length(types) != (guint64)a->layers) {
    json_map_fail(map, "layer_types", "no \"layer_types\" with a word for each layer");
    return;
  }
  for (int64_t i = 0; i < a->layers; i++) {
    MoeLayerKind kind = gemma4_layer(map, types, i, &global);

    hf_add_layer(map, "layer_types", a, &kind);
  }
  if (json_map_flag(map, "attention_k_eq_v", FALSE))
    import_note(draft,
                "keys of global layers that are their values, too, are taken as two projections (under 0.5 %% of the "
                "parameters)");
}

/* Its experts stand beside the dense network of the layer, which every token passes. */
void hf_gemma4_experts(JsonMap *map, Draft *draft)
{
  MoeArchitecture *a = &draft->architecture;
  int64_t dense = json_map_need(map, "intermediate_size");

  a->ffn.width = dense;
  if (json_map_flag(map, "enable_moe_block", FALSE)) {
    hf_qwen_experts(map, draft);
    a->ffn.width = dense;
    a->moe.shared_experts = 1;
    a->moe.shared_width = dense;
    import_note(draft, "the dense network beside the experts is taken as a shared expert");
  }
  if (json_map_count(map, "hidden_size_per_layer_input", 0) > 0)
    import_refuse(draft, "hidden_size_per_layer_input", "an embedding for each layer");
  json_map_count(map, "vocab_size_per_layer_input", 0);
  if (json_map_flag(map, "use_double_wide_mlp", FALSE))
    import_refuse(draft, "use_double_wide_mlp", "networks twice as wide in layers that share keys");
}

/* ---- OpenELM --------------------------------------------------------------------------------- */

/* The nearest multiple of `step`, and not below nine tenths of the width (OpenELM's make_divisible). */
static int64_t rounded_width(double width, int64_t step)
{
  int64_t near = MAX(step, (int64_t)(width + (double)step / 2) / step * step);

  return (double)near < 0.9 * width ? near + step : near;
}

static int64_t grown_width(JsonMap *map, const MoeArchitecture *a, JsonArray *list, int64_t layer)
{
  int64_t step = MAX(json_map_count(map, "ffn_dim_divisor", 1), 1);
  JsonNode *node = json_array_get_element(list, (guint)layer);
  double times = JSON_NODE_HOLDS_VALUE(node) ? json_node_get_double(node) : 0;

  if (times > 0 && times < MAX_MULTIPLIER)
    return rounded_width(times * (double)a->hidden, step);
  json_map_fail(map, "ffn_multipliers", "\"ffn_multipliers\" has no number above 0 for layer %" G_GINT64_FORMAT, layer);
  return 0;
}

/* OpenELM: heads and widths grow from layer to layer. */
void hf_openelm(JsonMap *map, Draft *draft)
{
  MoeArchitecture *a = &draft->architecture;
  JsonArray *queries = json_map_list(map, "num_query_heads"), *keys = json_map_list(map, "num_kv_heads");
  JsonArray *widths = json_map_list(map, "ffn_multipliers");

  if (!is_per_layer(map, queries, "num_query_heads", a->layers) ||
      !is_per_layer(map, keys, "num_kv_heads", a->layers) || !widths ||
      json_array_get_length(widths) != (guint64)a->layers) {
    json_map_fail(map, "ffn_multipliers", "no \"ffn_multipliers\" with a number for each layer");
    return;
  }
  a->attention = (MoeAttention){.kind = MOE_ATTENTION_GQA,
                                .query_heads = element(queries, 0),
                                .kv_heads = element(keys, 0),
                                .head_dim = json_map_need(map, "head_dim")};
  a->qk_norm = json_map_flag(map, "normalize_qk_projections", FALSE);
  a->ffn.gated = json_map_flag(map, "ffn_with_glu", TRUE);
  a->tied_embeddings = json_map_flag(map, "share_input_output_layers", TRUE);
  json_map_count(map, "num_gqa_groups", 1); /* the heads say it */
  json_map_list(map, "qkv_multipliers");    /* as well */
  for (int64_t i = 0; i < a->layers; i++)
    hf_add_layer(map, "num_query_heads", a,
                 &(MoeLayerKind){.mixer = MOE_MIXER_ATTENTION,
                                 .feed = MOE_FEED_DENSE,
                                 .query_heads = element(queries, i),
                                 .kv_heads = element(keys, i),
                                 .ffn_width = grown_width(map, a, widths, i)});
}
