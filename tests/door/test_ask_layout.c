/* A layout for a configuration that has none: what the search finds goes into the options, or why it finds none. */
#include "door/ask_layout.h"
#include "small_runs.h"

#include <sys/resource.h>

/* As a user of import may have them, with a layout of their own. */
static MoeImportOptions said(void)
{
  return (MoeImportOptions){.title = "mine",
                            .data_dir = g_getenv("MOESIM_DATA"),
                            .gpus = 16,
                            .tensor = 5,
                            .pipeline = 7,
                            .expert = 3,
                            .micro_batch = 9,
                            .recompute_modules = 1};
}

/* A small run as text, with one more key. */
static char *text_with(const char *set)
{
  g_autoptr(MoeRun) run = sample_run(0), changed = NULL;
  const char *const sets[] = {set, NULL};
  const MoeRunOptions options = {.sets = sets, .data_dir = g_getenv("MOESIM_DATA")};
  g_autoptr(GError) error = NULL;

  changed = moe_run_from_doc(moe_doc_copy(run->doc), "small", &options, &error);
  ck_assert_msg(changed != NULL, "%s", error ? error->message : "");
  return moe_run_print(changed);
}

START_TEST(the_best_goes_into_the_options)
{
  g_autofree char *text = text_with("training.micro_batch=1"), *reason = NULL;
  MoeImportOptions options = said();
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeSearchResult) found = moe_ask_layout(text, &options, &reason, &error);

  ck_assert_msg(found != NULL, "%s", error ? error->message : reason);
  ck_assert_ptr_null(reason);
  const int32_t *best = found->ranked[0].choice.value;

  ck_assert_int_eq(options.tensor, best[MOE_DIMENSION_TENSOR]);
  ck_assert_int_eq(options.context, best[MOE_DIMENSION_CONTEXT]);
  ck_assert_int_eq(options.pipeline, best[MOE_DIMENSION_PIPELINE]);
  ck_assert_int_eq(options.virtual_stages, best[MOE_DIMENSION_VIRTUAL]);
  ck_assert_int_eq(options.expert, best[MOE_DIMENSION_EXPERT]);
  ck_assert_int_eq(options.micro_batch, best[MOE_DIMENSION_MICRO_BATCH]);
  ck_assert_int_eq(options.zero, best[MOE_DIMENSION_ZERO]);
  ck_assert_int_eq(options.recompute, best[MOE_DIMENSION_RECOMPUTE]);
  ck_assert(options.sharded);
  ck_assert_int_eq(16 % (options.tensor * options.context * options.pipeline), 0);
  ck_assert(options.recompute == MOE_RECOMPUTE_SELECTIVE || options.recompute_modules == 0);
  ck_assert_str_eq(options.title, "mine"); /* what is no layout stays */
  ck_assert_int_eq(options.gpus, 16);
  /* No key that an imported run could not say. */
  ck_assert_int_eq(best[MOE_DIMENSION_EXPERT_TENSOR], 1);
  ck_assert_int_eq(best[MOE_DIMENSION_OFFLOAD], 0);
  ck_assert_int_le(best[MOE_DIMENSION_SCHEDULE], MOE_SCHEDULE_INTERLEAVED);
  ck_assert_int_ne(best[MOE_DIMENSION_SCHEDULE], MOE_SCHEDULE_GPIPE);
}
END_TEST

/* The run that is written overlaps messages between stages where these have several chunks, and so does what was
 * searched: it is the best also when the written run is searched, whatever the draft overlapped. */
START_TEST(the_best_is_that_of_the_run_that_is_written)
{
  g_autofree char *text = text_with("parallelism.overlap.pipeline=false"), *reason = NULL;
  MoeImportOptions options = said();
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeSearchResult) found = moe_ask_layout(text, &options, &reason, &error);

  ck_assert_msg(found != NULL, "%s", error ? error->message : reason);
  const int32_t *best = found->ranked[0].choice.value;

  ck_assert_int_eq(best[MOE_DIMENSION_OVERLAP_PIPELINE], best[MOE_DIMENSION_SCHEDULE] != MOE_SCHEDULE_1F1B);
  ck_assert_int_eq(best[MOE_DIMENSION_OVERLAP_TENSOR], FALSE);
}
END_TEST

/* NULL, and the options as they were; the error where there is one, else the reason. */
static char *why_not(const char *text, const char *data_dir, GError **error)
{
  MoeImportOptions options = said(), before;
  char *reason = NULL;

  options.data_dir = data_dir;
  before = options;
  ck_assert_ptr_null(moe_ask_layout(text, &options, &reason, error));
  ck_assert_mem_eq(&options, &before, sizeof options);
  return reason;
}

START_TEST(what_cannot_be_is_told)
{
  g_autofree char *full = text_with("memory.headroom=79 GB");
  const struct {
    const char *text, *says;
  } runs[] = {{full, "fits the memory, expected more GPUs"}, {"architecture: 3", "imported:1:1: "}, {"{", "imported:"}};

  for (guint i = 0; i < G_N_ELEMENTS(runs); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *reason = why_not(runs[i].text, g_getenv("MOESIM_DATA"), &error);

    ck_assert_msg(!error && reason && strstr(reason, runs[i].says), "%u: %s", i, error ? error->message : reason);
  }
}
END_TEST

/* What cannot be read just now, as no file may be opened, says nothing of the run. */
START_TEST(a_file_that_cannot_be_read_is_an_error)
{
  g_autoptr(GError) error = NULL;
  struct rlimit usual, none;

  ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &usual), 0);
  none = (struct rlimit){0, usual.rlim_max};
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
  g_autofree char *reason = why_not("cluster: h100-hgx", g_getenv("MOESIM_DATA"), &error);
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &usual), 0);
  ck_assert_msg(!reason, "%s", reason);
  ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_IO));
}
END_TEST

MOE_TEST_MAIN("door/ask_layout", the_best_goes_into_the_options, the_best_is_that_of_the_run_that_is_written,
              what_cannot_be_is_told, a_file_that_cannot_be_read_is_an_error)
