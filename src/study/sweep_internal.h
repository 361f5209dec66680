/* Private to sweep. */
#ifndef MOESIM_STUDY_SWEEP_INTERNAL_H
#define MOESIM_STUDY_SWEEP_INTERNAL_H

#include <moesim/sweep.h>

/* Whether the store was there before: another process may be filling it. */
gboolean moe_store_is_shared(const MoeStore *store);

#endif
