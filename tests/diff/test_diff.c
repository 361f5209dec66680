/* A trace made of the prediction itself differs nowhere; what is stretched in it is found again, with its reason. */
#include "coll/coll.h"
#include "diff/diff.h"
#include "moetest.h"
#include "spec/work.h"

#include <math.h>
#include <string.h>

#define RANK 1

static MoeRun *small_run(const char *const *more)
{
  static const char *const small[] = {"architecture.layers=3",        "training.global_batch=32",
                                      "parallelism.gpus=16",          "training.sequence_length=4096",
                                      "parallelism.tensor=1",         "parallelism.pipeline=1",
                                      "parallelism.virtual_stages=1", "parallelism.schedule=none",
                                      "parallelism.expert=8",         "parallelism.expert_tensor=1"};
  g_autoptr(GPtrArray) sets = g_ptr_array_new();
  g_autofree char *path = moetest_path("models/mixtral-8x7b.yaml");
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS(small); i++)
    g_ptr_array_add(sets, (gpointer)small[i]);
  for (guint i = 0; more && more[i]; i++)
    g_ptr_array_add(sets, (gpointer)more[i]);
  g_ptr_array_add(sets, NULL);
  MoeRunOptions options = {
      .variant = "", .sets = (const char *const *)sets->pdata, .data_dir = g_getenv("MOESIM_DATA")};
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  return run;
}

/* ---- a trace of the prediction ----------------------------------------------------------------------------------- */

typedef struct {
  GString *text;
  MoeKernelClass stretched; /* takes `factor` times as long */
  double factor;
  double gather_factor; /* of time and bytes of gathers */
  guint n;
} Writer;

/* What a trace would call it. */
static const char *name_of(const MoeKernel *kernel)
{
  static const char *const kinds[MOE_N_BANDWIDTH_KINDS] = {"vectorized_elementwise_kernel",
                                                           "rmsnorm_fwd",
                                                           "vectorized_elementwise_kernel",
                                                           "swiglu_kernel",
                                                           "fused_rope_forward",
                                                           "quantize_kernel",
                                                           "permute_kernel",
                                                           "fused_topk",
                                                           "cross_entropy_forward",
                                                           "elementwise_dropout",
                                                           "elementwise_add",
                                                           "multi_tensor_apply_kernel",
                                                           "embedding_kernel",
                                                           "softmax_warp_forward",
                                                           "fused_topk",
                                                           "Memcpy DtoD"};
  static const char *const classes[] = {[MOE_KERNEL_GEMM] = "nvjet_hsh_128x256",
                                        [MOE_KERNEL_GROUPED_GEMM] = "cutlass GemmGrouped",
                                        [MOE_KERNEL_ATTENTION] = "flash_fwd_kernel",
                                        [MOE_KERNEL_SCAN] = "chunk_scan"};

  if (kernel->klass == MOE_KERNEL_ATTENTION && kernel->pass == MOE_PASS_DGRAD)
    return "flash_bwd_kernel";
  return kernel->klass == MOE_KERNEL_BANDWIDTH ? kinds[kernel->bandwidth] : classes[kernel->klass];
}

/* The framework's product and its launch; m and n the other way round, as a weight's gradient may be. */
static void write_product(Writer *w, const MoeKernel *kernel)
{
  guint number = w->n + 1;

  g_string_append_printf(w->text,
                         "{\"ph\": \"X\", \"cat\": \"cpu_op\", \"name\": \"aten::bmm\", \"tid\": 1, \"ts\": %u, "
                         "\"dur\": 0.9, \"args\": {\"Input Dims\": [[%d, %d, %d], [%d, %d, %d]], \"Input type\": "
                         "[\"c10::BFloat16\", \"c10::BFloat16\"]}},\n"
                         "{\"ph\": \"X\", \"cat\": \"cuda_runtime\", \"name\": \"cudaLaunchKernel\", \"tid\": 1, "
                         "\"ts\": %u.1, \"dur\": 0.5, \"args\": {\"correlation\": %u}},\n",
                         number, (int)kernel->groups, (int)kernel->n, (int)kernel->k, (int)kernel->groups,
                         (int)kernel->k, (int)kernel->m, number, number);
}

