/* Feed-forward networks and experts of Hugging Face configurations, and what else differs between families. */
#include "hf.h"

#include <string.h>

void hf_dense(JsonMap *map, Draft *draft)
{
  draft->architecture.ffn.width = json_map_need(map, "intermediate_size");
}

void hf_dense_plain(JsonMap *map, Draft *draft)
{
  hf_dense(map, draft);
  draft->architecture.ffn.gated = FALSE;
}

/* GPT-2, BLOOM, Falcon: four times the hidden width unless said. */
void hf_dense_gpt(JsonMap *map, Draft *draft)
{
  draft->architecture.ffn =
      (MoeFfn){.width = json_map_count(map, "intermediate_size", 4 * draft->architecture.hidden), .gated = FALSE};
}

/* ---- experts --------------------------------------------------------------------------------- */

static MoeExpertLayer *begin(JsonMap *map, Draft *draft, const char *width)
{
  MoeExpertLayer *moe = &draft->architecture.moe;

  *moe = (MoeExpertLayer){.gated = TRUE, .every = 1, .groups = 1, .top_groups = 1};
  moe->experts = json_map_need(map, "num_experts");
  moe->top_k = json_map_need(map, "num_experts_per_tok");
  moe->width = json_map_need(map, width);
  return moe;
}

static void add_shared(MoeExpertLayer *moe, int64_t n, int64_t width)
{
  moe->shared_experts = width > 0 ? n : 0;
  moe->shared_width = n > 0 ? width : 0;
}

/* Every layer has experts, and "intermediate_size" is the width of one: Mixtral, GPT-OSS, MiniMax, OLMoE, Phi-MoE,
 * DBRX. */
void hf_local_experts(JsonMap *map, Draft *draft)
{
  MoeExpertLayer *moe = begin(map, draft, "intermediate_size");

  draft->architecture.ffn.width = moe->width;
  add_shared(moe, 1, json_map_count(map, "shared_intermediate_size", 0));
}

/* GPT-OSS limits what the activation of an expert reads. */
void hf_clamped_experts(JsonMap *map, Draft *draft)
{
  hf_local_experts(map, draft);
  draft->architecture.moe.clamped = TRUE;
}

/* Layers named in a list of dense ones: first_layer when they are the first, else a mistake. */
static void take_dense_list(JsonMap *map, MoeExpertLayer *moe)
{
  JsonArray *dense = json_map_list(map, "mlp_only_layers");
  guint n = dense ? json_array_get_length(dense) : 0;

  for (guint i = 0; i < n; i++)
    if (json_map_element(map, "mlp_only_layers", dense, i) != (gint64)i || moe->every > 1) {
      json_map_fail(map, "mlp_only_layers",
                    "\"mlp_only_layers\" names layers in the middle, expected the first ones or none");
      return;
    }
  if (n > 0)
    moe->first_layer = n;
}

/* Qwen: layer i has experts when (i + 1) is a multiple of "decoder_sparse_step" and i is not in "mlp_only_layers". */
void hf_qwen_experts(JsonMap *map, Draft *draft)
{
  MoeExpertLayer *moe = begin(map, draft, "moe_intermediate_size");

  draft->architecture.ffn.width = json_map_count(map, "intermediate_size", moe->width);
  moe->every = MAX(json_map_count(map, "decoder_sparse_step", 1), 1);
  moe->first_layer = moe->every - 1;
  add_shared(moe, 1, json_map_count(map, "shared_expert_intermediate_size", 0));
  take_dense_list(map, moe);
}

/* "moe_layer_freq": a count, or a list of 0 and 1, of which the first ones may be 0. */
static void take_frequency(JsonMap *map, MoeExpertLayer *moe)
{
  JsonNode *node = json_object_get_member(map->object, "moe_layer_freq");

  if (!node || !JSON_NODE_HOLDS_ARRAY(node)) {
    moe->every = MAX(json_map_count(map, "moe_layer_freq", 1), 1);
    return;
  }
  JsonArray *list = json_map_list(map, "moe_layer_freq");
  guint n = json_array_get_length(list), dense = 0;

  while (dense < n && json_map_element(map, "moe_layer_freq", list, dense) == 0)
    dense++;
  for (guint i = dense; i < n; i++)
    if (json_map_element(map, "moe_layer_freq", list, i) == 0) {
      json_map_fail(map, "moe_layer_freq",
                    "\"moe_layer_freq\" has dense layers after the first ones, expected experts in all others");
      return;
    }
  moe->first_layer = dense;
}

