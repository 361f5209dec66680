/* Traces of PyTorch's profiler: what kernels are, what shapes and collectives they have, and what is refused. */
#include "doc/doc.h"
#include "measured/profile.h"
#include "moetest.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <zlib.h>

static MoeProfile *parse(const char *text, GError **error)
{
  g_autoptr(MoeSeenTable) table = moe_seen_table_new(NULL, NULL);

  return moe_profile_parse(text, strlen(text), "trace.json", table, error);
}

/* Two products of one shape, one of which is split over two kernels, and two kernels that no product launched: one is
 * of another thread, one lies between; a collective beside; a copy; the host. */
static MoeProfile *two_steps(void)
{
  g_autofree char *path = moetest_path("tests/measured/profiles/two-steps.json");
  g_autoptr(MoeSeenTable) table = moe_seen_table_new(NULL, NULL);
  g_autoptr(GError) error = NULL;
  MoeProfile *profile = moe_profile_load(path, table, &error);

  ck_assert_msg(profile != NULL, "%s", error ? error->message : "");
  return profile;
}

START_TEST(a_trace_is_read)
{
  g_autoptr(MoeProfile) p = two_steps();
  MoeSeenSum sums[MOE_N_SEEN];

  ck_assert_ptr_nonnull(p);
  ck_assert_str_eq(p->gpu, "NVIDIA H100");
  ck_assert_int_eq(p->rank, 3);
  ck_assert_int_eq(p->world, 8);
  ck_assert_uint_eq(p->kernels->len, 7);
  ck_assert_double_eq_tol(p->step_s, 1100e-6, 1e-12);
  ck_assert_double_eq_tol(p->span_s, 210e-6, 1e-12);
  ck_assert_double_eq_tol(p->busy_s, 130e-6, 1e-12); /* 100 to 220 and 300 to 310 */
  ck_assert_uint_eq(p->n_launches, 5);
  ck_assert_double_eq_tol(p->launch_s, 7e-6, 1e-12);
  ck_assert_double_eq_tol(p->sync_s, 50e-6, 1e-12);
  moe_profile_classes(p, sums);
  ck_assert_uint_eq(sums[MOE_SEEN_GEMM].n, 5);
  ck_assert_double_eq_tol(sums[MOE_SEEN_GEMM].total_s, 100e-6, 1e-12);
  ck_assert_uint_eq(sums[MOE_SEEN_COLLECTIVE].n, 1);
  ck_assert_uint_eq(sums[MOE_SEEN_COPY].n, 1);
}
END_TEST

START_TEST(products_have_shapes)
{
  g_autoptr(MoeProfile) p = two_steps();
  g_autoptr(GArray) products = moe_profile_products(p);
  const MoeSeenAlike *one = &g_array_index(products, MoeSeenAlike, 0);

  ck_assert_uint_eq(products->len, 1);
  ck_assert_uint_eq(one->n, 2);
  ck_assert_int_eq(one->like.m, 256);
  ck_assert_int_eq(one->like.n, 1024);
  ck_assert_int_eq(one->like.k, 512);
  ck_assert_double_eq_tol(one->least_s, 40e-6, 1e-12);
  ck_assert_double_eq_tol(one->median_s, 45e-6, 1e-12); /* of 40 and of 30 + 20, which are one product */
}
END_TEST

/* A wait that ends while a kernel runs says nothing of what the host pays to go on. */
START_TEST(what_the_host_pays_is_learned_from_every_other_record)
{
  static const char kernel[] = "{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"k\", \"ts\": %d, \"dur\": %d},";
  static const char call[] = "{\"ph\": \"X\", \"cat\": \"cuda_runtime\", \"name\": \"%s\", \"ts\": %d, \"dur\": %d},";
  g_autoptr(GString) text = g_string_new("{\"traceEvents\": [");
  g_autoptr(GError) error = NULL;

  for (int i = 0; i < 10; i++) {
    int from = 1000 * i, wake = i == 3 ? 30 : 20;

    g_string_append_printf(text, kernel, from + 100, 200);
    g_string_append_printf(text, call, "cudaLaunchKernel", from, i % 2 == 0 ? 6 : 9);
    g_string_append_printf(text, call, "cudaStreamSynchronize", from + 150, 150 + wake);
    g_string_append_printf(text, call, "cudaStreamSynchronize", from + 150, 50);
    g_string_append_printf(text, call, "cudaEventSynchronize", from + 700, 10);
  }
  g_string_append(text, "{}]}");
  g_autoptr(MoeProfile) p = parse(text->str, &error);
  ck_assert_msg(p != NULL, "%s", error ? error->message : "");
  const MoeSeenCost *launch = &p->cost[MOE_SEEN_LAUNCH], *wake = &p->cost[MOE_SEEN_WAKE];
  ck_assert_uint_eq(launch->n, 5);
  ck_assert_uint_eq(launch->kept, 5);
  ck_assert_double_eq_tol(launch->median_s, 6e-6, 1e-12);
  ck_assert_double_eq_tol(launch->residual_median, 0.5, 1e-9);
  ck_assert_uint_eq(wake->n + wake->kept, 10);
  ck_assert_double_eq_tol(wake->median_s, 20e-6, 1e-9);
  ck_assert_double_eq_tol(wake->residual_median, 0, 1e-6);
  ck_assert_uint_eq(p->cost[MOE_SEEN_GRAPH_LAUNCH].n, 0);
}
END_TEST

