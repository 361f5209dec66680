/* What `moesim serve` is told, and the two ways to do it: with libmicrohttpd and without. Private to cli. */
#ifndef MOESIM_CLI_SERVE_PAGE_H
#define MOESIM_CLI_SERVE_PAGE_H

#include <glib.h>

typedef struct {
  char *port_text, *listen, *token, *save;
  guint port; /* of port_text */
  gboolean open;
} MoeCliServe;

/* Serves until a signal comes; returns the exit status. */
int moe_cli_serve(const MoeCliServe *said);

#endif
