/* Logs of trainings: medians after the first fifth, memory, the case that follows, and what is refused with its place.
 */
#include "doc/doc.h"
#include "measured/log.h"
#include "moetest.h"

#include <string.h>

static MoeLog *load(const char *name)
{
  g_autofree char *below = g_build_filename("tests/measured/logs", name, NULL);
  g_autofree char *path = moetest_path(below);
  g_autoptr(GError) error = NULL;
  MoeLog *log = moe_log_load(path, &error);

  ck_assert_msg(log != NULL, "%s", error ? error->message : "");
  return log;
}

static void refuse(const char *text, const char *message)
{
  g_autoptr(GError) error = NULL;

  ck_assert_ptr_null(moe_log_read(text, strlen(text), "log", &error));
  ck_assert_msg(strstr(error->message, message) != NULL, "'%s', expected '%s'", error->message, message);
}

/* Of ten lines the first two, 19.1 and 5.6 s, do not count; the fuller of two ranks does. */
START_TEST(megatron)
{
  g_autofree MoeLog *log = load("megatron.log");

  ck_assert_uint_eq(log->lines, 10);
  ck_assert_uint_eq(log->used, 8);
  ck_assert_double_eq_tol(log->step_s.p50, 5.43055, 1e-9);
  ck_assert_double_gt(log->step_s.p90, log->step_s.p50);
  ck_assert_double_eq(log->global_batch, 256);
  ck_assert_double_eq(log->peak_bytes, 56000.0 * 1048576);
  ck_assert(!log->reserved && !log->first_rank);
  ck_assert_double_eq_tol(log->flop_per_s.p50, 412.25e12, 0.2e12);
}
END_TEST

/* In colours, with thousands parted by commas. */
START_TEST(torchtitan)
{
  g_autofree MoeLog *log = load("torchtitan.log");

  ck_assert_uint_eq(log->used, 4);
  ck_assert_double_eq(log->step_s.p50, 0);
  ck_assert_double_eq_tol(log->tokens_per_s.p50, 8117.5, 1e-9);
  ck_assert_double_eq_tol(log->peak_bytes, 47.54 * 1073741824, 1);
  ck_assert(log->reserved && log->first_rank);
}
END_TEST

START_TEST(a_case_is_a_document)
{
  g_autofree MoeLog *log = load("megatron.log");
  g_autofree char *text = moe_log_case(log, "a \"log\"", "/runs/mine.yaml");
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeDoc) doc = moe_doc_parse(text, -1, "case", NULL, &error);

  ck_assert_msg(doc != NULL, "%s", error ? error->message : "");
  ck_assert_ptr_nonnull(strstr(text, "extends: \"/runs/mine.yaml\"\n    training: {global_batch: 256}\n"));
  ck_assert_ptr_nonnull(strstr(text, "step_time_s: 5.43055, peak_memory: 58720256000 B, memory_kind: allocated"));
}
END_TEST

START_TEST(bad_logs_are_refused)
{
  refuse("", "no iteration up to here");
  refuse("hello\nworld\n", "log:2:1: no iteration up to here");
  refuse(" iteration 1/ 5 | elapsed time per iteration (ms): fast | x\n", "log:1:52: 'fast | x'");
  refuse("step: 1 memory: 4.0GiB(5%) tps: 0x tflops: 1\n", "log:1:33: '0x tflops: 1'");
  refuse("step: 1 memory: 4.0MiB(5%) tps: 10 tflops: 1\n", "log:1:17: '4.0MiB(5%) tps: 10 t', expected GiB");
  refuse(" iteration 1/ 5 | elapsed time per iteration (ms): 5.0 |\nstep: 1 memory: 4.0GiB(5%) tps: 10\n",
         "of Megatron and of torchtitan");
}
END_TEST

MOE_TEST_MAIN("measured/log", megatron, torchtitan, a_case_is_a_document, bad_logs_are_refused)
