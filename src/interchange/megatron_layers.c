/* Kinds of layers that Megatron's lists say one by one: experts or a dense network (--moe-layer-freq), a window or all
 * keys (--window-attn-skip-freq), attention or the delta rule (--linear-attention-freq). Where a period says them the
 * architecture has fields for it; where none does they become its pattern. */
#include "megatron.h"

#include "hf.h"

#include <string.h>

gboolean megatron_add_layer(MoeArchitecture *a, int mixer, int feed)
{
  MoePatternItem *last = a->n_pattern > 0 ? &a->pattern[a->n_pattern - 1] : NULL;

  if (last && last->kind.mixer == mixer && last->kind.feed == feed) {
    last->count++;
    return TRUE;
  }
  if (a->n_pattern == MOE_MAX_PATTERN)
    return FALSE;
  a->pattern[a->n_pattern++] = (MoePatternItem){.kind = {.mixer = mixer, .feed = feed}, .count = 1};
  return TRUE;
}

/* One of the lists; `values` is NULL where the argument is absent or a number says a period. */
typedef struct {
  GArray *values;
  gboolean irregular;
} Listed;

static void clear_listed(Listed *listed)
{
  g_clear_pointer(&listed->values, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Listed, clear_listed)

static gboolean is_number(const char *text)
{
  return g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, NULL, NULL);
}

static gboolean read_listed(const char *name, const char *text, int64_t layers, Listed *listed, GError **error)
{
  if (!text || is_number(text))
    return TRUE;
  listed->values = megatron_pattern(name, text, layers, error);
  return listed->values != NULL;
}

static gboolean value_of(const Listed *listed, int64_t layer)
{
  return g_array_index(listed->values, gboolean, (guint)layer);
}

/* Layers of the delta rule where --linear-attention-freq is a number: all but the last of each so many. */
static gboolean is_linear(const Listed *linear, const char *frequency, int64_t layer)
{
  gint64 every = 0;

  if (linear->values)
    return value_of(linear, layer);
  return frequency && g_ascii_string_to_signed(frequency, 10, 1, 1 << 20, &every, NULL) && (layer + 1) % every != 0;
}

typedef struct {
  Listed experts, window, linear;
  const char *linear_frequency;
} Layers;

static gboolean add_layers(Draft *draft, const Layers *layers, GError **error)
{
  MoeArchitecture *a = &draft->architecture;

  a->n_pattern = 0;
  for (int64_t layer = 0; layer < a->layers; layer++) {
    int mixer = is_linear(&layers->linear, layers->linear_frequency, layer) ? (int)MOE_MIXER_LINEAR
                : !layers->window.values                                    ? MEGATRON_AS_READ
                : value_of(&layers->window, layer)                          ? (int)MOE_MIXER_LOCAL
                                                                            : (int)MOE_MIXER_ATTENTION;
    int feed = !layers->experts.values             ? MEGATRON_AS_READ
               : value_of(&layers->experts, layer) ? (int)MOE_FEED_MOE
                                                   : (int)MOE_FEED_DENSE;

    if (!megatron_add_layer(a, mixer, feed))
      return moe_fail_about(error, layers->experts.values ? "--moe-layer-freq" : "--window-attn-skip-freq",
                            "changes the kind of layer more than %d times, expected a pattern with a period",
                            MOE_MAX_PATTERN);
  }
  return TRUE;
}

/* A list of experts without one, beside --num-experts, is a slip. */
static gboolean has_experts(const Listed *experts, const char *text, GError **error)
{
  for (guint i = 0; i < experts->values->len; i++)
    if (g_array_index(experts->values, gboolean, i))
      return TRUE;
  return moe_fail_about(error, "--moe-layer-freq", "'%.60s' has experts in no layer, expected a 1 beside --num-experts",
                        text);
}

gboolean megatron_layers(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  int64_t layers = draft->architecture.layers, first = 0, every = 0;
  g_auto(Listed) experts = {0}, window = {0}, linear = {0};
  gboolean delta = draft->architecture.linear.key_heads > 0;

  if (megatron_hybrid_pattern(arguments))
    return TRUE;
  if (!read_listed("--moe-layer-freq", arguments->experts > 0 ? arguments->moe_layers : NULL, layers, &experts,
                   error) ||
      !read_listed("--window-attn-skip-freq", draft->architecture.attention.window > 0 ? arguments->window_skip : NULL,
                   layers, &window, error) ||
      !read_listed("--linear-attention-freq", delta ? arguments->linear_frequency : NULL, layers, &linear, error) ||
      (experts.values && !has_experts(&experts, arguments->moe_layers, error)))
    return FALSE;
  experts.irregular = experts.values && !import_is_regular(experts.values, &first, &every);
  window.irregular = window.values && import_closing_period(window.values) == 0;
  if (!experts.irregular && !window.irregular)
    return TRUE;
  return add_layers(draft, &(Layers){experts, window, linear, delta ? arguments->linear_frequency : NULL}, error);
}

/* ---- blocks that differ ----------------------------------------------------------------------- */

gboolean megatron_blocks(Draft *draft, const MegatronArguments *arguments, GError **error)
{
  const char *name =
      arguments->blocks_json ? "--heterogeneous-layers-config-encoded-json" : "--heterogeneous-layers-config-path";
  const char *text = arguments->blocks_json ? arguments->blocks_json : arguments->blocks_file;

  if (!text)
    return TRUE;
  text += strspn(text, " \t\n");
  if (*text != '{') {
    import_refuse(draft, name, "blocks of a file that is not found beside the script (import hf reads block_configs)");
    return TRUE;
  }
  g_autoptr(JsonNode) root = moe_json_parse_once(text, strlen(text), MOE_IMPORT_MAX_BYTES, name, error);
  JsonMap map = {.file = name, .text = text, .object = root ? json_node_get_object(root) : NULL};

  if (!root)
    return FALSE;
  hf_read_blocks(&map, draft);
  if (map.error)
    g_propagate_error(error, map.error);
  return map.error == NULL;
}
