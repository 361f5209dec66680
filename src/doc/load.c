/* Loading files and what they extend. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define EXTENDS_KEY "extends"

/* The files being loaded, the one asked for last first. */
typedef struct Chain {
  const struct Chain *above;
  const char *name;
  guint64 device, inode;
  guint length;
} Chain;

static MoeNode *load_file(MoeDoc *doc, const char *path, MoeMark asked_at, guint depth, const Chain *above,
                          GError **error);

/* ---- which file ------------------------------------------------------------------------------------------------- */

static char *join(const char *directory, const char *name)
{
  if (g_path_is_absolute(name) || strcmp(directory, ".") == 0)
    return g_strdup(name);
  return g_build_filename(directory, name, NULL);
}

/* "v4" is v4.yaml beside the file; a name with the suffix, and an existing file without one, are meant as they are. */
static char *extended_path(const char *directory, const char *name)
{
  g_autofree char *plain = join(directory, name);
  g_autofree char *suffixed = g_strconcat(plain, ".yaml", NULL);

  if (g_str_has_suffix(name, ".yaml") || g_str_has_suffix(name, ".yml"))
    return g_steal_pointer(&plain);
  if (!g_file_test(suffixed, G_FILE_TEST_EXISTS) && g_file_test(plain, G_FILE_TEST_IS_REGULAR))
    return g_steal_pointer(&plain);
  return g_steal_pointer(&suffixed);
}

/* What runs of before name: architectures lay in a folder `shapes` until they had one of their own name. */
static char *moved_path(char *path)
{
  g_autofree char *directory = g_path_get_dirname(path), *file = g_path_get_basename(path);
  g_autofree char *folder = g_path_get_basename(directory), *above = g_path_get_dirname(directory);
  g_autofree char *now = g_build_filename(above, "architectures", file, NULL);

  if (strcmp(folder, "shapes") != 0 || g_file_test(path, G_FILE_TEST_EXISTS) || !g_file_test(now, G_FILE_TEST_EXISTS))
    return path;
  g_log(MOE_LOG_DOMAIN, G_LOG_LEVEL_INFO, "%s is %s now; the old folder's name goes with the next release", path, now);
  g_free(path);
  return g_steal_pointer(&now);
}

static gboolean fail_cycle(const Chain *chain, const Chain *again, MoeMark asked_at, GError **error)
{
  g_autoptr(GString) names = g_string_new(again->name);

  for (const Chain *c = chain; c != again; c = c->above) {
    g_string_prepend(names, " -> ");
    g_string_prepend(names, c->name);
  }
  g_string_prepend(names, " -> ");
  g_string_prepend(names, again->name);
  return moe_fail(error, MOE_ERROR_INPUT, asked_at, "extends in a circle (%s), expected a chain that ends", names->str);
}

static gboolean check_chain(const Chain *chain, const MoeInput *input, MoeMark asked_at, GError **error)
{
  for (const Chain *c = chain; c; c = c->above)
    if (c->device == input->device && c->inode == input->inode)
      return fail_cycle(chain, c, asked_at, error);
  if (chain && chain->length >= MOE_DOC_MAX_EXTENDS)
    return moe_fail(error, MOE_ERROR_INPUT, asked_at, "extends in a chain too long, expected at most %d files",
                    MOE_DOC_MAX_EXTENDS);
  return TRUE;
}

/* ---- which files may be read ------------------------------------------------------------------------------------- */

void moe_doc_confine(MoeDoc *doc, const char *folder)
{
  doc->within = folder ? moe_doc_arena_text(&doc->arena, folder, strlen(folder)) : NULL;
}

const char *moe_doc_confined(const MoeDoc *doc)
{
  return doc->within;
}

/* Whether the file behind `path` lies below `folder`; links count as what they lead to. */
static gboolean lies_below(const char *folder, const char *path)
{
  char *whole = realpath(path, NULL), *above = realpath(folder, NULL);
  size_t length = above ? strlen(above) : 0;
  gboolean below = whole && above && strncmp(whole, above, length) == 0 && whole[length] == G_DIR_SEPARATOR;

  free(whole);
  free(above);
  return below;
}

/* One answer for what is outside and for what is not there: nobody learns which files exist. */
gboolean moe_doc_may_read(const MoeDoc *doc, const char *path, MoeMark asked_at, GError **error)
{
  if (!doc->within || lies_below(doc->within, path))
    return TRUE;
  g_autofree char *shown = moe_text_show(path);
  return moe_fail(error, MOE_ERROR_INPUT, asked_at, "no file %s among those that may be read, expected one that ships",
                  shown);
}

/* ---- loading ---------------------------------------------------------------------------------------------------- */

