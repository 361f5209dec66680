/* Models that torchtitan configurations name (torchtitan/models/NAME/__init__.py and their config.json on the hub):
 * shapes alone. */
#include "titan.h"

#include <string.h>

#define DENSE(layers_, hidden_, vocabulary_, heads_, kv_, dim_, width_, tied_, norm_)                                  \
  {                                                                                                                    \
    .layers = layers_, .hidden = hidden_, .vocabulary = vocabulary_, .tied_embeddings = tied_, .norms_per_layer = 2,   \
    .qk_norm = norm_, .mtp_counted = TRUE,                                                                             \
    .attention = {.kind = MOE_ATTENTION_GQA, .query_heads = heads_, .kv_heads = kv_, .head_dim = dim_}, .ffn = {       \
      .width = width_,                                                                                                 \
      .gated = TRUE                                                                                                    \
    }                                                                                                                  \
  }
#define DEEPSEEK(layers_, hidden_, heads_, q_, width_, experts_, top_, expert_, shared_, first_, groups_, chosen_)     \
  {                                                                                                                    \
    .layers = layers_, .hidden = hidden_, .vocabulary = (experts_) == 256 ? 129280 : 102400, .norms_per_layer = 2,     \
    .mtp_counted = TRUE,                                                                                               \
    .attention = {.kind = MOE_ATTENTION_MLA,                                                                           \
                  .query_heads = heads_,                                                                               \
                  .q_rank = q_,                                                                                        \
                  .kv_rank = 512,                                                                                      \
                  .nope_dim = 128,                                                                                     \
                  .rope_dim = 64,                                                                                      \
                  .value_dim = 128},                                                                                   \
    .ffn = {.width = width_, .gated = TRUE}, .moe = {                                                                  \
      .experts = experts_,                                                                                             \
      .first_layer = first_,                                                                                           \
      .every = 1,                                                                                                      \
      .top_k = top_,                                                                                                   \
      .width = expert_,                                                                                                \
      .gated = TRUE,                                                                                                   \
      .shared_experts = shared_,                                                                                       \
      .shared_width = expert_,                                                                                         \
      .groups = groups_,                                                                                               \
      .top_groups = chosen_                                                                                            \
    }                                                                                                                  \
  }
#define QWEN_EXPERTS(layers_, hidden_, heads_, kv_, width_, expert_)                                                   \
  {                                                                                                                    \
    .layers = layers_, .hidden = hidden_, .vocabulary = 151936, .norms_per_layer = 2, .qk_norm = TRUE,                 \
    .mtp_counted = TRUE,                                                                                               \
    .attention = {.kind = MOE_ATTENTION_GQA, .query_heads = heads_, .kv_heads = kv_, .head_dim = 128},                 \
    .ffn = {.width = width_, .gated = TRUE}, .moe = {                                                                  \
      .experts = 128,                                                                                                  \
      .every = 1,                                                                                                      \
      .top_k = 8,                                                                                                      \
      .width = expert_,                                                                                                \
      .gated = TRUE,                                                                                                   \
      .groups = 1,                                                                                                     \
      .top_groups = 1                                                                                                  \
    }                                                                                                                  \
  }

/* GPT-OSS: windows of 128 tokens in every second layer, biases, experts whose activation is limited. */
#define GPT_OSS(layers_, experts_)                                                                                     \
  {                                                                                                                    \
    .layers = layers_, .hidden = 2880, .vocabulary = 201088, .norms_per_layer = 2, .biases = TRUE,                     \
    .mtp_counted = TRUE,                                                                                               \
    .attention = {.kind = MOE_ATTENTION_GQA,                                                                           \
                  .query_heads = 64,                                                                                   \
                  .kv_heads = 8,                                                                                       \
                  .head_dim = 64,                                                                                      \
                  .window = 128,                                                                                       \
                  .global_every = 2},                                                                                  \
    .ffn = {.width = 2880, .gated = TRUE}, .moe = {                                                                    \
      .experts = experts_,                                                                                             \
      .every = 1,                                                                                                      \
      .top_k = 4,                                                                                                      \
      .width = 2880,                                                                                                   \
      .gated = TRUE,                                                                                                   \
      .clamped = TRUE,                                                                                                 \
      .groups = 1,                                                                                                     \
      .top_groups = 1                                                                                                  \
    }                                                                                                                  \
  }
