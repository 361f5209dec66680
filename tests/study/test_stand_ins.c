/* Which kernels of a run are priced by constants of others. */
#include "moetest.h"

#include "study/stand_ins.h"

#include <string.h>

static MoeRun *load(const char *stack_family)
{
  g_autofree char *path = moetest_path("models/llama3-70b.yaml");
  g_autofree char *data_dir = moetest_path("");
  const char *sets[] = {stack_family, "parallelism.overlap.gradient_reduce=true", NULL};
  MoeRunOptions options = {.sets = sets, .data_dir = data_dir, .cluster = "h100-hgx", .stack = "megatron-core:0.13"};
  g_autoptr(GError) error = NULL;
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "?");
  return run;
}

static const MoeStandIn *find(const GArray *found, MoeKernelClass klass)
{
  for (guint i = 0; i < found->len; i++)
    if (g_array_index(found, MoeStandIn, i).klass == klass && !g_array_index(found, MoeStandIn, i).use.exact)
      return &g_array_index(found, MoeStandIn, i);
  return NULL;
}

/* TransformerEngine's products are cuBLASLt's own; hipBLASLt has none on NVIDIA and is priced as cuBLASLt, most of the
 * time of a dense model. */
START_TEST(stand_ins_are_found)
{
  g_autoptr(MoeRun) own = load("stack.family.gemm=te"), other = load("stack.family.gemm=hipblaslt");
  g_autoptr(GArray) none = moe_stand_ins(own, NULL), some = moe_stand_ins(other, NULL);

  ck_assert(none && some);
  ck_assert_ptr_null(find(none, MOE_KERNEL_GEMM));
  const MoeStandIn *gemm = find(some, MOE_KERNEL_GEMM);
  ck_assert_ptr_nonnull(gemm);
  ck_assert_str_eq(gemm->use.used, "cublaslt");
  ck_assert_double_gt(gemm->share, 0.5);
  g_autofree char *text = moe_stand_in_text(gemm);
  ck_assert(g_str_has_prefix(text, "GEMM of hipblaslt in bf16: priced as cublaslt in bf16; "));
}
END_TEST

/* The greatest share first, all together no more than everything; each named once. */
START_TEST(shares_are_in_order)
{
  g_autoptr(MoeRun) run = load("stack.family.gemm=hipblaslt");
  g_autoptr(GArray) found = moe_stand_ins(run, NULL);
  double sum = 0;

  for (guint i = 0; i < found->len; i++) {
    const MoeStandIn *s = &g_array_index(found, MoeStandIn, i);
    g_autofree char *text = moe_stand_in_text(s);

    sum += s->share;
    if (i > 0)
      ck_assert_double_ge(g_array_index(found, MoeStandIn, i - 1).share, s->share);
    for (guint j = 0; j < i; j++) {
      g_autofree char *before = moe_stand_in_text(&g_array_index(found, MoeStandIn, j));
      ck_assert_str_ne(before, text);
    }
  }
  ck_assert_double_le(sum, 1 + 1e-12);
}
END_TEST

/* What is listed as outside its rows lies there by more than is near, and all that is listed is the share of the run.
 */
START_TEST(outside_rows_are_found)
{
  g_autoptr(MoeRun) run = load("stack.family.gemm=te");
  g_autoptr(GArray) found = moe_stand_ins(run, NULL);
  g_autoptr(MoeProgram) program = moe_program_build(run, 0, NULL);
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&run->cluster.accelerator, &run->stack, NULL);
  double share = -1, listed = 0;

  ck_assert(moe_extrapolated_share(program, cost, &share, NULL));
  for (guint i = 0; i < found->len; i++) {
    const MoeStandIn *s = &g_array_index(found, MoeStandIn, i);

    listed += s->share;
    if (s->use.exact)
      ck_assert_double_gt(s->support.beyond, MOE_COST_NEAR);
  }
  ck_assert_double_ge(share, 0);
  ck_assert_double_le(share, listed + 1e-9); /* a stand-in in the same precision, near its rows, is no extrapolation */
}
END_TEST

MOE_TEST_MAIN("study/stand_ins", stand_ins_are_found, shares_are_in_order, outside_rows_are_found)
