/* Stacks. */
#include "internal.h"

#include "cost/cost.h"
#include "spec/hidden.h"

#include <string.h>

/* Whether the accelerator of a file can be priced with the stack; *reason tells why not. */
static gboolean takes_stack(const char *path, const MoeStack *stack, GError **reason)
{
  g_autoptr(MoeDoc) doc = moe_doc_load(path, reason);
  MoeAccelerator accelerator = {0};
  MoeCostModel *cost = NULL;

  if (doc && moe_accelerator_read(moe_doc_root(doc), &accelerator, reason))
    cost = moe_cost_model_new(&accelerator, stack, reason);
  moe_cost_model_free(cost);
  moe_kernel_fits_clear(&accelerator.kernels);
  return cost != NULL;
}

/* A family may come with an accelerator: it is unknown when none of those that are shipped takes the stack. */
static gboolean families_known(const MoeStack *stack, const char *data_dir, GError **error)
{
  g_autofree char *folder = g_build_filename(data_dir ? data_dir : ".", "clusters", "accelerators", NULL);
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  g_autoptr(GError) reason = NULL;

  for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir)) {
    g_autofree char *path = g_build_filename(folder, name, NULL);

    if (!g_str_has_suffix(name, ".yaml"))
      continue;
    g_clear_error(&reason);
    if (takes_stack(path, stack, &reason))
      return TRUE;
  }
  if (!reason)
    return TRUE;
  g_propagate_error(error, g_steal_pointer(&reason));
  return FALSE;
}

static gboolean check_variant(const char *name, const char *data_dir, GString *says, GError **error)
{
  g_autoptr(MoeDoc) loaded = NULL;
  MoeStack stack = {0};

  if (!moe_stack_load(name, data_dir, &stack, &loaded, error))
    return FALSE;
  const char *variant = strchr(stack.name, ':');

  g_string_append_printf(says, "%s%sattention %s, GEMM %s", variant ? variant + 1 : "", variant ? ": " : "",
                         stack.family.attention, stack.family.gemm);
  gboolean sound = families_known(&stack, data_dir, error) && moe_assumptions_check(loaded, data_dir, error);

  moe_stack_clear(&stack);
  return sound;
}

/* Every variant is a stack of its own. */
gboolean moe_check_stack(const MoeCheckedFile *file, GString *says, GError **error)
{
  g_auto(GStrv) variants = moe_stack_variants(file->path, error);

  if (!variants)
    return FALSE;
  if (!variants[0])
    return check_variant(file->path, file->data_dir, says, error);
  for (guint i = 0; variants[i]; i++) {
    g_autofree char *name = g_strconcat(file->path, ":", variants[i], NULL);

    g_string_append(says, i > 0 ? "; " : "");
    if (!check_variant(name, file->data_dir, says, error))
      return FALSE;
  }
  return moe_stack_check_hidden(file->path, file->data_dir, error);
}
