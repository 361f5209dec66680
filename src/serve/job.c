/* Requests to doors: the side of the pool, which answers, and that of libmicrohttpd, which waits. */
#include "internal.h"

#include <string.h>

/* Between two events of progress. Own choice: smooth to the eye. */
#define TELL_US (G_USEC_PER_SEC / 10)

static ServeJob *job_ref(ServeJob *job)
{
  g_atomic_ref_count_inc(&job->references);
  return job;
}

void moe_job_unref(gpointer data)
{
  ServeJob *job = data;

  if (!job || !g_atomic_ref_count_dec(&job->references))
    return;
  g_bytes_unref(job->request);
  g_clear_pointer(&job->answer, g_bytes_unref);
  g_string_free(job->events, TRUE);
  g_free(job->key);
  g_mutex_clear(&job->lock);
  g_free(job);
}

/* With the job's lock. */
static void wake(ServeJob *job)
{
  if (job->suspended && job->connection) {
    job->suspended = FALSE;
    job->server->http.resume_connection(job->connection);
  }
}

/* ---- what the door is told --------------------------------------------------------------------------------------- */

/* With the job's lock. */
static void drop(ServeJob *job, Unwanted why)
{
  if (job->unwanted != WANTED || job->done)
    return;
  job->unwanted = why;
  if (job->stop)
    job->stop(job->stop_data);
}

void moe_job_drop(ServeJob *job, Unwanted why)
{
  g_mutex_lock(&job->lock);
  drop(job, why);
  g_mutex_unlock(&job->lock);
}

static Unwanted why_unwanted(ServeJob *job)
{
  g_mutex_lock(&job->lock);
  Unwanted why = job->unwanted;
  g_mutex_unlock(&job->lock);
  return why;
}

static void on_stop(void (*stop)(gpointer), gpointer stop_data, gpointer data)
{
  ServeJob *job = data;

  g_mutex_lock(&job->lock);
  job->stop = stop;
  job->stop_data = stop_data;
  if (stop && job->unwanted != WANTED)
    stop(stop_data);
  g_mutex_unlock(&job->lock);
}

static void tell_progress(guint done, guint total, gpointer data)
{
  ServeJob *job = data;
  gint64 now_us = g_get_monotonic_time();

  g_mutex_lock(&job->lock);
  if (job->streams && (now_us - job->told_us >= TELL_US || done == total)) {
    g_string_append_printf(job->events, "event: progress\ndata: {\"done\": %u, \"total\": %u}\n\n", done, total);
    job->told_us = now_us;
    wake(job);
  }
  g_mutex_unlock(&job->lock);
}

/* ---- the pool's side --------------------------------------------------------------------------------------------- */

/* Each line of the answer is a line of the event's data. */
static void add_answer_event(ServeJob *job)
{
  g_auto(GStrv) lines = g_strsplit(g_bytes_get_data(job->answer, NULL), "\n", -1);

  g_string_append(job->events, job->kind == MOE_SERVE_DONE ? "event: answer\n" : "event: refused\n");
  for (char **line = lines; *line; line++)
    g_string_append_printf(job->events, "data: %s\n", *line);
  g_string_append(job->events, "\n");
}

static const char *describe(Unwanted why)
{
  return why == TOO_LATE ? "{\"error\": {\"message\": \"it took longer than this server allows\"}}"
                         : "{\"error\": {\"message\": \"stopped before it was done\"}}";
}

/* Ends with a NUL that is not counted. */
static GBytes *bytes_of(char *text)
{
  return g_bytes_new_with_free_func(text, strlen(text), g_free, text);
}

static GBytes *ask_door(ServeJob *job)
{
  MoeServeCall call = {on_stop, tell_progress, job};
  char *text = NULL;

  if (why_unwanted(job) == WANTED)
    text = job->door->answer(g_bytes_get_data(job->request, NULL), &call, job->door->user_data, &job->kind);
  Unwanted why = why_unwanted(job);
  if (why == WANTED)
    return bytes_of(text);
  g_free(text);
  job->kind = MOE_SERVE_REFUSED;
  return bytes_of(g_strdup(describe(why)));
}

