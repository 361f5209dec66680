/* Dotted paths, and what is changed through them: overrides, merges, replacements. */
#include "internal.h"

#include <string.h>

/* ---- cutting a path --------------------------------------------------------------------------------------------- */

void moe_path_clear(MoePath *path)
{
  g_clear_pointer(&path->storage, g_free);
  path->n = 0;
}

static gboolean fail_path(GError **error, MoeMark mark, gsize offset, const char *text, const char *what)
{
  g_autofree char *shown = moe_text_show(text);

  mark.column += (int)offset;
  return moe_fail(error, MOE_ERROR_INPUT, mark, "%s in %s, expected keys joined by dots such as training.micro_batch",
                  what, shown);
}

/* End of the key that begins at `from`: the next dot, or behind the closing quote. NULL when a quote is left open. */
static char *key_end(char *from)
{
  if (*from != '"')
    return from + strcspn(from, ".");
  char *quote = strchr(from + 1, '"');
  return quote ? quote + 1 : NULL;
}

/* What is wrong with the key from `from` to `end`, or NULL. */
static const char *find_fault(const MoePath *path, const char *from, const char *end)
{
  if (!end)
    return "a quote that is not closed";
  if (end == from || (*from == '"' && end == from + 2))
    return "an empty key";
  if (*end && *end != '.')
    return "text behind a quoted key";
  return path->n == MOE_DOC_MAX_DEPTH ? "too many keys" : NULL;
}

static gboolean add_key(MoePath *path, char *from, char *end, MoeMark mark, GError **error)
{
  gboolean quoted = *from == '"';

  path->columns[path->n] = (int)(from - path->storage) + 1;
  path->keys[path->n] = from + quoted;
  end[quoted ? -1 : 0] = '\0';
  mark.column += path->columns[path->n] - 1;
  return moe_key_check(strlen(path->keys[path->n++]), mark, error);
}

gboolean moe_path_parse(MoePath *path, const char *text, gsize length, MoeMark mark, GError **error)
{
  g_autofree char *whole = g_strndup(text, length);

  *path = (MoePath){.storage = g_strndup(text, length)};
  char *from = path->storage;
  gboolean more = *from != '\0';
  while (more) {
    char *end = key_end(from);
    const char *fault = find_fault(path, from, end);
    if (fault)
      return fail_path(error, mark, (gsize)(from - path->storage), whole, fault);
    more = *end == '.';
    if (!add_key(path, from, end, mark, error))
      return FALSE;
    from = end + 1;
  }
  return TRUE;
}

/* ---- walking ---------------------------------------------------------------------------------------------------- */

/* A list index in decimal, or -1. */
static int parse_index(const char *key)
{
  guint64 index = 0;

  return g_ascii_string_to_unsigned(key, 10, 0, G_MAXINT, &index, NULL) ? (int)index : -1;
}

/* Position of the key in a list or map, or -1. */
static int child_index(const MoeNode *node, const char *key)
{
  if (node->kind != MOE_NODE_LIST)
    return moe_node_index(node, key);
  int index = parse_index(key);
  return index >= 0 && (guint)index < node->n ? index : -1;
}

static MoeNode *find(MoeNode *node, const char *dotted_path)
{
  g_auto(MoePath) path = {0};
  MoeMark nowhere = {0};

  if (!moe_path_parse(&path, dotted_path, strlen(dotted_path), nowhere, NULL))
    return NULL;
  for (guint i = 0; node && i < path.n; i++) {
    int at = child_index(node, path.keys[i]);
    node = at >= 0 ? node->items[at] : NULL;
  }
  return node;
}

const MoeNode *moe_node_find(const MoeNode *root, const char *dotted_path)
{
  return find((MoeNode *)root, dotted_path); /* find changes nothing */
}

MoeNode *moe_doc_find(const MoeDoc *doc, const char *dotted_path)
{
  return find(doc->root, dotted_path);
}

/* ---- changing --------------------------------------------------------------------------------------------------- */

/* Puts `child` under `key` into a map, or in place of an item of a list. */
static gboolean put_child(MoeDoc *doc, MoeNode *parent, MoeNode *child, const char *key, MoeMark mark, GError **error)
{
  if (parent->kind == MOE_NODE_MAP) {
    moe_node_set_key(doc, child, key, mark);
    moe_node_put(doc, parent, child);
    return TRUE;
  }
  int at = child_index(parent, key);
  g_autofree char *shown = moe_text_show(key);
  if (at < 0)
    return moe_fail(error, MOE_ERROR_INPUT, mark,
                    "%s is no item of this list, expected an index from 0, below its length of %u", shown, parent->n);
  child->key = NULL;
  parent->items[at] = child;
  return TRUE;
}

