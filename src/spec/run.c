/* A run from its file: load, resolve, read, validate. */
#include "internal.h"

#include <string.h>

static char *print_assumptions(gconstpointer target)
{
  const MoeRun *run = target;

  return moe_assumptions_print(run->assumptions, run->n_assumptions);
}

static const MoeField root_fields[] = {
    {"title", MOE_FIELD_STRING(MoeRun, title), .meaning = "one line that describes the run"},
    {"source", MOE_FIELD_STRING(MoeRun, source), .meaning = "where the values come from: a document, a measurement"},
    {"rumour", MOE_FIELD_FLAG(MoeRun, rumour), .meaning = "the architecture is a rumour; every output says so"},
    {"architecture", MOE_FIELD_PART_AT(MoeRun, architecture, moe_architecture_section), .required = TRUE,
     .mechanism = "architecture", .meaning = "the model"},
    {"training", MOE_FIELD_PART_AT(MoeRun, training, moe_training_section), .required = TRUE, .meaning = "the recipe"},
    {"parallelism", MOE_FIELD_PART_AT(MoeRun, parallelism, moe_parallelism_section), .required = TRUE,
     .mechanism = "parallel layout", .meaning = "how the GPUs divide the work"},
    {"recompute", MOE_FIELD_PART_AT(MoeRun, recompute, moe_recompute_section), .also = "none",
     .mechanism = "recomputation", .meaning = "activations that are computed again in place of kept"},
    {"offload", MOE_FIELD_PART_AT(MoeRun, offload, moe_offload_section), .also = "none", .mechanism = "offload",
     .meaning = "what waits in host memory"},
    {"memory", MOE_FIELD_PART_AT(MoeRun, memory, moe_run_memory_section), .meaning = "when a run fits"},
    {"cluster", MOE_FIELD_PART_AT(MoeRun, cluster, moe_cluster_section), .required = TRUE, .folder = "clusters",
     .meaning = "the machine"},
    {"stack", MOE_FIELD_PART_AT(MoeRun, stack, moe_stack_section), .required = TRUE, .folder = MOE_STACK_FOLDER,
     .meaning = "the software"},
    {"published", MOE_FIELD_PART_AT(MoeRun, published, moe_published_section), .meaning = "what was measured of it"},
    {"goodput", MOE_FIELD_PART_AT(MoeRun, goodput, moe_goodput_section), .given = moe_goodput_is_said,
     .meaning = "a training of weeks: failures, checkpoints, slow periods"},
    {"assumptions", MOE_FIELD_PART(moe_assumption_section), .form = MOE_FORM_NAMED, .print = print_assumptions,
     .meaning = "what is not known, by key, with a range"},
    {NULL},
};

static const MoeRun defaults = {0};

const MoeSection moe_run_section = {"a run", root_fields, &defaults};

