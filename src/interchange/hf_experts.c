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

/* Qwen: layer i has experts when (i + 1) is a multiple of "decoder_sparse_step" and i is not in "mlp_only_layers". */
void hf_qwen_experts(JsonMap *map, Draft *draft)
{
  MoeExpertLayer *moe = begin(map, draft, "moe_intermediate_size");

  int64_t step = MAX(json_map_count(map, "decoder_sparse_step", 1), 1);
  JsonArray *dense = hf_layer_list(map, "mlp_only_layers", draft->architecture.layers);
  g_autoptr(GArray) experts = hf_choices(draft);

  draft->architecture.ffn.width = json_map_count(map, "intermediate_size", moe->width);
  add_shared(moe, 1, json_map_count(map, "shared_expert_intermediate_size", 0));
  for (guint i = 0; i < experts->len; i++)
    g_array_index(experts, gboolean, i) = (i + 1) % step == 0 && !hf_is_listed(map, "mlp_only_layers", dense, i);
  hf_set_experts(map, "mlp_only_layers", draft, experts);
}

/* DeepSeek: experts in layers from "first_k_dense_replace" on whose number "moe_layer_freq" divides
 * (modeling_deepseek.py); a list of 0 and 1 says each. Newer configurations have "mlp_layer_types". */
static void take_expert_layers(JsonMap *map, Draft *draft)
{
  JsonNode *node = json_object_get_member(map->object, "moe_layer_freq");
  gboolean listed = node && JSON_NODE_HOLDS_ARRAY(node);
  int64_t first = json_map_count(map, "first_k_dense_replace", 0);
  int64_t frequency = listed ? 1 : MAX(json_map_count(map, "moe_layer_freq", 1), 1);
  g_autoptr(GArray) types = hf_word_choices(map, "mlp_layer_types", draft, "sparse", "dense");
  g_autoptr(GArray) list = listed ? hf_number_choices(map, "moe_layer_freq", draft) : NULL;
  g_autoptr(GArray) usual = hf_choices(draft);

  for (guint i = 0; i < usual->len; i++)
    g_array_index(usual, gboolean, i) = (int64_t)i >= first && i % frequency == 0;
  hf_set_experts(map,
                 types  ? "mlp_layer_types"
                 : list ? "moe_layer_freq"
                        : "first_k_dense_replace",
                 draft,
                 types  ? types
                 : list ? list
                        : usual);
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
  take_expert_layers(map, draft);
  add_shared(moe, json_map_count(map, "n_shared_experts", 0), moe->width);
  take_groups(map, moe);
}

/* ERNIE 4.5: experts from a first to a last layer (-1: the model's), where the interval divides the layer's number
 * counted from 1 (modeling_ernie4_5_moe.py). */
