/* Progressive filling (Bertsekas & Gallager, Data Networks, 6.5.2) of one component.
 *
 * All unsettled rates rise together. The common level stops at the first contended resource that is full (left /
 * weight) or the first activity at its limit; whoever is stopped there keeps that level, the others go on. Levels wait
 * in a binary heap. A resource's level only rises while others settle below it, so a key in the heap is a lower bound
 * and is corrected when it comes to the top. */
#include "system.h"

#include <math.h>

/* Keys are looked at a little beyond the level's own tolerance, since a bound may be off by a rounding error. */
#define BOUND_SLACK (1 + 1e-15)

static inline Level *levels_of(MoeShare *share)
{
  return (Level *)(void *)share->levels->data;
}

static double resource_level(const Fill *fill)
{
  double weight = sum_value(fill->weight);

  return weight > 0 ? sum_value(fill->left) / weight : INFINITY;
}

/* Present level of an entry; INFINITY when nobody waits for it any more. */
static double present_level(const MoeShare *share, const Level *level)
{
  if (level->is_activity)
    return share->activities[level->index].round == 0 ? level->key : INFINITY;
  const Fill *fill = &share->fills[level->index];
  return fill->unsettled > 0 ? resource_level(fill) : INFINITY;
}

/* ---- heap ------------------------------------------------------------------------------------------------------- */

static void sink(Level *levels, guint n, guint i)
{
  Level moving = levels[i];

  for (guint child = 2 * i + 1; child < n; child = 2 * i + 1) {
    if (child + 1 < n && levels[child + 1].key < levels[child].key)
      child++;
    if (moving.key <= levels[child].key)
      break;
    levels[i] = levels[child];
    i = child;
  }
  levels[i] = moving;
}

static void drop_top(MoeShare *share)
{
  Level *levels = levels_of(share);
  guint n = share->levels->len - 1;

  levels[0] = levels[n];
  g_array_set_size(share->levels, n);
  if (n > 0)
    sink(levels, n, 0);
}

/* Corrects the top until it is true; its key is then the next level. */
static double next_level(MoeShare *share)
{
  while (share->levels->len > 0) {
    Level *top = levels_of(share);
    double now = present_level(share, top);
    if (now == INFINITY) {
      drop_top(share);
    } else if (now > top->key) {
      top->key = now;
      sink(top, share->levels->len, 0);
    } else {
      return top->key;
    }
  }
  g_assert_not_reached(); /* every unsettled activity has its limit in the heap */
}

/* ---- one component ---------------------------------------------------------------------------------------------- */

/* Adds the loads of an activity to the weights of its contended resources. */
static void weigh_in(MoeShare *share, const Activity *activity)
{
  uint32_t left = activity->n_contended;

  for (uint32_t p = activity->first; left > 0; p++) {
    const Pair *pair = &share->pairs[p];
    if (!share->resources[pair->resource].contended)
      continue;
    Fill *fill = &share->fills[pair->resource];
    sum_add(&fill->weight, pair->load);
    fill->unsettled++;
    left--;
  }
}

/* Takes a settled activity out of its contended resources. */
static void weigh_out(MoeShare *share, const Activity *activity, double rate)
{
  uint32_t left = activity->n_contended;

  for (uint32_t p = activity->first; left > 0; p++) {
    const Pair *pair = &share->pairs[p];
    if (!share->resources[pair->resource].contended)
      continue;
    Fill *fill = &share->fills[pair->resource];
    sum_add(&fill->weight, -pair->load);
    sum_add(&fill->left, -(pair->load * rate));
    fill->unsettled--;
    left--;
  }
}

static void prepare(MoeShare *share)
{
  guint n = share->joints->len + share->members->len;

  for (guint i = 0; i < share->members->len; i++)
    weigh_in(share, &share->activities[ids_of(share->members)[i]]);
  g_array_set_size(share->levels, n);
  Level *level = levels_of(share);
  for (guint i = 0; i < share->joints->len; i++) {
    uint32_t resource = ids_of(share->joints)[i];
    *level++ = (Level){resource_level(&share->fills[resource]), resource, FALSE};
  }
  for (guint i = 0; i < share->members->len; i++) {
    uint32_t activity = ids_of(share->members)[i];
    *level++ = (Level){share->activities[activity].limit, activity, TRUE};
  }
  for (guint i = n / 2; i-- > 0;)
    sink(levels_of(share), n, i);
}

/* Holds an activity at the present level because of `resource` (NONE: its cap); the lowest resource counts. */
static void hold(MoeShare *share, uint32_t id, uint32_t resource, uint32_t round)
{
  Activity *activity = &share->activities[id];

  if (activity->round == 0) {
    activity->round = round;
    activity->bottleneck = resource;
    g_array_append_val(share->settled, id);
  } else if (activity->round == round) {
    activity->bottleneck = MIN(activity->bottleneck, resource);
  }
}

static void hold_users(MoeShare *share, uint32_t resource, uint32_t round)
{
  for (uint32_t p = share->resources[resource].head; p != NONE; p = share->pairs[p].next)
    hold(share, share->pairs[p].activity, resource, round);
}

/* Visits the part of the heap at or below `bound`, root first, without taking it apart. */
static void hold_level(MoeShare *share, double bound, uint32_t round)
{
  const Level *levels = levels_of(share);
  guint n = share->levels->len;

  g_array_set_size(share->settled, 0);
  g_array_set_size(share->stack, 0);
  guint32 i = 0;
  g_array_append_val(share->stack, i);
  while (share->stack->len > 0) {
    i = ids_of(share->stack)[share->stack->len - 1];
    g_array_set_size(share->stack, share->stack->len - 1);
    if (levels[i].key > bound * BOUND_SLACK)
      continue;
    uint32_t index = levels[i].index;
    if (levels[i].is_activity && levels[i].key <= bound)
      hold(share, index, share->activities[index].limit_resource, round);
    else if (!levels[i].is_activity && present_level(share, &levels[i]) <= bound)
      hold_users(share, index, round);
    for (guint32 child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++)
      g_array_append_val(share->stack, child);
  }
}

void share_fill(MoeShare *share)
{
  guint unsettled = share->members->len;
  double level = 0;

  prepare(share);
  for (uint32_t round = 1; unsettled > 0; round++) {
    level = MAX(level, next_level(share));
    hold_level(share, level * (1 + SHARE_TOLERANCE), round);
    unsettled -= share->settled->len;
    if (unsettled > 0)
      share_sort_ids(share, share->settled);
    for (guint i = 0; i < share->settled->len; i++) {
      uint32_t id = ids_of(share->settled)[i];
      share_settle(share, id, level, share->activities[id].bottleneck);
      if (unsettled > 0)
        weigh_out(share, &share->activities[id], level);
    }
  }
}
