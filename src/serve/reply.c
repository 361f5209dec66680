/* Answers, with the headers that every one of them has. */
#include "internal.h"

#include <string.h>

/* Nothing comes from elsewhere, nothing goes elsewhere. */
#define CONTENT_POLICY                                                                                                 \
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "                              \
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* The other page of a timeline ("open in Perfetto") is told its content by a message, hence "allow-popups". */
static const char *const common_headers[][2] = {
    {"Content-Security-Policy", CONTENT_POLICY},     {"Cross-Origin-Opener-Policy", "same-origin-allow-popups"},
    {"Cross-Origin-Resource-Policy", "same-origin"}, {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},           {"X-Frame-Options", "DENY"},
};

#define JSON_TYPE "application/json; charset=utf-8"

/* Of a stream, bytes at a time. */
#define STREAM_BLOCK 16384

/* A client reads at least so fast. Own choice, bytes/s: a mobile line. */
#define SLOWEST_READER 16384.0

/* ---- building ---------------------------------------------------------------------------------------------------- */

static enum MHD_Result queue(const MoeServer *server, struct MHD_Connection *connection, guint status,
                             struct MHD_Response *response, const char *type, const char *caching)
{
  for (guint i = 0; i < G_N_ELEMENTS(common_headers); i++)
    server->http.add_response_header(response, common_headers[i][0], common_headers[i][1]);
  server->http.add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
  server->http.add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, caching);
  enum MHD_Result result = server->http.queue_response(connection, status, response);
  server->http.destroy_response(response);
  return result;
}

static void release(void *bytes)
{
  g_bytes_unref(bytes);
}

static struct MHD_Response *response_of(const MoeServer *server, GBytes *bytes)
{
  gsize length = 0;
  const void *data = g_bytes_get_data(bytes, &length);

  return server->http.create_response_from_buffer_with_free_callback_cls(length, (void *)data, release,
                                                                         g_bytes_ref(bytes));
}

/* Time for reading the answer begins. */
static void grant_reading(const MoeServer *server, struct MHD_Connection *connection, gsize length)
{
  const union MHD_ConnectionInfo *info =
      server->http.get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  ServeClient *client = info ? info->socket_context : NULL;

  if (client)
    moe_client_grant(client, client->server->options.idle_s + (double)length / SLOWEST_READER);
}

enum MHD_Result moe_reply_bytes(const MoeServer *server, struct MHD_Connection *connection, guint status,
                                const char *type, GBytes *bytes)
{
  grant_reading(server, connection, g_bytes_get_size(bytes));
  return queue(server, connection, status, response_of(server, bytes), type ? type : JSON_TYPE, "no-store");
}

static GBytes *error_bytes(const char *message)
{
  g_autofree char *shown = g_strescape(message, NULL); /* plain letters, as all messages here */
  char *text = g_strdup_printf("{\"error\": {\"message\": \"%s\"}}\n", shown);

  return g_bytes_new_take(text, strlen(text));
}

enum MHD_Result moe_reply_error(const MoeServer *server, struct MHD_Connection *connection, guint status,
                                const char *format, ...)
{
  va_list args;

  va_start(args, format);
  g_autofree char *message = g_strdup_vprintf(format, args);
  va_end(args);
  g_autoptr(GBytes) bytes = error_bytes(message);
  return moe_reply_bytes(server, connection, status, NULL, bytes);
}

enum MHD_Result moe_reply_method(const MoeServer *server, struct MHD_Connection *connection, const char *allowed)
{
  g_autoptr(GBytes) bytes = error_bytes("this address has another method");
  struct MHD_Response *response = response_of(server, bytes);

  server->http.add_response_header(response, MHD_HTTP_HEADER_ALLOW, allowed);
  return queue(server, connection, MHD_HTTP_METHOD_NOT_ALLOWED, response, JSON_TYPE, "no-store");
}

/* ---- the page ---------------------------------------------------------------------------------------------------- */

enum MHD_Result moe_reply_asset(const MoeServer *server, struct MHD_Connection *connection, const ServeAsset *asset)
{
  g_autoptr(GBytes) bytes = g_bytes_new_static(asset->bytes, asset->length);
  g_autofree char *sum = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes);
  g_autofree char *tag = g_strdup_printf("\"%.32s\"", sum);
  const char *known = server->http.lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
  gboolean same = known && strcmp(known, tag) == 0;
  g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
  struct MHD_Response *response = response_of(server, same ? nothing : bytes);

  grant_reading(server, connection, asset->length);
  server->http.add_response_header(response, MHD_HTTP_HEADER_ETAG, tag);
  return queue(server, connection, same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response, asset->type, "no-cache");
}

/* ---- doors ------------------------------------------------------------------------------------------------------- */

enum MHD_Result moe_reply_stream(const MoeServer *server, struct MHD_Connection *connection, ServeJob *job)
{
  g_atomic_ref_count_inc(&job->references);
  struct MHD_Response *response =
      server->http.create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, moe_job_read, job, moe_job_unref);

  return queue(server, connection, MHD_HTTP_OK, response, "text/event-stream; charset=utf-8", "no-store");
}

static guint status_of(const ServeJob *job)
{
  static const guint statuses[] = {
      [MOE_SERVE_DONE] = MHD_HTTP_OK,
      [MOE_SERVE_REFUSED] = MHD_HTTP_UNPROCESSABLE_CONTENT,
      [MOE_SERVE_FAULT] = MHD_HTTP_INTERNAL_SERVER_ERROR,
  };

  /* done: nothing changes any more */
  return job->unwanted == TOO_LATE ? MHD_HTTP_GATEWAY_TIMEOUT
         : job->unwanted != WANTED ? MHD_HTTP_SERVICE_UNAVAILABLE
                                   : statuses[job->kind];
}

enum MHD_Result moe_reply_job(const MoeServer *server, struct MHD_Connection *connection, ServeJob *job)
{
  return moe_reply_bytes(server, connection, status_of(job), job->kind == MOE_SERVE_DONE ? job->door->type : NULL,
                         job->answer);
}

enum MHD_Result moe_reply_list(const MoeServer *server, struct MHD_Connection *connection)
{
  g_autoptr(GString) text = g_string_new("{\"doors\": [");

  for (guint i = 0; i < server->options.n_doors; i++)
    g_string_append_printf(text, "%s\"%s\"", i > 0 ? ", " : "", server->options.doors[i].name);
  g_string_append_printf(text, "], \"version\": \"%s\", \"save\": %s, \"kept_bytes\": %" G_GUINT64_FORMAT "}\n",
                         server->version, server->options.save ? "true" : "false", moe_cache_bytes(server->cache));
  g_autoptr(GBytes) bytes = g_bytes_new(text->str, text->len);
  return moe_reply_bytes(server, connection, MHD_HTTP_OK, NULL, bytes);
}
