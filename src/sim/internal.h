/*
 * Inside sim. One Sim per step; everything hangs on it.
 *
 *   price.c     what every operation costs: kernel durations per machine state, segments of blocks
 *   issue.c     what the host pays to issue it: launches, framework calls, graphs
 *   busy.c      what kernels take in a step, by cause
 *   colours.c   the set of colours of place.c
 *   effort.c    what the simulation itself will take
 *   place.c     groups on the machine, colours (which ranks do the same), units
 *   shapes.c    how groups lie on the machine
 *   unit.c      streams of one unit: what can start now, what completes
 *   compute.c   the compute stream: segments of kernels, machine states, timeline slices
 *   host.c      the host: issue order, synchronization
 *   exchange.c  collectives, messages and copies on the fabric
 *   prices.c    the prices alone, for others
 *   account.c   idle causes, totals
 *   sim.c       the loop
 */
#ifndef MOESIM_SIM_INTERNAL_H
#define MOESIM_SIM_INTERNAL_H

#include "coll/coll.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "sim/sim.h"

/* Machine states of a GPU: which communication kernels run beside the compute stream. Bits. */
enum { MODE_EXPERT = 1, MODE_COLLECTIVE = 2, N_MODES = 4 };

#define NONE     G_MAXUINT32
#define HOST_BIT MOE_N_STREAMS /* the host's place in masks of waiters, after the streams */

/* ---- prices (price.c) -------------------------------------------------------------------------------------------- */

/* The longest step that is simulated, 11.6 days. A tenth of what MoeTime holds: sums of a few such times stay in range.
 */
#define SIM_LONGEST_S 1e6

/* One operation of a block's compute stream. */
typedef struct {
  MoeTime issue; /* host time from the start of the call until it is issued */
  uint32_t work; /* index into the durations of its load class (delays follow kernels) */
  uint32_t op;   /* index in the block */
} ComputeOp;

/* A run of compute operations that nothing else waits for or interrupts: one event. */
typedef struct {
  uint32_t first, n; /* positions in the block's compute stream */
  uint32_t lines;    /* where its own begin among the block's: [mode * n_loads + load] when it varies, else [mode] */
  gboolean varies;   /* its kernels differ between load classes */
} Segment;

/* D and H of the max-plus line of a segment: end = max(start + busy, host + late). Worked out by the first unit that
 * gets into the state; before that, and where nothing takes time, busy is 0. */
typedef struct {
  MoeTime busy, late;
} Line;

typedef struct {
  guint n_segments, n_compute, n_syncs;
  Segment *segments;
  ComputeOp *compute;
  MoeTime *issue;  /* [n_ops] host time from the start of the call until the operation is issued */
  MoeTime host;    /* host time of the whole call */
  uint32_t *syncs; /* indices of HOST_SYNC operations, ascending */
  Line *lines;     /* of each segment N_MODES, of one that varies so many for every load class */
} BlockPlan;

typedef struct {
  MoeTime *call_issue; /* [n_calls] host time at the start of each call, synchronization apart */
  double *cause_s;     /* [n_loads * MOE_N_CAUSES] busy time of one step by cause, undisturbed */
  double *reason_s;    /* [n_loads * MOE_N_REASONS] */
  double *scope_s;     /* [n_loads * MOE_N_SCOPES] */
  double *pass_s;      /* [n_loads * MOE_N_PASSES] */
  double *flop;        /* [n_loads] executed FLOPs per step */
} RolePlan;

/* ---- placement (place.c) ----------------------------------------------------------------------------------------- */

/* How a group lies on the machine; groups of equal shape share plans. */
typedef struct {
  uint64_t hash;
  guint n;
  int64_t *gpus;      /* members of the first group seen with this shape */
  MoeCollPlan *plans; /* [n_collectives], planned on first use */
  gboolean *planned;
} Shape;

/* What a member of a group sent over the network so far: to the next of a ring, to all others alike. */
typedef struct {
  double to_next, to_all;
} GroupSent;

/* Groups of one kind as simulated: the units that must arrive. */
typedef struct {
  gboolean used;
  guint n_groups;
  uint32_t *first;              /* [n_groups + 1] into the member arrays */
  uint32_t *unit, *gpu, *index; /* members: unit, GPU, index in the real group */
  uint32_t *of_unit;            /* [n_units] group of a unit, NONE when left out */
  uint32_t *shape;              /* [n_groups] */
} Groups;

