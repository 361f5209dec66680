/* A server with doors of the test, asked over sockets as browsers, scripts and attackers would. */
#include "moetest.h"

#include "serve/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- doors ------------------------------------------------------------------------------------------------------- */

typedef struct {
  gint asked, at_work, stopped;
} Counts;

/* Says what it was told. */
static char *echo(const char *request, const MoeServeCall *call, gpointer data, MoeServeKind *kind)
{
  Counts *counts = data;

  (void)call;
  g_atomic_int_inc(&counts->asked);
  *kind = *request == '!' ? MOE_SERVE_REFUSED : MOE_SERVE_DONE;
  return g_strdup_printf("{\"said\": %s}", request);
}

static void note_stop(gpointer flag)
{
  g_atomic_int_set((gint *)flag, 1);
}

/* Works until it is stopped, at most for half a minute; tells of its progress. */
static char *endless(const char *request, const MoeServeCall *call, gpointer data, MoeServeKind *kind)
{
  Counts *counts = data;
  gint flag = 0;

  (void)request;
  g_atomic_int_inc(&counts->at_work);
  call->on_stop(note_stop, &flag, call->user_data);
  for (guint i = 0; i < 3000 && !g_atomic_int_get(&flag); i++) {
    call->progress(i, 3000, call->user_data);
    g_usleep(10000);
  }
  call->on_stop(NULL, NULL, call->user_data);
  g_atomic_int_add(&counts->stopped, g_atomic_int_get(&flag));
  g_atomic_int_add(&counts->at_work, -1);
  *kind = MOE_SERVE_DONE;
  return g_strdup("{}");
}

static char *steps(const char *request, const MoeServeCall *call, gpointer data, MoeServeKind *kind)
{
  (void)request, (void)data;
  for (guint i = 1; i <= 3; i++) {
    call->progress(i, 3, call->user_data);
    g_usleep(120000);
  }
  *kind = MOE_SERVE_DONE;
  return g_strdup("{\n  \"best\": 1\n}");
}

/* ---- a server ---------------------------------------------------------------------------------------------------- */

typedef struct {
  Counts counts;
  MoeServeDoor doors[3];
  MoeServeOptions options;
  MoeServer *server;
} Place;

static void open_place(Place *place)
{
  g_autoptr(GError) error = NULL;

  place->doors[0] = (MoeServeDoor){.name = "echo", .answer = echo, .user_data = &place->counts, .kept = TRUE};
  place->doors[1] = (MoeServeDoor){.name = "endless", .answer = endless, .user_data = &place->counts};
  place->doors[2] = (MoeServeDoor){.name = "steps", .answer = steps};
  place->options.doors = place->doors;
  place->options.n_doors = G_N_ELEMENTS(place->doors);
  place->server = moe_server_new(&place->options, &error);
  ck_assert_msg(place->server != NULL, "%s", error ? error->message : "");
}

static int connect_to(const Place *place)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)moe_server_port(place->server))};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct timeval most = {.tv_sec = 30};

  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ck_assert_int_ge(fd, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
  ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

/* FALSE when the other side closed. */
static gboolean send_all(int fd, const char *bytes, gsize length)
{
  while (length > 0) {
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0)
      return FALSE;
    bytes += sent;
    length -= (gsize)sent;
  }
  return TRUE;
}

static char *receive_all(int fd)
{
  GString *text = g_string_new(NULL);
  char block[65536];

  for (ssize_t n = recv(fd, block, sizeof block, 0); n > 0; n = recv(fd, block, sizeof block, 0))
    g_string_append_len(text, block, n);
  return g_string_free(text, FALSE);
}

/* The whole answer to a whole request. */
static char *talk(const Place *place, const char *request)
{
  int fd = connect_to(place);
  gboolean sent = send_all(fd, request, strlen(request));
  char *answer = receive_all(fd);

  ck_assert(sent || *answer);
  close(fd);
  return answer;
}

static char *request_of(const char *method, const char *path, const char *headers, const char *body)
{
  return g_strdup_printf("%s %s HTTP/1.1\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s", method, path,
                         strlen(body), headers, body);
}

#define OWN  "Host: localhost\r\n"
#define JSON OWN "Content-Type: application/json\r\n"

static int status(const Place *place, const char *method, const char *path, const char *headers, const char *body)
{
  g_autofree char *request = request_of(method, path, headers, body);
  g_autofree char *answer = talk(place, request);

  return g_str_has_prefix(answer, "HTTP/1.1 ") ? atoi(answer + strlen("HTTP/1.1 ")) : 0;
}

