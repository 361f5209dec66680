/*
 * program: one training step as work - rank layout, groups, pipeline schedules, layer lowering, memory footprint.
 *
 * Floor 4. Uses base, spec, layer. Knows no topology, no cost, no time.
 *
 * A *role* is what all ranks of one pipeline stage do. A role is a list of *calls* of *blocks*. A block is a list of
 * operations in the order in which the host issues them, over the GPU's streams; each stream runs its operations in
 * order. Besides, an operation may wait for other streams: a wait (stream, count) means "the first `count` operations
 * of that stream in this call of the block are done"; count 0 means "all of that stream's operations in earlier calls
 * are done".
 *
 *      role of stage 3:   F0  F1  F2  F0B0' ...                 (calls; the blocks are shared by all micro-batches)
 *      block F:           [recv] [norm qkv attention ...] [dispatch] [experts] [combine] ... [send]
 *
 * Frozen once built: everything is const, shared between all ranks of the role and between threads.
 */
#ifndef MOESIM_PROGRAM_H
#define MOESIM_PROGRAM_H

#include "spec/spec.h"
#include "spec/work.h"

G_BEGIN_DECLS

/* ---- layout ------------------------------------------------------------------------------------------------------ */

typedef struct {
  int64_t stage;                              /* pipeline rank */
  int64_t tensor, context, data;              /* attention side */
  int64_t expert, expert_tensor, expert_data; /* MoE side */
} MoeCoordinates;

typedef struct MoeLayout MoeLayout;

MoeLayout *moe_layout_new(const MoeParallelism *parallelism, GError **error);
void moe_layout_free(MoeLayout *layout);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeLayout, moe_layout_free)
int64_t moe_layout_ranks(const MoeLayout *layout);
void moe_layout_coordinates(const MoeLayout *layout, int64_t rank, MoeCoordinates *coordinates);
/* The rank with the same coordinates on another pipeline stage. */
int64_t moe_layout_on_stage(const MoeLayout *layout, int64_t rank, int64_t stage);
/* Members of a group kind are arithmetic: number of groups, members of each, the group of a rank, the i-th member. */
int64_t moe_layout_n_groups(const MoeLayout *layout, MoeGroupKind kind);
int64_t moe_layout_group_size(const MoeLayout *layout, MoeGroupKind kind);
int64_t moe_layout_group_of(const MoeLayout *layout, MoeGroupKind kind, int64_t rank);
int64_t moe_layout_index_in_group(const MoeLayout *layout, MoeGroupKind kind, int64_t rank);
/* -1 when the group kind leaves this rank out (EMBEDDING for middle stages: group_of gives -1). */
int64_t moe_layout_member(const MoeLayout *layout, MoeGroupKind kind, int64_t group, int64_t index);
/* The same for all ranks at once: group (G_MAXUINT32 = left out) and index in it (0 when left out) of each. */
void moe_layout_groups(const MoeLayout *layout, MoeGroupKind kind, uint32_t *group, uint32_t *index);

/* ---- operations -------------------------------------------------------------------------------------------------- */

typedef enum {
  MOE_OP_KERNEL,     /* work = index into kernels; stream COMPUTE */
  MOE_OP_COLLECTIVE, /* work = index into collectives */
  MOE_OP_SEND,       /* work = slot 0..MOE_CALL_MESSAGES-1 of the call's messages */
  MOE_OP_RECV,       /* likewise; done when the message has arrived */
  MOE_OP_COPY,       /* work = index into copies */
  MOE_OP_HOST_SYNC, /* the host stops issuing until the op's waits hold, then pays the stack's synchronization; occupies
                       no stream (stream is ignored) */
  MOE_OP_DELAY,     /* compute stream idles for the host: work = index into delays */
} MoeOpKind;

typedef struct {
  uint8_t kind;   /* MoeOpKind */
  uint8_t stream; /* MoeStream */
  uint8_t pass;   /* MoePass, for attribution */
  uint8_t scope;  /* MoeScope, for CUDA-graph coverage */
  uint32_t work;
  uint32_t first_wait; /* into the block's waits */
  uint16_t n_waits;
  int16_t layer; /* model layer, -1 = none; for traces */
} MoeOp;

typedef struct {
  uint32_t stream;
  uint32_t count;
} MoeWait;

/* A change of a rank's memory, tied to an operation of the block. */
typedef struct {
  uint32_t op;    /* index in the block */
  uint8_t part;   /* MoeMemoryPart */
  uint8_t at_end; /* applied when the op ends (frees), else when it starts (allocations) */
  uint8_t pooled; /* what captured operations of a layer leave: in the pool of the graphs */
  double bytes;   /* positive allocates */
} MoeMemoryEvent;

