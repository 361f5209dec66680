/* The text of a request to a document, and what stands at its keys. */
#include "doc/doc.h"
#include "internal.h"

#include <string.h>

/* Keys of every request. */
static const char *const common_keys[] = {"run",   "name",    "variant",  "cluster",  "stack",
                                          "gpus",  "scaling", "set",      "fidelity", "seed",
                                          "steps", "jobs",    "budget_s", "headroom", NULL};

/* ---- what was said ----------------------------------------------------------------------------------------------- */

const MoeNode *moe_request_get(const MoeRequest *request, const char *key)
{
  const MoeNode *node = moe_node_get(moe_doc_root(request->doc), key);

  return node && moe_node_is_null(node) ? NULL : node;
}

/* The option "host-mtbf" is the key "host_mtbf". A list or map is no word: its reader says so where it is one's due. */
static MoeSaid find(const char *option, gpointer source)
{
  const MoeRequest *request = source;
  MoeSaid said = {.name = ""};

  g_strlcpy(said.name, option, sizeof said.name);
  g_strdelimit(said.name, "-", '_');
  const MoeNode *node = moe_request_get(request, said.name);
  if (node && moe_node_kind(node) == MOE_NODE_SCALAR) {
    said.text = moe_node_text(node);
    said.mark = moe_node_mark(node);
  }
  return said;
}

gboolean moe_request_integer(const MoeRequest *request, const char *key, int64_t least, int64_t most, int64_t *value,
                             GError **error)
{
  const MoeNode *node = moe_request_get(request, key);

  return !node || moe_node_read_int(node, least, most, value, error);
}

gboolean moe_request_bool(const MoeRequest *request, const char *key, gboolean *value, GError **error)
{
  const MoeNode *node = moe_request_get(request, key);

  return !node || moe_node_read_bool(node, value, error);
}

gboolean moe_request_text(const MoeRequest *request, const char *key, const char **value, GError **error)
{
  const MoeNode *node = moe_request_get(request, key);

  *value = NULL;
  return !node || moe_node_read_text(node, value, error);
}

gboolean moe_request_jobs(const MoeRequest *request, guint *jobs, GError **error)
{
  guint most = request->options->jobs;
  int64_t said = most;

  if (!moe_request_integer(request, "jobs", 0, MOE_STUDY_MAX_JOBS, &said, error))
    return FALSE;
  *jobs = most > 0 && (said == 0 || said > most) ? most : (guint)said;
  return TRUE;
}

gboolean moe_request_steps(const MoeRequest *request, int64_t *steps, GError **error)
{
  *steps = 1;
  return moe_request_integer(request, "steps", 1, MOE_ASK_MAX_STEPS, steps, error);
}

gboolean moe_request_is_over(gpointer user_data)
{
  const MoeRequest *request = user_data;

  return moe_stop_is_due(&request->stop);
}

gboolean moe_request_sim(const MoeRequest *request, MoeSimOptions *sim, GError **error)
{
  if (!moe_ask_sim_options(&request->words, sim, error))
    return FALSE;
  sim->stopped = moe_request_is_over;
  sim->stopped_data = (gpointer)request;
  return TRUE;
}