static gboolean wait_for(gint *value, gint wanted)
{
  for (guint i = 0; i < 500 && g_atomic_int_get(value) != wanted; i++)
    g_usleep(10000);
  return g_atomic_int_get(value) == wanted;
}

/* ---- what is let in ---------------------------------------------------------------------------------------------- */

START_TEST(answers)
{
  Place place = {0};

  open_place(&place);
  ck_assert_int_eq(status(&place, "GET", "/", OWN, ""), 200);
  ck_assert_int_eq(status(&place, "GET", "/api", OWN, ""), 200);
  ck_assert_int_eq(status(&place, "POST", "/api/echo", JSON, "{}"), 200);
  ck_assert_int_eq(status(&place, "POST", "/api/echo", JSON, "!"), 422);
  ck_assert_int_eq(status(&place, "GET", "/api/echo", OWN, ""), 405);
  ck_assert_int_eq(status(&place, "GET", "/none", OWN, ""), 404);
  ck_assert_int_eq(status(&place, "OPTIONS", "/api/echo", OWN "Origin: http://localhost\r\n", ""), 405);
  g_autofree char *request = request_of("POST", "/api/echo", JSON, "{\"a\": 1}");
  g_autofree char *answer = talk(&place, request);
  ck_assert(g_str_has_suffix(answer, "\r\n\r\n{\"said\": {\"a\": 1}}"));
  static const char *const headers[] = {"Content-Security-Policy: default-src 'none'",
                                        "X-Content-Type-Options: nosniff", "Cross-Origin-Resource-Policy: same-origin",
                                        "X-Frame-Options: DENY"};
  for (guint i = 0; i < G_N_ELEMENTS(headers); i++)
    ck_assert_ptr_nonnull(strstr(answer, headers[i]));
  ck_assert_ptr_null(strstr(answer, "Access-Control"));
  moe_server_free(place.server);
}
END_TEST

START_TEST(foreigners_are_refused)
{
  Place place = {0};

  open_place(&place);
  ck_assert_int_eq(status(&place, "GET", "/", "Host: evil.example\r\n", ""), 421);
  ck_assert_int_eq(
      status(&place, "POST", "/api/echo", "Host: evil.example\r\nContent-Type: application/json\r\n", "{}"), 421);
  ck_assert_int_eq(status(&place, "POST", "/api/echo", JSON "Origin: http://evil.example\r\n", "{}"), 403);
  ck_assert_int_eq(status(&place, "POST", "/api/echo", JSON "Origin: null\r\n", "{}"), 403);
  ck_assert_int_eq(status(&place, "POST", "/api/echo", JSON "Sec-Fetch-Site: same-site\r\n", "{}"), 403);
  ck_assert_int_eq(status(&place, "GET", "/api", OWN "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n", ""),
                   403);
  ck_assert_int_eq(status(&place, "POST", "/api/echo", OWN "Content-Type: text/plain\r\n", "{}"), 415);
  ck_assert_int_eq(status(&place, "POST", "/api/echo", "Content-Type: application/json\r\n", "{}"), 421); /* no Host */
  ck_assert_int_eq(place.counts.asked, 0);
  moe_server_free(place.server);
}
END_TEST

START_TEST(only_with_the_token)
{
  Place place = {.options.token = "0123456789abcdef"};

  open_place(&place);
  ck_assert_int_eq(status(&place, "POST", "/api/echo", JSON, "{}"), 401);
  ck_assert_int_eq(status(&place, "GET", "/api", OWN, ""), 401);
  ck_assert_int_eq(status(&place, "POST", "/api/echo?token=0123456789abcdef", JSON, "{}"), 401);
  ck_assert_int_eq(status(&place, "POST", "/api/echo", JSON "Authorization: Bearer 0123456789abcdee\r\n", "{}"), 401);
  ck_assert_int_eq(place.counts.asked, 0);
  ck_assert_int_eq(status(&place, "POST", "/api/echo", JSON "Authorization: Bearer 0123456789abcdef\r\n", "{}"), 200);
  g_autofree char *url = moe_server_url(place.server);
  ck_assert(g_str_has_suffix(url, "/#token=0123456789abcdef")); /* a fragment is never sent */
  moe_server_free(place.server);
}
END_TEST

