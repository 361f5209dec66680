/* What a change reaches.
 *
 * A region is a set of activities that is solved anew while all others keep their rates. It starts at what changed and
 * takes in whoever cannot stay: an activity that is faster than a resource it shares with the region now allows, or one
 * whose bottleneck has let it go. Nobody is left to take in when everybody has a bottleneck, and that is what max-min
 * fair means. A collective of thousands of members that crosses many small ones is therefore looked at when its own
 * rate moves, not when any of the others comes or goes. */
#include "system.h"

#include <math.h>
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
  const Resource *r = &share->resources[resource];
  guint joint = share->n_joints++;

  if (joint == share->joints_room) {
    share->joints_room = MAX(2 * share->joints_room, 64U);
    share->joints = g_renew(Joint, share->joints, share->joints_room);
  }
  share->joint_of[resource] = joint;
  share->joints[joint] = (Joint){.left = {r->capacity, 0}, .resource = resource, .head = r->head};
  return &share->joints[joint];
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
    for (uint32_t k = 0; k < activity->n_contended; k++)
      open_joint(share, share_contended(share, activity, k)->resource, whole);
  }
  share_sort_ids(share, &share->members);
}

/* ---- what a region does to others ------------------------------------------------------------------------------- */

/* Whether `resource` is what holds back an activity outside the region. */
static inline gboolean holds(const MoeShare *share, uint32_t resource, const Activity *user)
{
  return user->stamp != share->stamp && user->bottleneck == resource && user->rate < user->limit;
}

/* Disturbs whom the resource no longer holds back: `left` of it is not taken, or somebody is faster, at `most`. */
static void find_released(MoeShare *share, uint32_t resource, Sum left, double most)
{
  const Resource *r = &share->resources[resource];
  gboolean full = sum_value(left) <= r->capacity * SHARE_TOLERANCE;

  for (uint32_t p = r->head; p != NONE; p = share->pairs[p].next) {
    const Activity *user = &share->activities[share->pairs[p].activity];
    if (holds(share, resource, user) && (!full || most * (1 - SHARE_TOLERANCE) > user->rate))
      ids_push(&share->disturbed, share->pairs[p].activity);
  }
}

static void find_all_released(MoeShare *share)
{
  for (guint i = 0; i < share->n_joints; i++)
    if (share->joints[i].outside > 0)
      find_released(share, share->joints[i].resource, share->joints[i].left, share->joints[i].most);
}

/* Takes in whom the solution of the region disturbs. FALSE when there is nobody: the whole is then max-min fair, since
 * everybody has its limit or a full resource on which nobody is faster (Bertsekas & Gallager, 6.5.2). */
static gboolean take_in_disturbed(MoeShare *share)
{
  guint before = share->members.n;

  for (guint i = 0; i < share->disturbed.n; i++)
    join(share, share->disturbed.ids[i]);
  return share->members.n > before;
}

/* ---- one activity alone ----------------------------------------------------------------------------------------- */

/* What the others leave of a resource to the region's only member; FALSE when one of them is dirty. *holding: one of
 * them is held back by it. */
static gboolean left_alone(const MoeShare *share, uint32_t resource, Sum *left, gboolean *holding)
{
  const Resource *r = &share->resources[resource];

  *left = (Sum){r->capacity, 0};
  *holding = FALSE;
  for (uint32_t p = r->head; p != NONE; p = share->pairs[p].next) {
    const Activity *user = &share->activities[share->pairs[p].activity];
    if (user->stamp == share->stamp)
      continue;
    if (user->dirty)
      return FALSE;
    sum_add(left, -(share->pairs[p].load * user->rate));
    *holding |= holds(share, resource, user);
  }
  return TRUE;
}

/* Walks once over the contended resources of the region's only member: `levels` then holds the resources that may stop
 * it, `stack` the places of those that hold back somebody else. FALSE when it reaches somebody dirty. */
static gboolean walk_alone(MoeShare *share, const Activity *activity, Stop *stop)
{
  share_reserve_levels(share, activity->n_contended);
  share->stack.n = 0;
  for (uint32_t k = 0; k < activity->n_contended; k++) {
    const Pair *pair = share_contended(share, activity, k);
    gboolean holding;
    Sum left;

    if (!left_alone(share, pair->resource, &left, &holding))
      return FALSE;
    if (holding)
      ids_push(&share->stack, k);
    double level = share_level(left, (Sum){pair->load, 0});
    if (level > stop->bound)
      continue;
    share->levels[share->n_levels++] = (Level){level, pair->resource, FALSE};
    stop->level = MIN(stop->level, level);
    stop->bound = stop->level * (1 + SHARE_TOLERANCE);
  }
  return TRUE;
}

/* Who shares the resources that stop it. */
static uint32_t held_alone(MoeShare *share, const Activity *activity, Stop *stop)
{
  uint32_t held_by =
      share_limit_matters(share, activity) && activity->limit <= stop->bound ? activity->limit_resource : NONE;

  for (guint i = 0; i < share->n_levels; i++) {
    uint32_t resource = share->levels[i].index;
    if (share->levels[i].key > stop->bound)
      continue;
    held_by = MIN(held_by, resource);
    for (uint32_t p = share->resources[resource].head; p != NONE; p = share->pairs[p].next)
      if (share->activities[share->pairs[p].activity].stamp != share->stamp)
        share_compare(share, share->pairs[p].activity, stop);
  }
  return held_by;
}

/* The commonest region has one member: it gets the least that its contended resources leave it, which needs one walk
 * over them and no filling. Leaves what share_fill and find_all_released would; FALSE when somebody is dirty. */
static gboolean solve_alone(MoeShare *share, uint32_t id)
{
  Activity *activity = &share->activities[id];
  double limit = share_limit_matters(share, activity) ? activity->limit : INFINITY;
  Stop stop = {.bound = limit * (1 + SHARE_TOLERANCE), .level = limit, .round = 1};

  if (!walk_alone(share, activity, &stop))
    return FALSE;
  activity->held_by = held_alone(share, activity, &stop);
  activity->level = MIN(stop.level, activity->limit);
  for (guint i = 0; i < share->stack.n; i++) {
    const Pair *pair = share_contended(share, activity, share->stack.ids[i]);
    gboolean holding;
    Sum left;

    left_alone(share, pair->resource, &left, &holding);
    sum_add(&left, -(pair->load * activity->level));
    find_released(share, pair->resource, left, activity->level);
  }
  return TRUE;
}

/* ---- solving ---------------------------------------------------------------------------------------------------- */

/* Solves the smallest region around a dirty activity that disturbs nobody outside. */
static void solve_around(MoeShare *share, uint32_t start)
{
  guint pass = 1;

  share->stamp++;
  share->members.n = 0;
  share->disturbed.n = 0;
  join(share, start);
  gboolean more = !solve_alone(share, start) || take_in_disturbed(share);
  for (; more; more = take_in_disturbed(share)) {
    collect(share, ++pass >= WHOLE_PASS);
    share_fill(share);
    find_all_released(share);
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
