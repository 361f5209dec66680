/* Interned records and the arena. */
#include "tables.h"

#include <stddef.h>
#include <string.h>

/* ---- arena -------------------------------------------------------------------------------------- */

#define ARENA_BLOCK_BYTES (256 * 1024) /* one malloc per so many bytes */
#define ARENA_ALIGNMENT   16           /* of any member of a program */

struct MoeArena {
  GPtrArray *blocks;
  char *at;
  size_t left;
};

MoeArena *moe_arena_new(void)
{
  MoeArena *arena = g_new0(MoeArena, 1);

  arena->blocks = g_ptr_array_new_with_free_func(g_free);
  return arena;
}

void moe_arena_free(MoeArena *arena)
{
  if (!arena)
    return;
  g_ptr_array_unref(arena->blocks);
  g_free(arena);
}

gpointer moe_arena_raw(MoeArena *arena, size_t bytes)
{
  bytes = (bytes + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
  if (bytes > arena->left) {
    arena->left = MAX(bytes, (size_t)ARENA_BLOCK_BYTES);
    arena->at = g_malloc(arena->left);
    g_ptr_array_add(arena->blocks, arena->at);
  }
  char *result = arena->at;

  arena->at += bytes;
  arena->left -= bytes;
  return result;
}

gpointer moe_arena_alloc(MoeArena *arena, size_t bytes)
{
  return memset(moe_arena_raw(arena, bytes), 0, bytes);
}

gpointer moe_arena_copy(MoeArena *arena, gconstpointer source, size_t bytes)
{
  char *copy = moe_arena_raw(arena, bytes);

  if (bytes > 0)
    memcpy(copy, source, bytes);
  return copy;
}

/* ---- tables ------------------------------------------------------------------------------------- */

#define FIRST_SLOTS 256 /* a typical run has 50 to 200 different kernels */

void moe_intern_init(MoeIntern *table, size_t size)
{
  g_assert(size % sizeof(guint64) == 0);
  *table = (MoeIntern){.size = size, .records = g_byte_array_new(), .n_slots = FIRST_SLOTS};
  table->slots = g_new0(guint32, table->n_slots);
}

void moe_intern_clear(MoeIntern *table)
{
  if (table->records)
    g_byte_array_unref(table->records);
  g_free(table->slots);
  *table = (MoeIntern){0};
}

gconstpointer moe_intern_at(const MoeIntern *table, guint index)
{
  return table->records->data + (size_t)index * table->size;
}

#define LANES 4 /* multiplications under way at a time */

/* Word by word: multiply, as in FNV-1a with 64-bit words, in several lanes, since one has to wait for its product. The
 * high bits are the well-mixed ones. */
static guint record_hash(gconstpointer record, size_t size)
{
  const guint64 prime = G_GUINT64_CONSTANT(0x9e3779b97f4a7c15); /* 2^64 / golden ratio */
  guint64 lane[LANES] = {size}, word[LANES], hash = 0;
  size_t i = 0;

  for (; i + sizeof word <= size; i += sizeof word) {
    memcpy(word, (const char *)record + i, sizeof word);
    for (guint l = 0; l < LANES; l++)
      lane[l] = (lane[l] ^ word[l]) * prime;
  }
  memset(word, 0, sizeof word);
  memcpy(word, (const char *)record + i, size - i);
  for (guint l = 0; l < LANES; l++)
    hash = (hash ^ (hash >> 32) ^ lane[l] ^ word[l]) * prime;
  return (guint)(hash >> 32);
}

static guint32 *find_slot(const MoeIntern *table, gconstpointer record)
{
  guint at = record_hash(record, table->size) & (table->n_slots - 1);

  while (table->slots[at] != 0 && memcmp(moe_intern_at(table, table->slots[at] - 1), record, table->size) != 0)
    at = (at + 1) & (table->n_slots - 1);
  return &table->slots[at];
}

static void grow_slots(MoeIntern *table)
{
  g_free(table->slots);
  table->n_slots *= 2;
  table->slots = g_new0(guint32, table->n_slots);
  for (guint i = 0; i < table->n; i++)
    *find_slot(table, moe_intern_at(table, i)) = i + 1;
}

guint moe_intern_add(MoeIntern *table, gconstpointer record)
{
  guint32 *slot = find_slot(table, record);

  if (*slot != 0)
    return *slot - 1;
  g_byte_array_append(table->records, record, (guint)table->size);
  *slot = ++table->n;
  if (table->n * 2 > table->n_slots)
    grow_slots(table);
  return table->n - 1;
}

/* Zeroes the padding between two members, so that equal records are equal byte by byte. */
static void clear_gap(gpointer record, size_t end, size_t next)
{
  memset((char *)record + end, 0, next - end);
}

#define END_OF(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

guint moe_tables_kernel(MoeTables *tables, const MoeKernel *kernel, int64_t load)
{
  MoeLoadedKernel record = {.kernel = *kernel, .load = load};

  clear_gap(&record.kernel, END_OF(MoeKernel, accumulate), offsetof(MoeKernel, batch));
  clear_gap(&record.kernel, END_OF(MoeKernel, causal), offsetof(MoeKernel, read_bytes));
  return moe_intern_add(&tables->kernels, &record);
}

/* A collective has no gap to clear: its members of four bytes stand in pairs. */
G_STATIC_ASSERT(END_OF(MoeCollective, scope) == offsetof(MoeCollective, name));
G_STATIC_ASSERT(END_OF(MoeCollective, row_bytes) == offsetof(MoeCollective, top_k));
G_STATIC_ASSERT(END_OF(MoeCollective, padding) == offsetof(MoeCollective, notifies));
G_STATIC_ASSERT(END_OF(MoeCollective, n_skew) == offsetof(MoeCollective, receive));

guint moe_tables_collective(MoeTables *tables, const MoeCollective *collective)
{
  return moe_intern_add(&tables->collectives, collective);
}

guint moe_tables_copy(MoeTables *tables, const MoeCopy *copy)
{
  MoeCopy record = *copy;

  clear_gap(&record, END_OF(MoeCopy, to_host), offsetof(MoeCopy, bytes));
  return moe_intern_add(&tables->copies, &record);
}

guint moe_tables_delay(MoeTables *tables, double seconds, MoePass pass)
{
  return moe_intern_add(&tables->delays, &(MoeDelay){seconds, pass});
}

void moe_tables_init(MoeTables *tables)
{
  moe_intern_init(&tables->kernels, sizeof(MoeLoadedKernel));
  moe_intern_init(&tables->collectives, sizeof(MoeCollective));
  moe_intern_init(&tables->copies, sizeof(MoeCopy));
  moe_intern_init(&tables->delays, sizeof(MoeDelay));
}

void moe_tables_clear(MoeTables *tables)
{
  moe_intern_clear(&tables->kernels);
  moe_intern_clear(&tables->collectives);
  moe_intern_clear(&tables->copies);
  moe_intern_clear(&tables->delays);
}
