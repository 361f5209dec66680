/* Megatron's hybrids: a letter per layer (hybrid_layer_allocation.py, --hybrid-layer-pattern). */
#include "megatron.h"

#include <math.h>
#include <string.h>

/* transformer_config.py */
#define MAMBA_STATE_DIM   128
#define MAMBA_HEAD_DIM    64
#define MAMBA_GROUPS      8
#define MAMBA_EXPANSION   2     /* heads x head width, unless heads are given: twice the hidden width */
#define MAX_RATIO_LAYERS  10000 /* of a run */
#define MAMBA_CONVOLUTION 4     /* mamba_mixer.py, d_conv */

/* hybrid_layer_allocation.py, Symbols: what stands for a layer, and what it is. */
static const struct {
  char letter;
  int mixer, feed;
} letters[] = {
    {'M', MOE_MIXER_LINEAR, MOE_FEED_NONE},    /* Mamba-2 */
    {'G', MOE_MIXER_LINEAR, MOE_FEED_NONE},    /* the gated delta rule */
    {'*', MOE_MIXER_ATTENTION, MOE_FEED_NONE}, /* heads that share keys */
    {'+', MOE_MIXER_ATTENTION, MOE_FEED_NONE}, /* multi-head latent attention */
    {'D', MOE_MIXER_ATTENTION, MOE_FEED_NONE}, /* the same over keys that an index chooses */
    {'-', MOE_MIXER_NONE, MOE_FEED_DENSE},     {'E', MOE_MIXER_NONE, MOE_FEED_MOE},
};

#define STAGE_END    '|' /* a pipeline stage, or a chunk of one */
#define MODULE_START '/' /* what follows are prediction modules, each the same */

/* FALSE: no letter of this list, or one change too many. */
static gboolean add_letter(MoeArchitecture *a, char letter)
{
  for (gsize i = 0; i < G_N_ELEMENTS(letters); i++)
    if (letters[i].letter == letter) {
      a->layers++;
      return megatron_add_layer(a, letters[i].mixer, letters[i].feed);
    }
  return FALSE;
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
                           .convolution = MAMBA_CONVOLUTION,
                           .chunk = MEGATRON_MAMBA_CHUNK};
}

const char *megatron_hybrid_pattern(const MegatronArguments *arguments)
{
  return arguments->pattern       ? arguments->pattern
         : arguments->old_pattern ? arguments->old_pattern
                                  : arguments->made_pattern;
}

/* ---- patterns that ratios say ---------------------------------------------------------------- */

/* `count` of the `layers` that are still Mamba's become `letter`, `step` of Mamba's between two of them
 * (hybrid_layer_allocation.py, pattern_from_ratios). */
static void spread(GString *pattern, char letter, double step)
{
  double left = step;

  for (gsize i = 0; i < pattern->len; i++) {
    if (pattern->str[i] != 'M')
      continue;
    if (left < 0.5) {
      pattern->str[i] = letter;
      left += step;
    } else
      left -= 1;
  }
}

/* Python rounds halves to even. */
static int64_t share_of(int64_t layers, double ratio)
{
  return (int64_t)nearbyint((double)layers * ratio);
}

char *megatron_ratio_pattern(const MegatronArguments *arguments)
{
  int64_t layers = arguments->layers, attention = share_of(layers, arguments->attention_ratio),
          dense = share_of(layers, arguments->dense_ratio), mamba = layers - attention;
  gboolean none = arguments->attention_ratio == 0 && arguments->dense_ratio == 0;

  if (arguments->pattern || arguments->old_pattern || none || layers < 1 || layers > MAX_RATIO_LAYERS ||
      arguments->attention_ratio + arguments->dense_ratio > 1)
    return NULL;
  g_autoptr(GString) pattern = g_string_new(NULL);

  for (int64_t i = 0; i < layers; i++)
    g_string_append_c(pattern, 'M');
  spread(pattern, '*', (double)mamba / (double)(attention + 1));
  if (dense > 0)
    spread(pattern, '-', (double)(mamba - dense) / (double)dense);
  return g_string_free(g_steal_pointer(&pattern), FALSE);
}

/* ---- stages within a pattern ------------------------------------------------------------------- */

