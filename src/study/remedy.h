/*
 * remedy: what would make a run fit into the memory of its GPUs, or faster. Part of study (floor 8).
 *
 * Changes of one kind each are tried by simulation: recompute more, offload, shard more, smaller micro-batches, another
 * division of the model, 16-bit gradients and moments. When none of them fits alone, pairs of different kinds are.
 */
#ifndef MOESIM_REMEDY_H
#define MOESIM_REMEDY_H

#include "study/study.h"

G_BEGIN_DECLS

typedef struct {
  char *what;        /* the changed keys, "key=value", joined by a comma */
  MoeResult *result; /* of the changed run */
} MoeRemedy;

typedef struct {
  MoeResult *own; /* of the run as it is */
  guint n,
      n_fit; /* changes that can be made; those of them that fit come first, fastest first, then the others by peak */
  gboolean pairs; /* no single change fits: pairs were tried */
  MoeRemedy *remedies;
} MoeRemedies;

/* Tries on `jobs` threads (0 = as many as the machine has). Changes that make no valid run are left out. NULL and
 * *error when the run itself cannot be simulated. */
MoeRemedies *moe_study_remedies(const MoeRun *run, const MoeSimOptions *options, guint jobs, MoeProgressFunc progress,
                                gpointer progress_data, GError **error);
/* The same for a run that is to become faster: less recomputation, offload and sharding, other micro-batches, other
 * divisions of the model, 16-bit gradients on the wire. Only changes that fit and save time are kept, fastest first. */
MoeRemedies *moe_study_speedups(const MoeRun *run, const MoeSimOptions *options, guint jobs, GError **error);
/* Simulations that either takes at most, for who has to know before: the first round, without pairs. */
#define MOE_REMEDY_TRIES 24
void moe_remedies_free(MoeRemedies *remedies);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeRemedies, moe_remedies_free)

G_END_DECLS

#endif
