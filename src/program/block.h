/* block, private: flows to blocks. */
#ifndef MOESIM_PROGRAM_BLOCK_H
#define MOESIM_PROGRAM_BLOCK_H

#include "flow.h"
#include "tables.h"

/* Writes the block made of one flow, or of two: with `turns` they take turns wherever compute would wait for expert
 * communication, otherwise the second follows the first. The block's arrays lie in the arena; `name` is static. */
void moe_block_assemble(MoeArena *arena, const char *name, const MoeFlow *const *flows, guint n_flows, gboolean turns,
                        MoeBlock *block);

#endif
