/* Inside infer: simulations that were made, in SQLite, so that an inference that was killed goes on where it was. */
#ifndef MOESIM_INFER_STORE_H
#define MOESIM_INFER_STORE_H

#include "base/base.h"

typedef struct MoeShotStore MoeShotStore;

/* Opens or makes the file. NULL and *error (MOE_ERROR_IO) when it cannot be, or is another program's. */
MoeShotStore *moe_kept_open(const char *path, GError **error);
void moe_kept_free(MoeShotStore *kept);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeShotStore, moe_kept_free)

/* What was kept under `key`: n numbers, or why there are none (*failure, the caller frees). FALSE: nothing, or nothing
 * whole. `kept` may be NULL. Thread-safe, as the other. */
gboolean moe_kept_get(MoeShotStore *kept, const char *key, double *numbers, guint n, char **failure);
/* FALSE and *error when it cannot be written. */
gboolean moe_kept_put(MoeShotStore *kept, const char *key, const double *numbers, guint n, const char *failure,
                      GError **error);

#endif
