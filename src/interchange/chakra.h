/*
 * chakra: Chakra execution traces, read. Part of interchange (floor 8). replay.h executes them.
 *
 * A trace has one file per rank: nodes with dependencies (chakra.proto under src/interchange).
 *
 * Collectives are matched by process group ("pg_name") and order; without a name the group is all ranks. Messages are
 * matched by sender, receiver, tag and order.
 *
 * Life cycle: moe_chakra_load, or moe_chakra_new -> moe_chakra_groups (optional) -> moe_chakra_add per rank, 0 first;
 * -> moe_chakra_replay -> _free.
 */
#ifndef MOESIM_CHAKRA_H
#define MOESIM_CHAKRA_H

#include "spec/spec.h"

G_BEGIN_DECLS

#define MOE_CHAKRA_MAX_RANKS (1 << 20)
#define MOE_CHAKRA_MAX_NODES 100000000 /* of all ranks: memory is the limit, about 100 bytes each */

typedef struct MoeChakra MoeChakra;

MoeChakra *moe_chakra_new(void);
void moe_chakra_free(MoeChakra *chakra);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeChakra, moe_chakra_free)

/* Process groups by name: {"NAME": [rank, ...], ...} (ASTRA-sim's comm_group.json). */
gboolean moe_chakra_groups(MoeChakra *chakra, const char *text, gsize length, const char *name, GError **error);
/* The trace of the next rank; `name` stands in messages. FALSE and *error (MOE_ERROR_INPUT) when the bytes are no
 * trace, a node depends on one that is not there, or a rank or size is out of range. */
gboolean moe_chakra_add(MoeChakra *chakra, const void *data, gsize length, const char *name, GError **error);
/* The same from Chakra's JSON form: an object with a list "workload_graph" of nodes. */
gboolean moe_chakra_add_json(MoeChakra *chakra, const char *text, gsize length, const char *name, GError **error);
/* The traces of a folder: NAME.0.et, NAME.1.et, ... (protobuf) or NAME.0.json, ..., of several names the first, with
 * the groups of comm_group.json. NULL and *error (MOE_ERROR_IO where there is none or one cannot be read). */
MoeChakra *moe_chakra_load(const char *folder, GError **error);
guint moe_chakra_ranks(const MoeChakra *chakra);

G_END_DECLS

#endif
