/* What a change reaches: components of activities joined by contended resources. */
#include "system.h"

#include <stdlib.h>

/* Up to here insertion sort beats the bitmap. */
#define FEW_IDS 32

static void sort_few(guint32 *ids, guint n)
{
  for (guint i = 1; i < n; i++) {
    guint32 id = ids[i];
    guint j = i;
    for (; j > 0 && id < ids[j - 1]; j--)
      ids[j] = ids[j - 1];
    ids[j] = id;
  }
}

/* Marks each id in the bitmap and reads the bitmap back: linear in the number of ids and of words they span. */
static void sort_many(uint64_t *bits, guint32 *ids, guint n)
{
  guint32 low = UINT32_MAX;
  guint32 high = 0;
  guint out = 0;

  for (guint i = 0; i < n; i++) {
    bits[ids[i] / 64] |= UINT64_C(1) << ids[i] % 64;
    low = MIN(low, ids[i]);
    high = MAX(high, ids[i]);
  }
  for (guint32 word = low / 64; word <= high / 64; word++) {
    for (uint64_t rest = bits[word]; rest; rest &= rest - 1)
      ids[out++] = word * 64 + (guint32)__builtin_ctzll(rest);
    bits[word] = 0;
  }
}

void share_sort_ids(MoeShare *share, GArray *array)
{
  guint32 *ids = ids_of(array);
  gboolean sorted = TRUE;

  for (guint i = 1; sorted && i < array->len; i++)
    sorted = ids[i - 1] < ids[i];
  if (sorted)
    return;
  if (array->len <= FEW_IDS)
    sort_few(ids, array->len);
  else
    sort_many(share->bits, ids, array->len);
}

void share_settle(MoeShare *share, uint32_t id, double rate, uint32_t bottleneck)
{
  Activity *activity = &share->activities[id];

  if (activity->fresh || activity->rate != rate)
    g_array_append_val(share->changed, id);
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
  g_array_append_val(share->members, id);
}

static void join_users(MoeShare *share, uint32_t resource)
{
  Fill *fill = &share->fills[resource];

  if (fill->stamp == share->stamp)
    return;
  *fill = (Fill){.left = {share->resources[resource].capacity, 0}, .stamp = share->stamp};
  g_array_append_val(share->joints, resource);
  for (uint32_t p = share->resources[resource].head; p != NONE; p = share->pairs[p].next)
    join(share, share->pairs[p].activity);
}

/* Collects the component of `start` in `members` and `joints`. */
static void collect(MoeShare *share, uint32_t start)
{
  share->stamp++;
  g_array_set_size(share->members, 0);
  g_array_set_size(share->joints, 0);
  join(share, start);
  for (guint i = 0; i < share->members->len; i++) {
    const Activity *activity = &share->activities[ids_of(share->members)[i]];
    uint32_t left = activity->n_contended;
    for (uint32_t p = activity->first; left > 0; p++)
      if (share->resources[share->pairs[p].resource].contended) {
        join_users(share, share->pairs[p].resource);
        left--;
      }
  }
  share_sort_ids(share, share->members);
}

void moe_share_solve(MoeShare *share)
{
  g_array_set_size(share->changed, 0);
  share_sort_ids(share, share->dirty);
  for (guint i = 0; i < share->dirty->len; i++) {
    uint32_t id = ids_of(share->dirty)[i];
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
  g_array_set_size(share->dirty, 0);
  share_sort_ids(share, share->changed);
}
