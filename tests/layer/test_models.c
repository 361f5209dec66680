/* Every model, cluster and stack of the house loads, in every variant, counts what its maker says, and loads fast. */
#include "spec/spectest.h"

#include "layer/layer.h"

#define BILLION 1e9

/* Files of a folder whose names end in .yaml, sorted; folders below it included. */
static void add_files(const char *directory, GPtrArray *files)
{
  g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree char *path = g_build_filename(directory, name, NULL);
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
      add_files(path, files);
    else if (g_str_has_suffix(name, ".yaml"))
      g_ptr_array_add(files, g_steal_pointer(&path));
  }
}

static GPtrArray *list_files(const char *folder)
{
  GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *directory = moetest_path(folder);

  add_files(directory, files);
  return files;
}

/* A file without GPUs or without a cluster is a part of others, not a run. */
static gboolean is_run(const char *path)
{
  g_autoptr(MoeDoc) doc = moe_doc_load(path, NULL);

  return doc && moe_doc_find(doc, "parallelism.gpus") && moe_doc_find(doc, "cluster");
}

static void check_variant(const char *path, const char *variant)
{
  g_autofree char *data = moetest_path("");
  g_autoptr(GError) error = NULL;
  MoeRunOptions options = {.variant = variant, .data_dir = data};
  g_autoptr(MoeRun) run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  ck_assert_msg(run->source != NULL, "%s has no source", path);
}

START_TEST(every_model_loads_in_every_variant)
{
  g_autoptr(GPtrArray) files = list_files("models");
  guint runs = 0;

  for (guint i = 0; i < files->len; i++) {
    const char *path = files->pdata[i];
    if (!is_run(path))
      continue;
    g_auto(GStrv) variants = moe_run_variants(path, NULL);
    runs++;
    check_variant(path, NULL);
    for (char **variant = variants; *variant; variant++)
      check_variant(path, *variant);
  }
  ck_assert_uint_ge(runs, 10);
}
END_TEST

/* The name by which a file of a folder is looked up. */
static char *short_name(const char *path)
{
  char *name = g_path_get_basename(path);

  name[strlen(name) - strlen(".yaml")] = '\0';
  return name;
}

START_TEST(every_cluster_loads)
{
  g_autofree char *data = moetest_path("");
  g_autoptr(GPtrArray) files = list_files("clusters");

  for (guint i = 0; i < files->len; i++) {
    g_autofree char *name = short_name(files->pdata[i]), *parent = g_path_get_dirname(files->pdata[i]);
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeDoc) doc = NULL;
    MoeCluster cluster;
    if (!g_str_has_suffix(parent, "clusters"))
      continue;
    ck_assert_msg(moe_cluster_load(name, data, &cluster, &doc, &error), "%s", error ? error->message : "");
    ck_assert_str_eq(cluster.name, name);
    moe_cluster_clear(&cluster);
  }
  ck_assert_uint_gt(files->len, 0);
}
END_TEST

/* SOFTWARE-VARIANT is what a stack was called while each was a file of its own. */
static void check_old_name(const char *file, const char *variant, const MoeStack *now, const char *data)
{
  g_autofree char *old = g_strconcat(file, "-", variant, NULL);
  g_autoptr(MoeDoc) doc = NULL;
  MoeStack stack;

  ck_assert_msg(moe_stack_load(old, data, &stack, &doc, NULL), "%s is not found", old);
  ck_assert_str_eq(stack.name, now->name);
  moe_stack_clear(&stack);
}

/* Variants stand in the order of their months, and each says what it is and where that is from. */
START_TEST(every_stack_loads)
{
  g_autofree char *data = moetest_path("");
  g_autoptr(GPtrArray) files = list_files("stacks");

  for (guint i = 0; i < files->len; i++) {
    g_autofree char *file = short_name(files->pdata[i]), *month = g_strdup("0000-00");
    g_auto(GStrv) variants = moe_stack_variants(files->pdata[i], NULL);

    ck_assert_msg(variants && variants[0], "%s has no variants", file);
    for (char **variant = variants; *variant; variant++) {
      g_autofree char *name = g_strconcat(file, ":", *variant, NULL);
      g_autoptr(GError) error = NULL;
      g_autoptr(MoeDoc) doc = NULL;
      MoeStack stack;

      ck_assert_msg(moe_stack_load(name, data, &stack, &doc, &error), "%s", error ? error->message : "");
      ck_assert_str_eq(stack.name, name);
      ck_assert_msg(stack.title && stack.source && stack.date, "%s lacks title, source or date", name);
      ck_assert_msg(strcmp(stack.date, month) >= 0, "%s: %s stands behind %s", name, stack.date, month);
      g_free(month);
      month = g_strdup(stack.date);
      check_old_name(file, *variant, &stack, data);
      moe_stack_clear(&stack);
    }
  }
  ck_assert_uint_gt(files->len, 0);
}
END_TEST

