/* The watch: slow clients are closed, doors whose client has left or whose time is over are asked to stop. */
#include "internal.h"

#include <poll.h>
#include <sys/socket.h>

/* Between two looks, while there is something to look at. Own choice: a simulation that nobody waits for runs no
 * longer. */
#define LOOK_US (G_USEC_PER_SEC / 40)

void moe_client_grant(ServeClient *client, double seconds)
{
  g_mutex_lock(&client->server->lock);
  client->due_us = seconds > 0 ? g_get_monotonic_time() + (gint64)(seconds * G_USEC_PER_SEC) : 0;
  g_mutex_unlock(&client->server->lock);
}

/* A socket of which the other side was closed. */
static gboolean has_left(int fd)
{
  struct pollfd look = {.fd = fd, .events = POLLRDHUP};

  return poll(&look, 1, 0) > 0;
}

static void look_at_job(ServeJob *job, gint64 now_us)
{
  if (now_us >= job->end_us)
    moe_job_drop(job, TOO_LATE);
  else if (has_left(job->fd))
    moe_job_drop(job, CLIENT_LEFT);
}

/* libmicrohttpd notices, and closes the rest. */
static void look_at_client(ServeClient *client, gint64 now_us)
{
  if (client->due_us == 0 || now_us < client->due_us)
    return;
  client->due_us = 0;
  shutdown(client->fd, SHUT_RDWR);
}

static void look(MoeServer *server)
{
  gint64 now_us = g_get_monotonic_time();
  GHashTableIter iter;
  gpointer each;

  g_hash_table_iter_init(&iter, server->clients);
  while (g_hash_table_iter_next(&iter, &each, NULL))
    look_at_client(each, now_us);
  g_hash_table_iter_init(&iter, server->jobs);
  while (g_hash_table_iter_next(&iter, &each, NULL))
    look_at_job(each, now_us);
}

gpointer moe_watch(gpointer data)
{
  MoeServer *server = data;

  g_mutex_lock(&server->lock);
  while (!server->over) {
    look(server);
    if (g_hash_table_size(server->clients) == 0)
      g_cond_wait(&server->changed, &server->lock);
    else
      g_cond_wait_until(&server->changed, &server->lock, g_get_monotonic_time() + LOOK_US);
  }
  g_mutex_unlock(&server->lock);
  return NULL;
}
