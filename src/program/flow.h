/*
 * flow, private: a list of items with dependencies, before it becomes a block.
 */
#ifndef MOESIM_PROGRAM_FLOW_H
#define MOESIM_PROGRAM_FLOW_H

#include "program/program.h"

#define MOE_ITEM_DEPS 10 /* one per other stream, and room for what an item states itself */
#define MOE_NO_ITEM   G_MAXUINT32

/* One operation with the items (indices in its flow) that must be done before it, and streams whose earlier calls must
 * be. */
typedef struct {
  uint8_t kind, stream, pass, scope;
  int16_t layer;
  uint8_t n_deps;
  uint8_t yields;   /* boolean: side by side, the other flow computes before it until it would transfer */
  uint16_t earlier; /* bits of MoeStream: all operations of earlier calls */
  uint32_t work;
  uint32_t dep[MOE_ITEM_DEPS];
} MoeItem;

typedef struct {
  MoeItem *items; /* [n_items] */
  uint32_t n_items, room;
  GArray *memory;        /* MoeMemoryEvent, op = item; MOE_NO_ITEM = next item (resolved when it comes) */
  uint32_t last_compute; /* MOE_NO_ITEM before the first */
  guint n_pending;
  uint32_t pending[MOE_ITEM_DEPS]; /* what the next compute item waits for besides */
  uint16_t pending_earlier;        /* streams of earlier calls that the next compute item waits for */
} MoeFlow;

MoeFlow *moe_flow_new(void);
void moe_flow_free(MoeFlow *flow);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeFlow, moe_flow_free)

/* Appends an item. On the compute stream it takes over what is pending; elsewhere it waits for the last compute item
 * (or, before the first, for the compute of earlier calls). Returns its index. */
uint32_t moe_flow_add(MoeFlow *flow, const MoeItem *item);
/* Appends an item that waits for nothing but its own stream and what it states. */
uint32_t moe_flow_add_free(MoeFlow *flow, const MoeItem *item);
/* The next compute item waits for `item`; MOE_NO_ITEM is ignored. */
void moe_flow_join(MoeFlow *flow, uint32_t item);
void moe_item_depend(MoeItem *item, uint32_t dep);
/* Appends the items of `more`, which have no dependencies of their own, as compute in order. */
void moe_flow_splice(MoeFlow *flow, MoeFlow *more);
MoeItem *moe_flow_item(MoeFlow *flow, uint32_t item);
uint32_t moe_flow_length(const MoeFlow *flow);
/* Memory taken when the next item starts, freed when the last item ends, or tied to an item. */
void moe_flow_allocate(MoeFlow *flow, MoeMemoryPart part, double bytes);
void moe_flow_release(MoeFlow *flow, MoeMemoryPart part, double bytes);
/* The same in the pool of the graphs. */
void moe_flow_allocate_pooled(MoeFlow *flow, MoeMemoryPart part, double bytes);
void moe_flow_release_pooled(MoeFlow *flow, MoeMemoryPart part, double bytes);
/* Freed before the next operation begins, after what was allocated for it so far. */
void moe_flow_drop(MoeFlow *flow, MoeMemoryPart part, double bytes);
void moe_flow_memory(MoeFlow *flow, uint32_t item, MoeMemoryPart part, gboolean at_end, double bytes);

#endif
