/*
 * Keys of Hugging Face configurations in their three classes. A reader that asks for a key makes it applied; what
 * nobody asks for must be in the reviewed lists here, or it stops the import.
 */
#include "hf.h"

#include <string.h>

typedef struct {
  const char *text;
  const char *names; /* between blanks; a * stands for any ending */
} Group;

static const Group without_effect[] = {
    {"of loading the checkpoint",
     "cache_implementation architectures auto_map transformers_version torch_dtype dtype _name_or_path "
     "name_or_path torchscript use_bfloat16 tf_legacy_loss "
     "pruned_heads return_dict output_attentions output_hidden_states id2label label2id "
     "problem_type finetuning_task task_specific_params "
     "tokenizer_class prefix is_decoder is_encoder_decoder is_composition "
     "cross_attention_hidden_size add_cross_attention tie_encoder_decoder "
     "remove_invalid_values chunk_size_feed_forward model_type num_labels "
     "_attn_implementation attn_implementation* _flash_attn_2_enabled "
     "model_version pretraining_tp ep_size enable_expert_tensor_parallelism moe_eval_capacity_factor moe_min_capacity "
     "expert_dtype unsloth_* use_flash_attention "
     "use_cache rescale_prenorm_residual slow_but_exact "
     "attention_backend _commit_hash moe_shared_expert_overlap use_recompute use_rmsnorm use_flash* "
     "_pre_quantization_dtype hidden_act_param quantization"},
    {"of tokens and of generating text",
     "bos_token_id eos_token_id pad_token_id sep_token_id unk_token_id decoder_start_token_id bos_token eos_token "
     "*_token_id *_token_ids mask_token_id "
     "do_sample temperature top_k top_p typical_p num_beams num_beam_groups diversity_penalty early_stopping "
     "max_length min_length "
     "length_penalty repetition_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size bad_words_ids "
     "num_return_sequences output_scores "
     "return_dict_in_generate forced_bos_token_id forced_eos_token_id suppress_tokens begin_suppress_tokens "
     "exponential_decay_length_penalty "
     "num_logits_to_keep im_start_id im_end_id text_start_id text_end_id image_start_id image_end_id video_start_id "
     "video_end_id pad_id eod_id "
     "eod_token_id mask_init_id sep_id eod_token_ids sp_token_id"},
    {"numbers at the same cost",
     "time_step_* norm_epsilon attention_softmax_in_fp32 masked_softmax_fusion do_layer_norm_before mlp_type "
     "rms_norm_eps norm_eps layer_norm_eps layer_norm_epsilon layernorm_epsilon hidden_act "
     "hidden_activation "
     "activation_function mlp_hidden_act "
     "initializer_range initializer_factor init_std rope_theta rope_scaling rope_parameters rope_type rope_interleave "
     "rope_local_base_freq "
     "rope_ratio rotary_* partial_rotary_factor max_rope* default_theta no_rope_layers no_rope_layer_interval "
     "original_max_position_embeddings "
     "routed_scaling_factor moe_router_scaling_factor norm_topk_prob moe_renormalize scoring_func score_function "
     "topk_method router_aux_loss_coef "
     "aux_loss_alpha seq_aux output_router_logits router_jitter_noise input_jitter_noise router_z_loss_coef "
     "router_dtype moe_router_dtype "
     "use_routing_bias use_grouped_topk moe_router_activation_func moe_router_use_sigmoid "
     "moe_router_enable_expert_bias moe_use_aux_free "
     "moe_aux_loss_coeff moe_z_loss_coeff moe_norm_min moe_gate* moe_normalize_expert_weights moe_loss_weight clip_qkv "
     "swiglu_limit "
     "swiglu_alpha swiglu_offset initial_context_length attn_temperature_tuning attn_scale floor_scale use_gemma_norm "
     "qk_norm_type "
     "query_pre_attn_scalar attn_logit_softcapping final_logit_softcapping logits_scaling logit_scale "
     "*_multiplier *_multipliers z_loss_coefficient normalization_function normalization_layer_name activation_fn_name "
     "rope_freq_constant "
     "norm_type norm_after norm_reorder scale_attn* scale_attention* reorder_and_upcast_attn "
     "layernorm_* "
     "embd_layer_norm apply_residual_connection_post_layernorm use_dynamic_ntk use_logn_attn use_scaled_rope rms_norm "
     "norm_head norm_softmax "
     "use_parallel_residual alibi alibi_bias_max position_embedding_type attn_type use_mrope dynamic_loss_scale "
     "residual_in_fp32 "
     "postnorm beta_fast beta_slow sinusoidal_pos_embd qk_rope_theta use_expert_bias "
     "moe_random_routing_dropped_token_* "
     "moe_drop_tokens group_limited_greedy compress_rope_theta ffn_act_fn anchor_* "
     "moe_capacity* moe_multimodal* moe_use_hard_gate moe_statics moe_num_shared* interleaved_rope swa_rope_theta "
     "layernorm_full_attention_* layernorm_linear_attention_* layernorm_mlp_* *_alpha_factor *_beta_factor "
     "full_attn_alpha_factor full_attn_beta_factor "
     "linear_attn_alpha_factor linear_attn_beta_factor mlp_alpha_factor mlp_beta_factor"},
    {"dropout: off in pre-training",
     "attention_dropout hidden_dropout hidden_dropout_prob attention_probs_dropout_prob resid_pdrop embd_pdrop "
     "attn_pdrop resid_dropout embed_dropout dropout "
     "residual_dropout emb_pdrop embedding_dropout output_dropout classifier_dropout layerdrop summary_* "
     "activation_dropout"},
    {"positions without a table: the sequence length is what counts",
     "max_position_embeddings max_seq_len seq_length model_max_length max_sequence_length n_positions n_ctx "
     "max_context_len max_context_length rope_max_length"},
    {"of an encoder for pictures or sound, which is left out",
     "vision_config audio_config image_* video_* vision_* img_* projector_* mm_* audio_* boi_token_index "
     "eoi_token_index boa_token* "
     "eoa_token* media_placeholder_token_id multimodal_* media_* ignore_index mm_tokens_per_image spatial_merge_size "
     "vit_config process_image_mode "
     "use_unified_vision_chunk use_image_start_end use_bidirectional_attention language_model_only visual "
     "num_media_embeds vit_* "
     "image_grid_pinpoints anyres_* num_reward_heads tokenizer_* use_vit_* adapter_* understand_*"},
    {"of a head for another task",
     "ignore_token_id mtp_loss_* mtp_use_dedicated_embeddings head_type add_classification_head "
     "use_mtp_mask use_separate_* sort_experts* pool_type skip_cls_token cls_token_id"},
};

