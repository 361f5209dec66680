/* Runs that ship, as configurations of other software: each is the run's model again, or refused with what cannot be
 * said; stages of unequal size become a layout that gives the same stages. */
#include "moetest.h"

#include "doc/doc.h"
#include "spec/spec.h"
#include <moesim/export.h>
#include <moesim/import.h>
#include <moesim/predict.h>
#include <string.h>

#include "same_run.h"

static MoeRun *load_model(const char *name)
{
  g_autofree char *below = g_strconcat("models/", name, NULL), *path = moetest_path(below);
  const MoeRunOptions options = {.data_dir = g_getenv("MOESIM_DATA")};
  g_autoptr(GError) error = NULL;
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  return run;
}

static char *export_text(const MoeRun *run, MoeExportKind kind, GPtrArray *notes)
{
  if (kind == MOE_EXPORT_HF)
    return moe_export_hf_text(run, notes);
  return kind == MOE_EXPORT_MEGATRON ? moe_export_megatron_text(run, notes) : moe_export_torchtitan_text(run, notes);
}

/* Whether the export is refused, with what it says. */
static gboolean is_refused(const MoeRun *run, MoeExportKind kind)
{
  g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *text = export_text(run, kind, notes);
  g_autoptr(GError) error = NULL;

  if (moe_export_check(run, kind, text, notes, g_getenv("MOESIM_DATA"), &error))
    return FALSE;
  ck_assert_msg(notes->len > 0, "%s: nothing is said to be lost: %s", run->name, error->message);
  ck_assert_msg(strstr(error->message, notes->pdata[0]) != NULL, "%s", error->message);
  return TRUE;
}

START_TEST(every_run_that_ships_is_the_same_model_or_refused)
{
  g_autofree char *folder = moetest_path("models");
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  guint refused[3] = {0}, tried = 0;

  for (const char *name = g_dir_read_name(dir); name; name = g_dir_read_name(dir)) {
    g_autoptr(MoeRun) run = g_str_has_suffix(name, ".yaml") ? load_model(name) : NULL;

    for (guint kind = 0; run && kind < 3; kind++)
      refused[kind] += is_refused(run, kind) ? 1 : 0;
    tried += run ? 1 : 0;
  }
  ck_assert_uint_ge(tried, 15);
  for (guint kind = 0; kind < 3; kind++)
    ck_assert_msg(refused[kind] > 0 && refused[kind] < tried, "kind %u: %u of %u refused", kind, refused[kind], tried);
}
END_TEST

/* The run that Megatron's arguments of it give. */
static MoeRun *through_megatron(const MoeRun *run)
{
  const char *data_dir = g_getenv("MOESIM_DATA");
  const MoeImportOptions options = {.data_dir = data_dir, .cluster = run->cluster.name, .stack = run->stack.name};
  const MoeRunOptions load = {.data_dir = data_dir};
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) words = moe_export_megatron(run, NULL);
  g_autoptr(MoeImport) import = moe_import_megatron((const char *const *)words, &options, &error);
  MoeRun *again = import ? moe_run_parse(import->text, -1, "again", NULL, &load, &error) : NULL;

  ck_assert_msg(again != NULL, "%s: %s", run->name, error ? error->message : "");
  return again;
}

START_TEST(stages_of_unequal_size_become_a_layout)
{
  static const char *const models[] = {"deepseek-v3.yaml", "deepseek-v3.2.yaml", "kimi-k2.yaml"};

  for (guint i = 0; i < G_N_ELEMENTS(models); i++) {
    g_autoptr(MoeRun) run = load_model(models[i]), again = through_megatron(run);
    g_autofree MoeChunk *chunks = moe_run_chunks_new(run), *same = moe_run_chunks_new(again);

    ck_assert_ptr_null(run->parallelism.layout);
    ck_assert_ptr_nonnull(again->parallelism.layout);
    for (guint at = 0, last = 0; !last; at++) {
      ck_assert_int_eq(chunks[at].first, same[at].first);
      ck_assert_int_eq(chunks[at].count, same[at].count);
      ck_assert_int_eq(chunks[at].mtp, same[at].mtp);
      ck_assert(chunks[at].embedding == same[at].embedding && chunks[at].head == same[at].head);
      last = chunks[at].head;
    }
  }
}
END_TEST

/* Megatron takes stages that are given, or ends that count, not both. */
START_TEST(given_stages_beside_an_end_become_a_layout)
{
  const char *const sets[] = {"architecture.layers=78",         "parallelism.virtual_stages=1",
                              "parallelism.schedule=1f1b",      "parallelism.first_stage_layers=19",
                              "parallelism.head_as_layer=true", NULL};
  g_autofree char *path = moetest_path("models/llama3-70b.yaml");
  const MoeRunOptions options = {.data_dir = g_getenv("MOESIM_DATA"), .sets = sets};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  g_autoptr(MoeRun) again = through_megatron(run);
  ck_assert_ptr_nonnull(again->parallelism.layout);
}
END_TEST

