/*
 * stand_ins: which kernels of a run are priced by constants that were not fitted on their own family and precision, or
 * on shapes like theirs. Part of study (floor 8).
 */
#ifndef MOESIM_STAND_INS_H
#define MOESIM_STAND_INS_H

#include "cost/cost.h"
#include "program/program.h"
#include "spec/spec.h"

G_BEGIN_DECLS

typedef struct {
  MoeKernelClass klass;
  MoePrecision precision;
  MoeFamilyUse use;       /* its names are owned by the run */
  MoeCostSupport support; /* of kernels with a fit of their own: that of the one farthest outside its rows */
  double share;           /* of the time of all kernels of a step, over all ranks' roles, each alone on the GPU; 0..1 */
} MoeStandIn;

/* Those of a run, the greatest share first; MoeStandIn each. Free with g_array_unref. NULL and *error when there is no
 * such program. */
GArray *moe_stand_ins(const MoeRun *run, GError **error);
/* Share of the time of all kernels of a step (as above) that is priced beyond what was measured:
 * moe_cost_is_extrapolated. FALSE and *error when a kernel has no price. */
gboolean moe_extrapolated_share(const MoeProgram *program, const MoeCostModel *cost, double *share, GError **error);
/* One of them in words, a line without its end. Caller frees. */
char *moe_stand_in_text(const MoeStandIn *stand_in);

G_END_DECLS

#endif
