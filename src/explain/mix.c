/* Runs between two runs: the document of the first with chosen keys of the second. */
#include "doc/doc.h"
#include "internal.h"
#include "spec/spec.h"

#include <string.h>

/* ---- kernel fits by class --------------------------------------------------------------------------------------- */

/* Appends one fit as an entry of a YAML list. */
static void append_fit(GString *text, const MoeNode *fit)
{
  g_autofree char *printed = moe_node_print(fit, FALSE);
  g_auto(GStrv) lines = g_strsplit(g_strchomp(printed), "\n", -1);

  for (guint i = 0; lines[i]; i++)
    g_string_append_printf(text, "%s%s\n", i == 0 ? "  - " : "    ", lines[i]);
}

static gboolean is_taken(const GArray *keys, const gboolean *chosen, const char *class)
{
  for (guint k = 0; k < keys->len; k++) {
    const MoeDiffKey *key = &g_array_index(keys, MoeDiffKey, k);

    if (key->kernel_class && strcmp(key->kernel_class, class) == 0)
      return chosen[k];
  }
  return FALSE;
}

/* Fits of the classes that are (or are not) taken from the second run. */
static void append_fits(GString *text, const MoeNode *fits, const GArray *keys, const gboolean *chosen, gboolean taken)
{
  for (guint i = 0; fits && i < moe_node_size(fits); i++) {
    const MoeNode *fit = moe_node_at(fits, i);
    const MoeNode *class = moe_node_get(fit, "class");
    const char *word = class && moe_node_text(class) ? moe_node_text(class) : "none";

    if (is_taken(keys, chosen, word) == taken)
      append_fit(text, fit);
  }
}

static gboolean mix_fits(MoeDoc *doc, const GArray *keys, const gboolean *chosen, const MoeDiffKey *any, GError **error)
{
  g_autoptr(GString) text = g_string_new("kernels:\n");

  append_fits(text, any->before, keys, chosen, FALSE);
  append_fits(text, any->after, keys, chosen, TRUE);
  if (strcmp(text->str, "kernels:\n") == 0)
    g_string_assign(text, "kernels: []\n");
  g_autoptr(MoeDoc) mixed = moe_doc_parse(text->str, -1, "kernels of two stacks", NULL, error);

  return mixed && moe_doc_replace(doc, "stack.kernels", moe_node_get(moe_doc_root(mixed), "kernels"), error);
}

/* ---- other keys ------------------------------------------------------------------------------------------------- */

static gboolean has_prefix(const char *path, const char *prefix)
{
  return g_str_has_prefix(path, prefix);
}

static void remove_path(MoeDoc *doc, const char *path)
{
  g_autofree char *parent = g_strdup(path);
  char *dot = strrchr(parent, '.');
  MoeNode *map = moe_doc_root(doc);

  if (dot) {
    *dot = '\0';
    map = moe_doc_find(doc, parent);
  }
  if (map)
    moe_doc_remove(doc, map, dot ? dot + 1 : parent);
}

static gboolean take_key(MoeDoc *doc, const MoeDiffKey *key, GError **error)
{
  if (has_prefix(key->path, "published."))
    return TRUE;
  if (!key->after) {
    remove_path(doc, key->path);
    return TRUE;
  }
  return moe_doc_replace(doc, key->path, key->after, error);
}

/* A run between two was never measured: of what is published only the peak stays, said anew so that it counts as the
 * run's own. */
static gboolean take_peak(MoeDoc *doc, const MoeRun *before, const MoeRun *after, const GArray *keys,
                          const gboolean *chosen, GError **error)
{
  gboolean taken = FALSE;

  for (guint k = 0; k < keys->len; k++)
    if (chosen[k] && has_prefix(g_array_index(keys, MoeDiffKey, k).path, "published.peak"))
      taken = TRUE;
  double peak = (taken ? after : before)->published.peak_flop_per_s;
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  moe_doc_remove(doc, moe_doc_root(doc), "published");
  if (peak <= 0)
    return TRUE;
  g_autofree char *set = g_strdup_printf("published.peak_flops=%s", g_ascii_dtostr(digits, sizeof digits, peak));
  return moe_doc_set(doc, set, error);
}

MoeRun *moe_diff_mix(const MoeRun *before, const MoeRun *after, const GArray *keys, const gboolean *chosen,
                     GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_copy(before->doc);
  const MoeDiffKey *fits = NULL;

  for (guint k = 0; k < keys->len; k++) {
    const MoeDiffKey *key = &g_array_index(keys, MoeDiffKey, k);

    if (key->kernel_class)
      fits = key;
    else if (chosen[k] && !take_key(doc, key, error))
      return NULL;
  }
  if ((fits && !mix_fits(doc, keys, chosen, fits, error)) || !take_peak(doc, before, after, keys, chosen, error))
    return NULL;
  return moe_run_from_doc(g_steal_pointer(&doc), before->name, NULL, error);
}
