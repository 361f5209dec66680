/* Resources, activities and their pairs: adding, removing, and which resources are contended. */
#include "system.h"

#include <math.h>
#include <string.h>

#define FIRST_IDS   16
#define FIRST_PAIRS 64

MoeShare *moe_share_new(guint n_resources, const double *capacity)
{
  MoeShare *share = g_new0(MoeShare, 1);

  share->n_resources = n_resources;
  share->capacity = capacity;
  share->met = g_new0(uint64_t, n_resources / 64 + 1);
  share->resources = g_aligned_alloc(MAX(n_resources, 1), sizeof(Resource), MOE_CACHE_LINE);
  share->joint_of = g_new(uint32_t, n_resources);
  for (guint k = 0; k < BLOCK_CLASSES; k++)
    share->free_block[k] = NONE;
  return share;
}

void moe_share_free(MoeShare *share)
{
  if (share == NULL)
    return;
  Ids *lists[] = {&share->dirty, &share->changed, &share->members, &share->stack, &share->settled, &share->disturbed};
  for (guint i = 0; i < G_N_ELEMENTS(lists); i++)
    g_free(lists[i]->ids);
  g_free(share->levels);
  g_free(share->met);
  g_aligned_free(share->resources);
  g_free(share->joint_of);
  g_free(share->joints);
  g_free(share->activities);
  g_aligned_free(share->pairs);
  g_free(share->bits);
  g_free(share);
}

/* ---- resources -------------------------------------------------------------------------------------------------- */

static inline gboolean is_met(const MoeShare *share, guint resource)
{
  return share->met[resource / 64] >> resource % 64 & 1;
}

/* A resource before its first use. */
static void meet(MoeShare *share, guint resource, double capacity)
{
  g_assert(capacity > 0 && isfinite(capacity));
  share->met[resource / 64] |= UINT64_C(1) << resource % 64;
  share->resources[resource] = (Resource){.capacity = capacity, .head = NONE};
  share->joint_of[resource] = 0;
}

/* ---- ids and blocks --------------------------------------------------------------------------------------------- */

static guint take_id(MoeShare *share)
{
  guint id = share->first_free;

  while (id < share->n_ids && share->activities[id].used)
    id++;
  share->first_free = id + 1;
  if (id < share->n_ids)
    return id;
  if (id == share->ids_room) {
    share->ids_room = MAX(2 * id, (guint)FIRST_IDS);
    share->activities = g_renew(Activity, share->activities, share->ids_room);
    g_free(share->bits);
    share->bits = g_new0(uint64_t, share->ids_room / 64 + 1);
  }
  share->n_ids = id + 1;
  share->activities[id] = (Activity){0};
  return id;
}

static guint block_class(guint n)
{
  return n <= 1 ? 0 : 32 - (guint)__builtin_clz(n - 1);
}

/* Makes room for n_pairs and as many again; the first `used` are kept. */
static void more_pairs(MoeShare *share, uint32_t used)
{
  uint64_t room = MIN(MAX((uint64_t)2 * share->n_pairs, (uint64_t)FIRST_PAIRS), (uint64_t)NONE);
  Pair *pairs = g_aligned_alloc(room, sizeof *pairs, MOE_CACHE_LINE);

  if (used > 0)
    memcpy(pairs, share->pairs, used * sizeof *pairs);
  g_aligned_free(share->pairs);
  share->pairs = pairs;
  share->pairs_room = (uint32_t)room;
}

static uint32_t take_block(MoeShare *share, guint n)
{
  guint k = block_class(n);
  uint32_t block = share->free_block[k];

  if (block != NONE) {
    share->free_block[k] = share->pairs[block].next;
    return block;
  }
  uint32_t size = UINT32_C(1) << k;
  g_assert(share->n_pairs < NONE - size);
  block = share->n_pairs;
  share->n_pairs += size;
  if (share->n_pairs > share->pairs_room)
    more_pairs(share, share->n_pairs - size);
  return block;
}

static void give_block(MoeShare *share, uint32_t block, guint n)
{
  guint k = block_class(n);

  share->pairs[block].next = share->free_block[k];
  share->free_block[k] = block;
}

