/*
 * engine: the event calendar and the clock.
 *
 * Floor 1. Uses base. Knows nothing of GPUs or networks.
 *
 * An event is 16 bytes: (time, class, id). Events leave in the total order (time, class, id); at most one event of
 * a given (class, id) may be pending, so the order never depends on the order of insertion, on addresses or on hashes.
 *
 * Two kinds of class share one calendar:
 *   fixed    posted once, never moved (kernel ends): kept in a timing wheel;
 *   movable  completions whose time changes when rates change: kept in an indexed 4-ary heap, moved in place.
 *
 * Life cycle: moe_engine_new -> moe_engine_add_class... -> post/set -> pop until FALSE (or moe_engine_run) ->
 * moe_engine_free. Engines are independent of one another; one engine belongs to one thread at a time.
 */
#ifndef MOESIM_ENGINE_H
#define MOESIM_ENGINE_H

#include "base/base.h"

G_BEGIN_DECLS

typedef struct MoeEngine MoeEngine;

typedef struct {
  MoeTime time;
  uint32_t klass; /* class number as returned by moe_engine_add_class: lower classes leave first within one instant */
  uint32_t id;    /* the caller's entity */
} MoeEvent;

/* Which structure holds fixed events. HEAP is the slow, obviously right reference; both give the same order. */
typedef enum { MOE_CALENDAR_WHEEL, MOE_CALENDAR_HEAP } MoeCalendarKind;

MoeEngine *moe_engine_new(MoeCalendarKind kind);
void moe_engine_free(MoeEngine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeEngine, moe_engine_free)

/* Adds a class; returns its number (0, 1, ... at most 255). ids of a movable class lie in [0, max_ids); max_ids may be
 * raised later with moe_engine_grow_class. For a fixed class max_ids is ignored. */
uint32_t moe_engine_add_class(MoeEngine *engine, gboolean movable, uint32_t max_ids);
void moe_engine_grow_class(MoeEngine *engine, uint32_t klass, uint32_t max_ids);

/* Current time: that of the last event popped; 0 at the start. */
MoeTime moe_engine_now(const MoeEngine *engine);

/* Posts an event of a fixed class at `time` >= now; the caller sees to it that (class, id) is not pending yet. An event
 * posted at the present instant leaves in its place among those of the instant that have not left yet. MOE_TIME_MAX
 * means never, here and in moe_engine_set: nothing is posted, what was set is cancelled. */
void moe_engine_post(MoeEngine *engine, uint32_t klass, uint32_t id, MoeTime time);
/* Sets or moves the event of a movable class to `time` >= now. */
void moe_engine_set(MoeEngine *engine, uint32_t klass, uint32_t id, MoeTime time);
/* Cancels; nothing happens when it is not pending. Works for movable classes in O(log n); for fixed classes it is
 * O(pending) and meant for tests and rare use. Returns whether an event was pending. */
gboolean moe_engine_cancel(MoeEngine *engine, uint32_t klass, uint32_t id);

/* Takes the next event and advances the clock. FALSE when none is pending. */
gboolean moe_engine_pop(MoeEngine *engine, MoeEvent *event);
/* Time of the next event, MOE_TIME_MAX when none. */
MoeTime moe_engine_peek_time(MoeEngine *engine);

/* The earliest movable events, which leave next unless others come before: a hint of what will be needed soon. Returns
 * how many. Costs next to nothing. */
#define MOE_ENGINE_AHEAD 2
guint moe_engine_next_movable(const MoeEngine *engine, MoeEvent events[MOE_ENGINE_AHEAD]);

/* Called for each event by moe_engine_run; return FALSE to stop. */
typedef gboolean (*MoeEventFunc)(MoeEngine *engine, const MoeEvent *event, gpointer user_data);
/* Pops and dispatches every event with time <= until. Returns the number dispatched. */
uint64_t moe_engine_run(MoeEngine *engine, MoeTime until, MoeEventFunc func, gpointer user_data);

/* Events popped so far, and events pending. */
uint64_t moe_engine_events(const MoeEngine *engine);
uint64_t moe_engine_pending(const MoeEngine *engine);
/* FNV-1a style hash over (time, class, id) of all events popped so far: equal for both calendar kinds. Only kept when
 * switched on. */
void moe_engine_keep_order_hash(MoeEngine *engine, gboolean keep);
uint64_t moe_engine_order_hash(const MoeEngine *engine);

G_END_DECLS

#endif
