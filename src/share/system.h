/* The system behind MoeShare: who uses what, and what a change can reach.
 *
 * Two observations keep solving local, and both are exact:
 *   limit      x_a <= c_r / l_ar holds for every resource of an activity, so each activity has a limit of its own, the
 * least of these and its cap, whoever else is there; contended  a resource with sum_a l_ar limit_a <= c_r is never
 * exceeded whatever happens elsewhere. Only the others, the contended ones, tie activities together. An activity on
 * uncontended resources runs at its limit, and a component is connected by contended resources alone: the uplinks of a
 * non-blocking network join nobody. */
#ifndef MOESIM_SHARE_SYSTEM_H
#define MOESIM_SHARE_SYSTEM_H

#include <moesim/share.h>

#include "sum.h"

#define NONE UINT32_MAX

/* Relative difference below which two levels are one level and a resource is full: a thousand times the rounding error
 * of the sums involved, a millionth of a picosecond in a second. Activities that reach their level together get the
 * same bits. */
#define SHARE_TOLERANCE 1e-12

/* One use of a resource by an activity: an element of the resource's doubly linked list. */
typedef struct {
  double load;
  uint32_t resource;
  uint32_t activity;
  uint32_t next;
  uint32_t previous;
} Pair;

typedef struct {
  double capacity;
  Sum demand; /* sum of load x limit over the users */
  uint32_t head;
  uint32_t count : 31;
  uint32_t contended : 1;
} Resource;

typedef struct {
  double rate;
  double cap;
  double limit;
  uint32_t limit_resource; /* NONE when the cap is the limit */
  uint32_t bottleneck;
  uint32_t first; /* pairs first ... first + n - 1 */
  uint32_t n;
  uint32_t n_contended; /* so many of them, the first, are on contended resources */
  uint32_t round;       /* of filling in which the rate was settled; 0: not yet */
  uint64_t stamp;       /* last component it belonged to */
  gboolean used;
  gboolean dirty; /* stands in `dirty` */
  gboolean fresh; /* has no rate yet */
} Activity;

/* State of a contended resource while its component is solved. */
typedef struct {
  Sum left;   /* capacity not taken by settled activities */
  Sum weight; /* sum of loads of unsettled activities */
  uint64_t stamp;
  uint32_t unsettled;
} Fill;

/* Where the filling of a component stops next because of a resource or of an activity's limit. */
typedef struct {
  double key;
  uint32_t index; /* resource or activity */
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
  Resource *resources;
  Fill *fills;
  Activity *activities;
  Pair *pairs;
  uint32_t n_pairs;
  uint32_t pairs_room;
  uint32_t free_block[BLOCK_CLASSES];
  uint64_t stamp;
  uint64_t *bits; /* one bit per id, all 0 between uses: room to sort ids */
  Ids dirty;
  Ids changed;
  Ids members; /* activities of the component being solved */
  Ids joints;  /* its contended resources */
  Ids stack;
  Ids settled;
  Level *levels; /* heap */
  guint n_levels;
  guint levels_room;
};

/* Sorts distinct activity ids ascending. */
void share_sort_ids(MoeShare *share, Ids *ids);
/* Gives an activity its new rate and notes the change. */
void share_settle(MoeShare *share, uint32_t activity, double rate, uint32_t bottleneck);
/* Progressive filling of the component in `members` (ascending) and `joints`. */
void share_fill(MoeShare *share);

#endif