char *moe_run_print(const MoeRun *run)
{
  return moe_section_print(&moe_run_section, run, 0);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static gboolean read_sections(MoeRun *run, GError **error)
{
  const MoeNode *root = moe_doc_root(run->doc);

  return moe_node_read_fields(root, root_fields, "a run", run, error) &&
         moe_architecture_read(moe_node_get(root, "architecture"), &run->architecture, error) &&
         moe_training_read(moe_node_get(root, "training"), &run->training, error) &&
         moe_parallelism_read(moe_node_get(root, "parallelism"), &run->parallelism, error) &&
         moe_recompute_read(moe_node_get(root, "recompute"), &run->recompute, error) &&
         moe_offload_read(moe_node_get(root, "offload"), &run->offload, error) &&
         moe_run_memory_read(moe_node_get(root, "memory"), &run->memory, error) &&
         moe_cluster_read(moe_node_get(root, "cluster"), &run->cluster, error) &&
         moe_stack_read(moe_node_get(root, "stack"), &run->stack, error) &&
         moe_published_read(moe_node_get(root, "published"), &run->published, error) &&
         moe_goodput_plan_read(moe_node_get(root, "goodput"), &run->cluster, &run->goodput, error);
}

/* Only what shapes the prediction can be assumed. */
static gboolean check_assumption(const MoeAssumption *assumption, GError **error)
{
  static const char *const sections[] = {"architecture", "training", "parallelism", "recompute",
                                         "offload",      "cluster",  "stack",       NULL};
  g_autofree char *section = g_strndup(assumption->key, strcspn(assumption->key, "."));

  if (g_strv_contains(sections, section))
    return TRUE;
  const char *nearest = moe_nearest_word(section, sections);
  return moe_fail(error, MOE_ERROR_INPUT, assumption->mark, "assumption about \"%s\", expected a key of %s",
                  assumption->key,
                  nearest ? nearest : "architecture, training, parallelism, recompute, offload, cluster or stack");
}

/* Assumptions about the training as a whole stand apart: they shape no step. */
static gboolean read_goodput_assumptions(MoeRun *run, GError **error)
{
  g_autoptr(GArray) all = g_array_new(FALSE, TRUE, sizeof(MoeAssumption));
  gboolean good =
      moe_assumptions_read(moe_doc_find(run->doc, "goodput.assumptions"), "goodput.", run->strings, all, error);

  run->goodput.n_assumptions = all->len;
  run->goodput.assumptions = (MoeAssumption *)(void *)g_array_free(g_steal_pointer(&all), FALSE);
  return good;
}

/* What the run states itself, in its file or on the command line, it knows, whatever its cluster or stack leaves open.
 */
static gboolean is_known(const MoeDoc *doc, const MoeAssumption *assumption)
{
  const MoeNode *value = moe_doc_find(doc, assumption->key);

  if (!value || moe_node_kind(value) == MOE_NODE_MAP || moe_is_own(doc, assumption->mark))
    return FALSE;
  return moe_is_own(doc, moe_node_mark(value)) || g_strcmp0(moe_node_mark(value).file, MOE_DOC_SET_NAME) == 0;
}

/* Leaves out of `all` what the run knows, from `first` on. */
static void drop_known(const MoeDoc *doc, GArray *all, guint first)
{
  for (guint i = all->len; i-- > first;)
    if (is_known(doc, &g_array_index(all, MoeAssumption, i))) {
      g_free((gpointer)g_array_index(all, MoeAssumption, i).values);
      g_array_remove_index(all, i);
    }
}

static gboolean read_assumptions(MoeRun *run, GError **error)
{
  static const struct {
    const char *path, *prefix;
  } places[] = {{"assumptions", ""},
                {"cluster.assumptions", "cluster."},
                {"cluster.accelerator.assumptions", "cluster.accelerator."},
                {"stack.assumptions", "stack."}};
  g_autoptr(GArray) all = g_array_new(FALSE, TRUE, sizeof(MoeAssumption));
  gboolean good = TRUE;

  for (size_t i = 0; i < G_N_ELEMENTS(places) && good; i++) {
    guint before = all->len;
    good = moe_assumptions_read(moe_doc_find(run->doc, places[i].path), places[i].prefix, run->strings, all, error);
    if (*places[i].prefix)
      drop_known(run->doc, all, before);
  }
  run->n_assumptions = all->len;
  run->assumptions = (MoeAssumption *)(void *)g_array_free(g_steal_pointer(&all), FALSE);
  for (guint i = 0; i < run->n_assumptions && good; i++)
    good = check_assumption(&run->assumptions[i], error);
  return good && read_goodput_assumptions(run, error);
}

/* The path of expert counts is relative to the file that states it. */
static gboolean resolve_counts_file(MoeRun *run, GError **error)
{
  const MoeNode *node = moe_doc_find(run->doc, "training.routing.balance.file");
  const char *file = run->training.routing.counts_file;

  if (!node || !file)
    return TRUE;
  MoeMark mark = moe_node_mark(node);
  if (!g_path_is_absolute(file) && strcmp(mark.file, MOE_DOC_SET_NAME) != 0) {
    g_autofree char *directory = g_path_get_dirname(mark.file);
    g_autofree char *path = g_build_filename(directory, file, NULL);

    run->training.routing.counts_file = g_string_chunk_insert(run->strings, path);
  }
  return moe_doc_may_read(run->doc, run->training.routing.counts_file, mark, error);
}

static gboolean read_run(MoeRun *run, const MoeRunOptions *options, GError **error)
{
  if (!moe_resolve(run->doc, options, &run->variant, error) || !read_sections(run, error) ||
      !read_assumptions(run, error) || !resolve_counts_file(run, error))
    return FALSE;
  return moe_run_validate(run, error);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

MoeRun *moe_run_from_doc(MoeDoc *doc, const char *name, const MoeRunOptions *options, GError **error)
{
  static const MoeRunOptions no_options = {0};
  g_autoptr(MoeRun) run = g_new0(MoeRun, 1);

  run->doc = doc;
  run->name = g_strdup(name);
  run->strings = g_string_chunk_new(1024);
  return read_run(run, options ? options : &no_options, error) ? g_steal_pointer(&run) : NULL;
}

static void free_assumptions(MoeAssumption *assumptions, guint n)
{
  for (guint i = 0; i < n; i++)
    g_free((gpointer)assumptions[i].values);
  g_free(assumptions);
}

void moe_run_free(MoeRun *run)
{
  if (!run)
    return;
  free_assumptions(run->assumptions, run->n_assumptions);
  free_assumptions(run->goodput.assumptions, run->goodput.n_assumptions);
  moe_cluster_clear(&run->cluster);
  moe_stack_clear(&run->stack);
  moe_doc_free(run->doc);
  g_string_chunk_free(run->strings);
  g_free(run->name);
  g_free(run->variant);
  g_free(run);
}

/* "models/mai-base-1/v4.yaml" is called mai-base-1/v4; elsewhere a file's own name has to do. */
static char *name_of_path(const char *path)
{
  g_autofree char *whole = g_canonicalize_filename(path, NULL);
  const char *models = g_strrstr(whole, "/models/");
  g_autofree char *base = g_path_get_basename(whole);
  char *name = g_strdup(models ? models + strlen("/models/") : base);
  char *dot = strrchr(name, '.');

  if (dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0))
    *dot = '\0';
  return name;
}

/* A case is called by its id. */
static MoeRun *load_case(MoeDoc *file, const MoeRunOptions *options, GError **error)
{
  MoeRunOptions inside = options ? *options : (MoeRunOptions){0};
  const char *id = inside.variant;
  MoeDoc *doc = moe_case_find(file, id, error);

  inside.variant = NULL;
  return doc ? moe_run_from_doc(doc, id, &inside, error) : NULL;
}

MoeDoc *moe_run_open(const char *path, const MoeRunOptions *options, GError **error)
{
  const char *within = options ? options->within : NULL;
  MoeDoc *doc =
      options && options->text ? moe_doc_copy(options->text) : moe_doc_load_within(path, (MoeMark){0}, within, error);

  if (doc)
    moe_doc_confine(doc, within);
  return doc;
}

/* The run that a file holds, or the case of it that is asked for; takes `file` over, which may be NULL after *error. */
static MoeRun *run_of_file(MoeDoc *file, const char *name, const MoeRunOptions *options, GError **error)
{
  g_autoptr(MoeDoc) doc = file;

  if (!doc)
    return NULL;
  if (moe_node_get(moe_doc_root(doc), "cases"))
    return load_case(doc, options, error);
  return moe_run_from_doc(g_steal_pointer(&doc), name, options, error);
}

MoeRun *moe_run_load(const char *path, const MoeRunOptions *options, GError **error)
{
  g_autofree char *name = name_of_path(path);

  return run_of_file(moe_run_open(path, options, error), name, options, error);
}

MoeRun *moe_run_parse(const char *text, gssize length, const char *name, const char *directory,
                      const MoeRunOptions *options, GError **error)
{
  const char *within = options ? options->within : NULL;

  return run_of_file(moe_doc_parse_within(text, length, name, directory, within, error), name, options, error);
}

char **moe_run_variants(const char *path, GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_load(path, error);

  if (!doc)
    return NULL;
  return moe_node_get(moe_doc_root(doc), "cases") ? moe_case_ids(doc) : moe_variant_names(doc);
}

/* ---- a cluster or a stack alone ---------------------------------------------------------------------------------- */

/* A document with nothing but a name at `section`, as from option `option`. */
static MoeDoc *name_alone(const char *section, const char *option, const char *name, GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_parse("{}", -1, option, NULL, error);

  return doc && moe_doc_put(doc, section, option, name, error) ? g_steal_pointer(&doc) : NULL;
}

/* What the name at "cluster" stands for; takes `named` over. */
static gboolean load_cluster(MoeDoc *named, const char *data_dir, MoeCluster *cluster, MoeDoc **doc, GError **error)
{
  g_autoptr(MoeDoc) loaded = named;

  if (!loaded || !moe_graft(loaded, "cluster", "clusters", data_dir, error) ||
      !moe_graft(loaded, "cluster.accelerator", "clusters/accelerators", data_dir, error) ||
      !moe_graft(loaded, "cluster.domain.collectives", "clusters/fabrics", data_dir, error) ||
      !moe_graft(loaded, "cluster.network.collectives", "clusters/fabrics", data_dir, error) ||
      !moe_cluster_read(moe_doc_find(loaded, "cluster"), cluster, error))
    return FALSE;
  *doc = g_steal_pointer(&loaded);
  return TRUE;
}

gboolean moe_cluster_load(const char *name, const char *data_dir, MoeCluster *cluster, MoeDoc **doc, GError **error)
{
  return load_cluster(name_alone("cluster", "--cluster", name, error), data_dir, cluster, doc, error);
}

gboolean moe_cluster_load_named(const MoeNode *name, const char *data_dir, MoeCluster *cluster, MoeDoc **doc,
                                GError **error)
{
  g_autoptr(MoeDoc) named = moe_doc_parse("{}", -1, moe_node_mark(name).file, NULL, error);

  return named && moe_doc_replace(named, "cluster", name, error) &&
         load_cluster(g_steal_pointer(&named), data_dir, cluster, doc, error);
}

gboolean moe_stack_from_doc(const MoeDoc *doc, MoeStack *stack, GError **error)
{
  return moe_stack_read(moe_doc_find(doc, "stack"), stack, error);
}

gboolean moe_stack_load(const char *name, const char *data_dir, MoeStack *stack, MoeDoc **doc, GError **error)
{
  g_autoptr(MoeDoc) loaded = name_alone("stack", "--stack", name, error);

  if (!loaded || !moe_graft(loaded, "stack", MOE_STACK_FOLDER, data_dir, error) ||
      !moe_stack_from_doc(loaded, stack, error))
    return FALSE;
  *doc = g_steal_pointer(&loaded);
  return TRUE;
}