/* "mlp_layer_types": "dense" for the first layers, "sparse" for all others, as first_k_dense_replace has it. */
static void check_layer_types(JsonMap *map, const MoeExpertLayer *moe)
{
  JsonArray *list = json_map_has(map, "mlp_layer_types") ? json_map_list(map, "mlp_layer_types") : NULL;

  for (guint i = 0; list && i < json_array_get_length(list); i++) {
    JsonNode *node = json_array_get_element(list, i);
    gboolean text = JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING;
    const char *expected = (int64_t)i < moe->first_layer ? "dense" : "sparse";

    if (!text || strcmp(json_node_get_string(node), expected) != 0) {
      json_map_fail(
          map, "mlp_layer_types",
          "\"mlp_layer_types\" has layer %u otherwise, expected the first ones dense, as first_k_dense_replace "
          "says, and sparse in all others",
          i);
      return;
    }
  }
}

static void take_groups(JsonMap *map, MoeExpertLayer *moe)
{
  moe->groups = MAX(json_map_count(map, "n_group", 1), 1);
  moe->top_groups = CLAMP(json_map_count(map, "topk_group", moe->groups), 1, moe->groups);
}

/* DeepSeek, Kimi, GLM, dots, Ling: dense layers first, then experts; shared ones as wide as routed ones. */
void hf_deepseek_experts(JsonMap *map, Draft *draft)
{
  if (!json_map_has(map, "num_experts")) {
    hf_dense(map, draft);
    return;
  }
  MoeExpertLayer *moe = begin(map, draft, "moe_intermediate_size");

  draft->architecture.ffn.width = json_map_need(map, "intermediate_size");
  moe->first_layer = json_map_count(map, "first_k_dense_replace", 0);
  take_frequency(map, moe);
  check_layer_types(map, moe);
  add_shared(moe, json_map_count(map, "n_shared_experts", 0), moe->width);
  take_groups(map, moe);
}

/* ERNIE 4.5: experts from a first to a last layer, every so many. */
void hf_ernie_experts(JsonMap *map, Draft *draft)
{
  MoeExpertLayer *moe = begin(map, draft, "moe_intermediate_size");
  JsonNode *last = json_object_get_member(map->object, "moe_layer_end_index");

  draft->architecture.ffn.width = json_map_need(map, "intermediate_size");
  moe->first_layer = json_map_count(map, "first_k_dense_replace", 0);
  moe->every = MAX(json_map_count(map, "moe_layer_interval", 1), 1);
  add_shared(moe, json_map_count(map, "n_shared_experts", 0), moe->width);
  hf_tied(map, draft);
  if (!last || !JSON_NODE_HOLDS_VALUE(last) || json_node_get_int(last) < 0) {
    g_hash_table_add(map->used, g_strdup("moe_layer_end_index"));
    return;
  }
  if (json_map_count(map, "moe_layer_end_index", 0) < draft->architecture.layers - 1)
    json_map_fail(map, "moe_layer_end_index",
                  "\"moe_layer_end_index\" is before the last layer, expected experts up to the end");
}

/* Hunyuan: lists with a number for every layer; the shared expert is as wide as a routed one. */
void hf_hunyuan_experts(JsonMap *map, Draft *draft)
{
  MoeExpertLayer *moe =
      begin(map, draft, json_map_has(map, "moe_intermediate_size") ? "moe_intermediate_size" : "intermediate_size");

  draft->architecture.ffn.width = json_map_need(map, "intermediate_size");
  moe->first_layer = json_map_count(map, "moe_layer_num_skipped", 0);
  add_shared(moe, json_map_count(map, "n_shared_experts", 1), moe->width);
  json_map_flag(map, "use_mixed_mlp_moe", TRUE); /* the shared expert, which has a count of its own */
  json_map_count(map, "cla_share_factor", 1);
  if (json_map_flag(map, "use_cla", FALSE))
    import_refuse(draft, "use_cla", "keys and values that several layers share");
  hf_tied(map, draft);
}

