#include "heap.h"

#include <string.h>

#define ARITY 4
/* Keys before the root, so that its children start a cache line. */
#define PAD        3
#define FIRST_ROOM 61

static Key *allocate(size_t room)
{
  Key *memory = g_aligned_alloc(room + PAD, sizeof(Key), MOE_CACHE_LINE);

  return memory + PAD;
}

void heap_init(Heap *heap, uint32_t **positions)
{
  *heap = (Heap){.items = allocate(FIRST_ROOM), .room = FIRST_ROOM, .positions = positions};
  heap->items[0] = KEY_NONE;
}

void heap_clear(Heap *heap)
{
  if (heap->items)
    g_aligned_free(heap->items - PAD);
  *heap = (Heap){0};
}

static void grow(Heap *heap)
{
  size_t room = (heap->room + PAD) * 2 - PAD;
  Key *items = allocate(room);

  memcpy(items, heap->items, heap->n * sizeof *items);
  g_aligned_free(heap->items - PAD);
  heap->items = items;
  heap->room = room;
}

static inline void place(Heap *heap, size_t i, Key key)
{
  heap->items[i] = key;
  if (heap->positions)
    heap->positions[key_class(key)][key_id(key)] = (uint32_t)i;
}

static inline void forget(Heap *heap, Key key)
{
  if (heap->positions)
    heap->positions[key_class(key)][key_id(key)] = HEAP_ABSENT;
}

/* Lets `key` rise from the hole at i. */
static inline void rise(Heap *heap, size_t i, Key key)
{
  while (i > 0) {
    size_t parent = (i - 1) / ARITY;
    if (heap->items[parent] <= key)
      break;
    place(heap, i, heap->items[parent]);
    i = parent;
  }
  place(heap, i, key);
}

/* Smallest of up to four children starting at `first` < n. */
static inline size_t smallest_child(const Heap *heap, size_t first)
{
  const Key *items = heap->items;

  if (G_LIKELY(first + 3 < heap->n)) {
    size_t left = first + (items[first + 1] < items[first]);
    size_t right = first + 2 + (items[first + 3] < items[first + 2]);
    return items[right] < items[left] ? right : left;
  }
  size_t best = first;
  for (size_t i = first + 1; i < heap->n; i++)
    best = items[i] < items[best] ? i : best;
  return best;
}

Key heap_second(const Heap *heap)
{
  return heap->n > 1 ? heap->items[smallest_child(heap, 1)] : KEY_NONE;
}

/* Lets `key` sink from the hole at i. */
static inline void sink(Heap *heap, size_t i, Key key)
{
  for (size_t first = ARITY * i + 1; first < heap->n; first = ARITY * i + 1) {
    size_t grandchildren = ARITY * first + 1;
    if (grandchildren < heap->n)
      for (size_t k = 0; k < ARITY; k++)
        __builtin_prefetch(&heap->items[grandchildren + ARITY * k]);
    size_t child = smallest_child(heap, first);
    if (key <= heap->items[child])
      break;
    place(heap, i, heap->items[child]);
    i = child;
  }
  place(heap, i, key);
}

void heap_push(Heap *heap, Key key)
{
  if (G_UNLIKELY(heap->n == heap->room))
    grow(heap);
  rise(heap, heap->n++, key);
}

void heap_replace(Heap *heap, size_t i, Key key)
{
  if (key < heap->items[i])
    rise(heap, i, key);
  else
    sink(heap, i, key);
}

void heap_remove(Heap *heap, size_t i)
{
  Key last = heap->items[--heap->n];

  forget(heap, heap->items[i]);
  if (i < heap->n)
    heap_replace(heap, i, last);
  else if (heap->n == 0)
    heap->items[0] = KEY_NONE;
}

Key heap_pop(Heap *heap)
{
  Key top = heap->items[0];
  Key last = heap->items[--heap->n];

  forget(heap, top);
  if (heap->n > 0)
    sink(heap, 0, last);
  else
    heap->items[0] = KEY_NONE;
  return top;
}

void heap_empty(Heap *heap)
{
  for (size_t i = 0; i < heap->n; i++)
    forget(heap, heap->items[i]);
  heap->n = 0;
  heap->items[0] = KEY_NONE;
}
