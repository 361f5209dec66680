/* Megatron's hybrids: a letter per layer, "M" Mamba-2, "*" attention, "E" experts, "-" a dense network (arguments.py,
 * --hybrid-layer-pattern). */
#include "megatron.h"

#include <string.h>

/* transformer_config.py */
#define MAMBA_STATE_DIM   128
#define MAMBA_HEAD_DIM    64
#define MAMBA_GROUPS      8
#define MAMBA_EXPANSION   2 /* heads x head width, unless heads are given: twice the hidden width */
#define MAMBA_CONVOLUTION 4 /* mamba_mixer.py, d_conv */

static gboolean add_layer(MoeArchitecture *a, MoeMixer mixer, MoeFeed feed)
{
  MoePatternItem *last = a->n_pattern > 0 ? &a->pattern[a->n_pattern - 1] : NULL;

  a->layers++;
  if (last && last->kind.mixer == (int)mixer && last->kind.feed == (int)feed) {
    last->count++;
    return TRUE;
  }
  if (a->n_pattern == MOE_MAX_PATTERN)
    return FALSE;
  a->pattern[a->n_pattern++] = (MoePatternItem){.kind = {.mixer = (int)mixer, .feed = (int)feed}, .count = 1};
  return TRUE;
}

/* FALSE: no letter of this list. */
static gboolean add_letter(MoeArchitecture *a, char letter)
{
  switch (letter) {
  case 'M':
    return add_layer(a, MOE_MIXER_LINEAR, MOE_FEED_NONE);
  case '*':
    return add_layer(a, MOE_MIXER_ATTENTION, MOE_FEED_NONE);
  case 'E':
    return add_layer(a, MOE_MIXER_NONE, MOE_FEED_MOE);
  case '-':
    return add_layer(a, MOE_MIXER_NONE, MOE_FEED_DENSE);
  default:
    return FALSE;
  }
}

static void take_mamba(MoeArchitecture *a, const MegatronArguments *arguments)
{
  int64_t dim = arguments->mamba_head_dim > 0 ? arguments->mamba_head_dim : MAMBA_HEAD_DIM;
  int64_t heads = arguments->mamba_heads > 0 ? arguments->mamba_heads : MAX(MAMBA_EXPANSION * a->hidden / dim, 1);

  a->linear =
      (MoeLinearAttention){.kind = MOE_LINEAR_MAMBA2,
                           .key_heads = arguments->mamba_groups > 0 ? arguments->mamba_groups : MAMBA_GROUPS,
                           .value_heads = heads,
                           .key_dim = arguments->mamba_state_dim > 0 ? arguments->mamba_state_dim : MAMBA_STATE_DIM,
                           .value_dim = dim,
                           .convolution = MAMBA_CONVOLUTION};
}

const char *megatron_hybrid_pattern(const MegatronArguments *arguments)
{
  return arguments->pattern ? arguments->pattern : arguments->old_pattern;
}

/* --spec MODULE NAME: the layers of Megatron-Core's own models follow from the other arguments. */
static void take_spec(Draft *draft, const MegatronArguments *arguments)
{
  static const char *const own[] = {"mamba_layer_specs", "hybrid_layer_specs", "gpt_layer_specs"};
  const char *module = arguments->spec->len > 0 ? g_ptr_array_index(arguments->spec, 0) : "local";
  gboolean known = strcmp(module, "local") == 0;

  for (gsize i = 0; !known && i < G_N_ELEMENTS(own); i++)
    known = strstr(module, own[i]) != NULL;
  if (!known)
    import_refuse(draft, "--spec", "layers that code elsewhere describes");
}

/* --model-type, --model-provider: what else than a decoder there is. */
static void take_type(Draft *draft, const char *type)
{
  static const char *const known[] = {"gpt", "GPT", "mamba", "hybrid", NULL};

  if (type && !g_strv_contains(known, type))
    import_refuse(draft, "--model-type", "a model of this kind");
}

/* Whether the script or its layers are those of Megatron's Mamba models. */
static gboolean is_mamba(const MegatronArguments *arguments)
{
  const char *module = arguments->spec->len > 0 ? g_ptr_array_index(arguments->spec, 0) : "";

  if (arguments->model_type &&
      (strcmp(arguments->model_type, "mamba") == 0 || strcmp(arguments->model_type, "hybrid") == 0))
    return TRUE;
  return strstr(module, "mamba") || strstr(module, "hybrid") ||
         (arguments->script && (strstr(arguments->script, "mamba") || strstr(arguments->script, "hybrid")));
}

/* Mamba without a pattern: every layer is one. */
static void take_mamba_alone(Draft *draft, const MegatronArguments *arguments)
{
  MoeArchitecture *a = &draft->architecture;

  a->n_pattern = 0;
  a->pattern[a->n_pattern++] =
      (MoePatternItem){.kind = {.mixer = MOE_MIXER_LINEAR, .feed = MOE_FEED_NONE}, .count = a->layers};
  take_mamba(a, arguments);
  import_note(draft, "a Mamba model without --hybrid-layer-pattern: every layer is Mamba-2");
}

gboolean megatron_hybrid(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeArchitecture *a = &draft->architecture;
  const char *pattern = megatron_hybrid_pattern(arguments);
  const char *name = arguments->pattern ? "--hybrid-layer-pattern" : "--hybrid-override-pattern";

  take_spec(draft, arguments);
  take_type(draft, arguments->model_type);
  if (!pattern && is_mamba(arguments))
    take_mamba_alone(draft, arguments);
  if (!pattern)
    return TRUE;
  a->layers = 0;
  for (const char *letter = pattern; *letter; letter++)
    if (!add_letter(a, *letter))
      return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                      "%s: '%c' at %d, expected M, *, E or - for each layer, changing at most %d times", name,
                      g_ascii_isprint(*letter) ? *letter : '?', (int)(letter - pattern) + 1, MOE_MAX_PATTERN);
  take_mamba(a, arguments);
  return a->layers > 0 ||
         moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "%s: no layer, expected M, *, E or - for each", name);
}
