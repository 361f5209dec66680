/* Documents, nodes, the hash index of large maps, and access to them. */
#include "internal.h"

#include <string.h>

/* Maps of at least this capacity carry a hash index: twice `capacity` slots of 32 bits behind the item pointers, each 0
 * or the number of an item counted from 1; open addressing. Below, comparing a few keys is faster. */
#define INDEXED_CAPACITY   32
#define FIRST_CAPACITY     4
#define SLOTS_PER_CAPACITY 2

MoeDoc *moe_doc_new(void)
{
  MoeDoc *doc = g_new0(MoeDoc, 1);

  moe_doc_arena_init(&doc->arena);
  return doc;
}

void moe_doc_free(MoeDoc *doc)
{
  if (!doc)
    return;
  moe_doc_arena_clear(&doc->arena);
  g_free(doc);
}

MoeDoc *moe_doc_copy(const MoeDoc *doc)
{
  MoeDoc *copy = moe_doc_new();

  copy->root = moe_node_copy(copy, doc->root, 0, NULL);
  g_assert(copy->root); /* the original kept the limits */
  copy->seal = doc->seal;
  moe_doc_confine(copy, doc->within);
  return copy;
}

const MoeDocSeal *moe_doc_seal(const MoeDoc *doc)
{
  return &doc->seal;
}

void moe_doc_set_seal(MoeDoc *doc, MoeDocSeal seal)
{
  doc->seal = seal;
}

MoeNode *moe_doc_root(const MoeDoc *doc)
{
  return doc->root;
}

MoeSource *moe_doc_source(MoeDoc *doc, const char *name, const char *directory)
{
  for (MoeSource *source = doc->sources; source; source = source->next)
    if (strcmp(source->name, name) == 0 && g_strcmp0(source->directory, directory) == 0)
      return source;
  gsize bytes = strlen(name) + 1;
  MoeSource *source = moe_doc_arena_take(&doc->arena, sizeof *source + bytes);
  memcpy(source->name, name, bytes);
  source->directory = directory ? moe_doc_arena_text(&doc->arena, directory, strlen(directory)) : NULL;
  source->next = doc->sources;
  doc->sources = source;
  return source;
}

const MoeSource *moe_source_of(MoeMark mark)
{
  return (const MoeSource *)(const void *)(mark.file - G_STRUCT_OFFSET(MoeSource, name));
}

MoeNode *moe_node_new(MoeDoc *doc, MoeNodeKind kind, guint depth, MoeMark mark, GError **error)
{
  if (doc->n_nodes >= MOE_DOC_MAX_NODES) {
    moe_fail(error, MOE_ERROR_INPUT, mark, "too many values, expected at most %d", MOE_DOC_MAX_NODES);
    return NULL;
  }
  if (kind != MOE_NODE_SCALAR && depth >= MOE_DOC_MAX_DEPTH) {
    moe_fail(error, MOE_ERROR_INPUT, mark, "nested too deep, expected at most %d levels", MOE_DOC_MAX_DEPTH);
    return NULL;
  }
  MoeNode *node = moe_doc_arena_take(&doc->arena, sizeof *node);
  *node = (MoeNode){.kind = (guint8)kind, .depth = (guint16)depth, .mark = mark};
  doc->n_nodes++;
  return node;
}

/* ---- maps and lists --------------------------------------------------------------------------------------------- */

static gboolean is_indexed(const MoeNode *node)
{
  return node->kind == MOE_NODE_MAP && node->capacity >= INDEXED_CAPACITY;
}

static guint32 *slots_of(const MoeNode *map)
{
  return (guint32 *)(void *)(map->items + map->capacity);
}

/* The slot of the key, or the empty one where it would go; never full, as slots are twice the capacity. */
static guint32 *find_slot(const MoeNode *map, const char *key)
{
  guint32 *slots = slots_of(map);
  guint mask = map->capacity * SLOTS_PER_CAPACITY - 1;
  guint at = g_str_hash(key) * 2654435769u & mask; /* 2^32 / golden ratio: spreads the low bits (Knuth, TAOCP 3, 6.4) */

  while (slots[at] && strcmp(map->items[slots[at] - 1]->key, key) != 0)
    at = (at + 1) & mask;
  return &slots[at];
}

static void rebuild_index(MoeNode *map)
{
  memset(slots_of(map), 0, sizeof(guint32) * map->capacity * SLOTS_PER_CAPACITY);
  for (guint i = 0; i < map->n; i++)
    *find_slot(map, map->items[i]->key) = i + 1;
}

int moe_node_index(const MoeNode *map, const char *key)
{
  if (map->kind != MOE_NODE_MAP)
    return -1;
  if (is_indexed(map))
    return (int)*find_slot(map, key) - 1;
  for (guint i = 0; i < map->n; i++)
    if (strcmp(map->items[i]->key, key) == 0)
      return (int)i;
  return -1;
}

static void grow(MoeDoc *doc, MoeNode *node)
{
  guint capacity = node->capacity ? node->capacity * 2 : FIRST_CAPACITY;
  gsize slots = node->kind == MOE_NODE_MAP && capacity >= INDEXED_CAPACITY ? (gsize)capacity * SLOTS_PER_CAPACITY : 0;
  MoeNode **items = moe_doc_arena_take(&doc->arena, capacity * sizeof *items + slots * sizeof(guint32));

  if (node->n)
    memcpy(items, node->items, node->n * sizeof *items);
  node->items = items;
  node->capacity = capacity;
  if (is_indexed(node))
    rebuild_index(node);
}

