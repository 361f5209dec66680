/* The system behind MoeShare: who uses what, and what a change can reach.
 *
 * Two observations keep solving local, and both are exact:
 *   limit      x_a <= c_r / l_ar holds for every resource of an activity, so each activity has a limit of its own, the
 * least of these and its cap, whoever else is there; contended  a resource with sum_a l_ar limit_a <= c_r is never
 * exceeded whatever happens elsewhere. Only the others, the contended ones, tie activities together. An activity on
 * uncontended resources runs at its limit, and a component is connected by contended resources alone: the uplinks of a
 * non-blocking network join nobody.
 *
 * Within a component a change is followed only as far as it reaches: see solve.c. */
#ifndef MOESIM_SHARE_SYSTEM_H
#define MOESIM_SHARE_SYSTEM_H

#include "share/share.h"

#include "sum.h"

#define NONE UINT32_MAX

/* Relative difference below which two levels are one level and a resource is full: a thousand times the rounding error
 * of the sums involved, a millionth of a picosecond in a second. Activities that reach their level together get the
 * same bits. What a change moves by less than this is left as it is. */
#define SHARE_TOLERANCE 1e-12

/* One use of a resource by an activity: an element of the resource's doubly linked list. The activity's pairs on
 * contended resources are listed in `nth` of its first pairs; `place` of each is where it stands in that list. */
typedef struct {
  double load;
  uint32_t resource;
  uint32_t activity;
  uint32_t next;
  uint32_t previous;
  uint32_t place;
  uint32_t nth;
} Pair;

typedef struct {
  double capacity;
  Sum demand; /* sum of load x limit over the users */
  uint32_t head;
  uint32_t count : 31;
  uint32_t contended : 1;
} Resource;

/* Resources and pairs start at a cache line and are half of one each: the two directions of a port are one line. */
G_STATIC_ASSERT(2 * sizeof(Resource) == MOE_CACHE_LINE && 2 * sizeof(Pair) == MOE_CACHE_LINE);

typedef struct {
  double rate;
  double level;  /* its rate in the solution being found */
  double before; /* its rate before the solve that is under way, when `touched` */
  double cap;
  double limit;
  uint32_t limit_resource; /* NONE when the cap is the limit */
  uint32_t bottleneck;
  uint32_t held_by; /* its bottleneck in the solution being found */
  uint32_t first;   /* pairs first ... first + n - 1 */
  uint32_t n;
  uint32_t n_contended; /* so many of them are on contended resources: share_contended() */
  uint32_t round;       /* of filling in which the rate was settled; 0: not yet */
  uint64_t stamp;       /* last region it belonged to */
  gboolean used;
  gboolean dirty;   /* stands in `dirty` */
  gboolean fresh;   /* has no rate yet */
  gboolean touched; /* stands in `changed` */
} Activity;

/* A contended resource that the region being solved uses. They lie side by side: the resources themselves are
 * scattered, and there are too many for the cache. */
typedef struct {
  Sum left;    /* capacity not taken by settled activities and by those outside the region */
  Sum weight;  /* sum of loads of unsettled activities */
  double most; /* highest level of an activity of the region on it */
  uint32_t resource;
  uint32_t head; /* the resource's */
  uint32_t unsettled;
  uint32_t outside; /* users that are not of the region */
} Joint;

/* Where the filling of a region stops next because of a resource or of an activity's limit. */
typedef struct {
  double key;
  uint32_t index; /* joint or activity */
  gboolean is_activity;
} Level;

/* Growing list of activities or resources. A call into GLib for each element would double the cost of a solve. */
typedef struct {
  uint32_t *ids;
  guint n;
  guint room;
} Ids;

static inline void ids_push(Ids *list, uint32_t id)
{
  if (G_UNLIKELY(list->n == list->room)) {
    list->room = MAX(2 * list->room, 16U);
    list->ids = g_renew(uint32_t, list->ids, list->room);
  }
  list->ids[list->n++] = id;
}

/* Power-of-two blocks of pairs: block sizes 2^0 ... 2^31. */
#define BLOCK_CLASSES 32

struct MoeShare {
  guint n_resources;
  guint n_ids;
  guint ids_room;
  guint first_free; /* no free id below */
  const double *capacity;
  uint64_t *met;       /* one bit per resource: it was used, or given another capacity, before */
  Resource *resources; /* those that were met: of the ports of a million GPUs a folded step uses a few hundred */
  Activity *activities;
  Pair *pairs;
  uint32_t n_pairs;
  uint32_t pairs_room;
  uint32_t free_block[BLOCK_CLASSES];
  uint64_t stamp;
  uint64_t *bits; /* one bit per id, all 0 between uses: room to sort ids */
  Ids dirty;
  Ids changed;
  Ids members; /* activities of the region being solved */
  Ids stack;
  Ids settled;
  Ids disturbed;      /* activities outside the region that cannot stay as they are */
  uint32_t *joint_of; /* [n_resources] of those that were met: place in `joints`, where it is one: share_joint() */
  Joint *joints;      /* contended resources of the region being solved */
  guint n_joints;
  guint joints_room;
  Level *levels; /* heap */
  guint n_levels;
  guint levels_room;
};

/* The resource's joint, NULL when the region has not reached it. */
static inline Joint *share_joint(const MoeShare *share, uint32_t resource)
{
  uint32_t joint = share->joint_of[resource];

  return joint < share->n_joints && share->joints[joint].resource == resource ? &share->joints[joint] : NULL;
}

/* The k-th pair of an activity on a contended resource, k < n_contended. */
static inline const Pair *share_contended(const MoeShare *share, const Activity *activity, uint32_t k)
{
  return &share->pairs[share->pairs[activity->first + k].nth];
}

/* Sorts distinct activity ids ascending. */
void share_sort_ids(MoeShare *share, Ids *ids);
/* Progressive filling of the region in `members` (ascending) and `joints`: leaves each member's `level` and `held_by`,
 * and in `disturbed` who outside the region is faster than the levels of what it shares with the region allow. */
void share_fill(MoeShare *share);
/* Whether an activity's limit needs a level of its own: a contended resource stops its users at capacity / load at the
 * latest. */
static inline gboolean share_limit_matters(const MoeShare *share, const Activity *activity)
{
  return activity->limit_resource == NONE || !share->resources[activity->limit_resource].contended;
}
/* Empties `levels` and makes room for n of them. */
void share_reserve_levels(MoeShare *share, guint n);
/* Level at which a resource is full when `left` of it remains for users of the loads `weight`. */
static inline double share_level(Sum left_sum, Sum weight_sum)
{
  double left = sum_value(left_sum), weight = sum_value(weight_sum);

  /* Loads 2^100 apart could leave no weight for the smallest: it is then stopped where the others are. */
  return weight > 0 && left > 0 ? left / weight : 0;
}
/* Where filling stops. */
typedef struct {
  double bound;   /* levels up to here stop together */
  double level;   /* what they get */
  uint32_t round; /* of the filling, from 1 */
} Stop;
/* An activity outside the region uses a resource that is full at the stop: who has the same rate gives it to all, who
 * is faster takes what is not its due. */
static inline void share_compare(MoeShare *share, uint32_t id, Stop *stop)
{
  double rate = share->activities[id].rate;

  if (rate > stop->bound)
    ids_push(&share->disturbed, id);
  else if (rate >= stop->level * (1 - SHARE_TOLERANCE))
    stop->level = rate;
}

#endif
