/* The table of commands, sorted by name. A new command is one file and one row. */
#include "cli.h"

static const MoeCommand commands[] = {
    {"check", "validate run, cluster, stack and case files", moe_cmd_check},
    {"mfu", "model FLOP utilization of a measured run", moe_cmd_mfu},
    {"show", "the resolved run, each value with its origin", moe_cmd_show},
};

const MoeCommand *moe_commands(guint *n)
{
  *n = G_N_ELEMENTS(commands);
  return commands;
}
