/*
 * From the document of a run file to the resolved one, in this order: sections that do not inherit are cut off, cluster
 * and stack are grafted, variants apply, then the options --cluster, --stack and --gpus, then --set.
 *
 * Variants and published results belong to the file that states them: a run that extends another has neither of the
 * other's. Results and the peak that they are counted against belong to the configuration that the file states them for
 * (stated.c).
 */
#include "internal.h"

#include <string.h>

/* What stands in marks of values that come from options. */
#define CLUSTER_OPTION "--cluster"
#define STACK_OPTION   "--stack"
#define GPUS_OPTION    "--gpus"

/* ---- what does not inherit --------------------------------------------------------------------------------------- */

static gboolean is_written_in(const MoeNode *node, const char *file)
{
  return g_strcmp0(moe_node_mark(node).file, file) == 0;
}

gboolean moe_is_own(const MoeDoc *doc, MoeMark mark)
{
  return g_strcmp0(mark.file, moe_node_mark(moe_doc_root(doc)).file) == 0;
}

/* Removes what was written in other files; TRUE when nothing is left. */
static gboolean prune(MoeDoc *doc, MoeNode *node, const char *file)
{
  gboolean empty = TRUE;

  if (moe_node_kind(node) != MOE_NODE_MAP)
    return !is_written_in(node, file) && !is_written_in(node, MOE_DOC_SET_NAME);
  for (guint i = moe_node_size(node); i-- > 0;) {
    MoeNode *child = (MoeNode *)moe_node_at(node, i); /* the document is ours */
    if (prune(doc, child, file))
      moe_doc_remove(doc, node, moe_node_key(node, i));
    else
      empty = FALSE;
  }
  return empty && !is_written_in(node, file);
}

static void cut_inherited(MoeDoc *doc)
{
  static const char *const own[][2] = {{"", "variants"}, {"", "published"}, {"goodput", "published"}};
  MoeNode *root = moe_doc_root(doc);

  for (size_t i = 0; i < G_N_ELEMENTS(own); i++) {
    MoeNode *parent = own[i][0][0] ? moe_doc_find(doc, own[i][0]) : root;
    MoeNode *section = parent ? (MoeNode *)moe_node_get(parent, own[i][1]) : NULL; /* the document is ours */
    if (section && prune(doc, section, moe_node_mark(root).file))
      moe_doc_remove(doc, parent, own[i][1]);
  }
}

/* ---- grafts ------------------------------------------------------------------------------------------------------ */

static gboolean graft_all(MoeDoc *doc, const char *data_dir, GError **error)
{
  return moe_graft(doc, "cluster", "clusters", data_dir, error) &&
         moe_graft(doc, "cluster.accelerator", "clusters/accelerators", data_dir, error) &&
         moe_graft(doc, "cluster.domain.collectives", "clusters/fabrics", data_dir, error) &&
         moe_graft(doc, "cluster.network.collectives", "clusters/fabrics", data_dir, error) &&
         moe_graft(doc, "stack", MOE_STACK_FOLDER, data_dir, error);
}

/* An overlay whose section extends something stands on that, not on what was there. */
static void drop_replaced(MoeDoc *doc, const MoeNode *overlay, const char *section)
{
  const MoeNode *over = moe_node_get(overlay, section);

  if (over && moe_node_get(over, "extends"))
    moe_doc_remove(doc, moe_doc_root(doc), section);
}

/* ---- variants ---------------------------------------------------------------------------------------------------- */

/* What the file publishes at its root was measured in its last state, unless the last variant says so itself; any other
 * state has only what its own variant publishes. */
