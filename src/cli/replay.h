/* Replay of Chakra traces: moesim run --from-chakra. */
#ifndef MOESIM_CLI_REPLAY_H
#define MOESIM_CLI_REPLAY_H

#include "cli.h"

/* Replays the traces in `folder` (files NAME.RANK.et, comm_group.json, run.yaml when moesim wrote it) on the cluster
 * and with the stack of the options, or of run.yaml; prints the result; returns the exit status. */
int moe_cli_replay(const char *folder, const MoeCliRun *options);

#endif
