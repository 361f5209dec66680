/* Kernel class gemm: one matrix product, or several alike. The model is in gemm.c. */
#include "spec/spec.h"

#include "internal.h"

const MoeCostConstant moe_gemm_constants[MOE_N_GEMM_CONSTANTS] = {
    [MOE_GEMM_SUSTAINED] = {"sustained", 0.72, 0.2, 1.0, "share of peak",
                            "rate of a full wave of the largest tile: clock under power, issue slots"},
    [MOE_GEMM_DROOP] = {"droop", 0.02, 0, 0.4, "share",
                        "rate lost by long kernels as power is averaged and the clock falls"},
    [MOE_GEMM_DROOP_S] = {"droop_s", 1e-3, 1e-5, 2e-2, "s", "kernel time at which half of droop is reached"},
    [MOE_GEMM_BALANCE] = {"balance", 0.5, 0.0, 1.0, "share",
                          "part of the idle last wave that stream-K, split-K or tile choice wins back"},
    [MOE_GEMM_RAMP_K] = {"ramp_k", 250, 0, 4000, "elements of K",
                         "prologue and epilogue of a tile, as a longer reduction"},
    [MOE_GEMM_TILE_LOSS] = {"tile_loss", 20, 0, 120, "elements",
                            "loss of small tiles: operand traffic per output grows with 1/m + 1/n"},
    [MOE_GEMM_MEMORY_SHARE] = {"memory_share", 0.85, 0.3, 1.0, "share of HBM bandwidth", "reached by operand streams"},
    [MOE_GEMM_OVERLAP] = {"overlap", 0.8, 0.0, 1.0, "share", "of the shorter of math and memory hidden by the longer"},
    [MOE_GEMM_FLOOR] = {"floor_s", 3e-6, 0, 2e-5, "s", "launch latency and drain of one kernel on the GPU"},
    [MOE_GEMM_SPLIT] = {"split_s", 2e-6, 0, 1e-5, "s", "reduction of the partial sums of a split K loop"},
    [MOE_GEMM_TILES] = {"tiles", 90, 90, 90, "generation", "tile set: 80 Ampere, 90 Hopper, 100 Blackwell, 942 CDNA3"},
    [MOE_GEMM_GROUP] = {"group_s", 0, 0, 2e-5, "s",
                        "least time per expert group where each is a kernel that somebody issues"},
};

static const MoeNamedFamily families[] = {
    {"cublaslt", "cuBLASLt as its heuristic chooses"},
    {"te", "TransformerEngine, which calls cuBLASLt"},
    {"deepgemm", "DeepGEMM"},
    {"cutlass", "CUTLASS kernels of serving stacks (NVFP4)"},
    {"cublaslt-search", "cuBLASLt at the best shape of a search: an upper envelope"},
    {"hipblaslt", "hipBLASLt (AMD)"},
    {NULL, NULL},
};

/* TransformerEngine calls cuBLASLt. */
static const MoeRelative relatives[] = {{"te", "cublaslt", TRUE},
                                        {"cublaslt", "deepgemm", FALSE},
                                        {"deepgemm", "cublaslt", FALSE},
                                        {"cutlass", "cublaslt", FALSE},
                                        {"cublaslt-search", "cublaslt", FALSE},
                                        {"hipblaslt", "cublaslt", FALSE},
                                        {NULL, NULL, FALSE}};

static double flop(const MoeKernel *kernel)
{
  return 2.0 * (double)kernel->m * (double)kernel->n * (double)kernel->k * (double)MAX(kernel->groups, 1);
}

static void describe(const MoeKernel *kernel, MoeGemm *p)
{
  double element = moe_precision_bytes(kernel->precision);

  p->copies = (double)MAX(kernel->groups, 1);
  p->m = (double)kernel->m;
  p->n = (double)kernel->n;
  p->k = (double)kernel->k;
  p->bytes = p->copies * ((p->m * p->k + p->k * p->n) * element + moe_gemm_output_bytes(kernel, p->m * p->n));
}

static gboolean complete(MoeKernel *kernel)
{
  kernel->groups = MAX(kernel->groups, 1);
  return flop(kernel) > 0;
}

const MoeCostClass moe_cost_class_gemm = {
    .title = "GEMM",
    .shape = (const char *const[]){"m", "n", "k", "groups", NULL},
    .needs = "m, n, k",
    .families = families,
    .relatives = relatives,
    .constants = moe_gemm_constants,
    .n_constants = MOE_GEMM_GROUP,
    .flop = flop,
    .complete = complete,
    .describe = describe,
};
