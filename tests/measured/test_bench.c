/* What nccl-tests and DeepEP's tests print: series that calibrate-network takes, and what is refused, with its place.
 */
#include "doc/doc.h"
#include "measured/bench.h"
#include "moetest.h"

#include <string.h>

static const MoeBenchOptions plain = {.cluster = "h100-hgx", .source = "test"};

static char *read_file(const char *name, const MoeBenchOptions *options)
{
  g_autofree char *below = g_build_filename("tests/measured/bench", name, NULL);
  g_autofree char *path = moetest_path(below);
  g_autoptr(GError) error = NULL;
  char *text = moe_bench_load(path, options, &error);

  ck_assert_msg(text != NULL, "%s", error ? error->message : "");
  g_autoptr(MoeDoc) doc = moe_doc_parse(text, -1, "rows", NULL, &error);
  ck_assert_msg(doc != NULL, "%s", error ? error->message : "");
  return text;
}

static void has(const char *text, const char *part)
{
  ck_assert_msg(strstr(text, part) != NULL, "no '%s' in %s", part, text);
}

static void refuse(const char *text, const MoeBenchOptions *options, const char *message)
{
  g_autoptr(GError) error = NULL;

  ck_assert_ptr_null(moe_bench_read(text, strlen(text), "out", options, &error));
  ck_assert_msg(strstr(error->message, message) != NULL, "'%s', expected '%s'", error->message, message);
}

/* The launcher's line is none of the table's; eight ranks are listed, the test names itself. */
START_TEST(a_table_of_nccl_tests)
{
  g_autofree char *text = read_file("all_reduce_perf.txt", &plain);

  has(text, "op: all-reduce, gpus: 8");
  has(text, "rows: [[1024, 26], [16384, 26.07], [262144, 27.12], [4194304, 43.94], [67108864, 313.1], "
            "[1073741824, 4619]]");
}
END_TEST

/* It neither names itself nor lists ranks; the row of no bytes is none. */
START_TEST(what_a_table_lacks_is_said)
{
  MoeBenchOptions said = plain;

  said.op = "all-gather";
  said.gpus = 16;
  g_autofree char *text = read_file("all_gather_old.txt", &said);
  has(text, "op: all-gather, gpus: 16");
  has(text, "rows: [[1048576, 49.93]]}");
}
END_TEST

/* 4,096 rows of 7,168 FP8 values with scales; 8 of 256 experts at random are on 5.295 of 8 ranks: 1,047.8 us, as
 * validation/measured/expert.yaml has from the published 153 GB/s. */
START_TEST(deepep_in_one_host)
{
  g_autofree char *text = read_file("intranode.txt", &plain);

  has(text, "op: dispatch, gpus: 8, library: deepep,\n     top_k: 8, experts: 256, sms: 24, row: 7392,\n"
            "     rows: [[30277632, 1047.77]]}");
  has(text, "op: combine, gpus: 8, library: deepep,\n     top_k: 8, experts: 256, sms: 24, row: 14336,\n"
            "     rows: [[58720256, 1967.74]]}");
}
END_TEST

/* Over 8 hosts, of which a token goes to 4 at most: 3.629 copies, 2,154.5 us as published; newer ones print the time.
 */
START_TEST(deepep_over_hosts)
{
  MoeBenchOptions hosts = plain;

  hosts.gpus = 64;
  g_autofree char *text = read_file("internode.txt", &hosts);
  has(text, "row: 7392, expert_groups: 8, top_groups: 4,\n     rows: [[30277632, 2154.47]]}");
  has(text, "rows: [[58720256, 4200]]}");
}
END_TEST

START_TEST(bad_tables_are_refused)
{
  MoeBenchOptions eight = plain;

  eight.op = "all-reduce";
  eight.gpus = 8;
  refuse("", &eight, "no times up to here");
  refuse("hello\n", &eight, "out:1:1: no times up to here");
  refuse("# Collective test starting: hypercube_perf\n", &plain, "out:1:29: hypercube is no collective of the model");
  refuse("# a\n 1024 256 float sum -1 20.0 0.05 0.09 7 20.0 0.05 0.09 0\n", &eight, "out:2:39: 7 wrong results");
  refuse(" 1024 256 float sum -1 20.0 5.00 0.09 0 20.0 0.05 0.09 0\n", &eight,
         "out:1:29: 5 GB/s for 1024 bytes in 20 us");
  refuse(" 1024 256 float\n", &eight, "out:1:2: 3 columns");
  refuse(" 1024 256 float sum -1 fast 0.05 0.09 0 20.0 0.05 0.09 0\n", &eight, "out:1:24: 'fast'");
  refuse(" 1024 256 float sum -1 20.0 0.05 0.09 0 20.0 0.05 0.09 0\n", &plain, "expected --op");
  eight.gpus = 0;
  refuse(" 1024 256 float sum -1 20.0 0.05 0.09 0 20.0 0.05 0.09 0\n", &eight, "or --gpus");
}
END_TEST

START_TEST(bad_deepep_is_refused)
{
  const char *config = "[config] num_tokens=4096, hidden=7168, num_topk_groups=4, num_topk=8\n";
  g_autofree char *over = g_strconcat(config, "[tuning] Best combine: SMs 24, RDMA: 51.00 GB/s (RDMA)\n", NULL);
  g_autofree char *none = g_strconcat(config, "[tuning] Best combine: SMs 24, NVL chunk 4\n", NULL);
  MoeBenchOptions odd = plain;

  refuse("[tuning] Best combine: SMs 24, 51.00 GB/s (NVL)\n", &plain, "out:1:1: a result without '[config]");
  refuse(over, &plain, "out:2:1: bandwidth between hosts of 8 GPUs, expected --gpus");
  refuse(none, &plain, "out:2:1: no time and no bandwidth");
  refuse("[config] num_tokens=many, hidden=7168\n", &plain, "out:1:21: 'many, hidden=7168'");
  odd.experts = 4;
  refuse("[config] num_tokens=1, hidden=128, num_topk=8\n[tuning] Best dispatch (FP8): SMs 1, 1 GB/s (NVL)\n", &odd,
         "top 8 of 4 experts");
}
END_TEST

MOE_TEST_MAIN("measured/bench", a_table_of_nccl_tests, what_a_table_lacks_is_said, deepep_in_one_host,
              deepep_over_hosts, bad_tables_are_refused, bad_deepep_is_refused)