void hf_ernie_experts(JsonMap *map, Draft *draft)
{
  MoeExpertLayer *moe = begin(map, draft, "moe_intermediate_size");
  JsonNode *end = json_object_get_member(map->object, "moe_layer_end_index");
  gboolean open = !end || !JSON_NODE_HOLDS_VALUE(end) || json_node_get_int(end) < 0;
  int64_t first = json_map_count(map, "first_k_dense_replace", 0);
  int64_t last = open ? G_MAXINT64 : json_map_count(map, "moe_layer_end_index", 0);
  int64_t interval = MAX(json_map_count(map, "moe_layer_interval", 1), 1);
  g_autoptr(GArray) experts = hf_choices(draft);

  draft->architecture.ffn.width = json_map_need(map, "intermediate_size");
  add_shared(moe, json_map_count(map, "n_shared_experts", 0), moe->width);
  hf_tied(map, draft);
  if (open)
    g_hash_table_add(map->used, g_strdup("moe_layer_end_index"));
  for (guint i = 0; i < experts->len; i++)
    g_array_index(experts, gboolean, i) = (int64_t)i >= first && (int64_t)i <= last && (i + 1) % interval == 0;
  hf_set_experts(map, "moe_layer_end_index", draft, experts);
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

/* Llama 4: the layers that "moe_layers" names, else every "interleave_moe_layer_step"-th, have experts and one shared
 * expert of their width. */
void hf_llama4_experts(JsonMap *map, Draft *draft)
{
  MoeExpertLayer *moe = begin(map, draft, "intermediate_size");

  draft->architecture.ffn.width = json_map_need(map, "intermediate_size_mlp");
  int64_t step = MAX(json_map_count(map, "interleave_moe_layer_step", 1), 1);
  JsonArray *named = hf_layer_list(map, "moe_layers", draft->architecture.layers);
  g_autoptr(GArray) experts = hf_choices(draft);

  add_shared(moe, 1, moe->width);
  for (guint i = 0; i < experts->len; i++)
    g_array_index(experts, gboolean, i) = named ? hf_is_listed(map, "moe_layers", named, i) : (i + 1) % step == 0;
  hf_set_experts(map, named ? "moe_layers" : "interleave_moe_layer_step", draft, experts);
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

/* What quantizers write into a configuration (transformers/utils/quantization_config.py, ModelOpt, compressed-tensors):
 * but for the method and the blocks it says how a served model is stored. */
#define QUANTIZERS                                                                                                     \
  "fp8 fbgemm_fp8 modelopt modelopt_fp4 compressed-tensors mxfp4 awq gptq bitsandbytes quark hqq aqlm eetq "           \
  "auto-round "                                                                                                        \
  "spqr torchao vptq higgs quanto"
#define QUANTIZED                                                                                                      \
  "quant_method quant_algo weight_block_size activation_scheme fmt scale_fmt dequantize modules_to_not_convert "       \
  "ignore "                                                                                                            \
  "ignored_layers exclude_modules kv_cache_scheme kv_cache_quant_algo producer quantized_layers config_groups "        \
  "group_size q_group_size w_bit moe_quant_algo format global_compression_ratio quantization_status sparsity_config "  \
  "version bits damp_* desc_act sym static_groups true_sequential model_file_base_name model_name_or_path batch_size " \
  "dataset block_name_to_quantize cache_block_outputs exllama_config max_input_length "                                \
  "module_name_preceding_first_block modules_in_block_to_quantize pad_token_id use_cuda_fp16 use_exllama tokenizer "   \
  "checkpoint_format meta lm_head dynamic zero_point backend do_fuse fuse_max_seq_len modules_to_fuse load_in_* "      \
  "_load_in_* bnb_4bit_* llm_int8_* activation_scale_ub quant_type packing_format autoround_version provider "         \
  "nbits in_group_size out_group_size num_codebooks export global_quant_config layer_* algo_config softmax_quant_spec"

/* A key or a method that is not known may decide the format: nothing of it is silent. */
static void check_quantization(JsonObject *quantization, Draft *draft)
{
  const char *method = member_text(quantization, "quant_method");
  g_autoptr(GList) keys = json_object_get_members(quantization);

  if (*method ? !import_is_listed(QUANTIZERS, method) : !*member_text(quantization, "quant_algo"))
    g_ptr_array_add(draft->open, g_strdup_printf("quantization_config.quant_method \"%.40s\"", method));
  for (GList *key = keys; key; key = key->next)
    if (!import_is_listed(QUANTIZED, key->data))
      g_ptr_array_add(draft->open, g_strdup_printf("quantization_config.%.60s", (const char *)key->data));
}

void hf_precision(JsonMap *map, Draft *draft)
{
  JsonNode *node = json_object_get_member(map->object, "quantization_config");
  MoePrecisions *p = &draft->training.precision;

  if (!node || !JSON_NODE_HOLDS_OBJECT(node))
    return;
  g_hash_table_add(map->used, g_strdup("quantization_config"));
  check_quantization(json_node_get_object(node), draft);
  p->gemm = p->wgrad = quantized(json_node_get_object(node));
  if (p->gemm == MOE_BF16)
    import_note(draft, "quantization_config: weights of a served model; training is taken as BF16");
  else
    import_note(draft,
                "quantization_config: linear layers are taken as trained in %s; --set training.precision.gemm=bf16 "
                "says otherwise",
                moe_precision_words[p->gemm]);
}
