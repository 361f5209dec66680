/* Which constants price a kernel, and that a fallback says so. */
#include <string.h>

#include "machines.h"

static MoeKernelFamily entry(const char *name, MoeKernelClass klass, int precision, int pass, double sustained)
{
  return (MoeKernelFamily){.name = name,
                           .klass = klass,
                           .precision = precision,
                           .pass = pass,
                           .n_constants = 1,
                           .constant = {"sustained"},
                           .value = {sustained}};
}

static MoeFamilyUse use_of(const MoeAccelerator *accelerator, const MoeStack *stack, const MoeKernel *kernel)
{
  g_autoptr(MoeCostModel) model = moe_cost_model_new(accelerator, stack, NULL);
  MoeFamilyUse use;

  ck_assert_ptr_nonnull(model);
  moe_cost_family(model, kernel, &use);
  return use;
}

START_TEST(test_unknown_family_is_refused_with_the_known_ones)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {.name = "mine", .family.attention = "fa33"};
  g_autoptr(GError) error = NULL;

  ck_assert_ptr_null(moe_cost_model_new(&accelerator, &stack, &error));
  ck_assert_ptr_nonnull(strstr(error->message, "fa33"));
  ck_assert_ptr_nonnull(strstr(error->message, "fa2-deterministic"));
  ck_assert_ptr_nonnull(strstr(error->message, "attention"));
}
END_TEST

START_TEST(test_a_family_the_stack_brings_is_known)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeKernelFamily own = entry("house", MOE_KERNEL_ATTENTION, -1, -1, 0.3);
  MoeStack stack = {.family.attention = "house", .kernels = {1, &own}};
  MoeKernel kernel = attention_kernel(4096, 8, MOE_PASS_FORWARD);
  MoeFamilyUse use = use_of(&accelerator, &stack, &kernel);

  ck_assert_str_eq(use.used, "house");
  ck_assert_int_eq(use.origin, MOE_ORIGIN_STACK);
  ck_assert(use.exact);
}
END_TEST

START_TEST(test_stack_goes_before_accelerator_and_specific_before_any)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeKernelFamily on_chip[] = {entry("cublaslt", MOE_KERNEL_GEMM, -1, -1, 0.5),
                               entry("cublaslt", MOE_KERNEL_GEMM, MOE_FP8, -1, 0.6)};
  MoeKernelFamily in_stack = entry("cublaslt", MOE_KERNEL_GEMM, MOE_BF16, 0, 0.7);
  MoeStack stack = {.family.gemm = "cublaslt", .kernels = {1, &in_stack}};
  MoeKernel kernel = gemm_kernel(4096, 4096, 4096);

  accelerator.kernels = (MoeKernelFits){2, on_chip};
  ck_assert_ptr_eq(use_of(&accelerator, &stack, &kernel).fit, &in_stack);
  kernel.pass = MOE_PASS_WGRAD;
  ck_assert_ptr_eq(use_of(&accelerator, &stack, &kernel).fit, &on_chip[0]);
  kernel.precision = MOE_FP8;
  ck_assert_ptr_eq(use_of(&accelerator, &stack, &kernel).fit, &on_chip[1]);
}
END_TEST

/* fa4-deterministic -> cudnn-deterministic -> cudnn, MXFP8 -> FP8, and no fit at all: never silent. */
START_TEST(test_fallbacks_are_told)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeKernelFamily cudnn = entry("cudnn", MOE_KERNEL_ATTENTION, -1, -1, 0.6);
  MoeKernelFamily fp8 = entry("cublaslt", MOE_KERNEL_GEMM, MOE_FP8, -1, 0.6);
  MoeKernelFamily fits[] = {cudnn, fp8};
  MoeStack stack = {.family = {.attention = "fa4-deterministic", .gemm = "cublaslt"}};
  MoeKernel attention = attention_kernel(4096, 8, MOE_PASS_DGRAD), gemm = gemm_kernel(512, 512, 512);
  MoeKernel grouped = grouped_kernel(4, 128, 512, 512, 512);

  accelerator.kernels = (MoeKernelFits){2, fits};
  MoeFamilyUse use = use_of(&accelerator, &stack, &attention);
  ck_assert_str_eq(use.requested, "fa4-deterministic");
  ck_assert_str_eq(use.used, "cudnn");
  ck_assert(!use.exact);
  gemm.precision = MOE_MXFP8;
  use = use_of(&accelerator, &stack, &gemm);
  ck_assert_int_eq(use.precision, MOE_FP8);
  ck_assert(!use.exact);
  use = use_of(&accelerator, &stack, &grouped);
  ck_assert_int_eq(use.origin, MOE_ORIGIN_GENERIC);
  ck_assert(!use.exact);
}
END_TEST

/* A share that the family lacks comes from its relative; expert encode is a family of its own. */
START_TEST(test_bandwidth_shares_are_looked_up_one_by_one)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeKernelFamily norm = {.name = "te",
                          .klass = MOE_KERNEL_BANDWIDTH,
                          .precision = -1,
                          .pass = -1,
                          .n_constants = 1,
                          .constant = {"norm"},
                          .value = {0.5}};
  MoeKernelFamily permute = {.name = "triton",
                             .klass = MOE_KERNEL_BANDWIDTH,
                             .precision = -1,
                             .pass = -1,
                             .n_constants = 1,
                             .constant = {"permute"},
                             .value = {0.25}};
  MoeKernelFamily fits[] = {norm, permute};
  MoeStack stack = {.family = {.elementwise = "te", .encode = "triton"}};
  MoeKernel a = bandwidth_kernel(MOE_BANDWIDTH_NORM, 4e9), b = bandwidth_kernel(MOE_BANDWIDTH_PERMUTE, 4e9);

  accelerator.kernels = (MoeKernelFits){2, fits};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  ck_assert_double_eq_tol(price(model, &a, NULL).part_s[MOE_REASON_MEMORY], 1e-3 / 0.5, 1e-9);
  ck_assert_double_eq_tol(price(model, &b, NULL).part_s[MOE_REASON_MEMORY], 1e-3 / 0.25, 1e-9);
}
END_TEST