char *megatron_hybrid_layout(const MegatronArguments *arguments)
{
  const char *pattern = megatron_hybrid_pattern(arguments);
  gsize length = pattern ? strcspn(pattern, "/") : 0;

  if (!pattern || arguments->layout || !memchr(pattern, STAGE_END, length))
    return NULL;
  GString *layout = g_string_new("E");

  for (gsize i = 0; i < length; i++)
    g_string_append_c(layout, pattern[i] == STAGE_END ? STAGE_END : 't');
  for (const char *c = pattern + length; *c; c++)
    if (*c == MODULE_START)
      g_string_append_c(layout, 'm');
  g_string_append_c(layout, 'L');
  return g_string_free(layout, FALSE);
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

/* One kind of state and one of attention are what a run can have. */
static void check_kinds(Draft *draft, const char *name, const char *pattern)
{
  if (strchr(pattern, 'M') && strchr(pattern, 'G'))
    import_refuse(draft, name, "Mamba-2 and the gated delta rule in one model");
  if (strchr(pattern, '*') && strpbrk(pattern, "+D"))
    import_refuse(draft, name, "attention with and without latent keys in one model");
  if (draft->architecture.moe.experts > 0 && !memchr(pattern, 'E', strcspn(pattern, "/")))
    import_refuse(draft, "--num-experts", "experts that no layer (E) of the hybrid pattern has");
  if (strchr(pattern, '+') && strchr(pattern, 'D'))
    import_refuse(draft, name, "an index in some layers of attention alone");
}

static gboolean is_usual_module(const char *module, gboolean experts)
{
  return strchr("*+D", module[0]) && module[1] == (experts ? 'E' : '-') && module[2] == '\0';
}

/* Behind a slash each: modules of one attention and one layer of experts or a dense network are as a run has them. */
static gboolean take_modules(Draft *draft, const char *name, const char *modules, GError **error)
{
  g_auto(GStrv) parts = g_strsplit(modules, "/", -1);
  guint n = g_strv_length(parts);

  for (guint i = 1; i < n; i++)
    if (strcmp(parts[i], parts[1]) != 0)
      return moe_fail_about(error, name, "prediction modules '%.20s' and '%.20s' differ, expected the same", parts[1],
                            parts[i]);
  if (n > 1 && *parts[1] && !is_usual_module(parts[1], draft->architecture.moe.experts > 0))
    import_refuse(draft, name, "prediction modules of other layers than one of attention and one that follows");
  if (n > 1 && *parts[1])
    draft->architecture.mtp_layers = n - 1;
  return TRUE;
}

static gboolean take_pattern(Draft *draft, const char *name, const char *pattern, GError **error)
{
  MoeArchitecture *a = &draft->architecture;
  gsize length = strcspn(pattern, "/");

  a->layers = 0;
  a->n_pattern = 0;
  for (gsize i = 0; i < length; i++)
    if (pattern[i] != STAGE_END && !add_letter(a, pattern[i]))
      return moe_fail_about(error, name,
                            "'%c' at %d, expected M, G, *, +, D, E or - for each layer, changing at most %d times, | "
                            "between stages, / before prediction modules",
                            g_ascii_isprint(pattern[i]) ? pattern[i] : '?', (int)i + 1, MOE_MAX_PATTERN);
  check_kinds(draft, name, pattern);
  if (a->layers == 0)
    return moe_fail_about(error, name, "no layer, expected M, *, E or - for each");
  return take_modules(draft, name, pattern + length, error);
}

gboolean megatron_hybrid(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  MoeArchitecture *a = &draft->architecture;
  const char *pattern = megatron_hybrid_pattern(arguments);
  const char *name = arguments->pattern       ? "--hybrid-layer-pattern"
                     : arguments->old_pattern ? "--hybrid-override-pattern"
                                              : "--hybrid-attention-ratio";

  take_spec(draft, arguments);
  take_type(draft, arguments->model_type);
  if (arguments->attention_ratio + arguments->dense_ratio > 1)
    return moe_fail_about(error, "--hybrid-attention-ratio",
                          "%g with --hybrid-mlp-ratio %g, expected at most 1 together", arguments->attention_ratio,
                          arguments->dense_ratio);
  if (!pattern && is_mamba(arguments))
    take_mamba_alone(draft, arguments);
  if (!pattern)
    return TRUE;
  if (!take_pattern(draft, name, pattern, error))
    return FALSE;
  if (strchr(pattern, 'M'))
    take_mamba(a, arguments);
  if (strchr(pattern, 'G'))
    megatron_take_delta(a, arguments);
  if (strpbrk(pattern, "+D"))
    megatron_take_mla(&a->attention, arguments);
  return !strchr(pattern, 'D') || megatron_take_index(draft, arguments, error);
}
