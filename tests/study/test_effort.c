/* A step that takes long says so before it does. */
#include "moetest.h"
#include "study/study.h"

static gboolean stop(G_GNUC_UNUSED gpointer data)
{
  return TRUE;
}

static void on_note(G_GNUC_UNUSED const char *domain, G_GNUC_UNUSED GLogLevelFlags level, const char *message,
                    gpointer user)
{
  g_string_append(user, message);
}

/* What is said of a run with so many GPUs, which is ended as soon as it begins. */
static GString *said_of(int64_t gpus)
{
  const char *data = g_getenv("MOESIM_DATA");
  g_autofree char *path = g_build_filename(data, "models", "mixtral-8x7b.yaml", NULL);
  const MoeRunOptions options = {.data_dir = data, .gpus = gpus};
  const MoeSimOptions sim = {.kernel_jitter = -1, .fidelity = MOE_FIDELITY_FULL, .stopped = stop};
  g_autoptr(GError) error = NULL;
  GString *said = g_string_new(NULL);
  guint handler = g_log_set_handler(MOE_LOG_DOMAIN, G_LOG_LEVEL_INFO, on_note, said);
  g_autoptr(MoeRun) run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  ck_assert_ptr_null(moe_study_predict(run, &sim, &error));
  ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_STOPPED));
  g_log_remove_handler(MOE_LOG_DOMAIN, handler);
  return said;
}

START_TEST(long_steps_are_announced)
{
  GString *few = said_of(64), *many = said_of(131072);

  ck_assert_str_eq(few->str, "");
  ck_assert_msg(g_str_has_prefix(many->str, "131072 simulated GPUs: a step takes about "), "%s", many->str);
  ck_assert(g_str_has_suffix(many->str, "MB"));
  g_string_free(few, TRUE);
  g_string_free(many, TRUE);
}
END_TEST

MOE_TEST_MAIN("study/effort", long_steps_are_announced)