START_TEST(test_a_precision_without_a_path_is_an_error)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  g_autoptr(GError) error = NULL;
  MoeKernel kernel = gemm_kernel(512, 512, 512);
  MoeCost cost;

  kernel.precision = MOE_NVFP4;
  ck_assert(!moe_cost_kernel(model, &kernel, NULL, &cost, &error));
  ck_assert_ptr_nonnull(strstr(error->message, "nvfp4"));
}
END_TEST

/* FP32 by three BF16 products costs three BF16 products; FP16 and block FP8 run where BF16 and FP8 do. */
START_TEST(test_peaks_of_formats_built_from_others)
{
  MoeAccelerator accelerator = round_accelerator();

  ck_assert_double_eq_tol(moe_cost_peak(&accelerator, MOE_BF16X3), 1e15 / 3, 1);
  ck_assert_double_eq_tol(moe_cost_peak(&accelerator, MOE_BF16X9), 1e15 / 9, 1);
  ck_assert_double_eq_tol(moe_cost_peak(&accelerator, MOE_FP16), 1e15, 1);
  ck_assert_double_eq_tol(moe_cost_peak(&accelerator, MOE_FP8_BLOCK), 2e15, 1);
  ck_assert_double_eq(moe_cost_peak(&accelerator, MOE_MXFP8), 0);
}
END_TEST

static MoeCostSupport support_of(const MoeAccelerator *accelerator, const MoeStack *stack, const MoeKernel *kernel)
{
  g_autoptr(MoeCostModel) model = moe_cost_model_new(accelerator, stack, NULL);
  MoeCostSupport support;

  moe_cost_support(model, kernel, &support);
  return support;
}

/* Rows of m from 256 to 4,096 and n and k of 1,024: the farthest axis counts, by the ratio to the nearer end. */
START_TEST(test_distance_to_the_rows)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeKernelFamily own = entry("cublaslt", MOE_KERNEL_GEMM, MOE_BF16, -1, 0.7);
  MoeStack stack = {.family.gemm = "cublaslt", .kernels = {1, &own}};
  MoeKernel inside = gemm_kernel(512, 1024, 1024), low = gemm_kernel(64, 2048, 1024),
            near = gemm_kernel(8192, 1024, 1024);
  MoeKernel other = inside;
  const char *const axes[] = {"m", "n", "k"};
  const double least[] = {256, 1024, 1024}, most[] = {4096, 1024, 1024};

  own.n_extents = 3;
  for (guint i = 0; i < 3; i++) {
    own.axis[i] = axes[i];
    own.least[i] = least[i];
    own.most[i] = most[i];
  }
  other.precision = MOE_FP8;
  MoeCostSupport a = support_of(&accelerator, &stack, &inside), b = support_of(&accelerator, &stack, &low),
                 c = support_of(&accelerator, &stack, &near), d = support_of(&accelerator, &stack, &other);

  ck_assert(a.fit == &own && !a.axis && !moe_cost_is_extrapolated(&a));
  ck_assert_str_eq(b.axis, "m");
  ck_assert_double_eq(b.beyond, 4);
  ck_assert(moe_cost_is_extrapolated(&b));
  ck_assert_double_eq(c.beyond, 2);
  ck_assert(!moe_cost_is_extrapolated(&c));
  ck_assert(d.other_precision && moe_cost_is_extrapolated(&d));
}
END_TEST

/* Nobody measured attention here; where rows have no window, a window is infinitely far. */
START_TEST(test_what_no_row_has)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeKernelFamily own = entry("fa3", MOE_KERNEL_ATTENTION, -1, -1, 0.7);
  MoeStack bare = {.family.attention = "fa3"}, stack = {.family.attention = "fa3", .kernels = {1, &own}};
  MoeKernel kernel = attention_kernel(4096, 8, MOE_PASS_FORWARD);

  own.n_extents = 3;
  own.axis[0] = "len", own.axis[1] = "dim_qk", own.axis[2] = "dim_v";
  own.least[0] = own.most[0] = 4096;
  own.least[1] = own.most[1] = own.least[2] = own.most[2] = 128;
  MoeCostSupport none = support_of(&accelerator, &bare, &kernel), full = support_of(&accelerator, &stack, &kernel);
  kernel.window = 128;
  MoeCostSupport windowed = support_of(&accelerator, &stack, &kernel);

  ck_assert(!none.fit && moe_cost_is_extrapolated(&none));
  ck_assert(!moe_cost_is_extrapolated(&full));
  ck_assert_str_eq(windowed.axis, "window");
  ck_assert(windowed.beyond > 1e300);
}
END_TEST

MOE_TEST_MAIN("cost/family", test_distance_to_the_rows, test_what_no_row_has,
              test_unknown_family_is_refused_with_the_known_ones, test_a_family_the_stack_brings_is_known,
              test_stack_goes_before_accelerator_and_specific_before_any, test_fallbacks_are_told,
              test_bandwidth_shares_are_looked_up_one_by_one, test_a_precision_without_a_path_is_an_error,
              test_peaks_of_formats_built_from_others)
