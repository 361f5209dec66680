/*
 * What the parts of a server share.
 *
 * One thread of libmicrohttpd reads requests and writes answers. A request to a door becomes a job: its connection is
 * suspended, a thread of the pool lets the door answer, and the connection is resumed. The watch is a thread of its
 * own: it closes connections whose client is slow, and asks doors to stop whose client has left or whose time is over.
 *
 * `lock` of the server guards its lists; `lock` of a job guards what its two sides share. A job's lock is taken inside
 * the server's, never the other way.
 */
#ifndef MOESIM_SERVE_INTERNAL_H
#define MOESIM_SERVE_INTERNAL_H

#include "cache.h"
#include "guard.h"
#include "http.h"
#include "route.h"

/* A connection. */
typedef struct {
  MoeServer *server;
  int fd;
  gint64 due_us; /* when it is closed; 0 = not now */
} ServeClient;

/* Why a door's answer is wanted no more. */
typedef enum { WANTED, CLIENT_LEFT, TOO_LATE, SERVER_STOPS } Unwanted;

/* One request to a door. */
typedef struct {
  gatomicrefcount references; /* of the request, of the pool, of a stream's response */
  MoeServer *server;
  const MoeServeDoor *door;
  GBytes *request; /* with a NUL behind it */
  char *key;       /* in the cache; NULL when answers are not kept */
  int fd;
  gint64 asked_us, end_us;
  gboolean streams;
  GMutex lock;
  Unwanted unwanted;
  void (*stop)(gpointer stop_data); /* of the door; NULL = none */
  gpointer stop_data;
  struct MHD_Connection *connection; /* NULL when the request is over */
  gboolean suspended, done;
  gint64 told_us;  /* of the last progress */
  GString *events; /* of a stream, not sent yet */
  GBytes *answer;
  MoeServeKind kind;
} ServeJob;

/* A request, from its first header to the last byte of its answer. */
typedef struct {
  MoeServer *server;
  ServeClient *client;
  ServeRoute route;
  GString *body;
  ServeJob *job;
} ServeRequest;

struct MoeServer {
  MoeServeOptions options;
  char *address, *own_name, *version;
  gboolean listens; /* not only to this machine */
  guint port;
  ServeHttp http;
  struct MHD_Daemon *daemon;
  ServeCache *cache;
  GThreadPool *pool;
  GThread *watch;
  GMutex lock;
  GCond changed;
  gboolean stopping; /* no new jobs */
  gboolean over;     /* the watch ends */
  guint pending;     /* jobs in the pool, at work or waiting */
  GHashTable *clients, *jobs;
};

/* ---- job.c ------------------------------------------------------------------------------------------------------- */

/* Takes `request`'s body. NULL when there is no place, or the server stops. The connection is suspended then. */
ServeJob *moe_job_begin(ServeRequest *request, struct MHD_Connection *connection, gboolean streams);
/* Function of the pool. */
void moe_job_work(gpointer job, gpointer server);
/* The door is asked to stop, the first time for this reason. */
void moe_job_drop(ServeJob *job, Unwanted why);
/* The request is over, whatever the door does. */
void moe_job_leave(ServeJob *job);
void moe_job_unref(gpointer job);
/* Text of a stream, by libmicrohttpd. `job` is a reference of its own. */
ssize_t moe_job_read(void *job, uint64_t position, char *buffer, size_t length);

/* ---- watch.c ----------------------------------------------------------------------------------------------------- */

gpointer moe_watch(gpointer server);
/* The client has so many seconds from now on; 0 = as long as it wants. */
void moe_client_grant(ServeClient *client, double seconds);

/* ---- reply.c ----------------------------------------------------------------------------------------------------- */

enum MHD_Result moe_reply_bytes(const MoeServer *server, struct MHD_Connection *connection, guint status,
                                const char *type, GBytes *bytes);
/* {"error": {"message": ...}} */
enum MHD_Result moe_reply_error(const MoeServer *server, struct MHD_Connection *connection, guint status,
                                const char *format, ...) G_GNUC_PRINTF(4, 5);
enum MHD_Result moe_reply_asset(const MoeServer *server, struct MHD_Connection *connection, const ServeAsset *asset);
enum MHD_Result moe_reply_method(const MoeServer *server, struct MHD_Connection *connection, const char *allowed);
/* Events of a job, as they come. */
enum MHD_Result moe_reply_stream(const MoeServer *server, struct MHD_Connection *connection, ServeJob *job);
/* The door's answer, or why there is none. */
enum MHD_Result moe_reply_job(const MoeServer *server, struct MHD_Connection *connection, ServeJob *job);
/* The doors and what else a page wants to know. */
enum MHD_Result moe_reply_list(const MoeServer *server, struct MHD_Connection *connection);

/* ---- save.c ------------------------------------------------------------------------------------------------------ */

/* Writes a new file into the folder; what is there stays. NULL: done; else what went wrong. Caller frees. */
char *moe_save(const char *folder, const char *name, const char *text);

#endif
