/* Private to cmd_check. */
#ifndef MOESIM_CLI_CHECK_BASE_H
#define MOESIM_CLI_CHECK_BASE_H

#include "doc/doc.h"

/* A file that extends `file`: the first by name in its folder, in the one above, or in those beside that. NULL when
 * there is none. Caller frees. */
char *moe_check_extender(const char *file);

/* Whether the values of a run file that every variant replaces can be read: each is put back in the first variant.
 * `doc` is the file as loaded. FALSE and *error (MOE_ERROR_INPUT, at the value) when one cannot. */
gboolean moe_check_hidden(const char *file, const MoeDoc *doc, const char *data_dir, GError **error);

#endif