typedef struct {
  const char *name; /* "F", "B", "W", "F+B", "step" */
  uint32_t n_ops, n_waits, n_memory;
  const MoeOp *ops;
  const MoeWait *waits;
  const MoeMemoryEvent *memory;
  uint32_t n_stream[MOE_N_STREAMS];          /* operations per stream (HOST_SYNC on none) */
  const uint32_t *stream_ops[MOE_N_STREAMS]; /* their indices in ops, ascending */
} MoeBlock;

#define MOE_CALL_MESSAGES 8
#define MOE_NO_MESSAGE    G_MAXUINT32

typedef struct {
  uint32_t block;
  uint32_t micro_batch;
  /* Ids into the program's messages, or MOE_NO_MESSAGE: 0 forward in, 1 forward out, 2 backward in, 3 backward out. */
  uint32_t message[MOE_CALL_MESSAGES];
  uint32_t base[MOE_N_STREAMS]; /* operations of each stream in earlier calls */
} MoeCall;

typedef struct {
  int64_t stage;
  uint32_t n_calls;
  const MoeCall *calls;
  uint32_t total[MOE_N_STREAMS];           /* operations per stream in the step */
  uint64_t n_ops;                          /* in the step, all streams */
  double static_bytes[MOE_N_MEMORY_PARTS]; /* held throughout the step */
} MoeRole;

/* One pipeline message: from a stage to another, for the rank with the same other coordinates. */
typedef struct {
  uint32_t from_stage, to_stage;
  double bytes;
} MoeMessage;

typedef struct {
  guint n_roles, n_blocks, n_kernels, n_collectives, n_copies, n_messages, n_delays;
  const MoeRole *roles; /* one per pipeline stage */
  const MoeBlock *blocks;
  const MoeKernel *kernels; /* [n_kernels] as load class 0 runs them; moe_program_kernel gives those of other classes */
  const gboolean *kernel_varies; /* [n_kernels] whether load classes differ in it; NULL: none does */
  const guint *kernel_like; /* [n_kernels] of a recomputing kernel an earlier one that takes the same time in every load
                               class, as a rule the forward pass's; of others the kernel itself. NULL: of all */
  guint n_load_classes; /* 1, or with imbalanced routing draws times the expert-parallel size: each draw and index has
                           its own rows, class = draw * size + index */
  guint n_load_draws;   /* at least 1: different loads that expert groups and micro-batches have in this step */
  const MoeCollective *collectives;
  const MoeCopy *copies;
  const MoeMessage *messages;
  const MoeDelay *delays;
  double tokens_per_step;
  double model_flop_per_step; /* causal, over all GPUs */
  const MoeLayout *layout;
} MoeProgram;

/* Lowers a validated run. NULL and *error (MOE_ERROR_LAYOUT) when the layout cannot exist. */
MoeProgram *moe_program_build(const MoeRun *run, uint64_t seed, GError **error);
/* The same for a later step of a training: `seed` is of this step alone, `step` counts from the first one. What expert
 * loads remember from step to step follows seed - step. */
MoeProgram *moe_program_build_step(const MoeRun *run, uint64_t seed, uint64_t step, GError **error);
/* Which of the n_load_draws loads an expert group has in a micro-batch; `group` is the expert-data index of its ranks.
 * Groups whose indices are equal modulo n_load_draws have the same loads in all micro-batches. */
guint moe_program_load_draw(const MoeProgram *program, guint group, uint32_t micro_batch);
/* How often each work of operations of a `kind` (of its n kernels, collectives ...) runs in a step, over all roles:
 * [n]. Free with g_free. */
double *moe_program_times(const MoeProgram *program, MoeOpKind kind, guint n);
void moe_program_free(MoeProgram *program);
/* Whether the table of expert counts by which a validated run routes, if it does, has a row for each MoE layer and a
 * count for each expert. FALSE and *error (MOE_ERROR_INPUT, _IO) say where not. */
gboolean moe_routing_check(const MoeRun *run, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeProgram, moe_program_free)

/* Kernel `index` as a load class runs it. */
void moe_program_kernel(const MoeProgram *program, guint load, guint index, MoeKernel *kernel);

/* States the invariants (waits point backwards in issue order, messages are sent and received once, collectives of a
 * group appear in the same order on all its members' roles, memory returns to its start); NULL when they hold, else
 * what does not. Caller frees. */
char *moe_program_check(const MoeProgram *program);

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* Peak of one role, walking its operations in the order of the compute stream. */
void moe_program_footprint(const MoeProgram *program, const MoeRun *run, guint role, MoeFootprint *footprint);

G_END_DECLS

#endif
