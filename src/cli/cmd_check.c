/* moesim check: validates input files of every kind. */
#include "cli.h"

#include "cost/cost.h"
#include "doc/extenders.h"
#include "layer/layer.h"
#include "program/program.h"
#include "spec/hidden.h"
#include <moesim/report.h>
#include <moesim/validate.h>

#include <string.h>

static const MoeUsage usage = {
    .command = "check",
    .arguments = "FILE...",
    .examples = "  moesim check models/mai-base-1/v5.yaml\n"
                "  moesim check models/*.yaml clusters/*.yaml stacks/*.yaml\n",
    .least = 1,
    .most = -1,
};

typedef struct {
  const char *kind;
  const char *key; /* a key of the root map that only this kind has */
  gboolean (*check)(const char *file, MoeDoc *doc, GString *says, GError **error);
} FileKind;

/* What loading leaves to those who use it: names of kernel families, keys that are assumed, counts of experts. */
static gboolean check_loaded(const MoeRun *run, const char *data_dir, GError **error)
{
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&run->cluster.accelerator, &run->stack, error);

  return cost && moe_assumptions_check(run->doc, data_dir, error) && moe_routing_check(run, error);
}

static gboolean check_variant(const char *file, const char *variant, GString *says, GError **error)
{
  g_autofree char *data_dir = moe_data_dir();
  MoeRunOptions options = {.variant = variant, .data_dir = data_dir};
  g_autoptr(MoeRun) run = moe_run_load(file, &options, error);
  MoeParameters parameters;

  if (!run || !check_loaded(run, data_dir, error))
    return FALSE;
  moe_count_parameters(&run->architecture, &parameters);
  g_autofree char *total = moe_count_format(parameters.total, NULL);
  g_autofree char *active = moe_count_format(parameters.active, NULL);

  g_string_append_printf(says, "%s%s%s parameters, %s active, %" G_GINT64_FORMAT " GPUs", *variant ? variant : "",
                         *variant ? ": " : "", total, active, run->parallelism.gpus);
  return TRUE;
}

/* Every variant is a run of its own: all of them are checked. */
static gboolean check_run(const char *file, MoeDoc *doc, GString *says, GError **error)
{
  g_auto(GStrv) variants = moe_run_variants(file, error);

  if (!variants)
    return FALSE;
  if (!variants[0])
    return check_variant(file, "", says, error);
  for (guint i = 0; variants[i]; i++) {
    g_string_append(says, i > 0 ? "; " : "");
    if (!check_variant(file, variants[i], says, error))
      return FALSE;
  }
  g_autofree char *data_dir = moe_data_dir();

  return moe_run_check_hidden(file, doc, data_dir, error);
}

static gboolean check_cluster(const char *file, G_GNUC_UNUSED MoeDoc *doc, GString *says, GError **error)
{
  g_autofree char *data_dir = moe_data_dir();
  g_autoptr(MoeDoc) loaded = NULL;
  MoeCluster cluster = {0};

  if (!moe_cluster_load(file, data_dir, &cluster, &loaded, error))
    return FALSE;
  g_string_append_printf(says, "%s, %" G_GINT64_FORMAT " GPUs per NVLink domain", cluster.accelerator.name,
                         cluster.domain.gpus);
  moe_kernel_fits_clear(&cluster.accelerator.kernels);
  return moe_assumptions_check(loaded, data_dir, error);
}

/* Whether the accelerator of a file can be priced with the stack; *reason tells why not. */
static gboolean takes_stack(const char *path, const MoeStack *stack, GError **reason)
{
  g_autoptr(MoeDoc) doc = moe_doc_load(path, reason);
  MoeAccelerator accelerator = {0};
  MoeCostModel *cost = NULL;

  if (doc && moe_accelerator_read(moe_doc_root(doc), &accelerator, reason))
    cost = moe_cost_model_new(&accelerator, stack, reason);
  moe_cost_model_free(cost);
  moe_kernel_fits_clear(&accelerator.kernels);
  return cost != NULL;
}

