/* The run that a request is about. */
#include "doc/doc.h"
#include "internal.h"

#include <string.h>

/* ---- which run --------------------------------------------------------------------------------------------------- */

static char *existing(const char *folder, const char *inside, const char *file)
{
  g_autofree char *path = g_build_filename(folder, inside, file, NULL);

  return g_file_test(path, G_FILE_TEST_IS_REGULAR) ? g_steal_pointer(&path) : NULL;
}

/* "mai-base-1/v5", "models/mai-base-1/v5.yaml" or a path of the caller's; NULL when there is no such file. */
static char *find_file(const MoeRequest *request, const char *name)
{
  const char *folder = request->data_dir ? request->data_dir : ".";
  gboolean complete = g_str_has_suffix(name, ".yaml") || g_str_has_suffix(name, ".yml");
  g_autofree char *file = g_strconcat(name, complete ? "" : ".yaml", NULL);

  if (!request->options->confined && g_file_test(name, G_FILE_TEST_IS_REGULAR))
    return g_strdup(name);
  char *found = existing(folder, "", file);

  return found ? found : existing(folder, "models", file);
}

/* A name that nobody has stays as it is: loading says what is wrong with it. */
static gboolean name_run(MoeAsked *asked, const MoeRequest *request, const MoeNode *node, GError **error)
{
  g_autofree char *file = NULL, *inside = NULL;
  const char *text = NULL;
  const MoeNode *variant = moe_request_get(request, "variant");

  if (!moe_node_read_text(node, &text, error))
    return FALSE;
  moe_ask_split_variant(text, &file, &inside);
  asked->argument = g_strdup(text);
  asked->path = find_file(request, file);
  if (inside && variant && g_strcmp0(moe_node_text(variant), inside) != 0)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(variant), "'%s' names variant '%s' but \"variant\" says '%s'",
                    text, inside, moe_node_text(variant));
  asked->variant = g_steal_pointer(&inside);
  return asked->path ||
         moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node),
                  "no run '%s', expected one of those that ship, such as mai-base-1/v5, or its text", file);
}

/* What a run in a request may extend stands beside it: in models/, or where its name says. */
static char *folder_of(const MoeRequest *request, const char *name)
{
  g_autofree char *beside = g_path_get_dirname(name);
  const char *data = request->data_dir ? request->data_dir : ".";

  return g_build_filename(data, strchr(name, '/') ? beside : "models", NULL);
}

/* {"text": "..."} is a run file; any other map is the run itself. */
static gboolean read_inline(MoeAsked *asked, const MoeRequest *request, const MoeNode *node, GError **error)
{
  const MoeNode *text = moe_node_get(node, "text");
  g_autofree char *folder = folder_of(request, asked->path);
  const char *yaml = "{}";

  if (text && !moe_node_read_text(text, &yaml, error))
    return FALSE;
  asked->text = moe_doc_parse_within(yaml, -1, text ? asked->path : moe_node_mark(node).file, folder,
                                     moe_request_within(request), error);
  if (!asked->text || text)
    return asked->text != NULL;
  return moe_doc_merge(asked->text, "", node, error) &&
         moe_doc_resolve_extends_in(asked->text, moe_doc_root(asked->text), folder, error);
}

static gboolean choose_run(MoeAsked *asked, const MoeRequest *request, const char *key, GError **error)
{
  const MoeNode *node = moe_request_get(request, key);
  const char *name = NULL;

  if (!node)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_doc_root(request->doc)),
                    "no \"%s\" in the request, expected the name of a run, {\"text\": ...} or a run", key);
  if (moe_node_kind(node) != MOE_NODE_MAP)
    return name_run(asked, request, node, error);
  if (!moe_request_text(request, "name", &name, error))
    return FALSE;
  asked->path = g_strdup(name ? name : "run");
  asked->argument = g_strdup(asked->path);
  return read_inline(asked, request, node, error);
}

/* ---- what is changed --------------------------------------------------------------------------------------------- */

gboolean moe_asked_add(MoeAsked *asked, const MoeNode *map, GError **error)
{
  if (!map)
    return TRUE;
  if (!moe_node_expect(map, MOE_NODE_MAP, "changes", error))
    return FALSE;
  g_ptr_array_set_size(asked->sets, (gint)asked->sets->len - 1);
  for (guint i = 0; i < moe_node_size(map); i++) {
    const MoeNode *value = moe_node_at(map, i);
    g_autofree char *flow = moe_node_print_flow(value);
    const char *text = moe_node_text(value);

    g_ptr_array_add(asked->sets, g_strconcat(moe_node_key(map, i), "=", text ? text : flow, NULL));
  }
  g_ptr_array_add(asked->sets, NULL);
  asked->load.sets = (const char *const *)asked->sets->pdata;
  return TRUE;
}

static gboolean add_headroom(MoeAsked *asked, const MoeRequest *request, GError **error)
{
  const char *headroom = NULL;

  if (!moe_request_text(request, "headroom", &headroom, error))
    return FALSE;
  if (!headroom)
    return TRUE;
  g_ptr_array_insert(asked->sets, (gint)asked->sets->len - 1, g_strconcat("memory.headroom=", headroom, NULL));
  asked->load.sets = (const char *const *)asked->sets->pdata;
  return TRUE;
}

gboolean moe_asked_init(MoeAsked *asked, const MoeRequest *request, const char *key, GError **error)
{
  MoeRunOptions *load = &asked->load;
  const char *variant = NULL;

  *asked = (MoeAsked){.sets = g_ptr_array_new_with_free_func(g_free)};
  g_ptr_array_add(asked->sets, NULL);
  load->data_dir = request->data_dir;
  if (!choose_run(asked, request, key, error) || !moe_request_text(request, "variant", &variant, error) ||
      !moe_request_text(request, "cluster", &load->cluster, error) ||
      !moe_request_text(request, "stack", &load->stack, error) || !moe_ask_load_options(&request->words, load, error) ||
      !moe_asked_add(asked, moe_request_get(request, "set"), error) || !add_headroom(asked, request, error))
    return FALSE;
  load->variant = asked->variant ? asked->variant : variant;
  load->text = asked->text;
  load->within = moe_request_within(request);
  return TRUE;
}

void moe_asked_clear(MoeAsked *asked)
{
  g_free(asked->path);
  g_free(asked->argument);
  g_free(asked->variant);
  moe_doc_free(asked->text);
  g_clear_pointer(&asked->sets, g_ptr_array_unref);
}

MoeRun *moe_asked_load(const MoeRequest *request, const char *key, GError **error)
{
  g_auto(MoeAsked) asked = {0};

  return moe_asked_init(&asked, request, key, error) ? moe_run_load(asked.path, &asked.load, error) : NULL;
}
