/* memory: published memory beside predicted, of one run. Part of validate (floor 9). */
#ifndef MOESIM_VALIDATE_MEMORY_H
#define MOESIM_VALIDATE_MEMORY_H

#include <moesim/validate.h>

G_BEGIN_DECLS

/* Fills c->memory: what was published of a run's memory and what is predicted of the same. */
void moe_case_memory(const MoeRun *run, const MoeResult *result, MoeCase *c);

G_END_DECLS

#endif
