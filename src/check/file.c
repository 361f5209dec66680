/* Which kind of file it is, and the judge of that kind. */
#include "internal.h"

#include "doc/extenders.h"

#include <string.h>

typedef struct {
  const char *kind;
  const char *key; /* a key of the root map that only this kind has */
  gboolean (*check)(const MoeCheckedFile *file, GString *says, GError **error);
} FileKind;

static const FileKind kinds[] = {
    {"cases", "cases", moe_check_cases},
    {"accelerator", "peak", moe_check_accelerator},
    {"cluster", "domain", moe_check_cluster},
    {"run", "architecture", moe_check_run_file},
};
static const FileKind stack = {"stack", "family", moe_check_stack};
static const FileKind own_cluster = {"cluster", "extends", moe_check_cluster};

/* A file whose keys say nothing is taken for a run: the most common thing to write. */
static const FileKind *kind_of(const MoeDoc *doc)
{
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (moe_node_get(moe_doc_root(doc), kinds[i].key))
      return &kinds[i];
  return &kinds[G_N_ELEMENTS(kinds) - 1];
}

/* ---- files that extend by name ----------------------------------------------------------------------------------- */

/* Keys that no other kind of file has. */
static gboolean has_stack_keys(const MoeNode *map)
{
  static const char *const keys[] = {"family", "fused", "overlap", "data_parallel", "backward_casts", "noise", "date"};

  for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
    if (moe_node_get(map, keys[i]))
      return TRUE;
  return FALSE;
}

/* What a file extends, as text; NULL: nothing, or a list. */
static const char *base_of(const MoeNode *map)
{
  const MoeNode *extends = moe_node_get(map, "extends");

  return extends ? moe_node_text(extends) : NULL;
}

/* A stack extends others by name and variant, which only its own reader follows. */
static gboolean is_stack(const MoeNode *root)
{
  const MoeNode *variants = moe_node_get(root, "variants");
  const char *base = base_of(root);

  return has_stack_keys(root) || (base && strchr(base, ':')) ||
         (variants && moe_node_size(variants) > 0 && has_stack_keys(moe_node_at(variants, 0)));
}

/* A cluster may extend one that ships by its name, wherever it lies itself. */
static gboolean is_own_cluster(const MoeCheckedFile *file, const MoeNode *root)
{
  const char *base = base_of(root);
  g_autoptr(MoeDoc) beside = base && file->data_dir ? moe_doc_load(file->path, NULL) : NULL;

  if (!base || !file->data_dir || beside || strchr(base, G_DIR_SEPARATOR))
    return FALSE;
  g_autofree char *name = g_strconcat(base, ".yaml", NULL);
  g_autofree char *path = g_build_filename(file->data_dir, "clusters", name, NULL);

  return g_file_test(path, G_FILE_TEST_IS_REGULAR);
}

static const FileKind *named_kind(const MoeCheckedFile *file)
{
  g_autoptr(MoeDoc) alone = moe_doc_load_alone(file->path, (MoeMark){0}, NULL, NULL);

  if (!alone)
    return NULL;
  if (is_stack(moe_doc_root(alone)))
    return &stack;
  return is_own_cluster(file, moe_doc_root(alone)) ? &own_cluster : NULL;
}

/* ---- one file ---------------------------------------------------------------------------------------------------- */

/* The kind of a good file; NULL and *error for another. */
static const FileKind *check_alone(const char *path, const char *data_dir, GString *says, GError **error)
{
  MoeCheckedFile file = {.path = path, .data_dir = data_dir};
  const FileKind *kind = named_kind(&file);

  if (kind)
    return kind->check(&file, says, error) ? kind : NULL;
  g_autoptr(MoeDoc) doc = moe_doc_load(path, error);

  file.doc = doc;
  kind = doc ? kind_of(doc) : NULL;
  return kind && kind->check(&file, says, error) ? kind : NULL;
}

/* ---- files that others extend ------------------------------------------------------------------------------------ */

/* A path as a person in this folder would write it. */
static const char *seen_from_here(const char *path)
{
  g_autofree char *here = g_get_current_dir();
  gsize n = strlen(here);

  return strncmp(path, here, n) == 0 && path[n] == G_DIR_SEPARATOR ? path + n + 1 : path;
}

/* Whether a file says all that makes a run, rightly or wrongly: then it is one, whoever extends it. */
static gboolean is_whole(const char *file)
{
  static const char *const run[] = {"architecture", "parallelism", "cluster", "stack", NULL};
  g_autoptr(MoeDoc) doc = moe_doc_load(file, NULL);
  const FileKind *kind = doc ? kind_of(doc) : NULL;

  if (!kind || strcmp(kind->kind, "run") != 0)
    return FALSE;
  for (guint i = 0; run[i]; i++)
    if (!moe_node_get(moe_doc_root(doc), run[i]))
      return FALSE;
  return TRUE;
}

/* Whether some file that stands on this one is good; says which. */
static gboolean is_good_base(const char *file, const char *data_dir, GString *says)
{
  g_autoptr(GPtrArray) extenders = moe_doc_extenders(file);

  for (guint i = 0; i < extenders->len; i++)
    if (check_alone(g_ptr_array_index(extenders, i), data_dir, says, NULL)) {
      g_string_printf(says, "good in %s", seen_from_here(g_ptr_array_index(extenders, i)));
      return TRUE;
    }
  return FALSE;
}

gboolean moe_check_file(const char *file, const char *data_dir, MoeChecked *checked, GError **error)
{
  g_autoptr(GError) reason = NULL;
  g_autoptr(GString) says = g_string_new(NULL);
  const FileKind *kind = check_alone(file, data_dir, says, &reason);

  *checked = (MoeChecked){0};
  if (kind)
    checked->kind = kind->kind;
  else if (!is_whole(file) && is_good_base(file, data_dir, says))
    checked->kind = "base";
  if (!checked->kind) {
    g_propagate_error(error, g_steal_pointer(&reason));
    return FALSE;
  }
  checked->says = g_string_free(g_steal_pointer(&says), FALSE);
  return TRUE;
}

void moe_checked_clear(MoeChecked *checked)
{
  g_clear_pointer(&checked->says, g_free);
}