START_TEST(others_need_a_token)
{
  static const char *const others[] = {"0.0.0.0", "::", "10.1.2.3"};

  for (guint i = 0; i < G_N_ELEMENTS(others); i++)
    for (guint with = 0; with < 2; with++) {
      g_autoptr(GError) error = NULL;
      MoeServeOptions options = {.address = others[i], .token = with ? "short" : NULL};
      ck_assert_ptr_null(moe_server_new(&options, &error));
      ck_assert_ptr_nonnull(strstr(error->message, "expected a token"));
    }
  g_autoptr(GError) error = NULL;
  MoeServeOptions options = {.address = "example.org", .token = "0123456789abcdef"};
  ck_assert_ptr_null(moe_server_new(&options, &error));
}
END_TEST

START_TEST(a_port_is_taken_once)
{
  Place place = {0};
  g_autoptr(GError) error = NULL;

  open_place(&place);
  MoeServeOptions again = {.port = moe_server_port(place.server)};
  ck_assert_ptr_null(moe_server_new(&again, &error));
  ck_assert_ptr_nonnull(strstr(error->message, "cannot listen"));
  moe_server_free(place.server);
}
END_TEST

START_TEST(paths_lead_nowhere)
{
  static const char *const paths[] = {"/../../../../etc/passwd",      "/..%2f..%2fetc/passwd",
                                      "/%2e%2e/%2e%2e/etc/passwd",    "//etc/passwd",
                                      "/index.html/../../etc/passwd", "/models/deepseek-v3.yaml"};
  Place place = {0};

  open_place(&place);
  for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
    ck_assert_msg(status(&place, "GET", paths[i], OWN, "") == 404, "%s", paths[i]);
  moe_server_free(place.server);
}
END_TEST

/* ---- limits ------------------------------------------------------------------------------------------------------ */

/* What was freed is kept for a while under AddressSanitizer: memory tells nothing there. */
#if defined(__SANITIZE_ADDRESS__)
#define MEMORY_TELLS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORY_TELLS 0
#endif
#endif
#ifndef MEMORY_TELLS
#define MEMORY_TELLS 1
#endif

static glong peak_kb(void)
{
  struct rusage usage;

  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

/* 100 MB are refused by what is said of them; whoever sends them nevertheless finds a closed door. */
START_TEST(large_bodies)
{
  Place place = {0};
  static const char header[] = "POST /api/echo HTTP/1.1\r\n" JSON "Content-Length: 100000000\r\n\r\n";
  g_autofree char *block = g_strnfill(1000000, ' ');

  open_place(&place);
  glong before = peak_kb();
  int fd = connect_to(&place);
  ck_assert(send_all(fd, header, strlen(header)));
  guint sent = 0;
  while (sent < 100 && send_all(fd, block, 1000000))
    sent++;
  ck_assert_uint_lt(sent, 100);
  close(fd);
  ck_assert_int_eq(
      status(&place, "POST", "/api/echo", OWN "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n", ""),
      411);
  ck_assert(!MEMORY_TELLS || peak_kb() - before < 20000);
  ck_assert_int_eq(place.counts.asked, 0);
  ck_assert_int_eq(status(&place, "POST", "/api/echo", JSON, "{}"), 200);
  moe_server_free(place.server);
}
END_TEST

START_TEST(large_headers)
{
  Place place = {0};
  g_autofree char *long_value = g_strnfill(1000000, 'a');
  g_autofree char *headers = g_strdup_printf(OWN "X: %s\r\n", long_value);

  open_place(&place);
  int code = status(&place, "GET", "/", headers, "");
  ck_assert_msg(code == 431 || code == 0, "%d", code);
  ck_assert_int_eq(status(&place, "GET", "/", OWN, ""), 200);
  moe_server_free(place.server);
}
END_TEST

/* A byte now and then keeps a connection alive, but not for longer than a request may take; others are answered
 * meanwhile. */
START_TEST(slow_clients)
{
  Place place = {.options.idle_s = 1};
  static const char header[] = "POST /api/echo HTTP/1.1\r\n" JSON "Content-Length: 1000\r\n\r\n";
  int fds[40];

  open_place(&place);
  for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
    fds[i] = connect_to(&place);
    if (i % 2)
      ck_assert(send_all(fds[i], header, strlen(header)));
  }
  gint64 begun = g_get_monotonic_time();
  ck_assert_int_eq(status(&place, "POST", "/api/echo", JSON, "{}"), 200);
  for (guint n = 0; n < 20; n++) { /* three seconds */
    g_usleep(150000);
    for (guint i = 0; i < G_N_ELEMENTS(fds); i++)
      send_all(fds[i], i % 2 ? " " : "G", 1);
  }
  for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
    char byte;
    ck_assert_int_le(recv(fds[i], &byte, 1, MSG_DONTWAIT), errno == EAGAIN ? 1 : 512); /* an error page at most */
    ck_assert_msg(!send_all(fds[i], "x", 1) || !send_all(fds[i], "x", 1), "connection %u is still open", i);
    close(fds[i]);
  }
  ck_assert_int_lt(g_get_monotonic_time() - begun, 20 * G_USEC_PER_SEC);
  ck_assert_int_eq(place.counts.asked, 1);
  moe_server_free(place.server);
}
END_TEST