static void write_event(Writer *w, const char *name, int stream, double start_s, double duration_s, const char *more)
{
  g_string_append_printf(w->text,
                         "{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"%s\", \"tid\": %d, \"ts\": %.9f, \"dur\": "
                         "%.9f, \"args\": {\"stream\": %d, \"correlation\": %u%s}},\n",
                         name, stream, 1e6 * start_s, 1e6 * duration_s, stream, ++w->n, more);
}

static void write_kernel(Writer *w, const MoeSlice *slice, double start_s, double length_s)
{
  int64_t launches = slice->kernel->launches;

  if (slice->kernel->klass == w->stretched)
    length_s *= w->factor;
  for (int64_t i = 0; i < launches; i++) {
    if (slice->kernel->klass == MOE_KERNEL_GEMM)
      write_product(w, slice->kernel);
    write_event(w, name_of(slice->kernel), 7, start_s + length_s / (double)launches * (double)i,
                length_s / (double)launches, "");
  }
}

static void write_collective(Writer *w, const MoeSlice *slice, double start_s, double length_s)
{
  static const char *const names[MOE_N_COLLECTIVES] = {
      "allreduce", "_allgather_base", "_reduce_scatter_base", "all_to_all", "all_to_allv", "all_to_allv", "broadcast"};
  MoeCollectiveKind kind = slice->collective->kind;
  double bytes = slice->payload_bytes * (kind == MOE_ALL_GATHER ? w->gather_factor : 1);
  g_autofree char *more =
      g_strdup_printf(", \"Collective name\": \"%s\", \"In msg nelems\": %.0f, \"Out msg nelems\": 1, \"Group size\": "
                      "%d, \"dtype\": \"Byte\"",
                      names[kind], bytes, (int)slice->members);

  write_event(w, "ncclDevKernel", 20 + slice->stream, start_s,
              length_s * (kind == MOE_ALL_GATHER ? w->gather_factor : 1), more);
}

static void write_slice(const MoeSlice *slice, gpointer user_data)
{
  Writer *w = user_data;
  double start_s = moe_time_to_seconds(slice->start), length_s = moe_time_to_seconds(slice->end - slice->start);

  if (slice->kernel)
    write_kernel(w, slice, start_s, length_s);
  else if (slice->collective)
    write_collective(w, slice, start_s, length_s);
}

static MoeProfile *profile_of(const MoeRun *run, Writer *w)
{
  int64_t rank = RANK;
  MoeSimOptions options = {
      .kernel_jitter = -1, .slice = write_slice, .slice_data = w, .n_trace_ranks = 1, .trace_ranks = &rank};
  g_autoptr(MoeSeenTable) table = moe_seen_table_new(NULL, NULL);
  g_autoptr(GError) error = NULL;

  w->text = g_string_new("{\"distributedInfo\": {\"rank\": 1, \"world_size\": 16}, \"traceEvents\": [\n");
  g_autoptr(MoeResult) result = moe_study_predict(run, &options, &error);
  ck_assert_msg(result != NULL, "%s", error ? error->message : "");
  g_string_append_printf(w->text,
                         "{\"ph\": \"X\", \"cat\": \"user_annotation\", \"name\": \"ProfilerStep#1\", \"tid\": 1, "
                         "\"ts\": 0, \"dur\": %.9f}]}",
                         1e6 * result->step_time_s);
  MoeProfile *profile = moe_profile_parse(w->text->str, w->text->len, "trace", table, &error);
  ck_assert_msg(profile != NULL, "%s", error ? error->message : "");
  g_string_free(w->text, TRUE);
  return profile;
}

static MoeProfileDiff *diff_of(const MoeRun *run, Writer *w)
{
  MoeSimOptions options = {.kernel_jitter = -1};
  g_autoptr(MoeProfile) profile = profile_of(run, w);
  g_autoptr(GError) error = NULL;
  MoeProfileDiff *diff = moe_profile_diff(run, &options, profile, -1, 0, &error);

  ck_assert_msg(diff != NULL, "%s", error ? error->message : "");
  return diff;
}