void moe_job_work(gpointer data, gpointer user_data)
{
  ServeJob *job = data;
  MoeServer *server = user_data;
  GBytes *answer = ask_door(job);

  if (job->key && job->kind == MOE_SERVE_DONE)
    moe_cache_put(server->cache, job->key, answer, job->asked_us);
  g_mutex_lock(&server->lock);
  server->pending--;
  g_hash_table_remove(server->jobs, job);
  g_cond_broadcast(&server->changed);
  g_mutex_unlock(&server->lock);
  g_mutex_lock(&job->lock);
  job->answer = answer;
  job->done = TRUE;
  if (job->streams)
    add_answer_event(job);
  wake(job);
  g_mutex_unlock(&job->lock);
  moe_job_unref(job);
}

/* ---- the side that waits ----------------------------------------------------------------------------------------- */

static ServeJob *job_new(ServeRequest *request, struct MHD_Connection *connection, gboolean streams)
{
  MoeServer *server = request->server;
  const MoeServeDoor *door = request->route.door;
  ServeJob *job = g_new0(ServeJob, 1);

  g_atomic_ref_count_init(&job->references);
  g_mutex_init(&job->lock);
  job->server = server;
  job->door = door;
  job->fd = request->client->fd;
  job->key = door->kept ? moe_cache_key(door->name, request->body->str, request->body->len) : NULL;
  job->request = g_string_free_to_bytes(g_steal_pointer(&request->body));
  job->asked_us = g_get_monotonic_time();
  job->end_us = job->asked_us + (gint64)(server->options.answer_s * G_USEC_PER_SEC);
  job->streams = streams;
  job->events = g_string_new(NULL);
  job->connection = connection;
  return job;
}

static gboolean take_place(MoeServer *server)
{
  g_mutex_lock(&server->lock);
  gboolean free_place = !server->stopping && server->pending < server->options.jobs + server->options.queue;
  server->pending += free_place;
  g_mutex_unlock(&server->lock);
  return free_place;
}

/* The pool is there until all that took a place have left it. */
ServeJob *moe_job_begin(ServeRequest *request, struct MHD_Connection *connection, gboolean streams)
{
  MoeServer *server = request->server;

  if (!take_place(server))
    return NULL;
  ServeJob *job = job_new(request, connection, streams);
  job->suspended = !streams;
  if (job->suspended)
    server->http.suspend_connection(connection);
  g_mutex_lock(&server->lock);
  g_hash_table_add(server->jobs, job);
  if (server->stopping)
    moe_job_drop(job, SERVER_STOPS);
  g_cond_broadcast(&server->changed);
  g_mutex_unlock(&server->lock);
  g_thread_pool_push(server->pool, job_ref(job), NULL);
  return job;
}

void moe_job_leave(ServeJob *job)
{
  MoeServer *server = job->server;

  g_mutex_lock(&server->lock);
  g_hash_table_remove(server->jobs, job);
  g_mutex_unlock(&server->lock);
  g_mutex_lock(&job->lock);
  job->connection = NULL;
  drop(job, CLIENT_LEFT);
  g_mutex_unlock(&job->lock);
  moe_job_unref(job);
}

ssize_t moe_job_read(void *data, uint64_t position, char *buffer, size_t length)
{
  ServeJob *job = data;
  ssize_t given = 0;

  (void)position;
  g_mutex_lock(&job->lock);
  if (job->events->len > 0) {
    given = (ssize_t)MIN(length, job->events->len);
    memcpy(buffer, job->events->str, (size_t)given);
    g_string_erase(job->events, 0, given);
  } else if (job->done) {
    given = MHD_CONTENT_READER_END_OF_STREAM;
  } else if (job->connection) {
    job->suspended = TRUE;
    job->server->http.suspend_connection(job->connection);
  }
  g_mutex_unlock(&job->lock);
  return given;
}
