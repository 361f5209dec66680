/* Hugging Face configurations to runs: which family, its keys, a layout. */
#include "hf.h"

#include <string.h>

/* ---- families -------------------------------------------------------------------------------- */

static const HfFamily *find_family(JsonMap *map, const char *otherwise)
{
  const char *type = json_map_has(map, "model_type") ? json_map_text(map, "model_type") : otherwise;
  gboolean indexed = g_strcmp0(type, "deepseek_v3") == 0 && json_map_has(map, "index_topk");
  const HfFamily *family = type ? hf_family(indexed ? "deepseek_v32" : type) : NULL;

  if (family || map->error)
    return family;
  if (!type) {
    json_map_fail(map, "model_type", "no \"model_type\", expected one such as llama or deepseek_v3");
    return NULL;
  }
  const char *refusal = hf_refusal(type);
  g_autofree char *known = hf_types();
  g_autofree char *shown = g_utf8_substring(type, 0, MIN(g_utf8_strlen(type, -1), 40));

  if (refusal)
    json_map_fail(map, "model_type", "model type \"%s\": a run cannot say: %s", shown, refusal);
  else
    json_map_fail(map, "model_type", "model type \"%s\" is not known, expected one of %s", shown, known);
  return NULL;
}

/* Tables of learned positions: of the types that have no other positions. */
static void read_positions(JsonMap *map, Draft *draft, const HfFamily *family)
{
  static const char *const types[] = {"gpt2", "opt", NULL};

  if (g_strv_contains(types, family->type))
    draft->architecture.learned_positions = json_map_count(map, "max_position_embeddings", 0);
}

/* As many as a run may have: readers of families go through them one by one. */
#define MAX_LAYERS 10000

/* "num_hidden_layers", or as many as a list of their kinds has. */
static int64_t count_layers(JsonMap *map)
{
  JsonNode *kinds = json_object_get_member(map->object, "layers_block_type");

  gboolean listed = !json_map_has(map, "num_hidden_layers") && kinds && JSON_NODE_HOLDS_ARRAY(kinds);
  int64_t layers = listed ? json_array_get_length(json_node_get_array(kinds)) : json_map_need(map, "num_hidden_layers");

  if (layers > MAX_LAYERS)
    json_map_fail(map, listed ? "layers_block_type" : json_map_spelling(map, "num_hidden_layers"),
                  "%" G_GINT64_FORMAT " layers, expected at most %d", layers, MAX_LAYERS);
  return MIN(layers, MAX_LAYERS);
}

static void read_model(JsonMap *map, Draft *draft, const HfFamily *family)
{
  MoeArchitecture *a = &draft->architecture;

  a->layers = count_layers(map);
  a->hidden = json_map_need(map, "hidden_size");
  a->vocabulary = json_map_need(map, "vocab_size");
  a->tied_embeddings = json_map_flag(map, "tie_word_embeddings", FALSE);
  family->attention(map, draft);
  family->feed_forward(map, draft);
  if (family->rest)
    family->rest(map, draft);
  read_positions(map, draft, family);
  hf_precision(map, draft);
}

/* ---- layout ---------------------------------------------------------------------------------- */

#define HOST_GPUS                                                                                                      \
  8 /* of the layout chosen: tensor and expert groups stay within one host; a search finds better ones */

/* The largest power of two that divides the experts, up to a host. */
static void choose_experts(Draft *draft)
{
  int64_t experts = draft->architecture.moe.experts;
  MoeParallelism *p = &draft->parallelism;

  while (experts > 0 && p->expert < HOST_GPUS && experts % (p->expert * 2) == 0)
    p->expert *= 2;
}

/* Whether the batch divides over the data-parallel ranks that are left. */
static gboolean fits_batch(const Draft *draft, int64_t gpus, int64_t batch)
{
  int64_t ranks = gpus / (draft->parallelism.tensor * draft->parallelism.context);

  return ranks <= batch && batch % MAX(ranks, 1) == 0;
}

/* Tensor parallelism within a host, then context parallelism, until no rank is without a sequence. */
static void choose_for_batch(Draft *draft)
{
  const MoeAttention *attention = &draft->architecture.attention;
  MoeParallelism *p = &draft->parallelism;
  int64_t gpus = draft->options->gpus, batch = draft->options->global_batch;

  if (gpus == 0 || batch == 0)
    return;
  while (!fits_batch(draft, gpus, batch) && p->tensor < HOST_GPUS && gpus % (p->tensor * 2) == 0 &&
         attention->query_heads % (p->tensor * 2) == 0)
    p->tensor *= 2;
  while (!fits_batch(draft, gpus, batch) && gpus % (p->tensor * p->context * 2) == 0 &&
         p->tensor * p->context * 2 <= gpus)
    p->context *= 2;
  p->context_kind = MOE_CONTEXT_RING;
}

void hf_layout(Draft *draft)
{
  MoeParallelism *p = &draft->parallelism;

  p->zero = 1;
  p->overlap.gradient_reduce = p->overlap.parameter_gather = TRUE;
  if (draft->options->sharded)
    import_note(draft, "the layout is not in the input: it is the best that a search found");
  if (import_has_layout(draft->options)) {
    p->sequence_parallel = draft->options->tensor > 1;
    p->overlap.pipeline = draft->options->virtual_stages > 1;
    return;
  }
  choose_experts(draft);
  choose_for_batch(draft);
  p->sequence_parallel = p->tensor > 1;
  p->overlap.tensor = p->tensor > 1;
  import_note(draft,
              "the layout is not in the input: tensor %" G_GINT64_FORMAT ", context %" G_GINT64_FORMAT
              ", expert %" G_GINT64_FORMAT
              ", zero 1 chosen; --tensor, --pipeline and others say it, moesim search finds better ones",
              p->tensor, p->context, p->expert);
}

