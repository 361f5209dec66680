/* Timing wheel for events that never move.
 *
 *   near           opened          ring of 4096 buckets                                    far
 *   [heap] <- [sorted array] | edge ... edge + 4095, each 2^shift ps wide, unsorted | [heap]
 *
 * A bucket is sorted when the clock reaches it; what is posted into time already opened goes to the `near` heap, what
 * lies beyond the ring to the `far` heap. The next event is the smaller of the opened array's head and the near heap's
 * top, so the order is total whatever the width of a bucket; the width only decides the speed and follows the observed
 * rate of events. */
#ifndef MOESIM_ENGINE_WHEEL_H
#define MOESIM_ENGINE_WHEEL_H

#include "heap.h"

#define WHEEL_WORD    64
#define WHEEL_BUCKETS (WHEEL_WORD * WHEEL_WORD)

typedef struct {
  uint32_t chunk; /* newest chunk of the list */
  uint32_t count;
} WheelBucket;

typedef struct {
  const Key *head; /* next key of the opened bucket; its end is marked with KEY_NONE */
  uint64_t pops;
  int64_t edge; /* number (time >> shift) of the first bucket not yet opened */
  unsigned shift;
  Heap near;
  Heap far;
  size_t in_ring;
  Key *opened;
  Key *scratch;
  size_t opened_room;
  Key *chunks; /* pool of chunks; next[c] links a bucket's chunks, or the free ones */
  uint32_t *next;
  uint32_t n_chunks;
  uint32_t free_chunk;
  uint64_t check_pops; /* pops at the last look at the width, and when the next is due */
  uint64_t check_due;
  MoeTime check_time;
  uint64_t summary; /* bit w: word w of `occupied` is not 0 */
  uint64_t occupied[WHEEL_WORD];
  WheelBucket buckets[WHEEL_BUCKETS];
} Wheel;

Wheel *wheel_new(void);
void wheel_free(Wheel *wheel);

/* `now` is the engine's clock; no key is earlier. */
void wheel_push(Wheel *wheel, Key key, MoeTime now);
/* Opens the next bucket unless it starts after `limit`; called when near and opened are empty. */
void wheel_open(Wheel *wheel, MoeTime now, MoeTime limit);
/* Removes one key, O(pending); whether it was there. `key` carries class and id, its time is ignored. */
gboolean wheel_cancel(Wheel *wheel, Key key, MoeTime now);
size_t wheel_pending(const Wheel *wheel);

/* Smallest key, or KEY_NONE when there is none at or before `limit`. */
static inline Key wheel_top(Wheel *wheel, MoeTime now, MoeTime limit)
{
  Key near = heap_top(&wheel->near);
  Key head = *wheel->head;

  if (G_UNLIKELY(near == KEY_NONE && head == KEY_NONE)) {
    wheel_open(wheel, now, limit);
    return *wheel->head;
  }
  return near < head ? near : head;
}

/* Removes `top`, the key wheel_top returned just before. */
static inline void wheel_drop(Wheel *wheel, Key top)
{
  wheel->pops++;
  if (G_LIKELY(*wheel->head == top))
    wheel->head++;
  else
    heap_pop(&wheel->near);
}

#endif
