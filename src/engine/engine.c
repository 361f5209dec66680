#include "engine/engine.h"

#include "wheel.h"

/* FNV-1a, 64 bits (draft-eastlake-fnv), fed with whole words instead of bytes. */
#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)

#define MAX_CLASSES 256

struct MoeEngine {
  MoeTime now;
  Wheel *wheel; /* NULL when fixed events live in the heap */
  Heap fixed;
  Heap movable;
  uint64_t n_fixed; /* pending */
  uint64_t events;
  uint64_t order_hash;
  gboolean hashing;
  uint32_t n_classes;
  gboolean class_movable[MAX_CLASSES];
  uint32_t class_ids[MAX_CLASSES];  /* movable classes: room of their positions */
  uint32_t *positions[MAX_CLASSES]; /* movable classes: place of each id in the movable heap */
};

MoeEngine *moe_engine_new(MoeCalendarKind kind)
{
  MoeEngine *engine = g_new0(MoeEngine, 1);

  engine->order_hash = FNV_OFFSET;
  heap_init(&engine->fixed, NULL);
  heap_init(&engine->movable, engine->positions);
  if (kind == MOE_CALENDAR_WHEEL)
    engine->wheel = wheel_new();
  return engine;
}

void moe_engine_free(MoeEngine *engine)
{
  if (engine == NULL)
    return;
  wheel_free(engine->wheel);
  heap_clear(&engine->fixed);
  heap_clear(&engine->movable);
  for (uint32_t c = 0; c < engine->n_classes; c++)
    g_free(engine->positions[c]);
  g_free(engine);
}

uint32_t moe_engine_add_class(MoeEngine *engine, gboolean movable, uint32_t max_ids)
{
  g_assert(engine->n_classes < MAX_CLASSES);
  uint32_t klass = engine->n_classes++;
  engine->class_movable[klass] = movable;
  if (movable)
    moe_engine_grow_class(engine, klass, max_ids);
  return klass;
}

void moe_engine_grow_class(MoeEngine *engine, uint32_t klass, uint32_t max_ids)
{
  g_assert(klass < engine->n_classes);
  uint32_t old = engine->class_ids[klass];
  if (!engine->class_movable[klass] || max_ids <= old)
    return;
  engine->positions[klass] = g_renew(uint32_t, engine->positions[klass], max_ids);
  for (uint32_t id = old; id < max_ids; id++)
    engine->positions[klass][id] = HEAP_ABSENT;
  engine->class_ids[klass] = max_ids;
}

MoeTime moe_engine_now(const MoeEngine *engine)
{
  return engine->now;
}
uint64_t moe_engine_events(const MoeEngine *engine)
{
  return engine->events;
}
uint64_t moe_engine_pending(const MoeEngine *engine)
{
  return engine->n_fixed + engine->movable.n;
}
void moe_engine_keep_order_hash(MoeEngine *engine, gboolean keep)
{
  engine->hashing = keep;
}
uint64_t moe_engine_order_hash(const MoeEngine *engine)
{
  return engine->order_hash;
}

void moe_engine_post(MoeEngine *engine, uint32_t klass, uint32_t id, MoeTime time)
{
  g_assert(klass < engine->n_classes && !engine->class_movable[klass]);
  g_assert(time >= engine->now);
  if (time == MOE_TIME_MAX)
    return;
  engine->n_fixed++;
  if (engine->wheel)
    wheel_push(engine->wheel, key_make(time, klass, id), engine->now);
  else
    heap_push(&engine->fixed, key_make(time, klass, id));
}

static gboolean cancel_movable(MoeEngine *engine, uint32_t klass, uint32_t id)
{
  uint32_t position = engine->positions[klass][id];

  if (position == HEAP_ABSENT)
    return FALSE;
  heap_remove(&engine->movable, position);
  return TRUE;
}