START_TEST(broken_requests)
{
  static const char *const broken[] = {
      "\r\n\r\n",
      "GET\r\n\r\n",
      "GET / HTTP/9.9\r\n\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
      "GET / HTTP/1.1\r\nHost\r\n\r\n",
      "POST /api/echo HTTP/1.1\r\n" JSON "Content-Length: -1\r\n\r\n",
      "POST /api/echo HTTP/1.1\r\n" JSON "Content-Length: 99999999999999999999\r\n\r\n",
      "POST /api/echo HTTP/1.1\r\n" JSON "Content-Length: 4\r\nConnection: close\r\n\r\n\xff\xfe{}",
      "POST /api/echo HTTP/1.1\r\n" JSON "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nfffffff\r\n"};
  Place place = {.options.idle_s = 1};

  open_place(&place);
  for (guint i = 0; i < G_N_ELEMENTS(broken); i++) {
    int fd = connect_to(&place);
    send_all(fd, broken[i], strlen(broken[i]));
    shutdown(fd, SHUT_WR);
    g_autofree char *answer = receive_all(fd);
    ck_assert_msg(!g_str_has_prefix(answer, "HTTP/1.1 200"), "%u: %s", i, answer);
    close(fd);
  }
  ck_assert_int_eq(place.counts.asked, 0);
  ck_assert_int_eq(status(&place, "POST", "/api/echo", JSON, "{}"), 200);
  moe_server_free(place.server);
}
END_TEST

static guint open_files(void)
{
  g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name(dir))
    n++;
  return n;
}

/* 10,000 one after another leave nothing behind. */
START_TEST(many_connections)
{
  Place place = {0};

  open_place(&place);
  for (guint i = 0; i < 1000; i++)
    ck_assert_int_eq(status(&place, "POST", "/api/echo", JSON, "{}"), 200);
  glong before = peak_kb();
  guint files = open_files();
  for (guint i = 0; i < 10000; i++) {
    g_autofree char *body = g_strdup_printf("{\"a\": %u}", i % 100);
    ck_assert_int_eq(status(&place, "POST", "/api/echo", JSON, body), 200);
  }
  ck_assert_uint_le(open_files(), files + 2);
  ck_assert_msg(!MEMORY_TELLS || peak_kb() < before + before / 10, "%ld kB, %ld before", peak_kb(), before);
  ck_assert_int_eq(place.counts.asked, 101); /* the rest was kept */
  moe_server_free(place.server);
}
END_TEST

/* Beyond those that wait, requests are refused instead of kept; a place that is free again is given again. */
START_TEST(the_queue_ends)
{
  Place place = {.options = {.jobs = 2, .queue = 3}};
  g_autofree char *request = request_of("POST", "/api/endless", JSON, "{}");
  int fds[5];

  open_place(&place);
  for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
    fds[i] = connect_to(&place);
    ck_assert(send_all(fds[i], request, strlen(request)));
  }
  ck_assert(wait_for(&place.counts.at_work, 2));
  g_usleep(200000);
  ck_assert_int_eq(status(&place, "POST", "/api/echo", JSON, "{}"), 503);
  ck_assert_int_eq(status(&place, "GET", "/api", OWN, ""), 200);
  for (guint i = 0; i < G_N_ELEMENTS(fds); i++)
    close(fds[i]);
  ck_assert(wait_for(&place.counts.at_work, 0));
  ck_assert_int_eq(status(&place, "POST", "/api/echo", JSON, "{}"), 200);
  moe_server_free(place.server);
}
END_TEST

START_TEST(time_is_limited)
{
  Place place = {.options.answer_s = 0.3};

  open_place(&place);
  ck_assert_int_eq(status(&place, "POST", "/api/endless", JSON, "{}"), 504);
  ck_assert_int_eq(place.counts.stopped, 1);
  moe_server_free(place.server);
}
END_TEST

