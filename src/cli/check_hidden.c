/* Values of a run file that all of its variants replace: no state reads them, so each is put back and read. */
#include "check_base.h"

#include "spec/spec.h"
#include <string.h>

typedef struct {
  const MoeDoc *doc;
  const char *file;
  MoeRunOptions options; /* of the first variant, which all others build on */
} Hidden;

/* Whether the message is about what stands there, not about what it would have to fit to. */
static gboolean is_about(const GError *error, MoeMark mark)
{
  MoeMark place = moe_error_mark(error);

  return g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT) && g_strcmp0(place.file, mark.file) == 0 &&
         place.line == mark.line && place.column == mark.column;
}

/* `path` is that of a map that the first variant changes, "" or ending in a dot. */
static gboolean put_back(const Hidden *hidden, const char *path, const char *key, const MoeNode *value, GError **error)
{
  g_autoptr(MoeDoc) copy = moe_doc_copy(hidden->doc);
  g_autofree char *map = g_strdup_printf("variants.%s.%s", hidden->options.variant, path);

  map[strlen(map) - 1] = '\0';
  MoeNode *changed = moe_doc_find(copy, map);
  if (!changed)
    return TRUE;
  moe_doc_remove(copy, changed, key);
  g_autoptr(GError) trouble = NULL;
  g_autoptr(MoeRun) run = moe_run_from_doc(g_steal_pointer(&copy), hidden->file, &hidden->options, &trouble);

  if (run || !is_about(trouble, moe_node_mark(value)))
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&trouble));
  return FALSE;
}

static gboolean check_map(const Hidden *hidden, const char *path, const MoeNode *base, const MoeNode *variant,
                          GError **error)
{
  gboolean good = TRUE;

  for (guint i = 0; good && i < moe_node_size(variant); i++) {
    const char *key = moe_node_key(variant, i);
    const MoeNode *value = moe_node_get(base, key), *other = moe_node_at(variant, i);
    g_autofree char *below = g_strdup_printf("%s%s.", path, key);

    if (!value || strchr(key, '.'))
      continue;
    if (moe_node_kind(value) == MOE_NODE_MAP && moe_node_kind(other) == MOE_NODE_MAP)
      good = check_map(hidden, below, value, other, error);
    else
      good = put_back(hidden, path, key, value, error);
  }
  return good;
}

/* What a file publishes holds for its last state, if that publishes nothing itself: it is read without variants. */
static gboolean check_published(const Hidden *hidden, GError **error)
{
  const MoeNode *published = moe_doc_find(hidden->doc, "published");
  const MoeRunOptions options = {.data_dir = hidden->options.data_dir};
  g_autoptr(MoeDoc) copy = moe_doc_copy(hidden->doc);
  g_autoptr(GError) trouble = NULL;

  moe_doc_remove(copy, moe_doc_root(copy), "variants");
  g_autoptr(MoeRun) run = moe_run_from_doc(g_steal_pointer(&copy), hidden->file, &options, &trouble);

  for (guint i = 0; !run && published && i < moe_node_size(published); i++)
    if (is_about(trouble, moe_node_key_mark(published, i)) ||
        is_about(trouble, moe_node_mark(moe_node_at(published, i)))) {
      g_propagate_error(error, g_steal_pointer(&trouble));
      return FALSE;
    }
  return TRUE;
}

gboolean moe_check_hidden(const char *file, const MoeDoc *doc, const char *data_dir, GError **error)
{
  const MoeNode *variants = moe_doc_find(doc, "variants");
  Hidden hidden = {doc, file, {.data_dir = data_dir}};

  if (moe_node_size(variants) == 0)
    return TRUE;
  hidden.options.variant = moe_node_key(variants, 0);
  return check_map(&hidden, "", moe_doc_root(doc), moe_node_at(variants, 0), error) && check_published(&hidden, error);
}
