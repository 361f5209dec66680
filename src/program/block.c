/* Blocks: one flow, or a forward and a backward flow side by side, in issue order, with waits on streams. */
#include "block.h"

/* ---- order of issue ----------------------------------------------------------------------------- */

/* Progress of one flow through the merge. */
typedef struct {
  const MoeFlow *flow;
  uint32_t next;    /* first item not placed */
  uint32_t awaited; /* dependencies on expert communication up to this item have been waited for */
  uint32_t *place;  /* [item] its index in the block */
} Lane;

typedef struct {
  uint32_t *order; /* block index -> lane << 31 | item */
  uint32_t n;      /* placed */
  Lane lane[2];
  guint n_lanes;
} Merge;

#define LANE_SHIFT 31
#define ITEM_MASK  ((1u << LANE_SHIFT) - 1)

static const MoeItem *lane_item(const Lane *lane, uint32_t item)
{
  return &lane->flow->items[item];
}

static gboolean lane_done(const Lane *lane)
{
  return lane->next == lane->flow->n_items;
}

/* Whether the next item is compute that must wait for expert communication which nothing before it waited for. */
static gboolean would_wait(const Lane *lane)
{
  const MoeItem *item = lane_item(lane, lane->next);

  for (guint i = 0; i < item->n_deps; i++)
    if (lane_item(lane, item->dep[i])->stream == MOE_STREAM_EXPERT && item->stream == MOE_STREAM_COMPUTE &&
        item->dep[i] + 1 > lane->awaited)
      return TRUE;
  return FALSE;
}

static gboolean would_transfer(const Lane *lane)
{
  return lane_item(lane, lane->next)->stream == MOE_STREAM_EXPERT;
}

static gboolean would_yield(const Lane *lane)
{
  return lane_item(lane, lane->next)->yields;
}

static void place_next(Merge *merge, guint index)
{
  Lane *lane = &merge->lane[index];
  uint32_t entry = index << LANE_SHIFT | lane->next;
  const MoeItem *item = lane_item(lane, lane->next);

  for (guint i = 0; i < item->n_deps; i++)
    if (lane_item(lane, item->dep[i])->stream == MOE_STREAM_EXPERT)
      lane->awaited = MAX(lane->awaited, item->dep[i] + 1);
  lane->place[lane->next++] = merge->n;
  merge->order[merge->n++] = entry;
}

/* Places items of one lane up to the next one that waits for expert communication, or yields. At least one is placed.
 */
static void place_run(Merge *merge, guint index)
{
  Lane *lane = &merge->lane[index];

  do
    place_next(merge, index);
  while (!lane_done(lane) && !would_wait(lane) && !would_yield(lane));
}

/* Places what one lane computes with a transfer's result before it transfers again. */
static void place_computation(Merge *merge, guint index)
{
  Lane *lane = &merge->lane[index];

  if (lane_done(lane) || !would_wait(lane))
    return;
  do
    place_next(merge, index);
  while (!lane_done(lane) && !would_transfer(lane) && !would_wait(lane));
}

/* While one micro-batch's tokens are under way, the other computes: lanes take turns wherever compute would wait for a
 * dispatch or a combine, the backward one, which comes last, first. The host waits for the counts of a dispatch only
 * when it has issued what the other lane computes meanwhile (docs/model-program.md, Two passes side by side). */
static void take_turns(Merge *merge)
{
  guint turn = 1;

  while (!lane_done(&merge->lane[0]) || !lane_done(&merge->lane[1])) {
    if (lane_done(&merge->lane[turn]))
      turn = 1 - turn;
    if (would_yield(&merge->lane[turn]))
      place_computation(merge, 1 - turn);
    place_run(merge, turn);
    if (lane_done(&merge->lane[turn]) || !would_yield(&merge->lane[turn]))
      turn = 1 - turn;
  }
}

static void one_after_another(Merge *merge)
{
  for (guint i = 0; i < merge->n_lanes; i++)
    while (!lane_done(&merge->lane[i]))
      place_next(merge, i);
}

/* ---- waits -------------------------------------------------------------------------------------- */

typedef struct {
  GArray *waits;      /* MoeWait */
  uint32_t *position; /* [op] its number on its stream, from 1 */
  uint32_t n_stream[MOE_N_STREAMS];
  uint32_t known[MOE_N_STREAMS]
                [MOE_N_STREAMS]; /* [stream][other]: operations of `other` that `stream` has waited for */
  uint16_t known_earlier[MOE_N_STREAMS];
} Waits;

static gboolean on_stream(const MoeItem *item)
{
  return item->kind != MOE_OP_HOST_SYNC;
}

static void add_wait(Waits *waits, const MoeItem *item, uint32_t stream, uint32_t count)
{
  MoeWait wait = {stream, count};

  if (on_stream(item)) {
    if (stream == item->stream || waits->known[item->stream][stream] >= count)
      return;
    waits->known[item->stream][stream] = count;
  }
  g_array_append_val(waits->waits, wait);
}

static void add_earlier(Waits *waits, const MoeItem *item)
{
  for (uint32_t stream = 0; stream < MOE_N_STREAMS; stream++) {
    MoeWait wait = {stream, 0};

    if (!(item->earlier & 1u << stream) || (on_stream(item) && stream == item->stream))
      continue;
    if (on_stream(item) && (waits->known_earlier[item->stream] & 1u << stream))
      continue;
    if (on_stream(item))
      waits->known_earlier[item->stream] |= (uint16_t)(1u << stream);
    g_array_append_val(waits->waits, wait);
  }
}

