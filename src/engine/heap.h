/* 4-ary min-heap of keys, plain or indexed. The four children of a node share one cache line, which is fetched two
 * levels ahead. With positions the place of each (class, id) is kept, so that a key can be moved or removed in place.
 */
#ifndef MOESIM_ENGINE_HEAP_H
#define MOESIM_ENGINE_HEAP_H

#include "key.h"

/* Position of what is not in the heap. */
#define HEAP_ABSENT UINT32_MAX

typedef struct {
  Key *items; /* items[1] starts a cache line; items[0] is KEY_NONE while the heap is empty */
  size_t n;
  size_t room;
  uint32_t **positions; /* positions[class][id]; NULL in a plain heap. Not owned. */
} Heap;

void heap_init(Heap *heap, uint32_t **positions);
void heap_clear(Heap *heap);

/* Smallest key; KEY_NONE when empty. */
static inline Key heap_top(const Heap *heap)
{
  return heap->items[0];
}
/* The key that follows the smallest; KEY_NONE when there is none. */
Key heap_second(const Heap *heap);
void heap_push(Heap *heap, Key key);
/* Takes the smallest key; the heap must not be empty. */
Key heap_pop(Heap *heap);
/* Replaces the key at position i. */
void heap_replace(Heap *heap, size_t i, Key key);
void heap_remove(Heap *heap, size_t i);
/* Empties the heap, keeping its memory. */
void heap_empty(Heap *heap);

#endif