/* ---- stopping ---------------------------------------------------------------------------------------------------- */

static void leave(const char *headers)
{
  Place place = {0};
  g_autofree char *request = request_of("POST", "/api/endless", headers, "{}");

  open_place(&place);
  int fd = connect_to(&place);
  ck_assert(send_all(fd, request, strlen(request)));
  ck_assert(wait_for(&place.counts.at_work, 1));
  close(fd);
  gint64 begun = g_get_monotonic_time();
  ck_assert(wait_for(&place.counts.stopped, 1));
  ck_assert_int_lt(g_get_monotonic_time() - begun, 2 * G_USEC_PER_SEC);
  moe_server_free(place.server);
}

START_TEST(who_leaves_stops_its_work)
{
  leave(JSON);
}
END_TEST

START_TEST(who_leaves_a_stream_stops_its_work)
{
  leave(JSON "Accept: text/event-stream\r\n");
}
END_TEST

START_TEST(a_stream_tells_progress)
{
  Place place = {0};
  g_autofree char *request = request_of("POST", "/api/steps", JSON "Accept: text/event-stream\r\n", "{}");

  open_place(&place);
  g_autofree char *answer = talk(&place, request);
  const char *first = strstr(answer, "event: progress\ndata: {\"done\": 1, \"total\": 3}\n\n");
  const char *last = strstr(answer, "event: answer\ndata: {\ndata:   \"best\": 1\ndata: }\n\n");
  ck_assert_msg(first && last && first < last, "%s", answer);
  moe_server_free(place.server);
}
END_TEST

/* Work under way, waiting and streaming ends with the server, soon. */
START_TEST(the_end_is_clean)
{
  Place place = {.options = {.jobs = 2}};
  g_autofree char *plain = request_of("POST", "/api/endless", JSON, "{}");
  g_autofree char *stream = request_of("POST", "/api/endless", JSON "Accept: text/event-stream\r\n", "{}");
  int fds[8];

  guint files = open_files();
  open_place(&place);
  for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
    fds[i] = connect_to(&place);
    ck_assert(send_all(fds[i], i % 2 ? plain : stream, strlen(i % 2 ? plain : stream)));
  }
  ck_assert(wait_for(&place.counts.at_work, 2));
  gint64 begun = g_get_monotonic_time();
  moe_server_free(place.server);
  ck_assert_int_lt(g_get_monotonic_time() - begun, 5 * G_USEC_PER_SEC);
  for (guint i = 0; i < G_N_ELEMENTS(fds); i++)
    close(fds[i]);
  ck_assert_uint_le(open_files(), files);
}
END_TEST

/* ---- saving ------------------------------------------------------------------------------------------------------ */

START_TEST(saves_new_files_only)
{
  const char *folder = moetest_folder();
  Place place = {.options.save = folder};
  static const char body[] = "{\"name\": \"a.yaml\", \"text\": \"a: 1\\n\"}";

  open_place(&place);
  ck_assert_int_eq(status(&place, "POST", "/api/save", JSON, body), 200);
  ck_assert_int_eq(status(&place, "POST", "/api/save", JSON, body), 409);
  ck_assert_int_eq(status(&place, "POST", "/api/save", JSON, "{\"name\": \"../b.yaml\", \"text\": \"\"}"), 400);
  ck_assert_int_eq(status(&place, "POST", "/api/save", JSON, "{"), 400);
  g_autofree char *file = g_build_filename(folder, "a.yaml", NULL);
  g_autofree char *text = NULL;
  ck_assert(g_file_get_contents(file, &text, NULL, NULL));
  ck_assert_str_eq(text, "a: 1\n");
  moe_server_free(place.server);
}
END_TEST

START_TEST(saves_nothing_unless_told)
{
  Place place = {0};

  open_place(&place);
  ck_assert_int_eq(status(&place, "POST", "/api/save", JSON, "{\"name\": \"a.yaml\", \"text\": \"\"}"), 404);
  moe_server_free(place.server);
}
END_TEST

MOE_TEST_MAIN("serve/server", answers, foreigners_are_refused, only_with_the_token, others_need_a_token,
              a_port_is_taken_once, paths_lead_nowhere, large_bodies, large_headers, slow_clients, broken_requests,
              many_connections, the_queue_ends, time_is_limited, who_leaves_stops_its_work,
              who_leaves_a_stream_stops_its_work, a_stream_tells_progress, the_end_is_clean, saves_new_files_only,
              saves_nothing_unless_told)
