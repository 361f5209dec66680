/* Runs that ship, as configurations of other software: each is the run's model again, or refused with what cannot be
 * said; stages of unequal size become a layout that gives the same stages. */
#include "moetest.h"

#include "doc/doc.h"
#include "spec/spec.h"
#include <moesim/export.h>
#include <moesim/import.h>
#include <string.h>

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

MOE_TEST_MAIN("interchange/exports", every_run_that_ships_is_the_same_model_or_refused,
              stages_of_unequal_size_become_a_layout, given_stages_beside_an_end_become_a_layout,
              equal_stages_stay_numbers, what_is_lost_is_noted)
