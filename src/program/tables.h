/*
 * tables, private: interned kernels, collectives, copies and delays, and the arena that owns what a program points to.
 */
#ifndef MOESIM_PROGRAM_TABLES_H
#define MOESIM_PROGRAM_TABLES_H

#include "spec/work.h"

/* Memory that lives as long as a program: freed at once. */
typedef struct MoeArena MoeArena;
MoeArena *moe_arena_new(void);
void moe_arena_free(MoeArena *arena);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeArena, moe_arena_free)
/* Uninitialized, or zeroed; never fail. */
gpointer moe_arena_raw(MoeArena *arena, size_t bytes);
gpointer moe_arena_alloc(MoeArena *arena, size_t bytes);
gpointer moe_arena_copy(MoeArena *arena, gconstpointer source, size_t bytes);

/* One table of fixed-size records, each kept once. */
typedef struct {
  size_t size;
  GByteArray *records;
  guint n;
  guint n_slots;  /* a power of two */
  guint32 *slots; /* record + 1, 0 = free */
} MoeIntern;

void moe_intern_init(MoeIntern *table, size_t size);
void moe_intern_clear(MoeIntern *table);
/* Index of the record equal to `record` byte by byte (padding zeroed by the caller), added when new. */
guint moe_intern_add(MoeIntern *table, gconstpointer record);
gconstpointer moe_intern_at(const MoeIntern *table, guint index);

/* A kernel and the load that its rows follow. */
typedef struct {
  MoeKernel kernel;
  int64_t load; /* MOE_NO_LOAD = the same on all expert-parallel indices */
} MoeLoadedKernel;

typedef struct {
  MoeIntern kernels;     /* MoeLoadedKernel */
  MoeIntern collectives; /* MoeCollective */
  MoeIntern copies;      /* MoeCopy */
  MoeIntern delays;      /* MoeDelay */
} MoeTables;

void moe_tables_init(MoeTables *tables);
void moe_tables_clear(MoeTables *tables);
/* Index of an equal record, added when new. */
guint moe_tables_kernel(MoeTables *tables, const MoeKernel *kernel, int64_t load);
guint moe_tables_collective(MoeTables *tables, const MoeCollective *collective);
guint moe_tables_copy(MoeTables *tables, const MoeCopy *copy);
guint moe_tables_delay(MoeTables *tables, double seconds, MoePass pass);

#endif
