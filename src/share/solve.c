/* What a change reaches.
 *
 * A region is a set of activities that is solved anew while all others keep their rates. It starts at what changed and
 * takes in whoever cannot stay: an activity that is faster than a resource it shares with the region now allows, or one
 * whose bottleneck has let it go. Nobody is left to take in when everybody has a bottleneck, and that is what max-min
 * fair means. A collective of thousands of members that crosses many small ones is therefore looked at when its own
 * rate moves, not when any of the others comes or goes. */
#include "system.h"

#include <stdlib.h>

/* Up to here insertion sort beats the bitmap. */
#define FEW_IDS 32
/* After so many extensions a region takes in everybody it reaches: a long chain is not followed link by link. */
#define WHOLE_PASS 6

static void sort_few(uint32_t *ids, guint n)
{
  for (guint i = 1; i < n; i++) {
    uint32_t id = ids[i];
    guint j = i;
    for (; j > 0 && id < ids[j - 1]; j--)
      ids[j] = ids[j - 1];
    ids[j] = id;
  }
}

/* Marks each id in the bitmap and reads the bitmap back: linear in the number of ids and of words they span. */
static void sort_many(uint64_t *bits, uint32_t *ids, guint n)
{
  uint32_t low = UINT32_MAX;
  uint32_t high = 0;
  guint out = 0;

  for (guint i = 0; i < n; i++) {
    bits[ids[i] / 64] |= UINT64_C(1) << ids[i] % 64;
    low = MIN(low, ids[i]);
    high = MAX(high, ids[i]);
  }
  for (uint32_t word = low / 64; word <= high / 64; word++) {
    for (uint64_t rest = bits[word]; rest; rest &= rest - 1)
      ids[out++] = word * 64 + (uint32_t)__builtin_ctzll(rest);
    bits[word] = 0;
  }
}

void share_sort_ids(MoeShare *share, Ids *list)
{
  uint32_t *ids = list->ids;
  gboolean sorted = TRUE;

  for (guint i = 1; sorted && i < list->n; i++)
    sorted = ids[i - 1] < ids[i];
  if (sorted)
    return;
  if (list->n <= FEW_IDS)
    sort_few(ids, list->n);
  else
    sort_many(share->bits, ids, list->n);
}

/* ---- a region --------------------------------------------------------------------------------------------------- */

/* Regions of one solve may overlap: each activity is noted once, with the rate it had before. */
static void settle(MoeShare *share, uint32_t id, double rate, uint32_t bottleneck)
{
  Activity *activity = &share->activities[id];

  if (!activity->touched) {
    activity->touched = TRUE;
    activity->before = activity->rate;
    ids_push(&share->changed, id);
  }
  activity->dirty = FALSE;
  activity->rate = rate;
  activity->bottleneck = bottleneck;
}

static void join(MoeShare *share, uint32_t id)
{
  Activity *activity = &share->activities[id];

  if (activity->stamp == share->stamp)
    return;
  activity->stamp = share->stamp;
  activity->round = 0;
  ids_push(&share->members, id);
}

static Joint *new_joint(MoeShare *share, uint32_t resource)
{
  Resource *r = &share->resources[resource];

  if (share->n_joints == share->joints_room) {
    share->joints_room = MAX(2 * share->joints_room, 64U);
    share->joints = g_renew(Joint, share->joints, share->joints_room);
  }
  r->joint = share->n_joints++;
  share->joints[r->joint] = (Joint){.left = {r->capacity, 0}, .resource = resource, .head = r->head};
  return &share->joints[r->joint];
}

/* Weighs the users of a resource that the region has reached: who is dirty joins, or everybody when `whole`. */
static void open_joint(MoeShare *share, uint32_t resource, gboolean whole)
{
  if (share_joint(share, resource))
    return;
  Joint *joint = new_joint(share, resource);
  for (uint32_t p = joint->head; p != NONE; p = share->pairs[p].next) {
    const Pair *pair = &share->pairs[p];
    const Activity *user = &share->activities[pair->activity];
    if (whole || user->dirty)
      join(share, pair->activity);
    if (user->stamp == share->stamp) {
      sum_add(&joint->weight, pair->load);
      joint->unsettled++;
    } else {
      sum_add(&joint->left, -(pair->load * user->rate));
      joint->outside++;
    }
  }
}

