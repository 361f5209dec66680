/* Private to sweep. */
#ifndef MOESIM_STUDY_SWEEP_INTERNAL_H
#define MOESIM_STUDY_SWEEP_INTERNAL_H

#include <moesim/sweep.h>

/* Reads one "key=values"; on failure the axis is left empty. */
gboolean moe_sweep_axis_read(const char *text, MoeSweepAxis *axis, GError **error);
void moe_sweep_axis_clear(MoeSweepAxis *axis);

/* Whether the store was there before: another process may be filling it. */
gboolean moe_store_is_shared(const MoeStore *store);

#endif