/* Llama 4: every "interleave_moe_layer_step"-th layer has experts and one shared expert of their width. */
void hf_llama4_experts(JsonMap *map, Draft *draft)
{
  MoeExpertLayer *moe = begin(map, draft, "intermediate_size");

  draft->architecture.ffn.width = json_map_need(map, "intermediate_size_mlp");
  moe->every = MAX(json_map_count(map, "interleave_moe_layer_step", 1), 1);
  moe->first_layer = moe->every - 1;
  add_shared(moe, 1, moe->width);
}

/* Arctic: a dense network as wide as the model beside the experts of each layer, which stands as their shared expert.
 */
void hf_arctic_experts(JsonMap *map, Draft *draft)
{
  MoeExpertLayer *moe = begin(map, draft, "intermediate_size");

  draft->architecture.ffn.width = moe->width;
  moe->every = MAX(json_map_count(map, "moe_layer_frequency", 2), 1);
  moe->first_layer = moe->every - 1;
  json_map_flag(map, "use_residual", TRUE);
  int64_t capacity = json_map_count(map, "moe_train_capacity_factor", 1);

  if (json_map_flag(map, "moe_token_dropping", FALSE))
    draft->training.routing.capacity_factor = (double)capacity;
  if (!json_map_flag(map, "parallel_attn_mlp_res", FALSE))
    return;
  add_shared(moe, 1, draft->architecture.hidden);
  import_note(draft,
              "the dense network beside the experts is taken as a shared expert, and experts after attention, not "
              "beside it");
}

/* ---- the rest -------------------------------------------------------------------------------- */

void hf_nextn(JsonMap *map, Draft *draft)
{
  draft->architecture.mtp_layers = json_map_count(map, "num_nextn_predict_layers", 0);
}

void hf_minimax_mtp(JsonMap *map, Draft *draft)
{
  int64_t modules = json_map_count(map, "num_mtp_modules", 1) * json_map_count(map, "mtp_transformer_layers", 1);

  if (json_map_flag(map, "use_mtp", FALSE))
    draft->architecture.mtp_layers = modules;
}

void hf_post_norms(G_GNUC_UNUSED JsonMap *map, Draft *draft)
{
  draft->architecture.norms_per_layer = 4;
}

/* ---- precision ------------------------------------------------------------------------------- */

static const char *member_text(JsonObject *object, const char *key)
{
  JsonNode *node = json_object_get_member(object, key);

  return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING
             ? json_node_get_string(node)
             : "";
}

/* The format that linear layers of a quantized checkpoint run in; BF16 when it holds integers, of which training knows
 * nothing. */
static MoePrecision quantized(JsonObject *quantization)
{
  const char *method = member_text(quantization, "quant_method"), *algorithm = member_text(quantization, "quant_algo");

  if (strcmp(method, "fp8") == 0)
    return json_object_has_member(quantization, "weight_block_size") ? MOE_FP8_BLOCK : MOE_FP8;
  if (strcmp(algorithm, "FP8") == 0)
    return MOE_FP8;
  if (strcmp(algorithm, "NVFP4") == 0)
    return MOE_NVFP4;
  return MOE_BF16;
}

void hf_precision(JsonMap *map, Draft *draft)
{
  JsonNode *node = json_object_get_member(map->object, "quantization_config");
  MoePrecisions *p = &draft->training.precision;

  if (!node || !JSON_NODE_HOLDS_OBJECT(node))
    return;
  g_hash_table_add(map->used, g_strdup("quantization_config"));
  p->gemm = p->wgrad = quantized(json_node_get_object(node));
  if (p->gemm == MOE_BF16)
    import_note(draft, "quantization_config: weights of a served model; training is taken as BF16");
  else
    import_note(draft,
                "quantization_config: linear layers are taken as trained in %s; --set training.precision.gemm=bf16 "
                "says otherwise",
                moe_precision_words[p->gemm]);
}
