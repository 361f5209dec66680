/*
 * schedule: in which order the stages of a pipeline work on micro-batches, and what of the model lies where.
 *
 * Floor 1, pure mathematics. Uses base. Knows no run, no kernel and no time.
 *
 * The model is cut into *positions* (virtual stages) in order. One or two *chains* run through them; a chain maps a
 * position to a stage and a *chunk* of that stage. A schedule lists each stage's actions; messages follow from the
 * actions.
 *
 *     stage 0   chunk 0 = position 0     chunk 1 = position 4      (interleaved, 4 stages of 2 chunks)
 *     stage 1             position 1               position 5
 *     ...
 *
 * A schedule is a row: a file src/schedule/row_NAME.c and a line of MOE_SCHEDULE_ROWS.
 */
#ifndef MOESIM_SCHEDULE_H
#define MOESIM_SCHEDULE_H

#include "base/base.h"

G_BEGIN_DECLS

/* Constant, name of the row, word in input files. */
#define MOE_SCHEDULE_ROWS(ROW)                                                                                         \
  ROW(NONE, none, "none")                                                                                              \
  ROW(GPIPE, gpipe, "gpipe")                                                                                           \
  ROW(1F1B, 1f1b, "1f1b")                                                                                              \
  ROW(INTERLEAVED, interleaved, "interleaved")                                                                         \
  ROW(ZB_H1, zb_h1, "zb-h1")                                                                                           \
  ROW(ZB_H2, zb_h2, "zb-h2")                                                                                           \
  ROW(V_HALF, v_half, "v-half")                                                                                        \
  ROW(V_MIN, v_min, "v-min")                                                                                           \
  ROW(ZB_V, zb_v, "zb-v")                                                                                              \
  ROW(DUALPIPE, dualpipe, "dualpipe")                                                                                  \
  ROW(DUALPIPE_V, dualpipe_v, "dualpipe-v")

#define MOE_SCHEDULE_CONSTANT(constant, row, word) MOE_SCHEDULE_##constant,
typedef enum { MOE_SCHEDULE_ROWS(MOE_SCHEDULE_CONSTANT) MOE_N_SCHEDULES } MoeScheduleKind;
#undef MOE_SCHEDULE_CONSTANT

extern const char *const moe_schedule_words[]; /* [MOE_N_SCHEDULES + 1], the last one NULL */

/* ---- actions ----------------------------------------------------------------------------------------------------- */

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

/* Which passes an action holds. */
gboolean moe_action_forwards(const MoeAction *action);
gboolean moe_action_backwards(const MoeAction *action); /* data gradients */
gboolean moe_action_weighs(const MoeAction *action);    /* weight gradients */

/* ---- where positions lie ----------------------------------------------------------------------------------------- */

/* Chunks that a stage may hold, bounded by MoeAction. */
#define MOE_MAX_CHUNKS 64

typedef struct {
  int64_t stages, chunks, positions, batches;
  int64_t chains; /* 2: both directions hold the whole model (DualPipe) */
  gboolean merge; /* forward and backward of different micro-batches may share a block */
} MoePlacement;

/* ---- a schedule -------------------------------------------------------------------------------------------------- */

/* What a schedule asks of stages, chunks and micro-batches. */
typedef struct {
  int64_t min_stages, max_stages; /* max_stages 0 = any number */
  int64_t min_chunks;             /* virtual stages per stage at least, where the run chooses them */
  gboolean even_stages;           /* two directions meet in the middle */
  gboolean even_batches;          /* half of the micro-batches come from each end */
  gboolean rounds;                /* micro-batches go in rounds of one per stage */
  int64_t batches_per_stage;      /* at least so many micro-batches for every stage */
} MoeScheduleDemand;

