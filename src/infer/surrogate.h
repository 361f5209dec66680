/*
 * Inside infer: what simulations at some places say about all others.
 *
 * A Gaussian process (Rasmussen & Williams 2006, chapters 2 and 5) with constant mean, a squared exponential covariance
 * with a weight of its own per axis, and a nugget:
 *
 *     k(x, y) = s^2 (exp(-1/2 sum_j w_j d_j^2) + g [x = y]),   d_j = x_j - y_j, or 0 / 1 along an axis of choices
 *
 * Weights and nugget maximize the likelihood with a wide prior on their logarithms. The error is that of leaving out
 * each place in turn (Sundararajan & Keerthi 2001), in closed form.
 */
#ifndef MOESIM_INFER_SURROGATE_H
#define MOESIM_INFER_SURROGATE_H

#include <glib.h>

#define MOE_SURROGATE_AXES 128 /* at most */

typedef struct MoeSurrogate MoeSurrogate;

/* `x`: n rows of d shares from 0 to 1; `choices`[j] > 0: axis j is a list of so many values; `y`: n values. n of at
 * least 2. */
MoeSurrogate *moe_surrogate_new(const double *x, const double *y, guint n, guint d, const guint *choices);
void moe_surrogate_free(MoeSurrogate *surrogate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeSurrogate, moe_surrogate_free)

/* Thread-safe. */
double moe_surrogate_mean(const MoeSurrogate *surrogate, const double *x);
/* Root mean square of what it is wrong by at a place that it does not know. */
double moe_surrogate_error(const MoeSurrogate *surrogate);

#endif