void moe_engine_set(MoeEngine *engine, uint32_t klass, uint32_t id, MoeTime time)
{
  g_assert(klass < engine->n_classes && engine->class_movable[klass]);
  g_assert(id < engine->class_ids[klass]);
  g_assert(time >= engine->now);
  uint32_t position = engine->positions[klass][id];
  if (time == MOE_TIME_MAX)
    cancel_movable(engine, klass, id);
  else if (position == HEAP_ABSENT)
    heap_push(&engine->movable, key_make(time, klass, id));
  else
    heap_replace(&engine->movable, position, key_make(time, klass, id));
}

static gboolean cancel_in_heap(Heap *heap, Key key)
{
  for (size_t i = 0; i < heap->n; i++)
    if ((uint64_t)heap->items[i] == (uint64_t)key) {
      heap_remove(heap, i);
      return TRUE;
    }
  return FALSE;
}

gboolean moe_engine_cancel(MoeEngine *engine, uint32_t klass, uint32_t id)
{
  g_assert(klass < engine->n_classes);
  Key key = key_make(0, klass, id);
  gboolean found = FALSE;

  if (engine->class_movable[klass])
    return id < engine->class_ids[klass] && cancel_movable(engine, klass, id);
  if (engine->wheel)
    found = wheel_cancel(engine->wheel, key, engine->now);
  else
    found = cancel_in_heap(&engine->fixed, key);
  engine->n_fixed -= found;
  return found;
}

/* Smallest fixed key. The wheel need not open what starts after `limit` and then answers KEY_NONE. */
static inline Key fixed_top(MoeEngine *engine, MoeTime limit)
{
  return G_LIKELY(engine->wheel) ? wheel_top(engine->wheel, engine->now, limit) : heap_top(&engine->fixed);
}

static inline void fixed_drop(MoeEngine *engine, Key top)
{
  engine->n_fixed--;
  if (G_LIKELY(engine->wheel))
    wheel_drop(engine->wheel, top);
  else
    heap_pop(&engine->fixed);
}

static void hash_order(MoeEngine *engine, Key key)
{
  engine->order_hash = (engine->order_hash ^ (uint64_t)(key >> 64)) * FNV_PRIME;
  engine->order_hash = (engine->order_hash ^ (uint64_t)key) * FNV_PRIME;
}

/* Takes the next event unless it is later than `until`. */
static inline gboolean take(MoeEngine *engine, MoeTime until, MoeEvent *event)
{
  Key movable = heap_top(&engine->movable);
  Key fixed = fixed_top(engine, MIN(key_time(movable), until));
  Key next = MIN(movable, fixed);

  if (next == KEY_NONE || key_time(next) > until)
    return FALSE;
  if (next == fixed)
    fixed_drop(engine, fixed);
  else
    heap_pop(&engine->movable);
  engine->now = key_time(next);
  engine->events++;
  if (G_UNLIKELY(engine->hashing))
    hash_order(engine, next);
  *event = (MoeEvent){.time = key_time(next), .klass = key_class(next), .id = key_id(next)};
  return TRUE;
}

gboolean moe_engine_pop(MoeEngine *engine, MoeEvent *event)
{
  return take(engine, MOE_TIME_MAX, event);
}

MoeTime moe_engine_peek_time(MoeEngine *engine)
{
  Key movable = heap_top(&engine->movable);
  Key fixed = fixed_top(engine, key_time(movable));

  return key_time(MIN(movable, fixed));
}

guint moe_engine_next_movable(const MoeEngine *engine, MoeEvent events[MOE_ENGINE_AHEAD])
{
  Key keys[MOE_ENGINE_AHEAD] = {heap_top(&engine->movable), heap_second(&engine->movable)};
  guint n = 0;

  while (n < MOE_ENGINE_AHEAD && keys[n] != KEY_NONE) {
    events[n] = (MoeEvent){.time = key_time(keys[n]), .klass = key_class(keys[n]), .id = key_id(keys[n])};
    n++;
  }
  return n;
}

uint64_t moe_engine_run(MoeEngine *engine, MoeTime until, MoeEventFunc func, gpointer user_data)
{
  uint64_t before = engine->events;
  gboolean more = TRUE;
  MoeEvent event;

  while (more && take(engine, until, &event))
    more = func(engine, &event, user_data);
  return engine->events - before;
}
