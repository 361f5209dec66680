/*
 * libmicrohttpd, which is loaded when a server starts: with the libraries of its own, for encryption, it would take a
 * third of the time in which every other command starts.
 */
#ifndef MOESIM_SERVE_HTTP_H
#define MOESIM_SERVE_HTTP_H

#include <glib.h>
#include <microhttpd.h>

/* Its calls, each as MHD_NAME. */
#define SERVE_HTTP_CALLS(CALL)                                                                                         \
  CALL(add_response_header)                                                                                            \
  CALL(create_response_from_buffer_with_free_callback_cls)                                                             \
  CALL(create_response_from_callback)                                                                                  \
  CALL(destroy_response)                                                                                               \
  CALL(get_connection_info)                                                                                            \
  CALL(get_daemon_info)                                                                                                \
  CALL(lookup_connection_value)                                                                                        \
  CALL(queue_response)                                                                                                 \
  CALL(quiesce_daemon)                                                                                                 \
  CALL(resume_connection)                                                                                              \
  CALL(start_daemon)                                                                                                   \
  CALL(stop_daemon)                                                                                                    \
  CALL(suspend_connection)

#define SERVE_HTTP_MEMBER(name) __typeof__(MHD_##name) *name;
typedef struct {
  SERVE_HTTP_CALLS(SERVE_HTTP_MEMBER)
} ServeHttp;
#undef SERVE_HTTP_MEMBER

/* Fills `http` from the library, which then stays. FALSE with *error when it is not there. */
gboolean moe_http_load(ServeHttp *http, GError **error);

#endif