void moe_node_append(MoeDoc *doc, MoeNode *parent, MoeNode *child)
{
  g_assert(parent->kind != MOE_NODE_SCALAR && (parent->kind == MOE_NODE_LIST || child->key));
  if (parent->n == parent->capacity)
    grow(doc, parent);
  parent->items[parent->n++] = child;
  if (is_indexed(parent))
    *find_slot(parent, child->key) = parent->n;
}

void moe_node_put(MoeDoc *doc, MoeNode *map, MoeNode *child)
{
  int at = moe_node_index(map, child->key);

  if (at >= 0)
    map->items[at] = child;
  else
    moe_node_append(doc, map, child);
}

void moe_doc_remove(MoeDoc *doc G_GNUC_UNUSED, MoeNode *map, const char *key)
{
  int at = moe_node_index(map, key);

  if (at < 0)
    return;
  map->n--;
  memmove(map->items + at, map->items + at + 1, (map->n - (guint)at) * sizeof *map->items);
  if (is_indexed(map))
    rebuild_index(map);
}

gboolean moe_key_check(gsize length, MoeMark mark, GError **error)
{
  if (length == 0)
    return moe_fail(error, MOE_ERROR_INPUT, mark, "empty key, expected a name");
  if (length > MOE_DOC_MAX_KEY_BYTES)
    return moe_fail(error, MOE_ERROR_INPUT, mark, "key of %" G_GSIZE_FORMAT " bytes, expected at most %d", length,
                    MOE_DOC_MAX_KEY_BYTES);
  return TRUE;
}

void moe_node_set_key(MoeDoc *doc, MoeNode *node, const char *key, MoeMark mark)
{
  node->key = moe_doc_arena_text(&doc->arena, key, strlen(key));
  node->key_mark = mark;
}

void moe_node_merge(MoeDoc *doc, MoeNode *base, MoeNode *overlay)
{
  base->mark = overlay->mark;
  for (guint i = 0; i < overlay->n; i++) {
    MoeNode *over = overlay->items[i];
    int at = moe_node_index(base, over->key);

    if (at >= 0 && base->items[at]->kind == MOE_NODE_MAP && over->kind == MOE_NODE_MAP)
      moe_node_merge(doc, base->items[at], over);
    else
      moe_node_put(doc, base, over);
  }
}

/* ---- copies ----------------------------------------------------------------------------------------------------- */

static MoeMark copy_mark(MoeDoc *doc, MoeMark mark)
{
  const MoeSource *source = moe_source_of(mark);

  return (MoeMark){moe_doc_source(doc, source->name, source->directory)->name, mark.line, mark.column};
}

static gboolean copy_items(MoeDoc *doc, MoeNode *copy, const MoeNode *node, GError **error)
{
  for (guint i = 0; i < node->n; i++) {
    MoeNode *child = moe_node_copy(doc, node->items[i], copy->depth + 1u, error);

    if (!child)
      return FALSE;
    moe_node_append(doc, copy, child);
  }
  return TRUE;
}

MoeNode *moe_node_copy(MoeDoc *doc, const MoeNode *node, guint depth, GError **error)
{
  MoeNode *copy = moe_node_new(doc, node->kind, depth, copy_mark(doc, node->mark), error);

  if (!copy)
    return NULL;
  if (node->key) {
    copy->key = moe_doc_arena_text(&doc->arena, node->key, strlen(node->key));
    copy->key_mark = copy_mark(doc, node->key_mark);
  }
  copy->quoted = node->quoted;
  if (node->kind == MOE_NODE_SCALAR)
    copy->text = moe_doc_arena_text(&doc->arena, node->text, strlen(node->text));
  else if (!copy_items(doc, copy, node, error))
    return NULL;
  return copy;
}

/* ---- access ----------------------------------------------------------------------------------------------------- */

MoeNodeKind moe_node_kind(const MoeNode *node)
{
  return node->kind;
}

MoeMark moe_node_mark(const MoeNode *node)
{
  return node->mark;
}

const char *moe_node_text(const MoeNode *node)
{
  return node->kind == MOE_NODE_SCALAR ? node->text : NULL;
}

gboolean moe_node_is_null(const MoeNode *node)
{
  return node->kind == MOE_NODE_SCALAR && !node->quoted && strcmp(node->text, "null") == 0;
}

gboolean moe_node_is_flat_list(const MoeNode *node)
{
  gboolean flat = node->kind == MOE_NODE_LIST;

  for (guint i = 0; i < node->n && flat; i++)
    flat = node->items[i]->kind == MOE_NODE_SCALAR;
  return flat;
}

guint moe_node_size(const MoeNode *node)
{
  return node->n;
}

const MoeNode *moe_node_at(const MoeNode *node, guint index)
{
  g_assert(index < node->n);
  return node->items[index];
}

const char *moe_node_key(const MoeNode *map, guint index)
{
  return moe_node_at(map, index)->key;
}

MoeMark moe_node_key_mark(const MoeNode *map, guint index)
{
  g_assert(map->kind == MOE_NODE_MAP);
  return moe_node_at(map, index)->key_mark;
}

const MoeNode *moe_node_get(const MoeNode *map, const char *key)
{
  int at = moe_node_index(map, key);

  return at < 0 ? NULL : map->items[at];
}