START_TEST(collectives_have_bandwidth)
{
  g_autoptr(MoeProfile) p = two_steps();
  g_autoptr(GArray) collectives = moe_profile_collectives(p);
  const MoeSeenAlike *one = &g_array_index(collectives, MoeSeenAlike, 0);

  ck_assert_uint_eq(collectives->len, 1);
  ck_assert_int_eq(one->like.group, 8);
  ck_assert_double_eq(one->like.bytes, 2e6);
  ck_assert_double_eq_tol(moe_seen_bus_bandwidth(&one->like, one->least_s), 2 * 7.0 / 8 * 2e6 / 100e-6, 1);
}
END_TEST

/* A regular list, one that is cut short, one without a rule, and none. */
START_TEST(ranks_of_collectives_are_read)
{
  static const struct {
    const char *list;
    int64_t first, stride;
  } groups[] = {{"[1, 9, 17, 25]", 1, 8}, {"[0, 2, 4, ..., 254]", 0, 2}, {"[0, 1, 8, 9]", 0, 0}, {"", 0, 0}};

  for (guint i = 0; i < G_N_ELEMENTS(groups); i++) {
    g_autofree char *text = g_strdup_printf(
        "{\"traceEvents\": [{\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"ncclDevKernel\", \"ts\": 1, \"dur\": 2, "
        "\"args\": {\"Collective name\": \"allreduce\", \"Group size\": 4, \"Process Group Ranks\": \"%s\"}}]}",
        groups[i].list);
    g_autoptr(MoeProfile) p = parse(text, NULL);

    ck_assert_ptr_nonnull(p);
    const MoeSeenKernel *kernel = &g_array_index(p->kernels, MoeSeenKernel, 0);
    ck_assert_int_eq(kernel->first, groups[i].first);
    ck_assert_int_eq(kernel->stride, groups[i].stride);
  }
}
END_TEST

START_TEST(names_give_classes)
{
  static const struct {
    const char *name;
    MoeSeenClass klass;
  } kernels[] = {
      {"void flash::flash_bwd_dq_dk_dv_loop_seqk_parallel_kernel<Flash_bwd_kernel_traits>", MOE_SEEN_ATTENTION},
      {"nvjet_hsh_128x256_64x4_1x2_h_bz_coopA_NTN", MOE_SEEN_GEMM},
      {"void cutlass::device_kernel<cutlass::gemm::kernel::GemmUniversal<cutlass::gemm::GroupProblemShape>>",
       MOE_SEEN_GROUPED_GEMM},
      {"void transformer_engine::normalization::rmsnorm_fwd_tuned_kernel", MOE_SEEN_NORM},
      {"void multi_tensor_apply_kernel<TensorListMetadata<4>, AdamFunctor<float>>", MOE_SEEN_OPTIMIZER},
      {"ncclDevKernel_AllGather_RING_LL(ncclDevKernelArgsStorage<4096ul>)", MOE_SEEN_COLLECTIVE},
      {"void at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<float>>", MOE_SEEN_ELEMENTWISE},
      {"void deep_ep::internode::dispatch<false, 8, false, 8>(int4*, float*)", MOE_SEEN_COLLECTIVE},
      {"void dpsk::ep::internode::cached_notify<false>(int, int)", MOE_SEEN_COLLECTIVE},
      {"void dpsk::ep::cuda::get_dispatch_layout<256, 32, 8>(long const*)", MOE_SEEN_ROUTER},
      {"void cuda::per_channel_cast_and_transpose<256, 128, true>(void const*)", MOE_SEEN_QUANTIZE},
      {"void cutlass::device_kernel<dpsk::grouped_gemm::cuda::fp8_ptp128c::GemmKernel>(Params)", MOE_SEEN_GEMM},
      {"void cutlass::device_kernel<dpsk::grouped_gemm::cuda::m_grouped_fp8_ptp128c::GemmKernel>(Params)",
       MOE_SEEN_GROUPED_GEMM},
      {"void cuda::cast_back_impl<__nv_fp8x2_e4m3>(void const*)", MOE_SEEN_QUANTIZE},
      {"void cuda::expand_to_fused_with_scales_impl(int4 const*)", MOE_SEEN_PERMUTE},
      {"_copy_tensor_kernel", MOE_SEEN_ELEMENTWISE},
      {"cuda::aux_fi_impl(long const*, float*)", MOE_SEEN_ROUTER},
      {"cuda::unique_group_indices_impl(long*)", MOE_SEEN_ROUTER},
      {"nobody_knows", MOE_SEEN_OTHER},
  };
  g_autoptr(MoeSeenTable) table = moe_seen_table_new(NULL, NULL);

  for (guint i = 0; i < G_N_ELEMENTS(kernels); i++)
    ck_assert_msg(moe_seen_class(table, kernels[i].name) == kernels[i].klass, "%s", kernels[i].name);
}
END_TEST

