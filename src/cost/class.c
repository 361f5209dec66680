/* Tables of kernel classes and of the roles that ask for their families; what is said of a kernel by its class. */
#include "spec/spec.h"

#include <string.h>

#include "internal.h"

static const MoeCostClass *const classes[MOE_N_KERNEL_CLASSES] = {
    [MOE_KERNEL_GEMM] = &moe_cost_class_gemm,           [MOE_KERNEL_GROUPED_GEMM] = &moe_cost_class_grouped_gemm,
    [MOE_KERNEL_ATTENTION] = &moe_cost_class_attention, [MOE_KERNEL_BANDWIDTH] = &moe_cost_class_bandwidth,
    [MOE_KERNEL_SCAN] = &moe_cost_class_scan,
};

const MoeCostClass *moe_cost_class(MoeKernelClass klass)
{
  return classes[klass];
}

#define NAMED(role, klass, word, place) [role] = {klass, #word, offsetof(MoeStack, family.word), place}

const MoeCostRole moe_cost_roles[MOE_N_ROLES] = {
    NAMED(MOE_ROLE_GEMM, MOE_KERNEL_GEMM, gemm, 1),
    NAMED(MOE_ROLE_GROUPED_GEMM, MOE_KERNEL_GROUPED_GEMM, grouped_gemm, 2),
    NAMED(MOE_ROLE_ATTENTION, MOE_KERNEL_ATTENTION, attention, 0),
    NAMED(MOE_ROLE_ELEMENTWISE, MOE_KERNEL_BANDWIDTH, elementwise, 4),
    NAMED(MOE_ROLE_ENCODE, MOE_KERNEL_BANDWIDTH, encode, 3),
    NAMED(MOE_ROLE_SCAN, MOE_KERNEL_SCAN, scan, 5),
};

/* First role of each class. */
MoeFamilyRole moe_cost_role(const MoeKernel *kernel)
{
  MoeFamilyRole role = 0;

  if (kernel->klass == MOE_KERNEL_BANDWIDTH && kernel->bandwidth == MOE_BANDWIDTH_PERMUTE)
    return MOE_ROLE_ENCODE;
  while (moe_cost_roles[role].klass != kernel->klass)
    role++;
  return role;
}

const char **moe_cost_role_family(MoeStack *stack, MoeFamilyRole role)
{
  return (const char **)((char *)stack + moe_cost_roles[role].offset);
}

void moe_cost_name_family(MoeStack *stack, MoeKernelClass klass, const char *family)
{
  for (MoeFamilyRole role = 0; role < MOE_N_ROLES; role++)
    if (moe_cost_roles[role].klass == klass)
      *moe_cost_role_family(stack, role) = family;
}

const char *moe_cost_class_title(MoeKernelClass klass)
{
  return classes[klass]->title;
}

gboolean moe_cost_is_memory_bound(MoeKernelClass klass)
{
  return classes[klass]->no_math;
}

const MoeNamedFamily *moe_cost_families(MoeKernelClass klass)
{
  return classes[klass]->families;
}

gboolean moe_cost_knows_family(MoeKernelClass klass, const char *name)
{
  const MoeNamedFamily *family = classes[klass]->families;

  while (family->name && strcmp(family->name, name) != 0)
    family++;
  return family->name != NULL;
}

const MoeCostConstant *moe_cost_constants(MoeKernelClass klass, guint *n)
{
  *n = classes[klass]->n_constants;
  return classes[klass]->constants;
}

/* ---- FLOPs ------------------------------------------------------------------------------------------------------- */

double moe_cost_flop(const MoeKernel *kernel)
{
  return classes[kernel->klass]->flop(kernel);
}

double moe_cost_math_flop(const MoeKernel *kernel, double useful_flop)
{
  return kernel->model_flop > 0 ? kernel->model_flop : useful_flop;
}

/* ---- shapes in words --------------------------------------------------------------------------------------------- */

typedef struct {
  const char *key;
  size_t offset;
  gboolean real; /* double, else int64_t */
} ShapeKey;

#define COUNT(key, member)                                                                                             \
  {                                                                                                                    \
    key, offsetof(MoeKernel, member), FALSE                                                                            \
  }
#define BYTES(key, member)                                                                                             \
  {                                                                                                                    \
    key, offsetof(MoeKernel, member), TRUE                                                                             \
  }

static const ShapeKey shape_keys[] = {
    COUNT("m", m),
    COUNT("n", n),
    COUNT("k", k),
    COUNT("groups", groups),
    COUNT("rows", rows),
    COUNT("fused_width", fused_width),
    COUNT("batch", batch),
    COUNT("heads", query_heads),
    COUNT("kv_heads", kv_heads),
    COUNT("len", len_q),
    COUNT("len_kv", len_kv),
    COUNT("window", window),
    COUNT("chunk", chunk),
    COUNT("rule", rule),
    COUNT("dim_qk", dim_qk),
    COUNT("dim_v", dim_v),
    BYTES("read", read_bytes),
    BYTES("write", write_bytes),
};

const char *const *moe_cost_shape_keys(MoeKernelClass klass)
{
  return classes[klass]->shape;
}

const char *moe_cost_shape_needs(MoeKernelClass klass)
{
  return classes[klass]->needs;
}

MoeKernel moe_cost_kernel_of(MoeKernelClass klass, MoePrecision precision, MoePass pass, const char *name)
{
  gboolean gradient = pass == MOE_PASS_WGRAD;

  return (MoeKernel){.klass = klass,
                     .precision = precision,
                     .pass = pass,
                     .output = gradient ? MOE_FP32 : MOE_BF16,
                     .accumulate = gradient,
                     .causal = TRUE,
                     .useful_share = 1,
                     .launches = 1,
                     .name = name};
}

gboolean moe_cost_shape_set(MoeKernel *kernel, const char *key, double value)
{
  if (!g_strv_contains(classes[kernel->klass]->shape, key))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS(shape_keys); i++) {
    void *member = (char *)kernel + shape_keys[i].offset;

    if (strcmp(shape_keys[i].key, key) == 0 && shape_keys[i].real)
      *(double *)member = value;
    else if (strcmp(shape_keys[i].key, key) == 0)
      *(int64_t *)member = (int64_t)value;
  }
  return TRUE;
}

gboolean moe_cost_shape_complete(MoeKernel *kernel)
{
  return classes[kernel->klass]->complete(kernel);
}
