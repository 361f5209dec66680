/*
 * schedule, private: the order in which a stage works on micro-batches.
 *
 * The model is cut into *positions* (virtual stages) in order. One or two *chains* run through them; a chain maps a
 * position to a stage and a chunk of that stage. A schedule lists each stage's actions; messages follow from the
 * actions.
 */
#ifndef MOESIM_PROGRAM_SCHEDULE_H
#define MOESIM_PROGRAM_SCHEDULE_H

#include <moesim/spec.h>

typedef enum {
  MOE_ACTION_FORWARD,
  MOE_ACTION_BACKWARD, /* data and weight gradients */
  MOE_ACTION_DGRAD,    /* data gradients, weight gradients left for later */
  MOE_ACTION_WGRAD,
  MOE_ACTION_BOTH,   /* forward of one micro-batch beside the whole backward of another */
  MOE_ACTION_FINISH, /* end of the step: optimizer */
} MoeActionKind;

typedef struct {
  uint8_t kind;
  uint8_t chunk;           /* of the stage; BOTH: of the forward part */
  uint8_t chunk_b;         /* BOTH: of the backward part */
  uint32_t batch, batch_b; /* micro-batches */
} MoeAction;

#define MOE_MAX_CHUNKS 64

/* Where the model's positions lie. */
typedef struct {
  int64_t stages, chunks, positions, batches;
  int64_t chains; /* 2: both directions hold the whole model (DualPipe) */
  gboolean merge; /* forward and backward of different micro-batches may share a block */
} MoePlacement;

typedef struct {
  MoeScheduleKind kind;
  int64_t chunks_per_stage; /* 0 = the run's virtual stages; DualPipe: one per direction */
  int64_t chains;
  gboolean folded; /* V shape: the second chunk runs back through the stages */
  /* What is wrong with the layout, or NULL. Static text. */
  const char *(*check)(const MoePlacement *placement);
  /* Appends the stage's actions in order. */
  void (*actions)(const MoePlacement *placement, int64_t stage, GArray *actions);
} MoeSchedule;

const MoeSchedule *moe_schedule_find(MoeScheduleKind kind);
void moe_placement_init(const MoeSchedule *schedule, const MoeParallelism *parallelism, gboolean merge,
                        MoePlacement *placement);
/* Position of a chunk of a stage, and back. `chain` is the chain of a micro-batch. */
int64_t moe_placement_position(const MoeSchedule *schedule, const MoePlacement *placement, int64_t stage,
                               int64_t chunk);
int64_t moe_placement_stage(const MoeSchedule *schedule, const MoePlacement *placement, int64_t position,
                            int64_t chain);
int64_t moe_placement_chain(const MoeSchedule *schedule, const MoePlacement *placement, int64_t batch);

void moe_action_add(GArray *actions, MoeActionKind kind, int64_t chunk, int64_t batch);
void moe_action_add_both(GArray *actions, int64_t chunk, int64_t batch, int64_t chunk_b, int64_t batch_b);

extern const MoeSchedule moe_schedule_none, moe_schedule_gpipe, moe_schedule_1f1b, moe_schedule_interleaved,
    moe_schedule_zb_h1, moe_schedule_zb_h2, moe_schedule_zb_v, moe_schedule_dualpipe, moe_schedule_dualpipe_v;

#endif
