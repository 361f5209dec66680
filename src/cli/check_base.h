/* Private to cmd_check. */
#ifndef MOESIM_CLI_CHECK_BASE_H
#define MOESIM_CLI_CHECK_BASE_H

/* A file that extends `file`: the first by name in its folder, in the one above, or in those beside that. NULL when
 * there is none. Caller frees. */
char *moe_check_extender(const char *file);

#endif