static const MoeDiffRow *row_of(const MoeProfileDiff *diff, MoeDiffKind kind, const char *name)
{
  for (guint i = 0; i < diff->rows->len; i++) {
    const MoeDiffRow *row = &g_array_index(diff->rows, MoeDiffRow, i);

    if (row->kind == kind && strcmp(row->name, name) == 0)
      return row;
  }
  ck_abort_msg("no row %s", name);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

/* Every class, collective, layer and product; and what the GPU was doing. */
START_TEST(a_trace_of_the_prediction_differs_nowhere)
{
  g_autoptr(MoeRun) run = small_run(NULL);
  Writer writer = {.factor = 1, .gather_factor = 1};
  g_autoptr(MoeProfileDiff) diff = diff_of(run, &writer);
  guint kinds[MOE_N_DIFFS] = {0};

  ck_assert_int_eq(diff->rank, RANK);
  ck_assert_double_eq_tol(diff->measured_step_s, diff->result->step_time_s, 1e-9);
  for (guint i = 0; i < diff->rows->len; i++) {
    const MoeDiffRow *row = &g_array_index(diff->rows, MoeDiffRow, i);

    kinds[row->kind]++;
    ck_assert_msg(fabs(row->measured_s - row->predicted_s) < 1e-6 * diff->measured_step_s, "%s: %g s, predicted %g s",
                  row->name, row->measured_s, row->predicted_s);
    ck_assert_msg(row->measured_n == row->predicted_n, "%s: %g kernels, predicted %g", row->name, row->measured_n,
                  row->predicted_n);
    if (row->kind != MOE_DIFF_CAUSE)
      ck_assert_str_eq(row->meaning, "as predicted");
  }
  for (guint kind = 0; kind < MOE_N_DIFFS; kind++)
    ck_assert_uint_ge(kinds[kind], kind == MOE_DIFF_CAUSE ? 2 : 4);
}
END_TEST

/* Times 1.31, and a wider head than any row of H100's attention has, come first of its kinds, and said so. */
START_TEST(a_longer_kernel_is_found_with_its_reason)
{
  static const char *const head[] = {"architecture.attention.head_dim=320", NULL};
  g_autoptr(MoeRun) run = small_run(head);
  Writer writer = {.stretched = MOE_KERNEL_ATTENTION, .factor = 1.31, .gather_factor = 1};
  g_autoptr(MoeProfileDiff) diff = diff_of(run, &writer);
  const MoeDiffRow *attention = row_of(diff, MOE_DIFF_CLASS, "attention");
  const MoeDiffRow *layer = row_of(diff, MOE_DIFF_LAYER, "attention");

  ck_assert_double_eq_tol(attention->measured_s, 1.31 * attention->predicted_s, 1e-6 * diff->measured_step_s);
  ck_assert_msg(strstr(attention->meaning, "1.31 x longer than its curve") != NULL, "%s", attention->meaning);
  ck_assert_msg(strstr(attention->meaning, "head 320") && strstr(attention->meaning, "outside the rows"), "%s",
                attention->meaning);
  ck_assert(attention[-1].kind == MOE_DIFF_LAYER); /* the largest difference of its kind comes first */
  ck_assert_double_gt(layer->measured_s, layer->predicted_s);
  ck_assert_ptr_nonnull(strstr(attention->meaning, "where nothing was measured"));
  ck_assert_ptr_nonnull(strstr(layer->meaning, "most by attention (+"));
}
END_TEST

START_TEST(other_bytes_are_told)
{
  static const char *const zero3[] = {"parallelism.zero=3", NULL};
  g_autoptr(MoeRun) run = small_run(zero3);
  Writer writer = {.factor = 1, .gather_factor = 2};
  g_autoptr(MoeProfileDiff) diff = diff_of(run, &writer);
  const MoeDiffRow *gathers = row_of(diff, MOE_DIFF_CLASS, "all_gather");

  ck_assert_double_eq_tol(gathers->measured_s, 2 * gathers->predicted_s, 1e-6 * diff->measured_step_s);
  ck_assert_msg(strstr(gathers->meaning, " a step, the model has ") != NULL, "%s", gathers->meaning);
}
END_TEST

static MoeProfile *parse(const char *events)
{
  g_autoptr(MoeSeenTable) table = moe_seen_table_new(NULL, NULL);
  g_autofree char *text = g_strdup_printf("{\"traceEvents\": [%s]}", events);
  MoeProfile *profile = moe_profile_parse(text, strlen(text), "trace", table, NULL);

  ck_assert_ptr_nonnull(profile);
  return profile;
}

/* 10 us of a kernel of which 4 lie under a collective of 10 us; then nothing for 4 us; then a copy of 2 us. Two steps.
 */
START_TEST(every_instant_has_one_cause)
{
  g_autoptr(MoeRun) run = small_run(NULL);
  g_autoptr(MoeProfile) profile = parse(
      "{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"gemm\", \"ts\": 100, \"dur\": 10, \"args\": {\"stream\": 7}},"
      "{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"nccl\", \"ts\": 106, \"dur\": 10, \"args\": {\"stream\": 8}},"
      "{\"ph\": \"X\", \"cat\": \"gpu_memcpy\", \"name\": \"Memcpy\", \"ts\": 120, \"dur\": 2, \"args\": {}}");
  MoeSimOptions options = {.kernel_jitter = -1};
  g_autoptr(MoeProfileDiff) diff = moe_profile_diff(run, &options, profile, 0, 2, NULL);

  ck_assert_ptr_nonnull(diff);
  ck_assert_double_eq_tol(diff->measured_step_s, 11e-6, 1e-12);
  ck_assert_double_eq_tol(diff->measured_overlapped_s, 2e-6, 1e-12);
  ck_assert_double_eq_tol(row_of(diff, MOE_DIFF_CAUSE, "kernels")->measured_s, 5e-6, 1e-12);
  ck_assert_double_eq_tol(row_of(diff, MOE_DIFF_CAUSE, "exposed communication, waits for peers")->measured_s, 3e-6,
                          1e-12);
  ck_assert_double_eq_tol(row_of(diff, MOE_DIFF_CAUSE, "exposed copies")->measured_s, 1e-6, 1e-12);
  ck_assert_double_eq_tol(row_of(diff, MOE_DIFF_CAUSE, "nothing on the GPU")->measured_s, 2e-6, 1e-12);
  ck_assert_ptr_nonnull(strstr(row_of(diff, MOE_DIFF_CLASS, "gemm")->meaning, "all products together"));
}
END_TEST

/* Of two exchanges alike the second takes three times as long: that it waits. */
START_TEST(waits_for_the_last_peer_are_told)
{
  static const char exchange[] =
      "{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"ncclDevKernel\", \"ts\": %d, \"dur\": %d, "
      "\"args\": {\"Collective name\": \"all_to_allv\", \"In msg nelems\": 4096, "
      "\"Group size\": 8, \"dtype\": \"BFloat16\"}},";
  g_autoptr(MoeRun) run = small_run(NULL);
  g_autoptr(GString) events = g_string_new(NULL);

  g_string_append_printf(events, exchange, 1, 10000000);
  g_string_append_printf(events, exchange, 20000000, 30000000);
  g_string_append(events, "{}");
  g_autoptr(MoeProfile) profile = parse(events->str);
  MoeSimOptions options = {.kernel_jitter = -1};
  g_autoptr(MoeProfileDiff) diff = moe_profile_diff(run, &options, profile, 0, 1, NULL);
  const MoeDiffRow *row = row_of(diff, MOE_DIFF_CLASS, "all_to_all");
  ck_assert_msg(strstr(row->meaning, "50 % of it waits for the last peer") != NULL, "%s", row->meaning);
}
END_TEST

START_TEST(a_rank_that_is_not_there_is_refused)
{
  g_autoptr(MoeRun) run = small_run(NULL);
  g_autoptr(MoeProfile) profile = parse("{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"a\", \"ts\": 1, \"dur\": 1}");
  MoeSimOptions options = {.kernel_jitter = -1};
  g_autoptr(GError) error = NULL;

  ck_assert_ptr_null(moe_profile_diff(run, &options, profile, 16, 0, &error));
  ck_assert_msg(strstr(error->message, "--rank 16, the run has 16 GPUs") != NULL, "%s", error->message);
}
END_TEST

static MoeProfileFragment *fragment_of(const MoeRun *run, const MoeProfile *profile)
{
  MoeSimOptions options = {.kernel_jitter = -1};
  g_autoptr(GError) error = NULL;
  MoeProfileFragment *fragment = moe_profile_fragment(run, &options, profile, "trace.json", -1, 0, &error);

  ck_assert_msg(fragment != NULL, "%s", error ? error->message : "");
  return fragment;
}

static const MoeFragmentRow *taught(const MoeProfileFragment *fragment, MoeSeenClass klass)
{
  for (guint i = 0; i < fragment->rows->len; i++)
    if (g_array_index(fragment->rows, MoeFragmentRow, i).klass == klass)
      return &g_array_index(fragment->rows, MoeFragmentRow, i);
  ck_abort_msg("no row of %s", moe_seen_words[klass]);
}

/* Kernels that were launched in 93.5 us each, 40 times. */
static MoeProfile *slow_launches(void)
{
  g_autoptr(GString) events = g_string_new(NULL);

  for (int i = 0; i < 40; i++)
    g_string_append_printf(events,
                           "{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"gemm\", \"ts\": %d, \"dur\": 50},"
                           "{\"ph\": \"X\", \"cat\": \"cuda_runtime\", \"name\": \"cudaLaunchKernel\", \"ts\": %d, "
                           "\"dur\": 93.5},",
                           1000 * i + 500, 1000 * i);
  g_string_append(events, "{}");
  return parse(events->str);
}

/* As read from its file, the stack has what the trace says of the host, and all else as it was; what a trace does not
 * tell is refused by name. */
START_TEST(a_fragment_has_the_costs_of_the_host)
{
  g_autoptr(MoeRun) run = small_run(NULL);
  g_autoptr(MoeProfile) profile = slow_launches();
  MoeSimOptions options = {.kernel_jitter = -1};
  g_autoptr(MoeProfileFragment) fragment = moe_profile_fragment(run, &options, profile, "a\nb", 0, 1, NULL);
  g_autofree char *path = g_build_filename(moetest_folder(), "my-stack.yaml", NULL);
  g_autofree char *stack = g_strconcat("stack=", path, NULL);
  const char *const sets[] = {stack, NULL};

  ck_assert_ptr_nonnull(fragment);
  const MoeHostRow *rows = (const MoeHostRow *)(const void *)fragment->host->data;
  ck_assert_uint_eq(fragment->host->len, 4);
  ck_assert_ptr_null(rows[0].refused);
  for (guint i = 1; i < fragment->host->len; i++)
    ck_assert_msg(rows[i].refused != NULL && strstr(fragment->stack, rows[i].refused), "%s", rows[i].key);
  ck_assert(g_file_set_contents(path, fragment->stack, -1, NULL));
  g_autoptr(MoeRun) again = small_run(sets);
  ck_assert_double_eq_tol(again->stack.host.launch_s[0], 93.5e-6, 1e-9);
  ck_assert_double_eq(again->stack.host.sync_s, run->stack.host.sync_s);
  ck_assert_double_eq(again->stack.host.call_s[0][0], run->stack.host.call_s[0][0]);
  g_autoptr(MoeResult) before = moe_study_predict(run, &options, NULL);
  g_autoptr(MoeResult) after = moe_study_predict(again, &options, NULL);
  ck_assert_double_gt(after->step_time_s, before->step_time_s);
}
END_TEST

/* Attention takes 1.31 times as long as its curve: the constants that are written, read from their files as cluster
 * and stack, give the measured time of every class, and a step longer by what attention takes more. */
START_TEST(a_fragment_takes_as_long_as_the_trace)
{
  g_autoptr(MoeRun) run = small_run(NULL);
  Writer writer = {.stretched = MOE_KERNEL_ATTENTION, .factor = 1.31, .gather_factor = 1};
  g_autoptr(MoeProfile) profile = profile_of(run, &writer);
  g_autoptr(MoeProfileFragment) fragment = fragment_of(run, profile);
  g_autofree char *path = g_build_filename(moetest_folder(), "mine.yaml", NULL);
  g_autofree char *cluster = g_strconcat("cluster=", path, NULL);
  g_autofree char *stack_path = g_strconcat(path, "-stack.yaml", NULL);
  g_autofree char *stack = g_strconcat("stack=", stack_path, NULL);
  const char *const sets[] = {cluster, stack, NULL};
  const MoeFragmentRow *attention = taught(fragment, MOE_SEEN_ATTENTION);

  ck_assert_double_eq_tol(attention->measured_s, 1.31 * attention->before_s, 1e-6 * attention->before_s);
  for (guint i = 0; i < fragment->rows->len; i++) {
    const MoeFragmentRow *row = &g_array_index(fragment->rows, MoeFragmentRow, i);

    ck_assert(row->fitted && row->n > 0);
    ck_assert_msg(fabs(row->after_s / row->measured_s - 1) < 0.01, "%s: %g s, measured %g s",
                  moe_seen_words[row->klass], row->after_s, row->measured_s);
  }
  ck_assert_double_gt(fragment->result->step_time_s, fragment->before_step_s);
  ck_assert(g_file_set_contents(path, fragment->text, -1, NULL));
  ck_assert(g_file_set_contents(stack_path, fragment->stack, -1, NULL));
  g_autoptr(MoeRun) again = small_run(sets);
  g_autoptr(MoeProfileDiff) diff = moe_profile_diff(again, &(MoeSimOptions){.kernel_jitter = -1}, profile, -1, 0, NULL);
  ck_assert_ptr_nonnull(diff);
  ck_assert_double_eq_tol(diff->result->step_time_s, fragment->result->step_time_s, 1e-3 * fragment->before_step_s);
  const MoeDiffRow *both = row_of(diff, MOE_DIFF_CLASS, "attention");
  ck_assert_double_eq_tol(both->predicted_s, both->measured_s, 0.01 * both->measured_s);
}
END_TEST

/* The second of two steps, a tenth longer, is not learned from: it says how far the constants are off. */
START_TEST(every_other_step_judges)
{
  g_autoptr(MoeRun) run = small_run(NULL);
  Writer writer = {.factor = 1, .gather_factor = 1};
  g_autoptr(MoeProfile) profile = profile_of(run, &writer);
  guint n = profile->kernels->len;
  double step_s = profile->span_s;

  for (guint i = 0; i < n; i++) {
    MoeSeenKernel kernel = g_array_index(profile->kernels, MoeSeenKernel, i);

    kernel.start_s += step_s;
    kernel.duration_s *= 1.1;
    g_array_append_val(profile->kernels, kernel);
  }
  profile->n_steps = 2;
  profile->span_s = 2 * step_s;
  g_autoptr(MoeProfileFragment) fragment = fragment_of(run, profile);
  const MoeFragmentRow *products = taught(fragment, MOE_SEEN_GEMM);
  ck_assert_double_eq_tol(products->measured_s, products->before_s, 0.01 * products->before_s);
  ck_assert_double_eq_tol(products->kept_s, 1.1 * products->measured_s, 0.01 * products->measured_s);
  ck_assert_ptr_nonnull(strstr(fragment->text, "median: 0.0909")); /* 1 - 1 / 1.1 */
}
END_TEST

/* ---- links ------------------------------------------------------------------------------------------------------- */

/* Collectives of two groups of a run, as long as they take alone on its machine; each seen twice, once later than its
 * peers; every other size waits for them both times. */
static MoeProfile *collectives_of(const MoeRun *run, double wait_us)
{
  static const struct {
    const char *name, *ranks;
    MoeCollectiveKind kind;
    guint n;
    int64_t first, stride;
  } groups[] = {{"allreduce", "[0, 1, 2, 3, 4, 5, 6, 7]", MOE_ALL_REDUCE, 8, 0, 1},
                {"_allgather_base", "[1, 9]", MOE_ALL_GATHER, 2, 1, 8}};
  g_autoptr(GString) events = g_string_new(NULL);
  g_autoptr(MoeTopo) topo = moe_topo_new(&run->cluster, run->parallelism.gpus, 0, NULL, NULL);
  double at_us = 1;

  for (guint g = 0; g < G_N_ELEMENTS(groups); g++)
    for (int size = 0; size < 10; size++) {
      int64_t members[8];
      double bytes = 4096 << 2 * size;
      MoeCollTiming timing;
      const MoeCollOperation operation = {.kind = groups[g].kind};

      for (guint i = 0; i < groups[g].n; i++)
        members[i] = groups[g].first + i * groups[g].stride;
      const MoeCollGroup group = {groups[g].n, members};
      ck_assert(moe_coll_time(topo, &run->stack.collectives, &operation, &group, bytes, &timing));
      for (int late = 0; late < 2; late++, at_us += 1e6)
        g_string_append_printf(events,
                               "{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"ncclDevKernel\", \"ts\": %.3f, "
                               "\"dur\": %.6f, \"args\": {\"Collective name\": \"%s\", \"Out msg nelems\": %.0f, "
                               "\"Group size\": %u, \"dtype\": \"Byte\", \"Process Group Ranks\": \"%s\"}},",
                               at_us, 1e6 * timing.time_s + 500 * late + wait_us * (size % 2), groups[g].name, bytes,
                               groups[g].n, groups[g].ranks);
    }
  g_string_append(events, "{}");
  return parse(events->str);
}

static const MoeLinkRow *link_of(const MoeProfileFragment *fragment, const char *key)
{
  for (guint i = 0; i < fragment->links->len; i++)
    if (strcmp(g_array_index(fragment->links, MoeLinkRow, i).key, key) == 0)
      return &g_array_index(fragment->links, MoeLinkRow, i);
  ck_abort_msg("no row of %s", key);
}

/* Bandwidths and latencies of a machine are found in the collectives that ran on it, and are in the cluster that is
 * written; what no collective speaks of is refused by name. */
START_TEST(a_fragment_has_what_collectives_say_of_links)
{
  static const char *const other[] = {"cluster.domain.efficiency=0.6", "cluster.domain.collectives.floor=25 us",
                                      "cluster.network.efficiency=0.5", NULL};
  static const struct {
    const char *key;
    double value;
  } told[] = {{"domain.efficiency", 0.6}, {"domain.collectives.floor", 25e-6}, {"network.efficiency", 0.5}};
  g_autoptr(MoeRun) truth = small_run(other), run = small_run(NULL);
  g_autoptr(MoeProfile) profile = collectives_of(truth, 0);
  g_autoptr(MoeProfileFragment) fragment = fragment_of(run, profile);
  g_autofree char *path = g_build_filename(moetest_folder(), "mine.yaml", NULL);
  g_autofree char *cluster = g_strconcat("cluster=", path, NULL);
  const char *const sets[] = {cluster, NULL};

  for (guint i = 0; i < G_N_ELEMENTS(told); i++) {
    const MoeLinkRow *row = link_of(fragment, told[i].key);

    ck_assert_msg(row->refused == NULL, "%s: %s", row->key, row->refused);
    ck_assert_msg(fabs(row->after / told[i].value - 1) < 0.03, "%s: %g, truly %g", row->key, row->after, told[i].value);
    ck_assert_msg(row->kept > 0 && row->residual_p90 < 0.03, "%s: %u judge, %g", row->key, row->kept,
                  row->residual_p90);
  }
  ck_assert_ptr_nonnull(link_of(fragment, "domain.all_to_all_efficiency")->refused);
  ck_assert_ptr_nonnull(strstr(fragment->text, "# domain.all_to_all_efficiency: as before; no collective"));
  ck_assert(g_file_set_contents(path, fragment->text, -1, NULL));
  g_autoptr(MoeRun) again = small_run(sets);
  ck_assert_double_eq_tol(again->cluster.domain.efficiency, 0.6, 0.02);
  ck_assert_double_eq_tol(again->cluster.domain.collectives.floor_s, 25e-6, 1e-6);
  ck_assert_double_eq(again->cluster.domain.all_to_all_efficiency, run->cluster.domain.all_to_all_efficiency);
}
END_TEST

/* Sizes that contradict each other are waits of peers: no link is blamed for them. */
START_TEST(waits_for_peers_are_no_bandwidth)
{
  g_autoptr(MoeRun) run = small_run(NULL);
  g_autoptr(MoeProfile) profile = collectives_of(run, 3e3);
  g_autoptr(MoeProfileFragment) fragment = fragment_of(run, profile);
  const MoeLinkRow *row = link_of(fragment, "domain.efficiency");

  ck_assert_msg(row->refused != NULL && strstr(row->refused, "waits for peers"), "%g: %s", row->after, row->refused);
  ck_assert_double_eq(fragment->run->cluster.domain.efficiency, run->cluster.domain.efficiency);
}
END_TEST

MOE_TEST_MAIN("diff", a_trace_of_the_prediction_differs_nowhere, a_longer_kernel_is_found_with_its_reason,
              other_bytes_are_told, every_instant_has_one_cause, waits_for_the_last_peer_are_told,
              a_rank_that_is_not_there_is_refused, a_fragment_has_the_costs_of_the_host,
              a_fragment_takes_as_long_as_the_trace, every_other_step_judges,
              a_fragment_has_what_collectives_say_of_links, waits_for_peers_are_no_bandwidth)
