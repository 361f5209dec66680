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

/* Loads 2^100 apart could leave no weight for the smallest: it is then stopped where the others are. */
static double resource_level(const Fill *fill)
{
  double weight = sum_value(fill->weight);

  return weight > 0 ? sum_value(fill->left) / weight : 0;
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
  share->levels[0] = share->levels[--share->n_levels];
  if (share->n_levels > 0)
    sink(share->levels, share->n_levels, 0);
}

/* Corrects the top until it is true; its key is then the next level. */
static double next_level(MoeShare *share)
{
  while (share->n_levels > 0) {
    Level *top = share->levels;
    double now = present_level(share, top);
    if (now == INFINITY) {
      drop_top(share);
    } else if (now > top->key) {
      top->key = now;
      sink(top, share->n_levels, 0);
    } else {
      return top->key;
    }
  }
  g_assert_not_reached(); /* whoever is unsettled has a contended resource in the heap */
}

/* ---- one component ---------------------------------------------------------------------------------------------- */

/* Adds the loads of an activity to the weights of its contended resources. */
static void weigh_in(MoeShare *share, const Activity *activity)
{
  for (uint32_t p = activity->first; p < activity->first + activity->n_contended; p++) {
    const Pair *pair = &share->pairs[p];
    Fill *fill = &share->fills[pair->resource];
    sum_add(&fill->weight, pair->load);
    fill->unsettled++;
  }
}

/* Takes a settled activity out of its contended resources. */
static void weigh_out(MoeShare *share, const Activity *activity, double rate)
{
  for (uint32_t p = activity->first; p < activity->first + activity->n_contended; p++) {
    const Pair *pair = &share->pairs[p];
    Fill *fill = &share->fills[pair->resource];
    sum_add(&fill->weight, -pair->load);
    sum_add(&fill->left, -(pair->load * rate));
    fill->unsettled--;
  }
}

/* A contended resource stops its users at capacity / load at the latest, so only other limits need a level of their
 * own. */
static gboolean limit_matters(const MoeShare *share, const Activity *activity)
{
  return activity->limit_resource == NONE || !share->resources[activity->limit_resource].contended;
}

static void reserve_levels(MoeShare *share, guint n)
{
  share->n_levels = 0;
  if (n <= share->levels_room)
    return;
  share->levels_room = MAX(n, 2 * share->levels_room);
  share->levels = g_renew(Level, share->levels, share->levels_room);
}

static void prepare(MoeShare *share)
{
  const guint n_members = share->members.n;

  reserve_levels(share, n_members + share->joints.n);
  for (guint i = 0; i < n_members; i++) {
    uint32_t id = share->members.ids[i];
    const Activity *activity = &share->activities[id];
    Level level = {activity->limit, id, TRUE};
    weigh_in(share, activity);
    if (limit_matters(share, activity))
      share->levels[share->n_levels++] = level;
  }
  for (guint i = 0; i < share->joints.n; i++) {
    uint32_t resource = share->joints.ids[i];
    Level level = {resource_level(&share->fills[resource]), resource, FALSE};
    share->levels[share->n_levels++] = level;
  }
  for (guint i = share->n_levels / 2; i-- > 0;)
    sink(share->levels, share->n_levels, i);
}

/* Holds an activity at the present level because of `resource` (NONE: its cap); the lowest resource counts. */
static void hold(MoeShare *share, uint32_t id, uint32_t resource, uint32_t round)
{
  Activity *activity = &share->activities[id];

  if (activity->round == 0) {
    activity->round = round;
    activity->bottleneck = resource;
    ids_push(&share->settled, id);
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
  const Level *levels = share->levels;
  guint n = share->n_levels;

  share->settled.n = 0;
  share->stack.n = 0;
  ids_push(&share->stack, 0);
  while (share->stack.n > 0) {
    uint32_t i = share->stack.ids[--share->stack.n];
    if (levels[i].key > bound * BOUND_SLACK)
      continue;
    uint32_t index = levels[i].index;
    if (levels[i].is_activity && levels[i].key <= bound)
      hold(share, index, share->activities[index].limit_resource, round);
    else if (!levels[i].is_activity && present_level(share, &levels[i]) <= bound)
      hold_users(share, index, round);
    for (uint32_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++)
      ids_push(&share->stack, child);
  }
}

void share_fill(MoeShare *share)
{
  guint unsettled = share->members.n;
  double level = 0;

  prepare(share);
  for (uint32_t round = 1; unsettled > 0; round++) {
    level = MAX(level, next_level(share));
    hold_level(share, level * (1 + SHARE_TOLERANCE), round);
    unsettled -= share->settled.n;
    if (unsettled > 0)
      share_sort_ids(share, &share->settled);
    for (guint i = 0; i < share->settled.n; i++) {
      uint32_t id = share->settled.ids[i];
      share_settle(share, id, level, share->activities[id].bottleneck);
      if (unsettled > 0)
        weigh_out(share, &share->activities[id], level);
    }
  }
}
