/*
 * layouts: which layouts there are, and what bounds them. Part of search (floor 10), for studies beside it and tests.
 *
 * The bounds come from the program's own lowering. A *probe* is the model on one pipeline stage with the layout's
 * tensor, context and expert degrees; it gives, layer by layer, the time of kernels and of what they wait for, each
 * alone on the machine, and the bytes that stay for the backward pass. Probes are shared by all layouts that differ in
 * what does not change a layer (pipeline, schedule, ZeRO ...).
 */
#ifndef MOESIM_SEARCH_LAYOUTS_H
#define MOESIM_SEARCH_LAYOUTS_H

#include "cost/cost.h"
#include "program/program.h"
#include "study/study.h"
#include "topo/topo.h"
#include <moesim/search.h>

G_BEGIN_DECLS

/* Every legal layout, in order; an array of MoeLayoutChoice. NULL and *error when a limit is wrong. Free with
 * g_array_unref. */
GArray *moe_search_enumerate(const MoeRun *run, const MoeSearchOptions *options, GError **error);
/* The run's own layout, as far as a choice can say it. */
void moe_search_own_choice(const MoeRun *run, MoeLayoutChoice *choice);

/* A copy of `run` with the layout, sharing all that `run` owns: never freed, and gone with it. FALSE when it cannot
 * exist. */
gboolean moe_search_apply(const MoeRun *run, const MoeLayoutChoice *choice, MoeRun *copy);
/* Bits of MoeModule that a layout with `recompute.mode: selective` recomputes: the run's own where that changes
 * anything, else scores, norms and activations. */
guint moe_search_recompute_modules(const MoeRun *run);
/* Bounds of every candidate (bound_s, bound_bytes); bound_s is 0 where no probe is possible, or needed because weights
 * alone exceed the memory, and negative where `stop` (may be NULL) came first. */
void moe_search_bound(const MoeRun *run, const MoeSearchOptions *options, const MoeStop *stop, guint n,
                      MoeCandidate *candidates);
/* Step time at least, seconds, of a lowered run: its blocks' paths in the order of its calls, and messages that are not
 * there before they can have been sent. */
double moe_search_bound_program(const MoeRun *run, const MoeProgram *program, const MoeTopo *topo,
                                const MoeCostModel *cost);

G_END_DECLS

#endif
