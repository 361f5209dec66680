/*
 * serve: doors of the library behind a page, over HTTP.
 *
 * Floor 13. Uses base and libmicrohttpd (only here). Knows nothing of runs: a door is a name and a function from the
 * text of a request to the text of an answer. It never prints and reads no file but what its doors read; it writes only
 * into a folder that it was given for that.
 *
 *     GET  /                 the page, and its parts: bytes that were built into the program
 *     GET  /api              what there is: {"doors": [...], "version": ..., "save": true, "kept_bytes": ...}
 *     POST /api/NAME         the door's answer to the body; with "Accept: text/event-stream" its progress before
 *     POST /api/save         {"name": ..., "text": ...} into the folder, when there is one
 *
 * What is let in: a host name that is ours (a name of another's that resolves to this machine is refused), an origin
 * that is the page's own, a body of at most `max_body_bytes`, and a token where one is set. A request has a place in a
 * queue of limited length, a limit of time, and ends when its client leaves: its door is asked to stop.
 *
 * Life cycle: moe_server_new listens and answers from threads of its own; moe_server_free stops its doors, then itself.
 */
#ifndef MOESIM_SERVE_H
#define MOESIM_SERVE_H

#include "base/base.h"

G_BEGIN_DECLS

/* What a door is told of the request it answers. Its functions may be called from any thread. */
typedef struct {
  /* `stop` is called with `stop_data`, once and from another thread, when nobody waits for the answer any more: come
   * back soon, with whatever. At once when that is so already. NULL: no more, and none is under way. */
  void (*on_stop)(void (*stop)(gpointer stop_data), gpointer stop_data, gpointer user_data);
  void (*progress)(guint done, guint total, gpointer user_data);
  gpointer user_data;
} MoeServeCall;

typedef enum {
  MOE_SERVE_DONE,
  MOE_SERVE_REFUSED, /* the request is wrong, the text says how */
  MOE_SERVE_FAULT,   /* our fault */
} MoeServeKind;

/* `request` ends in a NUL; the answer is the caller's. Called from several threads at once. */
typedef struct {
  const char *name; /* of the address: "predict" */
  char *(*answer)(const char *request, const MoeServeCall *call, gpointer user_data, MoeServeKind *kind);
  gpointer user_data;
  gboolean kept;    /* the same request has the same answer: kept for the next one */
  const char *type; /* of the answer; NULL = application/json */
} MoeServeDoor;

typedef struct {
  const char *address; /* NULL = 127.0.0.1; others need a token */
  guint port;          /* 0 = any that is free */
  const char *token;   /* "Authorization: Bearer TOKEN" is expected at /api; NULL = none */
  const char *save;    /* folder for /api/save; NULL = nothing is written */
  const char *data;    /* folder whose change makes kept answers old; NULL = none does */
  const char *version; /* said at /api */
  const MoeServeDoor *doors;
  guint n_doors;
  guint jobs;        /* doors that answer at once; 0 = two per processor, so that short ones need not wait for long */
  guint queue;       /* requests that wait besides; 0 = MOE_SERVE_QUEUE */
  guint connections; /* at once; 0 = MOE_SERVE_CONNECTIONS */
  double answer_s;   /* that a door may take; 0 = MOE_SERVE_ANSWER_S */
  double idle_s;     /* that a client may take to send a request, or to read an answer; 0 = MOE_SERVE_IDLE_S */
  guint64 max_body_bytes; /* 0 = MOE_SERVE_BODY_BYTES */
  guint64 kept_bytes;     /* of answers kept; 0 = MOE_SERVE_KEPT_BYTES */
} MoeServeOptions;

/* Own choices: a person at a page, or a few, with scripts beside. */
#define MOE_SERVE_PORT        8421
#define MOE_SERVE_QUEUE       64
#define MOE_SERVE_CONNECTIONS 256
#define MOE_SERVE_ANSWER_S    600.0
#define MOE_SERVE_IDLE_S      20.0
#define MOE_SERVE_BODY_BYTES  (1024 * 1024)
#define MOE_SERVE_KEPT_BYTES  (32 * 1024 * 1024)

#define MOE_SERVE_TOKEN_BYTES 16 /* of a token at least, where others can reach the server */

typedef struct MoeServer MoeServer;

/* What `options` points to has to outlive the server. NULL and *error: an address that is none of ours or needs a
 * token, a port that is taken, a folder that is none. */
MoeServer *moe_server_new(const MoeServeOptions *options, GError **error);
/* Of the page, with the port that was found and, in its fragment, the token. Caller frees. */
char *moe_server_url(const MoeServer *server);
guint moe_server_port(const MoeServer *server);
/* Doors under way come back before this does. NULL is allowed. */
void moe_server_free(MoeServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeServer, moe_server_free)

G_END_DECLS

#endif