/* Collects the region in `members` and `joints`: the members there are and the dirty ones they reach. */
static void collect(MoeShare *share, gboolean whole)
{
  share->stamp++;
  share->n_joints = 0;
  for (guint i = 0; i < share->members.n; i++) {
    share->activities[share->members.ids[i]].stamp = share->stamp;
    share->activities[share->members.ids[i]].round = 0;
  }
  for (guint i = 0; i < share->members.n; i++) {
    const Activity *activity = &share->activities[share->members.ids[i]];
    for (uint32_t p = activity->first; p < activity->first + activity->n_contended; p++)
      open_joint(share, share->pairs[p].resource, whole);
  }
  share_sort_ids(share, &share->members);
}

/* ---- what a region does to others ------------------------------------------------------------------------------- */

/* Whether the resource no longer holds back an activity that it has held at `rate`: it is not full, or somebody is
 * faster. */
static gboolean lets_go(const MoeShare *share, const Joint *joint, double rate)
{
  return sum_value(joint->left) > share->resources[joint->resource].capacity * SHARE_TOLERANCE ||
         joint->most * (1 - SHARE_TOLERANCE) > rate;
}

static void find_released(MoeShare *share, const Joint *joint)
{
  for (uint32_t p = joint->head; p != NONE; p = share->pairs[p].next) {
    const Activity *user = &share->activities[share->pairs[p].activity];
    if (user->stamp != share->stamp && user->bottleneck == joint->resource && user->rate < user->limit &&
        lets_go(share, joint, user->rate))
      ids_push(&share->disturbed, share->pairs[p].activity);
  }
}

/* Takes in whom the solution of the region disturbs. FALSE when there is nobody: the whole is then max-min fair, since
 * everybody has its limit or a full resource on which nobody is faster (Bertsekas & Gallager, 6.5.2). */
static gboolean take_in_disturbed(MoeShare *share)
{
  guint before = share->members.n;

  for (guint i = 0; i < share->n_joints; i++)
    if (share->joints[i].outside > 0)
      find_released(share, &share->joints[i]);
  for (guint i = 0; i < share->disturbed.n; i++)
    join(share, share->disturbed.ids[i]);
  return share->members.n > before;
}

/* Solves the smallest region around a dirty activity that disturbs nobody outside. */
static void solve_around(MoeShare *share, uint32_t start)
{
  share->members.n = 0;
  ids_push(&share->members, start);
  for (guint pass = 1; pass == 1 || take_in_disturbed(share); pass++) {
    collect(share, pass >= WHOLE_PASS);
    share_fill(share);
  }
  for (guint i = 0; i < share->members.n; i++) {
    uint32_t id = share->members.ids[i];
    settle(share, id, share->activities[id].level, share->activities[id].held_by);
  }
}

/* Keeps of the activities touched those whose rate is another now. */
static void keep_changed(MoeShare *share)
{
  guint n = 0;

  for (guint i = 0; i < share->changed.n; i++) {
    Activity *activity = &share->activities[share->changed.ids[i]];
    if (activity->fresh || activity->rate != activity->before)
      share->changed.ids[n++] = share->changed.ids[i];
    activity->touched = FALSE;
    activity->fresh = FALSE;
  }
  share->changed.n = n;
  share_sort_ids(share, &share->changed);
}

void moe_share_solve(MoeShare *share)
{
  share->changed.n = 0;
  share_sort_ids(share, &share->dirty);
  for (guint i = 0; i < share->dirty.n; i++) {
    uint32_t id = share->dirty.ids[i];
    Activity *activity = &share->activities[id];
    if (!activity->used || !activity->dirty)
      activity->dirty = FALSE;
    else if (activity->n_contended == 0)
      settle(share, id, activity->limit, activity->limit_resource);
    else
      solve_around(share, id);
  }
  share->dirty.n = 0;
  keep_changed(share);
}