/* Arrivals at the current collective of a group on one stream. */
typedef struct {
  uint32_t arrived;
  uint32_t work;
} Gathering;

/* ---- units ------------------------------------------------------------------------------------------------------- */

typedef enum {
  STREAM_IDLE,    /* to be looked at */
  STREAM_WAITS,   /* for another stream of the unit */
  STREAM_HOST,    /* behind a host synchronization */
  STREAM_ISSUE,   /* until the host has issued the operation: an event is posted */
  STREAM_ARRIVED, /* at a collective, waits for peers */
  STREAM_MESSAGE, /* for a pipeline message */
  STREAM_RUNS,
  STREAM_FINISHED, /* nothing left */
} StreamState;

typedef struct {
  uint32_t call, pos; /* next operation: call of the role, position in its block's list for this stream */
  uint32_t done;      /* operations completed in the step */
  uint8_t state;      /* StreamState */
  uint8_t waits_on;   /* STREAM_WAITS: the stream */
  uint8_t cause;      /* RUNS, of a transfer: to which cause waiting for it belongs */
} Stream;

/* Progress inside the running segment. */
typedef struct {
  MoeTime time;     /* when the rest of this record held */
  uint32_t op;      /* operation of the segment, from 0 */
  double left;      /* share of it still to do, (0, 1] */
  MoeTime op_start; /* for slices */
} Progress;

#define SIM_FACTORS 6 /* most segments are no longer */

/* Thousands of them do not fit into the cache: what every event touches comes first, in whole lines. */
typedef struct {
  Stream stream[MOE_N_STREAMS];
  const MoeCall *calls;      /* of its role */
  uint32_t rank, role, load; /* load: class of the call that its compute stream is in */
  uint32_t rack, index;      /* whose loads: expert-data index modulo the draws, and index in its expert group */
  uint32_t segment;          /* compute stream: next or running segment of the block */
  uint16_t waiting_on[MOE_N_STREAMS]; /* masks of streams (and HOST_BIT) whose head waits for this stream */
  uint16_t host_blocked;              /* streams behind the host's frontier */
  uint16_t ready;                     /* streams (and HOST_BIT) to look at */
  uint8_t communicating[2];           /* running transfers that hold SMs: expert, collective */
  uint8_t in_work_list;               /* boolean */
  uint8_t host_waits;                 /* boolean: at its synchronization, waits for a stream */
  uint8_t host_waits_on;
  uint8_t whole; /* boolean: the running segment runs undisturbed from its start, the max-plus line holds */
  uint8_t mode;  /* machine state while it runs */
  uint8_t idle_cause;
  /* host: an operation at position P of the issue order is issued at host_base + P; it has passed every synchronization
   * before (front_call, front_op) and the last one at (epoch_call, epoch_op) */
  uint32_t front_call, front_sync, front_op; /* next synchronization; front_call = n_calls when there is none */
  uint32_t epoch_call, epoch_op;             /* first operation issued after the last one passed */
  MoeTime host_base, host_arrival;
  /* compute stream */
  Progress progress;
  MoeTime segment_start, segment_busy;
  MoeTime busy_left;          /* what it still computes until its end as scheduled */
  MoeTime segment_offset;     /* host time to add to issue times of its operations */
  double slow;                /* factor on kernel times, 1 = healthy */
  uint64_t jitter_key;        /* of its draws */
  double factor[SIM_FACTORS]; /* on the times of the running segment's first operations, drawn so far */
  uint32_t n_factors;
  /* account */
  MoeTime busy;
  MoeTime idle_since;
  MoeTime idle[MOE_N_CAUSES];
  /* seldom */
  MoeTime received; /* when the last message was taken: slices of the receive stream do not overlap */
  MoeTime end;
  uint8_t *inbox; /* per incoming message of the role: MessageState */
} Unit;

typedef enum { MESSAGE_NOT_SENT, MESSAGE_IN_FLIGHT, MESSAGE_ARRIVED } MessageState;

/* An activity on the fabric, known there by its index here. */
typedef enum { FLIGHT_COLLECTIVE, FLIGHT_MESSAGE, FLIGHT_COPY } FlightKind;
typedef struct {
  uint8_t kind, stream, group_kind, sms_class; /* sms_class: 0 none, else 1 + index in Unit.communicating */
  uint32_t a, b;    /* COLLECTIVE: group, -; MESSAGE: sending unit, receiving unit; COPY: unit, - */
  uint32_t message; /* MESSAGE: id */
  MoeTime start;
} Flight;