/* Equal stages stay numbers, as a person would write them. */
START_TEST(equal_stages_stay_numbers)
{
  g_autoptr(MoeRun) run = load_model("mixtral-8x7b.yaml");
  g_auto(GStrv) words = moe_export_megatron(run, NULL);

  ck_assert(!g_strv_contains((const char *const *)words, "--pipeline-model-parallel-layout"));
}
END_TEST

/* Whether the words have it; without it a note says what they leave out. */
static gboolean overlaps_experts(const char *set)
{
  const char *const sets[] = {"parallelism.overlap.expert=true", set, NULL};
  g_autofree char *path = moetest_path("models/mixtral-8x7b.yaml");
  const MoeRunOptions options = {.data_dir = g_getenv("MOESIM_DATA"), .sets = sets};
  g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  g_auto(GStrv) words = moe_export_megatron(run, notes);
  gboolean has = g_strv_contains((const char *const *)words, "--overlap-moe-expert-parallel-comm"), noted = FALSE;

  for (guint i = 0; i < notes->len; i++)
    noted |= strstr(notes->pdata[i], "expert exchanges beside other work") != NULL;
  ck_assert(has != noted);
  return has;
}

/* Megatron-Core wants virtual stages beside stages, and no full recomputation. */
START_TEST(experts_overlap_where_megatron_allows_it)
{
  ck_assert(overlaps_experts("parallelism={gpus: 64, tensor: 1, expert: 8, schedule: none}"));
  ck_assert(!overlaps_experts("parallelism={gpus: 64, tensor: 1, expert: 8, pipeline: 2, schedule: 1f1b}"));
  ck_assert(overlaps_experts("parallelism={gpus: 64, tensor: 1, expert: 8, pipeline: 2, virtual_stages: 2, schedule: "
                             "interleaved}"));
  ck_assert(!overlaps_experts("recompute={mode: full}"));
}
END_TEST

/* What shapes the step goes through, or is said to be lost. */
START_TEST(what_is_lost_is_noted)
{
  g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(MoeRun) rounded = load_model("sonicmoe-7b.yaml");
  g_autoptr(MoeRun) sparse = load_model("deepseek-v3.2.yaml"), chosen = through_megatron(sparse);
  g_autoptr(MoeRun) hybrid = load_model("nemotron3-nano-30b.yaml"), mamba = through_megatron(hybrid);
  g_auto(GStrv) words = moe_export_megatron(rounded, notes);

  ck_assert_ptr_nonnull(words);
  ck_assert_int_eq(notes->len, 1);
  ck_assert(strstr(notes->pdata[0], "rounded to tiles") != NULL);
  ck_assert_int_eq(hybrid->architecture.linear.chunk, 128);
  ck_assert_int_eq(mamba->architecture.linear.chunk, 128);
  ck_assert_int_eq(chosen->architecture.attention.index.top_k, sparse->architecture.attention.index.top_k);
  ck_assert_int_eq(chosen->architecture.attention.index.heads, sparse->architecture.attention.index.heads);
  ck_assert_int_eq(chosen->architecture.attention.index.dim, sparse->architecture.attention.index.dim);
}
END_TEST

/* ---- there and back, judged by what is predicted --------------------------------------------- */

/* Of the cases: every n-th is exported, every n-th of the runs that come back without a note is simulated. By hand,
 * MOESIM_WHOLE=1 takes all. */
#define CASES_EVERY     (7 * MOETEST_EVERY)
#define SIMULATED_EVERY 5

typedef struct {
  guint refused, noted, same, simulated;
} Walk;

static MoeImport *import_again(MoeExportKind kind, const char *text, const MoeRun *run)
{
  const MoeImportOptions options = {
      .data_dir = g_getenv("MOESIM_DATA"), .cluster = run->cluster.name, .stack = run->stack.name};
  gsize length = strlen(text);

  if (kind == MOE_EXPORT_HF)
    return moe_import_hf(text, length, "config.json", &options, NULL);
  if (kind == MOE_EXPORT_TORCHTITAN)
    return moe_import_torchtitan(text, length, "x.toml", &options, NULL);
  g_auto(GStrv) words = moe_import_words(text, length, "text", NULL);
  return moe_import_megatron((const char *const *)words, &options, NULL);
}

static void check_same_step(const MoeRun *run, const MoeRun *again)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeResult) before = moe_study_predict(run, NULL, &error);
  g_autoptr(MoeResult) after = moe_study_predict(again, NULL, NULL);

  ck_assert_msg(before != NULL && after != NULL, "%s: %s", run->name, error ? error->message : "");
  ck_assert_msg(before->step_time_s == after->step_time_s, "%s: %.9g s came back as %.9g s, nothing was said",
                run->name, before->step_time_s, after->step_time_s);
}

