/* Private to search: probes and what bounds are made of. */
#ifndef MOESIM_SEARCH_INTERNAL_H
#define MOESIM_SEARCH_INTERNAL_H

#include "cost/cost.h"
#include "program/program.h"
#include "schedule/schedule.h"
#include "spec/spec.h"
#include "spec/work.h"
#include "topo/topo.h"
#include <moesim/search.h>

/* Shares in MoeLayoutChoice are whole percents. */
#define MOE_SEARCH_PERCENT 100

/* Whether this process does the piece of work of this number. */
gboolean moe_search_is_mine(const MoeSearchOptions *options, guint index);

/* Bytes that a GPU may hold, slack included. */
double moe_search_capacity(const MoeSearchOptions *options, const MoeRun *run);

/* Runs what is ranked again with noise, and for objective gpus as a training with failures: what then does not fit or
 * misses the deadline goes (n_refuted), the rest is ranked anew. */
void moe_search_verify(const MoeRun *run, const MoeSearchOptions *options, MoeSearchResult *result);
/* The same for the run's own layout, which stays whatever comes out. */
void moe_search_verify_own(const MoeRun *run, const MoeSearchOptions *options, MoeSearchResult *result);

/* Layouts that differ from the run's own in one dimension at most (somebody chose it, and a good layout found early
 * spares simulations of others), or the rest. */
typedef enum { MOE_REGION_ALL, MOE_REGION_NEAR, MOE_REGION_REST } MoeSearchRegion;

/* As moe_search_enumerate, of one part, until `stop`; *cut tells whether that came first. */
GArray *moe_search_enumerate_part(const MoeRun *run, const MoeSearchOptions *options, MoeSearchRegion region,
                                  const MoeStop *stop, gboolean *cut, GError **error);

/* Times of one pass over one part of the model, seconds. */
typedef struct {
  double path;   /* kernels and the transfers they wait for, each alone on the machine */
  double busy;   /* the same without the exchange of tokens, during which another micro-batch may compute */
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

/* How long what a GPU does keeps each of its ports and streams. */
typedef struct {
  double port_s[MOE_N_PORTS];
  double stream_s[MOE_N_STREAMS];
} MoeCarried;

/* Walks over a program's operations: each alone on the machine, with a host that is never late. */
typedef struct {
  const MoeRun *run;
  const MoeProgram *program;
  const MoeTopo *topo;
  const MoeCostModel *cost;
  int64_t rank;                 /* whose groups collectives are those of */
  double *kernel_s;             /* [n_kernels]; < 0 = not priced yet */
  double *collective_s;         /* [n_collectives] alone; < 0 = not planned yet */
  MoeCarried *collective_ports; /* [n_collectives] of those that are planned */
  double *end;                  /* [ops of the block] seconds from the start of the piece; < 0 = counts as done */
  gboolean unpriced;            /* a kernel had no price */
} MoeWalk;

/* Operations of a block that stand one after another. */
typedef struct {
  const MoeBlock *block;
  uint32_t first, end; /* operations */
  guint part;          /* layer, or layers + 0 embedding, + 1 head */
  int64_t before;      /* last compute operation before the piece, -1 none */
} MoePiece;

MoeWalk *moe_walk_new(const MoeRun *run, const MoeProgram *program, const MoeTopo *topo, const MoeCostModel *cost);
void moe_walk_free(MoeWalk *walk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeWalk, moe_walk_free)
/* From now on of this rank. */
void moe_walk_at(MoeWalk *walk, int64_t rank);
/* Index of the last compute operation before `end`, -1 when there is none. */
int64_t moe_last_compute(const MoeBlock *block, uint32_t end);
/* Seconds from the start of the piece to the end of its last compute operation; fills walk->end. */
double moe_walk_piece(MoeWalk *walk, const MoePiece *piece);
/* The same when another micro-batch may go first wherever compute waits for tokens under way: what began before such a
 * wait counts as done after it. */
double moe_walk_runs(MoeWalk *walk, const MoePiece *piece);
/* Dispatches and combines of a piece, one after another. */
double moe_walk_expert(MoeWalk *walk, const MoePiece *piece);
/* Kernels from an operation to the end of the block. */
double moe_walk_kernels(MoeWalk *walk, const MoeBlock *block, uint32_t first);

/* Adds what so many passes over a block keep the rank's streams and, of collectives, its ports. */
void moe_walk_carried(MoeWalk *walk, const MoeBlock *block, double times, MoeCarried *sum);
/* Seconds of a step of a role that waits for no other: all streams, from call to call. */
double moe_walk_role(MoeWalk *walk, const MoeRole *role);

/* Weights of a mean layer before any split, elements. */
typedef struct {
  double attention, ffn, shared, experts;
} MoeLayerWeights;
void moe_layer_weights(const MoeArchitecture *architecture, MoeLayerWeights *layer);

/* What a stage holds of the model and how often, derived from the layout. */
typedef struct {
  const MoeRun *run; /* with the layout applied */
  const MoeLayerWeights *layer;
  const MoeProbe *probe;
  const MoeTopo *topo;
  gboolean exposed; /* forward and backward passes are not merged or split: what kernels wait for adds up */
} MoeBoundInput;

double moe_bound_step(const MoeBoundInput *input);
double moe_bound_memory(const MoeBoundInput *input);
/* Of that, what does not depend on activations; needs no probe. */
double moe_bound_static(const MoeBoundInput *input);

/* Positions of the pipeline, and what each holds. */
typedef struct {
  const MoeSchedule *schedule;
  MoePlacement place;
  MoeChunk *chunk; /* [place.positions] */
} MoePositions;

/* Layers, and one more for each end of the model that counts as one when layers are divided over stages. */
int64_t moe_search_places(const MoeRun *run);
void moe_positions_init(const MoeRun *run, MoePositions *positions);
void moe_positions_clear(MoePositions *positions);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoePositions, moe_positions_clear)
/* What the chunk'th position of a stage holds. */
const MoeChunk *moe_positions_chunk(const MoePositions *positions, int64_t stage, int64_t chunk);
/* Its times and bytes, ends of the model included; prediction modules are left out. */
MoeProbePart moe_chunk_part(const MoeChunk *chunk, const MoeProbe *probe);

#endif