typedef struct {
  const MoeProgram *program;
  const MoeRun *run;
  const MoeTopo *topo;
  const MoeCostModel *cost;
  const MoeSimOptions *options;
  guint without;
  double jitter; /* relative standard deviation, 0 = none */
  uint64_t jitter_stream;

  /* prices */
  guint n_loads, n_works; /* works: kernels, then delays */
  MoeTime *duration;      /* [(load * N_MODES + mode) * n_works + work] */
  MoeTime sync;           /* host-device synchronization */
  double pace;            /* factor on math kernels: the slowest GPU's over the mean one's */
  gboolean modes_matter;
  BlockPlan *block;
  RolePlan *role;

  /* placement */
  MoeFidelity fidelity;
  guint n_units;
  Unit *unit;
  uint32_t *unit_of_rank;   /* NONE for ranks that are not simulated */
  uint32_t *colour_of_rank; /* unit that stands for each rank */
  int64_t *multiplicity;    /* [n_units] */
  Groups groups[MOE_N_GROUPS];
  GArray *shapes; /* of Shape */
  Gathering *gathering[MOE_N_GROUPS][MOE_N_STREAMS];
  GroupSent *sent[MOE_N_GROUPS]; /* [n_groups]; NULL where nobody asks for the traffic between domains */
  MoeCollective *collectives;    /* the program's, with what the counterfactual leaves out */

  /* running */
  MoeEngine *engine;
  MoeTime now; /* the engine's */
  MoeFabric *fabric;
  uint32_t class_segment, class_issue, class_host, class_tick;
  GArray *flights;      /* of Flight */
  uint32_t free_flight; /* last freed first, linked by Flight.a; NONE when there is none */
  uint32_t *work_list;  /* [n_units] units to look at, each at most once */
  guint n_work;
  uint32_t *message_slot; /* [n_messages] index in the receiving role's inbox */
  uint8_t *inboxes;
  gboolean *traced;                               /* [n_units]; NULL without a timeline */
  double nvlink_bytes, network_bytes, host_bytes; /* sums over all ranks */
  uint64_t operations;
} Sim;

/* sim.c */
void sim_copy_collectives(Sim *sim);
uint64_t sim_most_events(const Sim *sim);

/* effort.c */
/* Whether what is simulated GPU by GPU fits into memory; before units are made. */
gboolean sim_effort_fits(const Sim *sim, GError **error);
/* Says in GLib's log what a long step will take; FALSE and *error when it has more events than are allowed. After
 * prices.
 */
gboolean sim_effort_check(const Sim *sim, GError **error);

/* price.c */
gboolean sim_price(Sim *sim, GError **error);
void sim_price_clear(Sim *sim);
/* Seconds of a delay of the program, and what they belong to. */
double sim_delay_s(const Sim *sim, guint delay);
MoeCause sim_delay_cause(const MoeOp *op);

/* colours.c */
typedef struct {
  guint mask, n;
  uint64_t *key;
  uint32_t *number_plus_one; /* 0: free */
} Colours;

void sim_colours_init(Colours *colours, guint n_ranks);
void sim_colours_clear(Colours *colours);
void sim_colours_reset(Colours *colours);
/* Number of a colour: 0, 1, ... in the order of first sight. */
uint32_t sim_colours_number(Colours *colours, uint64_t colour);

/* place.c */
gboolean sim_place(Sim *sim, GError **error);
void sim_place_clear(Sim *sim);

/* unit.c */
static inline const MoeCall *sim_call(const Unit *unit, uint32_t call)
{
  return &unit->calls[call];
}
/* Load class of the unit in the first micro-batch, by which its account is kept, and in a call. */
static inline guint sim_load_class(const Sim *sim, guint draw, guint index)
{
  return sim->n_loads > 1 ? draw * (sim->n_loads / sim->program->n_load_draws) + index : 0;
}
static inline guint sim_load_draw(const Sim *sim, const Unit *unit, uint32_t call)
{
  return sim->program->n_load_draws == 1
             ? 0
             : moe_program_load_draw(sim->program, unit->rack, sim_call(unit, call)->micro_batch);
}
void sim_unit_start(Sim *sim, Unit *unit);
/* Looks at everything of the unit that may go on, until nothing more can. */
void sim_unit_run(Sim *sim, Unit *unit);
/* Marks a stream (or HOST_BIT) and puts the unit on the work list. */
void sim_unit_ready(Sim *sim, Unit *unit, unsigned bit);
/* The running or arrived operation of a stream is done: count operations. */
void sim_stream_done(Sim *sim, Unit *unit, unsigned stream, uint32_t count);
/* Registers `waiter` (a stream or HOST_BIT) with the first wait of `op` that does not hold; MOE_N_STREAMS when all
 * hold. */