static const Group refused[] = {
    {"sparse attention with an indexer", "index_* indexer_*"},
    {"attention inside chunks, or over chosen blocks", "attention_chunk_size sparse_attention_config compress_ratios"},
    {"layers of the gated delta rule or of Mamba",
     "linear_* full_attention_interval mamba_* ssm_state_size ssm_cfg conv_kernel expand n_groups "
     "hybrid_override_pattern "
     "layers_block_type mtp_layers_block_type "
     "mtp_hybrid_override_pattern use_mamba* use_conv_bias chunk_size linear_attn_config"},
    {"a gate at the output of attention",
     "attn_output_gate attention_output_gate output_gate_type use_gated_attention"},
    {"layers of different widths", "block_configs num_key_value_heads_per_layer"},
    {"heads that differ between windowed and global layers",
     "swa_* global_head_dim num_global_key_value_heads attention_k_eq_v hybrid_layer_pattern"},
    {"more than one residual stream", "hc_*"},
    {"keys and values that several layers share", "use_cla num_kv_shared_layers cla_share_factor"},
    {"experts behind a projection of their own", "moe_latent_size routed_expert_hidden_size"},
    {"experts without computation", "zero_expert_*"},
    {"low-rank output projections", "o_lora_rank o_groups"},
};

/* Switches and rates that mean nothing while they are off; on, they need a reader. */
static const char switches[] =
    "*_bias bias multi_gate post_norm moe_jitter_eps qk_norm use_qk_norm use_mtp use_sliding_window "
    "shared_intermediate_size shared_expert_intermediate_size num_nextn_predict_layers qkv_clip mup "
    "use_moe head_bias sliding_window first_k_dense_replace n_shared_experts num_shared_experts";