static gboolean settle_published(MoeDoc *doc, const MoeNode *variants, guint applied, GError **error)
{
  guint n = moe_node_size(variants);
  const MoeNode *last = moe_node_get(moe_node_at(variants, n - 1), "published");
  const MoeNode *own = applied > 0 ? moe_node_get(moe_node_at(variants, applied - 1), "published") : NULL;
  gboolean root_holds = applied == n || (applied == 0 && last);

  if (own || !root_holds)
    moe_published_drop_metrics(doc);
  if (!root_holds && moe_doc_find(doc, "goodput"))
    moe_doc_remove(doc, moe_doc_find(doc, "goodput"), "published");
  return !own || moe_doc_merge(doc, "published", own, error);
}

static gboolean apply_variant(MoeDoc *doc, const MoeNode *overlay, const char *data_dir, GError **error)
{
  g_autoptr(MoeDoc) without = moe_doc_parse("{}", -1, "variant", NULL, error);

  if (!without || !moe_node_expect(overlay, MOE_NODE_MAP, "a variant", error) ||
      !moe_doc_merge(without, "", overlay, error))
    return FALSE;
  moe_doc_remove(without, moe_doc_root(without), "published");
  drop_replaced(doc, overlay, "cluster");
  drop_replaced(doc, overlay, "stack");
  return moe_doc_merge(doc, "", moe_doc_root(without), error) && graft_all(doc, data_dir, error);
}

static char **names_of(const MoeNode *map)
{
  guint n = map ? moe_node_size(map) : 0;
  char **names = g_new0(char *, n + 1);

  for (guint i = 0; i < n; i++)
    names[i] = g_strdup(moe_node_key(map, i));
  return names;
}

char **moe_variant_names(MoeDoc *doc)
{
  cut_inherited(doc);
  return names_of(moe_node_get(moe_doc_root(doc), "variants"));
}

static gboolean fail_variant(const MoeNode *variants, const char *name, GError **error)
{
  g_auto(GStrv) names = names_of(variants);
  g_autofree char *list = g_strjoinv(", ", names);

  return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(variants), "no variant \"%s\", expected one of %s", name, list);
}

/* How many of the variants are wanted; -1 with an error when the name is unknown. */
static int count_wanted(const MoeNode *variants, const char *name, GError **error)
{
  guint n = moe_node_size(variants);

  if (!name)
    return (int)n;
  if (*name == '\0')
    return 0;
  for (guint i = 0; i < n; i++)
    if (strcmp(moe_node_key(variants, i), name) == 0)
      return (int)i + 1;
  fail_variant(variants, name, error);
  return -1;
}

static gboolean apply_variants(MoeDoc *doc, const MoeRunOptions *options, char **variant, GError **error)
{
  const MoeNode *variants = moe_node_get(moe_doc_root(doc), "variants");

  if (moe_node_is_none(variants) || moe_node_size(variants) == 0)
    return !options->variant || *options->variant == '\0' ||
           moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_doc_root(doc)),
                    "no variants in this run, expected \"%s\" among them", options->variant);
  if (!moe_node_expect(variants, MOE_NODE_MAP, "variants", error))
    return FALSE;
  int wanted = count_wanted(variants, options->variant, error);
  for (int i = 0; i < wanted; i++)
    if (!apply_variant(doc, moe_node_at(variants, (guint)i), options->data_dir, error))
      return FALSE;
  if (wanted < 0 || !settle_published(doc, variants, (guint)wanted, error))
    return FALSE;
  *variant = wanted > 0 ? g_strdup(moe_node_key(variants, (guint)wanted - 1)) : NULL;
  return TRUE;
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

static gboolean replace_named(MoeDoc *doc, const char *origin, const char *section, const char *name, GError **error)
{
  if (!name)
    return TRUE;
  return moe_doc_put(doc, section, origin, name, error);
}

/* Dots between the keys of an override. */
static guint depth_of(const char *set)
{
  gboolean quoted = FALSE;
  guint dots = 0;

  for (; *set && *set != '='; set++) {
    quoted ^= *set == '"';
    dots += *set == '.' && !quoted;
  }
  return dots;
}