/* Merges `map` over the file that its `extends` names; `map` itself when it has none. */
static MoeNode *resolve_in(MoeDoc *doc, MoeNode *map, const char *directory, const Chain *chain, GError **error)
{
  const MoeNode *extends = moe_node_get(map, EXTENDS_KEY);
  const char *name = NULL;

  if (!extends)
    return map;
  if (!moe_node_read_text(extends, &name, error))
    return NULL;
  if (!directory) {
    moe_fail(error, MOE_ERROR_INPUT, extends->mark, "extends in text that is no file, expected all settings in place");
    return NULL;
  }
  g_autofree char *path = moved_path(extended_path(directory, name));
  MoeNode *base = load_file(doc, path, extends->mark, map->depth, chain, error);
  if (!base)
    return NULL;
  moe_doc_remove(doc, map, EXTENDS_KEY);
  moe_node_merge(doc, base, map);
  return base;
}

/* Relative to the file that says it. */
static MoeNode *resolve(MoeDoc *doc, MoeNode *map, const Chain *chain, GError **error)
{
  const MoeNode *extends = moe_node_get(map, EXTENDS_KEY);

  return resolve_in(doc, map, extends ? moe_source_of(extends->mark)->directory : NULL, chain, error);
}

/* What the file says, as it stands there; `chain` becomes the link of this file. */
static MoeNode *parse_file(MoeDoc *doc, const char *path, MoeMark asked_at, guint depth, Chain *chain, GError **error)
{
  g_auto(MoeInput) input = {0};
  g_autofree char *directory = g_path_get_dirname(path);

  if (!moe_doc_may_read(doc, path, asked_at, error) || !moe_input_read(&input, path, asked_at, error) ||
      !check_chain(chain->above, &input, asked_at, error))
    return NULL;
  const MoeSource *source = moe_doc_source(doc, path, directory);
  MoeText text = {.bytes = input.bytes, .length = input.length, .source = source, .depth = depth};
  chain->name = source->name;
  chain->device = input.device;
  chain->inode = input.inode;
  return moe_parse_text(doc, &text, error);
}

static MoeNode *load_file(MoeDoc *doc, const char *path, MoeMark asked_at, guint depth, const Chain *above,
                          GError **error)
{
  Chain chain = {.above = above, .length = above ? above->length + 1 : 1};
  MoeNode *root = parse_file(doc, path, asked_at, depth, &chain, error);

  return root ? resolve(doc, root, &chain, error) : NULL;
}

MoeDoc *moe_doc_load(const char *path, GError **error)
{
  return moe_doc_load_within(path, (MoeMark){0}, NULL, error);
}

MoeDoc *moe_doc_load_within(const char *path, MoeMark asked_at, const char *folder, GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_new();

  moe_doc_confine(doc, folder);
  doc->root = load_file(doc, path, asked_at, 0, NULL, error);
  return doc->root ? g_steal_pointer(&doc) : NULL;
}

MoeDoc *moe_doc_load_alone(const char *path, MoeMark asked_at, const char *folder, GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_new();
  Chain chain = {.length = 1};

  moe_doc_confine(doc, folder);
  doc->root = parse_file(doc, path, asked_at, 0, &chain, error);
  return doc->root ? g_steal_pointer(&doc) : NULL;
}

MoeDoc *moe_doc_parse(const char *text, gssize length, const char *name, const char *directory, GError **error)
{
  return moe_doc_parse_within(text, length, name, directory, NULL, error);
}

MoeDoc *moe_doc_parse_within(const char *text, gssize length, const char *name, const char *directory,
                             const char *folder, GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_new();
  const MoeSource *source = moe_doc_source(doc, name, directory);
  MoeText body = {.bytes = text, .length = length < 0 ? strlen(text) : (gsize)length, .source = source};
  MoeNode *root = moe_parse_text(doc, &body, error);

  moe_doc_confine(doc, folder);
  doc->root = root ? resolve(doc, root, NULL, error) : NULL;
  return doc->root ? g_steal_pointer(&doc) : NULL;
}

gboolean moe_doc_resolve_extends(MoeDoc *doc, MoeNode *map, GError **error)
{
  const MoeNode *extends = moe_node_get(map, EXTENDS_KEY);

  return moe_doc_resolve_extends_in(doc, map, extends ? moe_source_of(extends->mark)->directory : NULL, error);
}

gboolean moe_doc_resolve_extends_in(MoeDoc *doc, MoeNode *map, const char *directory, GError **error)
{
  MoeNode *merged = resolve_in(doc, map, directory, NULL, error);

  if (!merged)
    return FALSE;
  if (merged != map) {
    map->items = merged->items;
    map->n = merged->n;
    map->capacity = merged->capacity;
  }
  return TRUE;
}
