/*
 * Stacks: one file per software, with its `variants:` in order, each the software of one month.
 *
 * A stack is called SOFTWARE:VARIANT; SOFTWARE alone is its last variant. A variant stands on the one before it, or on
 * what its `extends` names: VARIANT of the same file, SOFTWARE:VARIANT of another. The first one stands on the rest of
 * the file, and that on what the file extends. A date is said by a variant or not known: it is not inherited.
 */
#include "internal.h"

#include <string.h>

#define SUFFIX       ".yaml"
#define SHORT_SUFFIX ".yml"
#define EXTENDS_KEY  "extends"
#define VARIANTS_KEY "variants"
#define DATE_KEY     "date"
#define MAX_LINKS    64 /* variants and files that stand on each other; own choice */

/* What is being put together, the one asked for last first. */
typedef struct Link {
  const struct Link *above;
  const char *path;
  const char *variant; /* NULL: the file without its variants */
  guint length;
} Link;

/* One file. Borrowed. */
typedef struct {
  const MoeLookup *lookup;
  const char *within;
  const char *path;
  const MoeNode *root;
  const MoeNode *variants; /* NULL: none */
} Software;

static MoeDoc *load_stack(const MoeLookup *lookup, const char *name, MoeMark mark, const char *within,
                          const Link *above, char **full_name, GError **error);
static MoeDoc *build_variant(const Software *software, guint index, MoeMark mark, const Link *above, GError **error);

/* ---- names ------------------------------------------------------------------------------------------------------- */

static gboolean has_ending(const char *name)
{
  return g_str_has_suffix(name, SUFFIX) || g_str_has_suffix(name, SHORT_SUFFIX);
}

/* Where the last part of a path begins. */
static const char *last_part(const char *name)
{
  const char *slash = strrchr(name, G_DIR_SEPARATOR);

  return slash ? slash + 1 : name;
}

/* The software in front of the colon; *variant is what stands behind it, NULL without a colon. Caller frees both. */
static char *split_name(const char *name, char **variant)
{
  const char *colon = has_ending(name) ? NULL : strrchr(last_part(name), ':');

  *variant = colon ? g_strdup(colon + 1) : NULL;
  return colon ? g_strndup(name, (gsize)(colon - name)) : g_strdup(name);
}

static int find_variant(const MoeNode *variants, const char *name)
{
  for (guint i = 0; variants && i < moe_node_size(variants); i++)
    if (strcmp(moe_node_key(variants, i), name) == 0)
      return (int)i;
  return -1;
}

static gboolean file_has_variant(const char *path, const char *variant)
{
  g_auto(GStrv) variants = moe_stack_variants(path, NULL);

  return variants && g_strv_contains((const char *const *)variants, variant);
}

/* Until variants were one file with their software, each was a file: "yolo-v4" was what "yolo:v4" is. The file of such
 * a name and its variant, or NULL. */
static char *find_old(const MoeLookup *lookup, const char *name, char **variant)
{
  g_autofree char *whole = has_ending(name) ? g_strndup(name, (gsize)(strrchr(name, '.') - name)) : g_strdup(name);

  for (char *dash = strchr(last_part(whole), '-'); dash; dash = strchr(dash + 1, '-')) {
    g_autofree char *software = g_strndup(whole, (gsize)(dash - whole));
    g_autofree char *path = moe_lookup_file(lookup, software);

    if (path && file_has_variant(path, dash + 1)) {
      *variant = g_strdup(dash + 1);
      return g_steal_pointer(&path);
    }
  }
  return NULL;
}

static char *full_name_of(const char *path, const char *variant)
{
  g_autofree char *software = moe_lookup_name(path);

  return variant ? g_strconcat(software, ":", variant, NULL) : g_steal_pointer(&software);
}

/* The library prints nothing: its log says so at a level that is silent unless the program listens. */
static void note_old(const char *name, const char *path, const char *variant)
{
  g_autofree char *now = full_name_of(path, variant);

  g_log(MOE_LOG_DOMAIN, G_LOG_LEVEL_INFO, "stack \"%s\" is called \"%s\" now; the old name goes with the next release",
        name, now);
}

/* The file of a name and its variant (NULL: none said); NULL when there is no such file. */
static char *find_stack(const MoeLookup *lookup, const char *name, char **variant)
{
  g_autofree char *software = split_name(name, variant);
  g_autofree char *path = moe_lookup_file(lookup, software);

  if (*variant || (path && g_file_test(path, G_FILE_TEST_EXISTS)))
    return g_steal_pointer(&path);
  char *old = find_old(lookup, name, variant);
  if (!old)
    return g_steal_pointer(&path);
  note_old(name, old, *variant);
  return old;
}

