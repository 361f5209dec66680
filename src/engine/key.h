/* A pending event as one 128-bit number: time in the upper half, (class, id) in the lower, so that comparing two
 * numbers is the total order of the engine. gcc and clang have the type on every 64-bit machine. */
#ifndef MOESIM_ENGINE_KEY_H
#define MOESIM_ENGINE_KEY_H

#include "base/base.h"

__extension__ typedef unsigned __int128 Key;

/* Later than every event: (MOE_TIME_MAX, all ones). MOE_TIME_MAX itself means "never" and is not kept. */
#define KEY_NONE (((Key)MOE_TIME_MAX << 64) | UINT64_MAX)

static inline Key key_make(MoeTime time, uint32_t klass, uint32_t id)
{
  return ((Key)(uint64_t)time << 64) | ((uint64_t)klass << 32) | id;
}

static inline MoeTime key_time(Key key)
{
  return (MoeTime)(uint64_t)(key >> 64);
}
static inline uint32_t key_class(Key key)
{
  return (uint32_t)((uint64_t)key >> 32);
}
static inline uint32_t key_id(Key key)
{
  return (uint32_t)key;
}

/* Sorts ascending; `scratch` has room for n keys. All keys' times lie in [start, start + 2^width_log2) picoseconds, and
 * the sort is linear when they are spread evenly over it; n log n at worst, linear when sorted already. */
void keys_sort(Key *keys, size_t n, Key *scratch, MoeTime start, unsigned width_log2);

#endif
