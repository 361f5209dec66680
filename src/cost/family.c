/*
 * Which constants price a kernel: the stack's, else the accelerator's, else those of the nearest relative, else generic
 * ones.
 *
 * Search order for (class, family, precision, pass), documented in docs/model-kernels.md:
 *   1. the family itself in this precision; 2. the family itself in the precision's stand-ins (mxfp8 -> fp8 -> bf16:
 * constants are shares of each precision's own peak, so they carry over); 3. the same for the family's stand-ins (fa4
 * -> cudnn -> fa3 -> fa2); 4. any family of the class; 5. the generic constants. Within a step the stack goes before
 * the accelerator, and an entry that names precision and pass before one that says "any".
 */
#include <moesim/spec.h>

#include <string.h>

#include "internal.h"

typedef struct {
  const char *family, *fallback;
} Relative;

static const Relative gemm_relatives[] = {{"cublaslt", "te"},        {"te", "cublaslt"},
                                          {"deepgemm", "cublaslt"},  {"cublaslt-search", "cublaslt"},
                                          {"hipblaslt", "cublaslt"}, {NULL, NULL}};
static const Relative grouped_relatives[] = {
    {"cutlass", "deepgemm"},      {"deepgemm", "sonicmoe"}, {"te", "cutlass"},       {"sonicmoe", "cutlass"},
    {"scattermoe", "megablocks"}, {"megablocks", "te"},     {"momoe", "scattermoe"}, {NULL, NULL}};
static const Relative attention_relatives[] = {{"fa4-deterministic", "cudnn-deterministic"},
                                               {"fa4", "cudnn"},
                                               {"cudnn", "fa3"},
                                               {"cudnn-deterministic", "cudnn"},
                                               {"fa3-deterministic", "fa3"},
                                               {"fa3", "cudnn"},
                                               {"fa2-deterministic", "fa2"},
                                               {"fa2", "fa3"},
                                               {"te", "cudnn"},
                                               {"fa4-in-step", "fa4"},
                                               {"flashmla", "cudnn"},
                                               {"block-sparse", "fa2"},
                                               {"unfused", "fa2"},
                                               {NULL, NULL}};
static const Relative bandwidth_relatives[] = {{"triton", "te"},      {"te", "triton"},       {"pytorch", "triton"},
                                               {"compile", "triton"}, {"deepseek", "triton"}, {NULL, NULL}};

static const Relative *const relatives[MOE_N_KERNEL_CLASSES] = {
    [MOE_KERNEL_GEMM] = gemm_relatives,
    [MOE_KERNEL_GROUPED_GEMM] = grouped_relatives,
    [MOE_KERNEL_ATTENTION] = attention_relatives,
    [MOE_KERNEL_BANDWIDTH] = bandwidth_relatives,
};

static const char *const gemm_families[] = {"cublaslt", "te", "deepgemm", "cublaslt-search", "hipblaslt", NULL};
static const char *const grouped_families[] = {"te",         "deepgemm",   "cutlass", "sonicmoe",
                                               "scattermoe", "megablocks", "momoe",   NULL};
static const char *const attention_families[] = {
    "fa2",   "fa2-deterministic",   "fa3", "fa3-deterministic", "fa4",          "fa4-deterministic", "fa4-in-step",
    "cudnn", "cudnn-deterministic", "te",  "flashmla",          "block-sparse", "unfused",           NULL};
static const char *const bandwidth_families[] = {"triton", "compile", "pytorch", "te", "deepseek", NULL};

static const char *const *const families[MOE_N_KERNEL_CLASSES] = {
    [MOE_KERNEL_GEMM] = gemm_families,
    [MOE_KERNEL_GROUPED_GEMM] = grouped_families,
    [MOE_KERNEL_ATTENTION] = attention_families,
    [MOE_KERNEL_BANDWIDTH] = bandwidth_families,
};

/* Constants are shares of a precision's own peak; these pairs run on the same pipes with the same tiles. */
static const int precision_relatives[MOE_N_PRECISIONS] = {
    [MOE_BF16] = -1,         [MOE_FP16] = MOE_BF16,   [MOE_FP32] = MOE_TF32, [MOE_TF32] = MOE_BF16,
    [MOE_BF16X3] = MOE_BF16, [MOE_BF16X9] = MOE_BF16, [MOE_FP8] = MOE_BF16,  [MOE_FP8_BLOCK] = MOE_FP8,
    [MOE_MXFP8] = MOE_FP8,   [MOE_NVFP4] = MOE_MXFP8,
};

int moe_cost_precision_fallback(int precision)
{
  return precision_relatives[precision];
}

const char *moe_cost_family_fallback(MoeKernelClass klass, const char *family)
{
  for (const Relative *r = relatives[klass]; r->family; r++)
    if (strcmp(r->family, family) == 0)
      return r->fallback;
  return NULL;
}

/* ---- searching
 * ------------------------------------------------------------------------------------------------------- */

