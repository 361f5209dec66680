/* Kinds of layers: the pattern that repeats over them, and the shorthands it replaces. */
#include "internal.h"

const char *const moe_mixer_words[] = {"attention", "local", "linear", "none", NULL};
const char *const moe_feed_words[] = {"dense", "moe", "none", NULL};

static const MoeField pattern_fields[] = {
    {"mixer", MOE_FIELD_CHOICE(MoePatternItem, kind.mixer, moe_mixer_words), .otherwise = "as attention says",
     .meaning = "what mixes tokens: attention over all, over a window or chunk, by a state, or nothing"},
    {"ffn", MOE_FIELD_CHOICE(MoePatternItem, kind.feed, moe_feed_words), .otherwise = "as moe says",
     .meaning = "what follows"},
    {"count", MOE_FIELD_COUNT(MoePatternItem, count, 1, MOE_MAX_LAYERS), .meaning = "layers of this kind in a row"},
    {NULL},
};

static const MoePatternItem pattern_defaults = {.kind = {-1, -1}, .count = 1};

const MoeSection moe_pattern_section = {"an item of pattern", pattern_fields, &pattern_defaults};

char *moe_pattern_print(gconstpointer target)
{
  const MoeArchitecture *architecture = target;
  GString *out = g_string_new("[");

  for (guint i = 0; i < architecture->n_pattern; i++) {
    g_autofree char *item = moe_section_print_flow(&moe_pattern_section, &architecture->pattern[i]);

    g_string_append_printf(out, "%s%s", i > 0 ? ", " : "", item);
  }
  g_string_append_c(out, ']');
  return g_string_free(out, architecture->n_pattern == 0);
}

gboolean moe_pattern_read(const MoeNode *list, MoeArchitecture *architecture, GError **error)
{
  architecture->n_pattern = 0;
  if (!list || moe_node_is_none(list))
    return TRUE;
  if (!moe_node_expect(list, MOE_NODE_LIST, "pattern", error))
    return FALSE;
  if (moe_node_size(list) > MOE_MAX_PATTERN)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(list), "a pattern of %u items, expected at most %d",
                    moe_node_size(list), MOE_MAX_PATTERN);
  for (guint i = 0; i < moe_node_size(list); i++) {
    MoePatternItem *item = &architecture->pattern[architecture->n_pattern++];

    *item = pattern_defaults;
    if (!moe_node_read_fields(moe_node_at(list, i), pattern_fields, "an item of pattern", item, error))
      return FALSE;
    if (item->kind.mixer == MOE_MIXER_NONE && item->kind.feed == MOE_FEED_NONE)
      return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_at(list, i)),
                      "a layer of nothing, expected a mixer or an ffn");
  }
  return TRUE;
}

/* ---- the kind of a layer ----------------------------------------------------------------------------------------- */

/* As `window`, `chunk` and `global_every` say. */
static MoeMixer usual_mixer(const MoeAttention *a, int64_t layer)
{
  gboolean local = a->window > 0 || a->chunk > 0;

  return local && a->global_every > 1 && (layer + 1) % a->global_every != 0 ? MOE_MIXER_LOCAL : MOE_MIXER_ATTENTION;
}

/* As `first_layer` and `every` say. */
static MoeFeed usual_feed(const MoeExpertLayer *moe, int64_t layer)
{
  gboolean sparse =
      moe->experts > 0 && layer >= moe->first_layer && (layer - moe->first_layer) % MAX(moe->every, 1) == 0;

  return sparse ? MOE_FEED_MOE : MOE_FEED_DENSE;
}

static MoeLayerKind pattern_kind(const MoeArchitecture *architecture, int64_t layer)
{
  int64_t period = 0;
  guint i = 0;

  for (guint item = 0; item < architecture->n_pattern; item++)
    period += architecture->pattern[item].count;
  for (layer %= period; layer >= architecture->pattern[i].count; i++)
    layer -= architecture->pattern[i].count;
  return architecture->pattern[i].kind;
}

MoeLayerKind moe_layer_kind(const MoeArchitecture *architecture, int64_t layer)
{
  MoeLayerKind kind = {-1, -1};

  if (architecture->n_pattern > 0)
    kind = pattern_kind(architecture, layer);
  if (kind.mixer < 0)
    kind.mixer = usual_mixer(&architecture->attention, layer);
  if (kind.feed < 0)
    kind.feed = usual_feed(&architecture->moe, layer);
  return kind;
}

gboolean moe_layer_is_moe(const MoeArchitecture *architecture, int64_t layer)
{
  return moe_layer_kind(architecture, layer).feed == MOE_FEED_MOE;
}

gboolean moe_layer_is_global(const MoeArchitecture *architecture, int64_t layer)
{
  return moe_layer_kind(architecture, layer).mixer == MOE_MIXER_ATTENTION;
}

double moe_real_top_k(const MoeExpertLayer *moe)
{
  return moe->real_top_k > 0 ? moe->real_top_k : (double)moe->top_k;
}
