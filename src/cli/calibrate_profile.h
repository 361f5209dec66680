/* Private to cli: moesim calibrate of a profile. */
#ifndef MOESIM_CLI_CALIBRATE_PROFILE_H
#define MOESIM_CLI_CALIBRATE_PROFILE_H

#include "cli.h"

typedef struct {
  char *trace, *classes, *cluster, *family, *output, *format;
} MoeCliProfile;

void moe_cli_profile_clear(MoeCliProfile *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoeCliProfile, moe_cli_profile_clear)

/* Prints what the trace shows, and writes its matrix products as measurements where an output is given. */
int moe_cli_profile(const MoeCliProfile *options, const char *data_dir);

#endif
