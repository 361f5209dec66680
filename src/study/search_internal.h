/* Private to search: probes and what bounds are made of. */
#ifndef MOESIM_STUDY_SEARCH_INTERNAL_H
#define MOESIM_STUDY_SEARCH_INTERNAL_H

#include <moesim/search.h>

/* Times of one pass over one part of the model, seconds. */
typedef struct {
  double path;   /* kernels and the transfers they wait for, each alone on the machine */
  double busy;   /* kernels alone */
  double expert; /* dispatches and combines alone, one after another */
} MoePassBound;

/* A layer, or an end of the model. */
typedef struct {
  MoePassBound forward, backward;
  double saved_bytes; /* kept from the forward to the backward pass */
} MoeProbePart;

/* Layers as sums over those before, so that a stage is a difference of two. */
typedef struct {
  int64_t layers;
  MoeProbePart *before; /* [layers + 1] sum of the parts of all layers before this one */
  MoeProbePart embedding, head;
} MoeProbe;

/* Measures a run copy with the choice's degrees on one stage. NULL when it cannot be lowered or priced. */
MoeProbe *moe_probe_new(const MoeRun *run, const MoeCostModel *cost, const MoeLayoutChoice *choice);
void moe_probe_free(MoeProbe *probe);
/* Whether two layouts may share a probe: `key` holds what a probe depends on, zero elsewhere. */
void moe_probe_key(const MoeRun *applied, const MoeLayoutChoice *choice, MoeLayoutChoice *key);

/* What a stage holds of the model and how often, derived from the layout. */
typedef struct {
  const MoeRun *run; /* with the layout applied */
  const MoeProbe *probe;
  const MoeTopo *topo;
  gboolean exposed; /* forward and backward passes are not merged or split: what kernels wait for adds up */
} MoeBoundInput;

double moe_bound_step(const MoeBoundInput *input);
double moe_bound_memory(const MoeBoundInput *input);

/* Positions of the pipeline. */
typedef struct {
  int64_t stages, positions, chunks; /* chunks of a stage */
  int64_t layers, places;
  gboolean embedding_counts, head_counts;
  gboolean folded;   /* V shape */
  gboolean mirrored; /* two directions */
} MoePositions;

/* Layers, and one more for each end of the model that counts as one when layers are divided over stages. */
int64_t moe_search_places(const MoeRun *run);
void moe_positions_init(const MoeRun *run, MoePositions *positions);
/* First layer of a position; that of position `positions` is the number of layers. */
int64_t moe_position_first(const MoePositions *positions, int64_t position);
/* The chunk'th position of a stage. */
int64_t moe_position_of(const MoePositions *positions, int64_t stage, int64_t chunk);
/* What a position holds, ends of the model included. */
MoeProbePart moe_position_part(const MoePositions *positions, const MoeProbe *probe, int64_t position);

#endif
