/* A server: its options, its life, and what happens to a request. */
#include "internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ServeHeaders of a request together, bytes. Own choice. */
#define HEADER_BYTES (32 * 1024)

#define STREAM_TYPE "text/event-stream"

/* ---- a request --------------------------------------------------------------------------------------------------- */

static const char *header(const ServeRequest *request, struct MHD_Connection *connection, const char *name)
{
  return request->server->http.lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static ServeHeaders read_headers(const ServeRequest *request, struct MHD_Connection *connection)
{
  return (ServeHeaders){.host = header(request, connection, "Host"),
                        .origin = header(request, connection, "Origin"),
                        .fetch_site = header(request, connection, "Sec-Fetch-Site"),
                        .fetch_mode = header(request, connection, "Sec-Fetch-Mode"),
                        .authorization = header(request, connection, "Authorization"),
                        .content_type = header(request, connection, "Content-Type")};
}

static enum MHD_Result refuse(const ServeRequest *request, struct MHD_Connection *connection, ServeVerdict verdict)
{
  static const struct {
    guint status;
    const char *message;
  } words[] = {
      [GUARD_OPEN] = {MHD_HTTP_INTERNAL_SERVER_ERROR, "let in"},
      [GUARD_FOREIGN_HOST] = {MHD_HTTP_MISDIRECTED_REQUEST, "the Host header names another machine"},
      [GUARD_FOREIGN_ORIGIN] = {MHD_HTTP_FORBIDDEN, "another page's request, expected the own page's"},
      [GUARD_NO_TOKEN] = {MHD_HTTP_UNAUTHORIZED, "expected Authorization: Bearer with the server's token"},
      [GUARD_NO_JSON] = {MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "expected Content-Type: application/json"},
  };

  return moe_reply_error(request->server, connection, words[verdict].status, "%s", words[verdict].message);
}

static ServeVerdict check(const ServeRequest *request, struct MHD_Connection *connection)
{
  const MoeServer *server = request->server;
  ServeHeaders headers = read_headers(request, connection);
  gboolean body = request->route.kind == ROUTE_DOOR || request->route.kind == ROUTE_SAVE;

  if (request->route.kind == ROUTE_ASSET || request->route.kind == ROUTE_NOTHING)
    return moe_guard_asset(&headers, server->listens, server->own_name);
  return moe_guard_door(&headers, server->listens, server->own_name, server->options.token, body);
}

/* The length that a body is said to have; -1 when it is not said. */
static gint64 said_length(const ServeRequest *request, struct MHD_Connection *connection)
{
  const char *text = header(request, connection, "Content-Length");
  guint64 length = 0;

  if (header(request, connection, "Transfer-Encoding"))
    return -1;
  if (!text)
    return 0;
  return g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &length, NULL) ? (gint64)length : -1;
}

/* Its headers are there. An answer now is one without reading the body. */
static enum MHD_Result begin(ServeRequest *request, struct MHD_Connection *connection)
{
  ServeVerdict verdict = check(request, connection);
  gint64 length = said_length(request, connection);
  guint64 most = request->server->options.max_body_bytes;

  moe_client_grant(request->client, request->server->options.idle_s);
  if (verdict != GUARD_OPEN)
    return refuse(request, connection, verdict);
  if (request->route.kind == ROUTE_NOTHING)
    return moe_reply_error(request->server, connection, MHD_HTTP_NOT_FOUND,
                           "nothing at this address; GET /api lists the doors");
  if (request->route.kind == ROUTE_METHOD)
    return moe_reply_method(request->server, connection, request->route.allowed);
  if (length < 0)
    return moe_reply_error(request->server, connection, MHD_HTTP_LENGTH_REQUIRED, "expected Content-Length");
  if ((guint64)length > most)
    return moe_reply_error(request->server, connection, MHD_HTTP_CONTENT_TOO_LARGE,
                           "a body of more than %" G_GUINT64_FORMAT " bytes", most);
  return MHD_YES;
}