START_TEST(own_names_come_first)
{
  g_autofree char *path = g_build_filename(g_get_tmp_dir(), "moesim-classes.yaml", NULL);
  g_autoptr(GError) error = NULL;

  ck_assert(g_file_set_contents(path, "classes: [{contains: Nobody, class: scan}]\n", -1, NULL));
  g_autoptr(MoeSeenTable) table = moe_seen_table_new(path, &error);
  ck_assert_ptr_nonnull(table);
  ck_assert_int_eq(moe_seen_class(table, "nobody_knows"), MOE_SEEN_SCAN);
  ck_assert(g_file_set_contents(path, "classes: [{contains: a, class: gem}]\n", -1, NULL));
  ck_assert_ptr_null(moe_seen_table_new(path, &error));
  ck_assert_msg(strstr(error->message, ":1:") != NULL, "%s", error->message);
  g_remove(path);
}
END_TEST

START_TEST(measurements_can_be_calibrated_by)
{
  g_autoptr(MoeProfile) p = two_steps();
  g_autofree char *text = moe_profile_measurements(p, "a \"trace\"", "h100-hgx", "h100", "cublaslt");
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeDoc) doc = moe_doc_parse(text, -1, "rows", NULL, &error);

  ck_assert_msg(doc != NULL, "%s", error ? error->message : "");
  ck_assert_ptr_nonnull(strstr(text, "precision: bf16"));
  ck_assert_ptr_nonnull(strstr(text, "- [256, 1024, 512, 45]"));
}
END_TEST

START_TEST(gzip_is_read)
{
  g_autofree char *path = g_build_filename(g_get_tmp_dir(), "moesim-trace.json.gz", NULL);
  g_autoptr(MoeSeenTable) table = moe_seen_table_new(NULL, NULL);
  g_autoptr(GError) error = NULL;
  g_autofree char *plain = moetest_path("tests/measured/profiles/two-steps.json"), *trace = NULL;
  gsize size = 0;
  gzFile file = gzopen(path, "wb");

  ck_assert(g_file_get_contents(plain, &trace, &size, NULL));
  ck_assert_int_eq(gzwrite(file, trace, (unsigned)size), (int)size);
  gzclose(file);
  g_autoptr(MoeProfile) whole = moe_profile_load(path, table, &error);
  ck_assert_msg(whole != NULL, "%s", error ? error->message : "");
  ck_assert_uint_eq(whole->kernels->len, 7);
  g_autofree char *bytes = NULL;
  gsize length = 0;
  ck_assert(g_file_get_contents(path, &bytes, &length, NULL));
  ck_assert(g_file_set_contents(path, bytes, (gssize)length / 2, NULL));
  ck_assert_ptr_null(moe_profile_load(path, table, &error));
  ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT));
  g_remove(path);
}
END_TEST

START_TEST(what_is_no_trace_is_refused)
{
  static const char *const texts[] = {
      "",
      "[]",
      "{",
      "{\"traceEvents\": 3}",
      "{\"traceEvents\": []}",
      "{\"traceEvents\": [3, null, {\"ph\": \"X\", \"cat\": \"kernel\", \"name\": \"k\", \"ts\": \"1\", \"dur\": 1}]}"};

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(parse(texts[i], &error));
    ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT));
    ck_assert(g_str_has_prefix(error->message, "trace.json"));
  }
}
END_TEST