static MoeMark key_mark(MoeMark mark, const MoePath *path, guint i)
{
  mark.column += mark.line ? path->columns[i] - 1 : 0;
  return mark;
}

/* The node at the first `count` keys of the path; what is missing, or a single value, becomes a map. */
static MoeNode *reach(MoeDoc *doc, const MoePath *path, guint count, MoeMark mark, GError **error)
{
  MoeNode *node = doc->root;

  for (guint i = 0; i < count; i++) {
    int at = child_index(node, path->keys[i]);
    MoeNode *child = at >= 0 ? node->items[at] : NULL;

    if (!child || child->kind == MOE_NODE_SCALAR) {
      child = moe_node_new(doc, MOE_NODE_MAP, i + 1, key_mark(mark, path, i), error);
      if (!child || !put_child(doc, node, child, path->keys[i], key_mark(mark, path, i), error))
        return NULL;
    }
    node = child;
  }
  return node;
}

/* Puts `node` (of this document, made for depth path->n) at the path, which is not that of the root. */
static gboolean place(MoeDoc *doc, const MoePath *path, MoeNode *node, MoeMark mark, GError **error)
{
  guint last = path->n - 1;
  MoeNode *parent = reach(doc, path, last, mark, error);

  return parent && put_child(doc, parent, node, path->keys[last], key_mark(mark, path, last), error);
}

gboolean moe_doc_replace(MoeDoc *doc, const char *path_text, const MoeNode *node, GError **error)
{
  g_auto(MoePath) path = {0};

  if (!moe_path_parse(&path, path_text, strlen(path_text), node->mark, error))
    return FALSE;
  MoeNode *copy = moe_node_copy(doc, node, path.n, error);
  if (!copy)
    return FALSE;
  if (path.n > 0)
    return place(doc, &path, copy, copy->mark, error);
  if (!moe_node_expect(node, MOE_NODE_MAP, "the root of a document", error))
    return FALSE;
  copy->key = NULL;
  doc->root = copy;
  return TRUE;
}

gboolean moe_doc_merge(MoeDoc *doc, const char *path_text, const MoeNode *overlay, GError **error)
{
  g_auto(MoePath) path = {0};

  if (!moe_node_expect(overlay, MOE_NODE_MAP, "an overlay", error) ||
      !moe_path_parse(&path, path_text, strlen(path_text), overlay->mark, error))
    return FALSE;
  MoeNode *copy = moe_node_copy(doc, overlay, path.n, error);
  if (!copy)
    return FALSE;
  MoeNode *target = find(doc->root, path_text);
  if (!target || target->kind != MOE_NODE_MAP)
    return place(doc, &path, copy, copy->mark, error);
  moe_node_merge(doc, target, copy);
  return TRUE;
}

/* ---- --set ------------------------------------------------------------------------------------------------------ */

/* The value of "path=value", made for the depth of the path. */
static MoeNode *parse_value(MoeDoc *doc, const char *assignment, gsize key_bytes, guint depth, const MoeSource *source,
                            GError **error)
{
  const char *value = assignment + key_bytes + 1;
  MoeText text = {.bytes = value,
                  .length = strlen(value),
                  .source = source,
                  .column = (int)g_utf8_strlen(assignment, (gssize)key_bytes) + 1,
                  .depth = depth,
                  .flow = TRUE};

  return moe_parse_text(doc, &text, error);
}

static gboolean fail_assignment(GError **error, MoeMark mark, const char *assignment, const char *what)
{
  g_autofree char *shown = moe_text_show(assignment);

  return moe_fail(error, MOE_ERROR_INPUT, mark, "%s has %s, expected key=value such as training.micro_batch=2", shown,
                  what);
}

gboolean moe_doc_set(MoeDoc *doc, const char *assignment, GError **error)
{
  const MoeSource *source = moe_doc_source(doc, MOE_DOC_SET_NAME, ".");
  MoeMark mark = {source->name, 1, 1};
  const char *equals = strchr(assignment, '=');
  g_auto(MoePath) path = {0};

  if (!equals)
    return fail_assignment(error, mark, assignment, "no =");
  if (equals == assignment)
    return fail_assignment(error, mark, assignment, "no key");
  if (!moe_input_check(assignment, strlen(assignment), source->name, error) ||
      !moe_path_parse(&path, assignment, (gsize)(equals - assignment), mark, error))
    return FALSE;
  MoeNode *value = parse_value(doc, assignment, (gsize)(equals - assignment), path.n, source, error);
  return value && place(doc, &path, value, mark, error);
}