static gboolean fail_variant(const Software *software, const char *name, MoeMark mark, GError **error)
{
  guint n = software->variants ? moe_node_size(software->variants) : 0;
  g_autofree const char **names = g_new0(const char *, n + 1);
  g_autofree char *file = moe_lookup_name(software->path);

  if (n == 0)
    return moe_fail(error, MOE_ERROR_INPUT, mark, "no variants in stack %s, expected it without \":%s\"", file, name);
  for (guint i = 0; i < n; i++)
    names[i] = moe_node_key(software->variants, i);
  const char *nearest = moe_nearest_word(name, names);
  if (nearest)
    return moe_fail(error, MOE_ERROR_INPUT, mark, "no variant \"%s\" of stack %s, did you mean \"%s\"?", name, file,
                    nearest);
  g_autofree char *list = g_strjoinv(", ", (char **)names);
  return moe_fail(error, MOE_ERROR_INPUT, mark, "no variant \"%s\" of stack %s, expected one of %s", name, file, list);
}

/* ---- what stands on what ----------------------------------------------------------------------------------------- */

static gboolean fail_circle(const Link *chain, const Link *again, const Link *next, MoeMark mark, GError **error)
{
  g_autofree char *last = full_name_of(next->path, next->variant);
  g_autoptr(GString) names = g_string_new(last);

  for (const Link *link = chain; link; link = link == again ? NULL : link->above) {
    g_autofree char *name = full_name_of(link->path, link->variant);

    g_string_prepend(names, " -> ");
    g_string_prepend(names, name);
  }
  return moe_fail(error, MOE_ERROR_INPUT, mark, "extends in a circle (%s), expected a chain that ends", names->str);
}

static gboolean check_chain(const Link *next, MoeMark mark, GError **error)
{
  for (const Link *link = next->above; link; link = link->above)
    if (strcmp(link->path, next->path) == 0 && g_strcmp0(link->variant, next->variant) == 0)
      return fail_circle(next->above, link, next, mark, error);
  if (next->length > MAX_LINKS)
    return moe_fail(error, MOE_ERROR_INPUT, mark, "extends in a chain too long, expected at most %d stacks", MAX_LINKS);
  return TRUE;
}

/* A name in a stack's file is first that of a file beside it. */
static MoeDoc *load_base(const Software *software, const MoeNode *extends, const Link *above, GError **error)
{
  MoeMark mark = moe_node_mark(extends);
  MoeLookup lookup = *software->lookup;
  g_autofree char *variant = NULL, *full_name = NULL, *directory = g_path_get_dirname(software->path);
  const char *name = NULL;

  if (!moe_node_read_text(extends, &name, error))
    return NULL;
  lookup.named_in = software->path;
  g_autofree char *base = split_name(name, &variant);
  g_autofree char *file = g_strconcat(base, SUFFIX, NULL);
  g_autofree char *path = g_build_filename(directory, file, NULL);
  if (moe_lookup_is_path(base) || !g_file_test(path, G_FILE_TEST_IS_REGULAR))
    return load_stack(&lookup, name, mark, software->within, above, &full_name, error);
  g_autofree char *whole = g_canonicalize_filename(path, NULL);
  g_autofree char *beside = variant ? g_strconcat(whole, ":", variant, NULL) : g_strdup(whole);
  return load_stack(&lookup, beside, mark, software->within, above, &full_name, error);
}

/* Puts a map over what it stands on. */
static gboolean put_over(MoeDoc *doc, const MoeNode *overlay, GError **error)
{
  moe_doc_remove(doc, moe_doc_root(doc), DATE_KEY);
  if (!moe_doc_merge(doc, "", overlay, error))
    return FALSE;
  moe_doc_remove(doc, moe_doc_root(doc), EXTENDS_KEY);
  return TRUE;
}

