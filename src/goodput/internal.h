/* Private to the goodput study: the state of one simulated training. */
#ifndef MOESIM_GOODPUT_INTERNAL_H
#define MOESIM_GOODPUT_INTERNAL_H

#include "engine/engine.h"
#include "goodput/model.h"
#include <moesim/goodput.h>

/* What the job is doing. */
typedef enum {
  PHASE_STEPPING,
  PHASE_CHECKPOINT, /* stands still while it copies (async) or copies and writes (sync) */
  PHASE_DRAIN,      /* a planned stop: copies and writes, then restarts without the straggler */
  PHASE_DETECT,     /* failed, nobody knows */
  PHASE_WAIT,       /* for a host */
  PHASE_RESTART,
  N_PHASES,
} Phase;

/* Event classes; within one tick the lower one leaves first. */
typedef enum {
  EVENT_PROGRESS,   /* the work reaches the next checkpoint or the end */
  EVENT_PHASE,      /* the phase ends */
  EVENT_WRITTEN,    /* the checkpoint in flight is complete */
  EVENT_SLOW_END,   /* a slow period ends; id: 2 x number + kind */
  EVENT_REPAIRED,   /* a failed host is a spare again */
  EVENT_SLOW_START, /* id: kind */
  EVENT_FAILURE,    /* the first of MOE_N_PARTS classes; id: the part */
  N_EVENTS = EVENT_FAILURE + MOE_N_PARTS,
} EventClass;

typedef enum { SLOW_DEGRADED, SLOW_STRAGGLER, N_SLOW } SlowKind;

/* All parts of one kind. Exponential lives have no memory, so that all parts together are one exponential process: it
 * is kept as one part that fails as often as all of them. */
typedef struct {
  guint n;       /* processes */
  double mean_s; /* between failures of one process */
  double shape;  /* Weibull */
  uint64_t stream, first_stream;
  guint32 *drawn; /* [n] failures drawn so far */
} Population;

typedef struct {
  double mean_s; /* between starts, whole job; 0 = none */
  double lasts_s, slowdown;
  uint64_t stream;
  guint started, active;
} SlowProcess;

/* Work and checkpoints are measured in ticks of healthy stepping. */
typedef struct {
  const MoeGoodputModel *model;
  uint64_t seed;
  MoeEngine *engine;
  Population populations[MOE_N_PARTS];
  SlowProcess slow[N_SLOW];
  Phase phase;
  MoeTick now; /* until when time is booked */
  MoeTick phase_ticks[N_PHASES];
  double step, total, interval; /* work of one step, of all, between checkpoints */
  double work, saved, snapshot; /* done, safe in storage, in the copy that is being written */
  double next_snapshot;         /* work at which to copy; INFINITY: when the write in flight is complete */
  double slow_ticks, lost;      /* overheads that are shares of stepping */
  gboolean writing, done;
  int64_t spares, needed; /* hosts */
  guint fruitless;        /* interruptions since the last complete checkpoint */
  guint repairs;          /* ids of EVENT_REPAIRED */
  MoeGoodputSample *sample;
} Training;

/* ---- goodput_failures.c ---- */

void training_init_processes(Training *training);
void training_clear_processes(Training *training);
/* Posts the next failure of a part, or the next slow period of a kind. */
void training_post_failure(Training *training, MoePart part, guint id);
void training_post_slow(Training *training, SlowKind kind);
/* Length of the slow period that has just started. */
MoeTick training_slow_length(const Training *training, SlowKind kind);
/* Steps per healthy step time, 0..1. */
double training_speed(const Training *training);
/* Seconds to whole ticks, rounded up; beyond the range: never. */
MoeTick training_ticks(double seconds);
/* The calendar's now + duration, saturating. */
MoeTick training_after(const Training *training, MoeTick duration);

/* ---- goodput_recovery.c ---- */

/* A part of the job fails. */
void training_fail(Training *training, MoePart part, guint id);
/* The straggler has been noticed: save everything, then restart without its host. */
void training_replace_straggler(Training *training);
/* Healthy hosts are needed: takes spares and restarts, or waits. */
void training_acquire_hosts(Training *training);
void training_host_repaired(Training *training);
void training_restart(Training *training);

/* ---- goodput_sim.c ---- */

/* Books the time since the last call. */
void training_advance(Training *training);
/* Starts a phase other than stepping that ends after `duration`. */
void training_enter(Training *training, Phase phase, MoeTick duration);
/* Steps on; the next checkpoint is one interval away, unless one is due. */
void training_step_on(Training *training);
/* The next point at which the work needs attention, at the present speed. */
void training_schedule_progress(Training *training);

#endif
