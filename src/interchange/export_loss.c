/* What of a run does not come back from the text of other software: every key that then reads otherwise. */
#include "export_loss.h"

#include "layer/layer.h"
#include <string.h>

#define MOST_LOSSES 20 /* keys that are named, the rest is counted */

/* Which keys say nothing of this run, or the same in other words. */
typedef struct {
  GString *path;
  GPtrArray *losses; /* of char * */
  gboolean same_stages, no_dense;
} Search;

/* ---- keys that say the same in other words --------------------------------------------------- */

static gboolean are_same_stages(const MoeRun *a, const MoeRun *b)
{
  g_autofree MoeChunk *one = moe_run_chunks_new(a), *other = moe_run_chunks_new(b);

  for (guint i = 0;; i++) {
    if (one[i].first != other[i].first || one[i].count != other[i].count || one[i].mtp != other[i].mtp ||
        one[i].embedding != other[i].embedding || one[i].head != other[i].head)
      return FALSE;
    if (one[i].head)
      return TRUE;
  }
}

static gboolean has_dense(const MoeArchitecture *a)
{
  for (int64_t layer = 0; layer < a->layers; layer++)
    if (moe_layer_kind(a, layer).feed == MOE_FEED_DENSE)
      return TRUE;
  return FALSE;
}

static gboolean says_nothing(const Search *search)
{
  static const char *const names[] = {"stack.title",  "stack.name",    "stack.source",   "stack.date",
                                      "cluster.name", "cluster.title", "cluster.source", NULL};
  static const char *const stages[] = {"parallelism.layout",
                                       "parallelism.first_stage_layers",
                                       "parallelism.last_stage_layers",
                                       "parallelism.embedding_as_layer",
                                       "parallelism.head_as_layer",
                                       NULL};
  const char *path = search->path->str;

  return g_strv_contains(names, path) || (search->same_stages && g_strv_contains(stages, path)) ||
         (search->no_dense && strcmp(path, "architecture.ffn") == 0);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static char *printed(const MoeNode *node)
{
  if (!node)
    return g_strdup("its default");
  return moe_node_kind(node) == MOE_NODE_SCALAR ? g_strdup(moe_node_text(node)) : moe_node_print_flow(node);
}

static gboolean is_map(const MoeNode *node)
{
  return node && moe_node_kind(node) == MOE_NODE_MAP;
}

static void compare(Search *search, const MoeNode *here, const MoeNode *there);

static void compare_key(Search *search, const char *key, const MoeNode *here, const MoeNode *there)
{
  gsize length = search->path->len;

  g_string_append_printf(search->path, "%s%s", length > 0 ? "." : "", key);
  if (!says_nothing(search))
    compare(search, here ? moe_node_get(here, key) : NULL, there ? moe_node_get(there, key) : NULL);
  g_string_truncate(search->path, length);
}

/* Keys of either map. */
static void compare_maps(Search *search, const MoeNode *here, const MoeNode *there)
{
  for (guint i = 0; here && i < moe_node_size(here); i++)
    compare_key(search, moe_node_key(here, i), here, there);
  for (guint i = 0; there && i < moe_node_size(there); i++)
    if (!here || !moe_node_get(here, moe_node_key(there, i)))
      compare_key(search, moe_node_key(there, i), here, there);
}

static void compare(Search *search, const MoeNode *here, const MoeNode *there)
{
  if ((is_map(here) || !here) && (is_map(there) || !there)) {
    compare_maps(search, here, there);
    return;
  }
  g_autofree char *value = printed(here), *other = printed(there);

  if (strcmp(value, other) != 0)
    g_ptr_array_add(search->losses, g_strdup_printf("%s: %s comes back as %s", search->path->str, value, other));
}

static MoeDoc *print_doc(const MoeRun *run)
{
  g_autofree char *text = moe_run_print(run);

  return moe_doc_parse(text, -1, run->name, NULL, NULL);
}

void export_add_losses(const MoeRun *run, const MoeRun *again, const char *const *sections, GPtrArray *notes)
{
  g_autoptr(MoeDoc) here = print_doc(run), there = print_doc(again);
  g_autoptr(GString) path = g_string_new(NULL);
  g_autoptr(GPtrArray) losses = g_ptr_array_new_with_free_func(g_free);
  Search search = {path, losses, are_same_stages(run, again),
                   !has_dense(&run->architecture) && !has_dense(&again->architecture)};

  for (guint i = 0; sections[i]; i++)
    compare_key(&search, sections[i], moe_doc_root(here), moe_doc_root(there));
  for (guint i = 0; i < MIN(losses->len, MOST_LOSSES); i++)
    g_ptr_array_add(notes, g_strdup(losses->pdata[i]));
  if (losses->len > MOST_LOSSES)
    g_ptr_array_add(notes, g_strdup_printf("%u more keys come back otherwise", losses->len - MOST_LOSSES));
}