typedef struct {
  MoeKernelClass klass;
  const char *family; /* NULL = any */
  int precision, pass;
  const char *constant; /* the entry must have it; NULL = no matter */
} Wanted;

static gboolean has_constant(const MoeKernelFamily *f, const char *name)
{
  for (guint i = 0; i < f->n_constants; i++)
    if (strcmp(f->constant[i], name) == 0)
      return TRUE;
  return FALSE;
}

/* 0 = no match, else the more the more specific. */
static int match(const MoeKernelFamily *f, const Wanted *w)
{
  if (f->klass != w->klass || (w->family && strcmp(f->name, w->family) != 0))
    return 0;
  if ((f->precision >= 0 && f->precision != w->precision) || (f->pass >= 0 && f->pass != w->pass))
    return 0;
  if (w->constant && !has_constant(f, w->constant))
    return 0;
  return 1 + 2 * (f->precision >= 0) + (f->pass >= 0);
}

static const MoeKernelFamily *find_in(const MoeKernelFits *fits, const Wanted *w)
{
  const MoeKernelFamily *best = NULL;
  int best_match = 0;

  for (guint i = 0; i < fits->n; i++) {
    int m = match(&fits->family[i], w);

    if (m > best_match) {
      best = &fits->family[i];
      best_match = m;
    }
  }
  return best;
}

static gboolean find(const MoeCostModel *model, const Wanted *w, MoeFamilyUse *use)
{
  use->origin = MOE_ORIGIN_STACK;
  use->fit = find_in(&model->stack->kernels, w);
  if (!use->fit) {
    use->origin = MOE_ORIGIN_ACCELERATOR;
    use->fit = find_in(&model->accelerator->kernels, w);
  }
  if (!use->fit)
    return FALSE;
  use->used = use->fit->name;
  use->precision = w->precision;
  return TRUE;
}

/* The family in `precision` or its stand-ins. */
static gboolean find_precisions(const MoeCostModel *model, Wanted w, MoeFamilyUse *use)
{
  for (; w.precision >= 0; w.precision = moe_cost_precision_fallback(w.precision))
    if (find(model, &w, use))
      return TRUE;
  return FALSE;
}

/* Longest chain of stand-ins worth following: the table has cycles (cudnn and fa3 stand in for each other). */
#define CHAIN_MAX 4

static void search(const MoeCostModel *model, const Wanted *wanted, MoeFamilyUse *use)
{
  Wanted w = *wanted;

  use->requested = wanted->family;
  for (guint i = 0; i < CHAIN_MAX && w.family; i++) {
    if (find_precisions(model, w, use))
      return;
    w.family = moe_cost_family_fallback(w.klass, w.family);
  }
  w.family = NULL;
  if (find_precisions(model, w, use))
    return;
  use->used = "generic";
  use->origin = MOE_ORIGIN_GENERIC;
  use->precision = wanted->precision;
  use->fit = NULL;
}

/* Whole entries: constants of one fit belong together; those an entry lacks are generic. */
static void fill(MoeFit *fit, MoeKernelClass klass, double tiles)
{
  guint n;
  const MoeCostConstant *constants = moe_cost_constants(klass, &n);
  const MoeKernelFamily *entry = fit->use.fit;

  for (guint i = 0; i < n; i++)
    fit->value[i] = entry ? moe_family_constant(entry, constants[i].name, constants[i].generic) : constants[i].generic;
  if (tiles > 0 && klass != MOE_KERNEL_ATTENTION && !(entry && has_constant(entry, "tiles")))
    fit->value[MOE_GEMM_TILES] = tiles;
}

/* Bandwidth-bound kinds are independent: each share comes from the nearest entry that has it. */
static void fill_bandwidth(const MoeCostModel *model, MoeFit *fit, Wanted wanted)
{
  guint n;
  const MoeCostConstant *constants = moe_cost_constants(MOE_KERNEL_BANDWIDTH, &n);

  for (guint i = 0; i < n; i++) {
    MoeFamilyUse use;

    wanted.constant = constants[i].name;
    search(model, &wanted, &use);
    fit->value[i] =
        use.fit ? moe_family_constant(use.fit, constants[i].name, constants[i].generic) : constants[i].generic;
  }
}

/* ---- resolving
 * ------------------------------------------------------------------------------------------------------- */

static const MoeKernelClass role_class[MOE_N_ROLES] = {
    [MOE_ROLE_GEMM] = MOE_KERNEL_GEMM,           [MOE_ROLE_GROUPED_GEMM] = MOE_KERNEL_GROUPED_GEMM,
    [MOE_ROLE_ATTENTION] = MOE_KERNEL_ATTENTION, [MOE_ROLE_ELEMENTWISE] = MOE_KERNEL_BANDWIDTH,
    [MOE_ROLE_ENCODE] = MOE_KERNEL_BANDWIDTH,
};

static const char *const role_key[MOE_N_ROLES] = {
    [MOE_ROLE_GEMM] = "gemm",           [MOE_ROLE_GROUPED_GEMM] = "grouped_gemm",
    [MOE_ROLE_ATTENTION] = "attention", [MOE_ROLE_ELEMENTWISE] = "elementwise",
    [MOE_ROLE_ENCODE] = "encode",
};

