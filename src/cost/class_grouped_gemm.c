/* Kernel class grouped_gemm: one product per expert, in one kernel or one each. The model is in gemm.c. */
#include "spec/spec.h"

#include "internal.h"

static const MoeNamedFamily families[] = {
    {"te", "TransformerEngine, a product per expert"},
    {"deepgemm", "DeepGEMM, one grouped kernel"},
    {"cutlass", "CUTLASS grouped kernels"},
    {"sonicmoe", "SonicMoE"},
    {"scattermoe", "ScatterMoE"},
    {"megablocks", "MegaBlocks, block-sparse products"},
    {"momoe", "MoMoE"},
    {NULL, NULL},
};

static const MoeRelative relatives[] = {{"cutlass", "deepgemm", FALSE},
                                        {"deepgemm", "sonicmoe", FALSE},
                                        {"te", "cutlass", FALSE},
                                        {"sonicmoe", "cutlass", FALSE},
                                        {"scattermoe", "megablocks", FALSE},
                                        {"megablocks", "te", FALSE},
                                        {"momoe", "scattermoe", FALSE},
                                        {NULL, NULL, FALSE}};

static double flop(const MoeKernel *kernel)
{
  return 2.0 * (double)kernel->rows * (double)kernel->n * (double)kernel->k;
}

/* Weight gradient of experts: one [k, n] output per group, reduced over the group's rows. */
static void describe_wgrad(const MoeKernel *kernel, MoeGemm *p)
{
  double element = moe_precision_bytes(kernel->precision), rows = (double)kernel->rows;

  p->copies = (double)MAX(kernel->groups, 1);
  p->m = (double)kernel->k;
  p->n = (double)kernel->n;
  p->k = rows / p->copies;
  p->bytes = rows * (p->m + p->n) * element + p->copies * moe_gemm_output_bytes(kernel, p->m * p->n);
}

static void describe_rows(const MoeKernel *kernel, MoeGemm *p)
{
  double element = moe_precision_bytes(kernel->precision), rows = (double)kernel->rows;

  p->copies = (double)MAX(kernel->groups, 1);
  p->m = rows / p->copies;
  p->n = (double)kernel->n;
  p->k = (double)kernel->k;
  p->rows = kernel->rows;
  p->fullest = MAX(kernel->m, moe_ceil_div(kernel->rows, MAX(kernel->groups, 1)));
  p->bytes = (rows * p->k + p->copies * p->k * p->n) * element + moe_gemm_output_bytes(kernel, rows * p->n) +
             kernel->read_bytes + kernel->write_bytes;
  p->fused_values = rows * (double)kernel->fused_width;
}

static void describe(const MoeKernel *kernel, MoeGemm *p)
{
  if (kernel->pass == MOE_PASS_WGRAD)
    describe_wgrad(kernel, p);
  else
    describe_rows(kernel, p);
}

static gboolean complete(MoeKernel *kernel)
{
  kernel->groups = MAX(kernel->groups, 1);
  kernel->m = moe_ceil_div(kernel->rows, kernel->groups);
  return flop(kernel) > 0;
}

const MoeCostClass moe_cost_class_grouped_gemm = {
    .title = "grouped GEMM",
    .shape = (const char *const[]){"groups", "rows", "n", "k", "fused_width", NULL},
    .needs = "groups, rows, n, k",
    .families = families,
    .relatives = relatives,
    .constants = moe_gemm_constants,
    .n_constants = MOE_N_GEMM_CONSTANTS,
    .flop = flop,
    .complete = complete,
    .describe = describe,
};
