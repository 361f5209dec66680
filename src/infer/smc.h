/*
 * Inside infer: sequential Monte Carlo by tempering.
 *
 * Particles start as draws of the prior and pass a ladder of likelihood^t from t = 0 to 1 (Neal 2001; Del Moral, Doucet
 * & Jasra 2006). The next t leaves half of the particles' weight effective; particles are then resampled systematically
 * and moved by Metropolis steps: one axis redrawn from its prior, one axis walking, or several along the difference of
 * two other particles (ter Braak 2006).
 *
 * A state is `n_shares` values uniform between 0 and 1, then `n_normals` standard normal ones. Random numbers are a
 * hash of (seed, stage, particle, step): the same for any number of threads.
 */
#ifndef MOESIM_INFER_SMC_H
#define MOESIM_INFER_SMC_H

#include "study/study.h"

/* Logarithm of the likelihood of a state; -INFINITY where it cannot be. Called from several threads. */
typedef double (*MoeLikelihoodFunc)(const double *state, gconstpointer data);

typedef struct {
  guint n_shares, n_normals, n_particles;
  uint64_t seed;
  guint jobs;
  MoeLikelihoodFunc likelihood;
  gconstpointer data;
  MoeProgressFunc progress; /* in per mille of the ladder; may be NULL */
  gpointer progress_data;
} MoeSmc;

typedef struct {
  guint n, d;
  double *state;          /* n rows of d */
  double *log_likelihood; /* [n] */
  guint n_stages;
} MoeParticles;

/* Equally likely draws of the posterior. */
MoeParticles *moe_smc_run(const MoeSmc *smc);
/* Draws of the prior alone. */
MoeParticles *moe_smc_prior(const MoeSmc *smc);
void moe_particles_free(MoeParticles *particles);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeParticles, moe_particles_free)

#endif
