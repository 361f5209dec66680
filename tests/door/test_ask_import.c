/* A configuration of others becomes a run that can exist, or is refused in its own words; a layout is open where nobody
 * can have said one. */
#include "moetest.h"

#include "door/ask_import.h"
#include <string.h>

static const MoeRunOptions *load(void)
{
  static MoeRunOptions options;

  options.data_dir = g_getenv("MOESIM_DATA");
  return &options;
}

START_TEST(a_run_with_its_parameters)
{
  static const char *const words[] = {"--num-layers",
                                      "2",
                                      "--hidden-size",
                                      "1024",
                                      "--num-attention-heads",
                                      "8",
                                      "--seq-length",
                                      "2048",
                                      "--max-position-embeddings",
                                      "2048",
                                      "--vocab-size",
                                      "32000",
                                      "--micro-batch-size",
                                      "1",
                                      "--global-batch-size",
                                      "8",
                                      NULL};
  const MoeAskedImport asked = {.kind = MOE_IMPORT_MEGATRON, .given = words};
  const MoeImportOptions options = {.data_dir = g_getenv("MOESIM_DATA"), .gpus = 8};
  MoeParameters parameters = {0};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) made = moe_ask_import(&asked, &options, load(), &parameters, &error);

  ck_assert_msg(made != NULL, "%s", error ? error->message : "");
  /* 2 layers of 12 h^2, and at least one matrix of 32,000 words. */
  ck_assert_double_gt(parameters.total, 2 * 12 * 1024.0 * 1024 + 32000.0 * 1024);
  ck_assert_double_eq(parameters.total, parameters.active);
  ck_assert(!moe_ask_import_is_open(&asked, &options)); /* Megatron's arguments say a layout, by silence too */
}
END_TEST

/* Three pipeline stages of two layers cannot be: the argument is named, not the key that it became. */
START_TEST(what_cannot_exist_is_refused_in_its_words)
{
  static const char arguments[] = "--num-layers 2 --hidden-size 1024 --num-attention-heads 8 --seq-length 2048\n"
                                  "--max-position-embeddings 2048 --vocab-size 32000 --micro-batch-size 1\n"
                                  "--global-batch-size 9 --pipeline-model-parallel-size 3\n";
  const MoeAskedImport asked = {.kind = MOE_IMPORT_MEGATRON, .file = {arguments, strlen(arguments), "arguments.txt"}};
  const MoeImportOptions options = {.data_dir = g_getenv("MOESIM_DATA"), .gpus = 9};
  g_autoptr(GError) error = NULL;

  ck_assert_ptr_null(moe_ask_import(&asked, &options, load(), NULL, &error));
  ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT));
  ck_assert_ptr_null(strstr(error->message, "imported run"));
  ck_assert_msg(strstr(error->message, "arguments.txt") != NULL, "%s", error->message);
}
END_TEST

START_TEST(a_layout_is_open_where_nobody_says_one)
{
  const MoeImportOptions nothing = {0}, tensor = {.tensor = 2};

  for (guint kind = 0; kind < MOE_N_IMPORT_KINDS; kind++) {
    const MoeAskedImport asked = {.kind = (MoeImportKind)kind};

    ck_assert_int_eq(moe_ask_import_is_open(&asked, &nothing), kind == MOE_IMPORT_HF);
    ck_assert(!moe_ask_import_is_open(&asked, &tensor));
  }
}
END_TEST

MOE_TEST_MAIN("door/ask_import", a_run_with_its_parameters, what_cannot_exist_is_refused_in_its_words,
              a_layout_is_open_where_nobody_says_one)
