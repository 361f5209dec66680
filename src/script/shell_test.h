/* Inside the reading of launch scripts: conditions. */
#ifndef MOESIM_SCRIPT_SHELL_TEST_H
#define MOESIM_SCRIPT_SHELL_TEST_H

#include "shell.h"

/* Whether a command is a condition that is followed here. */
gboolean shell_is_test(const char *command);
/* Its result; FALSE for commands. Variables that are not assigned are empty, as in bash. */
gboolean shell_test(Shell *shell, const char *command);

#endif
