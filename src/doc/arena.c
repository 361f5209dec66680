/* Memory of one document: blocks that grow, freed together. */
#include "internal.h"

#include <string.h>

/* First block: holds a file of about 100 lines. Blocks double up to the largest. Own choice, bytes. */
#define FIRST_BLOCK_BYTES   (16 * 1024)
#define LARGEST_BLOCK_BYTES (4 * 1024 * 1024)

struct MoeDocArenaBlock {
  MoeDocArenaBlock *next;
  char bytes[];
};

void moe_doc_arena_init(MoeDocArena *arena)
{
  *arena = (MoeDocArena){.block_bytes = FIRST_BLOCK_BYTES};
}

void moe_doc_arena_clear(MoeDocArena *arena)
{
  while (arena->blocks) {
    MoeDocArenaBlock *block = arena->blocks;

    arena->blocks = block->next;
    g_free(block);
  }
  moe_doc_arena_init(arena);
}

static MoeDocArenaBlock *add_block(MoeDocArena *arena, gsize bytes)
{
  MoeDocArenaBlock *block = g_malloc(sizeof *block + bytes);

  block->next = arena->blocks;
  arena->blocks = block;
  return block;
}

gpointer moe_doc_arena_take(MoeDocArena *arena, gsize bytes)
{
  gsize rounded = (bytes + sizeof(gpointer) - 1) / sizeof(gpointer) * sizeof(gpointer);

  if (rounded > arena->block_bytes / 4 && rounded > arena->left)
    return add_block(arena, rounded)->bytes; /* a block of its own; the current one goes on being filled */
  if (rounded > arena->left) {
    arena->next = add_block(arena, arena->block_bytes)->bytes;
    arena->left = arena->block_bytes;
    arena->block_bytes = MIN(arena->block_bytes * 2, LARGEST_BLOCK_BYTES);
  }
  char *taken = arena->next;
  arena->next += rounded;
  arena->left -= rounded;
  return taken;
}

char *moe_doc_arena_text(MoeDocArena *arena, const char *text, gsize length)
{
  char *copy = moe_doc_arena_take(arena, length + 1);

  memcpy(copy, text, length);
  copy[length] = '\0';
  return copy;
}
