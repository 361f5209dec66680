/* Model types of Hugging Face configurations: one row each. */
#include "hf.h"

#include <string.h>

static const HfFamily families[] = {
    {"apertus", hf_gqa_qk_norm, hf_dense_plain, NULL},
    {"arctic", hf_gqa, hf_arctic_experts, NULL},
    {"bailing_moe", hf_gqa, hf_deepseek_experts, hf_nextn},
    {"bailing_moe_v2", hf_gqa, hf_deepseek_experts, hf_nextn},
    {"bamba", hf_bamba, hf_dense, NULL},
    {"bloom", hf_gqa_gpt, hf_dense_gpt, hf_tied},
    {"cohere", hf_gqa_cohere, hf_dense, NULL},
    {"cohere2", hf_gqa_cohere, hf_dense, NULL},
    {"dbrx", hf_gqa, hf_local_experts, NULL},
    {"deci", hf_heads_per_layer, hf_dense, NULL},
    {"deepseek", hf_gqa, hf_deepseek_experts, NULL},
    {"deepseek_v2", hf_mla, hf_deepseek_experts, NULL},
    {"deepseek_v3", hf_mla, hf_deepseek_experts, hf_nextn},
    {"deepseek_v32", hf_mla_index, hf_deepseek_experts, hf_nextn},
    {"dots1", hf_gqa_qk_norm, hf_deepseek_experts, NULL},
    {"ernie4_5", hf_gqa, hf_dense, hf_tied},
    {"ernie4_5_moe", hf_gqa, hf_ernie_experts, hf_nextn},
    {"exaone4", hf_gqa_qk_norm, hf_dense, NULL},
    {"falcon", hf_gqa_falcon, hf_dense_gpt, NULL},
    {"falcon_h1", hf_falcon_h1, hf_dense, NULL},
    {"gemma", hf_gqa_gemma, hf_dense, NULL},
    {"gemma2", hf_gqa_gemma2, hf_dense, NULL},
    {"gemma3_text", hf_gqa_gemma3, hf_dense, NULL},
    {"gemma4_text", hf_gqa_gemma4, hf_gemma4_experts, NULL},
    {"glm", hf_gqa_qkv_bias, hf_dense, NULL},
    {"glm4", hf_gqa_qkv_bias, hf_dense, hf_post_norms},
    {"glm4_moe", hf_gqa, hf_deepseek_experts, hf_nextn},
    {"glm_moe_dsa", hf_mla_index, hf_deepseek_experts, hf_nextn},
    {"gpt2", hf_gqa_gpt, hf_dense_gpt, hf_tied},
    {"gpt_neox", hf_gqa_gpt, hf_dense_plain, NULL},
    {"gpt_oss", hf_gqa_all_biases, hf_clamped_experts, NULL},
    {"granite", hf_gqa, hf_dense, hf_tied},
    {"granitemoe", hf_gqa, hf_local_experts, hf_tied},
    {"granitemoehybrid", hf_granite_hybrid, hf_granite_hybrid_experts, NULL},
    {"granitemoeshared", hf_gqa, hf_local_experts, hf_tied},
    {"hunyuan", hf_gqa, hf_hunyuan_experts, NULL},
    {"hunyuan_v1_dense", hf_gqa, hf_dense, hf_tied},
    {"hunyuan_v1_moe", hf_gqa_qk_norm, hf_hunyuan_experts, NULL},
    {"internlm2", hf_gqa, hf_dense, NULL},
    {"internlm3", hf_gqa, hf_dense, NULL},
    {"kimi_k2", hf_mla, hf_deepseek_experts, hf_nextn},
    {"kimi_linear", hf_kimi_linear, hf_deepseek_experts, hf_nextn},
    {"llama", hf_gqa, hf_dense, NULL},
    {"llama4_text", hf_gqa_llama4, hf_llama4_experts, NULL},
    {"longcat_flash", hf_mla, hf_longcat, hf_nextn},
    {"mamba2", hf_mamba2, hf_no_feed_forward, NULL},
    {"mimo", hf_gqa_qkv_bias, hf_dense, hf_nextn},
    {"minimax", hf_lightning, hf_local_experts, NULL},
    {"minimax_m2", hf_gqa_minimax, hf_local_experts, hf_minimax_mtp},
    {"minimax_text_01", hf_lightning, hf_local_experts, NULL},
    {"mistral", hf_gqa, hf_dense, NULL},
    {"mixtral", hf_gqa, hf_local_experts, NULL},
    {"nemotron", hf_gqa, hf_dense_plain, NULL},
    {"nemotron-nas", hf_block_configs, hf_no_feed_forward, NULL},
    {"nemotron_h", hf_nemotron_h, hf_nemotron_h_experts, hf_nemotron_h_mtp},
    {"olmo2", hf_gqa_qk_norm, hf_dense, NULL},
    {"olmo3", hf_gqa_qk_norm, hf_dense, NULL},
    {"olmoe", hf_gqa_qk_norm, hf_local_experts, NULL},
    {"openelm", hf_openelm, hf_no_feed_forward, NULL},
    {"opt", hf_gqa_gpt, hf_dense_plain, hf_tied},
    {"phi3", hf_gqa, hf_dense, NULL},
    {"phimoe", hf_gqa, hf_local_experts, NULL},
    {"qwen2", hf_gqa_qkv_bias, hf_dense, NULL},
    {"qwen2_moe", hf_gqa_qkv_bias, hf_qwen_experts, NULL},
    {"qwen3", hf_gqa_qk_norm, hf_dense, NULL},
    {"qwen3_5_moe_text", hf_gated_delta, hf_qwen_experts, hf_qwen_mtp},
    {"qwen3_5_text", hf_gated_delta, hf_dense, hf_qwen_mtp},
    {"qwen3_moe", hf_gqa_qk_norm, hf_qwen_experts, NULL},
    {"qwen3_next", hf_gated_delta, hf_qwen_experts, hf_qwen_mtp},
    {"seed_oss", hf_gqa_seed, hf_dense, NULL},
    {"smollm3", hf_gqa, hf_dense, hf_tied},
    {"starcoder2", hf_gqa_gpt, hf_dense_plain, hf_tied},
};

