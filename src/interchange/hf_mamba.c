/* Mamba-2 and attention in one Hugging Face configuration: in turn, each with a network behind it (Granite 4, Bamba),
 * beside each other (Falcon-H1), or alone. */
#include "hf.h"

#include <string.h>

/* "mamba_d_head" is a number, or "auto": the inner width over the heads. */
static int64_t head_width(JsonMap *map, int64_t inner, int64_t heads)
{
  JsonNode *node = json_object_get_member(map->object, "mamba_d_head");

  if (!node || !JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING)
    return json_map_count(map, "mamba_d_head", inner / MAX(heads, 1));
  json_map_text(map, "mamba_d_head");
  return inner / MAX(heads, 1);
}

/* No state is so many times as wide as the model. Own choice, against numbers without sense. */
#define MAX_EXPAND 1024

static int64_t inner_width(JsonMap *map, int64_t hidden)
{
  int64_t times = json_map_count(map, "mamba_expand", 2);

  if (times > MAX_EXPAND)
    json_map_fail(map, "mamba_expand", "\"mamba_expand\" is %" G_GINT64_FORMAT ", expected at most %d", times,
                  MAX_EXPAND);
  return json_map_count(map, "mamba_d_ssm", MIN(times, MAX_EXPAND) * hidden);
}

/* What the families call the sizes of a state. */
typedef struct {
  const char *groups, *state, *convolution, *chunk;
} StateKeys;

static MoeLinearAttention state_of(JsonMap *map, const StateKeys *keys, int64_t heads, int64_t width)
{
  return (MoeLinearAttention){.kind = MOE_LINEAR_MAMBA2,
                              .key_heads = json_map_count(map, keys->groups, 1),
                              .value_heads = heads,
                              .key_dim = json_map_need(map, keys->state),
                              .value_dim = width,
                              .convolution = json_map_count(map, keys->convolution, 4),
                              .chunk = json_map_count(map, keys->chunk, 0)};
}

static void read_state(JsonMap *map, Draft *draft)
{
  static const StateKeys keys = {"mamba_n_groups", "mamba_d_state", "mamba_d_conv", "mamba_chunk_size"};
  MoeArchitecture *a = &draft->architecture;
  int64_t inner = inner_width(map, a->hidden);
  int64_t heads = json_map_need(map, "mamba_n_heads"), width = head_width(map, inner, heads);

  a->linear = state_of(map, &keys, heads, width);
  if ((double)heads * (double)width != (double)inner)
    json_map_fail(map, "mamba_n_heads",
                  "%" G_GINT64_FORMAT " heads of %" G_GINT64_FORMAT " in a state of %" G_GINT64_FORMAT
                  ", expected heads that fill it",
                  heads, width, inner);
  json_map_flag(map, "mamba_conv_bias", TRUE); /* a scale and a shift per channel, far below 0.01 % */
  if (json_map_flag(map, "mamba_proj_bias", FALSE))
    import_note(draft, "the biases of Mamba's projections are left out (under 0.01 %% of the parameters)");
}

/* ---- in turn --------------------------------------------------------------------------------- */

static int mixer_of_word(JsonMap *map, const char *key, JsonArray *list, int64_t layer)
{
  JsonNode *node = json_array_get_element(list, (guint)layer);
  gboolean text = JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING;
  const char *word = text ? json_node_get_string(node) : "";

  if (strcmp(word, "mamba") == 0)
    return MOE_MIXER_LINEAR;
  if (strcmp(word, "attention") != 0)
    json_map_fail(map, key, "\"%s\" has '%.20s', expected mamba or attention", key, word);
  return MOE_MIXER_ATTENTION;
}