/* ---- text in, run out ------------------------------------------------------------------------ */

static gboolean fail_map(JsonMap *map, GError **error)
{
  if (map->error)
    g_propagate_error(error, map->error);
  return map->error == NULL;
}

/* DBRX keeps keys of attention and experts in objects of their own: they join the others. */
static JsonObject *flatten(JsonObject *object)
{
  static const char *const parts[] = {"attn_config", "ffn_config"};
  JsonObject *whole = json_object_new();
  g_autoptr(GList) keys = json_object_get_members(object);

  for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
    JsonNode *part = json_object_get_member(object, parts[i]);
    g_autoptr(GList) inner =
        part && JSON_NODE_HOLDS_OBJECT(part) ? json_object_get_members(json_node_get_object(part)) : NULL;

    for (GList *key = inner; key; key = key->next)
      json_object_set_member(whole, key->data,
                             json_node_copy(json_object_get_member(json_node_get_object(part), key->data)));
  }
  for (GList *key = keys; key; key = key->next)
    if (strcmp(key->data, parts[0]) != 0 && strcmp(key->data, parts[1]) != 0)
      json_object_set_member(whole, key->data, json_node_copy(json_object_get_member(object, key->data)));
  return whole;
}

static gboolean read_object(JsonMap *map, Draft *draft, const char *place, const char *type, GError **error)
{
  const HfFamily *family = find_family(map, type);

  if (family)
    read_model(map, draft, family);
  if (!fail_map(map, error))
    return FALSE;
  hf_classify(map, draft, place);
  return TRUE;
}

/* Around a language model, whose key and a dot are `place`: its own keys belong to the encoders, but for a few that the
 * inner one lacks. */
static gboolean read_outside(JsonMap *outside, Draft *draft, const char *place, GError **error)
{
  g_hash_table_add(outside->used, g_strndup(place, strcspn(place, ".")));
  if (json_map_flag(outside, "tie_word_embeddings", FALSE))
    draft->architecture.tied_embeddings = TRUE;
  if (draft->training.precision.gemm == MOE_BF16)
    hf_precision(outside, draft);
  import_note(draft, "the language model alone is read; encoders of pictures or sound are left out");
  if (!fail_map(outside, error))
    return FALSE;
  hf_classify(outside, draft, "");
  return TRUE;
}

/* The language model inside another's configuration, and its key with a dot; NULL where it is the configuration itself.
 */
static JsonObject *find_inner(JsonObject *root, const char **place)
{
  static const char *const keys[][2] = {
      {"text_config", "text_config."}, {"llm_config", "llm_config."}, {"language_config", "language_config."}};

  for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
    JsonNode *node = json_object_get_member(root, keys[i][0]);

    *place = keys[i][1];
    if (node && JSON_NODE_HOLDS_OBJECT(node))
      return json_node_get_object(node);
  }
  *place = "";
  return NULL;
}

gboolean hf_model(JsonObject *root, const char *text, const char *name, Draft *draft, GError **error)
{
  const char *place = "";
  JsonObject *inner = find_inner(root, &place);
  JsonNode *type = json_object_get_member(root, "model_type");
  gboolean has_type = type && JSON_NODE_HOLDS_VALUE(type) && json_node_get_value_type(type) == G_TYPE_STRING;
  g_autoptr(JsonObject) model = flatten(inner ? inner : root);
  g_autoptr(GHashTable) used = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GHashTable) used_outside = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  JsonMap map = {.file = name, .text = text, .object = model, .used = used};
  JsonMap outside = {.file = name, .text = text, .object = root, .used = used_outside};

  return read_object(&map, draft, place, has_type ? json_node_get_string(type) : NULL, error) &&
         (!inner || read_outside(&outside, draft, place, error));
}

MoeImport *moe_import_hf(const char *text, gsize length, const char *name, const MoeImportOptions *options,
                         GError **error)
{
  g_autofree char *copy = g_strndup(text, length); /* ends in NUL, for the search of lines */
  g_autoptr(JsonNode) root = moe_json_parse_once(text, length, MOE_IMPORT_MAX_BYTES, name, error);
  g_autofree char *source = g_strdup_printf("%s, Hugging Face configuration", name);
  Draft draft;

  const MoeImportText input = {text, length, name};

  if (!root)
    return import_fail_kind(&input, "hf", error);
  import_begin(&draft, options, source, "imported from a Hugging Face configuration", NULL);
  g_autoptr(MoeImport) import = draft.import;
  G_GNUC_UNUSED g_autoptr(GPtrArray) open = draft.open;

  if (!hf_model(json_node_get_object(root), copy, name, &draft, error))
    return import_fail_kind(&input, "hf", error);
  if (!import_settle(&draft, error))
    return import_fail_in(&input, error);
  hf_layout(&draft);
  if (!import_finish(&draft, error))
    return import_fail_in(&input, error);
  return g_steal_pointer(&import);
}