/* The file without its variants, on what it extends. */
static MoeDoc *build_root(const Software *software, MoeMark mark, const Link *above, GError **error)
{
  const Link link = {above, software->path, NULL, above ? above->length + 1 : 1};
  const MoeNode *extends = moe_node_get(software->root, EXTENDS_KEY);
  MoeMark place = moe_node_mark(software->root);

  if (!check_chain(&link, mark, error))
    return NULL;
  g_autoptr(MoeDoc) doc =
      extends ? load_base(software, extends, &link, error) : moe_doc_parse("{}", -1, place.file, NULL, error);
  if (!doc || !put_over(doc, software->root, error))
    return NULL;
  moe_doc_remove(doc, moe_doc_root(doc), VARIANTS_KEY);
  return g_steal_pointer(&doc);
}

/* What a variant stands on. */
static MoeDoc *build_below(const Software *software, guint index, const Link *link, GError **error)
{
  const MoeNode *overlay = moe_node_at(software->variants, index);
  const MoeNode *extends = moe_node_get(overlay, EXTENDS_KEY);
  MoeMark mark = moe_node_mark(extends ? extends : overlay);
  const char *name = NULL;

  if (!extends)
    return index > 0 ? build_variant(software, index - 1, mark, link, error) : build_root(software, mark, link, error);
  if (!moe_node_read_text(extends, &name, error))
    return NULL;
  int other = find_variant(software->variants, name);
  if (other >= 0)
    return build_variant(software, (guint)other, mark, link, error);
  if (strchr(name, ':') || moe_lookup_is_path(name))
    return load_base(software, extends, link, error);
  fail_variant(software, name, mark, error);
  return NULL;
}

static MoeDoc *build_variant(const Software *software, guint index, MoeMark mark, const Link *above, GError **error)
{
  const MoeNode *overlay = moe_node_at(software->variants, index);
  const Link link = {above, software->path, moe_node_key(software->variants, index), above ? above->length + 1 : 1};

  if (!moe_node_expect(overlay, MOE_NODE_MAP, "a variant", error) || !check_chain(&link, mark, error))
    return NULL;
  g_autoptr(MoeDoc) doc = build_below(software, index, &link, error);
  return doc && put_over(doc, overlay, error) ? g_steal_pointer(&doc) : NULL;
}

/* ---- a stack ----------------------------------------------------------------------------------------------------- */

/* The variant asked for (NULL: the last) of a file that was read, or the file itself where it has none. */
static MoeDoc *choose(const Software *software, const char *variant, MoeMark mark, const Link *above, char **full_name,
                      GError **error)
{
  guint n = software->variants ? moe_node_size(software->variants) : 0;
  int index = variant ? find_variant(software->variants, variant) : (int)n - 1;

  if (software->variants && !moe_node_expect(software->variants, MOE_NODE_MAP, VARIANTS_KEY, error))
    return NULL;
  if (variant && index < 0) {
    fail_variant(software, variant, mark, error);
    return NULL;
  }
  *full_name = full_name_of(software->path, index >= 0 ? moe_node_key(software->variants, (guint)index) : NULL);
  return index >= 0 ? build_variant(software, (guint)index, mark, above, error)
                    : build_root(software, mark, above, error);
}

static MoeDoc *load_stack(const MoeLookup *lookup, const char *name, MoeMark mark, const char *within,
                          const Link *above, char **full_name, GError **error)
{
  g_autofree char *variant = NULL;
  g_autofree char *path = find_stack(lookup, name, &variant);

  if (!path) {
    moe_lookup_fail(lookup, name, mark, error);
    return NULL;
  }
  g_autoptr(MoeDoc) file = moe_doc_load_alone(path, mark, within, error);
  if (!file)
    return NULL;
  const MoeNode *root = moe_doc_root(file);
  const MoeNode *variants = moe_node_get(root, VARIANTS_KEY);
  const Software software = {lookup, within, path, root, moe_node_is_none(variants) ? NULL : variants};
  return choose(&software, variant, mark, above, full_name, error);
}

MoeDoc *moe_software_load(const MoeLookup *lookup, const char *name, MoeMark mark, const char *within, char **full_name,
                          GError **error)
{
  return load_stack(lookup, name, mark, within, NULL, full_name, error);
}

char **moe_stack_variants(const char *path, GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_load_alone(path, (MoeMark){0}, NULL, error);
  const MoeNode *variants = doc ? moe_node_get(moe_doc_root(doc), VARIANTS_KEY) : NULL;
  guint n = variants && moe_node_kind(variants) == MOE_NODE_MAP ? moe_node_size(variants) : 0;

  if (!doc)
    return NULL;
  char **names = g_new0(char *, n + 1);
  for (guint i = 0; i < n; i++)
    names[i] = g_strdup(moe_node_key(variants, i));
  return names;
}
