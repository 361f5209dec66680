/* Flows: items with dependencies by index. */
#include "flow.h"

MoeFlow *moe_flow_new(void)
{
  MoeFlow *flow = g_new0(MoeFlow, 1);

  flow->memory = g_array_new(FALSE, FALSE, sizeof(MoeMemoryEvent));
  flow->last_compute = MOE_NO_ITEM;
  return flow;
}

void moe_flow_free(MoeFlow *flow)
{
  if (!flow)
    return;
  g_free(flow->items);
  g_array_unref(flow->memory);
  g_free(flow);
}

uint32_t moe_flow_length(const MoeFlow *flow)
{
  return flow->n_items;
}

MoeItem *moe_flow_item(MoeFlow *flow, uint32_t item)
{
  return &flow->items[item];
}

void moe_item_depend(MoeItem *item, uint32_t dep)
{
  if (dep == MOE_NO_ITEM)
    return;
  for (guint i = 0; i < item->n_deps; i++)
    if (item->dep[i] == dep)
      return;
  g_assert(item->n_deps < MOE_ITEM_DEPS);
  item->dep[item->n_deps++] = dep;
}

void moe_flow_join(MoeFlow *flow, uint32_t item)
{
  if (item == MOE_NO_ITEM)
    return;
  /* Streams run in order: waiting for the later of two items is waiting for both. */
  for (guint i = 0; i < flow->n_pending; i++)
    if (moe_flow_item(flow, flow->pending[i])->stream == moe_flow_item(flow, item)->stream) {
      flow->pending[i] = MAX(flow->pending[i], item);
      return;
    }
  g_assert(flow->n_pending < MOE_ITEM_DEPS);
  flow->pending[flow->n_pending++] = item;
}

static void take_pending(MoeFlow *flow, MoeItem *item)
{
  for (guint i = 0; i < flow->n_pending; i++)
    moe_item_depend(item, flow->pending[i]);
  item->earlier |= flow->pending_earlier;
}

static gboolean is_compute(const MoeItem *item)
{
  return (item->kind == MOE_OP_KERNEL || item->kind == MOE_OP_DELAY) && item->stream == MOE_STREAM_COMPUTE;
}

#define FIRST_ITEMS 64

uint32_t moe_flow_add_free(MoeFlow *flow, const MoeItem *item)
{
  if (flow->n_items == flow->room) {
    flow->room = MAX(2 * flow->room, FIRST_ITEMS);
    flow->items = g_renew(MoeItem, flow->items, flow->room);
  }
  flow->items[flow->n_items] = *item;
  return flow->n_items++;
}

uint32_t moe_flow_add(MoeFlow *flow, const MoeItem *item)
{
  MoeItem copy = *item;

  take_pending(flow, &copy);
  if (is_compute(item)) {
    flow->n_pending = 0;
    flow->pending_earlier = 0;
    return flow->last_compute = moe_flow_add_free(flow, &copy);
  }
  if (flow->last_compute != MOE_NO_ITEM)
    moe_item_depend(&copy, flow->last_compute);
  else
    copy.earlier |= 1u << MOE_STREAM_COMPUTE;
  return moe_flow_add_free(flow, &copy);
}

void moe_flow_splice(MoeFlow *flow, MoeFlow *more)
{
  for (uint32_t i = 0; i < more->n_items; i++) {
    MoeItem item = *moe_flow_item(more, i);

    g_assert(is_compute(&item));
    item.n_deps = 0;
    item.earlier = 0;
    moe_flow_add(flow, &item);
  }
}

static void add_event(MoeFlow *flow, MoeMemoryEvent event)
{
  if (event.bytes != 0)
    g_array_append_val(flow->memory, event);
}

void moe_flow_memory(MoeFlow *flow, uint32_t item, MoeMemoryPart part, gboolean at_end, double bytes)
{
  add_event(flow, (MoeMemoryEvent){.op = item, .part = (uint8_t)part, .at_end = (uint8_t)at_end, .bytes = bytes});
}

/* What ends with the last item so far. */
static uint32_t last_item(const MoeFlow *flow)
{
  return flow->n_items > 0 ? flow->n_items - 1 : 0;
}

void moe_flow_allocate_pooled(MoeFlow *flow, MoeMemoryPart part, double bytes)
{
  add_event(flow, (MoeMemoryEvent){.op = flow->n_items, .part = (uint8_t)part, .pooled = TRUE, .bytes = bytes});
}

void moe_flow_release_pooled(MoeFlow *flow, MoeMemoryPart part, double bytes)
{
  add_event(flow, (MoeMemoryEvent){
                      .op = last_item(flow), .part = (uint8_t)part, .at_end = TRUE, .pooled = TRUE, .bytes = -bytes});
}

void moe_flow_allocate(MoeFlow *flow, MoeMemoryPart part, double bytes)
{
  moe_flow_memory(flow, flow->n_items, part, FALSE, bytes);
}

void moe_flow_release(MoeFlow *flow, MoeMemoryPart part, double bytes)
{
  moe_flow_memory(flow, last_item(flow), part, TRUE, -bytes);
}

void moe_flow_drop(MoeFlow *flow, MoeMemoryPart part, double bytes)
{
  moe_flow_memory(flow, flow->n_items, part, FALSE, -bytes);
}
