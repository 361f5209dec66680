#include "wheel.h"

#include <math.h>
#include <string.h>

#define RING_MASK (WHEEL_BUCKETS - 1)
/* Keys of one chunk: 256 bytes. A power of two, so that a bucket's count tells the place in its newest chunk. */
#define CHUNK_KEYS   16
#define NO_CHUNK     UINT32_MAX
#define FIRST_CHUNKS 64
#define FIRST_OPENED 64

/* Bucket width before the first look at the rate: 2^20 ps = 1 us, the order of a kernel. */
#define FIRST_SHIFT 20
/* 2^40 ps = 1.1 s: wider buckets gain nothing, and bucket numbers stay far from overflow. */
#define MAX_SHIFT 40
/* Mean events of a bucket: 8 below 1e4 pending (short sorts), then pending / 1000, so that about 1000 buckets are being
 * filled at a time and their ends stay in the second-level cache. tests/bench/bench_engine: 8 to 64 differ by 10 %. */
#define BUCKET_EVENTS   8
#define FILLING_BUCKETS 1000
/* Events between two looks at the width, at least; a change costs O(pending), hence never more often than that either.
 */
#define CHECK_EVENTS 1024
/* The width is left alone while it is within 2^1 of the wanted one. */
#define SHIFT_TOLERANCE 1

Wheel *wheel_new(void)
{
  Wheel *wheel = g_new0(Wheel, 1);

  wheel->shift = FIRST_SHIFT;
  wheel->check_due = CHECK_EVENTS;
  wheel->free_chunk = NO_CHUNK;
  wheel->opened_room = FIRST_OPENED;
  wheel->opened = g_new(Key, FIRST_OPENED + 1);
  wheel->scratch = g_new(Key, FIRST_OPENED);
  wheel->opened[0] = KEY_NONE;
  wheel->head = wheel->opened;
  heap_init(&wheel->near, NULL);
  heap_init(&wheel->far, NULL);
  return wheel;
}

void wheel_free(Wheel *wheel)
{
  if (wheel == NULL)
    return;
  heap_clear(&wheel->near);
  heap_clear(&wheel->far);
  g_free(wheel->opened);
  g_free(wheel->scratch);
  g_free(wheel->chunks);
  g_free(wheel->next);
  g_free(wheel);
}

static size_t opened_left(const Wheel *wheel)
{
  const Key *end = wheel->head;

  while (*end != KEY_NONE)
    end++;
  return (size_t)(end - wheel->head);
}

size_t wheel_pending(const Wheel *wheel)
{
  return opened_left(wheel) + wheel->near.n + wheel->in_ring + wheel->far.n;
}

/* ---- chunks and buckets ----------------------------------------------------------------------------------------- */

static void more_chunks(Wheel *wheel)
{
  uint32_t old = wheel->n_chunks;
  uint32_t new = old ? 2 * old : FIRST_CHUNKS;

  wheel->chunks = g_renew(Key, wheel->chunks, (size_t) new *CHUNK_KEYS);
  wheel->next = g_renew(uint32_t, wheel->next, new);
  for (uint32_t c = old; c < new; c++)
    wheel->next[c] = c + 1 < new ? c + 1 : NO_CHUNK;
  wheel->free_chunk = old;
  wheel->n_chunks = new;
}

static void add_chunk(Wheel *wheel, WheelBucket *bucket)
{
  if (wheel->free_chunk == NO_CHUNK)
    more_chunks(wheel);
  uint32_t chunk = wheel->free_chunk;
  wheel->free_chunk = wheel->next[chunk];
  wheel->next[chunk] = bucket->count ? bucket->chunk : NO_CHUNK;
  bucket->chunk = chunk;
}

static inline void ring_push(Wheel *wheel, Key key, int64_t number)
{
  size_t slot = (size_t)number & RING_MASK;
  WheelBucket *bucket = &wheel->buckets[slot];
  uint32_t place = bucket->count % CHUNK_KEYS;

  if (place == 0) {
    add_chunk(wheel, bucket);
    wheel->occupied[slot / WHEEL_WORD] |= UINT64_C(1) << slot % WHEEL_WORD;
    wheel->summary |= UINT64_C(1) << slot / WHEEL_WORD;
  }
  wheel->chunks[(size_t)bucket->chunk * CHUNK_KEYS + place] = key;
  bucket->count++;
  wheel->in_ring++;
}