/* The i-th case of a validation file as a run. */
static void check_case(MoeDoc *file, MoeNode *entry, const char *data)
{
  g_autoptr(GError) error = NULL;
  MoeDoc *doc = moe_doc_parse("{}", -1, "case", NULL, NULL);
  MoeRunOptions options = {.data_dir = data};

  ck_assert_msg(moe_doc_resolve_extends(file, entry, &error), "%s", error ? error->message : "");
  moe_doc_remove(file, entry, "id");
  ck_assert(moe_doc_replace(doc, "", entry, NULL));
  g_autoptr(MoeRun) run = moe_run_from_doc(doc, "case", &options, &error);
  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  ck_assert_msg(run->published.present || run->published.memory.peak_bytes > 0 || run->published.memory.out_of_memory,
                "case in line %d publishes nothing", moe_node_mark(entry).line);
}

START_TEST(every_case_loads)
{
  g_autofree char *data = moetest_path("");
  g_autoptr(GPtrArray) files = list_files("validation");
  guint n = 0;

  for (guint i = 0; i < files->len; i++) {
    g_autoptr(MoeDoc) file = moe_doc_load(files->pdata[i], NULL);
    MoeNode *cases = file ? moe_doc_find(file, "cases") : NULL;
    for (guint k = 0; cases && k < moe_node_size(cases); k++, n++) {
      g_autofree char *path = g_strdup_printf("cases.%u", k);
      check_case(file, moe_doc_find(file, path), data);
    }
  }
  ck_assert_uint_ge(n, 100);
}
END_TEST

START_TEST(files_count_as_their_makers_do)
{
  const struct {
    const char *file;
    double total, active, tolerance; /* billions, relative */
  } models[] = {
      {"models/deepseek-v3.yaml", 671.0, 37.5, 2e-3},     {"models/llama3-405b.yaml", 405.85, 405.85, 1e-3},
      {"models/llama3-70b.yaml", 70.55, 70.55, 1e-3},     {"models/gpt3-175b.yaml", 174.6, 174.6, 1e-3},
      {"models/mixtral-8x7b.yaml", 46.7, 12.88, 1e-3},    {"models/mixtral-8x22b.yaml", 140.6, 39.15, 1e-3},
      {"models/qwen3-235b-a22b.yaml", 235.1, 22.2, 2e-3}, {"models/qwen3-30b-a3b.yaml", 30.5, 3.35, 3e-3},
      {"models/kimi-k2.yaml", 1026, 32.9, 2e-3},          {"models/mai-base-1/v2.yaml", 600.5, 23.63, 5e-4},
      {"models/mai-base-1/v4.yaml", 611.6, 23.03, 5e-4},  {"models/mai-base-1/v5.yaml", 962.15, 34.66, 5e-4},
  };

  for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
    g_autofree char *path = moetest_path(models[i].file), *data = moetest_path("");
    MoeRunOptions options = {.data_dir = data};
    g_autoptr(MoeRun) run = moe_run_load(path, &options, NULL);
    MoeParameters counted;
    ck_assert_msg(run != NULL, "%s", models[i].file);
    moe_count_parameters(&run->architecture, &counted);
    ck_assert_double_eq_tol(counted.total / BILLION / models[i].total, 1, models[i].tolerance);
    ck_assert_double_eq_tol(counted.active / BILLION / models[i].active, 1, models[i].tolerance);
  }
}
END_TEST

MOE_TEST_MAIN("layer/models", every_model_loads_in_every_variant, every_cluster_loads, every_stack_loads,
              every_case_loads, files_count_as_their_makers_do)
