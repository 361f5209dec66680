/* Inside moesim import: a layout for a configuration that has none. */
#ifndef MOESIM_CLI_IMPORT_LAYOUT_H
#define MOESIM_CLI_IMPORT_LAYOUT_H

#include <moesim/import.h>

/* Searches the layouts of an imported run (its text) and puts the best into `options`: degrees, micro-batch, sharding,
 * recomputation. Says on stderr what was tried. FALSE when none was found; `options` is then as it was, and
 * *failure is set when that says nothing of the run: a file could not be read. */
gboolean moe_cli_import_layout(const char *text, MoeImportOptions *options, GError **failure);

#endif