/* Moves a bucket's keys to `out` (room for its count) in the order of their posting. */
static size_t ring_take(Wheel *wheel, size_t slot, Key *out)
{
  WheelBucket *bucket = &wheel->buckets[slot];
  size_t left = bucket->count;
  size_t taken = left;
  uint32_t chunk = bucket->chunk;

  while (left > 0) {
    uint32_t older = wheel->next[chunk];
    if (older != NO_CHUNK)
      for (size_t k = 0; k < CHUNK_KEYS; k += 4)
        __builtin_prefetch(&wheel->chunks[(size_t)older * CHUNK_KEYS + k]);
    size_t part = (left - 1) % CHUNK_KEYS + 1;
    left -= part;
    memcpy(out + left, &wheel->chunks[(size_t)chunk * CHUNK_KEYS], part * sizeof *out);
    wheel->next[chunk] = wheel->free_chunk;
    wheel->free_chunk = chunk;
    chunk = older;
  }
  bucket->count = 0;
  wheel->in_ring -= taken;
  wheel->occupied[slot / WHEEL_WORD] &= ~(UINT64_C(1) << slot % WHEEL_WORD);
  if (wheel->occupied[slot / WHEEL_WORD] == 0)
    wheel->summary &= ~(UINT64_C(1) << slot / WHEEL_WORD);
  return taken;
}

/* First occupied slot from `slot` on, round the ring; the ring must not be empty. */
static size_t next_occupied(const Wheel *wheel, size_t slot)
{
  size_t word = slot / WHEEL_WORD;
  uint64_t bits = wheel->occupied[word] & (~UINT64_C(0) << slot % WHEEL_WORD);

  if (bits == 0) {
    uint64_t after = word + 1 < WHEEL_WORD ? wheel->summary & (~UINT64_C(0) << (word + 1)) : 0;
    word = (size_t)__builtin_ctzll(after ? after : wheel->summary);
    bits = wheel->occupied[word];
  }
  return word * WHEEL_WORD + (size_t)__builtin_ctzll(bits);
}

static int64_t first_bucket(const Wheel *wheel)
{
  size_t start = (size_t)wheel->edge & RING_MASK;
  size_t slot = next_occupied(wheel, start);

  return wheel->edge + (int64_t)((slot - start) & RING_MASK);
}

/* ---- pushing ---------------------------------------------------------------------------------------------------- */

/* Whether the ring holds bucket `number`, which must not lie before the edge. */
static inline gboolean in_reach(const Wheel *wheel, int64_t number)
{
  return number - wheel->edge < WHEEL_BUCKETS;
}

/* Brings what the ring now reaches over from the far heap. */
static void draw_near(Wheel *wheel)
{
  while (wheel->far.n > 0 && in_reach(wheel, key_time(heap_top(&wheel->far)) >> wheel->shift)) {
    Key key = heap_pop(&wheel->far);
    ring_push(wheel, key, key_time(key) >> wheel->shift);
  }
}

static void set_edge(Wheel *wheel, int64_t edge)
{
  wheel->edge = edge;
  draw_near(wheel);
}

static inline void sort_in(Wheel *wheel, Key key)
{
  int64_t number = key_time(key) >> wheel->shift;

  if (number < wheel->edge)
    heap_push(&wheel->near, key);
  else if (in_reach(wheel, number))
    ring_push(wheel, key, number);
  else
    heap_push(&wheel->far, key);
}

