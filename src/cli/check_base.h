/* Private to cmd_check. */
#ifndef MOESIM_CLI_CHECK_BASE_H
#define MOESIM_CLI_CHECK_BASE_H

#include "doc/doc.h"

/* Files that extend `file`, by name: of its folder, of the one above, of those beside that. Caller frees. */
GPtrArray *moe_check_extenders(const char *file);

/* Whether the values of a run file that every variant replaces can be read: each is put back in the first variant.
 * `doc` is the file as loaded. FALSE and *error (MOE_ERROR_INPUT, at the value) when one cannot. */
gboolean moe_check_hidden(const char *file, const MoeDoc *doc, const char *data_dir, GError **error);
/* The same of the stack file of that name. */
gboolean moe_check_hidden_stack(const char *file, const char *data_dir, GError **error);

#endif