static enum MHD_Result save(const ServeRequest *request, struct MHD_Connection *connection)
{
  g_autofree char *name = NULL;
  g_autofree char *text = NULL;
  const char *fault = moe_route_save(request->body->str, (gssize)request->body->len, &name, &text);

  if (fault)
    return moe_reply_error(request->server, connection, MHD_HTTP_BAD_REQUEST, "%s", fault);
  g_autofree char *failure = moe_save(request->server->options.save, name, text);
  if (failure)
    return moe_reply_error(request->server, connection, MHD_HTTP_CONFLICT, "%s", failure);
  char *answer = g_strdup_printf("{\"saved\": \"%s\"}\n", name);
  g_autoptr(GBytes) bytes = g_bytes_new_take(answer, strlen(answer));
  return moe_reply_bytes(request->server, connection, MHD_HTTP_OK, NULL, bytes);
}

static GBytes *find_kept(const ServeRequest *request)
{
  const MoeServeDoor *door = request->route.door;
  g_autofree char *key = door->kept ? moe_cache_key(door->name, request->body->str, request->body->len) : NULL;

  return key ? moe_cache_get(request->server->cache, key) : NULL;
}

static enum MHD_Result ask(ServeRequest *request, struct MHD_Connection *connection)
{
  const char *fault = moe_route_body(request->body->str, request->body->len);
  const char *accept = header(request, connection, "Accept");
  gboolean streams = accept && strstr(accept, STREAM_TYPE);

  if (fault)
    return moe_reply_error(request->server, connection, MHD_HTTP_BAD_REQUEST, "%s", fault);
  g_autoptr(GBytes) kept = streams ? NULL : find_kept(request);
  if (kept)
    return moe_reply_bytes(request->server, connection, MHD_HTTP_OK, request->route.door->type, kept);
  moe_client_grant(request->client, 0);
  request->job = moe_job_begin(request, connection, streams);
  if (!request->job)
    return moe_reply_error(request->server, connection, MHD_HTTP_SERVICE_UNAVAILABLE,
                           "too many requests at once, try again");
  return streams ? moe_reply_stream(request->server, connection, request->job) : MHD_YES;
}

/* The whole request is there, or its job is done. */
static enum MHD_Result answer(ServeRequest *request, struct MHD_Connection *connection)
{
  if (request->job)
    return moe_reply_job(request->server, connection, request->job);
  switch (request->route.kind) {
  case ROUTE_ASSET:
    return moe_reply_asset(request->server, connection, request->route.asset);
  case ROUTE_LIST:
    return moe_reply_list(request->server, connection);
  case ROUTE_SAVE:
    return save(request, connection);
  default:
    return ask(request, connection);
  }
}

/* ---- libmicrohttpd's calls ----------------------------------------------------------------------------------------
 */

static ServeRequest *request_new(MoeServer *server, struct MHD_Connection *connection, const char *method,
                                 const char *path)
{
  const union MHD_ConnectionInfo *info =
      server->http.get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  ServeRequest *request = g_new0(ServeRequest, 1);

  request->server = server;
  request->client = info->socket_context;
  request->route = moe_route(&server->options, method, path);
  request->body = g_string_new(NULL);
  return request;
}

static enum MHD_Result handle(void *data, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *bytes, size_t *length, void **context)
{
  ServeRequest *request = *context;

  (void)version;
  if (!request) {
    request = *context = request_new(data, connection, method, path);
    return begin(request, connection);
  }
  if (*length == 0)
    return answer(request, connection);
  if (!request->body || request->body->len + *length > request->server->options.max_body_bytes)
    return MHD_NO;
  g_string_append_len(request->body, bytes, (gssize)*length);
  *length = 0;
  return MHD_YES;
}

static void complete(void *data, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode how)
{
  ServeRequest *request = *context;

  (void)data, (void)connection, (void)how;
  if (!request)
    return;
  if (request->job)
    moe_job_leave(request->job);
  moe_client_grant(request->client, request->server->options.idle_s);
  if (request->body)
    g_string_free(request->body, TRUE);
  g_free(request);
  *context = NULL;
}

