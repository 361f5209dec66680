/* Ending work from another thread. */
#include "internal.h"

struct MoeCancel {
  gint set; /* atomic */
};

MoeCancel *moe_cancel_new(void)
{
  return g_new0(MoeCancel, 1);
}

void moe_cancel_set(MoeCancel *cancel)
{
  g_atomic_int_set(&cancel->set, 1);
}

gboolean moe_cancel_is_set(const MoeCancel *cancel)
{
  return g_atomic_int_get(&cancel->set) != 0;
}

void moe_cancel_free(MoeCancel *cancel)
{
  g_free(cancel);
}
