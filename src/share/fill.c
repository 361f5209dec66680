/* Progressive filling (Bertsekas & Gallager, Data Networks, 6.5.2) of one region, beside activities that stay as they
 * are.
 *
 * All unsettled rates rise together. The common level stops at the first contended resource that is full (left /
 * weight) or the first activity at its limit; whoever is stopped there keeps that level, the others go on. Levels wait
 * in a binary heap. A resource's level only rises while others settle below it, so a key in the heap is a lower bound
 * and is corrected when it comes to the top. */
#include "system.h"

#include <math.h>

/* Keys are looked at a little beyond the level's own tolerance, since a bound may be off by a rounding error. */
#define BOUND_SLACK (1 + 1e-15)

/* Present level of an entry; INFINITY when nobody waits for it any more. */
static double present_level(const MoeShare *share, const Level *level)
{
  if (level->is_activity)
    return share->activities[level->index].round == 0 ? level->key : INFINITY;
  const Joint *joint = &share->joints[level->index];
  return joint->unsettled > 0 ? share_level(joint->left, joint->weight) : INFINITY;
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

/* ---- one region ------------------------------------------------------------------------------------------------- */

/* Takes a settled activity out of its contended resources. */
static void weigh_out(MoeShare *share, const Activity *activity, double rate)
{
  for (uint32_t k = 0; k < activity->n_contended; k++) {
    const Pair *pair = share_contended(share, activity, k);
    Joint *joint = &share->joints[share->joint_of[pair->resource]];
    sum_add(&joint->weight, -pair->load);
    sum_add(&joint->left, -(pair->load * rate));
    joint->most = rate; /* levels only rise */
    joint->unsettled--;
  }
}

void share_reserve_levels(MoeShare *share, guint n)
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

  share_reserve_levels(share, n_members + share->n_joints);
  for (guint i = 0; i < n_members; i++) {
    uint32_t id = share->members.ids[i];
    const Activity *activity = &share->activities[id];
    Level level = {activity->limit, id, TRUE};
    if (share_limit_matters(share, activity))
      share->levels[share->n_levels++] = level;
  }
  for (guint i = 0; i < share->n_joints; i++) {
    Level level = {share_level(share->joints[i].left, share->joints[i].weight), i, FALSE};
    share->levels[share->n_levels++] = level;
  }
  for (guint i = share->n_levels / 2; i-- > 0;)
    sink(share->levels, share->n_levels, i);
}

/* Holds an activity at the present level because of `resource` (NONE: its cap); the lowest resource counts. */
static void hold(MoeShare *share, uint32_t id, uint32_t resource, const Stop *stop)
{
  Activity *activity = &share->activities[id];

  if (activity->round == 0) {
    activity->round = stop->round;
    activity->held_by = resource;
    ids_push(&share->settled, id);
  } else if (activity->round == stop->round) {
    activity->held_by = MIN(activity->held_by, resource);
  }
}

static void hold_users(MoeShare *share, const Joint *joint, Stop *stop)
{
  gboolean outside = joint->outside > 0;

  for (uint32_t p = joint->head; p != NONE; p = share->pairs[p].next) {
    uint32_t id = share->pairs[p].activity;
    if (!outside || share->activities[id].stamp == share->stamp)
      hold(share, id, joint->resource, stop);
    else
      share_compare(share, id, stop);
  }
}

/* Visits the part of the heap at or below the bound, root first, without taking it apart. */
static void hold_level(MoeShare *share, Stop *stop)
{
  const Level *levels = share->levels;
  guint n = share->n_levels;

  share->settled.n = 0;
  share->stack.n = 0;
  ids_push(&share->stack, 0);
  while (share->stack.n > 0) {
    uint32_t i = share->stack.ids[--share->stack.n];
    if (levels[i].key > stop->bound * BOUND_SLACK)
      continue;
    uint32_t index = levels[i].index;
    if (levels[i].is_activity && levels[i].key <= stop->bound)
      hold(share, index, share->activities[index].limit_resource, stop);
    else if (!levels[i].is_activity && present_level(share, &levels[i]) <= stop->bound)
      hold_users(share, &share->joints[index], stop);
    for (uint32_t child = 2 * i + 1; child <= 2 * i + 2 && child < n; child++)
      ids_push(&share->stack, child);
  }
}

void share_fill(MoeShare *share)
{
  guint unsettled = share->members.n;
  double level = 0;

  prepare(share);
  share->disturbed.n = 0;
  for (uint32_t round = 1; unsettled > 0; round++) {
    level = MAX(level, next_level(share));
    Stop stop = {.bound = level * (1 + SHARE_TOLERANCE), .level = level, .round = round};
    hold_level(share, &stop);
    unsettled -= share->settled.n;
    for (guint i = 0; i < share->settled.n; i++) {
      Activity *activity = &share->activities[share->settled.ids[i]];
      activity->level = MIN(stop.level, activity->limit);
      weigh_out(share, activity, activity->level);
    }
  }
}
