/*
 * posterior: what an inference learned, for the intervals of other answers. Part of certainty (floor 10).
 *
 * The file is `moesim infer -o`: equally likely draws, each with a share of its range for every unknown, and with what
 * the model itself is off by. An assumption that the inference knew by key is drawn from there, any other as without;
 * the model's own error is that of the same draw, so that what was learned of both together stays together.
 *
 * Life cycle: moe_posterior_load -> read from any thread -> moe_posterior_free.
 */
#ifndef MOESIM_CERTAINTY_POSTERIOR_H
#define MOESIM_CERTAINTY_POSTERIOR_H

#include "spec/spec.h"

G_BEGIN_DECLS

typedef struct MoePosterior MoePosterior;

/* NULL and *error (MOE_ERROR_INPUT, _IO). */
MoePosterior *moe_posterior_load(const char *path, GError **error);
void moe_posterior_free(MoePosterior *posterior);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoePosterior, moe_posterior_free)

/* Which of the draws stands for `sample` of n. */
guint moe_posterior_draw(const MoePosterior *posterior, guint sample, guint n);
/* Share (0 to 1) of the range of an unknown; NaN of a key that the inference did not know. */
double moe_posterior_share(const MoePosterior *posterior, const char *key, guint draw);
/* What log(published / predicted step time) of a run is: normal around `bias`. */
void moe_posterior_error(const MoePosterior *posterior, const MoeRun *run, guint draw, double *bias, double *scatter);

G_END_DECLS

#endif