static void add_client(MoeServer *server, struct MHD_Connection *connection, void **context)
{
  ServeClient *client = *context = g_new0(ServeClient, 1);

  client->server = server;
  client->fd = server->http.get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  moe_client_grant(client, server->options.idle_s);
  g_mutex_lock(&server->lock);
  g_hash_table_add(server->clients, client);
  g_cond_broadcast(&server->changed);
  g_mutex_unlock(&server->lock);
}

static void drop_client(MoeServer *server, void **context)
{
  g_mutex_lock(&server->lock);
  g_hash_table_remove(server->clients, *context);
  g_mutex_unlock(&server->lock);
  g_free(*context);
  *context = NULL;
}

static void connect_client(void *data, struct MHD_Connection *connection, void **context,
                           enum MHD_ConnectionNotificationCode what)
{
  if (what == MHD_CONNECTION_NOTIFY_STARTED)
    add_client(data, connection, context);
  else
    drop_client(data, context);
}

/* Paths are compared as they are written. */
static size_t keep_escapes(void *data, struct MHD_Connection *connection, char *text)
{
  (void)data, (void)connection;
  return strlen(text);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static gboolean is_loopback(const struct sockaddr *address)
{
  if (address->sa_family == AF_INET6)
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(gconstpointer)address)->sin6_addr);
  return ntohl(((const struct sockaddr_in *)(gconstpointer)address)->sin_addr.s_addr) >> 24 == 127;
}

/* NULL and *error when the text is no address in digits. */
static struct addrinfo *parse_address(const char *text, guint port, GError **error)
{
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  g_autofree char *service = g_strdup_printf("%u", port);

  if (getaddrinfo(text, service, &hints, &found) == 0)
    return found;
  moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "'%s' is no address, expected one in digits such as 0.0.0.0", text);
  return NULL;
}

static gboolean start_daemon(MoeServer *server, const struct addrinfo *address, GError **error)
{
  guint flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;

  flags |= address->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0;
  errno = 0;
  server->daemon = server->http.start_daemon(
      flags, 0, NULL, NULL, handle, server, MHD_OPTION_SOCK_ADDR, address->ai_addr, MHD_OPTION_CONNECTION_LIMIT,
      server->options.connections, MHD_OPTION_CONNECTION_TIMEOUT, (guint)(server->options.idle_s + 1),
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES, MHD_OPTION_NOTIFY_COMPLETED, complete, NULL,
      MHD_OPTION_NOTIFY_CONNECTION, connect_client, server, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
      MHD_OPTION_END);
  if (!server->daemon)
    return moe_fail(error, MOE_ERROR_IO, (MoeMark){0}, "cannot listen at %s port %u: %s", server->address,
                    server->options.port, errno ? g_strerror(errno) : "it may be taken");
  server->port = server->http.get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
  return TRUE;
}

/* The options with their defaults. */
static void complete_options(MoeServeOptions *options)
{
  options->jobs = options->jobs ? options->jobs : 2 * g_get_num_processors();
  options->queue = options->queue ? options->queue : MOE_SERVE_QUEUE;
  options->connections = options->connections ? options->connections : MOE_SERVE_CONNECTIONS;
  options->answer_s = options->answer_s > 0 ? options->answer_s : MOE_SERVE_ANSWER_S;
  options->idle_s = options->idle_s > 0 ? options->idle_s : MOE_SERVE_IDLE_S;
  options->max_body_bytes = options->max_body_bytes ? options->max_body_bytes : MOE_SERVE_BODY_BYTES;
  options->kept_bytes = options->kept_bytes ? options->kept_bytes : MOE_SERVE_KEPT_BYTES;
}

static MoeServer *server_alloc(const MoeServeOptions *options)
{
  MoeServer *server = g_new0(MoeServer, 1);

  server->options = *options;
  complete_options(&server->options);
  server->address = g_strdup(options->address ? options->address : "127.0.0.1");
  server->own_name = g_strdup(g_get_host_name());
  server->version = g_strdup(options->version ? options->version : "");
  server->cache = moe_cache_new(server->options.kept_bytes, options->data);
  server->clients = g_hash_table_new(NULL, NULL);
  server->jobs = g_hash_table_new(NULL, NULL);
  g_mutex_init(&server->lock);
  g_cond_init(&server->changed);
  return server;
}

