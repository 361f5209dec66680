/* Megatron's other kinds of attention (transformer_config.py, experimental_attention_variant): the gated delta rule in
 * some layers, and keys that an index chooses. */
#include "megatron.h"

#include <string.h>

/* transformer_config.py */
#define DELTA_CONVOLUTION 4
#define DELTA_DIM         128 /* of a key, and of a value */
#define DELTA_KEY_HEADS   16
#define DELTA_VALUE_HEADS 32

static int64_t or_default(int64_t value, int64_t otherwise)
{
  return value > 0 ? value : otherwise;
}

/* --linear-attention-freq: N = attention in every N-th layer, the last of each N; a list has 1 for the delta rule. */
static gboolean take_layers(Draft *draft, const char *frequency, GError **error)
{
  MoeArchitecture *a = &draft->architecture;
  gint64 every = 0;
  gboolean number = g_ascii_string_to_signed(frequency, 10, 1, 1 << 20, &every, NULL);
  g_autoptr(GArray) list = number ? NULL : megatron_pattern("--linear-attention-freq", frequency, a->layers, error);

  if (!number && !list)
    return FALSE;
  for (int64_t layer = 0; layer < a->layers; layer++) {
    gboolean linear = number ? (layer + 1) % every != 0 : g_array_index(list, gboolean, (guint)layer);

    if (!megatron_add_layer(a, linear ? (int)MOE_MIXER_LINEAR : (int)MOE_MIXER_ATTENTION, MEGATRON_AS_READ))
      return moe_fail_about(error, "--linear-attention-freq", "changes the kind of layer more than %d times",
                            MOE_MAX_PATTERN);
  }
  return TRUE;
}

void megatron_take_delta(MoeArchitecture *architecture, const MegatronArguments *arguments)
{
  architecture->linear =
      (MoeLinearAttention){.kind = MOE_LINEAR_GATED_DELTA,
                           .key_heads = or_default(arguments->linear_key_heads, DELTA_KEY_HEADS),
                           .value_heads = or_default(arguments->linear_value_heads, DELTA_VALUE_HEADS),
                           .key_dim = or_default(arguments->linear_key_dim, DELTA_DIM),
                           .value_dim = or_default(arguments->linear_value_dim, DELTA_DIM),
                           .convolution = or_default(arguments->linear_convolution, DELTA_CONVOLUTION)};
}

static gboolean take_delta(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  if (!arguments->linear_frequency)
    return moe_fail_about(error, "--experimental-attention-variant",
                          "gated_delta_net without --linear-attention-freq, expected one");
  megatron_take_delta(&draft->architecture, arguments);
  return take_layers(draft, arguments->linear_frequency, error);
}

/* Every layer has an index of its own; sharing one over layers cannot be said. */
gboolean megatron_take_index(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  if (arguments->index_heads == 0 || arguments->index_dim == 0 || arguments->index_top_k == 0)
    return moe_fail_about(error, "--experimental-attention-variant",
                          "dsa, expected --dsa-indexer-n-heads, --dsa-indexer-head-dim and --dsa-indexer-topk above 0");
  if (arguments->index_frequency > 1)
    import_refuse(draft, "--dsa-indexer-topk-freq", "one index for several layers");
  draft->architecture.attention.index.heads = arguments->index_heads;
  draft->architecture.attention.index.dim = arguments->index_dim;
  draft->architecture.attention.index.top_k = arguments->index_top_k;
  return TRUE;
}

gboolean megatron_variant(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  const char *variant = arguments->variant ? arguments->variant : "none";

  draft->architecture.attention.gated = arguments->attention_gate;
  if (strcmp(variant, "gated_delta_net") == 0 || strcmp(variant, "gdn") == 0)
    return take_delta(draft, arguments, error);
  if (strcmp(variant, "dsa") == 0)
    return megatron_take_index(draft, arguments, error);
  if (arguments->linear_frequency && !arguments->variant)
    return moe_fail_about(error, "--linear-attention-freq",
                          "expected --experimental-attention-variant gated_delta_net beside it");
  if (strcmp(variant, "none") != 0)
    import_refuse(draft, "--experimental-attention-variant", "attention of this kind");
  return TRUE;
}
