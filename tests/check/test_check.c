/* Files of every kind: what they are, what they hold, where a bad one is wrong. */
#include "moetest.h"

#include "check/check.h"

#include <string.h>

/* A file of that name in the test's folder. Caller frees. */
static char *written(const char *folder, const char *name, const char *text)
{
  char *path = g_build_filename(folder, name, NULL);

  ck_assert(g_file_set_contents(path, text, -1, NULL));
  return path;
}

static void expect_good(const char *path, const char *kind, const char *part)
{
  g_autoptr(GError) error = NULL;
  g_auto(MoeChecked) checked = {0};
  gboolean good = moe_check_file(path, g_getenv("MOESIM_DATA"), &checked, &error);

  ck_assert_msg(good, "%s: %s", path, error ? error->message : "");
  ck_assert_str_eq(checked.kind, kind);
  ck_assert_msg(strstr(checked.says, part), "%s: %s, expected %s", path, checked.says, part);
}

#define ANY_LINE (-1)

/* Not good, at a line (0: of none), for that reason. */
static void expect_bad(const char *path, int line, const char *part)
{
  g_autoptr(GError) error = NULL;
  g_auto(MoeChecked) checked = {0};

  ck_assert_msg(!moe_check_file(path, g_getenv("MOESIM_DATA"), &checked, &error), "%s: %s", path, checked.says);
  ck_assert_ptr_null(checked.kind);
  ck_assert_ptr_null(checked.says);
  ck_assert_msg(strstr(error->message, part), "%s, expected %s", error->message, part);
  ck_assert_msg(line == ANY_LINE || moe_error_mark(error).line == line, "%s, expected line %d", error->message, line);
}

START_TEST(shipped_files)
{
  static const char *const files[][3] = {
      {"models/mixtral-8x7b.yaml", "run", "46.7 B parameters, 12.88 B active, 64 GPUs"},
      {"models/mai-base-1/v4.yaml", "run", "; fa4: "},
      {"models/mai-base-1/common.yaml", "base", "good in "},
      {"clusters/h100-hgx.yaml", "cluster", "8 GPUs per NVLink domain"},
      {"clusters/accelerators/h100.yaml", "accelerator", "kernel families"},
      {"stacks/yolo.yaml", "stack", "v5: attention "},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
    g_autofree char *path = moetest_path(files[i][0]);

    expect_good(path, files[i][1], files[i][2]);
  }
}
END_TEST

/* What extends by a name that only its reader looks up, wherever the file lies; a list of cases. */
START_TEST(files_of_ones_own)
{
  const char *folder = moetest_folder();
  g_autofree char *cluster = written(folder, "mine.yaml", "extends: h100-hgx\nprice: {gpu_hour: $2.10}\n");
  g_autofree char *stack = written(folder, "ours.yaml", "extends: megatron-core:0.13\n");
  g_autofree char *run = moetest_path("models/mixtral-8x7b.yaml");
  g_autofree char *text = g_strdup_printf("cases:\n"
                                          "  - {id: one, extends: %s, published: {mfu: 0.4}}\n"
                                          "  - {id: two, extends: %s, published: {mfu: 0.5}}\n",
                                          run, run);
  g_autofree char *cases = written(folder, "cases.yaml", text);

  expect_good(cluster, "cluster", "8 GPUs per NVLink domain");
  expect_good(stack, "stack", "attention ");
  expect_good(cases, "cases", "2 of them");
}
END_TEST

/* A part of a run is as good as a run that stands on it. */
START_TEST(bases)
{
  const char *folder = moetest_folder();
  g_autofree char *run = moetest_path("models/mixtral-8x7b.yaml");
  g_autofree char *part = written(folder, "part.yaml", "training: {micro_batch: 1}\n");

  expect_bad(part, 1, "");
  g_autofree char *whole = g_strdup_printf("extends: %s\nparallelism: {tensor: 3}\n", run);
  g_autofree char *bad = written(folder, "bad.yaml", whole);
  g_autofree char *good = written(folder, "good.yaml", "extends: bad.yaml\nparallelism: {tensor: 2}\n");

  expect_good(good, "run", "64 GPUs");
  expect_bad(bad, ANY_LINE, "tensor"); /* says all that makes a run: it is one, whoever mends it */
}
END_TEST

START_TEST(bad_files)
{
  const char *folder = moetest_folder();
  static const struct {
    const char *name, *text;
    int line;
    const char *part;
  } files[] = {
      {"cluster.yaml", "extends: h100-hgx\nprice: {gpu_hours: $2.10}\n", 2, "gpu_hour"},
      {"family.yaml", "extends: megatron-core:0.13\nfamily:\n  attention: flashy\n", 3, "flashy"},
      {"assumed.yaml", "extends: h100-hgx\nassumptions: {network.nics: {values: [1, 2], why: none}}\n", 2,
       "network.nics"},
      {"cases.yaml", "cases:\n  - {published: {mfu: 0.4}}\n", 2, "id"},
      {"accelerator.yaml", "peak: {bf16: many}\n", 1, ""},
      {"nothing.yaml", "{}\n", 1, ""},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
    g_autofree char *path = written(folder, files[i].name, files[i].text);

    expect_bad(path, files[i].line, files[i].part);
  }
  expect_bad("no-such-file.yaml", 0, "no-such-file.yaml");
}
END_TEST

/* Without a data folder, what ships is not found; a file that needs none of it is. */
START_TEST(no_data_folder)
{
  const char *folder = moetest_folder();
  g_autofree char *cluster = written(folder, "mine.yaml", "extends: h100-hgx\n");
  g_autofree char *accelerator = moetest_path("clusters/accelerators/h100.yaml");
  g_auto(MoeChecked) checked = {0}, good = {0};

  ck_assert(!moe_check_file(cluster, NULL, &checked, NULL));
  ck_assert(moe_check_file(accelerator, NULL, &good, NULL));
}
END_TEST

MOE_TEST_MAIN("check/check", shipped_files, files_of_ones_own, bases, bad_files, no_data_folder)
