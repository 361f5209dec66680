/* A published profile, read. */
#include "validate/published_parts.h"
#include <glib/gstdio.h>
#include <string.h>

#include "moetest.h"

/* The shipped profile's classes sum to what its two streams did. */
START_TEST(profile)
{
  g_autofree char *path = moetest_path("validation/measured/traces/h800-dualpipe.yaml");
  g_auto(MoePairTrace) trace = {0};
  g_autoptr(GError) error = NULL;
  double total = 0;

  ck_assert_msg(moe_pair_trace_load(path, &trace, &error), "%s", error ? error->message : "");
  for (guint c = 0; c < MOE_N_PAIR_CLASSES; c++)
    total += trace.class_s[c];
  ck_assert_double_eq_tol(total, 0.118193 + 0.011355, 5e-6);
}
END_TEST

START_TEST(bad_profile)
{
  g_autofree char *dir = g_dir_make_tmp("moesim-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(dir, "bad.yaml", NULL);
  g_auto(MoePairTrace) trace = {0};
  g_autoptr(GError) error = NULL;

  g_file_set_contents(path, "{title: a, source: b, run: c.yaml, stage: 1, pair_s: 1, class_s: {gem: 1}}\n", -1, NULL);
  ck_assert(!moe_pair_trace_load(path, &trace, &error));
  ck_assert_ptr_nonnull(strstr(error->message, "gem"));
  g_remove(path);
  g_rmdir(dir);
}
END_TEST

MOE_TEST_MAIN("validate/published_parts", profile, bad_profile)