unsigned sim_wait(Unit *unit, const MoeCall *call, const MoeBlock *block, const MoeOp *op, unsigned waiter);
static inline const MoeBlock *sim_block(const Sim *sim, const Unit *unit, uint32_t call)
{
  return &sim->program->blocks[sim_call(unit, call)->block];
}
/* Index in its block of the next operation of a stream, and the operation. */
static inline uint32_t sim_head_index(const Sim *sim, const Unit *unit, unsigned stream)
{
  const Stream *s = &unit->stream[stream];

  return sim_block(sim, unit, s->call)->stream_ops[stream][s->pos];
}
static inline const MoeOp *sim_head(const Sim *sim, const Unit *unit, unsigned stream)
{
  return &sim_block(sim, unit, unit->stream[stream].call)->ops[sim_head_index(sim, unit, stream)];
}
/* Brings a unit into the cache while something else is done: thousands of units do not fit. */
static inline void sim_prefetch(const Unit *unit)
{
  for (gsize at = 0; at < G_STRUCT_OFFSET(Unit, idle); at += MOE_CACHE_LINE)
    __builtin_prefetch((const char *)unit + at, 1);
}

/* compute.c */
void sim_segment_start(Sim *sim, Unit *unit);
/* Handles its end event. */
void sim_segment_end(Sim *sim, Unit *unit);
/* The unit's machine state may have changed. */
void sim_mode_changed(Sim *sim, Unit *unit);

/* host.c */
void sim_host_start(Sim *sim, Unit *unit);
/* The host goes on past every synchronization that holds. */
void sim_host_run(Sim *sim, Unit *unit);
/* Whether the host has got past all synchronizations before this operation. */
gboolean sim_host_reached(const Unit *unit, uint32_t call, uint32_t op);
/* What to add to the BlockPlan issue times of this operation's call; far in the past when it was issued before the last
 * synchronization. */
MoeTime sim_host_offset(const Sim *sim, const Unit *unit, uint32_t call, uint32_t op);

/* ---- between.c: traffic between domains ---- */

void sim_between_init(Sim *sim);
void sim_between_clear(Sim *sim);
/* A collective of a group, and a message from one GPU to another, start. */
void sim_between_group(Sim *sim, MoeGroupKind kind, uint32_t group, const MoeCollPlan *plan);
void sim_between_message(Sim *sim, uint32_t from, uint32_t to, const MoeCollPlan *plan);
/* Spreads what groups sent over the domains of their members: once, at the end. */
void sim_between_finish(Sim *sim);

/* exchange.c */
void sim_exchange_init(Sim *sim);
void sim_exchange_clear(Sim *sim);
void sim_exchange_start(Sim *sim, Unit *unit, unsigned stream, const MoeOp *op);
void sim_exchange_delivered(Sim *sim, uint32_t flight);
const MoeCollPlan *sim_plan(Sim *sim, MoeGroupKind kind, uint32_t group, uint32_t collective);

/* account.c */
void sim_idle_update(Sim *sim, Unit *unit);
void sim_idle_close(Sim *sim, Unit *unit, MoeTime until);
/* To what waiting for a message under way to `unit` belongs. */
MoeCause sim_message_cause(const Sim *sim, const Unit *unit, uint32_t message);
static inline gboolean sim_traced(const Sim *sim, const Unit *unit)
{
  return sim->traced && sim->traced[unit - sim->unit];
}
/* Delivers the slice of an operation; `cause` as in MoeSlice. */
void sim_slice(Sim *sim, const Unit *unit, unsigned stream, uint32_t op, MoeCause cause, MoeTime start, MoeTime end);
MoeSimResult *sim_account(Sim *sim);

#endif
