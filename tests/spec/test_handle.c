/* A run as users of the library see it: from text, and what it says. */
#include "spectest.h"
#include <moesim/run.h>

static const char text[] = "title: Small\n"
                           "extends: mixtral-8x7b\n"
                           "training:\n"
                           "  global_batch: 512\n";

static MoeRun *parse(const char *written, const char *within, GError **error)
{
  g_autofree char *models = g_build_filename(g_getenv("MOESIM_DATA"), "models", NULL);
  const MoeRunOptions options = {.data_dir = g_getenv("MOESIM_DATA"), .within = within};

  return moe_run_parse(written, -1, "small.yaml", models, &options, error);
}

START_TEST(says_what_is_written_and_where)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = parse(text, NULL, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  g_autofree char *batch = moe_run_value(run, "training.global_batch");
  g_autofree char *place = moe_run_place(run, "training.global_batch");
  g_autofree char *map = moe_run_value(run, "training");
  g_autofree char *none = moe_run_value(run, "training.no_such");

  ck_assert_str_eq(batch, "512");
  ck_assert_str_eq(place, "small.yaml:4:17");
  ck_assert(g_str_has_prefix(map, "{") && g_str_has_suffix(map, "}"));
  ck_assert_ptr_null(none);
  ck_assert_str_eq(moe_run_cluster(run), run->cluster.name);
  ck_assert_str_eq(moe_run_stack(run), run->stack.name);
  ck_assert_int_eq(moe_run_gpus(run), run->parallelism.gpus);
  ck_assert_str_eq(moe_run_name(run), run->name);
  ck_assert_ptr_eq(moe_run_variant(run), run->variant);
}
END_TEST

START_TEST(says_where_the_text_is_wrong)
{
  g_autoptr(GError) error = NULL;

  ck_assert_ptr_null(parse("extends: mixtral-8x7b\ntraining: {global_batch: many}\n", NULL, &error));
  ck_assert(g_str_has_prefix(error->message, "small.yaml:2:26: "));
}
END_TEST

START_TEST(stays_below_its_folder)
{
  g_autofree char *folder = g_build_filename(g_getenv("MOESIM_DATA"), "stacks", NULL);
  g_autoptr(GError) error = NULL;

  ck_assert_ptr_null(parse(text, folder, &error));
  ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT));
}
END_TEST

/* What the command line refuses before, a program may say. */
START_TEST(fewer_gpus_than_none_are_refused)
{
  const int64_t counts[] = {-1, G_MININT64};

  for (gsize i = 0; i < G_N_ELEMENTS(counts); i++) {
    g_autofree char *path = g_build_filename(g_getenv("MOESIM_DATA"), "models", "mixtral-8x7b.yaml", NULL);
    const MoeRunOptions options = {.data_dir = g_getenv("MOESIM_DATA"), .gpus = counts[i]};
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(moe_run_load(path, &options, &error));
    ck_assert_msg(strstr(error->message, "gpus") != NULL, "%s", error->message);
  }
}
END_TEST

MOE_TEST_MAIN("spec_handle", says_what_is_written_and_where, says_where_the_text_is_wrong, stays_below_its_folder,
              fewer_gpus_than_none_are_refused)