static void write_op(Waits *waits, const Lane *lane, const MoeItem *item, MoeOp *op)
{
  uint32_t count[MOE_N_STREAMS] = {0};

  *op = (MoeOp){.kind = item->kind,
                .stream = item->stream,
                .pass = item->pass,
                .scope = item->scope,
                .work = item->work,
                .first_wait = waits->waits->len,
                .layer = item->layer};
  for (guint i = 0; i < item->n_deps; i++) {
    const MoeItem *dep = lane_item(lane, item->dep[i]);

    g_assert(on_stream(dep));
    count[dep->stream] = MAX(count[dep->stream], waits->position[lane->place[item->dep[i]]]);
  }
  add_earlier(waits, item);
  if (!on_stream(item) && item->stream == MOE_STREAM_EXPERT) /* the host waits inside an exchange: it comes in order */
    count[MOE_STREAM_EXPERT] = waits->n_stream[MOE_STREAM_EXPERT];
  for (uint32_t stream = 0; stream < MOE_N_STREAMS; stream++)
    if (count[stream] > 0)
      add_wait(waits, item, stream, count[stream]);
  op->n_waits = (uint16_t)(waits->waits->len - op->first_wait);
}

static void write_ops(const Merge *merge, Waits *waits, MoeOp *ops)
{
  for (uint32_t i = 0; i < merge->n; i++) {
    uint32_t entry = merge->order[i];
    const Lane *lane = &merge->lane[entry >> LANE_SHIFT];
    const MoeItem *item = lane_item(lane, entry & ITEM_MASK);

    write_op(waits, lane, item, &ops[i]);
    if (on_stream(item))
      waits->position[i] = ++waits->n_stream[item->stream];
  }
}

/* ---- memory, streams ---------------------------------------------------------------------------- */

static gint compare_events(gconstpointer a, gconstpointer b)
{
  const MoeMemoryEvent *x = a, *y = b;

  if (x->op != y->op)
    return x->op < y->op ? -1 : 1;
  return (int)x->at_end - (int)y->at_end;
}

static void write_memory(MoeArena *arena, const Merge *merge, MoeBlock *block)
{
  g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(MoeMemoryEvent));

  for (guint l = 0; l < merge->n_lanes; l++) {
    const Lane *lane = &merge->lane[l];

    for (guint i = 0; i < lane->flow->memory->len; i++) {
      MoeMemoryEvent event = g_array_index(lane->flow->memory, MoeMemoryEvent, i);

      event.op = lane->place[MIN(event.op, lane->flow->n_items - 1)];
      g_array_append_val(events, event);
    }
  }
  g_array_sort(events, compare_events);
  block->n_memory = events->len;
  block->memory = moe_arena_copy(arena, events->data, events->len * sizeof(MoeMemoryEvent));
}

static void write_streams(MoeArena *arena, MoeBlock *block, const uint32_t n_stream[MOE_N_STREAMS])
{
  uint32_t *lists[MOE_N_STREAMS], at[MOE_N_STREAMS] = {0};

  for (guint s = 0; s < MOE_N_STREAMS; s++) {
    block->n_stream[s] = n_stream[s];
    block->stream_ops[s] = lists[s] = moe_arena_alloc(arena, n_stream[s] * sizeof(uint32_t));
  }
  for (uint32_t i = 0; i < block->n_ops; i++)
    if (block->ops[i].kind != MOE_OP_HOST_SYNC)
      lists[block->ops[i].stream][at[block->ops[i].stream]++] = i;
}

/* ---- the block ---------------------------------------------------------------------------------- */

static void write_block(MoeArena *arena, const Merge *merge, MoeBlock *block)
{
  g_autofree uint32_t *position = g_new0(uint32_t, MAX(merge->n, 1));
  g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(MoeWait));
  Waits waits = {.waits = list, .position = position};
  MoeOp *ops = moe_arena_alloc(arena, merge->n * sizeof(MoeOp));

  write_ops(merge, &waits, ops);
  block->n_ops = merge->n;
  block->ops = ops;
  block->n_waits = list->len;
  block->waits = moe_arena_copy(arena, list->data, list->len * sizeof(MoeWait));
  write_memory(arena, merge, block);
  write_streams(arena, block, waits.n_stream);
}

void moe_block_assemble(MoeArena *arena, const char *name, const MoeFlow *const *flows, guint n_flows, gboolean turns,
                        MoeBlock *block)
{
  Merge merge = {.n_lanes = n_flows};
  gsize n_items = 0;

  g_assert(n_flows >= 1 && n_flows <= G_N_ELEMENTS(merge.lane));
  for (guint i = 0; i < n_flows; i++)
    merge.lane[i] = (Lane){.flow = flows[i], .place = g_new0(uint32_t, MAX(flows[i]->n_items, 1))};
  for (guint i = 0; i < n_flows; i++)
    n_items += flows[i]->n_items;
  merge.order = g_new(uint32_t, n_items + 1);
  if (turns && n_flows > 1)
    take_turns(&merge);
  else
    one_after_another(&merge);
  *block = (MoeBlock){.name = name};
  write_block(arena, &merge, block);
  for (guint i = 0; i < n_flows; i++)
    g_free(merge.lane[i].place);
  g_free(merge.order);
}
