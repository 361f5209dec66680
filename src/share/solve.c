/* What a change reaches: components of activities joined by contended resources. */
#include "system.h"

#include <stdlib.h>

/* Up to here insertion sort beats the bitmap. */
#define FEW_IDS 32

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

void share_settle(MoeShare *share, uint32_t id, double rate, uint32_t bottleneck)
{
  Activity *activity = &share->activities[id];

  if (activity->fresh || activity->rate != rate)
    ids_push(&share->changed, id);
  activity->fresh = FALSE;
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

static void join_users(MoeShare *share, uint32_t resource)
{
  Fill *fill = &share->fills[resource];

  if (fill->stamp == share->stamp)
    return;
  *fill = (Fill){.left = {share->resources[resource].capacity, 0}, .stamp = share->stamp};
  ids_push(&share->joints, resource);
  for (uint32_t p = share->resources[resource].head; p != NONE; p = share->pairs[p].next)
    join(share, share->pairs[p].activity);
}

/* Collects the component of `start` in `members` and `joints`. */
static void collect(MoeShare *share, uint32_t start)
{
  share->stamp++;
  share->members.n = 0;
  share->joints.n = 0;
  join(share, start);
  for (guint i = 0; i < share->members.n; i++) {
    const Activity *activity = &share->activities[share->members.ids[i]];
    for (uint32_t p = activity->first; p < activity->first + activity->n_contended; p++)
      join_users(share, share->pairs[p].resource);
  }
  share_sort_ids(share, &share->members);
}

void moe_share_solve(MoeShare *share)
{
  share->changed.n = 0;
  share_sort_ids(share, &share->dirty);
  for (guint i = 0; i < share->dirty.n; i++) {
    uint32_t id = share->dirty.ids[i];
    Activity *activity = &share->activities[id];
    if (!activity->used || !activity->dirty) {
      activity->dirty = FALSE;
    } else if (activity->n_contended == 0) {
      share_settle(share, id, activity->limit, activity->limit_resource);
    } else {
      collect(share, id);
      share_fill(share);
    }
  }
  share->dirty.n = 0;
  share_sort_ids(share, &share->changed);
}