/* A family may come with an accelerator: it is unknown when none of those that are shipped takes the stack. */
static gboolean families_known(const MoeStack *stack, const char *data_dir, GError **error)
{
  g_autofree char *folder = g_build_filename(data_dir ? data_dir : ".", "clusters", "accelerators", NULL);
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  g_autoptr(GError) reason = NULL;

  for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir)) {
    g_autofree char *path = g_build_filename(folder, name, NULL);

    if (!g_str_has_suffix(name, ".yaml"))
      continue;
    g_clear_error(&reason);
    if (takes_stack(path, stack, &reason))
      return TRUE;
  }
  if (!reason)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&reason));
  return FALSE;
}

static gboolean check_software(const char *name, GString *says, GError **error)
{
  g_autofree char *data_dir = moe_data_dir();
  g_autoptr(MoeDoc) loaded = NULL;
  MoeStack stack = {0};

  if (!moe_stack_load(name, data_dir, &stack, &loaded, error))
    return FALSE;
  const char *variant = strchr(stack.name, ':');
  g_string_append_printf(says, "%s%sattention %s, GEMM %s", variant ? variant + 1 : "", variant ? ": " : "",
                         stack.family.attention, stack.family.gemm);
  gboolean sound = families_known(&stack, data_dir, error) && moe_assumptions_check(loaded, data_dir, error);

  moe_kernel_fits_clear(&stack.kernels);
  return sound;
}

/* Every variant is a stack of its own. */
static gboolean check_stack(const char *file, G_GNUC_UNUSED MoeDoc *doc, GString *says, GError **error)
{
  g_auto(GStrv) variants = moe_stack_variants(file, error);

  if (!variants)
    return FALSE;
  if (!variants[0])
    return check_software(file, says, error);
  for (guint i = 0; variants[i]; i++) {
    g_autofree char *name = g_strconcat(file, ":", variants[i], NULL);

    g_string_append(says, i > 0 ? "; " : "");
    if (!check_software(name, says, error))
      return FALSE;
  }
  g_autofree char *data_dir = moe_data_dir();

  return moe_stack_check_hidden(file, data_dir, error);
}

/* A case is a run with an id and a result. */
static gboolean check_case(MoeDoc *file, MoeNode *entry, GError **error)
{
  g_autofree char *data_dir = moe_data_dir();
  g_autofree char *id = NULL;
  MoeRunOptions options = {.data_dir = data_dir};
  g_autoptr(MoeDoc) doc = moe_case_document(file, entry, &id, error);

  if (!doc)
    return FALSE;
  g_autoptr(MoeRun) run = moe_run_from_doc(g_steal_pointer(&doc), id, &options, error);

  return run && check_loaded(run, data_dir, error);
}

static gboolean check_cases(G_GNUC_UNUSED const char *file, MoeDoc *doc, GString *says, GError **error)
{
  const MoeNode *cases = moe_node_get(moe_doc_root(doc), "cases");

  if (!moe_node_expect(cases, MOE_NODE_LIST, "cases", error))
    return FALSE;
  for (guint i = 0; i < moe_node_size(cases); i++)
    if (!check_case(doc, (MoeNode *)moe_node_at(cases, i), error))
      return FALSE;
  g_string_append_printf(says, "%u of them", moe_node_size(cases));
  return TRUE;
}

static gboolean check_accelerator(G_GNUC_UNUSED const char *file, MoeDoc *doc, GString *says, GError **error)
{
  MoeAccelerator accelerator = {0};
  gboolean sound = moe_accelerator_read(moe_doc_root(doc), &accelerator, error);

  if (sound) {
    g_autofree char *peak = moe_quantity_format(accelerator.quoted_peak_flop_per_s, MOE_DIM_FLOP_PER_S);
    g_autofree char *memory = moe_quantity_format(accelerator.memory_bytes, MOE_DIM_BYTES);

    g_string_append_printf(says, "%s, %s, %u kernel families", peak, memory, accelerator.kernels.n);
  }
  moe_kernel_fits_clear(&accelerator.kernels);
  return sound && moe_accelerator_check(moe_doc_root(doc), error);
}

static const FileKind kinds[] = {
    {"cases", "cases", check_cases},
    {"accelerator", "peak", check_accelerator},
    {"cluster", "domain", check_cluster},
    {"run", "architecture", check_run},
};

/* A file whose keys say nothing is taken for a run: the most common thing to write. */
static const FileKind *kind_of(const MoeDoc *doc)
{
  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
    if (moe_node_get(moe_doc_root(doc), kinds[i].key))
      return &kinds[i];
  return &kinds[G_N_ELEMENTS(kinds) - 1];
}

