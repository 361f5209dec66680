/* Kinds of layers: the pattern that repeats over them, and the shorthands it replaces. */
#include "internal.h"

const char *const moe_mixer_words[] = {"attention", "local", "linear", "parallel", "none", NULL};
const char *const moe_feed_words[] = {"dense", "moe", "none", NULL};

static const MoeField pattern_fields[] = {
    {"mixer", MOE_FIELD_CHOICE(MoePatternItem, kind.mixer, moe_mixer_words), .otherwise = "as attention says",
     .meaning =
         "what mixes tokens: attention over all, over a window or chunk, by a state, attention and a state of one "
         "input, added (parallel), or nothing"},
    {"ffn", MOE_FIELD_CHOICE(MoePatternItem, kind.feed, moe_feed_words), .otherwise = "as moe says",
     .meaning = "what follows"},
    {"count", MOE_FIELD_COUNT(MoePatternItem, count, 1, MOE_MAX_LAYERS), .meaning = "layers of this kind in a row"},
    {"query_heads", MOE_FIELD_COUNT(MoePatternItem, kind.query_heads, 1, MOE_MAX_HEADS),
     .otherwise = "as attention.query_heads", .meaning = "heads of the queries of these layers (gqa)"},
    {"kv_heads", MOE_FIELD_COUNT(MoePatternItem, kind.kv_heads, 1, MOE_MAX_HEADS), .otherwise = "as attention.kv_heads",
     .meaning = "heads of keys and values of these layers (gqa); a divisor of their query_heads"},
    {"head_dim", MOE_FIELD_COUNT(MoePatternItem, kind.head_dim, 1, MOE_MAX_WIDTH), .otherwise = "as attention.head_dim",
     .meaning = "width of a head of these layers (gqa)"},
    {"ffn_width", MOE_FIELD_COUNT(MoePatternItem, kind.ffn_width, 1, MOE_MAX_WIDTH), .otherwise = "as ffn.width",
     .meaning = "input of the second linear layer of these layers' dense network"},
    {NULL},
};

static const MoePatternItem pattern_defaults = {.kind = {.mixer = -1, .feed = -1}, .count = 1};

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

/* A size that layers of the item's kind have no use for; NULL: none. */
static const char *idle_size(const MoeLayerKind *kind)
{
  gboolean no_heads = kind->mixer >= 0 && !moe_mixer_attends(kind->mixer);
  gboolean no_width = kind->feed >= 0 && kind->feed != MOE_FEED_DENSE;

  if (no_width && kind->ffn_width > 0)
    return "ffn_width";
  if (no_heads && kind->query_heads > 0)
    return "query_heads";
  if (no_heads && kind->kv_heads > 0)
    return "kv_heads";
  return no_heads && kind->head_dim > 0 ? "head_dim" : NULL;
}

static gboolean check_item(const MoeNode *node, const MoeLayerKind *kind, GError **error)
{
  const char *idle = idle_size(kind);

  if (kind->mixer == MOE_MIXER_NONE && kind->feed == MOE_FEED_NONE)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node), "a layer of nothing, expected a mixer or an ffn");
  return !idle || moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_get(node, idle)),
                           "%s of layers without %s, expected none", idle,
                           g_str_equal(idle, "ffn_width") ? "a dense ffn" : "attention");
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
    if (!moe_node_read_fields(moe_node_at(list, i), pattern_fields, "an item of pattern", item, error) ||
        !check_item(moe_node_at(list, i), &item->kind, error))
      return FALSE;
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

static int64_t said_or(int64_t said, int64_t usual)
{
  return said > 0 ? said : usual;
}

/* Heads of a layer with grouped-query attention, the width of one with a dense network; 0 elsewhere. */
static void settle_sizes(const MoeArchitecture *architecture, MoeLayerKind *kind)
{
  const MoeAttention *a = &architecture->attention;
  gboolean heads = moe_mixer_attends(kind->mixer) && a->kind == MOE_ATTENTION_GQA;

  kind->query_heads = heads ? said_or(kind->query_heads, a->query_heads) : 0;
  kind->kv_heads = heads ? said_or(kind->kv_heads, a->kv_heads) : 0;
  kind->head_dim = heads ? said_or(kind->head_dim, a->head_dim) : 0;
  kind->ffn_width = kind->feed == MOE_FEED_DENSE ? said_or(kind->ffn_width, architecture->ffn.width) : 0;
}

MoeLayerKind moe_layer_kind(const MoeArchitecture *architecture, int64_t layer)
{
  MoeLayerKind kind = {.mixer = -1, .feed = -1};

  if (architecture->n_pattern > 0)
    kind = pattern_kind(architecture, layer);
  if (kind.mixer < 0)
    kind.mixer = usual_mixer(&architecture->attention, layer);
  if (kind.feed < 0)
    kind.feed = usual_feed(&architecture->moe, layer);
  settle_sizes(architecture, &kind);
  return kind;
}

gboolean moe_layer_kind_equal(const MoeLayerKind *a, const MoeLayerKind *b)
{
  return a->mixer == b->mixer && a->feed == b->feed && a->query_heads == b->query_heads && a->kv_heads == b->kv_heads &&
         a->head_dim == b->head_dim && a->ffn_width == b->ffn_width;
}

gboolean moe_mixer_attends(int mixer)
{
  return mixer == MOE_MIXER_ATTENTION || mixer == MOE_MIXER_LOCAL || mixer == MOE_MIXER_PARALLEL;
}

gboolean moe_mixer_scans(int mixer)
{
  return mixer == MOE_MIXER_LINEAR || mixer == MOE_MIXER_PARALLEL;
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