/* The same of Nsight Systems: products by NVTX ranges, their type by the kernel's name; the second GPU is another. */
START_TEST(an_export_of_nsight_is_read)
{
  g_autofree char *path = moetest_path("tests/measured/profiles/nsight.sqlite");
  g_autoptr(MoeSeenTable) table = moe_seen_table_new(NULL, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeProfile) p = moe_profile_load(path, table, &error);

  ck_assert_msg(p != NULL, "%s", error ? error->message : "");
  ck_assert_str_eq(p->gpu, "NVIDIA H100 80GB HBM3");
  ck_assert_uint_eq(p->kernels->len, 5);
  ck_assert_uint_eq(p->n_steps, 2);
  ck_assert_double_eq_tol(p->step_s, 1100e-6, 1e-12);
  ck_assert_double_eq_tol(p->span_s, 210e-6, 1e-12);
  ck_assert_double_eq_tol(p->busy_s, 140e-6, 1e-12);
  ck_assert_uint_eq(p->n_launches, 3);
  ck_assert_double_eq_tol(p->sync_s, 50e-6, 1e-12);
  g_autoptr(GArray) products = moe_profile_products(p);
  const MoeSeenAlike *one = &g_array_index(products, MoeSeenAlike, 0);
  ck_assert_uint_eq(products->len, 1);
  ck_assert_uint_eq(one->n, 2);
  ck_assert_int_eq(one->like.m, 256);
  ck_assert_int_eq(one->like.n, 1024);
  ck_assert_int_eq(one->like.k, 512);
  g_autofree char *text = moe_profile_measurements(p, "nsight", "h100-hgx", "h100", "cublaslt");
  ck_assert_ptr_nonnull(strstr(text, "precision: bf16"));
  ck_assert_ptr_nonnull(strstr(text, "- [256, 1024, 512, 45]"));
}
END_TEST

/* Names come from any process: bytes that are no UTF-8 do not reach what is printed. */
START_TEST(names_of_an_export_become_text)
{
  g_autofree char *path = moetest_path("tests/measured/profiles/nsight.sqlite");
  g_autoptr(MoeSeenTable) table = moe_seen_table_new(NULL, NULL);
  g_autoptr(GError) error = NULL;
  g_autofree char *bytes = NULL;
  gsize length = 0;

  ck_assert(g_file_get_contents(path, &bytes, &length, NULL));
  for (char *at = bytes; (at = memmem(at, length - (gsize)(at - bytes), "gemm", 4)); at++)
    at[3] = '\xfc';
  for (char *at = bytes; (at = memmem(at, length - (gsize)(at - bytes), "HBM3", 4)); at++)
    at[3] = '\xfc';
  g_autoptr(MoeProfile) p = moe_profile_parse_nsight((const guchar *)bytes, length, "a.sqlite", table, &error);
  ck_assert_msg(p != NULL, "%s", error ? error->message : "");
  ck_assert_str_eq(p->gpu, "NVIDIA H100 80GB HBM\xef\xbf\xbd");
  for (guint i = 0; i < p->kernels->len; i++)
    ck_assert(g_utf8_validate(g_array_index(p->kernels, MoeSeenKernel, i).name, -1, NULL));
}
END_TEST

static void refuse_database(const guchar *bytes, gsize length, const char *message)
{
  g_autoptr(MoeSeenTable) table = moe_seen_table_new(NULL, NULL);
  g_autoptr(GError) error = NULL;

  ck_assert_ptr_null(moe_profile_parse_nsight(bytes, length, "a.sqlite", table, &error));
  ck_assert_msg(g_str_has_prefix(error->message, "a.sqlite: ") && strstr(error->message, message), "%s",
                error->message);
}

START_TEST(bad_databases_are_refused)
{
  g_autofree char *path = moetest_path("tests/measured/profiles/nsight.sqlite");
  g_autofree char *bytes = NULL;
  gsize length = 0;

  ck_assert(g_file_get_contents(path, &bytes, &length, NULL));
  refuse_database((const guchar *)"", 0, "expected an export of Nsight Systems");
  refuse_database((const guchar *)"SQLite format 3", 16, "expected an export of Nsight Systems");
  for (char *at = bytes; (at = memmem(at, length - (gsize)(at - bytes), "StringIds", 9)); at++)
    *at = 'X';
  refuse_database((const guchar *)bytes, length, "no table CUPTI_ACTIVITY_KIND_KERNEL with StringIds");
}
END_TEST

/* A column that is missing is named. */
START_TEST(another_layout_is_told)
{
  g_autofree char *path = moetest_path("tests/measured/profiles/nsight.sqlite");
  g_autofree char *bytes = NULL;
  gsize length = 0;

  ck_assert(g_file_get_contents(path, &bytes, &length, NULL));
  for (char *at = bytes; (at = memmem(at, length - (gsize)(at - bytes), "streamId", 8)); at++)
    *at = 'X';
  refuse_database((const guchar *)bytes, length, "CUPTI_ACTIVITY_KIND_KERNEL: no such column: k.streamId");
}
END_TEST

MOE_TEST_MAIN("measured/profile", a_trace_is_read, products_have_shapes, collectives_have_bandwidth,
              ranks_of_collectives_are_read, what_the_host_pays_is_learned_from_every_other_record, names_give_classes,
              own_names_come_first, measurements_can_be_calibrated_by, gzip_is_read, what_is_no_trace_is_refused,
              an_export_of_nsight_is_read, bad_databases_are_refused, names_of_an_export_become_text,
              another_layout_is_told)
