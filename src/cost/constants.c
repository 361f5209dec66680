/* Constants of kernel families as they stand in files: names that a class knows, values that it can work with. */
#include <math.h>
#include <string.h>

#include "internal.h"

/* How far above what a fit may find a value may be stated: beyond it is no kernel's. */
#define LARGEST_FACTOR 1000

static const MoeCostConstant *find(const MoeCostConstant *constants, guint n, const char *name)
{
  for (guint i = 0; i < n; i++)
    if (strcmp(constants[i].name, name) == 0)
      return &constants[i];
  return NULL;
}

/* A share may not be more than the whole, or than its fit may be (attention counts work that it skips). */
static double most(const MoeCostConstant *constant)
{
  return g_str_has_prefix(constant->unit, "share") ? MAX(constant->high, 1)
                                                   : LARGEST_FACTOR * MAX(constant->high, constant->generic);
}

static gboolean fail_name(const MoeKernelFamily *family, const char *name, const MoeCostConstant *constants, guint n,
                          GError **error)
{
  const char *names[MOE_CONSTANTS_MAX + 1] = {NULL};

  for (guint i = 0; i < n; i++)
    names[i] = constants[i].name;
  g_autofree char *all = g_strjoinv(", ", (char **)(gpointer)names);

  return moe_fail(error, MOE_ERROR_INPUT, family->mark, "unknown constant '%s' of kernel family %s (%s), expected %s",
                  name, family->name, moe_kernel_class_words[family->klass], all);
}

static gboolean check_one(const MoeKernelFamily *family, guint index, GError **error)
{
  guint n = 0;
  const MoeCostConstant *constants = moe_cost_constants(family->klass, &n);
  const MoeCostConstant *known = find(constants, n, family->constant[index]);
  double value = family->value[index];

  if (!known)
    return fail_name(family, family->constant[index], constants, n, error);
  return (value >= 0 && value <= most(known)) ||
         moe_fail(error, MOE_ERROR_INPUT, family->mark,
                  "constant %s of kernel family %s (%s) is %g, expected 0 to %g (%s)", known->name, family->name,
                  moe_kernel_class_words[family->klass], value, most(known), known->unit);
}

gboolean moe_cost_check_constants(const MoeKernelFits *fits, GError **error)
{
  for (guint i = 0; i < fits->n; i++)
    for (guint c = 0; c < fits->family[i].n_constants; c++)
      if (!check_one(&fits->family[i], c, error))
        return FALSE;
  return TRUE;
}