/* Granite 4: a word per layer, in one of two keys; a layer has experts where there are any. */
void hf_granite_hybrid(JsonMap *map, Draft *draft)
{
  MoeArchitecture *a = &draft->architecture;
  const char *key = json_map_has(map, "layer_types") ? "layer_types" : "layers_block_type";
  int feed = json_map_count(map, "num_experts", 0) > 0 ? MOE_FEED_MOE : MOE_FEED_DENSE;

  hf_heads(map, draft);
  json_map_flag(map, "attention_bias", FALSE);
  read_state(map, draft);
  JsonArray *list = json_map_list(map, key);

  if (!list || json_array_get_length(list) != (guint64)a->layers) {
    json_map_fail(map, key, "no \"%s\" with a word for each layer, expected mamba or attention", key);
    return;
  }
  for (int64_t i = 0; i < a->layers; i++)
    hf_add_layer(map, key, a, &(MoeLayerKind){.mixer = mixer_of_word(map, key, list, i), .feed = feed});
}

/* Granite 4: without routed experts the shared one is the network. */
void hf_granite_hybrid_experts(JsonMap *map, Draft *draft)
{
  if (json_map_count(map, "num_experts", 0) > 0) {
    hf_local_experts(map, draft);
    return;
  }
  draft->architecture.ffn.width = json_map_need(map, "shared_intermediate_size");
  json_map_count(map, "num_experts_per_tok", 0);
  json_map_count(map, "intermediate_size", 0); /* of the experts that it has not */
}

/* Bamba: attention in the layers of a list, Mamba-2 in all others. */
void hf_bamba(JsonMap *map, Draft *draft)
{
  static const char key[] = "attn_layer_indices";
  MoeArchitecture *a = &draft->architecture;

  hf_heads(map, draft);
  read_state(map, draft);
  JsonArray *list = hf_layer_list(map, key, a->layers);

  for (int64_t i = 0; i < a->layers; i++)
    hf_add_layer(map, key, a,
                 &(MoeLayerKind){.mixer = hf_is_listed(map, key, list, i) ? MOE_MIXER_ATTENTION : MOE_MIXER_LINEAR,
                                 .feed = MOE_FEED_DENSE});
}

/* ---- beside each other, alone ---------------------------------------------------------------- */

/* Falcon-H1: attention and Mamba-2 read the same norm, their outputs are added. */
void hf_falcon_h1(JsonMap *map, Draft *draft)
{
  MoeArchitecture *a = &draft->architecture;

  hf_heads(map, draft);
  read_state(map, draft);
  json_map_flag(map, "attention_bias", FALSE);
  json_map_flag(map, "mamba_norm_before_gate", TRUE);
  json_map_flag(map, "mamba_rms_norm", FALSE);
  if (!json_map_flag(map, "mamba_use_mlp", TRUE))
    json_map_fail(map, "mamba_use_mlp", "\"mamba_use_mlp\" is false, expected layers with a network");
  hf_add_layer(map, "mamba_n_heads", a, &(MoeLayerKind){.mixer = MOE_MIXER_PARALLEL, .feed = MOE_FEED_DENSE});
}

/* Mamba-2 alone; the heads of attention, of which there is none, are those of the state. */
void hf_mamba2(JsonMap *map, Draft *draft)
{
  static const StateKeys keys = {"n_groups", "state_size", "conv_kernel", "chunk_size"};
  MoeArchitecture *a = &draft->architecture;
  int64_t heads = json_map_need(map, "num_heads"), width = json_map_need(map, "head_dim");

  a->linear = state_of(map, &keys, heads, width);
  a->attention = (MoeAttention){.kind = MOE_ATTENTION_GQA, .query_heads = heads, .kv_heads = heads, .head_dim = width};
  json_map_count(map, "expand", 2); /* heads and their width say it */
  json_map_count(map, "intermediate_size", 0);
  json_map_flag(map, "use_conv_bias", TRUE);
  json_map_flag(map, "use_bias", FALSE);
  hf_add_layer(map, "num_heads", a, &(MoeLayerKind){.mixer = MOE_MIXER_LINEAR, .feed = MOE_FEED_NONE});
}