/* Without a note: the same model, and the same step where the text says how it is trained. */
static void walk_same(const MoeRun *run, MoeExportKind kind, const char *text, gboolean whole, Walk *walk)
{
  const MoeRunOptions load = {.data_dir = g_getenv("MOESIM_DATA")};
  g_autoptr(MoeImport) import = import_again(kind, text, run);
  g_autoptr(MoeRun) again = import ? moe_run_parse(import->text, -1, run->name, NULL, &load, NULL) : NULL;

  ck_assert_msg(again != NULL, "%s", run->name);
  check_architecture(run->name, &run->architecture, &again->architecture);
  walk->same++;
  if (kind == MOE_EXPORT_HF || (walk->same % SIMULATED_EVERY != 1 && !whole))
    return;
  check_same_step(run, again);
  walk->simulated++;
}

static void walk_run(const char *path, const char *variant, Walk *walk, gboolean whole)
{
  const MoeRunOptions options = {.data_dir = g_getenv("MOESIM_DATA"), .variant = variant};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  for (guint kind = 0; kind < 3; kind++) {
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *text = export_text(run, kind, notes);

    if (!moe_export_check(run, kind, text, notes, g_getenv("MOESIM_DATA"), NULL))
      walk[kind].refused++;
    else if (notes->len > 0)
      walk[kind].noted++;
    else
      walk_same(run, kind, text, whole, &walk[kind]);
  }
}

static void walk_cases(const char *path, Walk *walk, guint *count, gboolean whole)
{
  g_auto(GStrv) ids = moe_run_variants(path, NULL);

  for (guint i = 0; ids && ids[i]; i++)
    if ((*count)++ % CASES_EVERY == 0 || whole)
      walk_run(path, ids[i], walk, whole);
}

static void walk_folder(const char *below, Walk *walk, gboolean cases, gboolean whole)
{
  g_autofree char *folder = moetest_path(below);
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  guint count = 0;

  for (const char *name = g_dir_read_name(dir); name; name = g_dir_read_name(dir)) {
    g_autofree char *path = g_build_filename(folder, name, NULL);

    if (!g_str_has_suffix(name, ".yaml") || strcmp(name, "excluded.yaml") == 0 || strcmp(name, "common.yaml") == 0)
      continue; /* no cases, no run */
    if (cases)
      walk_cases(path, walk, &count, whole);
    else
      walk_run(path, NULL, walk, whole);
  }
}

START_TEST(what_comes_back_otherwise_is_said)
{
  gboolean whole = g_getenv("MOESIM_WHOLE") != NULL;
  Walk walk[3] = {0};

  walk_folder("models", walk, FALSE, whole);
  walk_folder("models/mai-base-1", walk, FALSE, whole);
  walk_folder("models/what-if", walk, FALSE, whole);
  walk_folder("validation", walk, TRUE, whole);
  for (guint kind = 0; kind < 3; kind++)
    g_print("kind %u: %u refused, %u noted, %u the same, %u of them simulated\n", kind, walk[kind].refused,
            walk[kind].noted, walk[kind].same, walk[kind].simulated);
  ck_assert_uint_gt(walk[MOE_EXPORT_MEGATRON].simulated, 2);
}
END_TEST

/* Each of these has a key that Megatron's arguments cannot say; some were lost without a word. */
START_TEST(a_lost_key_is_named)
{
  static const struct {
    const char *set, *key;
  } losses[] = {{"parallelism.overlap.pipeline=true", "parallelism.overlap.pipeline"},
                {"architecture.attention.global_every=3", "architecture.attention.global_every"},
                {"cluster.network.nic=20 GB/s", "cluster.network.nic"},
                {"stack.host.launch.linear=9 us", "stack.host.launch.linear"},
                {"training.precision.lm_head=fp32", "training.precision.lm_head"}};
  g_autofree char *path = moetest_path("models/qwen3-30b-a3b.yaml");

  for (guint i = 0; i < G_N_ELEMENTS(losses); i++) {
    const char *const sets[] = {losses[i].set, NULL};
    const MoeRunOptions options = {.data_dir = g_getenv("MOESIM_DATA"), .sets = sets};
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeRun) run = moe_run_load(path, &options, &error);

    ck_assert_msg(run != NULL, "%s", error ? error->message : "");
    g_autofree char *text = moe_export_megatron_text(run, notes);
    ck_assert(moe_export_check(run, MOE_EXPORT_MEGATRON, text, notes, options.data_dir, NULL));
    guint named = 0;
    for (guint n = 0; n < notes->len; n++)
      named += g_str_has_prefix(notes->pdata[n], losses[i].key) ? 1 : 0;
    ck_assert_msg(named == 1, "%s: %u notes, none names it", losses[i].set, notes->len);
  }
}
END_TEST

MOE_TEST_MAIN("interchange/exports", every_run_that_ships_is_the_same_model_or_refused,
              stages_of_unequal_size_become_a_layout, given_stages_beside_an_end_become_a_layout,
              equal_stages_stay_numbers, what_is_lost_is_noted, experts_overlap_where_megatron_allows_it,
              what_comes_back_otherwise_is_said, a_lost_key_is_named)
