/* Inside the import of Hugging Face configurations: families and their readers. */
#ifndef MOESIM_INTERCHANGE_HF_H
#define MOESIM_INTERCHANGE_HF_H

#include "import.h"
#include "json.h"

/* Reads some keys of a configuration into the draft; the first mistake stays in the map. */
typedef void (*HfReader)(JsonMap *map, Draft *draft);

typedef struct {
  const char *type; /* "model_type" */
  HfReader attention;
  HfReader feed_forward;
  HfReader rest; /* what else differs; may be NULL */
} HfFamily;

/* The family of a model type, or NULL. */
const HfFamily *hf_family(const char *type);
/* What a run cannot say of a model type that is known; NULL for others. */
const char *hf_refusal(const char *type);
/* All known types, joined by commas. Caller frees. */
char *hf_types(void);

/* ---- readers ----------------------------------------------------------------------------------------------------- */

void hf_heads(JsonMap *map, Draft *draft); /* heads alone: no window, no norms */
void hf_gqa(JsonMap *map, Draft *draft);
void hf_gqa_qk_norm(JsonMap *map, Draft *draft);
void hf_gqa_qkv_bias(JsonMap *map, Draft *draft);
void hf_gqa_all_biases(JsonMap *map, Draft *draft);
void hf_gqa_seed(JsonMap *map, Draft *draft);
void hf_gqa_gemma(JsonMap *map, Draft *draft);
void hf_gqa_gemma2(JsonMap *map, Draft *draft);
void hf_gqa_gemma3(JsonMap *map, Draft *draft);
void hf_gqa_cohere(JsonMap *map, Draft *draft);
void hf_gqa_falcon(JsonMap *map, Draft *draft);
void hf_gqa_gpt(JsonMap *map, Draft *draft);
void hf_gqa_llama4(JsonMap *map, Draft *draft);
void hf_gqa_minimax(JsonMap *map, Draft *draft);
void hf_mla(JsonMap *map, Draft *draft);
void hf_lightning(JsonMap *map, Draft *draft);

void hf_gated_delta(JsonMap *map, Draft *draft);
void hf_kimi_linear(JsonMap *map, Draft *draft);
void hf_nemotron_h(JsonMap *map, Draft *draft);
void hf_mla_index(JsonMap *map, Draft *draft);
void hf_granite_hybrid(JsonMap *map, Draft *draft);
void hf_bamba(JsonMap *map, Draft *draft);
void hf_falcon_h1(JsonMap *map, Draft *draft);
void hf_mamba2(JsonMap *map, Draft *draft);
void hf_block_configs(JsonMap *map, Draft *draft);
void hf_heads_per_layer(JsonMap *map, Draft *draft);
void hf_openelm(JsonMap *map, Draft *draft);
void hf_gqa_gemma4(JsonMap *map, Draft *draft);

void hf_dense(JsonMap *map, Draft *draft);
void hf_dense_plain(JsonMap *map, Draft *draft); /* two matrices instead of three */
void hf_dense_gpt(JsonMap *map, Draft *draft);
void hf_local_experts(JsonMap *map, Draft *draft);
void hf_clamped_experts(JsonMap *map, Draft *draft);
void hf_qwen_experts(JsonMap *map, Draft *draft);
void hf_deepseek_experts(JsonMap *map, Draft *draft);
void hf_ernie_experts(JsonMap *map, Draft *draft);
void hf_hunyuan_experts(JsonMap *map, Draft *draft);
void hf_llama4_experts(JsonMap *map, Draft *draft);
void hf_nemotron_h_experts(JsonMap *map, Draft *draft);
void hf_longcat(JsonMap *map, Draft *draft);
void hf_granite_hybrid_experts(JsonMap *map, Draft *draft);
void hf_arctic_experts(JsonMap *map, Draft *draft);
void hf_gemma4_experts(JsonMap *map, Draft *draft);
void hf_no_feed_forward(JsonMap *map, Draft *draft);

void hf_nemotron_h_mtp(JsonMap *map, Draft *draft);
void hf_nextn(JsonMap *map, Draft *draft);
void hf_qwen_mtp(JsonMap *map, Draft *draft);
void hf_minimax_mtp(JsonMap *map, Draft *draft);
void hf_post_norms(JsonMap *map, Draft *draft);
void hf_tied(JsonMap *map, Draft *draft); /* embeddings are tied unless the key says otherwise */

/* "block_configs", of a draft that has its heads and layers: a pattern with the heads and widths of each. */
void hf_read_blocks(JsonMap *map, Draft *draft);
/* One layer more of the pattern; `key` is what says so. */
void hf_add_layer(JsonMap *map, const char *key, MoeArchitecture *a, const MoeLayerKind *kind);
/* A choice (gboolean) for each layer, all FALSE. Free with g_array_unref. */
GArray *hf_choices(const Draft *draft);
/* The choices that a list of words, or of numbers (0: no), makes; NULL where there is none. A mistake is in the map. */
GArray *hf_word_choices(JsonMap *map, const char *key, const Draft *draft, const char *yes, const char *no);
GArray *hf_number_choices(JsonMap *map, const char *key, const Draft *draft);
/* Layers that see a window or chunk, layers that have experts; `key` is what says so. */
void hf_set_local(JsonMap *map, const char *key, Draft *draft, const GArray *local);
void hf_set_experts(JsonMap *map, const char *key, Draft *draft, const GArray *experts);
/* A list that names some of the layers; NULL where there is none, or, noted in the map, one of more. */
JsonArray *hf_layer_list(JsonMap *map, const char *key, int64_t layers);
/* Whether it names this one; not of NULL. */
gboolean hf_is_listed(JsonMap *map, const char *key, JsonArray *list, int64_t layer);
/* Whether a value says that something is off: false, 0, an empty list or text, null. */
gboolean hf_is_off(JsonNode *node);
/* Every member of the object is used, without effect, or open: fills the lists of the import and draft->open. `place`
 * stands before the keys ("text_config."). */
void hf_classify(JsonMap *map, Draft *draft, const char *place);
/* quantization_config as the precision of linear layers. */
void hf_precision(JsonMap *map, Draft *draft);
/* A layout for a configuration that has none: so that the batch fits, experts within a host. */
void hf_layout(Draft *draft);
/* Reads the model of a configuration whose text is `text`, NUL-terminated, and classifies its keys. FALSE and *error.
 */
gboolean hf_model(JsonObject *root, const char *text, const char *name, Draft *draft, GError **error);

#endif