static const char *role_family(const MoeStack *stack, MoeRole role)
{
  const char *named[MOE_N_ROLES] = {
      [MOE_ROLE_GEMM] = stack->family.gemm,           [MOE_ROLE_GROUPED_GEMM] = stack->family.grouped_gemm,
      [MOE_ROLE_ATTENTION] = stack->family.attention, [MOE_ROLE_ELEMENTWISE] = stack->family.elementwise,
      [MOE_ROLE_ENCODE] = stack->family.encode,
  };

  return named[role] ? named[role] : families[role_class[role]][0];
}

static gboolean brought(const MoeKernelFits *fits, MoeKernelClass klass, const char *family)
{
  for (guint i = 0; i < fits->n; i++)
    if (fits->family[i].klass == klass && strcmp(fits->family[i].name, family) == 0)
      return TRUE;
  return FALSE;
}

/* Place of a role's name in MoeStack.family. */
static const guint role_name[MOE_N_ROLES] = {
    [MOE_ROLE_ATTENTION] = 0, [MOE_ROLE_GEMM] = 1,        [MOE_ROLE_GROUPED_GEMM] = 2,
    [MOE_ROLE_ENCODE] = 3,    [MOE_ROLE_ELEMENTWISE] = 4,
};

static gboolean check_family(const MoeCostModel *model, MoeRole role, GError **error)
{
  MoeKernelClass klass = role_class[role];
  const char *family = role_family(model->stack, role);

  if (g_strv_contains(families[klass], family) || brought(&model->stack->kernels, klass, family) ||
      brought(&model->accelerator->kernels, klass, family))
    return TRUE;

  g_autofree char *known = g_strjoinv(", ", (char **)families[klass]);
  const char *near = moe_nearest_word(family, families[klass]);
  return moe_fail(error, MOE_ERROR_INPUT, model->stack->family.mark[role_name[role]],
                  "stack %s: unknown kernel family \"%s\" for %s%s%s%s, expected one of %s",
                  model->stack->name ? model->stack->name : "(inline)", family, role_key[role],
                  near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "", known);
}

/* The tile set belongs to the silicon: any GEMM entry of the accelerator knows it. 0 = none does. */
static double accelerator_tiles(const MoeAccelerator *accelerator)
{
  for (guint i = 0; i < accelerator->kernels.n; i++) {
    double tiles = moe_family_constant(&accelerator->kernels.family[i], "tiles", 0);

    if (tiles > 0)
      return tiles;
  }
  return 0;
}

static void mark_exact(MoeFamilyUse *use, int precision)
{
  gboolean any_precision = use->fit && use->fit->precision < 0;

  use->exact = use->origin != MOE_ORIGIN_GENERIC && (any_precision || (int)use->precision == precision) &&
               strcmp(use->used, use->requested) == 0;
}

static void resolve_one(MoeCostModel *model, MoeRole role, int precision, int pass, double tiles)
{
  MoeFit *fit = &model->fit[role][precision][pass];
  Wanted wanted = {role_class[role], role_family(model->stack, role), precision, pass, NULL};

  search(model, &wanted, &fit->use);
  mark_exact(&fit->use, precision);
  if (role_class[role] == MOE_KERNEL_BANDWIDTH)
    fill_bandwidth(model, fit, wanted);
  else
    fill(fit, role_class[role], tiles);
}

static void resolve_role(MoeCostModel *model, MoeRole role, double tiles)
{
  for (int precision = 0; precision < MOE_N_PRECISIONS; precision++)
    for (int pass = 0; pass < MOE_FIT_PASSES; pass++)
      resolve_one(model, role, precision, pass, tiles);
}

/* Of a bandwidth-bound kernel the entry that its kind's share comes from counts. */
void moe_cost_family(const MoeCostModel *model, const MoeKernel *kernel, MoeFamilyUse *use)
{
  guint n;
  MoeRole role = moe_cost_role(kernel);
  Wanted wanted = {kernel->klass, role_family(model->stack, role), (int)kernel->precision,
                   moe_cost_fit_pass(kernel->pass), NULL};

  if (kernel->klass == MOE_KERNEL_ATTENTION && wanted.pass == 2)
    wanted.pass = 1;
  if (kernel->klass == MOE_KERNEL_BANDWIDTH)
    wanted.constant = moe_cost_constants(MOE_KERNEL_BANDWIDTH, &n)[kernel->bandwidth].name;
  search(model, &wanted, use);
  mark_exact(use, wanted.precision);
}

gboolean moe_cost_resolve(MoeCostModel *model, GError **error)
{
  double tiles = accelerator_tiles(model->accelerator);

  for (int role = 0; role < MOE_N_ROLES; role++) {
    if (!check_family(model, role, error))
      return FALSE;
    resolve_role(model, role, tiles);
  }
  return TRUE;
}