typedef struct {
  const char *title; /* what it is, in one line */
  MoeScheduleDemand demand;
  int64_t chunks;           /* chunks of a stage; 0 = the run's virtual stages; DualPipe: one per direction */
  int64_t chains;           /* 1 or 2 */
  gboolean folded;          /* V shape: the second chunk runs back through the stages */
  gboolean splits_backward; /* weight gradients may wait: the actions hold DGRAD and WGRAD */
  /* Appends the stage's actions in order. */
  void (*actions)(const MoePlacement *placement, int64_t stage, GArray *actions);
  /* Micro-batches of each chunk whose activations the stage holds at the same instant, at least: a bound on memory
   * that needs no actions. */
  int64_t (*held)(const MoePlacement *placement, int64_t stage, int64_t chunk);
} MoeSchedule;

/* The row of a kind; never NULL. */
const MoeSchedule *moe_schedule_find(MoeScheduleKind kind);

/* What a complaint is about. */
typedef enum {
  MOE_SCHEDULE_ABOUT_SCHEDULE,
  MOE_SCHEDULE_ABOUT_STAGES,
  MOE_SCHEDULE_ABOUT_CHUNKS,
  MOE_SCHEDULE_ABOUT_BATCHES,
} MoeScheduleAbout;

/* NULL when the schedule can run with so many stages (>= 1), virtual stages per stage (>= 1) and micro-batches; else
 * what is wrong and what was expected (g_free), and in *about which of them. */
char *moe_schedule_check(MoeScheduleKind kind, int64_t stages, int64_t virtual_stages, int64_t batches,
                         MoeScheduleAbout *about);

void moe_placement_init(MoeScheduleKind kind, int64_t stages, int64_t virtual_stages, int64_t batches, gboolean merge,
                        MoePlacement *placement);
/* Position of a chunk of a stage, and back. `chain` is the chain of a micro-batch. */
int64_t moe_placement_position(const MoeSchedule *schedule, const MoePlacement *placement, int64_t stage,
                               int64_t chunk);
int64_t moe_placement_stage(const MoeSchedule *schedule, const MoePlacement *placement, int64_t position,
                            int64_t chain);
int64_t moe_placement_chain(const MoeSchedule *schedule, const MoePlacement *placement, int64_t batch);

/* ---- which layers lie where -------------------------------------------------------------------------------------- */

/* What one position holds, in the order of the model: embedding, layers, multi-token prediction, loss. */
typedef struct {
  int64_t first, count; /* layers, first counted from 0 */
  int64_t mtp;          /* prediction modules: their layer and their projection; their loss is where the loss is */
  gboolean embedding;
  gboolean head; /* final norm, LM head, loss */
} MoeChunk;

/* An even division: every position gets the same number of places, a remainder goes to earlier positions. */
typedef struct {
  int64_t layers, mtp;
  int64_t first_stage_layers, last_stage_layers; /* of all chunks of that stage; -1 = as the others */
  gboolean embedding_counts, head_counts;        /* the ends take a layer's place */
} MoeDivision;

/* What each of `positions` positions holds; `stages` of them lie side by side. Prediction modules stand with the loss.
 * Free with g_free. */
MoeChunk *moe_chunks_divide(const MoeDivision *division, int64_t positions, int64_t stages);

/*
 * Reads a layout string as Megatron-Core's --pipeline-model-parallel-layout: E embedding, t layer, m prediction module,
 * L loss, `|` the next position, x*n n times x, (...)*n n times the group, commas mean nothing.
 *
 *     Et*4|(t*4|)*14tmL      61 layers on 16 positions: embedding and 4, fourteen times 4, then 1, prediction and loss
 *
 * NULL and *wrong (g_free) when it is no layout: what is wrong, at which character. Free the array with g_free.
 */
MoeChunk *moe_chunks_parse(const char *layout, guint *n, char **wrong);
/* NULL when the chunks hold a model of so many layers and prediction modules in order; else what is wrong (g_free). */
char *moe_chunks_check(const MoeChunk *chunks, guint n, int64_t layers, int64_t mtp);

G_END_DECLS

#endif
