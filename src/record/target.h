/* Private to record: where an output goes. */
#ifndef MOESIM_RECORD_TARGET_H
#define MOESIM_RECORD_TARGET_H

#include <glib.h>
#include <sys/types.h>

typedef struct {
  char *path;       /* behind all links: what is replaced; a link stays one */
  int descriptor;   /* one of ours that the name stands for (/dev/stdout), -1 = none */
  gboolean special; /* a device or pipe, or a descriptor: written in place */
  gboolean exists;  /* a regular file, whose owner and mode its successor gets */
  mode_t mode;
  uid_t owner;
  gid_t group;
} MoeTarget;

/* FALSE and errno when the name leads nowhere, or to a file that may not be written. Clear in any case. */
gboolean moe_target_find(const char *path, MoeTarget *target);
void moe_target_clear(MoeTarget *target);

#endif
