/* Kinds of layers in Hugging Face configurations: with a window or without, with experts or dense. A period becomes
 * fields of the architecture, what none says a pattern of layers. */
#include "hf.h"

#include <string.h>

#define AS_READ (-1) /* of a pattern's item: as the rest of the architecture says */

GArray *hf_choices(const Draft *draft)
{
  GArray *list = g_array_sized_new(FALSE, TRUE, sizeof(gboolean), (guint)draft->architecture.layers);

  return g_array_set_size(list, (guint)draft->architecture.layers);
}

/* The pattern of a moment, one item for each layer. */
static GArray *unfold(const MoeArchitecture *a)
{
  GArray *kinds = g_array_new(FALSE, FALSE, sizeof(MoeLayerKind));
  const MoeLayerKind usual = {.mixer = AS_READ, .feed = AS_READ};

  for (guint item = 0; item < a->n_pattern; item++)
    for (int64_t i = 0; i < a->pattern[item].count && (int64_t)kinds->len < a->layers; i++)
      g_array_append_val(kinds, a->pattern[item].kind);
  while ((int64_t)kinds->len < a->layers)
    g_array_append_val(kinds, usual);
  return kinds;
}

static void fold(JsonMap *map, const char *key, MoeArchitecture *a, const GArray *kinds)
{
  a->n_pattern = 0;
  for (guint i = 0; i < kinds->len; i++)
    hf_add_layer(map, key, a, &g_array_index(kinds, MoeLayerKind, i));
}

static gboolean choice(const GArray *list, guint i)
{
  return g_array_index(list, gboolean, i);
}

void hf_set_local(JsonMap *map, const char *key, Draft *draft, const GArray *local)
{
  MoeArchitecture *a = &draft->architecture;
  g_autoptr(GArray) kinds = unfold(a);

  a->attention.global_every = import_closing_period(local);
  if (a->attention.global_every > 0)
    return;
  a->attention.global_every = a->layers + 1;
  for (guint i = 0; i < local->len; i++)
    g_array_index(kinds, MoeLayerKind, i).mixer = choice(local, i) ? (int)MOE_MIXER_LOCAL : (int)MOE_MIXER_ATTENTION;
  fold(map, key, a, kinds);
}

void hf_set_experts(JsonMap *map, const char *key, Draft *draft, const GArray *experts)
{
  MoeArchitecture *a = &draft->architecture;
  g_autoptr(GArray) kinds = unfold(a);
  gboolean any = FALSE;

  if (import_is_regular(experts, &a->moe.first_layer, &a->moe.every))
    return;
  a->moe.first_layer = 0;
  a->moe.every = 1;
  for (guint i = 0; i < experts->len; i++) {
    g_array_index(kinds, MoeLayerKind, i).feed = choice(experts, i) ? (int)MOE_FEED_MOE : (int)MOE_FEED_DENSE;
    any = any || choice(experts, i);
  }
  if (!any)
    json_map_fail(map, key, "\"%s\": no layer has experts, expected some", key);
  else
    fold(map, key, a, kinds);
}

/* ---- lists ----------------------------------------------------------------------------------- */

static const char *element_text(JsonArray *list, guint i)
{
  JsonNode *node = json_array_get_element(list, i);

  return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node)
                                                                                        : "";
}

GArray *hf_word_choices(JsonMap *map, const char *key, const Draft *draft, const char *yes, const char *no)
{
  JsonArray *list = json_map_list(map, key);
  guint n = list ? json_array_get_length(list) : 0;
  GArray *choices = n > 0 ? hf_choices(draft) : NULL;

  if (choices && n != choices->len)
    json_map_fail(map, key, "\"%s\" has %u words, expected one for each of the %u layers", key, n, choices->len);
  for (guint i = 0; choices && i < n && i < choices->len && !map->error; i++) {
    const char *word = element_text(list, i);

    g_array_index(choices, gboolean, i) = strcmp(word, yes) == 0;
    if (strcmp(word, yes) != 0 && strcmp(word, no) != 0)
      json_map_fail(map, key, "\"%s\" has '%.40s', expected %s or %s", key, word, no, yes);
  }
  return choices;
}

GArray *hf_number_choices(JsonMap *map, const char *key, const Draft *draft)
{
  JsonArray *list = json_map_list(map, key);
  guint n = list ? json_array_get_length(list) : 0;
  GArray *choices = n > 0 ? hf_choices(draft) : NULL;

  for (guint i = 0; choices && i < n && !map->error; i++) {
    gboolean yes = json_map_element(map, key, list, i) != 0;

    if (i < choices->len)
      g_array_index(choices, gboolean, i) = yes;
  }
  if (choices && n != choices->len)
    json_map_fail(map, key, "\"%s\" has %u numbers, expected one for each of the %u layers", key, n, choices->len);
  return choices;
}