/* Llama 4: chunks of 8192 tokens in three layers of four, one expert for a token beside a shared one. */
#define LLAMA4(experts_, every_)                                                                                       \
  {                                                                                                                    \
    .layers = 48, .hidden = 5120, .vocabulary = 202048, .norms_per_layer = 2, .mtp_counted = TRUE,                     \
    .attention = {.kind = MOE_ATTENTION_GQA,                                                                           \
                  .query_heads = 40,                                                                                   \
                  .kv_heads = 8,                                                                                       \
                  .head_dim = 128,                                                                                     \
                  .chunk = 8192,                                                                                       \
                  .global_every = 4},                                                                                  \
    .ffn = {.width = 16384, .gated = TRUE}, .moe = {                                                                   \
      .experts = experts_,                                                                                             \
      .first_layer = (every_)-1,                                                                                       \
      .every = every_,                                                                                                 \
      .top_k = 1,                                                                                                      \
      .width = 8192,                                                                                                   \
      .gated = TRUE,                                                                                                   \
      .shared_experts = 1,                                                                                             \
      .shared_width = 8192,                                                                                            \
      .groups = 1,                                                                                                     \
      .top_groups = 1                                                                                                  \
    }                                                                                                                  \
  }

static const TitanFlavor flavors[] = {
    {"llama3", "8B", DENSE(32, 4096, 128256, 32, 8, 128, 14336, FALSE, FALSE)},
    {"llama3", "70B", DENSE(80, 8192, 128256, 64, 8, 128, 28672, FALSE, FALSE)},
    {"llama3", "405B", DENSE(126, 16384, 128256, 128, 8, 128, 53248, FALSE, FALSE)},
    {"qwen3", "0.6B", DENSE(28, 1024, 151936, 16, 8, 128, 3072, TRUE, TRUE)},
    {"qwen3", "1.7B", DENSE(28, 2048, 151936, 16, 8, 128, 6144, TRUE, TRUE)},
    {"qwen3", "4B", DENSE(36, 2560, 151936, 32, 8, 128, 9728, TRUE, TRUE)},
    {"qwen3", "8B", DENSE(36, 4096, 151936, 32, 8, 128, 12288, FALSE, TRUE)},
    {"qwen3", "14B", DENSE(40, 5120, 151936, 40, 8, 128, 17408, FALSE, TRUE)},
    {"qwen3", "32B", DENSE(64, 5120, 151936, 64, 8, 128, 25600, FALSE, TRUE)},
    {"qwen3", "30B-A3B", QWEN_EXPERTS(48, 2048, 32, 4, 6144, 768)},
    {"qwen3", "235B-A22B", QWEN_EXPERTS(94, 4096, 64, 4, 12288, 1536)},
    {"deepseek_v3", "16B", DEEPSEEK(27, 2048, 16, 0, 10944, 64, 6, 1408, 2, 1, 1, 1)},
    {"deepseek_v3", "236B", DEEPSEEK(60, 5120, 128, 1536, 12288, 160, 6, 1536, 2, 1, 8, 3)},
    {"deepseek_v3", "671B", DEEPSEEK(61, 7168, 128, 1536, 18432, 256, 8, 2048, 1, 3, 8, 4)},
    {"gpt_oss", "20B", GPT_OSS(24, 32)},
    {"gpt_oss", "120B", GPT_OSS(36, 128)},
    {"llama4", "17bx16e", LLAMA4(16, 1)},
    {"llama4", "17bx128e", LLAMA4(128, 2)},
};

const TitanFlavor *titan_flavor(const char *name, const char *flavor)
{
  for (gsize i = 0; i < G_N_ELEMENTS(flavors); i++)
    if (g_ascii_strcasecmp(flavors[i].name, name) == 0 && g_ascii_strcasecmp(flavors[i].flavor, flavor) == 0)
      return &flavors[i];
  return NULL;
}

static gboolean same_shape(const MoeArchitecture *a, const MoeArchitecture *b)
{
  return a->layers == b->layers && a->hidden == b->hidden && a->vocabulary == b->vocabulary &&
         a->attention.kind == b->attention.kind && a->attention.query_heads == b->attention.query_heads &&
         a->attention.window == b->attention.window && a->n_pattern == b->n_pattern && a->ffn.gated == b->ffn.gated &&
         a->qk_norm == b->qk_norm && a->moe.experts == b->moe.experts && a->moe.width == b->moe.width &&
         a->moe.top_k == b->moe.top_k && a->moe.first_layer == b->moe.first_layer &&
         (a->moe.experts > 0 || a->ffn.width == b->ffn.width);
}

const TitanFlavor *titan_flavor_of(const MoeArchitecture *architecture)
{
  for (gsize i = 0; i < G_N_ELEMENTS(flavors); i++)
    if (same_shape(&flavors[i].architecture, architecture))
      return &flavors[i];
  return NULL;
}

char *titan_flavors(void)
{
  g_autoptr(GString) text = g_string_new(NULL);

  for (gsize i = 0; i < G_N_ELEMENTS(flavors); i++)
    g_string_append_printf(text, "%s%s/%s", i > 0 ? ", " : "", flavors[i].name, flavors[i].flavor);
  return g_string_free(g_steal_pointer(&text), FALSE);
}
