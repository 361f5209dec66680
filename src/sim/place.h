/* Between place.c and shapes.c: all ranks while they are placed. */
#ifndef MOESIM_SIM_PLACE_H
#define MOESIM_SIM_PLACE_H

#include "internal.h"

/* Real groups of one kind, all ranks. */
typedef struct {
  guint n_groups, size;
  uint32_t *member;  /* [n_groups * size] */
  uint32_t *of_rank; /* [n_ranks], NONE when left out */
  uint32_t *index;   /* [n_ranks] */
  uint32_t *shape;   /* [n_groups] */
} RealGroups;

enum { SITE_DOMAIN, SITE_HOST, SITE_LEAF, N_SITES };

typedef struct {
  Sim *sim;
  guint n_ranks;
  RealGroups real[MOE_N_GROUPS];
  uint32_t *site[N_SITES];  /* [n_ranks] domain, host and leaf of each rank's GPU */
  uint32_t *stage, *expert; /* [n_ranks] coordinates of each rank */
  uint32_t *rack;           /* [n_ranks] expert-data index modulo the draws of loads */
  uint64_t *colour;         /* [n_ranks] hash */
  Colours colours;
} Placing;

static inline uint64_t sim_mix(uint64_t hash, uint64_t value)
{
  hash ^= value + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2); /* golden-ratio mixing, as in boost::hash_combine */
  hash *= 0xff51afd7ed558ccdu;                                     /* MurmurHash3 finalizer multiplier */
  return hash ^ (hash >> 33);
}

/* Finds the shapes of all real groups and the sites they lie on. */
void sim_find_shapes(Placing *placing);

#endif
