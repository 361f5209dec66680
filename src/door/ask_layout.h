/*
 * ask_layout: a layout for a configuration that has none. Part of door (floor 13).
 */
#ifndef MOESIM_DOOR_ASK_LAYOUT_H
#define MOESIM_DOOR_ASK_LAYOUT_H

#include <moesim/import.h>
#include <moesim/search.h>

G_BEGIN_DECLS

#define MOE_ASK_LAYOUT_S 20 /* after which no further layout is begun */

/* Searches the layouts of an imported run (its text) and puts the best into `options`: degrees, micro-batch, sharding,
 * recomputation. Returns what was tried. NULL when none was found: `options` is then as it was, and *reason (the caller
 * frees) tells why, or *error where that says nothing of the run: a file could not be read. */
MoeSearchResult *moe_ask_layout(const char *text, MoeImportOptions *options, char **reason, GError **error);

G_END_DECLS

#endif