/* Takes every key out, in no order. Caller frees. */
static Key *take_all(Wheel *wheel, size_t *n)
{
  size_t left = opened_left(wheel);
  Key *keys = g_new(Key, wheel_pending(wheel) + 1);

  memcpy(keys, wheel->head, left * sizeof *keys);
  *n = left;
  memcpy(keys + *n, wheel->near.items, wheel->near.n * sizeof *keys);
  *n += wheel->near.n;
  memcpy(keys + *n, wheel->far.items, wheel->far.n * sizeof *keys);
  *n += wheel->far.n;
  while (wheel->in_ring > 0)
    *n += ring_take(wheel, next_occupied(wheel, 0), keys + *n);
  heap_empty(&wheel->near);
  heap_empty(&wheel->far);
  wheel->opened[0] = KEY_NONE;
  wheel->head = wheel->opened;
  return keys;
}

static void put_all(Wheel *wheel, const Key *keys, size_t n, MoeTime now)
{
  wheel->edge = now >> wheel->shift;
  for (size_t i = 0; i < n; i++)
    sort_in(wheel, keys[i]);
}

/* Adapts the width to the rate seen since the last look: the mean bucket shall hold BUCKET_EVENTS or more. */
static void check_width(Wheel *wheel, MoeTime now)
{
  size_t pending = wheel_pending(wheel);
  double gap = (double)(now - wheel->check_time) / (double)(wheel->pops - wheel->check_pops);
  double width = gap * MAX((double)BUCKET_EVENTS, (double)pending / FILLING_BUCKETS);

  wheel->check_pops = wheel->pops;
  wheel->check_time = now;
  wheel->check_due = wheel->pops + MAX(pending, (size_t)CHECK_EVENTS);
  if (width <= 0)
    return;
  int wanted = CLAMP(ilogb(width), 0, MAX_SHIFT);
  if (ABS(wanted - (int)wheel->shift) <= SHIFT_TOLERANCE)
    return;
  size_t n = 0;
  g_autofree Key *keys = take_all(wheel, &n);
  wheel->shift = (unsigned)wanted;
  put_all(wheel, keys, n, now);
}

void wheel_push(Wheel *wheel, Key key, MoeTime now)
{
  int64_t number = key_time(key) >> wheel->shift;

  if (G_LIKELY(number >= wheel->edge && in_reach(wheel, number))) {
    ring_push(wheel, key, number);
    return;
  }
  if (wheel->pops >= wheel->check_due)
    check_width(wheel, now);
  /* Buckets before the clock's own are empty: without fixed events to open them the edge may have fallen behind. */
  if (now >> wheel->shift > wheel->edge)
    set_edge(wheel, now >> wheel->shift);
  sort_in(wheel, key);
}

/* ---- opening and cancelling ------------------------------------------------------------------------------------- */

static void make_room(Wheel *wheel, size_t n)
{
  if (n <= wheel->opened_room)
    return;
  wheel->opened_room = MAX(n, 2 * wheel->opened_room);
  g_free(wheel->opened);
  g_free(wheel->scratch);
  wheel->opened = g_new(Key, wheel->opened_room + 1);
  wheel->scratch = g_new(Key, wheel->opened_room);
}

void wheel_open(Wheel *wheel, MoeTime now, MoeTime limit)
{
  if (wheel->pops >= wheel->check_due)
    check_width(wheel, now);
  if (wheel->in_ring == 0) {
    MoeTime first = key_time(heap_top(&wheel->far));
    if (wheel->far.n == 0 || first > limit)
      return;
    set_edge(wheel, first >> wheel->shift);
  }
  int64_t number = first_bucket(wheel);
  MoeTime start = number << wheel->shift;
  if (start > limit)
    return;
  size_t slot = (size_t)number & RING_MASK;
  make_room(wheel, wheel->buckets[slot].count);
  size_t n = ring_take(wheel, slot, wheel->opened);
  keys_sort(wheel->opened, n, wheel->scratch, start, wheel->shift);
  wheel->opened[n] = KEY_NONE;
  wheel->head = wheel->opened;
  set_edge(wheel, number + 1);
}

gboolean wheel_cancel(Wheel *wheel, Key key, MoeTime now)
{
  size_t n = 0;
  size_t kept = 0;
  g_autofree Key *keys = take_all(wheel, &n);

  for (size_t i = 0; i < n; i++)
    if ((uint64_t)keys[i] != (uint64_t)key)
      keys[kept++] = keys[i];
  put_all(wheel, keys, kept, now);
  return kept < n;
}