void moe_request_progress(guint done, guint total, gpointer user_data)
{
  const MoeRequest *request = user_data;
  const MoeDoorOptions *options = request->options;

  if (options->progress)
    options->progress(done, total, options->progress_data);
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

/* "8" of a scalar, "8,16" of a list. */
static gboolean append_values(GString *out, const MoeNode *node, GError **error)
{
  const char *text = NULL;

  if (moe_node_kind(node) == MOE_NODE_SCALAR)
    return moe_node_read_text(node, &text, error) && g_string_append(out, text);
  if (!moe_node_expect(node, MOE_NODE_LIST, "values", error))
    return FALSE;
  for (guint i = 0; i < moe_node_size(node); i++) {
    g_autofree char *value = moe_node_print_flow(moe_node_at(node, i));
    const char *plain = moe_node_text(moe_node_at(node, i));

    g_string_append_printf(out, "%s%s", i > 0 ? "," : "", plain && !strpbrk(plain, ",[]{}\"") ? plain : value);
  }
  return TRUE;
}

GPtrArray *moe_request_list(const MoeRequest *request, const char *key, GError **error)
{
  const MoeNode *node = moe_request_get(request, key);
  g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
  gboolean map = node && moe_node_kind(node) == MOE_NODE_MAP;

  if (node && !map && !moe_node_expect(node, MOE_NODE_LIST, key, error))
    return NULL;
  for (guint i = 0; node && i < moe_node_size(node); i++) {
    GString *text = g_string_new(map ? moe_node_key(node, i) : "");

    g_string_append(text, map ? "=" : "");
    gboolean good = append_values(text, moe_node_at(node, i), error);
    g_ptr_array_add(list, g_string_free(text, FALSE));
    if (!good)
      return NULL;
  }
  g_ptr_array_add(list, NULL);
  return g_steal_pointer(&list);
}

/* ---- the request ------------------------------------------------------------------------------------------------- */

static gboolean check_keys(const MoeNode *root, const char *const *keys, GError **error)
{
  g_autoptr(GPtrArray) known = g_ptr_array_new();

  for (guint i = 0; common_keys[i]; i++)
    g_ptr_array_add(known, (gpointer)common_keys[i]);
  for (guint i = 0; keys[i]; i++)
    g_ptr_array_add(known, (gpointer)keys[i]);
  g_ptr_array_add(known, NULL);
  const char *const *words = (const char *const *)known->pdata;

  for (guint i = 0; i < moe_node_size(root); i++) {
    const char *key = moe_node_key(root, i);
    const char *nearest = moe_nearest_word(key, words);
    g_autofree char *list = g_strjoinv(", ", (char **)known->pdata);

    if (!g_strv_contains(words, key))
      return moe_fail(error, MOE_ERROR_INPUT, moe_node_key_mark(root, i), "unknown key \"%s\" of a request, %s %s", key,
                      nearest ? "did you mean" : "expected one of", nearest ? nearest : list);
  }
  return TRUE;
}

static gboolean is_cancelled(gpointer user_data)
{
  return moe_cancel_is_set(user_data);
}

/* The earlier of what the request and its server allow. */
static gboolean read_stop(MoeRequest *request, GError **error)
{
  const MoeNode *node = moe_request_get(request, "budget_s");
  const MoeCancel *cancel = request->options->cancel;
  double budget_s = 0, most_s = request->options->budget_s;

  if (node && !moe_node_read_quantity(node, MOE_DIM_NONE, &budget_s, error))
    return FALSE;
  if (most_s > 0 && (budget_s <= 0 || budget_s > most_s))
    budget_s = most_s;
  request->stop = moe_stop_after(budget_s, cancel ? is_cancelled : NULL, (gpointer)cancel);
  return TRUE;
}

gboolean moe_request_init(MoeRequest *request, const char *text, const char *const *keys, const MoeDoorOptions *options,
                          GError **error)
{
  *request = (MoeRequest){.options = options, .words = {find, request}};
  request->data_dir = options->data_dir ? g_strdup(options->data_dir) : moe_data_dir();
  request->doc = moe_doc_parse(text, -1, REQUEST_NAME, NULL, error);
  return request->doc && check_keys(moe_doc_root(request->doc), keys, error) && read_stop(request, error);
}

/* Without a data folder nothing may be read: a name that no folder has. */
const char *moe_request_within(const MoeRequest *request)
{
  if (!request->options->confined)
    return NULL;
  return request->data_dir ? request->data_dir : "";
}

void moe_request_clear(MoeRequest *request)
{
  moe_doc_free(request->doc);
  g_free(request->data_dir);
}

double moe_request_time(const MoeRequest *request, double budget_s)
{
  double left_s = (double)(request->stop.end_us - g_get_monotonic_time()) / G_USEC_PER_SEC;

  if (request->stop.end_us == 0)
    return budget_s;
  return budget_s > 0 ? MIN(budget_s, left_s) : left_s;
}