static gint outer_first(gconstpointer a, gconstpointer b)
{
  guint depth_a = depth_of(*(const char *const *)a), depth_b = depth_of(*(const char *const *)b);

  return (depth_a > depth_b) - (depth_a < depth_b);
}

/* What holds keys before the keys in it, whichever was said first: an override drops no other one. Of the same key the
 * last holds (the sort is stable). */
static gboolean apply_sets(MoeDoc *doc, const MoeRunOptions *options, GError **error)
{
  g_autoptr(GPtrArray) sets = g_ptr_array_new();

  for (const char *const *set = options->sets; set && *set; set++)
    g_ptr_array_add(sets, (gpointer)*set);
  g_ptr_array_sort(sets, outer_first);
  for (guint i = 0; i < sets->len; i++)
    if (!moe_doc_set(doc, sets->pdata[i], error) || !graft_all(doc, options->data_dir, error))
      return FALSE;
  return TRUE;
}

static gboolean set_count(MoeDoc *doc, const char *path, int64_t value, GError **error)
{
  g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, value);

  return moe_doc_put(doc, path, GPUS_OPTION, text, error);
}

static int64_t read_degree(const MoeDoc *doc, const char *path)
{
  const MoeNode *node = moe_doc_find(doc, path);
  int64_t value = 1;

  return node && moe_node_read_int(node, 1, MOE_MAX_BATCH, &value, NULL) ? value : 1;
}

/* Sequences that every data-parallel rank takes at once: batches are multiples of it. */
static int64_t batch_unit(const MoeDoc *doc)
{
  int64_t model = read_degree(doc, "parallelism.tensor") * read_degree(doc, "parallelism.context");
  int64_t data = read_degree(doc, "parallelism.gpus") / MAX(model, 1) / read_degree(doc, "parallelism.pipeline");

  return MAX(data, 1) * read_degree(doc, "training.micro_batch");
}

static gboolean batch_follows(const MoeRunOptions *options)
{
  return options->scaling == MOE_SCALING_WEAK || (options->scaling == MOE_SCALING_AS_SAID && options->gpus > 0);
}

/* Weak scaling: the batch grows with the GPUs, to the nearest multiple that the layout can divide; a batch that was set
 * stays. */
static gboolean scale_batch(MoeDoc *doc, int64_t gpus_before, GError **error)
{
  const MoeNode *batch = moe_doc_find(doc, "training.global_batch");
  int64_t gpus = read_degree(doc, "parallelism.gpus");

  if (!batch || gpus == gpus_before || is_written_in(batch, MOE_DOC_SET_NAME))
    return TRUE;
  double scaled = (double)read_degree(doc, "training.global_batch") * (double)gpus / (double)gpus_before;
  int64_t unit = batch_unit(doc);
  int64_t units = (int64_t)(scaled / (double)unit + 0.5);
  return set_count(doc, "training.global_batch", MAX(units, 1) * unit, error);
}

gboolean moe_resolve(MoeDoc *doc, const MoeRunOptions *options, char **variant, GError **error)
{
  *variant = NULL;
  cut_inherited(doc);
  if (!graft_all(doc, options->data_dir, error) || !apply_variants(doc, options, variant, error))
    return FALSE;
  moe_doc_remove(doc, moe_doc_root(doc), "variants");
  moe_published_state(doc);
  if (!replace_named(doc, CLUSTER_OPTION, "cluster", options->cluster, error) ||
      !replace_named(doc, STACK_OPTION, "stack", options->stack, error) || !graft_all(doc, options->data_dir, error))
    return FALSE;
  int64_t gpus_before = read_degree(doc, "parallelism.gpus");
  if (options->gpus != 0 && !set_count(doc, "parallelism.gpus", options->gpus, error))
    return FALSE;
  if (!apply_sets(doc, options, error) || (batch_follows(options) && !scale_batch(doc, gpus_before, error)))
    return FALSE;
  if (!options->keep_published)
    moe_published_keep_stated(doc);
  return TRUE;
}
