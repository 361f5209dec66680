/* Whether what is assumed can be: the values of every assumption are tried, one after another, until one is taken. */
#include "internal.h"

#include <string.h>

/* Where assumptions stand; a section goes before the keys in it. */
static const char *const sections[] = {"", "cluster", "cluster.accelerator", "stack", "goodput"};

/* Reads a whole document, which it takes over. */
typedef gboolean (*ReadFunc)(MoeDoc *doc, const char *data_dir, GError **error);

/* How values are tried. */
typedef struct {
  ReadFunc read;
  const char *data_dir; /* where a cluster or stack that is assumed is looked up; may be NULL */
} Trial;

/* ---- readers ----------------------------------------------------------------------------------------------------- */

static gboolean read_run(MoeDoc *doc, const char *data_dir, GError **error)
{
  const MoeRunOptions options = {.data_dir = data_dir};
  g_autoptr(MoeRun) run = moe_run_from_doc(doc, "assumed", &options, error);

  return run != NULL;
}

static gboolean read_cluster(MoeDoc *doc, G_GNUC_UNUSED const char *data_dir, GError **error)
{
  g_autoptr(MoeDoc) owned = doc;
  MoeCluster cluster = {0};
  gboolean sound = moe_cluster_read(moe_doc_find(owned, "cluster"), &cluster, error);

  moe_cluster_clear(&cluster);
  return sound;
}

static gboolean read_accelerator(MoeDoc *doc, G_GNUC_UNUSED const char *data_dir, GError **error)
{
  g_autoptr(MoeDoc) owned = doc;
  MoeAccelerator accelerator = {0};
  gboolean sound = moe_accelerator_read(moe_doc_find(owned, "cluster.accelerator"), &accelerator, error);

  moe_kernel_fits_clear(&accelerator.kernels);
  return sound;
}

static gboolean read_stack(MoeDoc *doc, G_GNUC_UNUSED const char *data_dir, GError **error)
{
  g_autoptr(MoeDoc) owned = doc;
  MoeStack stack = {0};
  gboolean sound = moe_stack_read(moe_doc_find(owned, "stack"), &stack, error);

  moe_stack_clear(&stack);
  return sound;
}

/* ---- trials ------------------------------------------------------------------------------------------------------ */

static gboolean takes(const MoeDoc *doc, const char *key, const MoeNode *value, const Trial *trial, GError **error)
{
  g_autofree char *set = g_strconcat(key, "=", moe_node_text(value), NULL);
  g_autoptr(MoeDoc) copy = moe_doc_copy(doc);

  return moe_doc_set(copy, set, error) && trial->read(g_steal_pointer(&copy), trial->data_dir, error);
}

static gboolean check_one(const MoeDoc *doc, const char *section, const MoeNode *map, guint i, const Trial *trial,
                          GError **error)
{
  const MoeNode *range = moe_node_get(moe_node_at(map, i), "range");
  const MoeNode *values = range ? range : moe_node_get(moe_node_at(map, i), "values");
  const char *key = moe_node_key(map, i);
  gboolean whole = *section == '\0' || (g_str_has_prefix(key, section) && key[strlen(section)] == '.');
  g_autofree char *path = whole ? g_strdup(key) : g_strconcat(section, ".", key, NULL);
  g_autoptr(GError) reason = NULL;

  for (guint v = 0; v < moe_node_size(values); v++) {
    g_clear_error(&reason);
    if (takes(doc, path, moe_node_at(values, v), trial, &reason))
      return TRUE;
  }
  return moe_fail(error, MOE_ERROR_INPUT, moe_node_key_mark(map, i), "assumption about \"%s\": %s", path,
                  reason ? moe_error_without_option(reason) : "no value");
}

static gboolean check_section(const MoeDoc *doc, const char *section, const Trial *trial, GError **error)
{
  g_autofree char *path = g_strconcat(section, *section ? "." : "", "assumptions", NULL);
  const MoeNode *map = moe_doc_find(doc, path);
  g_autoptr(GStringChunk) strings = g_string_chunk_new(256);
  g_autoptr(GArray) all = g_array_new(FALSE, TRUE, sizeof(MoeAssumption));
  gboolean sound = moe_assumptions_read(map, "", strings, all, error);

  for (guint i = 0; i < all->len; i++)
    g_free((gpointer)g_array_index(all, MoeAssumption, i).values);
  for (guint i = 0; i < all->len && sound; i++)
    sound = check_one(doc, section, map, i, trial, error);
  return sound;
}

static gboolean check_document(const MoeDoc *doc, const Trial *trial, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS(sections); i++)
    if (!check_section(doc, sections[i], trial, error))
      return FALSE;
  return TRUE;
}

/* ---- entry points ------------------------------------------------------------------------------------------------ */

gboolean moe_assumptions_check(const MoeDoc *doc, const char *data_dir, GError **error)
{
  const MoeNode *root = moe_doc_root(doc);
  const Trial trial = {.read = moe_node_get(root, "architecture") ? read_run
                               : moe_node_get(root, "stack")      ? read_stack
                                                                  : read_cluster,
                       .data_dir = data_dir};

  return check_document(doc, &trial, error);
}

gboolean moe_accelerator_check(const MoeNode *node, GError **error)
{
  const Trial trial = {.read = read_accelerator};
  g_autoptr(MoeDoc) doc = moe_doc_parse("cluster: {}", -1, moe_node_mark(node).file, NULL, error);

  return doc && moe_doc_replace(doc, "cluster.accelerator", node, error) &&
         check_section(doc, "cluster.accelerator", &trial, error);
}
