/* block, private: flows to blocks. */
#ifndef MOESIM_PROGRAM_BLOCK_H
#define MOESIM_PROGRAM_BLOCK_H

#include "flow.h"
#include "tables.h"

/* Writes the block made of one flow, or of two that take turns wherever compute would wait for expert communication.
 * The block's arrays lie in the arena; `name` is static. */
void moe_block_assemble(MoeArena *arena, const char *name, const MoeFlow *const *flows, guint n_flows, MoeBlock *block);

#endif
