/* chakra_trace: a Chakra trace in memory, between its reader and its replay. Part of interchange (floor 8). */
#ifndef MOESIM_CHAKRA_TRACE_H
#define MOESIM_CHAKRA_TRACE_H

#include "interchange/chakra.h"
#include "sim/sim.h"
#include "spec/work.h"

typedef enum {
  CHAKRA_JOIN,
  CHAKRA_HOST,
  CHAKRA_KERNEL,
  CHAKRA_COLLECTIVE,
  CHAKRA_SEND,
  CHAKRA_RECEIVE,
  CHAKRA_COPY
} ChakraKind;

typedef struct {
  uint64_t id;      /* in the file */
  uint8_t kind;     /* ChakraKind */
  gboolean to_host; /* COPY */
  uint32_t rank;
  uint32_t first_next, n_next; /* nodes that wait for this one, into MoeChakra.next */
  uint32_t n_deps;
  uint32_t work; /* COLLECTIVE: into instances; SEND, RECEIVE: into messages */
  double bytes;  /* COPY */
  double flop;   /* KERNEL without a time: roofline */
  gboolean timed;
  MoeTime duration[MOE_N_STATES]; /* HOST, KERNEL */
} ChakraNode;

/* A process group. */
typedef struct {
  char *name;
  GArray *ranks;     /* of int64_t */
  GHashTable *index; /* rank + 1 -> index + 1 */
  GArray *count;     /* of uint32_t: collectives so far of each member */
  GArray *instances; /* of uint32_t: its collectives in order, into MoeChakra.instances */
} ChakraGroup;

/* One collective of all members of a group. */
typedef struct {
  uint32_t group;
  MoeCollective collective; /* n_skew, receive: owned */
  uint32_t joined;          /* members whose traces have it */
  GArray *nodes;            /* of uint32_t, in the order of ranks read */
} ChakraInstance;

/* One message. */
typedef struct {
  uint32_t from, to;      /* ranks */
  uint32_t send, receive; /* nodes; NO_NODE while not seen */
  double bytes;
} ChakraMessage;

#define NO_NODE G_MAXUINT32

struct MoeChakra {
  guint n_ranks;
  GArray *nodes;             /* of ChakraNode, rank by rank */
  GArray *next;              /* of uint32_t */
  GPtrArray *groups;         /* of ChakraGroup */
  GHashTable *group_by_name; /* name -> ChakraGroup index + 1 */
  GArray *instances;         /* of ChakraInstance */
  GArray *messages;          /* of ChakraMessage */
  guint unsized;             /* collectives without kind or size: kernels of the time that was recorded */
  GHashTable *open;          /* key text -> GArray of uint32_t: messages of one sender, receiver and tag */
};

/* What a node of one file waits for. */
typedef struct {
  uint64_t on; /* id in the file */
  uint32_t node;
} ChakraDependency;

/* Turns the dependencies of one rank (`first`: its first node; by_id: id -> node + 1) into lists of nodes that wait. */
gboolean chakra_link(MoeChakra *chakra, guint first, GHashTable *by_id, GArray *dependencies, const char *file,
                     GError **error);

/* Whether every collective has all its members and every message both its sides. */
gboolean chakra_check(const MoeChakra *chakra, GError **error);
/* Gives kernels without a time the roofline's. */
void chakra_time_kernels(MoeChakra *chakra, const MoeAccelerator *accelerator);

ChakraGroup *chakra_group_new(MoeChakra *chakra, const char *name);
/* FALSE and *error when the rank is out of range or a member already. */
gboolean chakra_group_add(ChakraGroup *group, int64_t rank, const char *file, GError **error);

#endif
