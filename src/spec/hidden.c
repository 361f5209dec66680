/* Values of a run or a stack file that all of its variants replace: no state reads them, so each is put back and read.
 */
#include "spec/hidden.h"

#include "base/base.h"

#include <string.h>

typedef struct Hidden Hidden;

struct Hidden {
  const MoeDoc *doc; /* of a run: its file; of a stack: its first variant, put together below "stack" */
  const char *file;
  MoeRunOptions options; /* of the first variant, which all others build on */
  /* Reads the first variant with `value` back at `key` of the map at `path` ("" or ending in a dot). */
  gboolean (*read)(const Hidden *hidden, const char *path, const char *key, const MoeNode *value, GError **error);
};

static gboolean is_at(MoeMark a, MoeMark b)
{
  return g_strcmp0(a.file, b.file) == 0 && a.line == b.line && a.column == b.column;
}

/* Whether a place is that of a value, or of anything in it. */
static gboolean is_within(MoeMark place, const MoeNode *value)
{
  gboolean within = is_at(place, moe_node_mark(value));

  for (guint i = 0; !within && i < moe_node_size(value); i++)
    within = (moe_node_kind(value) == MOE_NODE_MAP && is_at(place, moe_node_key_mark(value, i))) ||
             is_within(place, moe_node_at(value, i));
  return within;
}

/* Whether the message is about what stands there, not about what it would have to fit to. */
static gboolean is_about(const GError *error, const MoeNode *value)
{
  return g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT) && is_within(moe_error_mark(error), value);
}

static gboolean read_run(const Hidden *hidden, const char *path, const char *key, G_GNUC_UNUSED const MoeNode *value,
                         GError **error)
{
  g_autoptr(MoeDoc) copy = moe_doc_copy(hidden->doc);
  g_autofree char *map = g_strdup_printf("variants.%s.%s", hidden->options.variant, path);

  map[strlen(map) - 1] = '\0';
  MoeNode *changed = moe_doc_find(copy, map);
  if (!changed)
    return TRUE;
  moe_doc_remove(copy, changed, key);
  g_autoptr(MoeRun) run = moe_run_from_doc(g_steal_pointer(&copy), hidden->file, &hidden->options, error);
  return run != NULL;
}

static gboolean read_stack(const Hidden *hidden, const char *path, const char *key, const MoeNode *value,
                           GError **error)
{
  g_autoptr(MoeDoc) copy = moe_doc_copy(hidden->doc);
  g_autofree char *place = g_strdup_printf("stack.%s%s", path, key);
  MoeStack stack = {0};
  gboolean sound = moe_doc_replace(copy, place, value, error) && moe_stack_from_doc(copy, &stack, error);

  moe_kernel_fits_clear(&stack.kernels);
  return sound;
}

static gboolean put_back(const Hidden *hidden, const char *path, const char *key, const MoeNode *value, GError **error)
{
  g_autoptr(GError) trouble = NULL;

  if (hidden->read(hidden, path, key, value, &trouble) || !is_about(trouble, value))
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

  if (run || !published || !is_about(trouble, published))
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&trouble));
  return FALSE;
}

gboolean moe_run_check_hidden(const char *file, const MoeDoc *doc, const char *data_dir, GError **error)
{
  const MoeNode *variants = moe_doc_find(doc, "variants");
  Hidden hidden = {doc, file, {.data_dir = data_dir}, read_run};

  if (!variants || moe_node_size(variants) == 0)
    return TRUE;
  hidden.options.variant = moe_node_key(variants, 0);
  return check_map(&hidden, "", moe_doc_root(doc), moe_node_at(variants, 0), error) && check_published(&hidden, error);
}

gboolean moe_stack_check_hidden(const char *file, const char *data_dir, GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_load_alone(file, (MoeMark){0}, NULL, error);
  const MoeNode *variants = doc ? moe_doc_find(doc, "variants") : NULL;
  g_autoptr(MoeDoc) first = NULL;
  MoeStack stack = {0};

  if (!variants || moe_node_size(variants) == 0)
    return doc != NULL;
  g_autofree char *name = g_strconcat(file, ":", moe_node_key(variants, 0), NULL);
  gboolean loaded = moe_stack_load(name, data_dir, &stack, &first, error);
  const Hidden hidden = {first, file, {0}, read_stack};

  moe_kernel_fits_clear(&stack.kernels);
  return loaded && check_map(&hidden, "", moe_doc_root(doc), moe_node_at(variants, 0), error);
}
