/*
 * Private to door: a request on its way to an answer.
 *
 *     moe_request_init (text -> document, options, run) -> a Question's function -> text -> moe_request_clear
 */
#ifndef MOESIM_DOOR_INTERNAL_H
#define MOESIM_DOOR_INTERNAL_H

#include "doc/doc.h"
#include "door/ask.h"
#include <moesim/door.h>

#include <json-glib/json-glib.h>

/* Name of the request in places of errors, and of a run that stands in it. */
#define REQUEST_NAME "request"

typedef struct {
  const MoeDoorOptions *options;
  MoeDoc *doc;
  char *data_dir; /* NULL: none was found */
  MoeWords words; /* of the request; `source` is this struct */
  MoeStop stop;
} MoeRequest;

/* A run as a request names it: "run", or "other" of a comparison. */
typedef struct {
  char *path;         /* of the file, or the name of a run that stands in the request */
  char *argument;     /* as a command line would name it */
  char *variant;      /* NULL: the last */
  MoeDoc *text;       /* of a run that stands in the request */
  GPtrArray *sets;    /* of char *, "key=value", NULL-terminated */
  MoeRunOptions load; /* borrows all of the above, and from the request */
} MoeAsked;

/* FALSE and *error when the text is no request, or has a key that is not among `keys` (NULL-terminated) or those of
 * every request. Clear in either case. */
gboolean moe_request_init(MoeRequest *request, const char *text, const char *const *keys, const MoeDoorOptions *options,
                          GError **error);
void moe_request_clear(MoeRequest *request);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoeRequest, moe_request_clear)

/* Value of a key of the request; NULL when it is absent or null. */
const MoeNode *moe_request_get(const MoeRequest *request, const char *key);
/* A whole number; `value` stays when the key is absent. */
gboolean moe_request_integer(const MoeRequest *request, const char *key, int64_t least, int64_t most, int64_t *value,
                             GError **error);
gboolean moe_request_bool(const MoeRequest *request, const char *key, gboolean *value, GError **error);
/* NULL when absent. */
gboolean moe_request_text(const MoeRequest *request, const char *key, const char **value, GError **error);
/* Threads that the request may use, 0 = as many as the machine has. */
gboolean moe_request_jobs(const MoeRequest *request, guint *jobs, GError **error);
/* fidelity and seed, and the end of the request. */
gboolean moe_request_sim(const MoeRequest *request, MoeSimOptions *sim, GError **error);
/* steps, 1 when not said. */
gboolean moe_request_steps(const MoeRequest *request, int64_t *steps, GError **error);
/* Whether it is time to end; a MoeStopFunc, `user_data` is the request. */
gboolean moe_request_is_over(gpointer user_data);
/* Tells the caller of the door how far the work is, where it wants to know; a MoeProgressFunc, `user_data` is the
 * request. */
void moe_request_progress(guint done, guint total, gpointer user_data);
/* Seconds that a study may take: as said (0: not) or as the server allows, whichever is less. */
double moe_request_time(const MoeRequest *request, double budget_s);
/* A key's list of texts, or map of texts as "key=value" ("expert=8,16" for lists in it), NULL-terminated; empty when
 * absent. NULL and *error when it is neither. Free with g_ptr_array_unref. */
GPtrArray *moe_request_list(const MoeRequest *request, const char *key, GError **error);

/* Reads the run at `key` with variant, cluster, stack, gpus, scaling and set. Clear in either case. */
gboolean moe_asked_init(MoeAsked *asked, const MoeRequest *request, const char *key, GError **error);
void moe_asked_clear(MoeAsked *asked);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoeAsked, moe_asked_clear)
/* Adds "key=value" for every entry of a map after all that are there; nothing for a NULL map. */
gboolean moe_asked_add(MoeAsked *asked, const MoeNode *map, GError **error);
/* Both at once. */
MoeRun *moe_asked_load(const MoeRequest *request, const char *key, GError **error);

/* The folder below which files may be read; NULL: any may. */
const char *moe_request_within(const MoeRequest *request);
/* Whether somebody set the flag. */
gboolean moe_cancel_is_set(const MoeCancel *cancel);

/* ---- answers ----------------------------------------------------------------------------------------------------- */

/* The answer that is an error; `key` (may be NULL): the key of the run that is to blame. Caller frees. */
char *moe_answer_error(const GError *error, const char *key);
/* Adds the members "message", "file" ... of an error to an open object. */
void moe_add_error(JsonBuilder *builder, const GError *error, const char *key);

/* A question: the text of its answer, or NULL and *error. */
char *moe_door_predict(const MoeRequest *request, GError **error);
char *moe_door_memory(const MoeRequest *request, GError **error);
char *moe_door_explain(const MoeRequest *request, GError **error);
char *moe_door_sensitivity(const MoeRequest *request, GError **error);
char *moe_door_sweep(const MoeRequest *request, GError **error);
char *moe_door_goodput(const MoeRequest *request, GError **error);
char *moe_door_search(const MoeRequest *request, GError **error);
char *moe_door_plan(const MoeRequest *request, GError **error);
char *moe_door_infer(const MoeRequest *request, GError **error);
char *moe_door_check(const MoeRequest *request, GError **error);
char *moe_door_timeline(const MoeRequest *request, GError **error);
char *moe_door_convert(const MoeRequest *request, GError **error);
char *moe_door_schema(const MoeRequest *request, GError **error);
char *moe_door_show(const MoeRequest *request, GError **error);
char *moe_door_list(const MoeRequest *request, GError **error);

#endif