/* Keys of the runs that readers make of keys with plain meaning. */
static const char *const becomes[][2] = {
    {"hidden_size", "architecture.hidden"},
    {"num_hidden_layers", "architecture.layers"},
    {"vocab_size", "architecture.vocabulary"},
    {"tie_word_embeddings", "architecture.tied_embeddings"},
    {"num_attention_heads", "architecture.attention.query_heads"},
    {"num_key_value_heads", "architecture.attention.kv_heads"},
    {"head_dim", "architecture.attention.head_dim"},
    {"q_lora_rank", "architecture.attention.q_rank"},
    {"kv_lora_rank", "architecture.attention.kv_rank"},
    {"qk_nope_head_dim", "architecture.attention.nope_dim"},
    {"qk_rope_head_dim", "architecture.attention.rope_dim"},
    {"v_head_dim", "architecture.attention.value_dim"},
    {"sliding_window", "architecture.attention.window"},
    {"layer_types", "architecture.attention.global_every"},
    {"moe_layers", "architecture.moe.first_layer, every"},
    {"no_rope_layer_interval", "architecture.attention.global_every"},
    {"no_rope_layers", "architecture.attention.global_every"},
    {"use_qk_norm", "architecture.qk_norm"},
    {"intermediate_size", "architecture.ffn.width, or moe.width"},
    {"moe_intermediate_size", "architecture.moe.width"},
    {"num_experts", "architecture.moe.experts"},
    {"num_experts_per_tok", "architecture.moe.top_k"},
    {"n_shared_experts", "architecture.moe.shared_experts"},
    {"shared_expert_intermediate_size", "architecture.moe.shared_width"},
    {"first_k_dense_replace", "architecture.moe.first_layer"},
    {"moe_layer_freq", "architecture.moe.every"},
    {"decoder_sparse_step", "architecture.moe.every"},
    {"n_group", "architecture.moe.groups"},
    {"topk_group", "architecture.moe.top_groups"},
    {"num_nextn_predict_layers", "architecture.mtp_layers"},
    {"quantization_config", "training.precision.gemm"},
};

/* ---- classes --------------------------------------------------------------------------------- */

static const char *find_group(const Group *groups, gsize n, const char *name)
{
  for (gsize i = 0; i < n; i++)
    if (import_is_listed(groups[i].names, name))
      return groups[i].text;
  return NULL;
}

static const char *run_key(const JsonMap *map, const char *key)
{
  for (gsize i = 0; i < G_N_ELEMENTS(becomes); i++)
    if (strcmp(json_map_spelling(map, becomes[i][0]), key) == 0)
      return becomes[i][1];
  return "architecture";
}

gboolean hf_is_off(JsonNode *node)
{
  if (JSON_NODE_HOLDS_NULL(node))
    return TRUE;
  if (JSON_NODE_HOLDS_ARRAY(node))
    return json_array_get_length(json_node_get_array(node)) == 0;
  if (!JSON_NODE_HOLDS_VALUE(node))
    return FALSE;
  switch (json_node_get_value_type(node)) {
  case G_TYPE_BOOLEAN:
    return !json_node_get_boolean(node);
  case G_TYPE_STRING:
    return *json_node_get_string(node) == '\0';
  default:
    return json_node_get_double(node) == 0;
  }
}

static gboolean is_empty_list(JsonNode *node)
{
  return JSON_NODE_HOLDS_ARRAY(node) && json_array_get_length(json_node_get_array(node)) == 0;
}

#define SHOWN 40 /* characters of a value */

static char *show(const char *place, const char *key, JsonNode *node)
{
  g_autofree char *value = json_to_string(node, FALSE);
  g_autofree char *valid = g_utf8_make_valid(value, -1);
  gboolean whole = g_utf8_strlen(valid, -1) <= SHOWN;
  g_autofree char *start = whole ? g_strdup(valid) : g_utf8_substring(valid, 0, SHOWN);

  return g_strdup_printf("%s%s %s%s", place, key, start, whole ? "" : "...");
}

static void classify(JsonMap *map, Draft *draft, const char *place, const char *key, JsonNode *node)
{
  MoeImport *import = draft->import;
  g_autofree char *shown = show(place, key, node);
  const char *refusal = find_group(refused, G_N_ELEMENTS(refused), key);
  const char *reason = find_group(without_effect, G_N_ELEMENTS(without_effect), key);

  if (g_hash_table_contains(map->used, key))
    g_ptr_array_add(import->applied, g_strconcat(shown, " -> ", run_key(map, key), NULL));
  else if (json_map_again(map, key))
    g_ptr_array_add(import->ignored, g_strconcat(shown, ": the same as ", json_map_again(map, key), NULL));
  else if (JSON_NODE_HOLDS_NULL(node) || is_empty_list(node) ||
           (hf_is_off(node) && (refusal || import_is_listed(switches, key))))
    g_ptr_array_add(import->ignored, g_strconcat(shown, ": off", NULL));
  else if (refusal)
    g_ptr_array_add(draft->open, g_strconcat(key, ": a run cannot say: ", refusal, NULL));
  else if (reason)
    g_ptr_array_add(import->ignored, g_strconcat(shown, ": ", reason, NULL));
  else
    g_ptr_array_add(draft->open, g_strdup(shown + strlen(place)));
}

void hf_classify(JsonMap *map, Draft *draft, const char *place)
{
  g_autoptr(GList) keys = json_object_get_members(map->object);

  for (GList *key = keys; key; key = key->next)
    classify(map, draft, place, key->data, json_object_get_member(map->object, key->data));
}