/* ---- contention ------------------------------------------------------------------------------------------------- */

static void mark_dirty(MoeShare *share, uint32_t id)
{
  if (share->activities[id].dirty)
    return;
  share->activities[id].dirty = TRUE;
  ids_push(&share->dirty, id);
}

static gboolean overbooked(const Resource *resource)
{
  return sum_value(resource->demand) > resource->capacity * (1 + SHARE_TOLERANCE);
}

static void list_contended(MoeShare *share, Activity *activity, uint32_t p)
{
  share->pairs[p].place = activity->n_contended;
  share->pairs[activity->first + activity->n_contended++].nth = p;
}

/* The last of the list takes the place of pair p. */
static void unlist_contended(MoeShare *share, Activity *activity, uint32_t p)
{
  uint32_t last = share->pairs[activity->first + --activity->n_contended].nth;

  share->pairs[activity->first + share->pairs[p].place].nth = last;
  share->pairs[last].place = share->pairs[p].place;
}

/* Tells every user. */
static void set_contended(MoeShare *share, Resource *resource, gboolean contended)
{
  resource->contended = contended;
  for (uint32_t p = resource->head; p != NONE; p = share->pairs[p].next) {
    Activity *user = &share->activities[share->pairs[p].activity];

    if (contended)
      list_contended(share, user, p);
    else
      unlist_contended(share, user, p);
  }
}

static inline void link_pair(MoeShare *share, Activity *activity, uint32_t p)
{
  Pair *pair = &share->pairs[p];
  Resource *resource = &share->resources[pair->resource];
  uint32_t head = resource->head;

  pair->previous = NONE;
  pair->next = head;
  resource->head = p;
  if (resource->count++ == 0) {
    resource->demand = (Sum){pair->load * activity->limit, 0};
    return;
  }
  share->pairs[head].previous = p;
  sum_add(&resource->demand, pair->load * activity->limit);
  if (resource->contended)
    list_contended(share, activity, p);
  else if (overbooked(resource))
    set_contended(share, resource, TRUE);
}

/* Marks whom the resource has held back. */
static void mark_held(MoeShare *share, uint32_t resource)
{
  for (uint32_t p = share->resources[resource].head; p != NONE; p = share->pairs[p].next) {
    const Activity *user = &share->activities[share->pairs[p].activity];
    if (user->bottleneck == resource && user->rate < user->limit)
      mark_dirty(share, share->pairs[p].activity);
  }
}

/* What an activity leaves behind on a resource that others use. */
static void release(MoeShare *share, Resource *resource, double demand)
{
  const Pair *head = &share->pairs[resource->head];

  if (resource->count == 1)
    resource->demand = (Sum){head->load * share->activities[head->activity].limit, 0};
  else
    sum_add(&resource->demand, -demand);
  if (!resource->contended)
    return;
  mark_held(share, (uint32_t)(resource - share->resources));
  if (!overbooked(resource))
    set_contended(share, resource, FALSE);
}

static inline void unlink_pair(MoeShare *share, const Activity *activity, uint32_t p)
{
  const Pair *pair = &share->pairs[p];
  Resource *resource = &share->resources[pair->resource];

  if (pair->previous != NONE)
    share->pairs[pair->previous].next = pair->next;
  else
    resource->head = pair->next;
  if (pair->next != NONE)
    share->pairs[pair->next].previous = pair->previous;
  if (--resource->count > 0)
    release(share, resource, pair->load * activity->limit);
}

/* ---- attaching and detaching ------------------------------------------------------------------------------------ */

/* The largest rate the activity could have alone, and what sets it. Ties: the lowest resource, and a resource before
 * the cap. */
static void find_limit(MoeShare *share, Activity *activity)
{
  double limit = INFINITY;
  uint32_t by = NONE;

  for (uint32_t p = activity->first; p < activity->first + activity->n; p++) {
    uint32_t r = share->pairs[p].resource;
    double alone = share->resources[r].capacity / share->pairs[p].load;
    if (alone < limit || (alone == limit && r < by)) {
      limit = alone;
      by = r;
    }
  }
  activity->limit = MIN(limit, activity->cap);
  activity->limit_resource = limit <= activity->cap ? by : NONE;
}