static gboolean check_options(MoeServer *server, const struct addrinfo *address, GError **error)
{
  const char *save = server->options.save;

  server->listens = !is_loopback(address->ai_addr);
  if (server->listens && (!server->options.token || strlen(server->options.token) < MOE_SERVE_TOKEN_BYTES))
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                    "%s can be reached from other machines, expected a token of at least %d letters", server->address,
                    MOE_SERVE_TOKEN_BYTES);
  if (save && !g_file_test(save, G_FILE_TEST_IS_DIR))
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "%s is no folder, expected one that is there", save);
  return TRUE;
}

MoeServer *moe_server_new(const MoeServeOptions *options, GError **error)
{
  g_autoptr(MoeServer) server = server_alloc(options);
  struct addrinfo *address = parse_address(server->address, options->port, error);

  if (!address)
    return NULL;
  gboolean fine = check_options(server, address, error) && moe_http_load(&server->http, error);
  if (fine) {
    server->pool = g_thread_pool_new(moe_job_work, server, (gint)server->options.jobs, FALSE, NULL);
    server->watch = g_thread_new("watch", moe_watch, server);
    fine = start_daemon(server, address, error);
  }
  freeaddrinfo(address);
  return fine ? g_steal_pointer(&server) : NULL;
}

guint moe_server_port(const MoeServer *server)
{
  return server->port;
}

char *moe_server_url(const MoeServer *server)
{
  const char *token = server->options.token;
  g_autofree char *escaped = token ? g_uri_escape_string(token, NULL, FALSE) : NULL;
  gboolean any = strcmp(server->address, "0.0.0.0") == 0 || strcmp(server->address, "::") == 0;
  const char *host = any ? server->own_name : server->address;
  const char *open = strchr(host, ':') ? "[" : "", *close = *open ? "]" : "";

  return g_strdup_printf("http://%s%s%s:%u/%s%s", open, host, close, server->port, token ? "#token=" : "",
                         token ? escaped : "");
}

/* Every job is asked to stop, and comes back. */
static void stop_jobs(MoeServer *server)
{
  GHashTableIter iter;
  gpointer each;

  g_mutex_lock(&server->lock);
  server->stopping = TRUE;
  g_hash_table_iter_init(&iter, server->jobs);
  while (g_hash_table_iter_next(&iter, &each, NULL))
    moe_job_drop(each, SERVER_STOPS);
  g_mutex_unlock(&server->lock);
}

static void stop_watch(MoeServer *server)
{
  g_mutex_lock(&server->lock);
  server->over = TRUE;
  g_cond_broadcast(&server->changed);
  g_mutex_unlock(&server->lock);
  g_thread_join(server->watch);
}

/* No connection may be suspended when libmicrohttpd ends: first the jobs, whose number falls to none. */
static void stop(MoeServer *server)
{
  int listening = server->daemon ? server->http.quiesce_daemon(server->daemon) : -1;

  stop_jobs(server);
  g_mutex_lock(&server->lock);
  while (server->pending > 0)
    g_cond_wait(&server->changed, &server->lock);
  g_mutex_unlock(&server->lock);
  g_thread_pool_free(server->pool, FALSE, TRUE);
  if (server->daemon)
    server->http.stop_daemon(server->daemon);
  if (listening >= 0)
    close(listening);
  stop_watch(server);
}

void moe_server_free(MoeServer *server)
{
  if (!server)
    return;
  if (server->pool)
    stop(server);
  g_hash_table_destroy(server->clients);
  g_hash_table_destroy(server->jobs);
  moe_cache_free(server->cache);
  g_mutex_clear(&server->lock);
  g_cond_clear(&server->changed);
  g_free(server->address);
  g_free(server->own_name);
  g_free(server->version);
  g_free(server);
}