/* Keys that no other kind of file has. */
static gboolean has_stack_keys(const MoeNode *map)
{
  static const char *const keys[] = {"family", "fused", "overlap", "data_parallel", "backward_casts", "noise", "date"};

  for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
    if (moe_node_get(map, keys[i]))
      return TRUE;
  return FALSE;
}

static gboolean extends_variant(const MoeNode *map)
{
  const MoeNode *extends = moe_node_get(map, "extends");
  const char *name = extends ? moe_node_text(extends) : NULL;

  return name && strchr(name, ':');
}

/* A stack extends others by name and variant, which only its own reader follows. */
static gboolean is_stack(const char *file)
{
  g_autoptr(MoeDoc) doc = moe_doc_load_alone(file, (MoeMark){0}, NULL, NULL);
  const MoeNode *root = doc ? moe_doc_root(doc) : NULL;
  const MoeNode *variants = root ? moe_node_get(root, "variants") : NULL;

  return root && (has_stack_keys(root) || extends_variant(root) ||
                  (variants && moe_node_size(variants) > 0 && has_stack_keys(moe_node_at(variants, 0))));
}

/* A cluster may extend one that ships by its name, wherever it lies itself. */
static gboolean is_own_cluster(const char *file)
{
  g_autofree char *data_dir = moe_data_dir();
  g_autoptr(MoeDoc) whole = moe_doc_load(file, NULL);
  g_autoptr(MoeDoc) doc = whole ? NULL : moe_doc_load_alone(file, (MoeMark){0}, NULL, NULL);
  const MoeNode *extends = doc ? moe_node_get(moe_doc_root(doc), "extends") : NULL;
  const char *name = extends ? moe_node_text(extends) : NULL;
  g_autofree char *base = name && !strchr(name, G_DIR_SEPARATOR) ? g_strconcat(name, ".yaml", NULL) : NULL;
  g_autofree char *path = base && data_dir ? g_build_filename(data_dir, "clusters", base, NULL) : NULL;

  return path && g_file_test(path, G_FILE_TEST_IS_REGULAR);
}

static const FileKind *check_alone(const char *file, GString *says, GError **error)
{
  static const FileKind stack = {"stack", "family", check_stack}, cluster = {"cluster", "domain", check_cluster};

  if (is_stack(file))
    return check_stack(file, NULL, says, error) ? &stack : NULL;
  if (is_own_cluster(file))
    return check_cluster(file, NULL, says, error) ? &cluster : NULL;
  g_autoptr(MoeDoc) doc = moe_doc_load(file, error);
  const FileKind *kind = doc ? kind_of(doc) : NULL;

  return kind && kind->check(file, doc, says, error) ? kind : NULL;
}

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
static gboolean is_good_base(const char *file, GString *says)
{
  g_autoptr(GPtrArray) extenders = moe_doc_extenders(file);

  for (guint i = 0; i < extenders->len; i++)
    if (check_alone(g_ptr_array_index(extenders, i), says, NULL)) {
      g_string_printf(says, "good in %s", seen_from_here(g_ptr_array_index(extenders, i)));
      return TRUE;
    }
  return FALSE;
}

static int check_file(const char *file)
{
  static const FileKind base = {.kind = "base"};
  g_autoptr(GError) error = NULL;
  g_autoptr(GString) says = g_string_new(NULL);
  const FileKind *kind = check_alone(file, says, &error);

  if (!kind && !is_whole(file) && is_good_base(file, says))
    kind = &base;
  if (!kind)
    return moe_cli_fail(error);
  g_autofree char *line = g_strdup_printf("%s: %s, %s\n", file, kind->kind, says->str);

  moe_cli_print_text(line);
  return MOE_EXIT_DONE;
}

int moe_cmd_check(int argc, char **argv)
{
  int status = moe_cli_parse(&usage, NULL, NULL, &argc, &argv);
  int worst = MOE_EXIT_DONE;

  if (status != MOE_CLI_GO)
    return status;
  for (int i = 1; i < argc; i++) {
    int one = check_file(argv[i]);

    worst = MAX(worst, one);
  }
  return worst;
}