static void attach(MoeShare *share, uint32_t id)
{
  Activity *activity = &share->activities[id];

  find_limit(share, activity);
  activity->n_contended = 0;
  for (uint32_t p = activity->first; p < activity->first + activity->n; p++)
    link_pair(share, activity, p);
  mark_dirty(share, id);
}

static void detach(MoeShare *share, uint32_t id)
{
  const Activity *activity = &share->activities[id];

  for (uint32_t p = activity->first; p < activity->first + activity->n; p++)
    unlink_pair(share, activity, p);
}

guint moe_share_add(MoeShare *share, guint n, const guint *resources, const double *loads, double cap)
{
  g_assert(cap >= 0 && (n > 0 || isfinite(cap)));
  guint id = take_id(share);
  uint32_t first = take_block(share, n);
  Activity *activity = &share->activities[id];

  for (guint i = 0; i < n; i++) {
    g_assert(resources[i] < share->n_resources);
    g_assert(loads[i] > 0 && isfinite(loads[i]));
    if (G_UNLIKELY(!is_met(share, resources[i])))
      meet(share, resources[i], share->capacity[resources[i]]);
    share->pairs[first + i] = (Pair){.load = loads[i], .resource = resources[i], .activity = id};
  }
  /* `dirty` and `stamp` survive: an id may be given out again while it still stands in the list of dirty ones. */
  activity->cap = cap;
  activity->first = first;
  activity->n = n;
  activity->used = TRUE;
  activity->fresh = TRUE;
  activity->rate = 0;
  activity->bottleneck = NONE;
  attach(share, id);
  return id;
}

void moe_share_remove(MoeShare *share, guint activity)
{
  g_assert(activity < share->n_ids && share->activities[activity].used);
  Activity *gone = &share->activities[activity];

  detach(share, activity);
  give_block(share, gone->first, gone->n);
  gone->used = FALSE;
  gone->rate = 0;
  share->first_free = MIN(share->first_free, activity);
}

/* Takes off the resource whoever uses it; `users` holds them from then on. */
static void detach_users(MoeShare *share, const Resource *resource, GArray *users)
{
  while (resource->head != NONE) {
    uint32_t id = share->pairs[resource->head].activity;

    detach(share, id);
    g_array_append_val(users, id);
  }
}

void moe_share_set_capacities(MoeShare *share, guint first, guint n, const double *capacity)
{
  g_autoptr(GArray) users = g_array_new(FALSE, FALSE, sizeof(uint32_t));

  g_assert(first <= share->n_resources && n <= share->n_resources - first);
  for (guint i = 0; i < n; i++) {
    Resource *resource = &share->resources[first + i];

    g_assert(capacity[i] > 0 && isfinite(capacity[i]));
    if (!is_met(share, first + i))
      meet(share, first + i, capacity[i]);
    if (capacity[i] != resource->capacity)
      detach_users(share, resource, users);
    resource->capacity = capacity[i];
  }
  for (guint i = 0; i < users->len; i++)
    attach(share, g_array_index(users, uint32_t, i));
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

const guint *moe_share_changed(const MoeShare *share, guint *n)
{
  *n = share->changed.n;
  return share->changed.ids;
}

double moe_share_rate(const MoeShare *share, guint activity)
{
  g_assert(activity < share->n_ids);
  return share->activities[activity].rate;
}

guint moe_share_bottleneck(const MoeShare *share, guint activity)
{
  g_assert(activity < share->n_ids);
  return share->activities[activity].bottleneck;
}

double moe_share_used(const MoeShare *share, guint resource)
{
  g_assert(resource < share->n_resources);
  Sum used = {0, 0};

  if (!is_met(share, resource))
    return 0;
  for (uint32_t p = share->resources[resource].head; p != NONE; p = share->pairs[p].next)
    sum_add(&used, share->pairs[p].load * share->activities[share->pairs[p].activity].rate);
  return sum_value(used);
}

guint moe_share_n_ids(const MoeShare *share)
{
  return share->n_ids;
}