/* Other names of the same language model: inside vision models, or of earlier code. */
static const char *const aliases[][2] = {
    {"aya_vision", "cohere2"},
    {"bailing_moe_linear_v1", "bailing_moe"},
    {"gemma3", "gemma3_text"},
    {"gemma4", "gemma4_text"},
    {"glm4v_moe_text", "glm4_moe"},
    {"glm4v_text", "glm4"},
    {"mistral3", "mistral"},
    {"ministral", "mistral"},
    {"ministral3", "mistral"},
    {"ministral3_text", "mistral"},
    {"qwen2_5_vl", "qwen2"},
    {"qwen2_5_vl_text", "qwen2"},
    {"qwen2_vl", "qwen2"},
    {"qwen2_vl_text", "qwen2"},
    {"qwen3_vl_moe_text", "qwen3_moe"},
    {"qwen3_vl_text", "qwen3"},
    {"qwen3_5", "qwen3_5_text"},
    {"qwen3_5_moe", "qwen3_5_moe_text"},
    {"refinedweb", "falcon"},
    {"baichuan", "llama"},
    {"yi", "llama"},
    {"llama4", "llama4_text"},
    {"internlm", "llama"},
    {"ernie4_5_moe_text", "ernie4_5_moe"},
    {"exaone", "llama"},
    {"nemotron_nas", "nemotron-nas"},
};

typedef struct {
  const char *what;
  const char *types; /* between blanks; a * stands for any ending */
} Refusal;

static const Refusal refusals[] = {
    {"compressed attention, several residual streams and hashed routing", "deepseek_v4 deepseek_ref"},
    {"layers of the gated delta rule among those of attention", "qwen3_6* kimi_k3 olmo_hybrid"},
    {"Mamba of the first kind, a scan channel by channel, of which no kernel was measured",
     "mamba jamba falcon_mamba plamo2 phi4flash"},
    {"blocks whose weights several layers share", "zamba*"},
    {"gated convolutions or recurrences in place of attention", "lfm2* recurrent_gemma rwkv*"},
    {"blocks of keys that each query chooses", "minimax_m3*"},
    {"values of another width than the keys of their heads", "mimo_v2*"},
    {"windowed layers with other heads than the global ones, which its configuration does not say",
     "step3p5* step3p7*"},
    {"an embedding for each layer, and keys that several layers share", "gemma3n*"},
    {"attention that factorizes its query projection", "step3 step3_text step3_vl"},
    {"experts without computation beside real ones", "bailing_moe_linear*"},
    {"an encoder", "t5 mt5 ul2 bart mbart bert roberta whisper switch_transformers nllb* marian"},
};

/* ---- look-up --------------------------------------------------------------------------------- */

static const char *plain_type(const char *type)
{
  for (gsize i = 0; i < G_N_ELEMENTS(aliases); i++)
    if (strcmp(aliases[i][0], type) == 0)
      return aliases[i][1];
  return type;
}

const HfFamily *hf_family(const char *type)
{
  const char *plain = plain_type(type);

  for (gsize i = 0; i < G_N_ELEMENTS(families); i++)
    if (strcmp(families[i].type, plain) == 0)
      return &families[i];
  return NULL;
}

const char *hf_refusal(const char *type)
{
  for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++)
    if (import_is_listed(refusals[i].types, type))
      return refusals[i].what;
  return NULL;
}

char *hf_types(void)
{
  g_autoptr(GString) text = g_string_new(families[0].type);

  for (gsize i = 1; i < G_N_ELEMENTS(families); i++)
    g_string_append_printf(text, ", %s", families[i].type);
  return g_string_free(g_steal_pointer(&text), FALSE);
}
