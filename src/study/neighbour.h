/*
 * neighbour: another job that hangs below the same leaves, seen through what it puts on their uplinks. Part of study
 * (floor 8).
 *
 * The other run is simulated alone, in full, and what it takes of each uplink is noted over its step. Beside it, a run
 * finds of an uplink what the other leaves, and never less than half: that is what max-min fairness gives two that both
 * want it all. That the other slows down in turn is not fed back.
 */
#ifndef MOESIM_STUDY_NEIGHBOUR_H
#define MOESIM_STUDY_NEIGHBOUR_H

#include "sim/sim.h"

G_BEGIN_DECLS

typedef struct MoeNeighbour MoeNeighbour;

/* Puts `other` on the switches of `run`, with what is wrong with whole planes and rails, its NICs kept, and divides the
 * ports below leaves between the two by their numbers of GPUs, unless `run` says its network.topology.leaf_share. */
void moe_neighbour_join(MoeRun *run, MoeRun *other);
/* Simulates a step of `other`. `phase`, 0 to 1, is where in its step the other job is when a step beside it begins.
 * NULL and *error as moe_sim_run. */
MoeNeighbour *moe_neighbour_new(const MoeRun *other, double phase, uint64_t seed, GError **error);
void moe_neighbour_free(MoeNeighbour *neighbour);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeNeighbour, moe_neighbour_free)

/* Has a simulation run beside the other job, which must outlive it; several threads may. */
void moe_neighbour_attach(const MoeNeighbour *neighbour, MoeSimOptions *options);
/* Step time of the other job, alone. */
double moe_neighbour_step_s(const MoeNeighbour *neighbour);
/* Mean share that it takes of the uplink that it uses most. */
double moe_neighbour_used(const MoeNeighbour *neighbour);

G_END_DECLS

#endif
